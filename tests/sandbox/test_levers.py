"""The console's contract: the levers, what they refuse, and outages."""

from __future__ import annotations

import threading
import time

import pytest
import requests

from tests.sandbox.clients import LinkedIn, Pinterest, TikTok, Xing
from tests.sandbox.driver import Browser, Practice

NETWORKS = ("tiktok", "linkedin", "pinterest", "xing")


def refused(practice: Practice, **body: str) -> str:
    """What the levers answer to a request that cannot be done."""
    answer = practice.http.post(f"{practice.base}/_control", json=body, timeout=5)
    assert answer.status_code == 400
    error: str = answer.json()["error"]
    return error


def test_the_state_has_the_shape_that_others_rely_on(practice: Practice) -> None:
    networks = practice.get("_control/state").json()["networks"]
    assert set(networks) >= set(NETWORKS)
    for network in networks.values():
        assert network["fault"] is None
        for person in network["people"]:
            assert set(person) >= {"id", "login", "password", "name", "suspended"}
        people = {person["id"] for person in network["people"]}
        for profile in network["profiles"]:
            assert set(profile) >= {"id", "name", "kind", "admins"}
            assert set(profile["admins"]) <= people


def test_the_world_is_the_one_of_the_story(practice: Practice) -> None:
    pages = {one["name"]: one["admins"] for one in practice.state("linkedin")["profiles"]}
    assert pages == {
        "Alpenglück": ["anna", "jonas"],
        "Alpenglück Karriere": ["jonas"],
        "Bergheim Hotels": ["mia"],
        "Nordwind Reederei": ["nils"],
    }
    kinds = [one["kind"] for one in practice.state("pinterest")["profiles"]]
    assert (kinds.count("account"), kinds.count("board")) == (5, 608)


def test_a_new_password_signs_in_and_the_old_does_not(practice: Practice) -> None:
    state = practice.pull("linkedin", "change_password", person="anna")
    [anna] = [one for one in state["people"] if one["id"] == "anna"]
    browser = Browser(practice)
    browser.open("/www.linkedin.com/login")
    browser.sign_in(anna["login"], "anna-linkedin")
    assert browser.response.status_code == 401
    browser.sign_in(anna["login"], anna["password"])
    assert browser.text("#signed-in-as") == "Anna Huber"
    practice.pull("linkedin", "change_password", person="anna")
    browser.open("/www.linkedin.com/")
    assert not browser.has("#signed-in-as")
    browser.close()


def test_a_blocked_person_cannot_sign_in_until_restored(practice: Practice) -> None:
    assert practice.pull("xing", "suspend", person="anna")["people"][0]["suspended"] is True
    browser = Browser(practice)
    browser.open("/api.xing.com/login")
    browser.sign_in("anna@alpenglueck.example", "anna-xing")
    assert "restricted" in browser.text("[role=alert]")
    practice.pull("xing", "restore", person="anna")
    browser.sign_in("anna@alpenglueck.example", "anna-xing")
    assert browser.has("#signed-in-as")
    browser.close()


def test_what_is_missing_is_named_with_what_would_do(practice: Practice) -> None:
    assert "linkedin" in refused(practice, do="recover")
    assert "change_password" in refused(practice, network="xing", do="explode")
    verbs = ("change_password", "revoke_app", "suspend", "restore", "expire_access")
    for verb in verbs:
        error = refused(practice, network="linkedin", do=verb)
        assert error.startswith("person is missing") and "jonas" in error
    error = refused(practice, network="linkedin", do="remove_role", person="anna")
    assert error.startswith("profile is missing") and "40010001" in error
    error = refused(practice, network="linkedin", do="outage", mode="fire")
    assert "5xx, timeout, 429, garbage" in error
    assert "no refresh tokens" in refused(practice, network="xing", do="expire_refresh", person="a")
    assert "no roles" in refused(practice, network="tiktok", do="grant_role", person="anna")
    assert "unknown" in refused(practice, network="xing", do="suspend", person="ben")


@pytest.mark.parametrize("body", ["[]", "{", '"x"'])
def test_a_body_that_is_no_object_is_refused(practice: Practice, body: str) -> None:
    headers = {"Content-Type": "application/json"}
    answer = practice.http.post(f"{practice.base}/_control", body, headers=headers, timeout=5)
    assert answer.status_code == 400
    assert "error" in answer.json()


def test_json_is_read_whatever_the_content_type(practice: Practice) -> None:
    body = '{"network": "xing", "do": "outage", "mode": "429", "person": null}'
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = practice.http.post(f"{practice.base}/_control", body, headers=headers, timeout=5)
    assert answer.json()["fault"] == "429"


