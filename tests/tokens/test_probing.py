"""Alive, dead, unclear: what the engine makes of what the practice networks answer."""

import threading
from datetime import timedelta
from functools import partial

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from networks.base import Grant, Health, Reason, Verdict
from networks.http import TIME_LIMIT
from profiles.models import Profile
from tests.practice import at_once
from tests.tokens.racing import PATIENCE, until_somebody_waits
from tokens import asking, learning, leases, outbox, probing, storing
from tokens import status as status_module
from tokens.conversations import Conversations
from tokens.models import Access, Lease, StatusChange, Token
from tokens.verdicts import Finding, write_down

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna(browser, world):
    return browser(world.anna, world.alpenglueck)


@pytest.fixture
def page(anna):
    anna.add("linkedin", "anna", "Alpenglück")
    return Profile.objects.get()


def status(profile):
    profile.refresh_from_db()
    return profile.status


def due(**fields):
    Token.objects.update(next_probe_at=timezone.now(), **fields)


# Alive


def test_a_living_token_stays_green_and_writes_no_change(page, probe):
    probe("linkedin", times=3)
    assert status(page) == "valid"
    assert StatusChange.objects.count() == 1
    token = Token.objects.get()
    assert token.probed_at
    assert not Lease.objects.exists()
    assert token.next_probe_at > timezone.now() + timedelta(hours=2)


@pytest.mark.parametrize("network", ["linkedin", "tiktok", "pinterest", "xing"])
def test_every_network_says_alive_of_what_was_just_connected(anna, probe, network):
    anna.add(network, "anna", *(["Alpenglück"] if network == "linkedin" else []))
    probe(network, times=2)
    assert not Profile.objects.exclude(status="valid").exists()
    assert not Token.objects.exclude(unclear_since=None).exists()


# Dead


@pytest.mark.parametrize("network", ["linkedin", "tiktok", "pinterest", "xing"])
def test_a_changed_password_turns_every_profile_red_with_what_the_network_says(
    anna, practice, probe, network
):
    anna.add(network, "anna", *(["Alpenglück"] if network == "linkedin" else []))
    practice.pull(network, "change_password", person="anna")
    probe(network, times=2)
    assert not Profile.objects.filter(status="valid").exists()
    said = {"linkedin": Reason.REVOKED_BY_USER}.get(network, Reason.INVALID_TOKEN_UNSPECIFIED)
    assert set(Profile.objects.values_list("reason", flat=True)) == {said}


def test_an_ambiguous_death_counts_when_it_is_seen_twice(page, practice, probe, settings):
    settings.CONFIRM_AFTER = 60
    practice.pull("linkedin", "change_password", person="anna")
    probe("linkedin")
    access = Access.objects.get()
    assert status(page) == "valid"
    assert access.suspected_reason == Reason.REVOKED_BY_USER
    assert Token.objects.get().next_probe_at <= timezone.now() + timedelta(seconds=60)
    probe("linkedin")
    assert status(page) == "valid", "the second answer came too soon to confirm anything"
    Access.objects.update(suspected_at=timezone.now() - timedelta(seconds=61))
    probe("linkedin")
    assert status(page) == "lost"
    assert Access.objects.get().suspected_at is None


def test_a_suspicion_ends_when_the_network_says_alive(page, probe):
    Access.objects.update(
        suspected_at=timezone.now() - timedelta(days=1), suspected_reason=Reason.REVOKED_BY_USER
    )
    probe("linkedin")
    assert Access.objects.get().suspected_at is None
    assert status(page) == "valid"


def test_a_death_is_written_down_once(page, practice, probe):
    practice.pull("linkedin", "revoke_app", person="anna")
    probe("linkedin", times=4)
    losses = [change for change in StatusChange.objects.all() if change.lost_the_last]
    assert len(losses) == 1
    assert losses[0].reason == Reason.REVOKED_BY_USER


def test_what_is_red_is_probed_too_and_turns_green_by_itself(page, practice, probe):
    practice.pull("linkedin", "suspend", person="anna")
    probe("linkedin", times=2)
    assert status(page) == "lost"
    practice.pull("linkedin", "restore", person="anna")
    probe("linkedin")
    assert status(page) == "valid"
    assert StatusChange.objects.latest("id").profile_valid


# Unclear


