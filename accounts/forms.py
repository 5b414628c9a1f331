"""The forms of accounts. They check what was typed; what it means is checked by the verbs."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.translation import get_language, get_language_info, gettext
from django.utils.translation import gettext_lazy as _

from accounts.audit import BY_THE_OPERATOR, VERBS
from accounts.localization import time_zones
from accounts.models import AuditEvent, Invitation, Role, Team, User
from accounts.names import name_of, one_line
from accounts.openid import may_be_asked


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

    def to_python(self, value: Any) -> str:
        return one_line(super().to_python(value) or "")


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


class AddressForm(forms.Form):
    email = forms.EmailField(
        label=_("New email address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"]).lower()
        if email == self.user.email:
            raise ValidationError(_("This is your address already. Type the new one."))
        return email


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


class SingleSignOnForm(forms.Form):
    """For whoever signs in: the organization's name as it stands in its addresses."""

    organization = forms.SlugField(
        label=_("Short name of your organization"),
        help_text=_(
            "As it stands in the address of its pages, after /o/. An admin of your organization "
            "knows it."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "organization", "autocapitalize": "none"}),
    )


class ProviderForm(forms.Form):
    """For admins: the provider of their organization."""

    issuer = forms.CharField(
        label=_("Issuer"),
        max_length=200,
        help_text=_(
            "The provider's address as it names itself, such as "
            "https://login.example.com/realms/staff."
        ),
        widget=forms.TextInput(attrs={"inputmode": "url", "spellcheck": "false"}),
    )
    client_id = forms.CharField(
        label=_("Client ID"),
        max_length=191,
        help_text=_("The name under which we are registered there."),
        widget=forms.TextInput(attrs={"spellcheck": "false"}),
    )

    def clean_issuer(self) -> str:
        issuer = str(self.cleaned_data["issuer"])
        if not may_be_asked(issuer) or "?" in issuer or "#" in issuer:
            raise ValidationError(
                _("Type an address that begins with https://, without a question mark in it.")
            )
        return issuer


def day(label: Any) -> forms.DateField:
    """A day, which the browser helps to choose; of years that the database can reckon with."""
    return forms.DateField(
        label=label,
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        validators=[MinValueValidator(date(1970, 1, 1)), MaxValueValidator(date(9000, 1, 1))],
    )


PERSON = re.compile("[0-9a-f-]{36}")  # an id as the log keeps it
NO_CHOICE = {"invalid_choice": _("The log knows no such thing. Choose one from the list.")}


class AuditFilterForm(forms.Form):
    """Which lines of an organization's log are to be shown. A field that makes no sense hides
    nothing, and says so."""

    q = forms.CharField(
        label=_("Search for a person, a profile, a login or an address"),
        max_length=254,
        required=False,
    )
    verb = forms.ChoiceField(label=_("What happened"), required=False, error_messages=NO_CHOICE)
    actor = forms.ChoiceField(label=_("Who"), required=False, error_messages=NO_CHOICE)
    since = day(_("Since"))
    until = day(_("Until"))
    object = forms.CharField(max_length=36, required=False, widget=forms.HiddenInput)
    # Where the page begins: it shows what is older than this line.
    before = forms.IntegerField(
        min_value=1, max_value=2**63 - 1, required=False, widget=forms.HiddenInput
    )

    def __init__(self, data: Any, *, events: QuerySet[AuditEvent], people: QuerySet[User]) -> None:
        super().__init__(data)
        self.events = events
        verbs = [(key, verb.label) for key, verb in VERBS.items()]
        self.fields["verb"].choices = [("", _("Everything")), *verbs]  # type: ignore[attr-defined]
        actors = [("", gettext("Everybody")), (BY_THE_OPERATOR, gettext("The operator"))]
        actors += [(str(one.pk), name_of(one)) for one in people.order_by("name", "email")]
        if gone := self._who_is_gone({key for key, _name in actors}):
            actors.append((gone.actor_id, f"{gone.actor_name} ({gone.actor_email})"))
        self.fields["actor"].choices = actors  # type: ignore[attr-defined]
        for field in self.fields.values():  # in a bar of filters, what is chosen is the label
            field.widget.attrs |= {"aria-label": field.label, "placeholder": field.label}

    def _who_is_gone(self, here: set[str]) -> AuditEvent | None:
        """The last line of who is asked for and not a member any more."""
        asked = self.data.get("actor", "")
        is_asked_for = asked not in here and PERSON.fullmatch(asked)
        return self.events.filter(actor_id=asked).first() if is_asked_for else None

    def query(self) -> dict[str, Any]:
        """What is asked for, as far as it makes sense."""
        self.is_valid()
        return {key: it for key, it in self.cleaned_data.items() if it and key != "before"}

    def narrow(self) -> QuerySet[AuditEvent]:
        """The lines, newest first."""
        given, found = self.query(), self.events
        if "verb" in given:
            found = found.filter(verb=given["verb"])
        if "actor" in given:
            is_operator = given["actor"] == BY_THE_OPERATOR
            found = found.filter(actor_id="" if is_operator else given["actor"])
        if "object" in given:
            found = found.filter(object_id=given["object"])
        if "since" in given:
            found = found.filter(at__gte=_midnight(given["since"]))
        if "until" in given:
            found = found.filter(at__lt=_midnight(given["until"] + timedelta(days=1)))
        return _search(found, given["q"]) if "q" in given else found


def _midnight(day: date) -> datetime:
    """Where the reader's day begins."""
    return timezone.make_aware(datetime.combine(day, time.min))


def _search(events: QuerySet[AuditEvent], words: str) -> QuerySet[AuditEvent]:
    fields = ("actor_name", "actor_email", "object_name", "ip_address", "more")
    either = (Q(**{f"{field}__icontains": words}) for field in fields)
    return events.annotate(more=Cast("details", TextField())).filter(reduce(or_, either))


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
