"""Every address of the product, for every kind of person, by GET and by POST: who may enter.

An address that is missing here fails the first test, whoever added it. What is behind a door that
opens is the business of other tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from allauth.account import app_settings as allauth_settings
from allauth.mfa.models import Authenticator
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts import address, invitations, links
from accounts.actor import Actor
from accounts.models import AuditEvent, EmailChange, Invitation, Role, User
from config import health
from networks.base import Health, Reason
from notifications.stopping import stop_path
from profiles.models import Profile
from tests import builders
from tests.factors import Passkey, app_of
from tests.people import World, person, sign_in
from tokens.models import Failure, Token

# Nobody signed in; a member without a team; a member whose team has the profile; the profile's
# owner; a manager; an admin; and the admin of another organization.
PEOPLE = ("nobody", "otto", "tim", "olga", "mara", "anna", "nils")
LEFT, PAGE, BAD, NO, ABSENT, METHOD, ASIDE, REFUSED = 302, 200, 400, 403, 404, 405, 409, 422

Statuses = tuple[int, int, int, int, int, int, int]


def all_of(status: int) -> Statuses:
    return (status,) * 7


def signed_in(status: int) -> Statuses:
    """The same for everybody with an account; all others are sent to sign in."""
    return (LEFT, *(status,) * 6)


def managers(status: int, *, others: int = NO) -> Statuses:
    return (LEFT, others, others, others, status, status, ABSENT)


def admins(status: int) -> Statuses:
    return (LEFT, NO, NO, NO, NO, status, ABSENT)


def viewers(status: int) -> Statuses:
    """Of a profile: those of its teams, its owners, managers and admins."""
    return (LEFT, ABSENT, status, status, status, status, ABSENT)


@dataclass(frozen=True)
class Door:
    get: Statuses
    post: Statuses
    sent: dict[str, str] = field(default_factory=dict)


def anna_only(status: int, *, others: int) -> Statuses:
    """She has an app and a passkey, and is asked for those; all others have a password alone."""
    return (LEFT, others, others, others, others, status, others)


SHUT_TO_POST = (LEFT, METHOD, METHOD, METHOD, METHOD, METHOD, ABSENT)
PUBLIC = Door(all_of(PAGE), all_of(PAGE))
DOORS = {
    "healthz": Door(all_of(PAGE), all_of(METHOD)),
    "set_language": Door(all_of(LEFT), all_of(LEFT), {"language": "de"}),
    # --- django-allauth: public ones first, then those of one's own account ---
    "account_login": Door((PAGE, *(LEFT,) * 6), (PAGE, *(LEFT,) * 6)),
    "account_signup": Door((PAGE, *(LEFT,) * 6), (PAGE, *(LEFT,) * 6)),
    "account_logout": Door(signed_in(PAGE), all_of(LEFT)),
    "account_inactive": Door(all_of(PAGE), all_of(METHOD)),
    "account_reset_password": PUBLIC,
    "account_reset_password_done": Door(all_of(PAGE), all_of(METHOD)),
    "account_reset_password_from_key": PUBLIC,
    "account_reset_password_from_key_done": Door(all_of(PAGE), all_of(METHOD)),
    "account_confirm_email": Door(all_of(PAGE), all_of(ABSENT)),
    "account_email_verification_sent": Door(all_of(PAGE), all_of(METHOD)),
    "account_confirm_login_code": Door(all_of(LEFT), all_of(LEFT)),
    "account_reauthenticate": Door(anna_only(LEFT, others=PAGE), anna_only(LEFT, others=PAGE)),
    "account_email": Door(signed_in(PAGE), signed_in(REFUSED), {"email": "nowhere"}),
    "account_change_password": Door(signed_in(PAGE), signed_in(PAGE)),
    "account_set_password": Door(signed_in(LEFT), signed_in(LEFT)),
    # --- django-allauth's second factors ---
    "mfa_index": Door(signed_in(PAGE), signed_in(METHOD)),
    "mfa_authenticate": Door(all_of(LEFT), all_of(LEFT)),
    "mfa_reauthenticate": Door(anna_only(PAGE, others=LEFT), anna_only(PAGE, others=LEFT)),
    "mfa_activate_totp": Door(anna_only(LEFT, others=PAGE), anna_only(LEFT, others=PAGE)),
    "mfa_deactivate_totp": Door(anna_only(PAGE, others=ABSENT), anna_only(LEFT, others=ABSENT)),
    "mfa_view_recovery_codes": Door(anna_only(PAGE, others=ABSENT), signed_in(METHOD)),
    "mfa_generate_recovery_codes": Door(signed_in(PAGE), anna_only(LEFT, others=PAGE)),
    "mfa_download_recovery_codes": Door(
        anna_only(PAGE, others=ABSENT), anna_only(METHOD, others=ABSENT)
    ),
    "mfa_list_webauthn": Door(signed_in(PAGE), signed_in(METHOD)),
    "mfa_add_webauthn": Door(signed_in(PAGE), signed_in(PAGE)),
    "mfa_reauthenticate_webauthn": Door(anna_only(PAGE, others=LEFT), all_of(LEFT)),
    "mfa_remove_webauthn": Door(anna_only(PAGE, others=ABSENT), anna_only(LEFT, others=ABSENT)),
    "mfa_edit_webauthn": Door(
        anna_only(PAGE, others=ABSENT), anna_only(LEFT, others=ABSENT), {"name": "Phone"}
    ),
    "mfa_login_webauthn": Door(all_of(LEFT), all_of(LEFT)),
    # --- accounts ---
    "accounts:home": Door(signed_in(LEFT), signed_in(LEFT)),
    "accounts:settings": Door(signed_in(PAGE), signed_in(REFUSED), {"language": "nowhere"}),
    "accounts:sessions": Door(signed_in(PAGE), signed_in(LEFT)),
    "accounts:email_confirmation": Door(all_of(METHOD), signed_in(LEFT)),
    "accounts:email_change": Door(all_of(PAGE), all_of(PAGE)),
    "accounts:second_factor_needed": Door((*(LEFT,) * 6, ABSENT), all_of(METHOD)),
    "accounts:single_sign_on": Door(
        (PAGE, *(LEFT,) * 6), (REFUSED, *(LEFT,) * 6), {"organization": "alpenglueck"}
    ),
    "accounts:single_sign_on_callback": Door(all_of(ABSENT), all_of(METHOD)),
    "accounts:invitation": Door(all_of(PAGE), (REFUSED, *(ASIDE,) * 6), {"name": "Nora"}),
    "accounts:members": Door(
        managers(PAGE), (LEFT, METHOD, METHOD, METHOD, METHOD, METHOD, ABSENT)
    ),
    "accounts:invite": Door(
        SHUT_TO_POST, admins(LEFT), {"email": "new@alpenglueck.example", "role": "member"}
    ),
    "accounts:member_role": Door(admins(PAGE), admins(LEFT), {"role": "manager"}),
    "accounts:member_remove": Door(admins(PAGE), admins(LEFT)),
    "accounts:invitation_revoke": Door(SHUT_TO_POST, admins(LEFT)),
    "accounts:teams": Door(managers(PAGE), managers(LEFT), {"name": "Garten"}),
    "accounts:team": Door(managers(PAGE), managers(LEFT), {"name": "Garten"}),
    "accounts:team_delete": Door(managers(PAGE), managers(LEFT)),
    "accounts:security": Door(admins(PAGE), SHUT_TO_POST),
    "accounts:security_second_factor": Door(admins(PAGE), admins(LEFT), {"required": "no"}),
    "accounts:security_single_sign_on": Door(
        admins(PAGE), admins(REFUSED), {"issuer": "http://127.0.0.1:1"}
    ),
    "accounts:audit": Door(admins(PAGE), SHUT_TO_POST),
    "accounts:audit_export": Door(SHUT_TO_POST, admins(PAGE)),
    # --- profiles ---
    "profiles:settings": Door(viewers(PAGE), (LEFT, ABSENT, NO, NO, LEFT, LEFT, ABSENT)),
    # --- tokens ---
    "tokens:profile_list": Door(
        (LEFT, PAGE, PAGE, PAGE, PAGE, PAGE, ABSENT), SHUT_TO_POST, {"page": "1"}
    ),
    "tokens:add": Door(managers(PAGE), SHUT_TO_POST),
    "tokens:add_network": Door(managers(PAGE), managers(LEFT)),
    "tokens:choose": Door(managers(PAGE), managers(PAGE), {"chosen": "page 1"}),
    "tokens:refresh": Door(
        (LEFT, ABSENT, ABSENT, PAGE, PAGE, PAGE, ABSENT),
        (LEFT, ABSENT, ABSENT, LEFT, LEFT, LEFT, ABSENT),
    ),
    "tokens:delete": Door(admins(PAGE), admins(LEFT)),
    "tokens:profile_accesses": Door(viewers(PAGE), SHUT_TO_POST),
    "notifications:timeline": Door(viewers(PAGE), SHUT_TO_POST),
    "tokens:client_metadata": Door(all_of(ABSENT), all_of(METHOD)),
    "tokens:callback": Door(all_of(LEFT), all_of(METHOD), {"state": "forged", "code": "x"}),
    "tokens:callback_of": Door(all_of(LEFT), all_of(METHOD), {"state": "forged", "code": "x"}),
    "tokens:outcome": Door(signed_in(BAD), all_of(METHOD)),
    "tokens:operator": Door(signed_in(ABSENT), signed_in(ABSENT)),
    "tokens:believe": Door(signed_in(ABSENT), signed_in(ABSENT)),
    # --- notifications ---
    "notifications:recipients": Door(viewers(PAGE), SHUT_TO_POST),
    "notifications:left_behind": Door(admins(PAGE), SHUT_TO_POST),
    "notifications:refused": Door(admins(PAGE), SHUT_TO_POST),
    "notifications:untold": Door((LEFT, PAGE, PAGE, PAGE, PAGE, PAGE, ABSENT), SHUT_TO_POST),
    "notifications:organization": Door(admins(PAGE), admins(LEFT)),
    "notifications:webhooks": Door(admins(PAGE), admins(PAGE)),
    "notifications:webhook": Door(SHUT_TO_POST, admins(ABSENT)),
    "notifications:preferences": Door(signed_in(PAGE), signed_in(LEFT)),
    "notifications:address": Door(signed_in(PAGE), all_of(METHOD)),
    "notifications:try_again": Door(all_of(METHOD), signed_in(LEFT)),
    "notifications:stop": PUBLIC,
    "notifications:metrics": Door(all_of(ABSENT), all_of(METHOD)),
}
CASES = [
    pytest.param(name, method, who, status, id=f"{method} {name} as {who}")
    for name, door in DOORS.items()
    for method in ("get", "post")
    for who, status in zip(PEOPLE, getattr(door, method), strict=True)
]
IDS = ("pk", "profile", "token", "network")


def patterns(found: list[Any], prefix: str = "", space: str = "") -> Iterator[tuple[str, str]]:
    """Name and route of every address of the project."""
    for one in found:
        route = prefix + str(one.pattern)
        if isinstance(one, URLResolver):
            inner = f"{space}{one.namespace}:" if one.namespace else space
            yield from patterns(one.url_patterns, route, inner)
        else:
            assert isinstance(one, URLPattern)
            yield f"{space}{one.name or route}", route


ROUTES = dict(patterns(get_resolver().url_patterns))


@dataclass
class Rows:
    """Alpenglück's, for whoever asks for them by id."""

    world: World
    olga: User
    profile: Profile
    token: Token
    invitation: Invitation
    passkey: Authenticator
    change: EmailChange
    failure: Failure

    def client(self, who: str) -> Client:
        client = Client()
        if who == "olga":
            sign_in(client, self.olga)
        elif who != "nobody":
            sign_in(client, getattr(self.world, who))
        return client

    def address(self, name: str, slug: str = "alpenglueck") -> str:
        space, _, short = name.rpartition(":")
        if name == "accounts:invitation":
            return links.path_of(self.invitation)
        if name == "accounts:email_change":
            return address.path(self.change, address.OLD)
        if name in ("accounts:second_factor_needed", "accounts:single_sign_on_callback"):
            return reverse(name, args=["alpenglueck"])
        if name in ("mfa_remove_webauthn", "mfa_edit_webauthn"):
            return reverse(name, args=[self.passkey.pk])
        if name == "notifications:stop":
            return stop_path(self.world.otto)
        if name == "tokens:believe":
            return reverse(name, args=[self.failure.pk])
        if name == "account_confirm_email":
            return reverse(name, args=["MQ:forged:key"])
        if name == "account_reset_password_from_key":
            return reverse(name, args=["0", "forged-key"])
        route, known = (
            ROUTES[name],
            {"organization": slug, "network": "linkedin", "server": "one.example"},
        )
        member = self.world.alpenglueck.memberships.get(user=self.world.tim)
        pk = {"invitation": self.invitation, "team": self.world.kitchen, "member": member}
        rows = {"profile": self.profile, "token": self.token}
        rows["pk"] = pk.get(short.partition("_")[0], member) if space == "accounts" else member
        known |= {key: str(row.pk) for key, row in rows.items()}
        return reverse(name, kwargs={key: known[key] for key in known if f":{key}>" in route})


