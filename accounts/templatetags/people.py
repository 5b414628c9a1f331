"""Faces of people and tiles of things: initials on a colour, drawn as SVG.

Presentation attributes and not inline styles, so that a strict Content-Security-Policy holds.
"""

from __future__ import annotations

from zlib import crc32

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts import devices

register = template.Library()
register.filter("device", devices.device)

COLOURS = ("#2c6e6b", "#4b7d57", "#8c6239", "#7b5c90", "#a9463f", "#2f6f9f", "#6a6f2f", "#9a4f74")


def initials(name: str) -> str:
    """«Anna Huber» → AH, «alpenglueck» → AL: at most two letters, whatever signs are around."""
    words = "".join(sign if sign.isalnum() else " " for sign in str(name)).split()
    if len(words) > 1:
        return (words[0][0] + words[-1][0]).upper()
    return "".join(words)[:2].upper()


def colour(name: str) -> str:
    """Always the same one for the same name."""
    return COLOURS[crc32(str(name).encode()) % len(COLOURS)]


@register.simple_tag
def face(person: object, size: int = 28) -> SafeString:
    """A round face with a person's initials; the name is its title."""
    return format_html(
        '<svg class="face" width="{0}" height="{0}" viewBox="0 0 28 28" role="img" '
        'aria-label="{1}"><title>{1}</title><rect width="28" height="28" rx="14" fill="{2}"/>'
        '<text x="14" y="17.600">{3}</text></svg>',
        size,
        str(person),
        colour(str(person)),
        initials(str(person)),
    )


@register.simple_tag
def tile(text: str, fill: str = "", size: int = 34, letters: str = "") -> SafeString:
    """A square tile: `letters` (or the text's initials) on `fill` (or the text's own colour)."""
    return format_html(
        '<svg class="tile" width="{0}" height="{0}" viewBox="0 0 36 36" aria-hidden="true">'
        '<rect width="36" height="36" rx="9" fill="{1}"/><text x="18" y="22.700">{2}</text></svg>',
        size,
        fill or colour(text),
        letters or initials(text),
    )
