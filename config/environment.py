"""Small translations between environment variables and what libraries want to be told."""

import os
from collections.abc import Iterable
from urllib.parse import parse_qs, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from environ.fileaware_mapping import FileAwareMapping

from networks.base import Network


class Trimmed(FileAwareMapping):
    """Values from `<NAME>_FILE`, without the newline that editors and `echo` leave at the end."""

    def __getitem__(self, key: str) -> str:
        try:
            return str(super().__getitem__(key)).strip()
        except OSError as error:
            where = f"{key}_FILE, {error.filename}"
            raise ImproperlyConfigured(f"{where}: {error.strerror}.") from None


class Environment(environ.Env):
    """Over a copy: what an environment file adds is not handed on to the processes we start."""

    ENVIRON = Trimmed(env=dict(os.environ))


def variable(slug: str, name: str) -> str:
    """`google-business`, `CLIENT_ID` -> `GOOGLE_BUSINESS_CLIENT_ID`."""
    return f"{slug.upper().replace('-', '_')}_{name}"


def registered(networks: Iterable[Network]) -> list[str]:
    """Where an operator registers us by hand: neither where each server does it by itself, nor
    where a document does."""
    by_hand = [one for one in networks if not one.publishes_client_metadata]
    return [one.slug for one in by_hand if one.client_slug("")]


def from_environment(env: environ.Env, slugs: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Our registration at each network that has one; a network without is not offered."""
    found = {}
    for slug in slugs:
        client_id = env.str(variable(slug, "CLIENT_ID"), default="")
        secret = env.str(variable(slug, "CLIENT_SECRET"), default="")
        if client_id and secret:
            found[slug] = (client_id, secret)
    return found


def by_metadata(
    env: environ.Env, networks: Iterable[Network], base_url: str
) -> dict[str, tuple[str, str]]:
    """Ourselves at each network that knows us by the address of a document, and no secret but
    the key that we sign with."""
    found = {}
    for network in networks:
        if not network.publishes_client_metadata:
            continue
        name = variable(network.slug, "PRIVATE_KEY")
        key = env.str(name, default="").replace("\\n", "\n").strip()  # one line, as in .env
        try:
            client_id, secret = network.client_at(base_url, key)
        except ValueError as error:
            raise ImproperlyConfigured(f"{name} is {error}.") from None
        if client_id:
            found[network.slug] = (client_id, secret)
    return found


def broker_url(redis_url: str) -> str:
    """Celery has its own spelling for a Redis behind a Unix socket."""
    address = urlsplit(redis_url)
    if address.scheme != "unix":
        return redis_url
    database = parse_qs(address.query).get("db", ["0"])[0]
    return f"redis+socket://{address.path}?virtual_host={database}"


def signed_in_as(role: str, database_url: str) -> str:
    """The same database with another role, and with the password that the address has."""
    address = urlsplit(database_url)
    name, at, host = address.netloc.rpartition("@")
    _, colon, password = name.partition(":")
    return address._replace(netloc=f"{role}{colon}{password}@{host}").geturl()


def for_worker(redis_url: str, worker: str) -> str:
    """`…?db=0`, `gw2` -> `…?db=3`; a Valkey has 16 databases."""
    number = int(worker.removeprefix("gw") or 0) + 1 if worker else 0
    return redis_url.replace("?db=0", f"?db={number % 16}")
