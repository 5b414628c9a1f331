"""What conversations bring, handed to the engine by hand: no network is asked."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from networks.base import Grant, Identity
from networks.registry import NETWORKS
from profiles.models import Profile
from tests import builders
from tokens import probing
from tokens.conversations import Conversations
from tokens.leases import LEASE
from tokens.models import Access, Lease, Token
from tokens.status import lock_tokens, settle


@pytest.fixture
def our_client_ids(settings):
    settings.OAUTH_CLIENTS = dict.fromkeys(NETWORKS, ("tests", "tests-secret"))
    settings.PROBE_INTERVAL = 4 * 3600
    settings.CONFIRM_AFTER = 60


@pytest.fixture
def says(monkeypatch, our_client_ids):
    """`says("tiktok", probe=…)`: what that network's conversations bring from now on: a result, an
    exception, or a function of the grant. Returns the (verb, access token) pairs as asked."""
    asked: list[tuple[str, str]] = []

    def answer(slug, **results):
        for verb, result in results.items():
            monkeypatch.setattr(type(NETWORKS[slug]), verb, conversation(verb, result))
        return asked

    def conversation(verb, result):
        def held(self, client, grant, *_):
            asked.append((verb, grant.access_token))
            brought = result(grant) if callable(result) else result
            if isinstance(brought, Exception):
                raise brought
            return brought
            yield  # a conversation, of no words

        held.__name__ = verb
        return held

    for slug in ("linkedin", "tiktok", "pinterest"):
        answer(slug, identify=lambda grant: Identity(whose(grant), f"{whose(grant)} today"))
    asked.clear()
    return answer


def whose(grant):
    return grant.access_token.removeprefix("access of ")


def login(organization, name="Anna Huber", slug="tiktok", **fields):
    """A stored token that opens, with one valid profile behind it."""
    kind = NETWORKS[slug].kinds[0].slug
    token = builders.token(organization, slug, name, listed_at=timezone.now(), subject=name)
    token.seal(Grant(f"access of {name}", f"refresh of {name}", NETWORKS[slug].scopes))
    for field, value in fields.items():
        setattr(token, field, value)
    token.save()
    builders.access(token, builders.profile(organization, slug, kind))
    with transaction.atomic():  # as storing does: what follows for the profile's columns
        settle(lock_tokens([token.pk]), lambda *_: None, now=timezone.now())
    return token


def ask(slug="tiktok", times=1):
    """Every token of the network, as the worker would; returns how many were claimed last."""
    with Conversations() as talk:
        for _ in range(times):
            Token.objects.update(next_probe_at=timezone.now())
            asked = probing.probe_due(slug, talk)
    return asked


def leased(tokens):
    """As a worker has just claimed them."""
    name, until = uuid4(), timezone.now() + LEASE
    read = list(Token.objects.filter(pk__in=[token.pk for token in tokens]).order_by("pk"))
    Lease.objects.bulk_create(Lease(token=token, name=name, until=until) for token in read)
    for token in read:
        token.lease = name
    return read


def waited(seconds=61):
    """The first look is long enough ago."""
    suspected = Access.objects.exclude(suspected_at=None)
    suspected.update(suspected_at=timezone.now() - timedelta(seconds=seconds))


def the_profile():
    return Profile.objects.get()


def next_probe():
    return Token.objects.get().next_probe_at - timezone.now()
