"""A fragment of a profile's settings page: the accesses behind it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple, cast
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts.tenancy import MemberRequest
from networks.base import Capability, Reason
from profiles.models import Profile
from tokens.models import Access
from tokens.views.condition import Condition, latest_silence, with_condition
from tokens.views.strip import strip_of
from tokens.wording import explain, headline

CAPABILITIES = {
    "connect": gettext_lazy("Stay connected"),
    "publish_post": gettext_lazy("Publish posts"),
    "publish_comment": gettext_lazy("Publish comments"),
    "comment_on_incoming": gettext_lazy("Comment on incoming posts"),
}


class Clock(NamedTuple):
    label: str
    at: datetime
    note: str = ""


class Ability(NamedTuple):
    """`allowed` by the network, and covered by the scopes and the role that it takes."""

    label: Any
    allowed: bool
    why_not: Any = ""


@require_safe
def accesses(request: MemberRequest, profile: UUID) -> HttpResponse:
    """The status in full sentences, and each access with whose login it is and every clock."""
    visible = with_condition(Profile.objects.visible_to(request.membership), timezone.now())
    found = get_object_or_404(visible, pk=profile)
    rows = list(found.accesses.select_related("token").order_by("-token__issued_at", "pk"))
    good = [access for access in rows if access.effective_reason() is None]
    explanation = _explanation(found, rows)
    context = {
        "profile": found,
        "condition": Condition(cast(Any, found).condition),
        "unreachable_since": latest_silence(good),
        "explanation": explanation,
        "accesses": [_described(access, said=explanation) for access in rows],
        "strip": strip_of(found, timezone.now()),
        "has_no_reserve": len(good) == 1 and found.kind.reads_role,
    }
    return render(request, "tokens/about/accesses.html", context)


def _explanation(profile: Profile, rows: list[Access]) -> str:
    """Why it is lost: about the access that was lost last, if one is still known."""
    reason = profile.get_reason()
    if profile.is_valid or reason is None or not rows:
        return ""
    meant = [row for row in rows if row.effective_reason() == reason] or rows
    return explain(reason, profile.network, meant[0].token.subject_name)


def _described(access: Access, said: str) -> dict[str, Any]:
    """`said`: what the page has explained already."""
    token, reason = access.token, access.effective_reason()
    explanation = explain(reason, token.network, token.subject_name) if reason else ""
    return {
        "access": access,
        "token": token,
        "headline": headline(reason, token.network),
        "explanation": explanation if explanation != said else "",
        "clocks": list(_clocks(access)),
        "is_gone": reason is Reason.NO_LONGER_LISTED,
        # A dead access can nothing; one that lacks a scope says which.
        "abilities": list(_abilities(access)) if _still_says(access) else [],
    }


def _clocks(access: Access) -> Iterator[Clock]:
    token = access.token
    yield Clock(_("Connected since"), access.created_at)
    if timezone.localdate(token.consented_at) != timezone.localdate(access.created_at):
        yield Clock(_("Last signed in"), token.consented_at)
    if token.probed_at:
        yield Clock(_("Last asked"), token.probed_at)
    if token.reason:  # its ends are behind it, whatever they were to be
        return
    if token.expires_at:
        note = _("renews itself") if token.refresh_token else ""
        yield Clock(_("Access token until"), token.expires_at, note)
    if token.refresh_expires_at:
        yield Clock(_("Refresh token until"), token.refresh_expires_at)
    if token.reauthorize_by:
        yield Clock(_("Renewal by"), token.reauthorize_by, _("a person has to sign in again"))


def _still_says(access: Access) -> bool:
    return access.effective_reason() is None or access.token.reason == Reason.PERMISSION_LOST


def _abilities(access: Access) -> Iterator[Ability]:
    for name, capability in access.token.network.capabilities.items():
        label, why_not = CAPABILITIES.get(name, name), _why_not(capability, access)
        yield Ability(label, not why_not, why_not)


def _why_not(capability: Capability, access: Access) -> Any:
    """What keeps this access from it; "" where nothing does."""
    token = access.token
    if not capability.allowed:
        return capability.reason
    if missing := [scope for scope in capability.scopes if scope not in token.scopes]:
        return _("Not granted at sign-in: %(scopes)s") % {"scopes": ", ".join(missing)}
    if not capability.held_by(token.scopes, access.role.split()):
        roles = ", ".join(capability.roles)
        return _("A role at %(network)s is missing: %(roles)s") % {
            "network": token.network.name,
            "roles": roles,
        }
    return ""
