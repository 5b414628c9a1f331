"""Whole networks and apps that fail: held while they do, released or confirmed afterwards."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Membership, User
from networks.base import ALIVE, Reachable, Reason, dead, unclear
from networks.registry import NETWORKS
from notifications.models import Notice
from notifications.planning import plan
from profiles.models import Ownership, Profile
from tests import builders
from tests.practice import at_once
from tests.roles import queries_of
from tests.saying import ask, leased, login, waited
from tokens import breaker, learning, leases, probing
from tokens.conversations import Conversations
from tokens.models import Access, Backlog, Failure, OAuthApp, StatusChange, Tally, Token
from tokens.tasks import count_watched, watch
from tokens.verdicts import Finding, write_down

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("our_client_ids")]
REVOKED = dead(Reason.REVOKED_BY_USER)


def logins(organization, count, slug="tiktok", **fields):
    """Each of one profile, whose owner wants to hear of it."""
    made = [login(organization, f"Login {n}", slug, **fields) for n in range(count)]
    members = Membership.objects.filter(organization=organization)
    owner = members.select_related("user").earliest("user__name").user
    User.objects.filter(pk=owner.pk).update(wants_token_mail=True)
    reached = Profile.objects.filter(accesses__token__in=made)
    Profile.objects.filter(pk__in=reached).update(mail_when_lost=True)
    Ownership.objects.bulk_create(
        Ownership(organization=organization, profile=one, user=owner) for one in reached
    )
    return made


def only(*names, result=REVOKED, others=ALIVE):
    """What a probe brings: `result` for these logins alone."""
    return lambda grant: (
        result if grant.access_token.removeprefix("access of ") in names else others
    )


def red():
    return set(Profile.objects.exclude(status="valid").values_list("pk", flat=True))


def owner_mails():
    plan()
    return Notice.objects.count()


def so_far(logins):
    """How many of these may have been heard when a failure opens: they come by the handful."""
    return range(breaker.FEWEST, logins + 1)


def ask_due(slug="tiktok"):
    """What is due by itself, and nothing else."""
    with Conversations() as talk:
        return probing.probe_due(slug, talk)


def later(minutes):
    """All clocks of the engine, so many minutes on."""
    span = timedelta(minutes=minutes)
    for model, names in (
        (Access, ["suspected_at"]),
        (Token, ["probed_at", "next_probe_at", "listed_at"]),
        (Failure, ["opened_at", "closed_at", "canaries_at"]),
        (StatusChange, ["at"]),
        (Tally, ["minute"]),
    ):
        for row in model.objects.order_by(names[0]):
            for name in names:
                moment = getattr(row, name)
                setattr(row, name, moment and moment - span)
            row.save(update_fields=names)


# An outage is nobody's death


def test_a_network_that_calls_everybody_revoked_turns_nothing_red(world, says):
    logins(world.alpenglueck, 8)
    says("tiktok", probe=REVOKED)
    for _ in range(4):
        ask()
        waited()
    assert not red()
    assert owner_mails() == 0
    failure = Failure.objects.get()
    assert (failure.network_slug, failure.health, failure.reason) == (
        "tiktok",
        "dead",
        Reason.REVOKED_BY_USER,
    )
    assert failure.app == OAuthApp.objects.get()
    assert failure.logins == failure.asked
    assert failure.logins in so_far(8)
    assert failure.closed_at is None
    watch()
    assert Failure.objects.get().held == 8


def test_the_neighbours_of_a_first_death_are_asked_before_it_is_believed(world, says):
    """Nobody is due but one: the others of its app are asked because it fails."""
    logins(world.alpenglueck, 6)
    Token.objects.update(next_probe_at=timezone.now() + timedelta(hours=4))
    Token.objects.filter(subject="Login 3").update(next_probe_at=timezone.now())
    says("tiktok", probe=REVOKED)
    assert ask_due() == 1
    assert not Failure.objects.exists()
    assert ask_due() == 5
    assert Failure.objects.get().logins in so_far(6)


def test_who_is_being_asked_or_told_to_wait_is_no_neighbour(world, says):
    asked, told, dead_one, free, *_ = logins(world.alpenglueck, 7)
    later_on = timezone.now() + timedelta(hours=4)
    Token.objects.exclude(subject="Login 6").update(next_probe_at=later_on)
    due = timezone.now() - timedelta(seconds=1)
    Token.objects.filter(pk=asked.pk).update(next_probe_at=due)
    leases.claim("tiktok", 1)
    Token.objects.filter(pk=told.pk).update(unclear_count=1)
    Token.objects.filter(pk=dead_one.pk).update(reason=Reason.EXPIRED)
    says("tiktok", probe=REVOKED)
    assert ask_due() == 1
    pulled = Token.objects.filter(next_probe_at__lte=timezone.now(), next_probe_at__gt=due)
    assert {one.subject for one in pulled} == {"Login 3", "Login 4", "Login 5"}
    assert free in pulled


def test_who_waits_for_a_second_answer_is_not_asked_too_early_for_a_neighbours_sake(world, says):
    logins(world.alpenglueck, 7)
    Token.objects.update(next_probe_at=timezone.now() + timedelta(hours=4))
    asked = says("tiktok", probe=only("Login 1", "Login 2"))
    for name in ("Login 1", "Login 2"):
        Token.objects.filter(subject=name).update(next_probe_at=timezone.now())
        ask_due()
    ask_due()
    assert asked.count(("probe", "access of Login 6")) >= 1, "the neighbours were asked"
    assert asked.count(("probe", "access of Login 1")) == 1


def test_a_death_waits_while_the_neighbours_are_silent(world, says):
    logins(world.alpenglueck, 6, probed_at=timezone.now() - timedelta(hours=4))
    says("tiktok", probe=only("Login 3", others=unclear(Reason.NETWORK_OUTAGE)))
    ask()
    waited()
    ask()
    assert not red()
    waited(10 * 60)
    ask()
    assert len(red()) == 1, "but not for ever"


def test_a_death_waits_for_neighbours_heard_since_the_last_login_began_to_fail(world, says):
    logins(world.alpenglueck, 6)
    says("tiktok", probe=only("Login 3"))
    ask()
    waited()
    Token.objects.update(probed_at=timezone.now() - timedelta(seconds=62))
    Token.objects.exclude(subject="Login 3").update(
        next_probe_at=timezone.now() + timedelta(days=1)
    )
    Token.objects.filter(subject="Login 3").update(next_probe_at=timezone.now())
    ask_due()
    assert not red()


def test_a_region_that_fails_is_a_failure_too(world, says):
    logins(world.alpenglueck, 30)
    region = [f"Login {n}" for n in range(6)]
    says("tiktok", probe=only(*region))
    ask()
    waited()
    ask()
    assert not red()
    assert Failure.objects.get().logins in so_far(6)


def test_a_listing_that_is_suddenly_empty_for_everybody_is_nobodys_loss(world, says):
    logins(world.alpenglueck, 6, "linkedin", listed_at=None)
    says("linkedin", probe=ALIVE, reach=[])
    for _ in range(3):
        ask("linkedin")
        waited()
    assert not red()
    failure = Failure.objects.get()
    assert failure.reason == Reason.PERMISSION_LOST
    assert failure.logins in so_far(6)
    reached = [Reachable("page", one.remote_id, one.name) for one in Profile.objects.all()]
    says("linkedin", reach=reached)
    ask("linkedin")
    assert not Access.objects.exclude(suspected_at=None).exists()


def test_a_first_lost_role_lets_the_neighbours_be_listed(world, says):
    logins(world.alpenglueck, 6, "linkedin")
    Token.objects.filter(subject="Login 0").update(listed_at=None)
    says("linkedin", probe=ALIVE, reach=[])
    ask("linkedin")
    assert Token.objects.filter(listed_at=None).count() == 6


def test_a_page_that_everybody_lost_at_once_is_one_loss(world, says):
    """It was deleted: many logins, and nothing else of theirs is missing."""
    tokens = logins(world.alpenglueck, 6, "linkedin", listed_at=None)
    shared = builders.profile(world.alpenglueck, "linkedin", "page")
    for token in tokens:
        builders.access(token, shared)
    kept = [
        Reachable("page", one.remote_id, one.name) for one in Profile.objects.exclude(pk=shared.pk)
    ]
    says("linkedin", probe=ALIVE, reach=kept)
    for _ in range(2):
        ask("linkedin")
        waited()
    assert red() == {shared.pk}
    assert not Failure.objects.exists()


# What is none


@pytest.mark.parametrize("count", [1, 4])
def test_fewer_than_five_logins_are_told_at_once(world, says, count):
    logins(world.alpenglueck, count)
    says("tiktok", probe=REVOKED)
    ask()
    assert len(red()) == count
    assert not Failure.objects.exists()


def test_one_login_of_many_profiles_is_one_login(world, says):
    token = logins(world.alpenglueck, 5)[0]
    for _ in range(6):
        builders.access(token, builders.profile(world.alpenglueck, "tiktok", "account"))
    says("tiktok", probe=only(token.subject))
    ask()
    assert not red()
    waited()
    ask()
    assert len(red()) == 7
    assert not Failure.objects.exists()


def test_one_login_of_many_organizations_is_one_login(world, says):
    for organization in (world.alpenglueck, world.nordwind):
        logins(organization, 4)
    says("tiktok", probe=REVOKED)
    ask()
    assert len(red()) == 8
    assert not Failure.objects.exists()


def test_one_password_change_among_many_logins_is_told_at_the_second_answer(world, says):
    logins(world.alpenglueck, 12)
    asked = says("tiktok", probe=only("Login 3"))
    ask()
    assert not red()
    mine = Token.objects.get(subject="Login 3")
    assert mine.next_probe_at - timezone.now() < timedelta(seconds=61)
    waited()
    ask()
    assert len(red()) == 1
    assert asked.count(("probe", "access of Login 3")) == 2
    assert not Failure.objects.exists()


def test_a_known_end_counts_at_once_and_says_nothing_of_the_network(world, says):
    for token in logins(world.alpenglueck, 8):
        token.refresh_token, token.expires_at = b"", timezone.now() - timedelta(minutes=1)
        token.save()
    says("tiktok", probe=dead(Reason.EXPIRED))
    ask()
    assert len(red()) == 8
    login(world.alpenglueck, "Mia Lang")
    says("tiktok", probe=REVOKED)
    ask()
    assert not Failure.objects.exists()


def test_an_end_that_our_clock_does_not_know_is_no_known_end(world, says):
    logins(world.alpenglueck, 8)
    says("tiktok", probe=dead(Reason.EXPIRED))
    ask()
    assert not red()
    assert Failure.objects.get().reason == Reason.EXPIRED


def test_deaths_that_half_a_year_explains_are_no_failure(world, says):
    """Nobody was asked for long: then some have died."""
    logins(world.alpenglueck, 40)
    Token.objects.update(probed_at=timezone.now() - timedelta(days=180))
    says("tiktok", probe=only(*(f"Login {n}" for n in range(6))))
    ask()
    waited()
    ask()
    assert len(red()) == 6
    assert not Failure.objects.exists()


# Apps and networks


def another_app(tokens):
    app = OAuthApp.objects.create(
        network_slug="tiktok", issuer="https://other.example", client_id="tests"
    )
    Token.objects.filter(pk__in=[token.pk for token in tokens]).update(app=app)
    return app


def test_one_app_fails_and_another_of_its_network_does_not(world, says):
    tokens = logins(world.alpenglueck, 16)
    another_app(tokens[8:])
    failing = [token.subject for token in tokens[:8]]
    says("tiktok", probe=only(*failing))
    ask()
    assert Failure.objects.get().app == tokens[0].app
    says("tiktok", probe=only(*failing, tokens[9].subject))
    for _ in range(3):
        ask()
        waited()
    assert red() == {tokens[9].accesses.get().profile_id}, "one that died meanwhile, of the other"
    assert Failure.objects.get().app == tokens[0].app


def test_a_small_app_is_held_when_its_network_fails_as_a_whole(world, says):
    tokens = logins(world.alpenglueck, 11)
    another_app(tokens[8:])
    says("tiktok", probe=REVOKED)
    Token.objects.filter(pk__in=[token.pk for token in tokens[:8]])
    write_down([Finding(token, REVOKED) for token in leased(tokens[:8])])
    assert Failure.objects.get().app
    write_down(
        [
            Finding(token, dead(Reason.REVOKED_BY_USER, ambiguous=True))
            for token in leased(tokens[8:10])
        ]
    )
    assert Failure.objects.get().app is None
    write_down([Finding(token, REVOKED) for token in leased(tokens[10:])])
    assert not red()


@pytest.mark.django_db(transaction=True)
def test_two_workers_that_see_it_at_once_open_one_failure(world):
    tokens = leased(logins(world.alpenglueck, 20))
    at_once(
        *(
            lambda some=some: write_down([Finding(token, REVOKED) for token in some])
            for some in (tokens[:5], tokens[5:10], tokens[10:15], tokens[15:])
        )
    )
    assert Failure.objects.count() == 1
    assert not red()


# When it clears


@pytest.fixture
def failed(world, says):
    """Thirty logins, all held for some hours."""
    tokens = logins(world.alpenglueck, 30)
    says("tiktok", probe=REVOKED)
    ask()
    later(6 * 60)
    Token.objects.update(next_probe_at=timezone.now() + timedelta(hours=3))
    return tokens


def test_canaries_are_asked_and_nobody_else(failed, says):
    watch()
    assert Failure.objects.get().held == 30
    assert ask_due() == breaker.CANARIES
    watch()
    assert ask_due() == 0
    assert Failure.objects.get().closed_at is None
    later(12)
    Token.objects.update(next_probe_at=timezone.now() + timedelta(hours=3))
    watch()
    assert ask_due() == breaker.CANARIES


def test_it_closes_when_canaries_live_and_lets_everybody_go_within_minutes(failed, says):
    watch()
    says("tiktok", probe=ALIVE)
    ask_due()
    watch()
    assert Failure.objects.get().closed_at
    left = Token.objects.filter(accesses__suspected_at__isnull=False)
    assert left.count() == 30 - breaker.CANARIES
    assert not left.filter(next_probe_at__gt=timezone.now() + breaker.SPREAD).exists()
    ask()
    assert not left.exists()
    assert not red()
    assert not StatusChange.objects.exists()


def test_what_was_let_go_together_is_not_asked_together_again(failed, says):
    watch()
    Token.objects.update(probed_at=timezone.now() - timedelta(minutes=30))
    says("tiktok", probe=ALIVE)
    ask()
    dues = sorted(token.next_probe_at for token in Token.objects.all())
    interval = timedelta(hours=4)
    assert dues[15] - dues[0] > interval / 6, "as they would have been an interval after it"
    assert dues[-1] - timezone.now() < 1.2 * interval
    assert sum(due - timezone.now() < interval / 2 for due in dues) > 5


def test_who_died_meanwhile_is_told_after_it_clears(failed, says):
    watch()
    says("tiktok", probe=only("Login 3"))
    Token.objects.filter(subject="Login 3").update(
        next_probe_at=timezone.now() + timedelta(hours=3)
    )
    Failure.objects.update(canaries=[one.pk for one in failed if one.subject != "Login 3"][:10])
    Token.objects.filter(pk__in=Failure.objects.get().canaries).update(next_probe_at=timezone.now())
    ask_due()
    watch()
    assert Failure.objects.get().closed_at
    later(11)
    ask_due()
    assert not red(), "what was said of it while all failed counts for nothing"
    later(2)
    ask_due()
    assert red() == {Token.objects.get(subject="Login 3").accesses.get().profile_id}
    assert Failure.objects.exclude(closed_at=None).count() == 1
    assert not Failure.objects.filter(closed_at=None).exists()


@pytest.mark.timeout(180)  # 400 logins
def test_five_that_died_during_six_hours_are_no_new_failure(world, says):
    tokens = logins(world.alpenglueck, 400)
    says("tiktok", probe=REVOKED)
    ask()
    later(24 * 60)
    says("tiktok", probe=only(*(one.subject for one in tokens[:5])))
    watch()
    ask()
    Failure.objects.update(closed_at=timezone.now() - timedelta(minutes=1))
    ask()
    later(3)
    ask()
    assert len(red()) == 5
    assert Failure.objects.count() == 1


def test_what_fails_again_is_held_again(failed, says):
    watch()
    says("tiktok", probe=ALIVE)
    ask_due()
    watch()
    says("tiktok", probe=REVOKED)
    for _ in range(3):
        ask()
        later(3)
    assert Failure.objects.filter(closed_at=None).count() == 1
    assert not red()


def test_one_who_signs_in_again_does_not_close_it_for_the_other_four(world, says):
    logins(world.alpenglueck, 5)
    says("tiktok", probe=REVOKED)
    ask()
    Access.objects.filter(token__subject="Login 0").update(suspected_at=None, suspected_reason="")
    says("tiktok", probe=only(*(f"Login {n}" for n in range(1, 5))))
    watch()
    for _ in range(3):
        ask()
        waited()
        watch()
    assert not red()
    assert Failure.objects.get().closed_at is None


def test_two_looks_at_once_ask_one_set_of_canaries(failed):
    watch()
    first = Failure.objects.get().canaries
    watch()
    assert Failure.objects.get().canaries == first


# When it is true


def test_what_an_operator_says_is_true_is_believed_at_the_next_answer(failed, world, says):
    Failure.objects.update(believed_at=timezone.now(), believed_by="Rita Sommer")
    watch()
    assert not red()
    assert not Token.objects.filter(next_probe_at__gt=timezone.now() + breaker.SPREAD).exists()
    ask()
    assert len(red()) == owner_mails() == 30
    watch()
    watch()
    assert Failure.objects.exclude(closed_at=None).count() == 1
    assert not Failure.objects.filter(closed_at=None).exists()


def test_what_is_said_to_be_true_and_lives_again_is_released(failed, says):
    Failure.objects.update(believed_at=timezone.now())
    says("tiktok", probe=ALIVE)
    watch()
    ask()
    assert not red()
    assert not Access.objects.exclude(suspected_at=None).exists()


def test_what_is_said_to_be_true_of_one_app_holds_another_as_before(world, says):
    tokens = logins(world.alpenglueck, 20)
    another_app(tokens[10:])
    says("tiktok", probe=only(*(one.subject for one in tokens[:10])))
    ask()
    Failure.objects.update(believed_at=timezone.now())
    says("tiktok", probe=REVOKED)
    for _ in range(3):
        waited()
        ask()
    assert {Token.objects.get(accesses__profile=one).subject for one in red()} == {
        one.subject for one in tokens[:10]
    }
    assert Failure.objects.filter(believed_at=None).count() == 1


def test_after_three_days_the_deaths_count_though_no_operator_looks(failed, says):
    watch()
    assert Failure.objects.get().believed_at is None
    later(3 * 24 * 60)
    watch()
    believed = Failure.objects.get()
    assert (believed.believed_at is None, believed.believed_by) == (False, "")
    ask()
    assert len(red()) == owner_mails() == 30


def test_a_network_that_fails_as_a_whole_takes_over_what_was_told_of_its_app(world, says):
    tokens = logins(world.alpenglueck, 20)
    another_app(tokens[10:])
    says("tiktok", probe=only(*(one.subject for one in tokens[:10])))
    ask()
    Failure.objects.update(told_opening_at=timezone.now())
    told = Failure.objects.get()
    assert told.app is not None
    says("tiktok", probe=REVOKED)
    ask()
    whole = Failure.objects.get()
    assert (whole.app, whole.pk, whole.told_opening_at) == (None, told.pk, told.told_opening_at)


# Unclear answers


def test_a_network_that_is_understood_no_more_is_shown_to_the_operator(world, says):
    logins(world.alpenglueck, 8)
    says("tiktok", probe=unclear(Reason.NETWORK_OUTAGE))
    ask()
    watch()
    failure = Failure.objects.get()
    assert (failure.health, failure.reason, failure.logins) == ("unclear", "network_outage", 8)
    watch()
    assert Failure.objects.get().closed_at is None
    says("tiktok", probe=ALIVE)
    ask()
    watch()
    assert Failure.objects.get().closed_at
    assert not red()


def test_four_unclear_logins_are_no_failure_and_neither_is_a_request_to_wait(world, says):
    logins(world.alpenglueck, 4)
    says("tiktok", probe=unclear(Reason.NETWORK_OUTAGE))
    ask(times=3)
    watch()
    for number in range(4, 9):
        login(world.alpenglueck, f"Login {number}")
    says("tiktok", probe=unclear(Reason.RATE_LIMITED))
    ask()
    watch()
    assert not Failure.objects.exists()


# The books


def test_each_answer_is_counted_with_the_time_it_went_unasked(world, says):
    logins(world.alpenglueck, 3)
    Token.objects.update(probed_at=timezone.now() - timedelta(hours=2))
    answers = {"access of Login 0": REVOKED, "access of Login 1": unclear(Reason.NETWORK_OUTAGE)}
    says("tiktok", probe=lambda grant: answers.get(grant.access_token, ALIVE))
    ask()
    [tally] = Tally.objects.all()
    assert (tally.asked, tally.alive, tally.dead, tally.unclear) == (3, 1, 1, 1)
    assert tally.exposure == pytest.approx(2 * 7200, abs=60)
    says("tiktok", probe=only("Login 0"))
    ask()
    assert sum(Tally.objects.values_list("asked", flat=True)) == 6
    assert sum(Tally.objects.values_list("exposure", flat=True)) == pytest.approx(
        7200 * 3, abs=90
    ), "what is dead cannot die, and who was unclear had gone unasked on"


def test_where_nothing_fails_a_look_costs_five_queries(world, says):
    logins(world.alpenglueck, 2)
    count_watched()
    assert len(queries_of(watch)) == 5


def test_a_look_at_a_failure_costs_at_most_fifteen(failed):
    count_watched()
    assert len(queries_of(watch)) <= 15
    assert len(queries_of(watch)) <= 15


WRITES = ("WITH ended AS", "INSERT INTO tokens_tally", "WITH said AS")


def test_a_healthy_slice_costs_one_query_for_the_books(world, says):
    logins(world.alpenglueck, 8)
    says("tiktok", probe=ALIVE)
    learning.pace()  # is read once in five minutes
    queries = [sql for sql in queries_of(ask) if "SAVEPOINT" not in sql]
    assert [sum(what in sql for sql in queries) for what in WRITES] == [1, 1, 1]
    assert len(queries) == 6  # all tokens made due; the turn and the apps of the claim


def test_the_backlog_says_how_late_each_network_is(world, says):
    tokens = logins(world.alpenglueck, 3)
    due = timezone.now() - timedelta(minutes=7)
    Token.objects.update(next_probe_at=timezone.now() + timedelta(hours=1))
    Token.objects.filter(pk=tokens[0].pk).update(next_probe_at=due)
    Token.objects.filter(pk=tokens[1].pk).update(reason=Reason.EXPIRED)
    watch()
    backlog = Backlog.objects.get(network_slug="tiktok")
    assert (backlog.due, backlog.oldest_due_at) == (1, due)
    assert set(Backlog.objects.values_list("network_slug", flat=True)) == set(NETWORKS)
    count_watched()
    watch()
    backlog.refresh_from_db()
    assert (backlog.due, backlog.watched) == (1, 2)


def test_old_books_are_closed(world, says):
    logins(world.alpenglueck, 1)
    says("tiktok", probe=ALIVE)
    ask()
    Tally.objects.update(minute=timezone.now() - timedelta(days=36))
    watch()
    assert not Tally.objects.exists()


# As a user sees it


def test_a_day_of_refusals_at_a_practice_network_turns_nothing_red(browser, world, practice, probe):
    anna = browser(world.anna, world.alpenglueck)
    people = [one["id"] for one in practice.state("pinterest")["people"]]
    for person in people:
        anna.add("pinterest", person)
    changes, found = StatusChange.objects.count(), Token.objects.count()
    assert found >= breaker.FEWEST
    practice.pull("pinterest", "outage", mode="refused")
    probe("pinterest", times=3)
    assert not red()
    assert StatusChange.objects.count() == changes
    assert Failure.objects.get().network_slug == "pinterest"
    practice.pull("pinterest", "recover")
    practice.pull("pinterest", "change_password", person=people[0])
    probe("pinterest")
    watch()
    assert Failure.objects.get().closed_at
    assert not red()
    probe("pinterest", times=2)
    gone = Token.objects.exclude(reason="")
    assert red() == {one.profile_id for token in gone for one in token.accesses.all()}
    assert gone.count() == 1


def test_a_person_reconnects_while_all_others_are_held(browser, world, practice, probe):
    anna = browser(world.anna, world.alpenglueck)
    anna.add("linkedin", "anna", "Alpenglück")
    token = Token.objects.get()
    Failure.objects.create(
        network_slug="linkedin", app=token.app, health="dead", reason=Reason.REVOKED_BY_USER
    )
    practice.pull("linkedin", "revoke_app", person="anna")
    probe("linkedin", times=3)
    assert Access.objects.get().suspected_at
    assert not red()
    anna.refresh(Profile.objects.get(), "anna")
    assert Access.objects.get().suspected_at is None
    assert not red()
