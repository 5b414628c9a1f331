"""Many calls of the Graph API in one request.

https://developers.facebook.com/docs/graph-api/batch-requests
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

from networks.base import Answer, Client, Post, Request
from networks.families.graph import GRAPH, loaded
from networks.reading import attempt

BATCH = 50
Item = TypeVar("Item")


def batch(
    client: Client, parts: list[dict[str, str]]
) -> Generator[Request, Answer, list[Answer | None] | Answer]:
    """An answer for each part, None for one that was not finished; or the one answer to all,
    where none was taken."""
    form = {
        "access_token": f"{client.client_id}|{client.client_secret}",
        "include_headers": "false",
        "batch": json.dumps(parts),
    }
    answer = yield from attempt(Post(f"{GRAPH}/", form=form))
    found = loaded(answer)
    if answer.status != 200 or not isinstance(found, list) or len(found) != len(parts):
        return answer
    return [answered(one) for one in found]


def part(path: str, query: Mapping[str, str], token: str = "") -> dict[str, str]:
    own = {"access_token": token} if token else {}
    return {"method": "GET", "relative_url": f"{path}?{urlencode(query)}", **own}


def answered(part: Any) -> Answer | None:
    status, body = (part.get("code"), part.get("body")) if isinstance(part, dict) else (None, None)
    if type(status) is not int or not isinstance(body, str):
        return None
    return Answer(status, {}, body.encode("utf-8", "replace"))


def chunks(items: Iterable[Item]) -> list[list[Item]]:
    every = list(items)
    return [every[start : start + BATCH] for start in range(0, len(every), BATCH)]
