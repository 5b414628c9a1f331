"""Second factors as people have them: an app that shows codes, and a passkey made of software."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth
from allauth.mfa.utils import decrypt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import (
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

from accounts.models import User

FLAG = AuthenticatorData.FLAG
# Where passkeys work without TLS.
HOST = "localhost"


def app_of(user: User) -> Authenticator:
    """The app and its recovery codes, as setting it up leaves them."""
    found: Authenticator = auth.TOTP.activate(user, auth.generate_totp_secret()).instance
    RecoveryCodes.activate(user)
    return found


def code_of(secret: str) -> str:
    counter = next(auth.yield_hotp_counters_from_time())
    return str(auth.format_hotp_value(auth.hotp_value(secret, counter)))


def code_now(app: Authenticator) -> str:
    return code_of(decrypt(app.data["secret"]))


@dataclass
class Passkey:
    """A platform authenticator in software, which always says that its person is there."""

    origin: str = f"http://{HOST}"
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    id: bytes = field(default_factory=lambda: os.urandom(16))
    person: str = ""

    def register(self, options: dict[str, Any]) -> dict[str, Any]:
        """`options` are those that the page hands to the browser."""
        asked = options["publicKey"]
        self.person = asked["user"]["id"]
        credential = AttestedCredentialData.create(
            b"\0" * 16, self.id, ES256.from_cryptography_key(self.key.public_key())
        )
        data = self._data(FLAG.UP | FLAG.UV | FLAG.AT, credential)
        client = CollectedClientData.create("webauthn.create", asked["challenge"], self.origin)
        response = {
            "clientDataJSON": client.b64,
            "attestationObject": websafe_encode(AttestationObject.create("none", data, {})),
            "transports": ["internal"],
        }
        return self._credential(response, {"credProps": {"rk": True}})

    def answer(self, options: dict[str, Any]) -> dict[str, Any]:
        client = CollectedClientData.create(
            "webauthn.get", options["publicKey"]["challenge"], self.origin
        )
        data = self._data(FLAG.UP | FLAG.UV)
        response = {
            "clientDataJSON": client.b64,
            "authenticatorData": websafe_encode(data),
            "signature": websafe_encode(self.key.sign(data + client.hash, ec.ECDSA(SHA256()))),
            "userHandle": self.person,
        }
        return self._credential(response, {})

    def stored_for(self, user: User, name: str = "Laptop") -> Authenticator:
        """As adding it leaves it."""
        person = {"id": websafe_encode(str(user.pk).encode())}
        options = {"publicKey": {"user": person, "challenge": websafe_encode(b"x" * 32)}}
        return Authenticator.objects.create(
            user=user,
            type=Authenticator.Type.WEBAUTHN,
            data={"name": name, "credential": self.register(options)},
        )

    def _data(self, flags: FLAG, credential: bytes = b"") -> Any:
        return AuthenticatorData.create(sha256(HOST.encode()).digest(), flags, 0, credential)

    def _credential(self, response: dict[str, Any], results: dict[str, Any]) -> dict[str, Any]:
        name = websafe_encode(self.id)
        return {
            "id": name,
            "rawId": name,
            "type": "public-key",
            "response": response,
            "clientExtensionResults": results,
        }
