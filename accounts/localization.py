"""The time zones that people can choose in their account settings, and theirs."""

from __future__ import annotations

from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from django.conf import settings

from accounts.models import User

REGIONS = {
    "Africa", "America", "Antarctica", "Arctic", "Asia",
    "Atlantic", "Australia", "Europe", "Indian", "Pacific",
}  # fmt: skip


@cache
def time_zones() -> dict[str, list[str]]:
    """Region -> the names of its zones; without the aliases of old, such as `US/Eastern`."""
    found: dict[str, list[str]] = {}
    for name in sorted(available_timezones()):
        region = name.partition("/")[0]
        if region in REGIONS:
            found.setdefault(region, []).append(name)
    return found | {"UTC": ["UTC"]}


def zone_of(user: User) -> ZoneInfo:
    """The person's time zone; the installation's where theirs is unknown, empty, or a path."""
    try:
        return ZoneInfo(user.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo(settings.TIME_ZONE)
