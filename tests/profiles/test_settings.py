"""Profile settings: who answers for a profile, who works with it, who hears of a loss."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse

from accounts.actor import Actor
from accounts.models import AuditEvent, Team
from profiles.models import Profile
from profiles.urls import urlpatterns
from profiles.verbs import change_settings
from tests.builders import profile
from tests.people import World, person

SIGN_IN, NO, ABSENT, PAGE, DONE = 302, 403, 404, 200, 302
PEOPLE = ("nobody", "tim", "otto", "mara", "anna", "nils")
# Tim sees it through his team, Otto not at all; Nils is the admin next door.
DOORS = {
    ("settings", "get"): (SIGN_IN, PAGE, ABSENT, PAGE, PAGE, ABSENT),
    ("settings", "head"): (SIGN_IN, PAGE, ABSENT, PAGE, PAGE, ABSENT),
    ("settings", "post"): (SIGN_IN, NO, ABSENT, DONE, DONE, ABSENT),
}
CASES = [
    pytest.param(name, method, who, status, id=f"{method} {name} as {who}")
    for (name, method), expected in DOORS.items()
    for who, status in zip(PEOPLE, expected, strict=True)
]


@pytest.fixture
def page(world: World) -> Profile:
    return profile(world.alpenglueck, name="Alpenglück", teams=(world.kitchen,))


def address(profile: Profile, slug: str = "alpenglueck") -> str:
    return reverse("profiles:settings", args=[slug, profile.pk])


def read(answer: Any) -> str:
    return " ".join(BeautifulSoup(answer.content, "html.parser").get_text(" ").split())


@pytest.fixture
def mara(client: Client, world: World) -> Client:
    """Mara, a manager, reading English."""
    world.mara.language = "en"
    world.mara.save()
    client.force_login(world.mara)
    return client


def audit() -> list[tuple[str, dict[str, Any]]]:
    return [(event.verb, event.details) for event in AuditEvent.objects.order_by("id")]


def test_every_address_has_its_line_in_the_table() -> None:
    assert {pattern.name for pattern in urlpatterns} == {name for name, _ in DOORS}


@pytest.mark.parametrize(("name", "method", "who", "status"), CASES)
def test_a_door_opens_to_whom_it_should(
    client: Client, world: World, page: Profile, name: str, method: str, who: str, status: int
) -> None:
    if who != "nobody":
        client.force_login(getattr(world, who))
    answer = getattr(client, method)(reverse(f"profiles:{name}", args=["alpenglueck", page.pk]))
    assert answer.status_code == status
    if who == "nobody":
        assert answer.url.startswith(reverse("account_login"))


def test_a_neighbours_profile_is_not_found_under_ones_own_organization(
    client: Client, world: World, page: Profile
) -> None:
    client.force_login(world.nils)
    for method in (client.get, client.post):
        assert method(address(page, "nordwind")).status_code == ABSENT
    assert list(page.teams.all()) == [world.kitchen]


def test_owners_teams_and_mail_are_saved_with_their_audit_lines(
    mara: Client, world: World, page: Profile
) -> None:
    sent = {"owners": [world.otto.pk, world.anna.pk], "mail_when_lost": "on"}
    answer = mara.post(address(page), sent, follow=True)
    assert answer.redirect_chain == [(address(page), 302)]
    page.refresh_from_db()
    assert set(page.owners.all()) == {world.otto, world.anna}
    assert not page.teams.exists()
    assert page.mail_when_lost
    assert audit() == [
        (
            "owners_changed",
            {
                "added": [
                    "Anna Huber (anna@alpenglueck.example)",
                    "Otto Owner (otto@alpenglueck.example)",
                ],
                "removed": [],
            },
        ),
        ("teams_changed", {"added": [], "removed": ["Küche"]}),
        ("mail_changed", {"before": False, "after": True}),
    ]
    assert "The settings of “Alpenglück” are saved." in read(answer)


def test_saving_without_a_change_writes_nothing_down(
    mara: Client, world: World, page: Profile
) -> None:
    mara.post(address(page), {"teams": [world.kitchen.pk]})
    assert audit() == []


def test_a_neighbour_is_refused_as_owner_and_nothing_is_saved(
    mara: Client, world: World, page: Profile
) -> None:
    sent = {"owners": [world.otto.pk, world.nils.pk], "mail_when_lost": "on"}
    answer = mara.post(address(page), sent)
    assert answer.status_code == 422
    assert "This choice does not belong to your organization." in read(answer)
    page.refresh_from_db()
    assert not page.owners.exists()
    assert not page.mail_when_lost
    assert audit() == []


def test_a_neighbours_team_is_refused_and_nothing_is_saved(
    mara: Client, world: World, page: Profile
) -> None:
    theirs = Team.objects.create(organization=world.nordwind, name="Deck")
    answer = mara.post(address(page), {"teams": [theirs.pk], "owners": [world.otto.pk]})
    assert answer.status_code == 422
    assert "This choice does not belong to your organization." in read(answer)
    assert list(page.teams.all()) == [world.kitchen]
    assert not page.owners.exists()


@pytest.mark.parametrize("nonsense", ["x", "0", "a\x00b"])
def test_nonsense_is_refused_with_a_sentence(mara: Client, page: Profile, nonsense: str) -> None:
    answer = mara.post(address(page), {"owners": [nonsense]})
    assert answer.status_code == 422
    assert BeautifulSoup(answer.content, "html.parser").select_one(".errorlist")


def test_who_left_between_reading_and_saving_does_not_become_owner(
    world: World, page: Profile
) -> None:
    """The form offered both; the verb looks again, under the lock of the organization."""
    theirs = Team.objects.create(organization=world.nordwind, name="Deck")
    world.alpenglueck.memberships.get(user=world.otto).delete()
    change_settings(
        page,
        owners=[world.otto, world.tim, world.nils],
        teams=[theirs, world.kitchen],
        mail_when_lost=False,
        by=Actor(world.mara),
    )
    assert list(page.owners.all()) == [world.tim]
    assert list(page.teams.all()) == [world.kitchen]


def test_who_has_left_the_organization_is_no_longer_offered_or_kept(
    mara: Client, world: World
) -> None:
    page = profile(world.alpenglueck, owners=(world.otto, world.tim))
    world.alpenglueck.memberships.get(user=world.otto).delete()
    assert "Otto Owner" not in read(mara.get(address(page)))
    mara.post(address(page), {"owners": [world.tim.pk]})
    assert list(page.owners.all()) == [world.tim]


def test_a_board_has_owners_teams_and_settings_of_its_own(mara: Client, world: World) -> None:
    account = profile(world.alpenglueck, "pinterest", "account", owners=(world.anna,))
    board = profile(world.alpenglueck, "pinterest", "board", parent=account)
    mara.post(address(board), {"owners": [world.otto.pk], "teams": [world.kitchen.pk]})
    assert list(board.owners.all()) == [world.otto]
    assert list(board.teams.all()) == [world.kitchen]
    assert list(account.owners.all()) == [world.anna]
    assert not account.teams.exists()


def test_one_team_is_given_one_board_and_no_other(
    client: Client, mara: Client, world: World
) -> None:
    account = profile(world.alpenglueck, "pinterest", "account", name="Hüttenkonto")
    recipes = profile(world.alpenglueck, "pinterest", "board", name="Rezepte", parent=account)
    huts = profile(world.alpenglueck, "pinterest", "board", name="Almen", parent=account)
    mara.post(address(recipes), {"teams": [world.kitchen.pk]})
    client.force_login(world.tim)
    assert client.get(address(recipes)).status_code == PAGE
    assert client.get(address(huts)).status_code == ABSENT
    assert client.get(address(account)).status_code == ABSENT
    listed = read(client.get(reverse("tokens:profile_list", args=["alpenglueck"])))
    assert "Rezepte" in listed
    assert "Almen" not in listed
    # The account is not theirs either: its name stands nowhere, not even above its board.
    assert "Hüttenkonto" not in listed
    assert "Hüttenkonto" not in read(client.get(address(recipes)))


def test_a_member_who_sees_the_profile_reads_its_settings(
    client: Client, world: World, page: Profile
) -> None:
    world.tim.language = "en"
    world.tim.save()
    client.force_login(world.tim)
    answer = client.get(address(page))
    html = BeautifulSoup(answer.content, "html.parser")
    assert "Küche" in read(answer)
    assert "Managers of your organization can change this." in read(answer)
    assert not html.select("[name=owners], [name=teams], [name=mail_when_lost]")


@pytest.mark.parametrize(("who", "offered"), [("tim", False), ("otto", True), ("mara", True)])
def test_refreshing_is_offered_to_managers_and_owners(
    client: Client, world: World, who: str, offered: bool
) -> None:
    page = profile(world.alpenglueck, owners=(world.otto,), teams=(world.kitchen,))
    client.force_login(getattr(world, who))
    refresh = reverse("tokens:refresh", args=["alpenglueck", page.pk])
    assert (refresh in client.get(address(page)).content.decode()) is offered


def test_the_labels_are_those_of_the_product(mara: Client, page: Profile) -> None:
    words = read(mara.get(address(page)))
    for label in (
        "Page settings",
        "Profile owners",
        "Email notifications",
        "There are no valid access permissions.",
    ):
        assert label in words


def test_the_page_pulls_in_its_three_fragments(mara: Client, page: Profile) -> None:
    html = BeautifulSoup(mara.get(address(page)).content, "html.parser")
    pulled = {str(tag["hx-get"]) for tag in html.select("[hx-get][hx-trigger~=load]")}
    names = ("tokens:profile_accesses", "notifications:timeline", "notifications:recipients")
    assert pulled == {reverse(name, args=["alpenglueck", page.pk]) for name in names}


def test_hostile_names_are_shown_as_text(mara: Client, world: World) -> None:
    evil = "<script>alert(1)</script>"
    author = person(evil, world.alpenglueck)
    crew = Team.objects.create(organization=world.alpenglueck, name=evil)
    page = profile(world.alpenglueck, name=evil, owners=(author,), teams=(crew,))
    answer = mara.get(address(page))
    assert evil not in answer.content.decode()
    assert read(answer).count(evil) >= 3