SAID_OF_AN_OUTAGE = {
    "5xx": {Reason.NETWORK_OUTAGE},
    "429": {Reason.RATE_LIMITED},
    # In turn a page where JSON belongs, which a gateway sent, and JSON that breaks off.
    "garbage": {Reason.NETWORK_OUTAGE, Reason.NOT_UNDERSTOOD},
}


NAMES_A_TIME = ("pinterest", "tiktok")


@pytest.mark.parametrize("network", ["linkedin", "tiktok", "pinterest", "xing"])
@pytest.mark.parametrize("mode", SAID_OF_AN_OUTAGE)
def test_an_outage_is_not_a_revocation(anna, practice, probe, network, mode):
    anna.add(network, "anna", *(["Alpenglück"] if network == "linkedin" else []))
    changes = StatusChange.objects.count()
    practice.pull(network, "outage", mode=mode)
    probe(network, times=3)
    assert not Profile.objects.exclude(status="valid").exists()
    assert StatusChange.objects.count() == changes
    token = Token.objects.get()
    assert token.unclear_since
    # Who names a time to wait is not asked again before.
    assert token.unclear_count == (1 if mode == "429" and network in NAMES_A_TIME else 3)
    assert token.unclear_reason in SAID_OF_AN_OUTAGE[mode]
    practice.pull(network, "recover")
    cache.clear()  # the time is over
    probe(network)
    assert Token.objects.get().unclear_since is None


def test_a_network_that_hangs_is_an_outage_too(page, practice, probe, monkeypatch):
    monkeypatch.setattr("networks.http.REQUEST_LIMIT", 0.3)
    practice.pull("linkedin", "outage", mode="timeout")
    probe("linkedin")
    assert status(page) == "valid"
    assert Token.objects.get().unclear_reason == Reason.NETWORK_OUTAGE


def test_an_app_that_is_not_configured_any_more_hurts_no_profile(page, probe, settings):
    settings.OAUTH_CLIENTS = {}
    probe("linkedin", times=3)
    assert status(page) == "valid"
    assert Token.objects.get().unclear_reason == Reason.APP_DISABLED


def test_a_wrong_client_secret_hurts_no_profile(anna, probe, settings):
    for network in ("linkedin", "tiktok", "pinterest", "xing"):
        anna.add(network, "anna", *(["Alpenglück"] if network == "linkedin" else []))
    for slug, (client_id, _) in settings.OAUTH_CLIENTS.items():
        settings.OAUTH_CLIENTS = settings.OAUTH_CLIENTS | {slug: (client_id, "wrong")}
    due(expires_at=timezone.now() - timedelta(minutes=1))
    for network in ("linkedin", "tiktok", "pinterest", "xing"):
        probe(network, times=3)
    assert not Profile.objects.exclude(status="valid").exists()


def test_a_token_that_does_not_open_hurts_no_profile_and_no_batch(anna, page, probe, caplog):
    anna.add("linkedin", "mia", "Bergheim Hotels")
    Token.objects.filter(subject_name="Anna Huber").update(access_token=b"\x01moved from elsewhere")
    probe("linkedin", times=2)
    assert not Profile.objects.exclude(status="valid").exists()
    assert Token.objects.get(subject_name="Mia Lang").probed_at
    broken = Token.objects.get(subject_name="Anna Huber")
    assert broken.unclear_reason == Reason.NOT_UNDERSTOOD
    assert f"token {broken.pk} does not open" in caplog.text


# Roles


def test_a_lost_role_turns_its_page_red_and_no_other(browser, world, practice, probe):
    anna = browser(world.anna, world.alpenglueck)
    anna.add("linkedin", "jonas", "Alpenglück", "Alpenglück Karriere")
    practice.pull("linkedin", "remove_role", person="jonas", profile="40010001")
    probe("linkedin", times=2)
    lost = Profile.objects.get(name="Alpenglück")
    assert (lost.status, lost.reason) == ("lost", Reason.PERMISSION_LOST)
    assert status(Profile.objects.get(name="Alpenglück Karriere")) == "valid"
    practice.pull("linkedin", "grant_role", person="jonas", profile="40010001")
    probe("linkedin")
    assert status(lost) == "valid"


