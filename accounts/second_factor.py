"""The second factor: who has one, and who has signed in with it.

django-allauth does the rest (allauth.mfa): codes of an app, passkeys, and recovery codes.
"""

from __future__ import annotations

from typing import Any

import qrcode
from allauth.account.authentication import get_authentication_records
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts import sealing
from accounts.devices import device
from accounts.models import User

FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
QUIET_ZONE = 4


def has_second_factor(user: User) -> bool:
    """Recovery codes alone are none: they come and go with what they stand in for."""
    return bool(Authenticator.objects.filter(user=user, type__in=FACTORS).exists())


def used_second_factor(request: HttpRequest) -> bool:
    """Whether this session has shown a factor that its person still has. A session that was begun
    with the password alone has not, whatever has been set up since."""
    records = get_authentication_records(request, request.user)
    shown = [record.get("id") for record in records if record["method"] == "mfa"]
    mine = Authenticator.objects.filter(user=request.user, pk__in=shown)
    return bool(shown) and bool(mine.exists())


class SecondFactorAdapter(DefaultMFAAdapter):
    """What django-allauth asks us about second factors."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": _(
            "This is not right, or not any more. Take the code that is shown now, or one that you "
            "have not used yet."
        ),
        "unverified_email": _(
            "First confirm your email address: open the link in the mail that we sent you, or "
            "have it sent again from your account settings."
        ),
        "cannot_generate_recovery_codes": _(
            "Recovery codes stand in for a second factor. Set one up first."
        ),
    }

    def build_totp_svg(self, url: str) -> SafeString:
        """Drawn into the page: a picture of its own would need an address that holds the secret,
        or `data:` in the Content-Security-Policy."""
        code = qrcode.QRCode(border=0)
        code.add_data(url)
        rows = code.get_matrix()
        dots = "".join(
            f"M{x + QUIET_ZONE} {y + QUIET_ZONE}h1v1h-1z"
            for y, row in enumerate(rows)
            for x, is_dark in enumerate(row)
            if is_dark
        )
        return format_html(
            '<svg class="qr" viewBox="0 0 {0} {0}" role="img" aria-label="{1}">'
            '<rect width="{0}" height="{0}" fill="#fff"/><path fill="#000" d="{2}"/></svg>',
            len(rows) + 2 * QUIET_ZONE,
            _("QR code"),
            dots,
        )

    def encrypt(self, text: str) -> str:
        return sealing.seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return sealing.open_(encrypted_text)

    def generate_authenticator_name(self, user: User, type: str) -> str:  # noqa: A002
        return device(self.request.META.get("HTTP_USER_AGENT", ""))

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {**super().get_public_key_credential_rp_entity(), "name": settings.MFA_TOTP_ISSUER}

    def get_public_key_credential_user_entity(self, user: User) -> dict[str, Any]:
        return {**super().get_public_key_credential_user_entity(user), "display_name": str(user)}
