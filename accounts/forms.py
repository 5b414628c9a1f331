"""The forms of accounts. They check what was typed; what it means is checked by the verbs."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import get_language, get_language_info
from django.utils.translation import gettext_lazy as _

from accounts.audit import VERBS
from accounts.localization import time_zones
from accounts.models import Invitation, Role, Team, User


def own_names_of_languages() -> list[tuple[str, str]]:
    """A language is found by the name that its readers give it."""
    return [(code, get_language_info(code)["name_local"]) for code, _name in settings.LANGUAGES]


def choices_of_time_zones() -> list[tuple[str, list[tuple[str, str]]]]:
    return [
        (region, [(zone, zone.partition("/")[2].replace("_", " ") or zone) for zone in zones])
        for region, zones in time_zones().items()
    ]


class NameField(forms.CharField):
    """A name is one line: mails and the audit log show it among their own words. Neither line
    breaks nor characters that turn the direction of reading come in."""

    # Without those that end a word, and NUL, which Django refuses.
    UNSEEN = re.compile("[\x01-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069]")

    def to_python(self, value: Any) -> str:
        return " ".join(self.UNSEEN.sub("", super().to_python(value) or "").split())


class SettingsForm(forms.ModelForm):  # type: ignore[type-arg]
    language = forms.ChoiceField(label=_("Language"), choices=own_names_of_languages)
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=choices_of_time_zones)

    class Meta:
        model = User
        fields = ["name", "language", "time_zone", "wants_token_mail"]
        labels = {"name": _("Name")}
        field_classes = {"name": NameField}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs["autocomplete"] = "name"
        if not self.instance.language:
            self.initial["language"] = get_language()


class InviteForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Invitation
        fields = ["email", "role"]
        labels = {"email": _("Email address"), "role": _("Role")}

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


class RoleForm(forms.Form):
    role = forms.ChoiceField(label=_("Role"), choices=Role)


class NewTeamForm(forms.Form):
    name = NameField(label=_("Name of the team"), max_length=100)


class PeopleField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return str(obj)


class TeamForm(NewTeamForm):
    members = PeopleField(
        label=_("Members"),
        queryset=User.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )

    def __init__(self, data: Any = None, *, team: Team) -> None:
        initial = {"name": team.name, "members": list(team.members.values_list("pk", flat=True))}
        super().__init__(data, initial=initial)
        self.team = team
        people = User.objects.filter(memberships__organization=team.organization_id)
        self.fields["members"].queryset = people.order_by("name", "email")  # type: ignore[attr-defined]


class AuditFilterForm(forms.Form):
    q = forms.CharField(label=_("Person or thing"), max_length=254, required=False)
    verb = forms.ChoiceField(label=_("What happened"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        everything = [("", _("Everything"))]
        self.fields["verb"].choices = everything + [  # type: ignore[attr-defined]
            (key, verb.label) for key, verb in VERBS.items()
        ]


class SignUpForm(forms.Form):
    """The account of an invited person; the address is the invitation's and not asked for."""

    name = NameField(
        label=_("Your name"),
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = forms.CharField(
        label=_("Choose a password"),
        strip=False,
        help_text=_("At least 10 characters. A few words that nobody would guess are best."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    language = forms.ChoiceField(label=_("Language"), choices=own_names_of_languages)

    def __init__(self, data: Any = None, *, email: str) -> None:
        super().__init__(data, initial={"language": get_language()})
        self.email = email

    def clean(self) -> dict[str, Any]:
        typed = super().clean() or self.cleaned_data
        if "password" in typed:
            person = User(email=self.email, name=typed.get("name", ""))
            try:
                validate_password(typed["password"], person)
            except ValidationError as error:
                self.add_error("password", error)
        return typed
