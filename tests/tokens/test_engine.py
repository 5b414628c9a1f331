"""What the engine makes of what conversations bring, handed to it by hand."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone

from networks.allowance import OverBudget
from networks.base import (
    ALIVE,
    Grant,
    Identity,
    Reachable,
    Reason,
    Refusal,
    Refused,
    TransportError,
    alive,
    dead,
    unclear,
)
from networks.registry import NETWORKS
from profiles.models import Profile
from tests import builders
from tests.practice import at_once
from tests.saying import ask, login, next_probe, the_profile, waited
from tokens import asking, leases, schedule, storing
from tokens.models import Access, Lease, StatusChange, Token
from tokens.status import lock_tokens
from tokens.verdicts import Finding, write_down

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("our_client_ids")]
SECRET = "a-text-that-must-never-be-shown"
LATER = datetime(2100, 1, 1, tzinfo=UTC)
DEFECT = ValueError(SECRET)
OVER = OverBudget(5.0)
RENEWED = Grant("renewed", "renewed-refresh", NETWORKS["tiktok"].scopes)
ENDED = dead(Reason.INVALID_TOKEN_UNSPECIFIED, ambiguous=True, renewable=True)


@pytest.fixture
def anna(world):
    return login(world.alpenglueck)


def about_to_end(token):
    now = timezone.now()
    token.issued_at, token.expires_at = now - timedelta(hours=1), now + timedelta(minutes=1)
    token.save()
    return token


# One token's trouble


def of_mia(result, others=ALIVE):
    return lambda grant: result if "Mia" in grant.access_token else others


def three_logins(organization):
    return [login(organization, name) for name in ("Anna Huber", "Mia Lang", "Jonas Berg")]


def all_but_mia_were_asked():
    mia = Token.objects.get(subject_name="Mia Lang")
    assert mia.unclear_reason == Reason.NOT_UNDERSTOOD
    assert not Lease.objects.filter(token=mia).exists()
    assert not Profile.objects.exclude(status="valid").exists()
    return not Token.objects.exclude(pk=mia.pk).exclude(unclear_reason="").exists()


def test_a_defect_in_one_conversation_costs_none_of_the_others(world, says, caplog):
    three_logins(world.alpenglueck)
    says("tiktok", probe=of_mia(DEFECT))
    assert ask() == 3
    assert all_but_mia_were_asked()
    assert "ValueError" in caplog.text
    assert SECRET not in caplog.text


def test_a_defect_before_a_conversation_costs_none_of_the_others(world, says, monkeypatch):
    three_logins(world.alpenglueck)
    says("tiktok", probe=ALIVE)
    probe = type(NETWORKS["tiktok"]).probe

    def broken(self, client, grant, subject):
        if "Mia" in grant.access_token:
            raise DEFECT
        return probe(self, client, grant, subject)

    monkeypatch.setattr(type(NETWORKS["tiktok"]), "probe", broken)
    assert ask() == 3
    assert all_but_mia_were_asked()


@pytest.mark.parametrize("verdict", [dead(Reason.REVOKED_BY_USER), ALIVE], ids=lambda v: v.health)
@pytest.mark.parametrize("what", ["lease", "issued_at"])
def test_a_finding_counts_only_while_lease_and_issue_are_what_was_read(anna, what, verdict):
    token = claimed()
    lose(what)
    before = Token.objects.values().get()
    write_down([Finding(token, verdict)])
    assert Token.objects.values().get() == before
    assert the_profile().is_valid


def test_what_another_worker_holds_is_passed_by(anna):
    assert claimed()
    assert leases.claim("tiktok", 10) == []


def test_the_longest_due_is_claimed_first(world):
    tokens = [login(world.alpenglueck, f"Login {number}") for number in range(5)]
    for hours, token in enumerate(tokens):
        due = timezone.now() - timedelta(hours=hours)
        Token.objects.filter(pk=token.pk).update(next_probe_at=due)
    assert [leases.claim("tiktok", 1) for _ in tokens] == [[token] for token in reversed(tokens)]


def test_a_claim_compares_no_due_token_with_each_lease(anna):
    values = {"network": anna.network_slug, "limit": 500, "but_of": [], "lease": uuid4()}
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {leases.CLAIM}", values | {"for": leases.LEASE})
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "hashed SubPlan" in plan
    assert "Anti Join" not in plan


def test_who_lost_its_lease_hands_nothing_back(anna):
    mine, theirs = claimed(), claimed()
    before = Token.objects.values().get()
    leases.hand_back([asking.PutOff(mine, 5.0)])
    assert Token.objects.values().get() == before
    assert Lease.objects.get().name == theirs.lease


def test_what_was_reconnected_meanwhile_is_handed_back_with_its_time(anna):
    token = claimed()
    Token.objects.update(issued_at=LATER, next_probe_at=LATER)
    leases.hand_back([asking.PutOff(token, 5.0)])
    assert Token.objects.get().next_probe_at == LATER
    assert not Lease.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_claims_at_once_share_nothing_and_neither_comes_back_empty(world):
    for number in range(8):
        login(world.alpenglueck, f"Login {number}")
    Token.objects.update(next_probe_at=timezone.now())
    got: list[list[Token]] = []

    def slowly_claim():
        with transaction.atomic():
            got.append(leases.claim("tiktok", 4))
            threading.Event().wait(0.3)

    at_once(slowly_claim, slowly_claim)
    assert [len(some) for some in got] == [4, 4]
    assert len({token.pk for some in got for token in some}) == 8


@pytest.mark.django_db(transaction=True)
def test_a_claim_waits_for_no_row_that_somebody_has_locked(anna):
    Token.objects.update(next_probe_at=timezone.now())
    locked, has_claimed = threading.Event(), threading.Event()

    def reconnect():
        with transaction.atomic():
            lock_tokens([anna.pk])
            locked.set()
            assert has_claimed.wait(5)

    def claim():
        assert locked.wait(5)
        assert leases.claim("tiktok", 10) == [anna]
        has_claimed.set()

    at_once(reconnect, claim)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("act", ["end", "renew"])
def test_a_claim_does_not_wait_for_a_worker_that_stands_still_at_its_leases_end(world, act):
    """A paused machine in the middle of its write back: its tokens are the longest due of all."""
    frozen = login(world.alpenglueck)
    token = claimed()
    Lease.objects.update(until=timezone.now())
    other = login(world.alpenglueck, "Mia Lang", next_probe_at=timezone.now())
    stands_still, has_claimed = threading.Event(), threading.Event()

    def write_back():
        with transaction.atomic():
            leases.end([token]) if act == "end" else leases.renew(token, token.issued_at)
            stands_still.set()
            assert has_claimed.wait(5)

    def claim():
        assert stands_still.wait(5)
        assert leases.claim("tiktok", 1) == [other]
        assert leases.claim("tiktok", 1) == []
        has_claimed.set()

    at_once(write_back, claim)
    assert (leases.claim("tiktok", 1) == [frozen]) == (act == "end")


@pytest.mark.django_db(transaction=True)
def test_a_lease_that_is_renewed_at_its_end_is_not_taken_over(anna):
    """By a claim that has seen it end."""
    token = claimed()
    Lease.objects.update(until=timezone.now())
    is_renewed = threading.Event()

    def renew():
        with transaction.atomic():
            assert leases.renew(token, token.issued_at)
            is_renewed.set()
            threading.Event().wait(0.5)

    def claim():
        assert is_renewed.wait(5)
        assert leases.claim("tiktok", 10) == []

    at_once(renew, claim)
    assert leases.end([token]) == {anna.pk}


# Refreshing


def sessions_first(token):
    """The conversation that the session of a claimed token begins with."""
    return asked_next(asking.session_of(token)).conversation.__name__


def asked_next(session, result=None):
    """Its next step that comes to be asked."""
    step = session.send(result)
    while isinstance(step, asking.Renew) and not step.renew_lease():
        step = session.send(None)
    return step


def refresh(session, meanwhile=lambda: None):
    """A session's refresh, which succeeds; then it probes."""
    step = asked_next(session)
    assert step.conversation.__name__ == "refresh"
    meanwhile()
    step.store(RENEWED)
    assert asked_next(session, RENEWED).conversation.__name__ == "probe"


