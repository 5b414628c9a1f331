"""Single sign-on: members of an organization come in by the organization's own OpenID provider.

An account belongs to a person and may work for several organizations; a provider belongs to one
of them, whose admins decide what it says. So a session that came by a provider opens that one
organization and nothing else, and a provider is believed about members of its organization only.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from allauth.account.internal.flows.login import record_authentication
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth import login, logout
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import walls
from accounts.actor import Actor, client_address
from accounts.models import Membership, Organization, SingleSignOn, User

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
# In the session: the id of the SingleSignOn that it came by.
THROUGH = "single_sign_on"


class NotLetIn(Exception):
    """Whom the provider names, but who does not come in: why, and what to do next."""

    title: Promise
    what_next: Promise


class NoVerifiedAddress(NotLetIn):
    title = _("Your organization's provider does not confirm your email address.")
    what_next = _(
        "We need it the first time. Ask whoever looks after the provider to have your address "
        "confirmed there (the claim email_verified), then try again."
    )


class NoMember(NotLetIn):
    title = _("We do not know you as a member of this organization.")
    what_next = _(
        "Ask an admin of the organization for an invitation to exactly the address that the "
        "provider has for you. Accept it once; from then on you get in this way."
    )


class OtherLogin(NotLetIn):
    title = _("Another login of the provider is already connected with this address.")
    what_next = _(
        "Sign in with that one. If it no longer exists, ask an admin of the organization to remove "
        "you from the members and to invite you again."
    )


def find(slug: str) -> Any:
    """The SingleSignOn of an organization, with its `slug` and `organization_name`, or None: all
    that can be known before anybody is signed in."""
    rows = SingleSignOn.objects.raw("SELECT * FROM single_sign_on(%s)", [slug])
    found: Any = next(iter(rows), None)
    if found:
        found.slug = slug
    return found


def came_through(request: Any) -> str:
    """The id of the provider that opened this session; empty where a password did, or nobody."""
    return str(request.session.get(THROUGH, "")) if request.user.is_authenticated else ""


@transaction.atomic
def turn_on(organization: Organization, issuer: str, client_id: str, *, by: Actor) -> None:
    """Take this provider from now on. Sessions and logins of the one before it are void."""
    _end(organization)
    SingleSignOn.objects.create(organization=organization, issuer=issuer, client_id=client_id)
    by.record("single_sign_on_changed", organization, after=f"{issuer} ({client_id})")


@transaction.atomic
def turn_off(organization: Organization, *, by: Actor) -> None:
    if _end(organization):
        by.record("single_sign_on_changed", organization, after=False)


def _end(organization: Organization) -> bool:
    """Whether there was a provider."""
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
    found = SingleSignOn.objects.filter(organization=organization).first()
    if found:
        disconnect(organization)
        found.delete()
    return found is not None


def disconnect(organization: Organization, **of: User) -> None:
    """Forget which logins of the provider belong to whom (to `user`)."""
    for provider in SingleSignOn.objects.filter(organization=organization):
        SocialAccount.objects.filter(provider=str(provider.pk), **of).delete()


def arrive(request: Any, provider: Any, sociallogin: Any) -> User:
    """Sign in whom the provider names, if a member. Raises NotLetIn; nothing is written then."""
    with walls.inside(provider.organization_id):
        user = _member(provider, sociallogin)
        if came_through(request) != str(provider.pk) or request.user != user:
            logout(request)  # nothing of another session comes along
            login(request, user, backend=BACKEND)
            request.session[THROUGH] = str(provider.pk)
            organization = Organization.objects.get(pk=provider.organization_id)
            Actor(user, client_address(request)).record("signed_in_by_provider", organization)
    record_authentication(request, user, "socialaccount", provider=str(provider.pk))
    return user


def _member(provider: Any, sociallogin: Any) -> User:
    """By the subject that is known, or by the address the first time."""
    organization: UUID = provider.organization_id
    members = Membership.objects.select_related("user").filter(
        organization=organization, user__is_active=True
    )
    logins = SocialAccount.objects.filter(provider=str(provider.pk))
    known = logins.filter(uid=sociallogin.account.uid).first()
    if known:
        member = members.filter(user=known.user_id).first()
    else:
        emails = [one.email for one in sociallogin.email_addresses if one.verified]
        if not emails:
            raise NoVerifiedAddress
        confirmed = {"user__emailaddress__email__in": emails, "user__emailaddress__verified": True}
        member = members.filter(**confirmed).first()
    if not member:
        raise NoMember
    if not known:
        if logins.filter(user=member.user).exists():
            raise OtherLogin
        one, _is_new = logins.get_or_create(
            provider=str(provider.pk), uid=sociallogin.account.uid, defaults={"user": member.user}
        )
        if one.user_id != member.user_id:  # another sign-in of the same login was faster
            raise OtherLogin
    return member.user
