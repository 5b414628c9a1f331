"""A fragment of a profile's settings: the accesses behind it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from networks.base import Reason
from networks.registry import NETWORKS
from profiles.models import Profile, Status
from tests.builders import access, change, profile, token
from tests.people import World
from tokens.models import Access
from tokens.views.strip import DAYS, strip_of

SIGN_IN, ABSENT, PAGE = 302, 404, 200
BERLIN = ZoneInfo("Europe/Berlin")


def address(profile: Profile, slug: str = "alpenglueck") -> str:
    return reverse("tokens:profile_accesses", args=[slug, profile.pk])


@pytest.fixture
def page(world: World) -> Profile:
    """Tim sees it through his team; Otto does not."""
    return profile(world.alpenglueck, teams=(world.kitchen,))


@pytest.fixture
def tim(client: Client, world: World) -> Client:
    """Tim, a member, reading English in Berlin."""
    world.tim.language = "en"
    world.tim.save()
    client.force_login(world.tim)
    return client


def html(answer: Any) -> BeautifulSoup:
    return BeautifulSoup(answer.content, "html.parser")


def read(client: Client, profile: Profile) -> str:
    answer = client.get(address(profile))
    assert answer.status_code == PAGE
    return " ".join(html(answer).get_text(" ").split())


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("nobody", SIGN_IN),
        ("tim", PAGE),
        ("otto", ABSENT),
        ("mara", PAGE),
        ("anna", PAGE),
        ("nils", ABSENT),
    ],
)
def test_it_opens_to_who_sees_the_profile(
    client: Client, world: World, page: Profile, who: str, status: int
) -> None:
    if who != "nobody":
        client.force_login(getattr(world, who))
    assert client.get(address(page)).status_code == status


def test_a_neighbours_profile_is_not_found_under_ones_own_organization(
    client: Client, world: World, page: Profile
) -> None:
    client.force_login(world.nils)
    assert client.get(address(page, "nordwind")).status_code == ABSENT


def test_looking_changes_nothing_and_nothing_can_be_posted(tim: Client, page: Profile) -> None:
    assert tim.post(address(page)).status_code == 405


# --- The accesses ----------------------------------------------------------------------------


def test_an_access_says_whose_login_which_role_and_every_clock(tim: Client, page: Profile) -> None:
    day = datetime(2026, 3, 14, 9, 12, tzinfo=BERLIN)
    login = token(
        page.organization,
        name="Anna Huber",
        consented_at=day,
        probed_at=day + timedelta(days=1),
        expires_at=day + timedelta(days=60),
        refresh_token=b"x",
        refresh_expires_at=day + timedelta(days=180),
        reauthorize_by=day + timedelta(days=365),
    )
    access(login, page, role="ADMINISTRATOR", created_at=day - timedelta(days=10))
    said = read(tim, page)
    assert "Anna Huber ADMINISTRATOR" in said
    for fact in (
        "Connected since 4 Mar 2026",
        "Last signed in 14 Mar 2026",
        "Last asked 15 Mar 2026",
        "Access token until 13 May 2026, 09:12 renews itself",
        "Refresh token until 10 Sep 2026",
        "Renewal by 14 Mar 2027, 09:12 a person has to sign in again",
    ):
        assert fact in said


def test_a_clock_that_is_not_there_is_not_shown(tim: Client, page: Profile) -> None:
    access(token(page.organization, probed_at=None), page)
    said = read(tim, page)
    for label in ("Last asked", "Access token until", "Refresh token until", "Renewal by"):
        assert label not in said


def test_token_text_never_stands_on_the_page(tim: Client, page: Profile) -> None:
    access(token(page.organization, refresh_token=b"sealed-refresh"), page)
    answer = tim.get(address(page))
    assert "sealed-refresh" not in answer.content.decode()


def test_lost_access_is_explained_in_full(tim: Client, world: World) -> None:
    page = profile(
        world.alpenglueck,
        teams=(world.kitchen,),
        status=Status.LOST,
        reason=Reason.REVOKED_BY_USER,
    )
    dead = token(page.organization, name="Anna Huber", reason=Reason.REVOKED_BY_USER)
    access(dead, page)
    said = read(tim, page)
    assert "No valid access permission since" in said
    assert "LinkedIn says that the access of Anna Huber was revoked, but not why." in said


def test_an_outage_is_not_called_a_loss(tim: Client, page: Profile) -> None:
    since = timezone.now() - timedelta(hours=2, minutes=1)
    login = token(
        page.organization,
        unclear_since=since,
        unclear_count=3,
        unclear_reason=Reason.NETWORK_OUTAGE,
    )
    access(login, page)
    said = read(tim, page)
    assert "Not reachable for 2 hours" in said
    assert "an outage of the network is not a loss" in said


def test_what_was_not_granted_is_named_beside_what_needs_it(tim: Client, page: Profile) -> None:
    scopes = [scope for scope in page.network.scopes if scope != "r_organization_social"]
    access(token(page.organization, scopes=scopes), page)
    said = read(tim, page)
    assert "Comment on incoming posts Not granted at sign-in: r_organization_social" in said
    assert "Publish posts Publish comments" in said


def test_what_the_network_does_not_allow_is_said_with_its_reason(tim: Client, world: World) -> None:
    page = profile(world.alpenglueck, "xing", "profile", teams=(world.kitchen,))
    access(token(world.alpenglueck, "xing"), page)
    with translation.override("en"):
        reason = str(NETWORKS["xing"].capabilities["comment_on_incoming"].reason)
    assert f"Comment on incoming posts {reason}" in read(tim, page)


def test_scopes_are_listed_as_the_network_calls_them(tim: Client, page: Profile) -> None:
    access(token(page.organization, scopes=["w_member_social", "<b>evil</b>"]), page)
    answer = tim.get(address(page))
    codes = [code.get_text() for code in html(answer).select("code")]
    assert codes == ["w_member_social", "<b>evil</b>"]


NO_RESERVE = "There is no reserve."


def test_a_single_good_access_is_called_no_reserve(tim: Client, page: Profile) -> None:
    access(token(page.organization), page)
    access(token(page.organization, reason=Reason.EXPIRED), page)
    assert NO_RESERVE in read(tim, page)


def test_two_good_accesses_are_reserve_enough(tim: Client, page: Profile) -> None:
    access(token(page.organization), page)
    access(token(page.organization), page)
    assert NO_RESERVE not in read(tim, page)


def test_no_reserve_is_asked_for_where_only_one_login_can_ever_reach(
    tim: Client, world: World
) -> None:
    """A profile that is the login itself has one login and no more."""
    page = profile(world.alpenglueck, "xing", "profile", teams=(world.kitchen,))
    access(token(world.alpenglueck, "xing"), page)
    assert NO_RESERVE not in read(tim, page)


def test_a_profile_without_any_access_says_what_to_do(tim: Client, page: Profile) -> None:
    assert "Refresh the connection to get one." in read(tim, page)


def test_hostile_names_are_shown_as_text(tim: Client, page: Profile) -> None:
    evil = "<script>alert(1)</script>"
    access(token(page.organization, name=evil), page, role=evil)
    assert evil not in tim.get(address(page)).content.decode()
    assert evil in read(tim, page)


# --- Ninety days -----------------------------------------------------------------------------


@pytest.fixture
def hanging(page: Profile) -> Access:
    return access(token(page.organization, name="Anna Huber"), page)


NOON = datetime(2026, 11, 23, 12, 0, tzinfo=BERLIN)


def days_ago(days: float) -> datetime:
    return NOON - timedelta(days=days)


def states(profile: Profile) -> list[str]:
    with timezone.override(BERLIN):
        strip = strip_of(profile, NOON)
    assert strip is not None
    return [day.state for day in strip.days]


def test_where_nothing_was_written_down_there_is_no_strip(page: Profile) -> None:
    assert strip_of(page, NOON) is None


def test_a_day_counts_as_lost_when_access_was_missing_at_any_time(
    page: Profile, hanging: Access
) -> None:
    change(hanging, was=False, now=True, at=days_ago(5))
    change(hanging, Reason.EXPIRED, was=True, now=False, at=days_ago(3))
    change(hanging, was=False, now=True, at=days_ago(1))
    expected = ["valid", "valid", "lost", "lost", "lost", "valid"]
    assert states(page) == ["unknown"] * (DAYS - 6) + expected


def test_a_loss_healed_within_the_day_is_not_hidden(page: Profile, hanging: Access) -> None:
    change(hanging, was=False, now=True, at=days_ago(100))
    change(hanging, Reason.EXPIRED, was=True, now=False, at=days_ago(1))
    change(hanging, was=False, now=True, at=days_ago(0.95))
    assert states(page) == ["valid"] * (DAYS - 2) + ["lost", "valid"]


def test_what_was_before_the_ninety_days_is_carried_in(page: Profile, hanging: Access) -> None:
    change(hanging, Reason.EXPIRED, was=True, now=False, at=days_ago(200))
    assert states(page) == ["lost"] * DAYS


def test_days_are_the_readers_own(page: Profile, hanging: Access) -> None:
    """Half past midnight in Berlin is still yesterday in UTC."""
    change(hanging, was=False, now=True, at=datetime(2026, 11, 22, 0, 30, tzinfo=BERLIN))
    assert states(page)[-3:] == ["unknown", "valid", "valid"]


def test_the_strip_is_summed_up_in_words(tim: Client, page: Profile, hanging: Access) -> None:
    now = timezone.now()
    change(hanging, was=False, now=True, at=now - timedelta(days=200))
    change(hanging, Reason.EXPIRED, was=True, now=False, at=now - timedelta(days=2))
    change(hanging, was=False, now=True, at=now - timedelta(days=2))
    said = read(tim, page)
    assert "Valid throughout on 89 of the last 90 days." in said


def test_a_strip_of_a_day_or_two_is_not_drawn(tim: Client, page: Profile, hanging: Access) -> None:
    change(hanging, was=False, now=True, at=timezone.now() - timedelta(days=1))
    assert "<figure" not in read(tim, page)


def test_a_dead_token_promises_no_ends(tim: Client, page: Profile, hanging: Access) -> None:
    hanging.token.expires_at = timezone.now() + timedelta(days=60)
    hanging.token.save()
    assert "Access token until" in read(tim, page)
    hanging.token.reason = Reason.REVOKED_BY_USER
    hanging.token.save()
    assert "Access token until" not in read(tim, page)