def claimed():
    """Of a worker whose lease has ended, too."""
    Lease.objects.update(until=timezone.now())
    Token.objects.update(next_probe_at=timezone.now())
    return leases.claim("tiktok", 10)[0]


def lose(what):
    """To another worker, or to a person who reconnected."""
    if what == "lease":
        Lease.objects.update(name=uuid4())
    else:
        Token.objects.update(issued_at=LATER)


def test_the_lease_is_renewed_right_before_a_refresh(anna, says):
    says("tiktok", probe=ALIVE, refresh=RENEWED)
    about_to_end(anna)
    token = claimed()
    Lease.objects.update(until=timezone.now() + timedelta(seconds=1))
    assert sessions_first(token) == "refresh"
    assert Lease.objects.get().until - timezone.now() > leases.LEASE * 0.9


def test_who_lost_the_lease_does_not_refresh(anna, says):
    says("tiktok", probe=ALIVE, refresh=RENEWED)
    about_to_end(anna)
    token, _ = claimed(), claimed()
    assert sessions_first(token) == "probe"


def test_who_was_overtaken_by_a_reconnect_does_not_refresh(anna, says):
    says("tiktok", probe=ALIVE, refresh=RENEWED)
    token = claimed()
    about_to_end(token)
    Token.objects.update(issued_at=timezone.now())
    assert sessions_first(token) == "probe"


