"""django-allauth's forms about second factors, with labels in our words."""

from __future__ import annotations

from typing import Any

from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm, EditWebAuthnForm
from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms import NameField

NUMERIC = {"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}


def code(label: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=20, widget=forms.TextInput(attrs=NUMERIC))


class CodeForm(AuthenticateForm):
    code = code(_("Code from your app, or a recovery code"))


class CodeAgainForm(ReauthenticateForm):
    code = code(_("Code from your app, or a recovery code"))


class AppForm(ActivateTOTPForm):
    code = code(_("Code that the app shows now"))


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


class RenamePasskeyForm(EditWebAuthnForm):
    name = NameField(label=_("Name of this passkey"), max_length=100)
