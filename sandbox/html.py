"""HTML without a template engine: text is escaped unless it says that it is HTML."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path

from aiohttp import web

STYLE = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")

CONSOLE_ACCENT = "#1f5f4a"

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">{head}
<title>{title}</title><link rel="icon" href="data:,">
<style>{style}:root {{ --accent: {accent}; }}</style></head>
<body><div class="ribbon"><b>{brand}</b><span>{aside}</span></div>
<main class="{width}">{body}</main></body></html>
"""


class Html(str):
    """Text that may stand in a page as it is."""


def fill(template: str, **values: object) -> Html:
    """Fill a template's braces; every value that is not Html is escaped."""
    safe = {
        name: value if isinstance(value, Html) else escape(str(value))
        for name, value in values.items()
    }
    return Html(template.format(**safe))


def join(parts: Iterable[Html]) -> Html:
    """Several pieces in a row."""
    return Html("".join(parts))


def page(
    title: str,
    body: Html,
    *,
    brand: str,
    accent: str = CONSOLE_ACCENT,
    aside: str = "Only to practise: nothing here leaves this machine.",
    width: str = "narrow",
    head: str = "",
    status: int = 200,
) -> web.Response:
    """A whole page, never kept by the browser."""
    text = fill(
        PAGE,
        title=title,
        body=body,
        brand=brand,
        accent=accent,
        aside=Html(aside),
        width=width,
        head=Html(head),
        style=Html(STYLE),
    )
    headers = {"Cache-Control": "no-store"}
    return web.Response(text=text, content_type="text/html", status=status, headers=headers)
