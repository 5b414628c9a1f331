"""The reader's own language and time zone go before the browser's."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils import timezone, translation

from config.middleware import ReaderMiddleware


@pytest.fixture
def seen() -> dict[str, str]:
    return {}


@pytest.fixture
def visit(seen: dict[str, str]) -> Any:
    def page(request: Any) -> HttpResponse:
        seen["language"] = translation.get_language()
        seen["zone"] = timezone.get_current_timezone_name()
        return HttpResponse()

    def as_user(**columns: str) -> None:
        request = RequestFactory().get("/")
        request.user = SimpleNamespace(**columns)  # type: ignore[assignment]
        with translation.override("de"):
            ReaderMiddleware(page)(request)

    return as_user


def test_the_readers_choice_goes_before_the_browsers(visit: Any, seen: dict[str, str]) -> None:
    visit(language="en", time_zone="America/Bogota")
    assert seen == {"language": "en", "zone": "America/Bogota"}
    assert timezone.get_current_timezone_name() == "Europe/Berlin"


@pytest.mark.parametrize("columns", [{}, {"language": "", "time_zone": ""}])
def test_without_a_choice_the_browser_decides(
    columns: dict[str, str], visit: Any, seen: dict[str, str]
) -> None:
    visit(**columns)
    assert seen == {"language": "de", "zone": "Europe/Berlin"}


@pytest.mark.parametrize("zone", ["Nowhere/At_All", "../../etc/passwd", "\0"])
def test_a_zone_that_is_none_is_no_error(zone: str, visit: Any, seen: dict[str, str]) -> None:
    visit(language="xx", time_zone=zone)
    assert seen == {"language": "de", "zone": "Europe/Berlin"}
