"""The way back from a network, by the book: RFC 9700 and RFC 9207, through our addresses."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from bs4 import BeautifulSoup
from django.urls import reverse

from accounts.models import AuditEvent, Membership, Role
from networks.registry import NETWORKS
from profiles.models import Profile
from tests.practice import HOME
from tokens.models import Access, AuthorizationRequest, Token

pytestmark = pytest.mark.django_db

WORDS = "<b id=words>Call 0900 123456 and say your password</b>"


@pytest.fixture
def anna(browser, world):
    return browser(world.anna, world.alpenglueck)


@pytest.fixture
def mara(browser, world):
    return browser(world.mara, world.alpenglueck)


def way_back(person, network: str, who: str) -> str:
    """The address at which the network sends the browser back."""
    url = reverse("tokens:add_network", args=[person.organization.slug, network])
    return str(person.practice.visitor(network, who).travel(person.leap(url), HOME))


def with_query(address: str, **changes: str) -> str:
    parts = urlsplit(address)
    query = dict(parse_qsl(parts.query)) | changes
    return parts._replace(query=urlencode(query)).geturl()


def value(address: str, name: str) -> str:
    return parse_qs(urlsplit(address).query)[name][0]


def read(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def nothing_written() -> bool:
    return not (Token.objects.exists() or Profile.objects.exists() or Access.objects.exists())


# --- Who answers (mix-up) ---------------------------------------------------------------------


def test_an_answer_of_another_issuer_is_refused_unread_and_an_admin_reads_of_it(anna, practice):
    back = with_query(way_back(anna, "linkedin", "anna"), iss="https://evil.example")
    practice.pull("linkedin", "outage", mode="5xx")  # asked, it would say that it is down
    answer = anna.come_back(back)
    assert answer.context["explanation"].title == "This sign-in cannot be finished here"
    assert nothing_written()
    assert not AuthorizationRequest.objects.exists(), "the state is used up"
    assert AuditEvent.objects.filter(verb="mixed_up").count() == 1


def test_an_answer_of_the_issuer_that_was_asked_is_taken(anna):
    back = with_query(way_back(anna, "linkedin", "anna"), iss=NETWORKS["linkedin"].issuer)
    assert "/choose/" in anna.come_back(back)["Location"]


def test_an_issuer_that_always_names_itself_and_did_not_is_refused(anna, monkeypatch):
    linkedin = type(NETWORKS["linkedin"])
    monkeypatch.setattr(linkedin, "authorization_response_iss_parameter_supported", True)
    assert anna.come_back(way_back(anna, "linkedin", "anna")).status_code == 400
    assert nothing_written()


# --- What is answered (injection) --------------------------------------------------------------


def test_a_code_of_another_session_is_worth_nothing_with_pkce(anna, mara, monkeypatch):
    """Mara got hold of Anna's code, and brings it back with a state of her own."""
    monkeypatch.setattr(type(NETWORKS["pinterest"]), "code_challenge_method", "S256")
    stolen, own = way_back(anna, "pinterest", "anna"), way_back(mara, "pinterest", "mia")
    answer = mara.come_back(with_query(own, code=value(stolen, "code")))
    assert answer.context["explanation"].title == "Pinterest did not accept the sign-in"
    assert nothing_written()


def test_a_request_token_of_another_session_is_refused(anna, mara):
    """OAuth 1.0a: XING's answer belongs to the question that this session asked."""
    stolen, own = way_back(anna, "xing", "anna"), way_back(mara, "xing", "jonas")
    names = ("oauth_token", "oauth_verifier")
    answer = mara.come_back(with_query(own, **{name: value(stolen, name) for name in names}))
    assert answer.context["explanation"].title == "XING did not accept the sign-in"
    assert nothing_written()


