"""Every address of accounts, for every kind of person: what the door answers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from accounts import links
from accounts.models import Invitation, Role, User
from accounts.urls import urlpatterns
from tests.accounts.test_settings import read
from tests.people import World, sign_in

PEOPLE = ("nobody", "otto", "mara", "anna", "nils")
SIGN_IN, NO, ABSENT, PAGE, DONE = 302, 403, 404, 200, 302

# name, method, what is sent: nobody signed in, a member, a manager, an admin, and the admin
# of another organization.
DOORS: dict[tuple[str, str], tuple[dict[str, str], tuple[int, int, int, int, int]]] = {
    ("home", "get"): ({}, (SIGN_IN, DONE, DONE, DONE, DONE)),
    ("settings", "get"): ({}, (SIGN_IN, PAGE, PAGE, PAGE, PAGE)),
    ("sessions", "get"): ({}, (SIGN_IN, PAGE, PAGE, PAGE, PAGE)),
    ("sessions", "post"): ({}, (SIGN_IN, DONE, DONE, DONE, DONE)),
    ("email_confirmation", "post"): ({}, (SIGN_IN, DONE, DONE, DONE, DONE)),
    ("email_change", "get"): ({}, (ABSENT, ABSENT, ABSENT, ABSENT, ABSENT)),
    ("second_factor_needed", "get"): ({}, (SIGN_IN, DONE, DONE, DONE, ABSENT)),
    ("single_sign_on", "get"): ({}, (PAGE, DONE, DONE, DONE, DONE)),
    ("single_sign_on_callback", "get"): ({}, (ABSENT, ABSENT, ABSENT, ABSENT, ABSENT)),
    ("invitation", "get"): ({}, (PAGE, PAGE, PAGE, PAGE, PAGE)),
    ("members", "get"): ({}, (SIGN_IN, NO, PAGE, PAGE, ABSENT)),
    ("invite", "post"): (
        {"email": "new@alpenglueck.example", "role": "member"},
        (SIGN_IN, NO, NO, DONE, ABSENT),
    ),
    ("member_role", "get"): ({"role": "manager"}, (SIGN_IN, NO, NO, PAGE, ABSENT)),
    ("member_role", "post"): ({"role": "manager"}, (SIGN_IN, NO, NO, DONE, ABSENT)),
    ("member_remove", "get"): ({}, (SIGN_IN, NO, NO, PAGE, ABSENT)),
    ("member_remove", "post"): ({}, (SIGN_IN, NO, NO, DONE, ABSENT)),
    ("invitation_revoke", "post"): ({}, (SIGN_IN, NO, NO, DONE, ABSENT)),
    ("teams", "get"): ({}, (SIGN_IN, NO, PAGE, PAGE, ABSENT)),
    ("teams", "post"): ({"name": "Garten"}, (SIGN_IN, NO, DONE, DONE, ABSENT)),
    ("team", "get"): ({}, (SIGN_IN, NO, PAGE, PAGE, ABSENT)),
    ("team", "post"): ({"name": "Garten"}, (SIGN_IN, NO, DONE, DONE, ABSENT)),
    ("team_delete", "get"): ({}, (SIGN_IN, NO, PAGE, PAGE, ABSENT)),
    ("team_delete", "post"): ({}, (SIGN_IN, NO, DONE, DONE, ABSENT)),
    ("security", "get"): ({}, (SIGN_IN, NO, NO, PAGE, ABSENT)),
    ("security_second_factor", "get"): ({}, (SIGN_IN, NO, NO, PAGE, ABSENT)),
    ("security_second_factor", "post"): ({"required": "no"}, (SIGN_IN, NO, NO, DONE, ABSENT)),
    ("security_single_sign_on", "get"): ({}, (SIGN_IN, NO, NO, PAGE, ABSENT)),
    ("security_single_sign_on", "post"): ({"off": "yes"}, (SIGN_IN, NO, NO, DONE, ABSENT)),
    ("audit", "get"): ({}, (SIGN_IN, NO, NO, PAGE, ABSENT)),
    ("audit_export", "post"): ({}, (SIGN_IN, NO, NO, PAGE, ABSENT)),
}
CASES = [
    pytest.param(name, method, who, sent, status, id=f"{method} {name} as {who}")
    for (name, method), (sent, expected) in DOORS.items()
    for who, status in zip(PEOPLE, expected, strict=True)
]
POST_ONLY = ("invite", "invitation_revoke", "audit_export")


def address(name: str, world: World, invitation: Invitation, slug: str = "alpenglueck") -> str:
    """The address of `name` in Alpenglück; ids are always those of Alpenglück's own rows."""
    tim = world.alpenglueck.memberships.get(user=world.tim)
    ids: dict[str, UUID] = {
        "member_role": tim.pk,
        "member_remove": tim.pk,
        "invitation_revoke": invitation.pk,
        "team": world.kitchen.pk,
        "team_delete": world.kitchen.pk,
    }
    if name == "invitation":
        return links.path_of(invitation)
    if name == "email_change":
        return reverse("accounts:email_change", args=["forged"])
    if name in ("home", "settings", "sessions", "email_confirmation", "single_sign_on"):
        return reverse(f"accounts:{name}")
    return reverse(f"accounts:{name}", args=[slug, *([ids[name]] if name in ids else [])])


