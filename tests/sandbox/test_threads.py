"""Threads' dialect."""

from __future__ import annotations

import sqlite3

import pytest

from tests.sandbox.clients_meta import Threads
from tests.sandbox.driver import Practice

DAY = 86400


@pytest.fixture
def threads(practice: Practice) -> Threads:
    return Threads(practice)


def grown_older(threads: Threads, seconds: int) -> None:
    """As if all tokens had been given that long ago."""
    with sqlite3.connect(threads.practice.settings.database) as database:
        database.execute("UPDATE tokens SET created = created - ?", (seconds,))
    database.close()


def test_a_code_brings_an_hour_and_that_sixty_days(threads: Threads) -> None:
    answer = threads.exchange(threads.consent("anna")["code"]).json()
    assert answer.keys() == {"access_token", "user_id"}
    long = threads.extend(answer["access_token"]).json()
    assert abs(long["expires_in"] - 60 * DAY) < 5
    me = threads.me(long["access_token"]).json()
    assert (me["id"], me["username"]) == (str(answer["user_id"]), "alpenglueck")


def test_it_is_renewed_from_the_second_day_on(threads: Threads) -> None:
    token = threads.long("anna")
    assert threads.refresh(token).status_code == 400
    grown_older(threads, DAY)
    renewed = threads.refresh(token).json()
    assert abs(renewed["expires_in"] - 60 * DAY) < 5
    assert threads.me(renewed["access_token"]).status_code == 200


def test_it_is_not_renewed_after_its_end(threads: Threads) -> None:
    token = threads.long("anna")
    grown_older(threads, DAY)
    threads.practice.pull("threads", "expire_access", person="anna")
    answer = threads.refresh(token).json()["error"]
    assert (answer["code"], answer["error_subcode"]) == (190, 463)


def test_a_missing_scope_is_a_500(threads: Threads) -> None:
    token = threads.long("anna", scope="threads_content_publish")
    answer = threads.me(token)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["type"]) == (500, 10, "THApiException")


def test_errors_of_the_token_endpoint(threads: Threads) -> None:
    code = threads.consent("nils")["code"]
    assert threads.exchange(code, client_secret="no").json()["error"]["code"] == 1
    assert threads.exchange(code).status_code == 200
    assert threads.exchange(code).json()["error"]["error_subcode"] == 36009


@pytest.mark.parametrize(
    ("lever", "subcode"), [("revoke_app", 458), ("change_password", 460), ("suspend", 459)]
)
def test_a_dead_token_names_its_cause(threads: Threads, lever: str, subcode: int) -> None:
    token = threads.long("anna")
    threads.practice.pull("threads", lever, person="anna")
    assert threads.me(token).json()["error"]["error_subcode"] == subcode
    assert threads.me(threads.long("ben")).status_code == 200
