"""What every kind of answer tells the browser: pages and fragments, redirects, refusals, files."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path, reverse

from accounts import invitations, links
from accounts.actor import Actor
from accounts.models import Role
from config import health
from notifications.stopping import stop_path
from tests import builders
from tests.people import World

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
PRACTICE = "http://localhost:8100"


class Broken:
    """Addresses of a product in which something is wrong."""

    @staticmethod
    def fail(request: HttpRequest) -> HttpResponse:
        raise RuntimeError

    urlpatterns = [path("broken/", fail)]


def anonymous(*, csrf: bool = True) -> Client:
    return Client(enforce_csrf_checks=csrf, raise_request_exception=False)


def signed_in(world: World) -> Client:
    client = anonymous()
    client.force_login(world.anna)
    return client


def profile_of(world: World) -> Any:
    return builders.profile(world.alpenglueck, owners=(world.otto,))


def invitation_of(world: World) -> str:
    return links.path_of(
        invitations.invite(
            world.alpenglueck, "nora@alpenglueck.example", Role.MEMBER, by=Actor(world.anna)
        )
    )


def in_alpenglueck(name: str, *more: object) -> str:
    return reverse(name, args=["alpenglueck", *more])


def broken(world: World, settings: Any) -> Any:
    settings.ROOT_URLCONF = Broken
    return anonymous().get("/broken/")


ANSWERS: dict[str, tuple[int, Callable[[World, Any], Any]]] = {
    "page": (200, lambda w, s: anonymous().get(reverse("account_login"))),
    "list": (200, lambda w, s: signed_in(w).get(in_alpenglueck("tokens:profile_list"))),
    "fragment": (
        200,
        lambda w, s: signed_in(w).get(in_alpenglueck("notifications:timeline", profile_of(w).pk)),
    ),
    "redirect": (302, lambda w, s: anonymous().get("/")),
    "redirect to https": (301, lambda w, s: to_https(s)),
    "not found": (404, lambda w, s: anonymous().get("/nowhere/")),
    "not for members": (
        403,
        lambda w, s: otto(w).get(in_alpenglueck("accounts:members")),
    ),
    "forged form": (403, lambda w, s: signed_in(w).post(reverse("accounts:settings"))),
    "wrong method": (405, lambda w, s: anonymous(csrf=False).put("/healthz")),
    "not utf-8": (
        400,
        lambda w, s: anonymous().post("/", "a", content_type="text/plain; charset=utf-16"),
    ),
    "wrong host": (400, lambda w, s: anonymous().get("/", headers={"Host": "evil.example"})),
    "callback": (302, lambda w, s: anonymous().get("/oauth/linkedin/callback/?code=a&state=b")),
    "health": (503, lambda w, s: without_a_beat()),
    "file": (200, lambda w, s: anonymous().get("/static/tokenwacht.js")),
    "stop link": (200, lambda w, s: anonymous().get(stop_path(w.otto))),
    "invitation": (200, lambda w, s: anonymous().get(invitation_of(w))),
    "broken": (500, broken),
}


def otto(world: World) -> Client:
    client = anonymous()
    client.force_login(world.otto)
    return client


def without_a_beat() -> Any:
    with closing(health.broker()) as broker:
        broker.delete(health.BEAT_KEY)
    return anonymous().get("/healthz")


def to_https(settings: Any) -> Any:
    settings.SECURE_SSL_REDIRECT = True
    return anonymous().get("/")


@pytest.fixture(params=ANSWERS)
def answer(request: Any, world: World, settings: Any) -> Any:
    status, ask = ANSWERS[request.param]
    given = ask(world, settings)
    assert given.status_code == status
    if given.streaming:
        given.getvalue()  # a file: read, it is closed
    return given


def policy_of(answer: Any) -> dict[str, list[str]]:
    parts = [part.split() for part in answer.headers["Content-Security-Policy"].split(";")]
    assert all(parts), "no directive is empty"
    return {name: sources for name, *sources in parts}


def test_every_answer_lets_the_browser_load_our_own_files_and_nothing_else(answer: Any) -> None:
    policy = policy_of(answer)
    assert policy["default-src"] == ["'none'"]
    for kind in ("style-src", "img-src", "font-src", "connect-src"):
        assert policy[kind] == ["'self'"]
    for kind in ("object-src", "base-uri", "frame-ancestors"):
        assert policy[kind] == ["'none'"]
    assert policy["form-action"] == ["'self'"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_no_script_runs_that_does_not_carry_the_nonce_of_its_answer(answer: Any) -> None:
    sources = policy_of(answer).get("script-src", [])
    html = answer.headers["Content-Type"].startswith("text/html")
    page = BeautifulSoup(answer.content, "html.parser") if html else BeautifulSoup()
    scripts = page.select("script:not([type='application/json'])")
    assert sources == [f"'nonce-{script['nonce']}'" for script in scripts[:1]]
    assert len({script["nonce"] for script in scripts}) <= 1
    assert all(str(script["src"]).startswith("/static/") for script in scripts)
    assert not any(script.string for script in scripts)


def test_a_nonce_is_used_once() -> None:
    client = anonymous()
    answers = [client.get(reverse("account_login")) for _ in range(2)]
    first, second = (policy_of(answer)["script-src"] for answer in answers)
    assert len(first[0]) >= len("'nonce-'") + 22, "128 bits"
    assert first != second


def test_every_answer_says_how_it_may_be_used(answer: Any) -> None:
    said = answer.headers
    assert said["X-Content-Type-Options"] == "nosniff"
    assert said["Cross-Origin-Opener-Policy"] == "same-origin"
    assert said["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in said["Permissions-Policy"]
    assert said["Referrer-Policy"] in ("same-origin", "strict-origin")
    assert "Access-Control-Allow-Origin" not in said


def test_no_answer_but_a_file_is_kept_by_anybody(request: Any, answer: Any) -> None:
    is_file = "[file]" in request.node.name
    assert ("no-store" in answer.headers["Cache-Control"]) is not is_file


def test_over_https_browsers_are_told_to_stay_there(settings: Any) -> None:
    settings.SECURE_HSTS_SECONDS = 31536000
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    answer = Client().get("/nowhere/", secure=True)
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


def test_no_cookie_is_for_scripts_or_other_sites(world: World) -> None:
    client = Client()
    client.post(reverse("account_login"), {"login": world.anna.email, "password": "secret"})
    client.post(reverse("set_language"), {"language": "en"})
    client.post(in_alpenglueck("accounts:teams"), {"name": "Garten"})
    team = world.alpenglueck.teams.get(name="Garten")
    saved = client.post(in_alpenglueck("accounts:team", team.pk), {"name": "Hof"})
    client.get(saved["Location"])
    assert set(client.cookies) == {"sessionid", "csrftoken", "language"}, "a message is no cookie"
    for cookie in client.cookies.values():
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert (cookie["path"], cookie["domain"]) == ("/", "")


# --- Referrers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "/invitation/Ijc3:1xVX3O:Mf9/",
        "/mail/stop/Ijc3:1xVX3O:Mf9/",
        "/accounts/password/reset/key/3-Mf9/",
        "/accounts/confirm-email/Mf9/",
        "/account/email/Mf9/",
    ],
)
def test_an_address_that_is_as_good_as_a_password_is_no_referrer(db: None, address: str) -> None:
    """strict-origin names our host at most, and lets forms say where they come from."""
    assert Client().get(address).headers["Referrer-Policy"] == "strict-origin"


def test_other_addresses_are_referrers_for_us_alone(db: None) -> None:
    assert Client().get(reverse("account_login")).headers["Referrer-Policy"] == "same-origin"


# --- The leap -----------------------------------------------------------------------------------


@pytest.fixture(params=["tokens:add_network", "tokens:refresh"])
def leap_page(request: Any, world: World, settings: Any) -> str:
    settings.OAUTH_CLIENTS = {"linkedin": ("id", "secret")}
    more = "linkedin" if request.param == "tokens:add_network" else profile_of(world).pk
    return in_alpenglueck(request.param, more)


def test_only_the_form_before_the_leap_may_lead_to_networks(
    world: World, settings: Any, leap_page: str
) -> None:
    assert policy_of(signed_in(world).get(leap_page))["form-action"] == ["'self'", "https:"]
    settings.NETWORK_HOSTS = {"www.linkedin.com": f"{PRACTICE}/www.linkedin.com"}
    assert policy_of(signed_in(world).get(leap_page))["form-action"] == [
        "'self'",
        "https:",
        PRACTICE,
    ]


def test_the_leap_is_shown_in_no_frame_and_made_by_no_foreign_form(
    world: World, leap_page: str
) -> None:
    page = signed_in(world).get(leap_page)
    assert policy_of(page)["frame-ancestors"] == ["'none'"]
    assert page.headers["X-Frame-Options"] == "DENY"
    assert signed_in(world).post(leap_page).status_code == 403


# --- Templates ----------------------------------------------------------------------------------

PAGES = [one for one in TEMPLATES.rglob("*.html") if "mail" not in one.relative_to(TEMPLATES).parts]


def test_pages_are_found() -> None:
    assert len(PAGES) > 50


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TEMPLATES)))
def test_no_template_asks_for_what_the_policy_refuses(page: Path) -> None:
    text = page.read_text()
    assert not re.search(r"\s(?:on\w+|hx-on\S*|style)\s*=", text), "code or style in an attribute"
    assert not re.search(r"<(?:style|object|embed|iframe|base)\b", text)
    assert not re.search(r"(?:js|javascript|data):", text)
    for script in re.findall(r"<script\b[^>]*>", text):
        is_data = script.endswith(' type="application/json">')
        assert is_data or re.fullmatch(r'<script src=".+" defer nonce="{{ csp_nonce }}">', script)


def test_htmx_runs_no_code_from_a_page() -> None:
    text = (TEMPLATES / "base.html").read_text()
    for rule in (
        '"allowEval": false',
        '"allowScriptTags": false',
        '"includeIndicatorStyles": false',
    ):
        assert rule in text
