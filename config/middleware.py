"""The reader's own language and time zone, over what the browser says; what comes in, in UTF-8."""

import codecs
import zoneinfo
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.utils import timezone, translation

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