def test_every_address_has_its_line_in_the_table() -> None:
    assert {pattern.name for pattern in urlpatterns} == {name for name, _ in DOORS}


@pytest.mark.parametrize(("name", "method", "who", "sent", "status"), CASES)
def test_a_door_opens_to_whom_it_should(
    client: Client,
    world: World,
    invitation: Invitation,
    name: str,
    method: str,
    who: str,
    sent: dict[str, str],
    status: int,
) -> None:
    if who != "nobody":
        sign_in(client, getattr(world, who))
    url = address(name, world, invitation)
    answer: Any = getattr(client, method)(url, sent)
    assert answer.status_code == status
    list(answer)  # a file that nobody reads to its end stays open
    if who == "nobody" and status == SIGN_IN:
        assert answer.url.startswith(reverse("account_login"))


@pytest.mark.parametrize(
    ("name", "method"),
    [door for door in DOORS if door[0] in ("member_role", "member_remove", "team", "team_delete")]
    + [("invitation_revoke", "post")],
)
def test_a_neighbours_row_is_not_found_under_ones_own_organization(
    client: Client, world: World, invitation: Invitation, name: str, method: str
) -> None:
    sign_in(client, world.nils)
    url = address(name, world, invitation, slug="nordwind")
    answer = getattr(client, method)(url, DOORS[name, method][0])
    assert answer.status_code == ABSENT
    assert world.alpenglueck.memberships.filter(user=world.tim, role=Role.MEMBER).exists()
    assert list(world.alpenglueck.teams.values_list("name", flat=True)) == ["Küche"]
    assert Invitation.objects.filter(pk=invitation.pk).exists()


@pytest.mark.parametrize("name", POST_ONLY)
def test_opening_a_buttons_address_changes_nothing(
    client: Client, world: World, invitation: Invitation, name: str
) -> None:
    client.force_login(world.anna)
    assert client.get(address(name, world, invitation)).status_code == 405


def test_an_organization_that_does_not_exist_looks_like_a_neighbours(
    client: Client, world: World
) -> None:
    client.force_login(world.anna)
    nowhere = client.get(reverse("accounts:members", args=["nowhere"]))
    neighbour = client.get(reverse("accounts:members", args=["nordwind"]))
    assert nowhere.status_code == neighbour.status_code == ABSENT
    assert read(nowhere) == read(neighbour)


def test_who_was_removed_stands_outside_at_once(client: Client, world: World) -> None:
    client.force_login(world.mara)
    members = reverse("accounts:members", args=["alpenglueck"])
    assert client.get(members).status_code == PAGE
    world.alpenglueck.memberships.get(user=world.mara).delete()
    assert client.get(members).status_code == ABSENT


def test_nobody_signs_up_without_an_invitation(client: Client, db: None) -> None:
    answer = client.post(
        reverse("account_signup"),
        {
            "email": "stranger@nowhere.example",
            "password1": "long enough 1",
            "password2": "long enough 1",
        },
    )
    assert answer.status_code == PAGE
    assert not User.objects.exists()
