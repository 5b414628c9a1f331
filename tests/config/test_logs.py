"""One line for each record that tells somebody something."""

import logging

import pytest
from django.test import RequestFactory

from config.logs import OneLine, no_health_check
from tests.hostile import HOSTILE


def line_of(message: str) -> str:
    record = logging.LogRecord("web", logging.WARNING, __file__, 1, "%s", (message,), None)
    return OneLine("{levelname} {message}", style="{").format(record)


def test_a_record_is_one_line_whatever_it_says() -> None:
    record = logging.LogRecord(
        "web", logging.WARNING, __file__, 1, "no such page: %s", ("/x\n2026 INFO forged",), None
    )
    assert "\n" not in OneLine("{levelname} {message}", style="{").format(record)


def test_a_line_says_its_time_in_utc() -> None:
    record = logging.makeLogRecord({"created": 1_783_339_200.5, "msecs": 500.0, "msg": "x"})
    line = OneLine("{asctime} {message}", style="{").format(record)
    assert line == "2026-07-06T12:00:00.500Z x"


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_in_a_record_paints_or_turns_a_line(name: str) -> None:
    line = line_of(f"no such profile: {name}")
    assert line.isprintable()
    assert line.startswith("WARNING no such profile: ")


def test_what_people_write_stays_readable() -> None:
    assert line_of("no such profile: Alpenglück – Hütte №1 🏔") == (
        "WARNING no such profile: Alpenglück – Hütte №1 🏔"
    )


@pytest.mark.parametrize(("path", "kept"), [("/healthz", False), ("/o/alpenglueck/", True)])
def test_a_health_check_leaves_no_line(path: str, kept: bool, rf: RequestFactory) -> None:
    record = logging.makeLogRecord({"request": rf.get(path)})
    assert no_health_check(record) is kept


@pytest.mark.parametrize(
    "path",
    [
        "/invitation/Ijc3:1xVX3O:Mf9/",
        "/mail/stop/Ijc3:1xVX3O:Mf9/",
        "/accounts/password/reset/key/3-Mf9/",
        "/accounts/confirm-email/Mf9/",
        "/account/email/Mf9/",
    ],
)
def test_a_link_that_we_mailed_does_not_stand_in_the_log(path: str) -> None:
    record = logging.LogRecord("web", logging.WARNING, __file__, 1, "refused: %s", (path,), None)
    line = OneLine("{levelname} {message}", style="{").format(record)
    assert "Mf9" not in line
    assert path.split("/")[1] in line


def test_what_a_network_answered_does_not_stand_in_the_log() -> None:
    query = "code=Mf9&state=Mf9&oauth_token=Mf9&oauth_verifier=Mf9&page=2"
    line = line_of(f'"GET /oauth/linkedin/callback/?{query} HTTP/1.1" 302')
    assert "Mf9" not in line
    assert "page=2" in line
