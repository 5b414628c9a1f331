"""Single sign-on as far as our own pages go; with a provider that we did not write: tests/peers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, Membership, Role, SingleSignOn, User
from accounts.single_sign_on import THROUGH, find
from accounts.tenancy import OPEN_BY_PROVIDER
from accounts.walls import WEB
from tests.openid import OwnProvider, arrive, leap, provider, reader
from tests.people import World, sign_in
from tests.roles import acting_as
from tests.test_doors import DOORS, ROUTES, Rows, rows

__all__ = ["rows"]


@pytest.fixture
def client() -> Client:
    return reader()


@pytest.fixture
def own(world: World, settings: Any) -> Iterator[OwnProvider]:
    with provider() as running:
        running.turn_on(world.alpenglueck, settings)
        yield running


@pytest.fixture
def by_provider(client: Client, world: World, own: OwnProvider) -> Client:
    """Anna, who is an admin at Nordwind too, came by Alpenglück's provider."""
    Membership.objects.create(organization=world.nordwind, user=world.anna, role=Role.ADMIN)
    asked = leap(client)
    own.grant(asked["nonce"], email=world.anna.email, email_verified=True)
    assert arrive(client, asked["state"]).status_code == 302
    return client


def closed(name: str) -> bool:
    return "<slug:organization>" not in ROUTES[name] and name not in OPEN_BY_PROVIDER


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("name", [name for name in DOORS if closed(name)])
def test_a_session_that_came_by_a_provider_opens_no_page_of_the_account(
    by_provider: Client, rows: Rows, name: str, method: str
) -> None:
    answer = getattr(by_provider, method)(rows.address(name), DOORS[name].sent)
    assert answer.status_code == 403
    assert b"Your own password is needed here" in answer.content


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    "name",
    [name for name, way in ROUTES.items() if "<slug:organization>" in way and "<uuid:" not in way],
)
def test_nor_one_of_another_organization(
    by_provider: Client, rows: Rows, name: str, method: str
) -> None:
    answer = getattr(by_provider, method)(rows.address(name, "nordwind"), DOORS[name].sent)
    assert answer.status_code == 404


def test_no_provider_opens_the_operators_page(by_provider: Client, world: World) -> None:
    """Or an organization's admin could sign in as the operator."""
    User.objects.filter(pk=world.anna.pk).update(is_staff=True)
    answer = by_provider.get(reverse("tokens:operator"))
    assert answer.status_code == 403
    assert b"Your own password is needed here" in answer.content


def test_it_opens_the_organization_of_the_provider(by_provider: Client) -> None:
    page = by_provider.get(reverse("tokens:profile_list", args=["alpenglueck"]))
    assert page.status_code == 200
    assert "Nordwind" not in page.content.decode(), "nor does it know of another one"
    assert by_provider.get("/")["Location"].endswith("/o/alpenglueck/profiles/")


def test_it_ends_when_the_provider_is_replaced(
    by_provider: Client, world: World, own: OwnProvider
) -> None:
    page = reverse("accounts:security_single_sign_on", args=["alpenglueck"])
    sent = {"issuer": own.issuer, "client_id": "another registration"}
    assert by_provider.post(page, sent).status_code == 302
    assert by_provider.get(page).status_code == 404
    assert b"opens nothing any more" in by_provider.get("/").content
    line = AuditEvent.objects.get(verb="single_sign_on_changed")
    assert line.details == {"after": f"{own.issuer} (another registration)"}


def test_a_session_with_a_password_is_not_narrowed(client: Client, world: World) -> None:
    Membership.objects.create(organization=world.nordwind, user=world.anna, role=Role.ADMIN)
    sign_in(client, world.anna)
    for slug in ("alpenglueck", "nordwind"):
        assert client.get(reverse("tokens:profile_list", args=[slug])).status_code == 200


def test_a_new_sign_in_with_the_password_opens_everything_again(
    by_provider: Client, world: World
) -> None:
    by_provider.post(reverse("account_logout"))
    world.anna.set_password("a quiet harbour at dawn")
    world.anna.save()
    sent = {"login": world.anna.email, "password": "a quiet harbour at dawn"}
    by_provider.post(reverse("account_login"), sent)
    assert THROUGH not in by_provider.session
    assert by_provider.get(reverse("accounts:settings")).status_code == 200


def test_before_anybody_is_signed_in_a_short_name_tells_only_its_provider(
    world: World, own: OwnProvider
) -> None:
    with acting_as(WEB):
        found = find("alpenglueck")
        assert (found.issuer, found.organization_name) == (own.issuer, "Alpenglück GmbH")
        assert find("nordwind") is None and find("") is None
        assert not SingleSignOn.objects.exists(), "the table itself stays shut"
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM single_sign_on('alpenglueck')")
        assert cursor.description is not None and cursor.fetchone() == (1,)


@pytest.mark.parametrize("slug", ["nordwind", "nowhere"])
def test_an_organization_without_it_looks_like_one_that_does_not_exist(
    client: Client, own: OwnProvider, slug: str
) -> None:
    answer = client.post(reverse("accounts:single_sign_on"), {"organization": slug})
    assert answer.status_code == 422
    assert b"No organization with this short name" in answer.content


def test_the_leap_is_a_button_and_no_link(client: Client, own: OwnProvider) -> None:
    page = client.get(reverse("accounts:single_sign_on") + "?organization=alpenglueck")
    assert page.status_code == 200 and b'value="alpenglueck"' in page.content
    assert not own.asked


def test_leaps_are_counted(client: Client, own: OwnProvider, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"single_sign_on": "1/m/ip"}
    leap(client)
    answer = client.post(reverse("accounts:single_sign_on"), {"organization": "alpenglueck"})
    assert answer.status_code == 422 and b"too many attempts" in answer.content


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "javascript:x"])
def test_it_leads_back_to_us_alone(
    client: Client, world: World, own: OwnProvider, back: str
) -> None:
    page = reverse("accounts:single_sign_on") + f"?next={back}"
    client.post(page, {"organization": "alpenglueck"})
    [(state, kept)] = client.session["socialaccount_states"].items()
    own.grant(kept[0]["nonce"], email=world.anna.email, email_verified=True)
    assert arrive(client, state)["Location"].startswith("/o/alpenglueck/")


@pytest.mark.parametrize("issuer", ["http://login.example", "https://", "x", "https://a.b/?c=d"])
def test_an_issuer_that_is_no_address_is_not_asked(
    client: Client, world: World, issuer: str
) -> None:
    sign_in(client, world.anna)
    page = reverse("accounts:security_single_sign_on", args=["alpenglueck"])
    answer = client.post(page, {"issuer": issuer, "client_id": "x"})
    assert answer.status_code == 422 and not SingleSignOn.objects.exists()


def test_only_who_showed_herself_just_now_sets_it_up(client: Client, world: World) -> None:
    client.force_login(world.anna)
    page = reverse("accounts:security_single_sign_on", args=["alpenglueck"])
    assert client.post(page, {"off": "yes"})["Location"].startswith("/accounts/reauthenticate/")
