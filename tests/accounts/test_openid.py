"""What we believe of a provider: OpenID Connect Core 3.1.3.7 and 5.3.2, Discovery 4.3, RFC 9207."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from django.urls import reverse

from accounts.openid import ProviderTrouble, verify
from accounts.single_sign_on import THROUGH
from tests.openid import (
    CLIENT_ID,
    OwnProvider,
    arrive,
    claims_of,
    leap,
    provider,
    public_keys,
    reader,
    rsa_key,
    signed,
)
from tests.people import World, sign_in

ISSUER, NONCE = "https://login.alpenglueck.example", "n-0S6_WzA2Mj"
HOUR = 3600


def verified(token: str, keys: Any = None, **more: Any) -> dict[str, Any]:
    expected = {"issuer": ISSUER, "client_id": CLIENT_ID, "nonce": NONCE} | more
    return verify(token, public_keys() if keys is None else keys, **expected)


def test_a_token_that_is_as_it_should_be_says_who_came() -> None:
    assert verified(signed(claims_of(ISSUER, NONCE)))["sub"] == "m-4711"
    several = claims_of(ISSUER, NONCE, aud=[CLIENT_ID, "other"], azp=CLIENT_ID)
    assert verified(signed(several))["sub"] == "m-4711"


WRONG: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://login.nordwind.example"},
    "no issuer": {"iss": None},
    "another audience": {"aud": "another client"},
    "another audience, asked for by us": {"aud": "another client", "azp": CLIENT_ID},
    "no audience": {"aud": None},
    "several audiences and no word for whom": {"aud": [CLIENT_ID, "other"]},
    "for another party": {"azp": "other"},
    "expired": {"exp": int(time.time()) - HOUR},
    "without an end": {"exp": None},
    "of tomorrow": {"iat": int(time.time()) + 24 * HOUR},
    "an end that is no number": {"exp": "soon"},
    "an endless end": {"exp": float("inf")},
    "another nonce": {"nonce": "of another sign-in"},
    "no nonce": {"nonce": None},
    "no subject": {"sub": None},
    "an empty subject": {"sub": ""},
    "a subject that is no text": {"sub": 1},
    "a subject that is too long": {"sub": "x" * 192},
    "a subject that no database holds": {"sub": "a\x00b"},
}


@pytest.mark.parametrize("claims", WRONG.values(), ids=WRONG)
def test_a_token_with_a_wrong_claim_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(ProviderTrouble):
        verified(signed(claims_of(**{"issuer": ISSUER, "nonce": NONCE} | claims)))


def test_a_token_that_somebody_else_signed_is_refused() -> None:
    with pytest.raises(ProviderTrouble):
        verified(signed(claims_of(ISSUER, NONCE), rsa_key("a stranger's")))


@pytest.mark.parametrize(
    "token",
    [
        jwt.encode(claims_of(ISSUER, NONCE), "", "none", headers={"kid": "k"}),
        signed(claims_of(ISSUER, NONCE), "s" * 32, "HS256"),
        signed(claims_of(ISSUER, NONCE), CLIENT_ID * 4, "HS256"),
    ],
    ids=["unsigned", "by a shared secret", "by the client's name"],
)
def test_a_way_of_signing_that_proves_nothing_is_refused(token: str) -> None:
    with pytest.raises(ProviderTrouble):
        verified(token)
    shared = {"keys": [{"kty": "oct", "kid": "k", "k": "c" * 43}]}
    with pytest.raises(ProviderTrouble):
        verified(token, shared)


@pytest.mark.parametrize("more", [{"kid": "other"}, {"use": "enc"}, {"alg": "PS256"}])
def test_only_the_key_that_is_meant_for_it_opens_a_token(more: dict[str, str]) -> None:
    with pytest.raises(ProviderTrouble):
        verified(signed(claims_of(ISSUER, NONCE)), public_keys(**more))


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é.é.é", signed({})[:-9]])
@pytest.mark.parametrize("keys", [{}, {"keys": None}, {"keys": [1]}, {"keys": [{"kid": "k"}]}])
def test_nonsense_is_refused_and_breaks_nothing(token: str, keys: Any) -> None:
    for one in (token, signed(claims_of(ISSUER, NONCE))):
        with pytest.raises(ProviderTrouble):
            verified(one, keys)


def test_who_was_to_show_herself_again_must_have_done_so_since() -> None:
    now = int(time.time())
    before = signed(claims_of(ISSUER, NONCE, auth_time=now - HOUR))
    assert verified(before)["auth_time"] == now - HOUR
    for token in (before, signed(claims_of(ISSUER, NONCE))):
        with pytest.raises(ProviderTrouble):
            verified(token, asked_at=now)
    assert verified(signed(claims_of(ISSUER, NONCE, auth_time=now)), asked_at=now)


# --- With a provider that answers ---------------------------------------------------------------


@pytest.fixture
def client() -> Client:
    return reader()


@pytest.fixture
def own(world: World, settings: Any) -> Iterator[OwnProvider]:
    with provider() as running:
        running.turn_on(world.alpenglueck, settings)
        yield running


def refused(client: Client, answer: Any) -> bool:
    """A page in our words, and nobody signed in."""
    is_out = THROUGH not in client.session and not SocialAccount.objects.exists()
    return answer.status_code == 400 and b"not signed in" in answer.content and is_out


def test_the_leap_carries_state_nonce_and_a_challenge_and_no_secret(
    client: Client, own: OwnProvider, world: World
) -> None:
    asked = leap(client)
    assert asked["response_type"] == "code" and asked["code_challenge_method"] == "S256"
    assert set(asked["scope"].split()) == {"openid", "email"}
    assert asked["redirect_uri"].endswith("/accounts/organization/alpenglueck/callback/")
    assert len(asked["nonce"]) >= 32 and asked["nonce"] != asked["state"] != leap(client)["state"]
    own.grant(asked["nonce"], email=world.mara.email, email_verified=True)
    assert arrive(client, asked["state"]).status_code == 302
    form = next(form for path, form, _ in own.asked if path == "/token")
    assert len(form["code_verifier"]) >= 43 and "client_secret" not in form


def test_nothing_of_what_the_provider_gave_is_kept(
    client: Client, own: OwnProvider, world: World
) -> None:
    asked = leap(client)
    own.grant(asked["nonce"], email=world.mara.email, email_verified=True)
    arrive(client, asked["state"])
    kept = json.dumps([dict(client.session), SocialAccount.objects.get().extra_data])
    assert "eyJ" not in kept and "Bearer" not in kept and "m-4711" not in kept


def test_a_token_of_an_earlier_sign_in_is_refused(
    client: Client, own: OwnProvider, world: World
) -> None:
    own.grant(leap(reader())["nonce"], email=world.mara.email, email_verified=True)
    assert refused(client, arrive(client, leap(client)["state"]))


@pytest.mark.parametrize("sender", ["https://login.nordwind.example", ""])
def test_an_answer_that_another_provider_sent_is_refused(
    client: Client, own: OwnProvider, world: World, sender: str
) -> None:
    own.describe(authorization_response_iss_parameter_supported=True)
    asked = leap(client)
    own.grant(asked["nonce"], email=world.mara.email, email_verified=True)
    assert refused(client, arrive(client, asked["state"], **({"iss": sender} if sender else {})))
    assert not [path for path, *_ in own.asked if path == "/token"], "the code went nowhere"


def test_the_address_comes_from_userinfo_where_the_token_has_none(
    client: Client, own: OwnProvider, world: World
) -> None:
    own.describe(userinfo_endpoint=f"{own.issuer}/me")
    own.answers["/me"] = {"sub": "m-4711", "email": world.mara.email, "email_verified": True}
    asked = leap(client)
    own.grant(asked["nonce"])
    assert arrive(client, asked["state"]).status_code == 302
    assert SocialAccount.objects.get().user == world.mara


def test_userinfo_about_somebody_else_is_refused(
    client: Client, own: OwnProvider, world: World
) -> None:
    own.describe(userinfo_endpoint=f"{own.issuer}/me")
    own.answers["/me"] = {"sub": "other", "email": world.mara.email, "email_verified": True}
    asked = leap(client)
    own.grant(asked["nonce"])
    assert refused(client, arrive(client, asked["state"]))


NONSENSE = (b"", b"\xff", b"[]", b"1", b'"access_token id_token"', b"<html>", b"[" * 100_000,
            b'{"access_token": 1, "id_token": "x"}', b'{"access_token": "a", "id_token": ["x"]}',
            b'{"keys": {"kid": "k"}}', b'{"issuer": []}')  # fmt: skip


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token", "/keys", "/me"])
def test_whatever_a_provider_says_the_page_is_ours(
    client: Client, own: OwnProvider, path: str
) -> None:
    own.describe(userinfo_endpoint=f"{own.issuer}/me")
    usual = dict(own.answers)
    for nonsense in NONSENSE:
        own.answers |= usual
        asked = leap(client)
        own.grant(asked["nonce"])
        own.answers[path] = nonsense
        assert refused(client, arrive(client, asked["state"])), nonsense[:50]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"issuer": "https://other.example"}, "https://other.example"),
        ({"token_endpoint": None}, "token_endpoint"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "authorization_endpoint"),
        ({"jwks_uri": "http://169.254.169.254/keys"}, "jwks_uri"),
        ({"id_token_signing_alg_values_supported": ["HS256", "none"]}, "HS256, none"),
        ({"code_challenge_methods_supported": ["plain"]}, "PKCE"),
        ({"response_types_supported": ["id_token"]}, "authorization code"),
    ],
)
def test_an_admin_reads_what_is_wrong_with_the_provider(
    client: Client, own: OwnProvider, world: World, said: dict[str, Any], words: str
) -> None:
    own.describe(**said)
    before = world.alpenglueck.single_sign_on
    sign_in(client, world.anna)
    page = reverse("accounts:security_single_sign_on", args=["alpenglueck"])
    answer = client.post(page, {"issuer": own.issuer, "client_id": "new"})
    assert answer.status_code == 422 and words in answer.content.decode()
    world.alpenglueck.refresh_from_db()
    assert world.alpenglueck.single_sign_on == before, "nothing is switched on"
