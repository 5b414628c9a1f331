"""Holds a conversation by hand, answers going in and requests coming out; or in a driver."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from networks.allowance import Allowance
from networks.base import (
    Answer,
    Client,
    Conversation,
    Grant,
    Network,
    Refusal,
    Refused,
    Request,
    TransportError,
)
from networks.driver import Driver

CLIENT = Client("our-id", "our-secret", "https://tokenwacht.example/callback")
GRANT = Grant("access-1", "refresh-1")


def hold_in_a_driver(
    conversation: Conversation, hosts: Collection[str], allowance: Allowance | None = None
) -> Any:
    """As `networks.http.hold`, by the probe engine's driver."""

    async def held() -> Any:
        async with Driver() as driver:
            return await driver.hold(conversation, hosts, allowance)

    return asyncio.run(held())


@dataclass
class Talk:
    result: Any
    requests: list[Request] = field(default_factory=list)


def talk(conversation: Conversation, *answers: Answer | TransportError) -> Talk:
    """The answers must be exactly as many as the conversation asks for."""
    asked: list[Request] = []
    waiting = list(answers)
    try:
        request = next(conversation)
        while True:
            asked.append(request)
            assert waiting, f"an unforeseen request: {request}"
            answer = waiting.pop(0)
            if isinstance(answer, TransportError):
                request = conversation.throw(answer)
            else:
                request = conversation.send(answer)
    except StopIteration as end:
        assert not waiting, "fewer requests than answers"
        return Talk(end.value, asked)


def refusal(conversation: Conversation, *answers: Answer | TransportError) -> Refused:
    try:
        result = talk(conversation, *answers).result
    except Refused as refused:
        return refused
    raise AssertionError(f"was not refused: {result}")


def answer(body: Any, status: int = 200, **headers: str) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, raw)


def exchange_refusal(
    network: Network, callback: dict[str, str], *answers: Answer | TransportError
) -> Refusal:
    return refusal(network.exchange(CLIENT, callback, {}), *answers).refusal