@pytest.fixture
def rows(world: World, settings: Any) -> Rows:
    health.note_beat()
    settings.OAUTH_CLIENTS = {"linkedin": ("client", "secret")}
    olga = person("Olga Inhaberin", world.alpenglueck, Role.MEMBER)
    profile = builders.profile(world.alpenglueck, owners=(olga,), teams=(world.kitchen,))
    token = builders.token(world.alpenglueck)
    builders.access(token, profile)
    invitation = invitations.invite(
        world.alpenglueck, "nora@alpenglueck.example", Role.MEMBER, by=Actor(world.anna)
    )
    app_of(world.anna)
    passkey = Passkey().stored_for(world.anna)
    change = EmailChange.objects.create(user=world.anna, email="huber@alpenglueck.example")
    failure = Failure.objects.create(
        network_slug="linkedin", health=Health.DEAD, reason=Reason.REVOKED_BY_USER
    )
    return Rows(world, olga, profile, token, invitation, passkey, change, failure)


def test_every_address_of_the_project_has_its_line_in_the_table() -> None:
    assert set(ROUTES) == set(DOORS)
    assert not allauth_settings.LOGIN_BY_CODE_ENABLED, "its door would open"


@pytest.mark.parametrize(("name", "method", "who", "status"), CASES)
def test_a_door_opens_to_whom_it_should(
    rows: Rows, name: str, method: str, who: str, status: int
) -> None:
    sent = DOORS[name].sent
    answer: Any = getattr(rows.client(who), method)(rows.address(name), sent)
    assert answer.status_code == status
    list(answer)  # a file that nobody reads to its end stays open
    if who == "nobody" and status == LEFT and "<slug:organization>" in ROUTES[name]:
        assert answer["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    "name",
    [
        name
        for name, route in ROUTES.items()
        if "<slug:organization>" in route and "<uuid:" in route
    ],
)
def test_a_neighbours_row_does_not_exist_under_ones_own_organization(
    rows: Rows, name: str, method: str
) -> None:
    answer = getattr(rows.client("nils"), method)(
        rows.address(name, slug="nordwind"), DOORS[name].sent
    )
    # Refusing the method says nothing about the row.
    assert answer.status_code in (ABSENT, METHOD)
    assert (
        answer.status_code
        == getattr(rows.client("nils"), method)(
            rows.address(name, slug="nordwind").replace(str(rows.profile.pk), str(rows.token.pk)),
            DOORS[name].sent,
        ).status_code
    ), "and looks like one that exists nowhere"


@pytest.mark.parametrize(
    "name", [name for name, door in DOORS.items() if door.post[-2] in (LEFT, PAGE)]
)
def test_every_line_that_a_request_leaves_in_the_log_says_who_and_from_where(
    rows: Rows, name: str
) -> None:
    AuditEvent.objects.all().delete()
    client: Any = rows.client("anna")
    list(client.post(rows.address(name), DOORS[name].sent, REMOTE_ADDR="203.0.113.9"))
    for event in AuditEvent.objects.all():
        assert (event.actor_id, event.actor_email) == (
            str(rows.world.anna.pk),
            "anna@alpenglueck.example",
        )
        assert event.ip_address == "203.0.113.9", event.verb
