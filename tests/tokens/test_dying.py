"""When an access died and when that was found, as each loss says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from networks.base import ALIVE, Reachable, Reason, dead
from tests import builders
from tests.people import sign_in
from tests.saying import ask, login, the_profile, waited
from tokens import breaker, probing
from tokens.conversations import Conversations
from tokens.models import Access, Failure, StatusChange, Token
from tokens.tasks import watch

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("our_client_ids")]
REVOKED = dead(Reason.REVOKED_BY_USER)
DOUBTFUL = dead(Reason.INVALID_TOKEN_UNSPECIFIED, ambiguous=True)
ENDED = dead(Reason.EXPIRED)
HOUR = timedelta(hours=1)


def hours_ago(count: float) -> Any:
    return timezone.now() - count * HOUR


def connected(world: Any, name: str = "Anna Huber", slug: str = "tiktok", **fields: Any) -> Token:
    """Somebody signed in days ago."""
    signed_in_at = fields.pop("consented_at", hours_ago(90))
    token: Token = login(world.alpenglueck, name, slug, consented_at=signed_in_at, **fields)
    return token


def loss() -> StatusChange:
    return StatusChange.objects.exclude(reason="").get()


def test_it_lived_when_it_was_last_asked_and_is_found_by_the_answer_that_says_no(
    world: Any, says: Any
) -> None:
    asked_at = hours_ago(3)
    connected(world, probed_at=asked_at, consented_at=hours_ago(90), issued_at=hours_ago(1))
    says("tiktok", probe=REVOKED)
    ask()
    assert (loss().alive_at, loss().ended_at) == (asked_at, None)
    assert loss().found_at == loss().at


def test_what_was_never_asked_lived_when_somebody_signed_in(world: Any, says: Any) -> None:
    signed_in_at = hours_ago(2)
    connected(world, probed_at=None, consented_at=signed_in_at)
    says("tiktok", probe=REVOKED)
    ask()
    assert loss().alive_at == signed_in_at


def test_who_signed_in_since_it_was_last_asked_lived_then(world: Any, says: Any) -> None:
    signed_in_at = hours_ago(2)
    connected(world, probed_at=hours_ago(5), consented_at=signed_in_at)
    says("tiktok", probe=REVOKED)
    ask()
    assert loss().alive_at == signed_in_at


def test_a_death_that_is_said_twice_was_found_the_first_time(world: Any, says: Any) -> None:
    """Each answer moves the clock of the token, and what was before the first is kept."""
    asked_at = hours_ago(3)
    connected(world, probed_at=asked_at)
    says("tiktok", probe=DOUBTFUL)
    ask()
    ask()
    assert not StatusChange.objects.exists()
    waited()
    suspected_at = Access.objects.get().suspected_at
    ask()
    assert (loss().alive_at, loss().found_at) == (asked_at, suspected_at)
    assert suspected_at
    assert loss().at - suspected_at > timedelta(minutes=1)
    assert Access.objects.get().alive_at is None, "it is of use while something is suspected"


def test_a_suspicion_that_ended_leaves_nothing_behind(world: Any, says: Any) -> None:
    connected(world, probed_at=hours_ago(9))
    says("tiktok", probe=DOUBTFUL)
    ask()
    says("tiktok", probe=ALIVE)
    ask()
    lived_at = Token.objects.get().probed_at
    says("tiktok", probe=REVOKED)
    ask()
    assert loss().alive_at == lived_at
    assert loss().found_at == loss().at


def test_a_profile_that_came_while_its_login_was_suspected_lived_no_longer_than_the_others(
    world: Any, says: Any
) -> None:
    asked_at = hours_ago(3)
    token = connected(world, probed_at=asked_at)
    says("tiktok", probe=DOUBTFUL)
    ask()
    builders.access(token, builders.profile(world.alpenglueck, "tiktok", "account"))
    ask()
    waited()
    ask()
    losses = StatusChange.objects.exclude(reason="")
    assert {one.alive_at for one in losses} == {asked_at}
    assert losses.count() == 2


def test_what_was_held_was_found_when_it_began_to_be(world: Any, says: Any) -> None:
    asked_at = hours_ago(3)
    for number in range(8):
        connected(world, f"Login {number}", probed_at=asked_at)
    says("tiktok", probe=REVOKED)
    ask()
    waited(6 * 3600)
    suspected = dict(Access.objects.values_list("pk", "suspected_at"))
    Failure.objects.update(opened_at=timezone.now() - breaker.HELD_AT_MOST)
    watch()
    ask()
    found = StatusChange.objects.exclude(reason="")
    assert dict(found.values_list("access", "found_at")) == suspected
    assert {one.alive_at for one in found} == {asked_at}


def test_a_known_end_is_when_it_died(world: Any, says: Any) -> None:
    asked_at, end = hours_ago(3), hours_ago(1)
    connected(world, probed_at=asked_at, refresh_token=b"", expires_at=end)
    says("tiktok", probe=ENDED)
    ask()
    assert (loss().alive_at, loss().ended_at, loss().found_at) == (asked_at, end, loss().at)


def test_an_end_that_it_outlived_is_not_when_it_died(world: Any, says: Any) -> None:
    asked_at, end = hours_ago(1), hours_ago(3)
    connected(world, probed_at=asked_at, refresh_token=b"", expires_at=end)
    says("tiktok", probe=ENDED)
    ask()
    assert (loss().alive_at, loss().ended_at) == (asked_at, None)


def test_what_is_revoked_did_not_die_of_its_end(world: Any, says: Any) -> None:
    connected(world, probed_at=hours_ago(3), refresh_token=b"", expires_at=hours_ago(1))
    says("tiktok", probe=REVOKED)
    ask()
    assert loss().ended_at is None


# What a listing says


def test_a_role_was_there_when_it_was_last_listed_whatever_probes_said_since(
    world: Any, says: Any
) -> None:
    listed_at = hours_ago(30)
    connected(world, slug="linkedin", listed_at=listed_at, probed_at=hours_ago(1))
    says("linkedin", probe=ALIVE, reach=[])
    ask("linkedin")
    waited()
    suspected_at = Access.objects.get().suspected_at
    ask("linkedin")
    assert loss().reason == Reason.PERMISSION_LOST
    assert (loss().alive_at, loss().found_at) == (listed_at, suspected_at)


def test_a_board_that_went_away_was_there_when_it_was_last_listed(world: Any, says: Any) -> None:
    listed_at = hours_ago(30)
    token = connected(world, slug="pinterest", listed_at=listed_at)
    account = the_profile()
    board = builders.profile(world.alpenglueck, "pinterest", "board", parent=account)
    builders.access(token, board)
    kept = Reachable(account.kind_slug, account.remote_id, account.name, is_login=True)
    says("pinterest", probe=ALIVE, reach=[kept])
    ask("pinterest")
    waited()
    ask("pinterest")
    assert (loss().profile, loss().reason) == (board, Reason.NO_LONGER_LISTED)
    assert loss().alive_at == listed_at


def test_where_no_listing_is_known_nobody_knows_when_a_role_was_last_there(
    world: Any, says: Any
) -> None:
    connected(world, slug="linkedin", listed_at=None)
    says("linkedin", probe=ALIVE, reach=[])
    ask("linkedin")
    waited()
    suspected_at = Access.objects.get().suspected_at
    ask("linkedin")
    assert (loss().alive_at, loss().found_at) == (None, suspected_at)


def test_a_login_that_dies_while_a_role_is_suspected_is_found_by_its_own_answer(
    world: Any, says: Any
) -> None:
    connected(world, slug="linkedin", listed_at=hours_ago(30), probed_at=hours_ago(2))
    says("linkedin", probe=ALIVE, reach=[])
    ask("linkedin")
    lived_at = Token.objects.get().probed_at
    waited(600)
    says("linkedin", probe=REVOKED)
    ask("linkedin")
    assert loss().reason == Reason.REVOKED_BY_USER
    assert (loss().alive_at, loss().found_at) == (lived_at, loss().at)


# What is no loss


def test_what_turns_green_carries_none_of_it(world: Any, says: Any) -> None:
    connected(world, probed_at=hours_ago(3))
    says("tiktok", probe=REVOKED)
    ask()
    says("tiktok", probe=ALIVE)
    ask()
    found = StatusChange.objects.get(reason="")
    assert (found.alive_at, found.ended_at, found.found_at) == (None, None, None)


def test_what_a_person_deletes_is_no_death(world: Any, says: Any, client: Any) -> None:
    """Neither of the profile nor of what is left of its family."""
    token = connected(world, slug="pinterest")
    account = the_profile()
    board = builders.profile(world.alpenglueck, "pinterest", "board", parent=account)
    builders.access(token, board)
    page = reverse("tokens:delete", args=[world.alpenglueck.slug, board.pk])
    sign_in(client, world.anna).post(page)
    says("pinterest", probe=ALIVE)
    ask("pinterest")
    assert not StatusChange.objects.exists()


def test_the_suspicion_of_another_access_of_the_same_profile_stays_as_it_is(
    world: Any, says: Any
) -> None:
    """Its profile is locked and looked at when the first access dies, and its own token is not."""
    asked_at = hours_ago(4)
    first, other = connected(world, "Anna Huber"), connected(world, "Mia Lang", probed_at=asked_at)
    says("tiktok", probe=lambda grant: DOUBTFUL if "Mia" in grant.access_token else ALIVE)
    ask()
    waiting = Access.objects.get(token=other)
    shared = builders.access(first, waiting.profile)
    says("tiktok", probe=REVOKED)
    Token.objects.filter(pk=other.pk).update(next_probe_at=timezone.now() + HOUR)
    Token.objects.filter(pk=first.pk).update(next_probe_at=timezone.now())
    with Conversations() as talk:
        assert probing.probe_due("tiktok", talk) == 1
    assert StatusChange.objects.filter(access=shared).exists()
    after = Access.objects.get(pk=waiting.pk)
    assert (after.suspected_at, after.alive_at) == (waiting.suspected_at, asked_at)
