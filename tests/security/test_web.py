"""What every answer of ours says to a browser, and what every form asks of it."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.urls import reverse

from accounts import links
from accounts.models import User
from notifications.stopping import stop_path
from tests.config.test_settings import Load, load  # noqa: F401 - a fixture
from tests.people import World
from tests.test_doors import DOORS, ROUTES, Rows, rows  # noqa: F401 - a fixture
from tests.test_fuzz import undone

OPEN = ("/accounts/login/", "/healthz", "/nowhere/", "/static/tokenwacht.js", "/static/favicon.svg")
KINDS = list(zip(OPEN, ("html", "json", "html", "javascript", "svg"), strict=True))
TLS = (
    "SECURE_HSTS_SECONDS",
    "SECURE_HSTS_INCLUDE_SUBDOMAINS",
    "SECURE_SSL_REDIRECT",
    "SECURE_PROXY_SSL_HEADER",
    "SESSION_COOKIE_SECURE",
    "SESSION_COOKIE_NAME",
    "CSRF_COOKIE_SECURE",
    "CSRF_COOKIE_NAME",
    "LANGUAGE_COOKIE_SECURE",
    "LANGUAGE_COOKIE_NAME",
)
OVER_TLS: Any = {"HTTP_X_FORWARDED_PROTO": "https"}


@pytest.fixture
def as_in_production(load: Load, settings: Any) -> None:  # noqa: F811
    """What an https address turns on."""
    there = load()
    for name in TLS:
        if name in there:
            setattr(settings, name, there[name])


def headers_of(client: Client, path: str, **more: Any) -> Any:
    with closing(client.get(path, **more)) as answer:  # a static file would stay open
        return answer.headers


@pytest.mark.django_db
@pytest.mark.parametrize(("path", "kind"), KINDS)
def test_an_answer_says_what_it_is_and_in_which_letters(
    client: Client, path: str, kind: str
) -> None:
    said = headers_of(client, path)["Content-Type"]
    assert kind in said
    assert "charset" in said or kind in ("json", "svg"), "which are UTF-8 by definition"


@pytest.mark.django_db
@pytest.mark.parametrize("path", OPEN)
def test_a_year_of_tls_is_asked_for(client: Client, as_in_production: None, path: str) -> None:
    said = headers_of(client, path, **OVER_TLS)["Strict-Transport-Security"]
    assert "max-age=31536000" in said
    assert "includeSubDomains" in said


@pytest.mark.django_db
def test_plain_http_is_sent_on_to_tls(client: Client, as_in_production: None) -> None:
    answer = client.get("/accounts/login/")
    assert answer.status_code == 301
    assert answer["Location"] == "https://testserver/accounts/login/"


def test_every_cookie_is_ours_alone_and_no_scripts(
    world: World, client: Client, as_in_production: None
) -> None:
    form = {"login": world.anna.email, "password": "secret"}
    client.get("/accounts/login/", **OVER_TLS)
    assert client.post("/accounts/login/", form, **OVER_TLS).status_code == 302
    client.post(reverse("set_language"), {"language": "de"}, **OVER_TLS)
    assert len(client.cookies) == 3, "session, CSRF, language: nothing else is kept there"
    for name, cookie in client.cookies.items():
        assert name.startswith("__Host-")
        assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")
        assert cookie["samesite"] == "Lax"
        assert cookie["httponly"] or name == django_settings.LANGUAGE_COOKIE_NAME


def test_the_cookie_of_who_signed_out_opens_nothing(world: World, client: Client) -> None:
    client.force_login(world.anna)
    kept = client.cookies["sessionid"].value
    settings_page = reverse("accounts:settings")
    assert client.get(settings_page).status_code == 200
    client.post(reverse("account_logout"))
    client.cookies["sessionid"] = kept
    assert client.get(settings_page).status_code == 302


@pytest.mark.parametrize("name", sorted(DOORS))
def test_no_other_site_can_press_a_button(rows: Rows, name: str) -> None:  # noqa: F811
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(rows.world.anna)
    with undone():
        answer: Any = careful.post(rows.address(name), DOORS[name].sent)
    assert answer.status_code in (403, 404, 405) or name == "notifications:stop", "RFC 8058"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/accounts/login/", "/healthz", "/"])
def test_trace_gives_nothing_back(client: Client, path: str) -> None:
    answer = client.generic("TRACE", path, HTTP_COOKIE="secret=1", HTTP_X_SECRET="two")
    assert b"secret" not in answer.content.lower()
    assert "message/http" not in answer.headers["Content-Type"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/static/", "/static/admin/", "/.git/config", "/static/../.env"])
def test_nothing_is_listed_and_nothing_else_is_served(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_an_error_of_ours_says_nothing_of_itself(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("token-text")

    monkeypatch.setattr("accounts.views.home.render", broken)
    world.alpenglueck.memberships.all().delete()
    client.force_login(world.anna)
    client.raise_request_exception = False
    answer = client.get("/")
    assert answer.status_code == 500
    assert b"token-text" not in answer.content
    assert b"RuntimeError" not in answer.content


def test_a_link_of_one_kind_opens_nothing_of_another(world: World, rows: Rows) -> None:  # noqa: F811
    invitation = links.path_of(rows.invitation).rstrip("/").rpartition("/")[2]
    stop = stop_path(world.otto).rstrip("/").rpartition("/")[2]
    client = Client()
    assert client.post(reverse("notifications:stop", args=[invitation])).status_code == 404
    page = client.post(reverse("accounts:invitation", args=[stop]), {"name": "Nora"})
    assert page.status_code == 404
    assert User.objects.get(pk=world.otto.pk).wants_token_mail == world.otto.wants_token_mail


@pytest.mark.parametrize("words", ["' OR '1'='1", "' OR 1=1 --", "'", "x') OR ('1'='1", "\\'"])
def test_what_is_searched_for_is_never_a_command(rows: Rows, words: str) -> None:  # noqa: F811
    client = rows.client("anna")
    listing = reverse("tokens:profile_list", args=["alpenglueck"])
    assert rows.profile.name in client.get(listing).content.decode()
    found = client.get(listing, {"search": words})
    assert found.status_code == 200
    assert rows.profile.name not in found.content.decode()
    audit = client.get(reverse("accounts:audit", args=["alpenglueck"]), {"q": words})
    assert audit.status_code == 200
    assert "nora@alpenglueck.example" not in audit.content.decode()
