"""The bench of killed workers, tiny."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

import pytest
from django.db import connection

from bench import judging, kills
from networks.base import Reason
from tokens.models import Access, Token

TOKENS, KILLS, LIMIT = 200, 4, 1.5


@pytest.mark.timeout(180)
@pytest.mark.django_db(transaction=True)
def test_no_killed_worker_costs_more_than_the_pair_it_was_just_given(settings, monkeypatch):
    base = urlsplit(os.environ["DATABASE_URL"])
    database = base._replace(path=f"/{connection.settings_dict['NAME']}")
    monkeypatch.setenv("DATABASE_URL", database.geturl())
    for name in ("CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.setenv(f"PINTEREST_{name}", "bench")
    settings.OAUTH_CLIENTS = {"pinterest": ("bench", "bench")}
    monkeypatch.setattr(kills, "AIMED", 1)
    monkeypatch.setattr(kills, "ROTATING", 0.5)
    figures = list(kills.run(tokens=[TOKENS], kills=KILLS, limit=LIMIT))
    said = {figure.figure: figure.value for figure in figures}
    assert {none: said[none] for none in judging.NONE} == dict.fromkeys(judging.NONE, 0)
    red = f"{kills.AIMING}: red, {Reason.INVALID_TOKEN_UNSPECIFIED}"
    assert said[red] >= 5 * LIMIT, "nobody asks before the lease has ended"
    assert said[f"{kills.AIMING}: calls until it is red"] <= 4
    assert Token.objects.count() == Access.objects.count() == TOKENS
