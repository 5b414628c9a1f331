from __future__ import annotations

from typing import Any

import pytest

from networks.adapters.youtube.adapter import YouTube
from networks.base import Answer, Identity, Reachable, Refusal
from tests.networks.talk import CLIENT, GRANT, answer, refusal, talk

YOUTUBE = YouTube()
CHANNEL = Identity("UC1", "Alpenglück")
LIST = {"kind": "youtube#channelListResponse", "pageInfo": {"totalResults": 0}}


def channels(*items: Any) -> Answer:
    return answer({**LIST, "items": list(items)})


def channel(id: str = "UC1", title: str = "Alpenglück") -> dict[str, Any]:
    return {"id": id, "snippet": {"title": title, "customUrl": "@alpenglueck"}}


def refused(reason: str, status: int = 403) -> Answer:
    errors = [{"domain": "youtube.common", "reason": reason}]
    return answer({"error": {"code": status, "message": "x", "errors": errors}}, status)


NONE = [
    answer(LIST),
    channels(),
    refused("youtubeSignupRequired", 401),
    refused("authenticatedUserNotChannel"),
    refused("authenticatedUserAccountSuspended"),
    refused("channelClosed"),
]
nothing = pytest.mark.parametrize("given", NONE)


def test_the_login_is_the_channel_that_the_token_is_bound_to() -> None:
    held = talk(YOUTUBE.identify(CLIENT, GRANT), channels(channel()))
    assert held.result == CHANNEL
    [request] = held.requests
    assert request.params == {"part": "id,snippet", "mine": "true"}


def test_the_channel_is_all_that_is_reached() -> None:
    found = talk(YOUTUBE.reach(CLIENT, GRANT, CHANNEL), channels(channel(title="Neu"))).result
    url = "https://www.youtube.com/channel/UC1"
    assert found == [Reachable("channel", "UC1", "Neu", url=url, is_login=True)]


def test_another_channel_is_not_this_one() -> None:
    assert talk(YOUTUBE.reach(CLIENT, GRANT, CHANNEL), channels(channel("UC2"))).result == []


@nothing
def test_a_login_without_a_channel_has_nothing_to_look_after(given: Answer) -> None:
    assert refusal(YOUTUBE.identify(CLIENT, GRANT), given).refusal is Refusal.NOTHING_THERE


@nothing
def test_a_channel_that_is_gone_is_reached_no_more(given: Answer) -> None:
    assert talk(YOUTUBE.reach(CLIENT, GRANT, CHANNEL), given).result == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (answer({}), Refusal.NOT_UNDERSTOOD),
        (answer(b"<html>"), Refusal.NETWORK_UNAVAILABLE),
        (refused("quotaExceeded"), Refusal.NETWORK_UNAVAILABLE),
        (refused("accessNotConfigured"), Refusal.APP_MISCONFIGURED),
        (refused("insufficientPermissions"), Refusal.SCOPE_MISSING),
    ],
)
def test_a_listing_that_fails_is_never_a_channel_that_is_gone(
    given: Answer, expected: Refusal
) -> None:
    error = refusal(YOUTUBE.reach(CLIENT, GRANT, CHANNEL), given)
    assert error.refusal is expected
    missing = ("https://www.googleapis.com/auth/youtube.readonly",)
    assert error.missing == (missing if expected is Refusal.SCOPE_MISSING else ())


@pytest.mark.parametrize("item", [None, "UC1", {}, {"id": True}, {"snippet": {"title": "x"}}])
def test_what_is_no_channel_is_passed_over(item: Any) -> None:
    found = talk(YOUTUBE.identify(CLIENT, GRANT), channels(item, channel())).result
    assert found == CHANNEL


def test_a_channel_without_a_title_is_called_by_its_id() -> None:
    given = channels({"id": "UC1", "snippet": None})
    assert talk(YOUTUBE.identify(CLIENT, GRANT), given).result == Identity("UC1", "UC1")
