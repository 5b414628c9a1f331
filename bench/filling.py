"""Organizations full of tokens that really open, each with its profile, as fast as COPY goes."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Model
from django.utils import timezone

from accounts.models import Organization
from bench.answerer import SLUG, text_of
from networks.registry import NETWORKS
from profiles.models import Profile, Status
from tokens import vault
from tokens.models import Access, OAuthApp, Token
from tokens.vault import DataKey

ORGANIZATIONS = 50  # each with a data key of its own
CHUNK = 10_000
SCOPES = NETWORKS[SLUG].required_scopes
NOW = timezone.now()
EXPIRES, REFRESH_EXPIRES = NOW + timedelta(days=30), NOW + timedelta(days=60)
# As tokens.status would leave it, so that a sweep finds nothing to correct.
CAPABILITIES = [
    name for name, one in NETWORKS[SLUG].capabilities.items() if one.held_by(SCOPES, ())
]

# All due within the hour before, in no order that the table knows, and listed a moment ago. Those
# that are asked for the first time in a new version of the row, as after any probe.
MAKE_DUE = """
    UPDATE tokens_token SET listed_at = now(), unclear_since = NULL,
        unclear_reason = '', unclear_count = 0,
        next_probe_at = now() - random() * interval '1 hour'
"""


def add_tokens(first: int, last: int) -> None:
    """Tokens with the subjects `first` to `last`, over all organizations in turn."""
    app, _ = OAuthApp.objects.get_or_create(network_slug=SLUG, client_id="bench")
    keys = _data_keys()
    for start in range(first, last, CHUNK):
        subjects = range(start, min(start + CHUNK, last))
        tokens = [_token(app, keys[number % len(keys)], str(number)) for number in subjects]
        profiles = [_profile(token) for token in tokens]
        _copy(Token, tokens)
        _copy(Profile, profiles)
        _copy(Access, map(_access, tokens, profiles))


def make_due() -> None:
    """All tokens are due, and the table is as tidy as autovacuum leaves it in time."""
    with connection.cursor() as cursor:
        cursor.execute(MAKE_DUE)
        cursor.execute("VACUUM ANALYZE tokens_token, tokens_lease")


def _data_keys() -> list[DataKey]:
    slugs = [f"bench-{number}" for number in range(ORGANIZATIONS)]
    Organization.objects.bulk_create(
        (Organization(slug=slug, name=slug) for slug in slugs), ignore_conflicts=True
    )
    homes = Organization.objects.filter(slug__in=slugs).order_by("slug")
    return [DataKey.current(home.pk) for home in homes]


class _Place:
    """What `vault.seal` reads of a token's row, for a hundredth of what a model costs."""

    def __init__(self, key: DataKey) -> None:
        self.pk, self.data_key = UUID(int=random.getrandbits(128), version=4), key  # noqa: S311
        self.organization_id = key.organization_id


def _token(app: OAuthApp, key: DataKey, subject: str) -> dict[str, Any]:
    place: Any = _Place(key)
    return {
        "id": place.pk,
        "organization_id": place.organization_id,
        "app_id": app.pk,
        "network_slug": SLUG,
        "subject": subject,
        "subject_name": f"Login {subject}",
        "data_key_id": key.pk,
        "access_token": vault.seal(place, "access_token", text_of(subject)),
        "refresh_token": vault.seal(place, "refresh_token", text_of(f"{subject}-refresh")),
        "scopes": list(SCOPES),
        "issued_at": NOW,
        "consented_at": NOW,
        "expires_at": EXPIRES,
        "refresh_expires_at": REFRESH_EXPIRES,
    }


def _profile(token: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": UUID(int=random.getrandbits(128), version=4),  # noqa: S311
        "organization_id": token["organization_id"],
        "network_slug": SLUG,
        "kind_slug": "account",
        "remote_id": token["subject"],
        "name": f"Profile {token['subject']}",
        "status": Status.VALID.value,
        "next_end": REFRESH_EXPIRES,
        "capabilities": CAPABILITIES,
    }


def _access(token: dict[str, Any], profile: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": profile["id"],
        "organization_id": token["organization_id"],
        "token_id": token["id"],
        "profile_id": profile["id"],
    }


def _copy(model: type[Model], rows: Iterable[dict[str, Any]]) -> None:
    """Insert `rows`, by column; what a row does not say has the model's default."""
    fields = model._meta.concrete_fields
    defaults = {str(field.column): field.get_default() for field in fields}
    columns = ", ".join(defaults)
    statement = f"COPY {model._meta.db_table} ({columns}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(list((defaults | row).values()))
