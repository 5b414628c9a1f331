"""What a person chooses to hear of."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from notifications.kinds import STOPPABLE
from notifications.models import Preferences


class PreferencesForm(forms.ModelForm):  # type: ignore[type-arg]
    kinds = forms.MultipleChoiceField(
        label=_("Mails about your profiles"),
        choices=[(kind.value, kind.label) for kind in STOPPABLE],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )

    class Meta:
        model = Preferences
        fields = ["kinds"]
