"""Documentation and production files are held against the settings, so that none is missing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from accounts.walls import ENGINE, OWNER, WEB
from config import deploy_check, environment
from networks import dpop
from networks.registry import NETWORKS
from tests.config.test_settings import Load, load  # noqa: F401 - a fixture
from tests.networks.test_configured import EXAMPLE

ROOT = Path(__file__).resolve().parents[2]
READ = re.compile(r"""(?:env(?:\.\w+)?|required)\(\s*"([A-Z_]+)["]""")
# Read by docker-compose.yml, gunicorn and `make run`, not by the settings.
OUTSIDE = {
    "DATABASE_PASSWORD", "WEB_DATABASE_PASSWORD", "ENGINE_DATABASE_PASSWORD", "POSTGRES_PASSWORD",
    "REDIS_PASSWORD", "TAG", "WEB_CONCURRENCY", "WORKER_CONCURRENCY", "PORT", "PRACTICE_PORT",
}  # fmt: skip
# pytest's own, and what only a development machine knows.
NOT_FOR_OPERATORS = {"PYTEST_XDIST_WORKER"}
CLIENTS = {
    environment.variable(slug, name)
    for slug in environment.registered(NETWORKS.values())
    for name in ("CLIENT_ID", "CLIENT_SECRET")
}
KEYS = {
    environment.variable(slug, "PRIVATE_KEY")
    for slug, network in NETWORKS.items()
    if network.publishes_client_metadata
}


def of_settings() -> set[str]:
    text = (ROOT / "config/settings.py").read_text()
    return (set(READ.findall(text)) | CLIENTS | KEYS) - NOT_FOR_OPERATORS


def of_example() -> set[str]:
    return set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


# A value that makes a difference, for each kind that is not plain text.
VALUES = {
    "BASE_URL": "https://elsewhere.example",
    "DATABASE_URL": "postgresql://somebody:secret@elsewhere:5432/other",
    "EMAIL_URL": "smtp+tls://somebody:secret@elsewhere:587",
    "NETWORK_HOSTS": '{"www.example.org": "http://localhost:1"}',
    "REDIS_URL": "redis://:secret@elsewhere:6379/3",
    "NETWORKS": EXAMPLE,
    "ADDITIONAL_NETWORKS": "tests.networks.outside.Outside",
    "DEBUG": "on",
    **dict.fromkeys(KEYS, dpop.new_key()),
    **dict.fromkeys(("PROXY_COUNT", "DATABASE_CONN_MAX_AGE", "SESSION_IDLE"), "17"),
    **dict.fromkeys(("SESSION_LIFETIME", "PROBE_INTERVAL", "PROBE_TICK"), "17"),
    **dict.fromkeys(("CONFIRM_AFTER", "LISTING_INTERVAL", "LONGEST_INTERVAL"), "17"),
    "CALLS_PER_SECOND": "17",
}


@pytest.mark.parametrize("name", sorted(of_settings()))
def test_every_variable_may_come_from_a_file_as_container_secrets_do(
    name: str,
    load: Load,  # noqa: F811
    tmp_path: Path,
) -> None:
    value = str(tmp_path / "local") if name == "LOCAL_DIR" else VALUES.get(name, f"some-{name}")
    (tmp_path / "secret").write_text(f"{value}\n")
    # Half a registration would be none.
    network = name.partition("_CLIENT_")[0]
    whole = {one: "x" for one in CLIENTS if one.startswith(f"{network}_") and one != name}
    given = load(**whole, **{name: value})
    read = load(**whole, **{name: "", f"{name}_FILE": str(tmp_path / "secret")})
    assert said(read) == said(given)
    assert said(read) != said(load(**whole)), "it makes a difference"


def said(settings: dict[str, Any]) -> dict[str, str]:
    return {name: repr(value) for name, value in settings.items() if name.isupper()}


# What stands in the environment and is no setting of ours.
NO_SECRETS = {"DJANGO_SETTINGS_MODULE", "HOME", "LOCAL_DIR", "PATH", "PYTEST_VERSION"}


def test_nothing_secret_is_read_from_anywhere_else() -> None:
    """Only the settings, and what starts before them, look into the environment."""
    looked: dict[str, set[str]] = {}
    for app in ("accounts", "config", "networks", "notifications", "profiles", "tokens"):
        for path in (ROOT / app).rglob("*.py"):
            text = path.read_text()
            if re.search(r"\b(?:environ|getenv)\b", text):
                names = set(re.findall(r"""environ(?:\.\w+\(|\[)\s*["'](\w+)["']""", text))
                names |= set(re.findall(r"""["'](\w+)["'] in os\.environ""", text))
                looked[str(path.relative_to(ROOT))] = names
    assert all(path.startswith("config/") for path in looked), looked
    others = {name for path, names in looked.items() for name in names}
    assert others <= NO_SECRETS


def test_settings_are_found() -> None:
    assert {"SECRET_KEY", "DATABASE_URL", "NETWORK_HOSTS", "PROBE_TICK"} <= of_settings()


def test_every_variable_is_documented() -> None:
    documented = set(re.findall(r"^\| `([A-Z_]+)`", documentation(), re.MULTILINE))
    assert documented == (of_settings() - CLIENTS - KEYS) | OUTSIDE


def test_the_client_registration_of_every_network_is_documented() -> None:
    assert "`<NETWORK>_CLIENT_ID`" in documentation()
    assert "`<NETWORK>_CLIENT_SECRET`" in documentation()
    assert "`<NETWORK>_PRIVATE_KEY`" in documentation()
    assert all(f"`{name}`" in documentation() for name in KEYS)


def documentation() -> str:
    return (ROOT / "docs/configuration.md").read_text()


def test_the_example_names_every_variable_and_no_other() -> None:
    # Put together by docker-compose.yml; of use to developers only; or fixed in the image.
    elsewhere = {"DATABASE_URL", "REDIS_URL", "DEBUG", "LOCAL_DIR", "STATIC_ROOT", "PRACTICE_PORT"}
    rare = {"DATABASE_CONN_MAX_AGE", "NETWORK_HOSTS", "TAG", "NETWORKS", "ADDITIONAL_NETWORKS"}
    assert of_example() == (of_settings() | OUTSIDE) - elsewhere - rare


def test_the_example_holds_no_secret() -> None:
    values = deploy_check.example(ROOT / ".env.example")
    secret = {name for name in values if re.search("SECRET|KEY|PASSWORD", name)}
    assert secret
    assert not any(values[name] for name in secret)


def test_compose_asks_for_nothing_that_the_example_lacks() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    asked = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", text))
    assert asked - {"TAG"} <= of_example()


def test_no_password_has_a_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    assert not re.search(r"\$\{\w*(PASSWORD|SECRET|KEY)\w*:?-", text)
    assert not re.search(r"\$\{\w*PASSWORD\w*\}", text), "a missing password must be an error"


PRODUCT = ("web", "worker", "beat", "migrate")


@pytest.mark.parametrize("name", PRODUCT)
def test_the_product_runs_read_only_and_without_rights(name: str) -> None:
    service = compose()["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["env_file"] == ".env"
    for password in ("POSTGRES", "DATABASE", "WEB_DATABASE", "ENGINE_DATABASE", "REDIS"):
        assert service["environment"][f"{password}_PASSWORD"] == ""


@pytest.mark.parametrize(
    ("name", "role"), [("web", WEB), ("beat", WEB), ("worker", ENGINE), ("migrate", OWNER)]
)
def test_each_process_signs_in_as_its_own_role(name: str, role: str) -> None:
    address = compose()["services"][name]["environment"]["DATABASE_URL"]
    assert address.startswith(f"postgresql://{role}:")


def test_the_roles_of_a_fresh_installation_can_do_nothing_but_sign_in() -> None:
    script = (ROOT / "config/postgres-roles.sh").read_text()
    made = re.findall(r"^CREATE ROLE (\w+) (.*) PASSWORD", script, re.MULTILINE)
    assert dict(made) == dict.fromkeys((OWNER, WEB, ENGINE), "LOGIN")


def test_every_server_has_a_health_check() -> None:
    services = compose()["services"]
    assert set(services) == {*PRODUCT, "postgres", "redis"}
    for name in set(services) - {"migrate"}:
        assert services[name]["healthcheck"]["test"], name


def test_nothing_but_the_pages_is_published_and_only_here() -> None:
    ports = {name: service.get("ports") for name, service in compose()["services"].items()}
    assert {name for name, published in ports.items() if published} == {"web"}
    assert all(port.startswith("127.0.0.1:") for port in ports["web"])


def test_the_image_holds_every_application_and_no_development_tool(settings: Any) -> None:
    ours = {app for app in settings.INSTALLED_APPS if (ROOT / app).is_dir()}
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert ours <= let_in
    assert "*" in lines
    assert not let_in & {".", "sandbox", "tests", ".local", ".env"}
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert "requirements/production.txt" in dockerfile
    assert "development.txt" not in dockerfile
    assert re.search(r"^USER \d+", dockerfile, re.MULTILINE)
