"""What every answer tells the browser about itself, in front of everything else: redirects,
refusals, error pages and static files say it, too.

Names are those of Django 6.0 (`csp_nonce` in templates), which brings most of this itself.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from config.logs import SIGNED_LINK

# Should a name ever come into a page as markup, it still runs nothing, loads nothing and sends
# nothing. No 'self' for scripts: one of ours runs because our template wrote it, or not at all.
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)
# What no page of ours uses is off, should a script ever run that is not ours.
PERMISSIONS = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer", "browsing-topics", "camera", "display-capture", "geolocation", "gyroscope",
        "hid", "magnetometer", "microphone", "midi", "payment", "serial", "usb",
    )
)  # fmt: skip


class Nonce:
    """Made when a template writes it, so that an answer without a script of ours allows none."""

    def __init__(self) -> None:
        self.value = ""

    def __str__(self) -> str:
        self.value = self.value or secrets.token_urlsafe(16)
        return self.value


class HeadersMiddleware:
    """`request.form_action` of a view names where its forms may lead besides to us."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        request.csp_nonce = nonce = Nonce()
        request.form_action = ""
        answer = self.get_response(request)
        scripts = f"; script-src 'nonce-{nonce.value}'" if nonce.value else ""
        forms = f"; form-action 'self' {request.form_action}".rstrip()
        answer.headers["Content-Security-Policy"] = POLICY + scripts + forms
        answer.headers["Permissions-Policy"] = PERMISSIONS
        answer.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        # What a person has seen must not come back with the Back button after she signed out, nor
        # out of a cache between us. Files say for themselves how long they may be kept.
        answer.headers.setdefault("Cache-Control", "private, no-store")
        if SIGNED_LINK.search(request.path):
            # Not no-referrer, with which browsers name no origin either and forms are refused.
            answer.headers["Referrer-Policy"] = "strict-origin"
        return answer


def csp(request: HttpRequest) -> dict[str, object]:
    """For templates: `nonce="{{ csp_nonce }}"` on every script."""
    return {"csp_nonce": getattr(request, "csp_nonce", "")}
