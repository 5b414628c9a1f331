"""Numbers, shares, money, spans of time and time zones as the reader's language writes them."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from babel import numbers, units
from django import template
from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

register = template.Library()

PARTS = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))
ZONES = {
    "CET": _("CET"),
    "CEST": _("CEST"),
    "WET": _("WET"),
    "WEST": _("WEST"),
    "EET": _("EET"),
    "EEST": _("EEST"),
}


def _locale() -> str:
    return (get_language() or settings.LANGUAGE_CODE).partition("-")[0]


@register.filter
def figure(value: float) -> str:
    """«1,204»; of a fraction, one digit."""
    return numbers.format_decimal(round(value, 1), locale=_locale())


@register.filter
def percent(share: float) -> str:
    """«3.4%» for 0.034."""
    return numbers.format_percent(round(share, 3), locale=_locale(), decimal_quantization=False)


@register.filter
def money(amount: Decimal, currency: str) -> str:
    """«$12.35»."""
    return numbers.format_currency(amount, currency, locale=_locale())


@register.filter
def lasting(span: timedelta | None) -> str:
    """«3 hours 12 minutes»: its largest part, and the next one where there is any of it. Seconds
    are said only where there is nothing larger; "" where nothing is known."""
    if span is None:
        return ""
    left, counts = max(int(span.total_seconds()), 0), []
    for name, size in PARTS:
        count, left = divmod(left, size)
        counts.append((name, count))
    *larger, seconds = counts
    first = next((place for place, (_, count) in enumerate(larger) if count), len(larger))
    told = [part for part in larger[first : first + 2] if part[1]] or [seconds]
    return " ".join(
        units.format_unit(count, f"duration-{name}", locale=_locale()) for name, count in told
    )


@register.filter(expects_localtime=True)
def zone(moment: datetime) -> str:
    """«CEST»: the zone that its clock shows."""
    name = moment.tzname() or ""
    return str(ZONES.get(name, name))
