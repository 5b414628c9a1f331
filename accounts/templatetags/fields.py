"""Fields of forms, as our pages draw them."""

from __future__ import annotations

from django import template
from django.forms import BoundField
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def labelled(field: BoundField) -> SafeString:
    """The widget below its label, which a placeholder would only repeat unless the form has an
    example. What was refused has the focus: it may stand below the fold."""
    example = getattr(field.form, "example", False)
    return field.as_widget(attrs={"placeholder": example, "autofocus": bool(field.errors)})
