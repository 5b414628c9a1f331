"""What was found is written, whatever one row, one connection or one neighbour does."""

import threading
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from networks.base import ALIVE, Grant, Identity, Reason, alive, dead, unclear
from networks.registry import NETWORKS
from profiles.models import Profile
from tests import builders
from tests.saying import ask, login, the_profile, waited
from tokens import asking, leases
from tokens.models import Access, Lease, StatusChange, Token
from tokens.status import lock_tokens
from tokens.verdicts import Finding, Listing, write_down

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("our_client_ids")]
REVOKED = dead(Reason.REVOKED_BY_USER)
NUL = alive(("a\x00b", *NETWORKS["tiktok"].required_scopes))


def claimed(slug="tiktok"):
    Token.objects.update(next_probe_at=timezone.now())
    return {token.subject: token for token in leases.claim(slug, 100)}


def test_one_finding_that_the_database_refuses_costs_no_other(world, caplog):
    for name in ("Anna Huber", "Mia Lang", "Jonas Berg"):
        login(world.alpenglueck, name)
    tokens = claimed()
    findings = [Finding(tokens.pop("Mia Lang"), NUL)]
    write_down([*findings, *(Finding(token, REVOKED) for token in tokens.values())])
    assert Profile.objects.filter(status="lost").count() == 2
    mia = Token.objects.get(subject="Mia Lang")
    assert mia.unclear_reason == Reason.NOT_UNDERSTOOD
    assert not Lease.objects.exists()
    assert f"token {mia.pk} cannot be written" in caplog.text


def test_a_connection_that_breaks_at_the_commit_of_a_pair_does_not_lose_it(
    world, says, monkeypatch
):
    now = timezone.now()
    login(world.alpenglueck, issued_at=now - timedelta(hours=1), expires_at=now)
    says("tiktok", probe=ALIVE, refresh=Grant("new", "new too", NETWORKS["tiktok"].scopes))
    commit, tries = asking._commit, []

    def hiccup(claim, grant):
        tries.append(claim)
        if len(tries) == 1:
            raise OperationalError("terminating connection due to administrator command")
        commit(claim, grant)

    monkeypatch.setattr(asking, "_commit", hiccup)
    ask()
    assert Token.objects.get().open().refresh_token == "new too"  # noqa: S105


def test_a_token_that_ended_and_is_not_renewed_for_days_is_told(world, says):
    now = timezone.now()
    ended = {"issued_at": now - timedelta(days=90), "expires_at": now - timedelta(days=9)}
    login(world.alpenglueck, unclear_since=now - timedelta(days=2), **ended)
    refused = unclear(Reason.NOT_A_TOKEN_PROBLEM)
    says("tiktok", probe=dead(Reason.EXPIRED, renewable=True), refresh=refused)
    ask()
    assert not Access.objects.get().suspected_at, "the network may still mend it"
    Token.objects.update(unclear_since=now - timedelta(days=4))
    ask()
    waited()
    ask()
    assert the_profile().reason == Reason.EXPIRED


def test_handing_back_waits_for_a_rotation_and_never_in_a_circle(world):
    for number in range(20):
        login(world.alpenglueck, f"Login {number}")
    tokens = sorted(claimed().values(), key=lambda token: token.pk)
    has_first, errors = threading.Event(), []

    def in_a_thread(call):
        def run():
            try:
                call()
            except OperationalError as error:
                errors.append(error)
            finally:
                connection.close()

        return threading.Thread(target=run)

    def rotate():  # tokens/rotation.py locks in the order of ids
        with transaction.atomic():
            lock_tokens([tokens[0].pk])
            has_first.set()
            threading.Event().wait(0.5)
            lock_tokens([token.pk for token in tokens])

    def hand_back():
        has_first.wait()
        leases.hand_back([asking.PutOff(token, 5.0) for token in reversed(tokens)])

    threads = [in_a_thread(rotate), in_a_thread(hand_back)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert not Lease.objects.exists()


@pytest.mark.parametrize("names", [("Anna Huber", "Mia Lang"), ("Mia Lang", "Anna Huber")])
def test_of_a_board_that_is_gone_and_a_login_that_is_revoked_the_login_is_told(world, names):
    gone, revoked = (login(world.alpenglueck, name, "pinterest") for name in names)
    shared = builders.profile(world.alpenglueck, "pinterest", "board", remote_id="b1")
    for token in sorted((gone, revoked), key=lambda one: names.index(one.subject)):
        builders.access(token, shared)
    since = timezone.now() - timedelta(seconds=99)
    Access.objects.filter(token=gone, profile=shared).update(
        suspected_at=since, suspected_reason=Reason.NO_LONGER_LISTED, suspected_by_listing=True
    )
    tokens = claimed("pinterest")
    empty = Listing(Identity(gone.subject, gone.subject), [])
    write_down(
        [Finding(tokens[gone.subject], ALIVE, empty), Finding(tokens[revoked.subject], REVOKED)]
    )
    changes = StatusChange.objects.filter(profile=shared)
    assert [change.token for change in changes if change.lost_the_last] == [revoked]


def test_a_worker_whose_clock_is_ahead_takes_nobody_elses_lease(world, monkeypatch):
    login(world.alpenglueck)
    assert claimed()
    now = timezone.now
    monkeypatch.setattr("tokens.leases.timezone.now", lambda: now() + timedelta(minutes=3))
    assert leases.claim("tiktok", 10) == []
