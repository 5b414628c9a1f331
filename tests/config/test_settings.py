"""Settings read from the environment, and nothing from anywhere else."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any, Protocol

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import environment
from networks import dpop, registry
from networks.registry import NETWORKS
from tests.networks.test_configured import EXAMPLE

SETTINGS = Path(__file__).resolve().parents[2] / "config/settings.py"
COMPLETE = {
    "SECRET_KEY": "x" * 60,
    "TOKEN_KEYS": "first,second",
    "DATABASE_URL": "postgresql://tokenwacht:secret@postgres:5432/tokenwacht",
    "REDIS_URL": "redis://:secret@redis:6379/0",
    "BASE_URL": "https://tokenwacht.example",
    "EMAIL_URL": "smtp://mail:25",
}


class Load(Protocol):
    def __call__(self, **changes: str) -> dict[str, Any]: ...


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Load:
    """The settings in an environment that holds COMPLETE, the changes, and nothing else."""

    def with_changes(**changes: str) -> dict[str, Any]:
        variables = COMPLETE | {"LOCAL_DIR": str(tmp_path)} | changes
        given = {name: value for name, value in variables.items() if value}
        monkeypatch.setattr("os.environ", given)
        monkeypatch.setattr(registry, "NETWORKS", dict(NETWORKS))
        monkeypatch.setattr(environment.Environment, "ENVIRON", environment.Trimmed(dict(given)))
        return runpy.run_path(str(SETTINGS))

    return with_changes


@pytest.mark.parametrize("name", sorted(COMPLETE))
def test_production_does_not_start_without(name: str, load: Load) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^{name} is not set.*{name}_FILE"):
        load(**{name: ""})


def test_debug_is_off_unless_asked_for(load: Load) -> None:
    assert load()["DEBUG"] is False


@pytest.mark.parametrize("address", ["tokenwacht.example", "ftp://tokenwacht.example", "https://"])
def test_an_address_that_is_none_is_refused(address: str, load: Load) -> None:
    with pytest.raises(ImproperlyConfigured, match="BASE_URL"):
        load(BASE_URL=address)


@pytest.mark.parametrize(("scheme", "secure"), [("https", True), ("http", False)])
def test_the_scheme_of_the_address_decides_on_tls(scheme: str, secure: bool, load: Load) -> None:
    settings = load(BASE_URL=f"{scheme}://tokenwacht.example")
    assert settings["SESSION_COOKIE_SECURE"] is secure
    assert settings["CSRF_COOKIE_SECURE"] is secure
    assert settings["SECURE_SSL_REDIRECT"] is secure
    assert bool(settings["SECURE_HSTS_SECONDS"]) is secure
    assert settings["ALLOWED_HOSTS"] == ["tokenwacht.example"]
    names = {settings[f"{kind}_COOKIE_NAME"] for kind in ("SESSION", "CSRF", "LANGUAGE")}
    assert all(name.startswith("__Host-") is secure for name in names)
    assert settings["LANGUAGE_COOKIE_SECURE"] is secure


def test_our_own_host_is_allowed_beside_those_that_are_named(load: Load) -> None:
    settings = load(ALLOWED_HOSTS="other.example")
    assert settings["ALLOWED_HOSTS"] == ["other.example", "tokenwacht.example"]


def test_a_secret_from_a_file_has_no_newline(load: Load, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from-a-file\n")
    settings = load(SECRET_KEY="", SECRET_KEY_FILE=str(tmp_path / "secret"))
    assert settings["SECRET_KEY"] == "from-a-file"


def test_a_process_starts_with_nothing_but_files(tmp_path: Path) -> None:
    """As a container with secrets: not through `load`, which puts the environment together."""
    variables = {"PATH": os.environ["PATH"], "LOCAL_DIR": str(tmp_path)}
    for name, value in COMPLETE.items():
        (tmp_path / name).write_text(f"{value}\n")
        variables[f"{name}_FILE"] = str(tmp_path / name)
    code = "from config import settings as s; print(s.SECRET_KEY, *s.TOKEN_KEYS, s.BASE_URL)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=SETTINGS.parent.parent,
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["x" * 60, "first", "second", COMPLETE["BASE_URL"]]


def test_the_first_key_stays_the_first(load: Load) -> None:
    assert load()["TOKEN_KEYS"] == ["first", "second"]


def test_a_network_that_asks_us_who_we_are_needs_a_key_alone(load: Load) -> None:
    key = dpop.new_key()
    one_line = key.replace("\n", "\\n")  # as a .env file has it
    for given in (key, one_line):
        ((address, secret),) = load(BLUESKY_PRIVATE_KEY=given)["OAUTH_CLIENTS"].values()
        assert address == f"{COMPLETE['BASE_URL']}/oauth/bluesky/client-metadata.json"
        assert secret.strip() == key.strip()
    at_home = load(BASE_URL="http://127.0.0.1:8000")["OAUTH_CLIENTS"]["bluesky"]
    assert at_home[0].startswith("http://localhost?")
    assert at_home[1] == ""


def test_a_key_that_is_none_is_refused_by_its_name_and_not_printed(load: Load) -> None:
    with pytest.raises(ImproperlyConfigured, match="^BLUESKY_PRIVATE_KEY is not") as refused:
        load(BLUESKY_PRIVATE_KEY="half-a-key")
    assert "half-a-key" not in str(refused.value)


@pytest.mark.parametrize("slug", environment.registered(NETWORKS.values()))
def test_every_network_can_be_given_a_client(slug: str, load: Load) -> None:
    name = environment.variable(slug, "CLIENT_ID")
    secret = environment.variable(slug, "CLIENT_SECRET")
    assert load()["OAUTH_CLIENTS"] == {}
    assert load(**{name: "id"})["OAUTH_CLIENTS"] == {}, "half a registration is none"
    assert load(**{name: "id", secret: "s"})["OAUTH_CLIENTS"] == {slug: ("id", "s")}


def test_celery_is_told_of_a_unix_socket_in_its_own_words(load: Load) -> None:
    settings = load(REDIS_URL="unix:///run/valkey.sock?db=3")
    assert settings["CELERY_BROKER_URL"] == "redis+socket:///run/valkey.sock?virtual_host=3"
    assert load()["CELERY_BROKER_URL"] == COMPLETE["REDIS_URL"]


def test_test_workers_do_not_share_a_valkey_database() -> None:
    address = "unix:///run/valkey.sock?db=0"
    named = {environment.for_worker(address, worker) for worker in ("", "gw0", "gw1", "gw7")}
    assert len(named) == 4


def test_a_network_of_ones_own_is_there_with_its_registration(load: Load) -> None:
    settings = load(
        NETWORKS=EXAMPLE,
        ADDITIONAL_NETWORKS="tests.networks.outside.Outside",
        EXAMPLE_CLIENT_ID="id",
        EXAMPLE_CLIENT_SECRET="secret",
    )
    assert settings["OAUTH_CLIENTS"] == {"example": ("id", "secret")}
    assert {"example", "outside"} == set(registry.NETWORKS) - set(NETWORKS)


def test_a_file_that_is_not_there_is_named(load: Load) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^NETWORKS_FILE, /nowhere\.toml: No such file"):
        load(NETWORKS_FILE="/nowhere.toml")


@pytest.mark.parametrize(
    "change", [{"NETWORKS": "[[network]]"}, {"ADDITIONAL_NETWORKS": "nowhere.Example"}]
)
def test_a_network_that_cannot_be_read_stops_the_start(change: dict[str, str], load: Load) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^{next(iter(change))}, "):
        load(**change)