def test_a_pair_is_committed_before_it_is_probed(anna, says):
    says("tiktok", probe=ALIVE, refresh=RENEWED)
    anna.listed_at = None
    about_to_end(anna)
    refresh(asking.session_of(claimed()))
    assert Token.objects.get().open().access_token == "renewed"


def test_a_refresh_that_succeeds_is_the_probe(anna, says):
    about_to_end(anna)
    asked = says("tiktok", probe=dead(Reason.REVOKED_BY_USER), refresh=RENEWED)
    ask()
    assert asked == [("refresh", "access of Anna Huber")]
    assert next_probe() > timedelta(hours=1)


@pytest.mark.parametrize("over", ["probe", "identify"])
def test_what_the_network_said_before_the_budget_was_used_up_counts(anna, says, over):
    anna.listed_at = None
    about_to_end(anna)
    says("tiktok", refresh=RENEWED, **{"probe": ALIVE, "identify": OVER, over: OVER})
    ask()
    token = Token.objects.get()
    assert (token.unclear_reason, token.listed_at) == ("", None)
    assert next_probe() > timedelta(hours=1), "and it is asked again in its turn"


@pytest.mark.parametrize("ends", [True, False], ids=["ahead of the end", "after the answer"])
def test_a_fresh_pair_that_reads_as_ended_is_not_rotated_again_and_not_believed(anna, says, ends):
    anna.listed_at = None
    anna.save()
    if ends:
        about_to_end(anna)
    asked = says("tiktok", probe=replace(ENDED, ambiguous=False), refresh=RENEWED)
    ask()
    assert [verb for verb, _ in asked].count("refresh") == 1
    assert the_profile().is_valid
    assert Access.objects.get().suspected_at


def test_an_outage_of_the_token_endpoint_is_no_death(anna, says):
    for trouble in (TransportError("gone"), unclear(Reason.NETWORK_OUTAGE)):
        says("tiktok", probe=replace(ENDED, ambiguous=False), refresh=trouble)
        ask(times=2)
        assert the_profile().is_valid
        assert Token.objects.get().unclear_reason == Reason.NETWORK_OUTAGE


def test_a_required_scope_that_is_lost_at_a_refresh_turns_the_profile_red(anna, says):
    about_to_end(anna)
    scopes = tuple(scope for scope in RENEWED.scopes if scope != "video.publish")
    says("tiktok", probe=ALIVE, refresh=replace(RENEWED, scopes=scopes))
    ask()
    profile = the_profile()
    assert (profile.status, profile.reason) == ("lost", Reason.PERMISSION_LOST)
    about_to_end(Token.objects.get())
    says("tiktok", refresh=RENEWED)
    ask()
    assert the_profile().is_valid


