"""For whom the reader works: what the bar and the navigation show on every page."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context
from django.urls import reverse

from accounts.models import Membership, Organization
from accounts.tenancy import LATEST, memberships_of

register = template.Library()


class Workplace:
    """The organization of the page; elsewhere the one last visited, or else the only one."""

    def __init__(self, request: Any) -> None:
        memberships = memberships_of(request)
        self.has_others = len(memberships) > 1
        self.membership: Membership | None = getattr(request, "membership", None)
        if self.membership is None:
            latest = [one for one in memberships if str(one.pk) == request.session.get(LATEST)]
            only = [] if self.has_others else memberships
            self.membership = next(iter(latest or only), None)

    @property
    def organization(self) -> Organization | None:
        return self.membership.organization if self.membership else None

    @property
    def profiles(self) -> str:
        """Where the gear leads; without an organization to the choice of one."""
        if self.organization is None:
            return reverse("accounts:home")
        return reverse("tokens:profile_list", args=[self.organization.slug])


@register.simple_tag(takes_context=True)
def workplace(context: Context) -> Workplace | None:
    """None where nobody is signed in, and where a page is drawn without a request."""
    request = context.get("request")
    user = getattr(request, "user", None)
    return Workplace(request) if user and user.is_authenticated else None
