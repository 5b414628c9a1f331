"""OpenID Connect as a relying party, on top of django-allauth.

allauth leaps, keeps `state` and the PKCE verifier in the session, and exchanges the code. It does
not look at the issuer that a provider names itself, asks for no nonce, and takes an ID token that
came by TLS without its signature. Here is what OpenID Connect Core 3.1.3.7, Discovery 4.3 and RFC
9207 ask for besides. The client is a public one: PKCE stands in for a client secret.
"""

from __future__ import annotations

import logging
import re
import time
from typing import Any
from urllib.parse import urlsplit

import jwt
from allauth.account.models import EmailAddress
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp, SocialToken
from allauth.socialaccount.providers.oauth2.client import OAuth2Client, OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest
from django.urls import reverse
from django.utils.crypto import get_random_string
from django.utils.translation import gettext_lazy as _

log = logging.getLogger(__name__)

WELL_KNOWN = "/.well-known/openid-configuration"
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
# Those by which a provider signs with a key of its own; never `none`, never a shared secret.
ALGORITHMS = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"}
REQUIRED_CLAIMS = ["iss", "sub", "aud", "exp", "iat", "nonce"]
LEEWAY = 60  # seconds by which clocks may differ
SUBJECT = re.compile(r"[ -~]{1,191}")
# What a stranger's JSON can do to code that expects another shape.
BROKEN = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)

TROUBLES = {
    "address": _("%(detail)s is not asked: the address must begin with https://."),
    "silent": _("There is no answer: %(detail)s. Is the address right, and open to the Internet?"),
    "discovery": _("There is no description of an OpenID provider at %(detail)s."),
    "issuer": _("The provider calls itself %(detail)s. Type exactly this as the issuer."),
    "endpoints": _("The provider's description lacks a usable %(detail)s."),
    "algorithms": _("The provider signs with %(detail)s only, which we do not accept."),
    "code": _("The provider does not offer the authorization code flow with PKCE (S256)."),
    "answer": _("The provider's answer is not what it should be: %(detail)s."),
}


