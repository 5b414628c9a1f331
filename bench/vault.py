"""What envelope encryption costs: opening 1,000 tokens of 20 organizations.

The baseline opens the same texts with one key that is at hand, as if TOKEN_KEYS had sealed them
directly: without data keys to join, to unwrap and to check.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Organization
from bench.measure import Figure, Prepare, compare
from networks.base import Grant
from tokens import vault
from tokens.models import OAuthApp, Token
from tokens.vault import DataKey

ORGANIZATIONS = 20
TOKENS = 1000
TEXT = "a" * 350  # as long as LinkedIn's are
ROUNDS = 40
ONE_KEY = "the same texts under one key"
DIRECT = AESGCM(os.urandom(32))


def run() -> Iterator[Figure]:
    fill()
    enveloped = Token.objects.filter(network_slug="tiktok").select_related("data_key")
    direct = Token.objects.filter(network_slug="xing")
    yield compare(
        "vault",
        "opening 1,000 tokens",
        at_hand(enveloped, open_one),
        ONE_KEY,
        at_hand(direct, open_directly),
        rounds=ROUNDS,
    )
    yield compare(
        "vault",
        "opening them with nothing remembered",
        at_hand(enveloped, open_one, forget=True),
        ONE_KEY,
        at_hand(direct, open_directly),
        rounds=ROUNDS,
    )
    yield compare(
        "vault",
        "reading and opening 1,000 tokens",
        lambda: lambda: open_all(enveloped.all(), open_one),
        ONE_KEY,
        lambda: lambda: open_all(direct.all(), open_directly),
        rounds=ROUNDS,
    )


def at_hand(
    tokens: QuerySet[Token], open_it: Callable[[Token], str], *, forget: bool = False
) -> Prepare:
    """The rows are read beforehand."""
    rows = list(tokens)

    def prepare() -> Callable[[], None]:
        if forget:
            vault._unwrap.cache_clear()
        return lambda: open_all(rows, open_it)

    return prepare


def open_all(tokens: QuerySet[Token] | list[Token], open_it: Callable[[Token], str]) -> None:
    assert sum(open_it(token) == TEXT for token in tokens) == TOKENS


def open_one(token: Token) -> str:
    return token.open().access_token


def place(token: Token) -> bytes:
    return token.organization_id.bytes + token.pk.bytes + b"access_token"


def open_directly(token: Token) -> str:
    sealed = bytes(token.access_token)
    text = DIRECT.decrypt(sealed[:12], sealed[12:], place(token)).decode()
    return Grant(text, "", tuple(token.scopes), None, None).access_token


def fill() -> None:
    """Each login twice: enveloped at TikTok, and sealed with the one key at XING."""
    apps = [
        OAuthApp.objects.create(network_slug=slug, client_id="bench") for slug in ("tiktok", "xing")
    ]
    for number in range(ORGANIZATIONS):
        home = Organization.objects.create(slug=f"vault-{number}", name=f"Vault {number}")
        data_key = DataKey.current(home.pk)
        for one in range(TOKENS // ORGANIZATIONS):
            for app in apps:
                a_token(home, app, f"{number}-{one}", data_key).save()


def a_token(home: Organization, app: OAuthApp, subject: str, data_key: DataKey) -> Token:
    token = Token(organization=home, app=app, network_slug=app.network_slug, data_key=data_key)
    token.subject = token.subject_name = subject
    token.issued_at = token.consented_at = timezone.now()
    token.seal(Grant(TEXT, "", (), None, None))
    if app.network_slug == "xing":
        nonce = os.urandom(12)
        token.access_token = nonce + DIRECT.encrypt(nonce, TEXT.encode(), place(token))
    return token
