"""The audit log as a file: exactly what the filter shows, and nothing that a spreadsheet runs."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from io import StringIO
from typing import Any
from unicodedata import normalize

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from accounts.actor import Actor
from accounts.export import IN_MEMORY, harmless
from accounts.models import AuditEvent, User
from tests.people import World
from tests.roles import queries_of


@pytest.fixture
def as_anna(client: Client, world: World) -> Client:
    User.objects.filter(pk=world.anna.pk).update(language="en", time_zone="America/New_York")
    client.force_login(world.anna)
    return client


def record(world: World, verb: str = "connected", **details: Any) -> AuditEvent:
    return Actor(world.mara, "203.0.113.9").record(verb, world.alpenglueck, world.otto, **details)


def export(client: Client, query: str = "") -> bytes:
    """What the button on the page brings."""
    url = reverse("accounts:audit", args=["alpenglueck"])
    page = BeautifulSoup(client.get(f"{url}{query}").content, "html.parser")
    form = page.select_one("form#export")
    assert form is not None
    answer = client.post(str(form["action"]))
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith('attachment; filename="audit-alpenglueck-')
    content = b"".join(answer)
    assert answer["Content-Length"] == str(len(content))
    return content


def rows(content: bytes, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(StringIO(content.decode("utf-8-sig")), delimiter=delimiter))


def test_every_line_is_there_with_who_when_and_from_where(as_anna: Client, world: World) -> None:
    event = record(world, "connected", network="LinkedIn", login="Ännä")
    AuditEvent.objects.filter(pk=event.pk).update(at=datetime(2026, 7, 1, 3, 59, tzinfo=UTC))
    content = export(as_anna)
    assert content.startswith(b"\xef\xbb\xbf"), "else Excel takes it for another encoding"
    assert rows(content) == [
        [
            "When",
            "Who",
            "Email address",
            "What happened",
            "Whom or what it is about",
            "Entry",
            "Details",
            "From address",
        ],
        [
            "2026-06-30T23:59:00-04:00",
            "Mara Manager",
            "mara@alpenglueck.example",
            "Profile connected",
            "Otto Owner (otto@alpenglueck.example)",
            "Mara Manager connected Otto Owner (otto@alpenglueck.example).",
            "Network: LinkedIn; Login: Ännä",
            "203.0.113.9",
        ],
    ]


def test_a_german_reader_gets_german_words_and_what_excel_splits_at_there(
    as_anna: Client, world: World
) -> None:
    User.objects.filter(pk=world.anna.pk).update(language="de")
    record(world)
    head, line = rows(export(as_anna), ";")
    assert head[:2] == ["Wann", "Wer"]
    assert line[3] == "Profil verbunden"


def test_it_holds_exactly_what_the_filter_shows(as_anna: Client, world: World) -> None:
    record(world, "connected")
    record(world, "reconnected")
    Actor(world.nils).record("reconnected", world.nordwind, world.otto)
    lines = rows(export(as_anna, "?verb=reconnected&q=mara&since=2020-01-01"))[1:]
    assert [line[3] for line in lines] == ["Connection refreshed"]
    assert len(rows(export(as_anna, "?verb=invited"))) == 1


def test_it_holds_all_pages_wherever_the_reader_is(as_anna: Client, world: World) -> None:
    for _number in range(60):
        event = record(world)
    assert len(rows(export(as_anna, f"?before={event.pk}"))) == 61


def test_the_export_stands_in_the_log_itself(as_anna: Client, world: World) -> None:
    record(world)
    record(world, "invited")
    export(as_anna, "?verb=connected")
    event = AuditEvent.objects.get(verb="exported")
    assert (event.actor_name, event.ip_address) == ("Anna Huber", "127.0.0.1")
    assert event.details == {"entries": 1, "filter": "verb=connected"}


def test_opening_the_address_exports_nothing(as_anna: Client, world: World) -> None:
    url = reverse("accounts:audit_export", args=["alpenglueck"])
    assert as_anna.get(url).status_code == 405
    assert not AuditEvent.objects.exists()


FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", " =1", "\u00a0=1", "\t=1", "\r=1", "\tx", "\nx")
FULL_WIDTH = ("＝1", "＋1", "－1", "＠SUM", " ＝1", "﹣1", "\u3000=1")


@pytest.mark.parametrize("cell", FORMULAS + FULL_WIDTH)
def test_what_a_spreadsheet_would_run_begins_with_a_quote(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "Anna", "a=b", "2001:db8::7", "'=1", "Küche - Team"])
def test_other_text_stays_as_it_is(cell: str) -> None:
    assert harmless(cell) == cell


@given(cell=st.text())
def test_no_text_at_all_becomes_a_formula(cell: str) -> None:
    first = normalize("NFKC", harmless(cell)).strip()[:1]
    assert first not in tuple("=+-@")


def test_names_of_people_and_networks_run_nothing(as_anna: Client, world: World) -> None:
    world.mara.name, world.otto.name = '=HYPERLINK("http://evil.example")', "\u202e\u200b＝cmd"
    record(world, "owners_changed", added=["@SUM(A1)"])
    record(world, "connected", network="=1", login="-1")
    content = export(as_anna)
    for line in rows(content)[1:]:
        assert not [cell for cell in line if cell[:1] in tuple("=+-@＝\t\r") and cell]
    assert "\u202e" not in content.decode()


def test_an_export_larger_than_the_memory_for_it_comes_whole(as_anna: Client, world: World) -> None:
    AuditEvent.objects.bulk_create(
        AuditEvent(organization=world.alpenglueck, verb="connected", object_name=f"{n} {'x' * 400}")
        for n in range(3000)
    )
    content = export(as_anna)
    assert len(content) > IN_MEMORY
    lines = rows(content)[1:]
    assert [line[4].split()[0] for line in lines] == [str(n) for n in reversed(range(3000))]


def test_an_export_asks_the_database_a_fixed_number_of_times(as_anna: Client, world: World) -> None:
    for _number in range(60):
        record(world)
    url = reverse("accounts:audit_export", args=["alpenglueck"])
    assert len(queries_of(lambda: list(as_anna.post(url)))) == 6


def test_the_entry_reads_as_on_the_page(as_anna: Client, world: World) -> None:
    record(world, "role_changed", before="member", after="admin")
    assert rows(export(as_anna))[1][5].endswith("from Member to Admin.")