def test_a_listing_that_fails_costs_no_access(page, practice, probe, monkeypatch):
    reach = type(page.network).reach

    def unreachable(self, client, grant, identity):
        practice.pull("linkedin", "outage", mode="5xx")
        return reach(self, client, grant, identity)

    monkeypatch.setattr(type(page.network), "reach", unreachable)
    for _ in range(3):
        practice.pull("linkedin", "recover")
        probe("linkedin")
    assert status(page) == "valid"


# Refreshing


def test_a_token_that_is_about_to_end_is_refreshed_ahead(anna, practice, probe):
    anna.add("tiktok", "anna")
    before = Token.objects.get()
    about_to_end()
    probe("tiktok")
    after = Token.objects.get()
    assert after.open().access_token != before.open().access_token
    assert after.open().refresh_token != before.open().refresh_token
    assert after.expires_at
    assert after.expires_at > timezone.now() + timedelta(hours=1)


def test_an_ended_access_token_is_healed_by_its_refresh_token(anna, practice, probe):
    for network in ("tiktok", "pinterest"):
        anna.add(network, "anna")
        practice.pull(network, "expire_access", person="anna")
        probe(network, times=2)
    assert not Profile.objects.exclude(status="valid").exists()


def test_when_the_refresh_token_has_ended_too_a_person_must_come(anna, practice, probe):
    anna.add("tiktok", "anna")
    practice.pull("tiktok", "expire_access", person="anna")
    practice.pull("tiktok", "expire_refresh", person="anna")
    probe("tiktok", times=2)
    assert status(Profile.objects.get()) == "lost"


def test_a_dead_refresh_token_does_not_kill_a_living_access_token(anna, practice, probe):
    anna.add("tiktok", "anna")
    practice.pull("tiktok", "expire_refresh", person="anna")
    about_to_end()
    probe("tiktok", times=3)
    assert status(Profile.objects.get()) == "valid"


def test_a_refresh_never_moves_the_day_of_consent_later(page, practice, probe):
    first = Token.objects.get().reauthorize_by
    about_to_end()
    probe("linkedin")
    token = Token.objects.get()
    assert token.issued_at > token.consented_at
    assert first
    assert token.reauthorize_by
    assert token.reauthorize_by <= first


@pytest.mark.django_db(transaction=True)
def test_two_workers_refresh_once(anna, probe, monkeypatch):
    anna.add("tiktok", "anna")
    about_to_end()
    due()
    refreshed = []
    refresh = type(Token.objects.get().network).refresh

    def counted(self, client, grant):
        refreshed.append(grant.access_token)
        return (yield from refresh(self, client, grant))

    monkeypatch.setattr(type(Token.objects.get().network), "refresh", counted)

    def work():
        with Conversations() as talk:
            probing.probe_due("tiktok", talk)

    at_once(work, work, work, work)
    assert len(refreshed) == 1
    assert status(Profile.objects.get()) == "valid"


# Races


def about_to_end():
    """An access token in the last minute of an hour; what we read as `issued_at` goes with it."""
    now = timezone.now()
    Token.objects.update(issued_at=now - timedelta(hours=1), expires_at=now + timedelta(minutes=1))


def dead_finding(token):
    return Finding(token, Verdict(Health.DEAD, Reason.REVOKED_BY_USER))


def claimed():
    """Of a worker whose lease has ended, too."""
    Lease.objects.update(until=timezone.now())
    due()
    return leases.claim("linkedin", 10)


def test_a_late_probe_does_not_overwrite_a_reconnect(anna, page):
    (token,) = claimed()
    anna.refresh(page, "anna")
    write_down([dead_finding(token)])
    assert status(page) == "valid"
    assert Token.objects.get().reason == ""


def test_a_late_refresh_does_not_overwrite_a_reconnect(anna, page):
    (token,) = claimed()
    client = token.app.client
    assert client
    claim = asking.Claim(token, client, token.open())
    anna.refresh(page, "anna")
    fresh = Token.objects.get().open().access_token
    asking._commit(claim, claim.grant)
    assert Token.objects.get().open().access_token == fresh


def test_a_finding_whose_lease_has_passed_to_another_worker_is_dropped(page):
    (token,) = claimed()
    (again,) = claimed()
    write_down([dead_finding(token)])
    assert status(page) == "valid"
    write_down([dead_finding(again)])
    assert status(page) == "lost"


def test_a_crashed_workers_claim_comes_back_by_itself(page):
    (token,) = claimed()
    assert leases.claim("linkedin", 10) == []
    Lease.objects.update(until=timezone.now())
    (again,) = leases.claim("linkedin", 10)
    assert again.lease != token.lease


