"""Fields of forms, as our pages draw them."""

from __future__ import annotations

from django import template
from django.forms import BoundField
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def labelled(field: BoundField) -> SafeString:
    """The widget below its label, which a placeholder would only repeat."""
    return field.as_widget(attrs={"placeholder": False})