class ProviderTrouble(OAuth2Error):
    """The provider does not answer, or answers what must not be believed; one of TROUBLES."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind, self.detail = kind, detail[:200]

    @property
    def sentence(self) -> str:
        return TROUBLES[self.kind] % {"detail": self.detail}


def may_be_asked(address: str) -> bool:
    """https, or plain HTTP at a host that the operator names; whether the name leads to a public
    address is seen when it is connected to (config/providers.py)."""
    try:
        parts = urlsplit(address)
        place = f"{parts.hostname}:{parts.port}"
    except ValueError:
        return False
    is_named = parts.scheme == "http" and place in settings.SINGLE_SIGN_ON_HOSTS
    return bool(parts.hostname) and not parts.username and (parts.scheme == "https" or is_named)


def discover(issuer: str) -> dict[str, Any]:
    """What the provider says of itself. Raises ProviderTrouble where we could not sign in by it."""
    address = issuer.rstrip("/") + WELL_KNOWN
    with get_adapter().get_requests_session() as session:
        answer = session.get(address)
    try:
        known: dict[str, Any] = dict(answer.json()) if answer.status_code == 200 else {}
    except BROKEN:
        known = {}
    if not known:
        raise ProviderTrouble("discovery", address)
    if known.get("issuer") != issuer:
        raise ProviderTrouble("issuer", str(known.get("issuer", "")))
    for name in ENDPOINTS:
        if not may_be_asked(str(known.get(name, ""))):
            raise ProviderTrouble("endpoints", name)
    _check_abilities(known)
    return known


def _check_abilities(known: dict[str, Any]) -> None:
    """What a provider does not mention, it may do all the same."""

    def offers(name: str, ours: set[str]) -> bool:
        theirs = known.get(name)
        return not isinstance(theirs, list) or bool(ours & {str(one) for one in theirs})

    if not offers("id_token_signing_alg_values_supported", ALGORITHMS):
        theirs = known["id_token_signing_alg_values_supported"]
        raise ProviderTrouble("algorithms", ", ".join(map(str, theirs)))
    if not (
        offers("response_types_supported", {"code"})
        and offers("code_challenge_methods_supported", {"S256"})
    ):
        raise ProviderTrouble("code")


def verify(
    id_token: str, keys: Any, *, issuer: str, client_id: str, nonce: str, asked_at: int = 0
) -> dict[str, Any]:
    """The claims of an ID token that this provider signed for us, for this very sign-in, in which
    the person showed herself after `asked_at`. Raises ProviderTrouble."""
    try:
        claims: dict[str, Any] = jwt.decode(
            id_token,
            _key_of(id_token, keys),
            algorithms=sorted(ALGORITHMS),
            audience=client_id,
            issuer=issuer,
            leeway=LEEWAY,
            options={"require": REQUIRED_CLAIMS},
        )
        alone = claims["aud"] in (client_id, [client_id])
        if claims.get("azp", client_id if alone else None) != client_id:
            raise ProviderTrouble("answer", "azp")
        if claims["nonce"] != nonce:
            raise ProviderTrouble("answer", "nonce")
        if not SUBJECT.fullmatch(claims["sub"]):
            raise ProviderTrouble("answer", "sub")
        if asked_at and not claims["auth_time"] >= asked_at - LEEWAY:
            raise ProviderTrouble("answer", "auth_time")
    except (jwt.PyJWTError, *BROKEN) as error:
        raise ProviderTrouble("answer", f"ID token, {type(error).__name__}") from None
    return claims


def _key_of(id_token: str, keys: Any) -> jwt.PyJWK:
    """The key that the token names, for the way of signing that the token names, if the key's
    owner lets it be used so: the token alone decides nothing."""
    header = jwt.get_unverified_header(id_token)
    algorithm = header["alg"]
    named = [one for one in keys["keys"] if "kid" not in header or one.get("kid") == header["kid"]]
    fitting = [
        one
        for one in named
        if one.get("use", "sig") == "sig" and one.get("alg", algorithm) == algorithm
    ]
    if algorithm not in ALGORITHMS or not fitting:
        raise jwt.InvalidKeyError
    return jwt.PyJWK(fitting[0], algorithm)


class Client(OAuth2Client):
    def get_redirect_url(self, authorization_url: str, *args: Any) -> str:
        """An endpoint may have a query of its own."""
        address: str = super().get_redirect_url(authorization_url, *args)
        if "?" in authorization_url:
            address = authorization_url + "&" + address[len(authorization_url) + 1 :]
        return address


class Provider(OpenIDConnectProvider):
    """The provider of one organization."""

    def __init__(self, request: HttpRequest, client: OpenIDClient) -> None:
        one = client.configuration
        app = SocialApp(
            provider=self.id,
            provider_id=str(one.pk),
            name=one.organization_name,
            client_id=one.client_id,
            settings={"server_url": one.issuer},
        )
        super().__init__(request=request, app=app)
        self.client = client

    def get_oauth2_adapter(self, request: HttpRequest) -> OpenIDClient:
        return self.client

    def leap(self, request: HttpRequest, back: str, *, again: bool) -> Any:
        """To the provider; `again` asks it to have the person show once more who she is."""
        nonce, asked_at = get_random_string(32), int(time.time()) if again else 0
        asked = {"nonce": nonce} | ({"prompt": "login", "max_age": 0} if again else {})
        return self.redirect(
            request, "login", next_url=back, auth_params=asked, nonce=nonce, asked_at=asked_at
        )

    def get_default_scope(self) -> list[str]:
        return ["openid", "email"]

    def extract_extra_data(self, data: Any) -> dict[str, Any]:
        return {}

    def extract_common_fields(self, data: Any) -> dict[str, Any]:
        return {}

    def extract_email_addresses(self, data: Any) -> list[EmailAddress]:
        """The address, if the provider vouches for it: `true`, and not something like it."""
        email = data["id_token"].get("email")
        try:
            validate_email(email)
        except ValidationError:
            return []
        is_verified = data["id_token"].get("email_verified") is True
        return [EmailAddress(email=email.lower(), verified=is_verified, primary=True)]


class OpenIDClient(OpenIDConnectOAuth2Adapter):
    """What we ask one provider, and what we believe of its answers."""

    client_class = Client
    basic_auth = False

    def __init__(self, request: HttpRequest, configuration: Any) -> None:
        """`configuration` is a SingleSignOn with `organization_name` and `slug`."""
        super().__init__(request, str(configuration.pk))
        self.configuration = configuration
        self.state: dict[str, Any] = {}
        self.provider = Provider(request, self)

    def get_provider(self) -> Provider:
        return self.provider

    @property
    def openid_config(self) -> dict[str, Any]:
        if not hasattr(self, "_openid_config"):
            self._openid_config = discover(self.configuration.issuer)
        return self._openid_config

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        return callback_address(self.configuration.slug)

    def get_access_token_data(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Asks with the code, if it came from this provider (RFC 9207)."""
        sender, issuer = request.GET.get("iss"), self.configuration.issuer
        says_it = self.openid_config.get("authorization_response_iss_parameter_supported")
        if sender != issuer and (sender or says_it is True):
            raise ProviderTrouble("answer", "iss")
        try:
            answer = super().get_access_token_data(request, *args, **kwargs)
            if isinstance(answer["access_token"], str) and isinstance(answer["id_token"], str):
                return answer
        except BROKEN:
            pass
        raise ProviderTrouble("answer", "token endpoint")

    def parse_token(self, data: Any) -> SocialToken:
        return SocialToken(token=data["access_token"])

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **kwargs: Any) -> Any:
        claims = verify(
            kwargs["response"]["id_token"],
            self._json(self.openid_config["jwks_uri"]),
            issuer=self.configuration.issuer,
            client_id=self.configuration.client_id,
            nonce=self.state["nonce"],
            asked_at=self.state["asked_at"],
        )
        if "email" not in claims and "userinfo_endpoint" in self.openid_config:
            claims |= self._userinfo(claims["sub"], token.token)
        return self.provider.sociallogin_from_response(request, {"id_token": claims})

    def _userinfo(self, subject: str, access_token: str) -> dict[str, Any]:
        """The address, where the ID token has none; of the same person (Core 5.3.2)."""
        address = self.openid_config["userinfo_endpoint"]
        found = self._json(str(address), {"Authorization": f"Bearer {access_token}"})
        if found.get("sub") != subject:
            raise ProviderTrouble("answer", "sub")
        return {name: found.get(name) for name in ("email", "email_verified")}

    def _json(self, address: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
        with get_adapter().get_requests_session() as session:
            answer = session.get(address, headers=headers)
        try:
            if answer.status_code == 200:
                return dict(answer.json())
        except BROKEN:
            pass
        raise ProviderTrouble("answer", urlsplit(address).path)


def callback_address(slug: str) -> str:
    """What an admin registers at the provider; one for each organization, so that no provider's
    answer is taken for another's."""
    return settings.BASE_URL + reverse("accounts:single_sign_on_callback", args=[slug])
