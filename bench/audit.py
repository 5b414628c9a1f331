"""What the audit log's page costs in an organization of 100,000 lines, next to one of 1,000.

Both stand in one table, behind the walls. Free text is looked for in every line that the rest of
the filter leaves, so it is the one that grows with the log.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, Membership, Organization, Role, User
from accounts.walls import OWNER, WEB
from bench.measure import Figure, Prepare, compare
from bench.walls import prepared

MANY, FEW = 100_000, 1_000
RARE = 100  # lines of a rare verb, and of each thing, spread over the whole log: two pages
DAYS = 100
ROUNDS = 15
SMALL = "1,000 lines"


def run() -> Iterator[Figure]:
    logs = [fill(f"audit-{count}", count) for count in (MANY, FEW)]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_auditevent")
    for name, query in QUERIES.items():
        measured, baseline = (page(*log, query) for log in logs)
        yield compare("audit", name, measured, SMALL, baseline, rounds=ROUNDS)
    measured, baseline = (export(*log) for log in logs)
    yield compare("audit", "the export", measured, SMALL, baseline, rounds=2)
    connection.close()
    connection.settings_dict["USER"] = OWNER


def day(age: int) -> str:
    return (timezone.localdate() - timedelta(days=age)).isoformat()


QUERIES = {
    "the newest page": "",
    "a rare verb": "verb=keys_rotated",
    "one of many things": "object=thing-7",
    "a person who did little": "actor=operator",
    "some days long ago": f"since={day(90)}&until={day(80)}",
    "until long ago": f"until={day(90)}",
    "free text that many lines hold": "q=mara",
    "free text that no line holds": "q=nobody",
    "free text within ten days": f"q=nobody&since={day(10)}",
}


def page(organization: Organization, client: Client, query: str) -> Prepare:
    address = reverse("accounts:audit", args=[organization.slug])

    def show() -> None:
        assert client.get(f"{address}?{query}").status_code == 200

    return prepared(WEB, show)


def export(organization: Organization, client: Client) -> Prepare:
    address = reverse("accounts:audit_export", args=[organization.slug])

    def load() -> None:
        assert sum(map(len, client.post(address))) > 0

    return prepared(WEB, load)


def fill(slug: str, count: int) -> tuple[Organization, Client]:
    """The organization, and its admin, signed in."""
    organization = Organization.objects.create(slug=slug, name=slug)
    admin = User.objects.create_user(f"admin@{slug}.example", name="Anna")
    Membership.objects.create(organization=organization, user=admin, role=Role.ADMIN)
    AuditEvent.objects.bulk_create(
        (line(organization, number, count) for number in range(count)), batch_size=5000
    )
    client = Client()
    client.force_login(admin)
    return organization, client


def line(organization: Organization, number: int, count: int) -> AuditEvent:
    things = count // RARE
    is_rare = number % things == 0
    return AuditEvent(
        organization=organization,
        at=timezone.now() - timedelta(days=DAYS) * (1 - number / count),
        actor_id="" if is_rare else f"person-{number % 20}",
        actor_name="" if is_rare else f"Mara Manager {number % 20}",
        actor_email="" if is_rare else f"mara{number % 20}@example.org",
        verb="keys_rotated" if is_rare else "reconnected",
        object_id=f"thing-{number % things}",
        object_name=f"Profile {number % things}",
        details={"network": "LinkedIn", "login": f"Anna {number % 50}"},
        ip_address="203.0.113.9",
    )
