"""django-allauth's forms about second factors: labels in our words, and no error page for what no
browser sends."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    EditWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from cryptography.exceptions import UnsupportedAlgorithm
from django import forms
from django.forms.fields import InvalidJSONInput
from django.utils.translation import gettext_lazy as _

from accounts.forms import NameField

NUMERIC = {"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}
# What json and fido2 raise on a credential that is none.
MALFORMED = (
    ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError,
    UnsupportedAlgorithm, struct.error,
)  # fmt: skip


@contextmanager
def from_a_browser() -> Iterator[None]:
    try:
        yield
    except MALFORMED:
        raise get_adapter().validation_error("incorrect_code") from None


class CredentialField(forms.JSONField):
    """What the browser's script fills in."""

    widget = forms.HiddenInput

    def to_python(self, value: Any) -> Any:
        with from_a_browser():
            return super().to_python(value)

    def bound_data(self, data: Any, initial: Any) -> str:
        """Good once, and so not shown again with an error."""
        return InvalidJSONInput("")


def code_field(label: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=20, widget=forms.TextInput(attrs=NUMERIC))


class CodeForm(AuthenticateForm):
    code = code_field(_("Code from your app, or a recovery code"))


class CodeAgainForm(ReauthenticateForm):
    code = code_field(_("Code from your app, or a recovery code"))


class AppForm(ActivateTOTPForm):
    code = code_field(_("Code that the app shows now"))


class NewPasskeyForm(AddWebAuthnForm):
    name = NameField(label=_("Name of this passkey"), max_length=100, required=False)
    passwordless = forms.BooleanField(
        label=_("Sign in with it alone, without the password"),
        required=False,
        initial=True,
        help_text=_(
            "It then asks for your fingerprint, your face or a PIN each time. Take this out for a "
            "security key that cannot do that."
        ),
    )
    credential = CredentialField()

    def clean(self) -> Any:
        with from_a_browser():
            return super().clean()


class RenamePasskeyForm(EditWebAuthnForm):
    name = NameField(label=_("Name of this passkey"), max_length=100)


class _ShownPasskey(AuthenticateWebAuthnForm):
    credential = CredentialField()

    def clean_credential(self) -> Authenticator:
        with from_a_browser():
            return super().clean_credential()


class PasskeyForm(_ShownPasskey):
    """The second step of a sign-in."""


class PasskeyAloneForm(_ShownPasskey, LoginWebAuthnForm):
    """A sign-in without a password."""


class PasskeyAgainForm(_ShownPasskey, ReauthenticateWebAuthnForm):
    """Is it still you?"""
