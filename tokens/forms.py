"""What a network has to be told before the leap."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from networks.base import Network
from tokens import connecting

UNTOLD = {
    "required": _("We need this to know where to send you."),
    "invalid_choice": _("Choose one of these."),
}


class QuestionForm(forms.Form):
    """The network's question: typed, or chosen among the logins that we are registered for."""

    def __init__(self, network: Network, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        question, choices = network.question, connecting.choices_of(network)
        if question is None or (question.choices and len(choices) < 2):
            return
        self.example = question.example
        self.fields["said"] = (
            forms.ChoiceField(
                label=question.label,
                help_text=question.help,
                choices=choices,
                initial=choices[0][0],
                widget=forms.RadioSelect,
                error_messages=UNTOLD,
                required=False,  # the first choice is the network itself, and is written as ""
            )
            if choices
            else forms.CharField(
                label=question.label,
                help_text=question.help,
                max_length=200,
                widget=forms.TextInput(
                    attrs={
                        "autocapitalize": "none",
                        "autocorrect": "off",
                        "spellcheck": "false",
                    }
                ),
                error_messages=UNTOLD,
            )
        )

    def said(self) -> str:
        """The answer; where there was nothing to choose, the only choice."""
        return str(self.cleaned_data.get("said", ""))
