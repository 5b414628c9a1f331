"""Scopes that a network takes away, or only seems to: seen twice, and then believed."""

import pytest

from networks.base import ALIVE, Reason, alive
from networks.registry import NETWORKS
from profiles.models import Profile
from tests.saying import ask, login, the_profile, waited
from tokens.models import Access, Token

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("our_client_ids")]
ALL = alive(NETWORKS["tiktok"].required_scopes)
FEWER = alive(("user.info.basic",))


@pytest.fixture
def tiktok(world, says):
    """`tiktok(verdict)`: what its probes bring from now on."""
    login(world.alpenglueck)
    return lambda verdict: says("tiktok", probe=verdict)


def test_scopes_that_are_missing_twice_are_lost(tiktok):
    tiktok(FEWER)
    ask()
    assert the_profile().is_valid
    waited()
    ask()
    assert the_profile().reason == Reason.PERMISSION_LOST
    assert Token.objects.get().scopes == ["user.info.basic"]


def test_what_a_living_token_may_do_besides_is_taken_over_at_once(tiktok):
    tiktok(alive((*NETWORKS["tiktok"].required_scopes, "video.insights")))
    ask()
    assert "video.insights" in Token.objects.get().scopes


def test_a_good_answer_ends_the_suspicion(tiktok):
    tiktok(FEWER)
    ask()
    assert Access.objects.get().suspected_at
    tiktok(ALL)
    ask()
    assert Access.objects.get().suspected_at is None


def test_two_glitches_with_good_answers_between_are_no_loss(tiktok):
    tiktok(FEWER)
    ask()
    waited()
    tiktok(ALL)
    ask(times=3)
    tiktok(FEWER)
    ask()
    assert the_profile().is_valid


def test_what_is_only_suspected_takes_no_capability(tiktok):
    assert the_profile().can("publish_post")
    tiktok(FEWER)
    ask()
    assert the_profile().can("publish_post")


def test_what_was_heard_once_does_not_confirm_itself(tiktok):
    tiktok(FEWER)
    ask()
    waited()
    tiktok(ALIVE)  # and names no scopes
    ask()
    assert the_profile().is_valid


def test_a_failure_of_scopes_takes_no_capability_of_anybody(world, says):
    for number in range(8):
        login(world.alpenglueck, f"Login {number}")
    says("tiktok", probe=FEWER)
    for _ in range(3):
        ask()
        waited()
    says("tiktok", probe=ALIVE)
    ask()
    assert not Profile.objects.exclude(status="valid").exists()
    assert all(profile.can("publish_post") for profile in Profile.objects.all())
