"""The forms of profiles. They offer only what the reader's organization has."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, Team, User
from profiles.models import Ownership, Profile, TeamAssignment

NOT_OURS = {
    "invalid_choice": _("This choice does not belong to your organization. Choose from the list."),
    "invalid_pk_value": _("This choice does not exist. Choose from the list."),
}


class NamedChoices(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """Many of a list, each with a checkbox and its name."""

    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, obj: Any) -> str:
        return str(obj)


class SettingsForm(forms.Form):
    owners = NamedChoices(
        label=_("Profile owners"),
        queryset=User.objects.none(),
        required=False,
        error_messages=NOT_OURS,
    )
    teams = NamedChoices(
        label=_("Teams"), queryset=Team.objects.none(), required=False, error_messages=NOT_OURS
    )
    mail_when_lost = forms.BooleanField(
        label=_("There are no valid access permissions."),
        help_text=_("Profile owners who allow this in their account settings hear of it at once."),
        required=False,
    )

    def __init__(self, data: Any = None, *, profile: Profile) -> None:
        initial = {
            "owners": list(profile.owners.values_list("pk", flat=True)),
            "teams": list(profile.teams.values_list("pk", flat=True)),
            "mail_when_lost": profile.mail_when_lost,
        }
        super().__init__(data, initial=initial)
        members = User.objects.filter(memberships__organization=profile.organization_id)
        teams = Team.objects.filter(organization=profile.organization_id)
        self.fields["owners"].queryset = members.order_by("name", "email")  # type: ignore[attr-defined]
        self.fields["teams"].queryset = teams.order_by("name")  # type: ignore[attr-defined]


class OwnerChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return str(obj)


NOT_THERE = {"invalid_choice": _("No profile of yours matches this choice any more.")}


class ProfileFilter(forms.Form):
    """Which of the profiles a person sees are to be shown. `search` is matched elsewhere: what
    it looks into is not all of this app."""

    search = forms.CharField(
        label=_("Search profile, network or person"),
        max_length=100,
        required=False,
        widget=forms.TextInput({"type": "search", "autocomplete": "off"}),
    )
    network = forms.ChoiceField(label=_("Network"), required=False, error_messages=NOT_THERE)
    owner = OwnerChoice(
        label=_("Owner"),
        queryset=User.objects.none(),
        empty_label=_("All owners"),
        required=False,
        error_messages=NOT_THERE,
    )
    team = forms.ModelChoiceField(
        label=_("Team"),
        queryset=Team.objects.none(),
        empty_label=_("All teams"),
        required=False,
        error_messages=NOT_THERE,
    )

    def __init__(self, data: Any, *, membership: Membership, networks: list[tuple[str, str]]):
        super().__init__(data)
        seen = Profile.objects.visible_to(membership)
        owning = Ownership.objects.filter(profile__in=seen).values("user")
        working = TeamAssignment.objects.filter(profile__in=seen).values("team")
        owners = User.objects.filter(pk__in=owning).order_by("name", "email")
        teams = Team.objects.filter(pk__in=working)
        for field in self.fields.values():  # in a bar of filters, what is chosen is the label
            field.widget.attrs |= {"aria-label": field.label, "placeholder": field.label}
        self.fields["network"].choices = [("", _("All networks")), *networks]  # type: ignore[attr-defined]
        self.fields["owner"].queryset = owners  # type: ignore[attr-defined]
        self.fields["team"].queryset = teams  # type: ignore[attr-defined]

    def chosen(self, name: str) -> Any:
        """What was asked for in this field; None where nothing, or nothing that exists."""
        self.is_valid()
        return self.cleaned_data.get(name) or None

    def narrow(self, profiles: QuerySet[Profile]) -> QuerySet[Profile]:
        if network := self.chosen("network"):
            profiles = profiles.filter(network_slug=network)
        if owner := self.chosen("owner"):
            profiles = profiles.filter(ownerships__user=owner)
        if team := self.chosen("team"):
            profiles = profiles.filter(team_assignments__team=team)
        return profiles
