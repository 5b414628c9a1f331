"""A list of the Graph API, page by page: what stands on one, and what leads to the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from networks.base import Answer, Health, Refusal, Refused, Verdict
from networks.reading import an_id, refusal_of


def listed(answer: Answer, verdict: Verdict) -> list[dict[str, Any]]:
    items = answer.json.get("data")
    if verdict.health is not Health.ALIVE:
        refusal = refusal_of(verdict)
        missing = ("pages_show_list",) if refusal is Refusal.SCOPE_MISSING else ()
        raise Refused(refusal, missing=missing)
    if not isinstance(items, list):
        raise Refused(Refusal.NOT_UNDERSTOOD)
    return [item for item in items if isinstance(item, dict) and an_id(item.get("id"))]


def next_cursor(body: Mapping[str, Any]) -> str:
    """The address of the next list carries the token, so only its cursor is used."""
    paging = body.get("paging")
    cursors = paging.get("cursors") if isinstance(paging, dict) and paging.get("next") else None
    return an_id(cursors.get("after")) if isinstance(cursors, dict) else ""
