"""No process serves that could not read what is stored."""

import importlib
import sys

import pytest
from celery.signals import worker_init
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

SENTENCE = "TOKEN_KEYS lacks the key 0badc0de."


@pytest.fixture
def a_key_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise ImproperlyConfigured(SENTENCE)

    monkeypatch.setattr("config.startup.require_keys", refuse)


@pytest.fixture
def nothing_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.startup.require_keys", connection.ensure_connection)
    # Closing the test's own connection would roll its transaction back.
    monkeypatch.setattr("config.startup.connections.close_all", lambda: None)


@pytest.mark.usefixtures("a_key_is_missing")
def test_the_worker_refuses_in_one_sentence() -> None:
    with pytest.raises(SystemExit, match=SENTENCE):
        worker_init.send(sender=None)


@pytest.mark.usefixtures("a_key_is_missing")
def test_the_web_process_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "config.wsgi", raising=False)
    with pytest.raises(ImproperlyConfigured, match=SENTENCE):
        importlib.import_module("config.wsgi")


@pytest.mark.django_db
@pytest.mark.usefixtures("nothing_is_missing")
def test_both_start_when_no_key_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "config.wsgi", raising=False)
    assert callable(importlib.import_module("config.wsgi").application)
    worker_init.send(sender=None)