def test_what_an_answer_says_in_words_is_not_repeated(anna):
    """Else a link to our own host would say what somebody else made up."""
    back = way_back(anna, "linkedin", "anna")
    for error in ("access_denied", "server_error", WORDS):
        made_up = with_query(back, error=error, error_description=WORDS, error_uri="//evil.example")
        answer = anna.come_back(made_up)
        assert answer.status_code in (200, 400)
        page = answer.content.decode()
        assert "0900" not in page
        assert "evil.example" not in page
        assert not BeautifulSoup(page, "html.parser").select("#words")
        back = way_back(anna, "linkedin", "anna")


# --- For whom ----------------------------------------------------------------------------------


def test_what_comes_back_belongs_to_the_organization_that_asked(anna, world):
    """Anna works for two; meanwhile she has opened the other one's pages."""
    Membership.objects.create(organization=world.nordwind, user=world.anna, role=Role.ADMIN)
    back = way_back(anna, "tiktok", "anna")
    anna.client.get(reverse("tokens:profile_list", args=["nordwind"]))
    assert "alpenglueck" in anna.come_back(back)["Location"]
    assert Token.objects.get().organization == world.alpenglueck
    assert Profile.objects.get().organization == world.alpenglueck


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "other.example"},
        {"X-Forwarded-Host": "evil.example"},
        {"Forwarded": "host=evil.example"},
    ],
)
def test_no_header_moves_the_address_to_come_back_to(anna, settings, headers: dict[str, str]):
    settings.ALLOWED_HOSTS = ["testserver", "other.example"]
    url = reverse("tokens:add_network", args=["alpenglueck", "linkedin"])
    sent: Any = anna.client.post(url, headers=headers)
    assert value(sent["Location"], "redirect_uri") == f"{HOME}/oauth/linkedin/callback/"


# --- Where it leads ----------------------------------------------------------------------------


def test_no_page_stands_at_an_address_with_code_or_state(anna):
    back = way_back(anna, "tiktok", "anna")
    secrets = (value(back, "code"), value(back, "state"))
    good = anna.client.get(back.removeprefix(HOME))
    again = anna.client.get(back.removeprefix(HOME))
    for answer in (good, again):
        assert answer.status_code == 302
        assert not any(secret in answer["Location"] for secret in secrets)
    page = anna.client.get(again["Location"])
    assert page.status_code == 400
    assert not any(secret in page.content.decode() for secret in secrets)


def test_what_went_wrong_says_where_to_start_again(anna):
    answer = anna.add("linkedin", "anna", decision="deny")
    assert f'href="{reverse("tokens:add_network", args=["alpenglueck", "linkedin"])}"' in read(
        answer
    )
    anna.add("linkedin", "anna", "Alpenglück")
    page = Profile.objects.get()
    answer = anna.refresh(page, "mia")
    assert "LinkedIn · Page · Alpenglück" in read(answer)
    assert f'href="{reverse("tokens:refresh", args=["alpenglueck", page.pk])}"' in read(answer)


def test_what_went_wrong_can_be_read_again_and_is_said_to_nobody_else(anna, mara):
    page = reverse("tokens:outcome", args=["linkedin"])
    anna.add("linkedin", "anna", decision="deny")
    for _ in range(2):
        assert anna.client.get(page).context["explanation"].title == "You cancelled at LinkedIn"
    assert "cancelled" not in mara.client.get(page).content.decode()
    other = reverse("tokens:outcome", args=["tiktok"])
    assert "cancelled" not in anna.client.get(other).content.decode()


def test_who_was_signed_out_meanwhile_signs_in_and_reads_that_it_was_in_vain(anna, world):
    back = way_back(anna, "linkedin", "anna")
    anna.client.logout()
    signing_in = anna.client.get(back.removeprefix(HOME), follow=True).redirect_chain[-1][0]
    assert signing_in.startswith(reverse("account_login"))
    assert not any(value(back, name) in signing_in for name in ("code", "state"))
    form = {"login": world.anna.email, "password": "secret"}
    read: Any = anna.client.post(signing_in, form, follow=True)
    assert read.context["explanation"].title == "This sign-in cannot be finished here"
    assert nothing_written()
