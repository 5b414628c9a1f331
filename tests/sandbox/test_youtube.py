"""Google's tokens, and YouTube's channels."""

from __future__ import annotations

import pytest

from sandbox.dialects import google
from tests.sandbox.clients_google import GoogleBusiness, YouTube
from tests.sandbox.driver import Browser, Practice


@pytest.fixture
def youtube(practice: Practice) -> YouTube:
    return YouTube(practice)


def said(answer: object) -> tuple[int, str]:
    """Status and error of the token endpoint."""
    return answer.status_code, answer.json()["error"]  # type: ignore[attr-defined]


def test_a_person_consents_and_is_known_by_her_channel(youtube: YouTube) -> None:
    pair = youtube.pair("jonas")
    assert abs(pair["expires_in"] - 3599) < 5
    assert "https://www.googleapis.com/auth/userinfo.email" in pair["scope"].split()
    [channel] = youtube.channels(pair["access_token"]).json()["items"]
    assert (channel["id"][:2], channel["snippet"]["title"]) == ("UC", "Alpenglück Karriere")


def test_a_refresh_token_comes_with_a_consent_and_for_an_offline_client(youtube: YouTube) -> None:
    assert "refresh_token" not in youtube.pair("jonas", access_type="online")
    first = youtube.exchange(youtube.consent("jonas", {"access_type": "offline"})["code"]).json()
    assert first["refresh_token"]
    browser = Browser(youtube.practice)
    browser.open(youtube.address(**youtube.offline))
    youtube.sign_in(browser, "jonas")
    browser.decide("allow")
    silent = browser.open(youtube.address(access_type="offline"))
    assert "refresh_token" not in youtube.exchange(silent["code"]).json()
    assert browser.open(youtube.address(**youtube.offline)) == {}
    assert youtube.exchange(browser.decide("allow")["code"]).json()["refresh_token"]
    browser.close()


def test_a_refresh_says_no_new_refresh_token_and_the_old_one_stays(youtube: YouTube) -> None:
    token = youtube.pair("jonas")["refresh_token"]
    for _ in range(2):
        again = youtube.refresh(token).json()
        assert "refresh_token" not in again
        assert youtube.channels(again["access_token"]).json()["items"]


def test_of_too_many_refresh_tokens_the_oldest_goes_without_a_word(
    youtube: YouTube, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert google.MOST_REFRESH_TOKENS == 100
    monkeypatch.setattr(google, "MOST_REFRESH_TOKENS", 2)
    tokens = [youtube.pair("jonas")["refresh_token"] for _ in range(3)]
    alive = [youtube.refresh(token).status_code == 200 for token in tokens]
    assert alive == [False, True, True]


def test_a_channel_is_chosen_and_the_token_is_bound_to_it(youtube: YouTube) -> None:
    browser = Browser(youtube.practice)
    browser.open(youtube.address(**youtube.offline))
    youtube.sign_in(browser, "anna")
    options = [str(one["value"]) for one in browser.page.select("select[name=channel] option")]
    assert len(options) == 2
    code = browser.decide("allow", channel=options[1])["code"]
    browser.close()
    pair = youtube.exchange(code).json()
    for token in (pair, youtube.refresh(pair["refresh_token"]).json()):
        [channel] = youtube.channels(token["access_token"]).json()["items"]
        assert channel["id"] == options[1]


def test_nobody_chooses_a_channel_of_others(youtube: YouTube) -> None:
    others = youtube.practice.state("youtube")["profiles"][-1]["id"]
    browser = Browser(youtube.practice)
    browser.open(youtube.address(**youtube.offline))
    youtube.sign_in(browser, "anna")
    pair = youtube.exchange(browser.decide("allow", channel=others)["code"]).json()
    browser.close()
    assert youtube.channels(pair["access_token"]).json()["items"][0]["id"] != others


def test_a_list_of_no_channels_has_no_items(youtube: YouTube) -> None:
    body = youtube.channels(youtube.pair("ben")["access_token"]).json()
    assert body["pageInfo"]["totalResults"] == 0
    assert "items" not in body


def test_tokeninfo_says_whose_token_it_is_and_when_it_ends(youtube: YouTube) -> None:
    token = youtube.pair("jonas")["access_token"]
    body = youtube.info(token).json()
    assert body["aud"] == body["azp"] == "practice-youtube"
    assert body["sub"].isdecimal()
    youtube.practice.pull("youtube", "expire_access", person="jonas")
    assert said(youtube.info(token)) == (400, "invalid_token")
    assert youtube.channels(token).json()["error"]["status"] == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    ("lever", "status", "error"),
    [("revoke_app", 400, "invalid_grant"), ("suspend", 400, "access_denied")],
)
def test_what_ends_a_refresh_token(youtube: YouTube, lever: str, status: int, error: str) -> None:
    token = youtube.pair("jonas")["refresh_token"]
    youtube.practice.pull("youtube", lever, person="jonas")
    assert said(youtube.refresh(token)) == (status, error)


def test_a_new_password_ends_nothing(youtube: YouTube) -> None:
    token = youtube.pair("jonas")["refresh_token"]
    youtube.practice.pull("youtube", "change_password", person="jonas")
    assert youtube.refresh(token).status_code == 200


def test_a_revocation_takes_everything_back_at_once(youtube: YouTube) -> None:
    first, second = youtube.pair("anna"), youtube.pair("anna")
    assert youtube.revoke(first["access_token"]).status_code == 200
    assert said(youtube.refresh(second["refresh_token"])) == (400, "invalid_grant")
    assert said(youtube.revoke("nonsense")) == (400, "invalid_token")


def test_errors_of_the_token_endpoint(youtube: YouTube) -> None:
    assert said(youtube.refresh("nonsense")) == (400, "invalid_grant")
    assert said(youtube.refresh("x", client_id="nobody")) == (401, "invalid_client")
    assert said(youtube.refresh("x", client_secret="wrong")) == (401, "invalid_client")
    assert said(youtube.token(grant_type="magic")) == (400, "unsupported_grant_type")
    code = youtube.consent("jonas", youtube.offline)["code"]
    elsewhere = youtube.exchange(code, redirect_uri="http://127.0.0.1:8000/")
    assert said(elsewhere) == (400, "redirect_uri_mismatch")
    assert youtube.exchange(code).status_code == 200
    assert said(youtube.exchange(code)) == (400, "invalid_grant")


def test_a_used_up_quota_is_a_403_at_the_api(youtube: YouTube) -> None:
    youtube.practice.pull("youtube", "outage", mode="429")
    answer = youtube.channels("whoever")
    assert answer.status_code == 403
    assert answer.json()["error"]["errors"][0]["reason"] == "quotaExceeded"


def test_two_networks_share_a_host_and_no_token(practice: Practice) -> None:
    youtube, business = YouTube(practice), GoogleBusiness(practice)
    channel, location = youtube.pair("anna"), business.pair("anna")
    assert youtube.info(channel["access_token"]).json()["aud"] == "practice-youtube"
    assert business.info(location["access_token"]).json()["aud"] == "practice-google-business"
    assert youtube.channels(location["access_token"]).status_code == 401
    assert said(youtube.refresh(location["refresh_token"])) == (400, "invalid_grant")
    assert business.refresh(location["refresh_token"]).status_code == 200