def test_a_scope_that_nothing_required_needs_may_go(anna, says):
    about_to_end(anna)
    scopes = ("user.info.basic", "video.publish")
    says("tiktok", probe=ALIVE, refresh=replace(RENEWED, scopes=scopes))
    ask()
    assert the_profile().is_valid


def test_a_scope_that_goes_at_a_refresh_takes_along_what_it_was_for(world, says):
    about_to_end(login(world.alpenglueck, slug="linkedin"))
    assert the_profile().can("comment_on_incoming")
    scopes = set(NETWORKS["linkedin"].scopes) - {"r_organization_social"}
    says("linkedin", refresh=Grant("renewed", "renewed-refresh", tuple(scopes)))
    ask("linkedin")
    profile = the_profile()
    assert profile.is_valid
    assert not profile.can("comment_on_incoming")


def test_a_refresh_never_moves_the_day_later_on_which_a_person_must_come(anna, says):
    day = anna.reauthorize_by = timezone.now() + timedelta(days=3)
    about_to_end(anna)
    says("tiktok", refresh=replace(RENEWED, refresh_expires_at=day + timedelta(days=300)))
    ask()
    token = Token.objects.get()
    assert token.open().access_token == "renewed"
    assert token.reauthorize_by == day


@pytest.mark.parametrize("what", ["lease", "issued_at"])
def test_a_pair_is_stored_only_while_lease_and_issue_are_what_was_read(anna, says, what):
    says("tiktok", probe=ALIVE, refresh=RENEWED)
    anna.listed_at = None
    about_to_end(anna)
    refresh(asking.session_of(claimed()), meanwhile=partial(lose, what))
    assert Token.objects.get().open().access_token == "access of Anna Huber"


# Clocks


def test_a_refresh_token_that_each_use_extends_asks_for_no_person_at_its_end(world):
    """Bluesky's lives 90 days unused, and a person is needed after two years."""
    token = builders.token(world.alpenglueck, "bluesky")
    soon = Grant("a", "r", refresh_expires_at=timezone.now() + timedelta(days=90))
    wanted = storing.reauthorize_by(token.network, token.consented_at, soon)
    assert wanted
    assert wanted > timezone.now() + timedelta(days=700)


def test_a_renewal_that_is_overdue_shows_the_end_that_comes_then(world):
    token = builders.token(world.alpenglueck, "threads")
    now = timezone.now()
    token.refresh_token, token.refresh_expires_at = b"x", now + timedelta(days=20)
    token.expires_at = now + timedelta(days=1)
    assert token.ends_for_people_at is None
    token.expires_at = now - timedelta(days=1)
    assert token.ends_for_people_at == token.refresh_expires_at


def test_a_new_refresh_token_without_a_stated_end_has_none(anna, says):
    anna.refresh_expires_at = timezone.now() + timedelta(days=3)
    about_to_end(anna)
    says("tiktok", probe=ALIVE, refresh=RENEWED)
    ask()
    token = Token.objects.get()
    assert token.open().refresh_token == "renewed-refresh"
    assert token.refresh_expires_at is None


def test_an_empty_refresh_token_never_replaces_a_stored_one(anna, says):
    about_to_end(anna)
    says("tiktok", probe=ALIVE, refresh=replace(RENEWED, refresh_token=""))
    ask()
    assert Token.objects.get().open().refresh_token == "refresh of Anna Huber"


def test_a_refreshable_token_is_asked_when_it_is_to_be_renewed(anna, says):
    says("tiktok", probe=ALIVE)
    Token.objects.update(expires_at=timezone.now() + timedelta(hours=2))
    ask()
    token = Token.objects.get()
    assert token.next_probe_at == schedule.refresh_due(token.expires_at, token.issued_at)
    assert token.next_probe_at < timezone.now() + timedelta(hours=2)


def test_the_first_unclear_answer_is_asked_about_after_a_quarter(anna, says):
    says("tiktok", probe=unclear(Reason.NETWORK_OUTAGE))
    ask()
    assert timedelta(minutes=59) < next_probe() < timedelta(minutes=61)


