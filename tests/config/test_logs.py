"""One line for each record that tells somebody something."""

import logging

import pytest
from django.test import RequestFactory

from config.logs import OneLine, no_health_check


def test_a_record_is_one_line_whatever_it_says() -> None:
    record = logging.LogRecord(
        "web", logging.WARNING, __file__, 1, "no such page: %s", ("/x\n2026 INFO forged",), None
    )
    assert "\n" not in OneLine("{levelname} {message}", style="{").format(record)


def test_a_line_says_its_time_in_utc() -> None:
    record = logging.makeLogRecord({"created": 1_783_339_200.5, "msecs": 500.0, "msg": "x"})
    line = OneLine("{asctime} {message}", style="{").format(record)
    assert line == "2026-07-06T12:00:00.500Z x"


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
    ],
)
def test_a_link_that_we_mailed_does_not_stand_in_the_log(path: str) -> None:
    record = logging.LogRecord("web", logging.WARNING, __file__, 1, "refused: %s", (path,), None)
    line = OneLine("{levelname} {message}", style="{").format(record)
    assert "Mf9" not in line
    assert path.split("/")[1] in line
