"""Times as people say them, and the words of a profile's condition."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, ngettext_lazy

from networks.base import Network, Reason
from profiles.models import Profile
from tokens import wording

register = template.Library()

# Seconds, how long it is ago, and how long it has lasted: whole sentences, since a language may
# bend the words differently in each.
UNITS: tuple[tuple[int, Any, Any], ...] = (
    (
        86_400,
        ngettext_lazy("%d day ago", "%d days ago"),
        ngettext_lazy("Not reachable for %d day", "Not reachable for %d days"),
    ),
    (
        3600,
        ngettext_lazy("%d hour ago", "%d hours ago"),
        ngettext_lazy("Not reachable for %d hour", "Not reachable for %d hours"),
    ),
    (
        60,
        ngettext_lazy("%d minute ago", "%d minutes ago"),
        ngettext_lazy("Not reachable for %d minute", "Not reachable for %d minutes"),
    ),
)


@register.filter
def ago(moment: datetime) -> str:
    """«4 minutes ago»."""
    seconds = (timezone.now() - moment).total_seconds()
    for size, words, _lasting in UNITS:
        if seconds >= size:
            return str(words % int(seconds // size))
    return _("just now")


@register.filter
def not_reachable(since: datetime | None) -> str:
    """«Not reachable for 3 hours»."""
    seconds = (timezone.now() - since).total_seconds() if since else 0
    for size, _past, words in UNITS:
        if seconds >= size:
            return str(words % int(seconds // size))
    return _("Not reachable")


@register.filter
def expires(end: datetime) -> str:
    """«Expires in 12 days», counted in the reader's own days."""
    days = (timezone.localdate(end) - timezone.localdate()).days
    if days < 1:
        return _("Expires today")
    return ngettext("Expires in %(count)d day", "Expires in %(count)d days", days) % {"count": days}


@register.filter
def moment(value: datetime) -> str:
    """As much as is needed to know when: the time today, the day this year, else the date."""
    local, today = timezone.localtime(value), timezone.localdate()
    if local.date() == today:
        return date_format(local, "TIME_FORMAT")
    return date_format(local, "MONTH_DAY_FORMAT" if local.year == today.year else "DATE_FORMAT")


@register.filter
def headline(profile: Profile) -> str:
    """Why access was lost, in a few words."""
    return wording.headline(profile.get_reason(), profile.network)


@register.filter
def silence(network: Network) -> str:
    """That a network does not answer, in a few words."""
    return wording.headline(Reason.NETWORK_OUTAGE, network)