def test_the_console_is_a_page_whose_forms_work(practice: Practice) -> None:
    page = practice.get("_control").text
    for word in ("anna-linkedin", "Alpenglück Karriere", "600 boards", "Change password"):
        assert word in page
    form = {"network": "linkedin", "do": "outage", "mode": "5xx"}
    answer = practice.post("_control", form)
    assert [one.status_code for one in answer.history] == [303]
    assert "The whole network fails" in answer.text
    assert practice.state("linkedin")["fault"] == "5xx"
    assert "valid values" in practice.post("_control", {"network": "linkedin", "do": "x"}).text
    only = practice.get("_control/xing").text
    assert "anna-xing" in only and "anna-linkedin" not in only


def test_no_other_site_pulls_levers(practice: Practice) -> None:
    form, headers = {"network": "xing", "do": "outage"}, {"Origin": "https://evil.example"}
    assert practice.post("_control", form, headers=headers).status_code == 403
    assert practice.state("xing")["fault"] is None


def test_console_and_inbox_answer_on_both_names(practice: Practice) -> None:
    for name in ("localhost", "127.0.0.1"):
        for path in ("", "_control", "_control/state", "_control/mail", "mail"):
            answer = requests.get(f"http://{name}:{practice.settings.port}/{path}", timeout=5)
            assert answer.status_code == 200


def twice(practice: Practice, path: str) -> list[requests.Response]:
    """Two answers: some faults take turns."""
    return [practice.get(path), practice.get(path)]


PROBES = {
    "tiktok": "open.tiktokapis.com/v2/user/info/?fields=open_id",
    "linkedin": "api.linkedin.com/v2/userinfo",
    "pinterest": "api.pinterest.com/v5/user_account",
    "xing": "api.xing.com/v1/users/me",
}


@pytest.mark.parametrize("network", NETWORKS)
def test_an_outage_is_of_the_whole_network_and_of_no_other(
    practice: Practice, network: str
) -> None:
    practice.pull(network, "outage", mode="5xx")
    statuses = [answer.status_code for answer in twice(practice, PROBES[network])]
    assert min(statuses) >= 500
    kinds = {answer.headers["Content-Type"][:9] for answer in twice(practice, PROBES[network])}
    assert kinds == {"text/html", "applicati"}
    login = LOGINS[network]
    assert practice.get(login).status_code >= 500
    for other in set(NETWORKS) - {network}:
        assert practice.get(LOGINS[other]).status_code == 200
    assert practice.pull(network, "recover")["fault"] is None
    assert practice.get(login).status_code == 200


LOGINS = {
    "tiktok": "www.tiktok.com/login",
    "linkedin": "www.linkedin.com/login",
    "pinterest": "www.pinterest.com/login",
    "xing": "api.xing.com/login",
}


def test_rate_limits_speak_each_dialect(practice: Practice) -> None:
    for network in NETWORKS:
        practice.pull(network, "outage", mode="429")
    answers = {network: practice.get(path) for network, path in PROBES.items()}
    assert {name: one.status_code for name, one in answers.items()} == {
        "tiktok": 429,
        "linkedin": 429,
        "pinterest": 429,
        "xing": 403,
    }
    assert answers["tiktok"].json()["error"]["code"] == "rate_limit_exceeded"
    assert answers["linkedin"].json()["serviceErrorCode"] == 101
    assert answers["pinterest"].json()["code"] == 8
    assert answers["xing"].json()["error_name"] == "RATE_LIMIT_EXCEEDED"


def test_garbage_is_a_200_that_nobody_can_read(practice: Practice) -> None:
    practice.pull("pinterest", "outage", mode="garbage")
    for answer in twice(practice, PROBES["pinterest"]):
        assert answer.status_code == 200
        with pytest.raises(ValueError):
            answer.json()


def test_a_timeout_hangs_until_the_network_recovers(practice: Practice) -> None:
    practice.pull("linkedin", "outage", mode="timeout")
    address = f"{practice.base}/{PROBES['linkedin']}"
    with pytest.raises(requests.ReadTimeout):
        requests.get(address, timeout=0.3)
    ended: list[str] = []

    def hang() -> None:
        try:
            requests.get(address, timeout=5)
        except requests.RequestException as wrong:
            ended.append(type(wrong).__name__)

    thread = threading.Thread(target=hang)
    thread.start()
    time.sleep(0.1)
    practice.pull("linkedin", "recover")
    thread.join(3)
    assert ended == ["ConnectionError"]


def test_tokens_outlive_an_outage(practice: Practice) -> None:
    linkedin, pinterest = LinkedIn(practice), Pinterest(practice)
    tiktok, xing = TikTok(practice), Xing(practice)
    tokens = [one.pair("anna") for one in (linkedin, pinterest, tiktok)]
    signed = xing.pair("anna")
    for network in NETWORKS:
        practice.pull(network, "outage")
        practice.pull(network, "recover")
    assert linkedin.userinfo(tokens[0]["access_token"]).status_code == 200
    assert pinterest.account(tokens[1]["access_token"]).status_code == 200
    assert tiktok.user(tokens[2]["access_token"]).status_code == 200
    assert xing.me(signed).status_code == 200