def test_the_lease_outlives_everything_that_is_asked_of_one_token():
    assert 4 * timedelta(seconds=TIME_LIMIT) < leases.LEASE


@pytest.mark.django_db(transaction=True)
def test_of_two_accesses_that_die_at_once_one_sounds_the_alarm(browser, world, monkeypatch):
    """The second comes while the first holds the profile. Without the lock it would read on, and
    each would see the other alive."""
    anna = browser(world.anna, world.alpenglueck)
    anna.add("linkedin", "anna", "Alpenglück")
    anna.add("linkedin", "jonas", "Alpenglück")
    tokens = claimed()
    assert len(tokens) == 2
    lock_and_read, first_holds, second_read = (
        status_module._lock_profiles_of,
        threading.Event(),
        threading.Event(),
    )

    def in_turn(own):
        if first_holds.is_set():
            accesses = lock_and_read(own)
            second_read.set()
            return accesses
        accesses = lock_and_read(own)
        first_holds.set()
        until_somebody_waits(or_else=second_read.is_set)
        return accesses

    monkeypatch.setattr(status_module, "_lock_profiles_of", in_turn)

    def second():
        assert first_holds.wait(PATIENCE)
        write_down([dead_finding(tokens[1])])

    at_once(partial(write_down, [dead_finding(tokens[0])]), second)
    alarms = [change for change in StatusChange.objects.all() if change.lost_the_last]
    assert len(alarms) == 1
    assert status(Profile.objects.get()) == "lost"


def test_of_two_accesses_that_die_in_one_batch_one_sounds_the_alarm(anna, page, practice, probe):
    anna.add("linkedin", "jonas", "Alpenglück")
    for person in ("anna", "jonas"):
        practice.pull("linkedin", "revoke_app", person=person)
    probe("linkedin", times=2)
    alarms = [change for change in StatusChange.objects.all() if change.lost_the_last]
    assert len(alarms) == 1


def test_one_of_two_accesses_that_dies_leaves_the_profile_green(anna, page, practice, probe):
    anna.add("linkedin", "jonas", "Alpenglück")
    practice.pull("linkedin", "revoke_app", person="anna")
    probe("linkedin", times=2)
    assert status(page) == "valid"
    change = StatusChange.objects.latest("id")
    assert (change.reason, change.profile_valid) == (Reason.REVOKED_BY_USER, True)


def queries_of_a_batch(network, size):
    due(listed_at=None)
    with Conversations() as talk, CaptureQueriesContext(connection) as queries:
        assert probing.probe_due(network, talk) == size
    return [query["sql"] for query in queries]


def test_a_batch_costs_the_same_number_of_queries_whatever_its_size(anna, monkeypatch):
    monkeypatch.setattr(outbox, "LINGER", 0.5)  # and is written as one
    learning.pace()  # is read once in five minutes
    anna.add("linkedin", "mia", "Bergheim Hotels")
    of_one = queries_of_a_batch("linkedin", 1)
    anna.add("linkedin", "anna", "Alpenglück")
    anna.add("linkedin", "jonas", "Alpenglück Karriere")
    assert len(queries_of_a_batch("linkedin", 3)) == len(of_one)


@pytest.mark.parametrize("network", ["linkedin", "pinterest"])
def test_where_nothing_has_changed_only_the_token_is_written(anna, network):
    anna.add(network, "anna", *(["Alpenglück"] if network == "linkedin" else []))
    queries = queries_of_a_batch(network, 1)
    written = [sql.split('"')[1] for sql in queries if sql.startswith(("UPDATE", "INSERT"))]
    assert set(written) == {"tokens_token"}


def test_reauthorization_is_due_at_the_earlier_of_the_rule_and_the_refresh_tokens_end(anna):
    anna.add("linkedin", "mia", "Bergheim Hotels")
    token = Token.objects.get()
    assert token.reauthorize_by
    left = token.reauthorize_by - timezone.now()
    assert timedelta(days=11) < left < timedelta(days=13)
    assert Profile.objects.get().next_end == token.reauthorize_by
    by_the_rule = storing.reauthorize_by(token.network, token.consented_at, Grant("a"))
    assert by_the_rule
    assert by_the_rule > token.reauthorize_by
