"""What a person chooses to hear of, and when."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from networks.wire import ADDRESS, host_in
from notifications.kinds import STOPPABLE, NoticeKind
from notifications.models import Digest, Preferences


class PreferencesForm(forms.ModelForm):  # type: ignore[type-arg]
    kinds = forms.MultipleChoiceField(
        label=_("Mails about your profiles"),
        choices=[(kind.value, kind.label) for kind in STOPPABLE],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    digest = forms.ChoiceField(
        label=_("How often"), choices=Digest.choices, widget=forms.RadioSelect, required=False
    )
    quiet_from = forms.TimeField(
        label=_("No mail from"), widget=forms.TimeInput({"type": "time"}, "%H:%M"), required=False
    )
    quiet_until = forms.TimeField(
        label=_("until"), widget=forms.TimeInput({"type": "time"}, "%H:%M"), required=False
    )
    urgent = forms.MultipleChoiceField(
        label=_("Urgent: at once, in quiet hours too"),
        choices=[(kind.value, kind.label) for kind in NoticeKind],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )

    class Meta:
        model = Preferences
        fields = ["kinds", "digest", "quiet_from", "quiet_until", "urgent"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        begin, end = cleaned.get("quiet_from"), cleaned.get("quiet_until")
        if not self.errors and (begin is None) != (end is None):
            missing = "quiet_from" if begin is None else "quiet_until"
            self.add_error(missing, ValidationError(gettext("Type both times, or none.")))
        elif begin is not None and begin == end:
            same = gettext("Both times are the same. Type when the quiet hours end.")
            self.add_error("quiet_until", ValidationError(same))
        return cleaned


class WebhookForm(forms.Form):
    url = forms.CharField(
        label=_("Address"),
        max_length=500,
        help_text=_("Begins with https:// and is reachable from the Internet."),
        widget=forms.TextInput(attrs={"inputmode": "url", "spellcheck": "false"}),
    )

    def clean_url(self) -> str:
        url = str(self.cleaned_data["url"])
        if url.count("/") == 2:  # https://events.example.com
            url += "/"
        if not (ADDRESS.fullmatch(url) and host_in(urlsplit(url).hostname or "")):
            raise ValidationError(
                gettext(
                    "Type an address on the Internet that begins with https://, with a name, and "
                    "without a port: https://events.example.com/tokenwacht."
                )
            )
        return url