def test_an_unclear_answer_does_not_delay_a_confirmation(anna, says):
    says("tiktok", probe=dead(Reason.REVOKED_BY_USER, ambiguous=True))
    ask()
    says("tiktok", probe=unclear(Reason.NETWORK_OUTAGE))
    ask()
    assert next_probe() < timedelta(seconds=61)
    assert Access.objects.get().suspected_at
    waited()
    says("tiktok", probe=dead(Reason.REVOKED_BY_USER, ambiguous=True))
    ask()
    assert not the_profile().is_valid


def test_a_suspicion_ends_when_the_network_says_alive(anna, says):
    says("tiktok", probe=dead(Reason.REVOKED_BY_USER, ambiguous=True))
    ask()
    waited()
    says("tiktok", probe=ALIVE)
    ask()
    assert Access.objects.get().suspected_at is None
    says("tiktok", probe=dead(Reason.REVOKED_BY_USER, ambiguous=True))
    ask()
    assert the_profile().is_valid


def test_a_network_that_asks_us_to_wait_is_given_the_time_even_before_a_confirmation(anna, says):
    says("tiktok", probe=dead(Reason.REVOKED_BY_USER, ambiguous=True))
    ask()
    says("tiktok", probe=unclear(Reason.RATE_LIMITED, retry_after=1800))
    ask()
    assert timedelta(minutes=29) < next_probe() < timedelta(minutes=31)


def test_what_is_red_keeps_its_first_reason_and_is_asked_on(anna, says):
    says("tiktok", probe=dead(Reason.REVOKED_BY_USER))
    ask()
    says("tiktok", probe=dead(Reason.INVALID_TOKEN_UNSPECIFIED))
    ask()
    assert the_profile().reason == Token.objects.get().reason == Reason.REVOKED_BY_USER
    assert timedelta(0) < next_probe() < timedelta(hours=5)
    says("tiktok", probe=ALIVE)
    ask()
    assert the_profile().is_valid
    assert StatusChange.objects.count() == 2


def test_a_lost_role_does_not_confirm_a_dead_token(world, says):
    login(world.alpenglueck, slug="linkedin", listed_at=None)
    says("linkedin", probe=ALIVE, reach=[])
    ask("linkedin")
    waited()
    says("linkedin", probe=dead(Reason.REVOKED_BY_USER, ambiguous=True))
    ask("linkedin")
    assert the_profile().is_valid


# Listings


@pytest.fixture
def page(world):
    login(world.alpenglueck, slug="linkedin", listed_at=None)
    return the_profile()


def listed(profile, **fields):
    return [Reachable("page", profile.remote_id, profile.name, **fields)]


def test_a_listing_that_lacks_the_scope_is_suspected_confirmed_and_red(page, says):
    says("linkedin", probe=ALIVE, reach=Refused(Refusal.SCOPE_MISSING))
    ask("linkedin", times=2)
    assert the_profile().is_valid
    assert Access.objects.get().suspected_reason == Reason.PERMISSION_LOST
    waited()
    ask("linkedin")
    assert the_profile().reason == Reason.PERMISSION_LOST
    assert not Token.objects.get().reason, "the token lives; only what it reached is gone"
    says("linkedin", reach=listed(page))
    Token.objects.update(listed_at=None)
    ask("linkedin")
    assert the_profile().is_valid


@pytest.mark.parametrize(
    "refusal", [Refusal.NOT_UNDERSTOOD, Refusal.APP_MISCONFIGURED, Refusal.CODE_REFUSED]
)
def test_another_refusal_of_the_listing_is_seen_and_changes_nothing(page, says, refusal):
    says("linkedin", probe=ALIVE, reach=Refused(refusal))
    ask("linkedin", times=3)
    assert the_profile().is_valid
    token = Token.objects.get()
    assert token.unclear_reason == Reason.NOT_UNDERSTOOD
    assert token.unclear_since
    assert not StatusChange.objects.exists()
    says("linkedin", reach=listed(page))
    ask("linkedin")
    assert Token.objects.get().unclear_reason == ""


