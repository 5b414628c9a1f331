"""/healthz tells what is well, and nothing else."""

import time
from http import HTTPStatus
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from config import health, healthcheck
from config.tasks import heartbeat

pytestmark = pytest.mark.django_db


def test_all_is_well_when_the_beat_was_heard(client: Client) -> None:
    heartbeat()
    answer = client.get("/healthz")
    assert answer.status_code == HTTPStatus.OK
    assert answer.json() == {"database": "ok", "broker": "ok", "beat": "ok"}
    assert "no-store" in answer["Cache-Control"]


def test_a_beat_that_has_stopped_is_seen(client: Client) -> None:
    health.broker().set(health.BEAT_KEY, time.time() - health.beat_patience() - 1)
    answer = client.get("/healthz")
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert answer.json() == {"database": "ok", "broker": "ok", "beat": "down"}


def test_a_beat_that_was_never_heard_is_none(client: Client) -> None:
    health.broker().delete(health.BEAT_KEY)
    assert client.get("/healthz").json()["beat"] == "down"


def test_a_broker_that_is_away_is_seen_and_not_named(client: Client, settings: Any) -> None:
    settings.REDIS_URL = "redis://:hush@127.0.0.1:1/0"
    answer = client.get("/healthz")
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert answer.json() == {"database": "ok", "broker": "down", "beat": "down"}


def test_a_database_that_is_away_is_seen_and_not_named(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    heartbeat()

    def refuse() -> None:
        raise OperationalError("connection to postgresql://tokenwacht:hush@db failed")

    monkeypatch.setattr("config.health.connection.cursor", refuse)
    answer = client.get("/healthz")
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert answer.json() == {"database": "down", "broker": "ok", "beat": "ok"}


def test_nobody_posts_to_it(client: Client) -> None:
    assert client.post("/healthz").status_code == HTTPStatus.METHOD_NOT_ALLOWED


def test_the_containers_check_names_the_part_that_is_ill(
    live_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BASE_URL", "http://testserver")
    address = live_server.url.removeprefix("http://")
    health.broker().delete(health.BEAT_KEY)
    assert healthcheck.main(address, "database", "broker") is None
    assert healthcheck.main(address, "beat") == "not well: beat"
    assert "does not answer" in str(healthcheck.main("127.0.0.1:1", "database"))
