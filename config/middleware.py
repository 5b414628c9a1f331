"""The reader's own language and time zone, over what the browser says; what comes in, in UTF-8;
what pages may load, and who may keep them."""

import codecs
import zoneinfo
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.utils import timezone, translation
from django.utils.cache import patch_cache_control

LANGUAGES = frozenset(dict(settings.LANGUAGES))


class ReaderMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        language = getattr(request.user, "language", "")
        if language in LANGUAGES:
            translation.activate(language)
            request.LANGUAGE_CODE = language
        with timezone.override(reader_zone(request)):
            return self.get_response(request)


class ContentSecurityPolicyMiddleware:
    """Should a name ever come into a page as markup, it still runs nothing and loads nothing.

    No `form-action`: browsers apply it to redirects too, and ours lead to the networks.
    """

    POLICY = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
        "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
    )

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        answer.headers.setdefault("Content-Security-Policy", self.POLICY)
        return answer


class PrivatePagesMiddleware:
    """What a signed-in person has seen must not come back with the Back button after she signed
    out, nor out of a cache between us."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        if request.user.is_authenticated:
            patch_cache_control(answer, private=True, no_store=True)
        return answer


class Utf8Middleware:
    """No browser sends another encoding, and some of those that Python knows (unicode_escape)
    spell half characters, which neither a page nor the database can hold."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if codecs.lookup(request.encoding or "utf-8").name != "utf-8":
            return HttpResponseBadRequest("Forms are read in UTF-8.", content_type="text/plain")
        return self.get_response(request)


def reader_zone(request: HttpRequest) -> zoneinfo.ZoneInfo:
    """The default where nobody is signed in, or where the zone's name is no longer known."""
    name = getattr(request.user, "time_zone", "") or settings.TIME_ZONE
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return zoneinfo.ZoneInfo(settings.TIME_ZONE)