def test_an_account_that_only_the_listing_calls_blocked_is_red_when_it_says_so_twice(page, says):
    blocked = Refused(Refusal.NOT_UNDERSTOOD, reason=Reason.ACCOUNT_SUSPENDED)
    says("linkedin", probe=ALIVE, identify=blocked)
    ask("linkedin")
    assert the_profile().is_valid
    waited()
    ask("linkedin")
    assert the_profile().reason == Reason.ACCOUNT_SUSPENDED
    says("linkedin", identify=Identity("Anna Huber", "Anna"), reach=listed(page))
    ask("linkedin")
    assert the_profile().is_valid


def test_a_scope_that_the_network_names_and_denies_is_the_operators_trouble(page, says):
    """The app lost its product: all customers at once, and no owner could help it."""
    network = NETWORKS["linkedin"]
    denied = Refused(Refusal.SCOPE_MISSING, missing=("rw_organization_admin",))
    says("linkedin", probe=alive(network.scopes), reach=denied)
    ask("linkedin")
    waited()
    ask("linkedin")
    assert the_profile().is_valid
    assert Token.objects.get().unclear_reason == Reason.NOT_UNDERSTOOD


def test_a_refresh_token_past_its_end_that_is_refused_in_unknown_words_is_dead(anna, says):
    about_to_end(anna)
    Token.objects.update(refresh_expires_at=timezone.now() - timedelta(days=1))
    says("tiktok", probe=ENDED, refresh=unclear(Reason.NOT_A_TOKEN_PROBLEM))
    ask()
    waited()
    ask()
    assert the_profile().reason == Reason.EXPIRED


def test_a_login_that_has_nothing_any_more_lost_what_it_had(page, says):
    says("linkedin", probe=ALIVE, identify=Refused(Refusal.NOTHING_THERE))
    ask("linkedin")
    waited()
    ask("linkedin")
    assert the_profile().reason == Reason.PERMISSION_LOST


@pytest.mark.parametrize("trouble", [TransportError("gone"), Refused(Refusal.NETWORK_UNAVAILABLE)])
def test_a_listing_that_gets_no_answer_says_nothing(page, says, trouble):
    says("linkedin", probe=ALIVE, reach=trouble)
    ask("linkedin", times=2)
    assert the_profile().is_valid
    token = Token.objects.get()
    assert (token.unclear_reason, token.listed_at) == ("", None)
    assert Access.objects.get().suspected_at is None


def test_a_refused_listing_between_two_looks_leaves_the_suspicion_to_the_next(page, says):
    says("linkedin", probe=ALIVE, reach=[])
    ask("linkedin")
    says("linkedin", reach=Refused(Refusal.NOT_UNDERSTOOD))
    ask("linkedin")
    waited()
    says("linkedin", reach=[])
    ask("linkedin")
    assert the_profile().reason == Reason.PERMISSION_LOST


def test_a_page_seen_without_the_needed_role_is_lost_like_one_not_seen(page, says):
    says("linkedin", probe=ALIVE, reach=listed(page, missing_role="ADMINISTRATOR"))
    ask("linkedin")
    waited()
    ask("linkedin")
    assert the_profile().reason == Reason.PERMISSION_LOST


def test_a_listing_judges_only_what_it_lists_by_role(page, says):
    Profile.objects.update(kind_slug="person")
    says("linkedin", probe=ALIVE, reach=[])
    ask("linkedin")
    assert the_profile().is_valid
    assert Access.objects.get().suspected_at is None


def test_names_and_addresses_are_taken_over_from_a_listing(page, says):
    new = Reachable("page", page.remote_id, "New name", url="https://page.example/new", role="R")
    says("linkedin", probe=ALIVE, reach=[new])
    ask("linkedin")
    seen = the_profile()
    assert (seen.name, seen.url) == ("New name", "https://page.example/new")
    assert Access.objects.get().role == "R"


def test_a_name_that_is_only_the_id_replaces_none(page, says):
    says("linkedin", probe=ALIVE, reach=[Reachable("page", page.remote_id, page.remote_id)])
    ask("linkedin")
    assert the_profile().name == page.name
