"""The program as a whole: restarts, cookies, signals, the environment."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from sandbox.settings import HOST, Settings, from_environment
from sandbox.store import Store
from tests.sandbox.clients import LinkedIn, Pinterest, TikTok, Xing
from tests.sandbox.driver import Browser, Practice, free_port
from tests.sandbox.test_inbox import letter, send


def test_everything_survives_a_restart(practice: Practice) -> None:
    linkedin, tiktok, xing = LinkedIn(practice), TikTok(practice), Xing(practice)
    pinterest, browser = Pinterest(practice), Browser(practice)
    browser.open("/www.linkedin.com/login")
    linkedin.sign_in(browser, "jonas")
    tokens = linkedin.pair("mia"), tiktok.pair("ben"), pinterest.pair("mia"), xing.pair("nils")
    code = linkedin.consent("nils")["code"]
    practice.pull("linkedin", "change_password", person="anna")
    practice.pull("linkedin", "remove_role", person="jonas", profile="40010001")
    practice.pull("linkedin", "suspend", person="ben")
    practice.pull("xing", "outage", mode="garbage")
    send(practice, letter())
    before = practice.get("_control/state").json(), practice.get("_control/mail").json()
    practice.stop()
    practice.start()
    assert before == (practice.get("_control/state").json(), practice.get("_control/mail").json())
    practice.pull("xing", "recover")
    assert linkedin.introspect(tokens[0]["access_token"]).json()["active"] is True
    assert tiktok.refresh(tokens[1]["refresh_token"]).status_code == 200
    assert pinterest.account(tokens[2]["access_token"]).status_code == 200
    assert xing.me(tokens[3]).status_code == 200
    assert linkedin.exchange(code).status_code == 200
    browser.open("/www.linkedin.com/")
    assert browser.text("#signed-in-as") == "Jonas Berg"
    browser.close()


def test_being_signed_in_at_one_network_is_not_being_signed_in_at_another(
    practice: Practice,
) -> None:
    browser = Browser(practice)
    for client in (LinkedIn(practice), TikTok(practice), Pinterest(practice)):
        browser.open(client.address())
        assert browser.has("input[type=password]")
        client.sign_in(browser, "nils")
        assert browser.text("#signed-in-as") == "Nils Petersen"
    paths = {cookie.name: cookie.path for cookie in browser.http.cookies}
    assert paths == {
        "practice_linkedin": "/www.linkedin.com",
        "practice_tiktok": "/www.tiktok.com",
        "practice_pinterest": "/www.pinterest.com",
    }
    browser.close()


def test_a_session_of_one_network_opens_no_other(practice: Practice) -> None:
    browser = Browser(practice)
    browser.open("/www.linkedin.com/login")
    LinkedIn(practice).sign_in(browser, "anna")
    stolen = {"practice_tiktok": browser.http.cookies["practice_linkedin"] or ""}
    page = requests.get(f"{practice.base}/www.tiktok.com/", cookies=stolen, timeout=5)
    assert "not signed in" in page.text
    browser.close()


@pytest.mark.parametrize("after", ["http://evil.example/", "//evil.example/", "/www.tiktok.com/"])
def test_signing_in_leads_nowhere_else(practice: Practice, after: str) -> None:
    browser = Browser(practice)
    browser.open(f"/www.linkedin.com/login?next={after}")
    LinkedIn(practice).sign_in(browser, "anna")
    assert browser.response.url.endswith("/www.linkedin.com/")
    browser.close()


def test_the_sign_in_form_is_one_form_with_two_fields_and_a_button(practice: Practice) -> None:
    browser = Browser(practice)
    for client in (LinkedIn(practice), TikTok(practice), Pinterest(practice)):
        browser.open(client.address())
        fields = [(one["type"], one["name"]) for one in browser.page.select("form input")]
        assert fields == [("text", "login"), ("password", "password")]
        assert len(browser.page.select("form")) == len(browser.page.select("form button")) == 1
    browser.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_program_at_once_even_while_calls_hang(
    tmp_path: Path, number: signal.Signals
) -> None:
    port = free_port()
    environment = {**os.environ, "PRACTICE_PORT": str(port), "PRACTICE_DATA": str(tmp_path)}
    command = [sys.executable, "-W", "error", "-m", "sandbox"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout and f":{port}/_control" in program.stdout.readline()
        levers = f"http://127.0.0.1:{port}/_control"
        body = {"network": "xing", "do": "outage", "mode": "timeout"}
        requests.post(levers, json=body, timeout=5).raise_for_status()
        with socket.create_connection((HOST, port)) as hanging:
            hanging.sendall(b"GET /api.xing.com/v1/users/me HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(0.2)
            began = time.monotonic()
            program.send_signal(number)
            _, said = program.communicate(timeout=5)
        assert time.monotonic() - began < 4  # at once, on a machine that does other things too
        assert (program.returncode, said) == (0, "")


def test_a_taken_port_is_said_in_one_line(practice: Practice, tmp_path: Path) -> None:
    port = str(practice.settings.port)
    environment = {**os.environ, "PRACTICE_PORT": port, "PRACTICE_DATA": str(tmp_path)}
    command = [sys.executable, "-m", "sandbox"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=10)
    assert ended.returncode == 1
    assert ended.stderr.startswith("The practice networks could not start")
    assert "Traceback" not in ended.stderr


def test_the_environment_moves_it() -> None:
    environ = {"PRACTICE_PORT": "9100", "PRACTICE_DATA": "/x", "PRODUCT_URL": "http://h:1/"}
    settings = from_environment(environ)
    assert settings == Settings(port=9100, data=Path("/x"), product_url="http://h:1")
    assert settings.smtp_port == 9125
    assert settings.callback("xing") == "http://h:1/oauth/xing/callback/"
    assert from_environment({}) == Settings()


def test_data_of_another_version_is_started_afresh(tmp_path: Path) -> None:
    path = tmp_path / "practice.sqlite3"
    Store(path).close()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
        database.execute("CREATE TABLE strange (x)")
    database.close()
    store = Store(path)
    assert store.one("SELECT 1 FROM sqlite_master WHERE name = 'strange'") is None
    assert store.all("SELECT * FROM mails") == []
    store.close()
