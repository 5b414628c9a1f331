"""The page of the audit log: what it shows to whom, its filter, and its older pages."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.actor import OPERATOR, Actor
from accounts.models import AuditEvent, Organization
from tests.accounts.test_settings import read
from tests.people import World
from tests.roles import queries_of

NEW_YORK = "America/New_York"


@pytest.fixture
def as_anna(client: Client, world: World) -> Client:
    world.anna.language = "en"
    world.anna.save()
    client.force_login(world.anna)
    return client


def record(world: World, verb: str = "connected", **details: Any) -> AuditEvent:
    return Actor(world.mara, "203.0.113.9").record(verb, world.alpenglueck, world.otto, **details)


def ask(client: Client, **query: Any) -> Any:
    answer = client.get(reverse("accounts:audit", args=["alpenglueck"]), query)
    assert answer.status_code == 200
    return answer


def lines(client: Client, **query: Any) -> list[str]:
    """The verbs of the lines that are shown."""
    return [event.verb for event, _sentence, _changes in ask(client, **query).context["lines"]]


def html(answer: Any) -> BeautifulSoup:
    return BeautifulSoup(answer.content, "html.parser")


def many(world: World, count: int, organization: Organization | None = None) -> None:
    AuditEvent.objects.bulk_create(
        AuditEvent(
            organization=organization or world.alpenglueck,
            verb="connected",
            actor_id=str(world.mara.pk),
            actor_name="Mara Manager",
        )
        for _ in range(count)
    )


def test_the_newest_stands_first(as_anna: Client, world: World) -> None:
    record(world, "connected")
    record(world, "reconnected")
    assert lines(as_anna) == ["reconnected", "connected"]


def test_a_line_says_who_did_what_when_and_from_where(as_anna: Client, world: World) -> None:
    record(world, "connected", network="LinkedIn", login="Anna Huber")
    page = read(ask(as_anna))
    for text in (
        "Mara Manager connected Otto Owner (otto@alpenglueck.example)",
        "Network: LinkedIn · Login: Anna Huber",
        "mara@alpenglueck.example 203.0.113.9",
    ):
        assert text in page


def test_a_neighbours_log_is_not_shown(as_anna: Client, world: World) -> None:
    theirs = Actor(world.nils).record("connected", world.nordwind, world.nils)
    assert lines(as_anna) == []
    assert lines(as_anna, actor=theirs.actor_id, object=theirs.object_id) == []
    assert "Nils" not in read(ask(as_anna, actor=theirs.actor_id))


def test_a_verb_from_a_newer_version_does_not_break_the_page(as_anna: Client, world: World) -> None:
    record(world, "sang_a_song")
    assert "sang_a_song" in read(ask(as_anna))


@pytest.fixture
def three(world: World) -> None:
    """Mara connects Otto; Anna, elsewhere, refreshes a team and makes Tim one of it; the keys."""
    record(world, "connected")
    anna = Actor(world.anna, "2001:db8::7")
    anna.record("reconnected", world.alpenglueck, world.kitchen, added=[world.tim])
    OPERATOR.record("keys_rotated", world.alpenglueck)


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({"verb": "reconnected"}, ["reconnected"]),
        ({"q": "MARA"}, ["connected"]),
        ({"q": "anna@alpen"}, ["reconnected"]),
        ({"q": "küche"}, ["reconnected"]),
        ({"q": "Tim Team"}, ["reconnected"]),
        ({"q": "203.0.113."}, ["connected"]),
        ({"q": "2001:db8"}, ["reconnected"]),
        ({"q": "100%"}, []),
        ({"q": "mara", "verb": "reconnected"}, []),
        ({"actor": "operator"}, ["keys_rotated"]),
    ],
)
def test_the_log_is_filtered(
    as_anna: Client, three: None, query: dict[str, str], shown: list[str]
) -> None:
    assert lines(as_anna, **query) == shown


def test_who_and_what_lead_to_all_that_the_log_says_of_them(
    as_anna: Client, world: World, three: None
) -> None:
    page = html(ask(as_anna, q="mara"))
    who, what = page.select("td a")
    assert (who["href"], what["href"]) == (f"?actor={world.mara.pk}", f"?object={world.otto.pk}")
    url = reverse("accounts:audit", args=["alpenglueck"])
    assert "Only what concerns “Otto Owner" in read(as_anna.get(f"{url}{what['href']}"))
    assert lines(as_anna, actor=str(world.mara.pk)) == ["connected"]
    assert lines(as_anna, object=str(world.kitchen.pk)) == ["reconnected"]


def test_whoever_is_gone_can_be_asked_for(as_anna: Client, world: World) -> None:
    record(world)
    key = str(world.mara.pk)
    world.mara.delete()
    page = ask(as_anna, actor=key)
    chosen = html(page).select_one("select[name=actor] option[selected]")
    assert chosen is not None
    assert chosen.text == "Mara Manager (mara@alpenglueck.example)"
    assert len(page.context["lines"]) == 1


def at(world: World, moment: str) -> None:
    AuditEvent.objects.filter(pk=record(world).pk).update(at=datetime.fromisoformat(moment))


def test_days_begin_and_end_where_the_reader_lives(as_anna: Client, world: World) -> None:
    at(world, "2026-07-01T03:59Z")  # the last minute of 30 June in New York
    at(world, "2026-07-01T04:00Z")
    at(world, "2026-07-02T03:59Z")
    at(world, "2026-07-02T04:00Z")
    world.anna.time_zone = NEW_YORK
    world.anna.save()
    assert len(lines(as_anna, since="2026-07-01", until="2026-07-01")) == 2
    assert len(lines(as_anna, since="2026-07-01")) == 3
    assert len(lines(as_anna, until="2026-07-01")) == 3
    assert len(lines(as_anna, since="2026-07-02", until="2026-07-01")) == 0


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"verb": "nonsense"}, "What happened:"),
        ({"actor": "nobody"}, "Who:"),
        ({"actor": "x" * 5000}, "Who:"),
        ({"actor": "a\x00b"}, "Who:"),
        ({"actor": str(UUID(int=0))}, "Who:"),
        ({"q": "a\x00b"}, "Search"),
        ({"q": "x" * 300}, "Search"),
        ({"since": "yesterday"}, "Since:"),
        ({"since": "0001-01-01"}, "Since:"),
        ({"until": "9999-12-31"}, "Until:"),
        ({"before": "-1"}, ""),
        ({"before": "9" * 5000}, ""),
        ({"before": "many"}, ""),
        ({"object": "x" * 300}, ""),
        ({"object": "a\x00b"}, ""),
    ],
)
def test_a_filter_that_makes_no_sense_hides_nothing_and_says_so(
    as_anna: Client, world: World, query: dict[str, str], said: str
) -> None:
    record(world)
    page = ask(as_anna, **query)
    assert len(page.context["lines"]) == 1
    notices = [notice.get_text().strip() for notice in html(page).select(".notice-warning")]
    assert len(notices) == bool(said)
    assert all(notice.startswith(said) for notice in notices)


def test_what_makes_sense_of_a_filter_still_holds(as_anna: Client, three: None) -> None:
    assert lines(as_anna, verb="connected", since="yesterday") == ["connected"]


def follow(client: Client, page: Any, words: str) -> Any:
    link = next((a for a in html(page).select("nav.pages a") if a.text == words), None)
    assert link is not None, f"no link {words}"
    return client.get(f"{reverse('accounts:audit', args=['alpenglueck'])}{link['href']}")


def test_older_pages_keep_the_filter_and_lose_no_line(as_anna: Client, world: World) -> None:
    many(world, 120)
    record(world, "reconnected")
    seen, page = [], ask(as_anna, verb="connected", since="2020-01-01")
    while True:
        seen += [event.pk for event, *_ in page.context["lines"]]
        if page.context["older"] is None:
            break
        page = follow(as_anna, page, "Older")
    connected = AuditEvent.objects.filter(verb="connected")
    assert seen == list(connected.values_list("pk", flat=True))
    assert len(seen) == 120
    newest = follow(as_anna, page, "Newest")
    assert newest.context["lines"][0][0].pk == seen[0]
    assert newest.context["form"]["verb"].value() == "connected"


def test_a_line_written_while_somebody_reads_moves_no_page(as_anna: Client, world: World) -> None:
    many(world, 60)
    page = ask(as_anna)
    many(world, 5)
    older = follow(as_anna, page, "Older")
    assert older.context["lines"][0][0].pk == page.context["lines"][-1][0].pk - 1


@pytest.mark.parametrize("count", [50, 51])
def test_only_a_full_page_has_older_ones(as_anna: Client, world: World, count: int) -> None:
    many(world, count)
    assert (ask(as_anna).context["older"] is not None) is (count == 51)


def test_an_empty_log_says_what_will_stand_there(as_anna: Client, world: World) -> None:
    page = ask(as_anna)
    assert "Nothing has been recorded yet." in read(page)
    assert "Connect a profile or invite somebody" in read(page)
    assert html(page).select_one("button[form=export]") is None


def test_a_filter_that_matches_nothing_shows_the_way_back(as_anna: Client, world: World) -> None:
    record(world)
    page = html(ask(as_anna, q="nobody"))
    assert "Nothing matches this filter" in page.get_text()
    back = page.select_one(".empty a")
    assert back is not None
    assert back["href"] == reverse("accounts:audit", args=["alpenglueck"])


@pytest.mark.parametrize(
    "query", [{}, {"q": "mara", "verb": "connected", "since": "2020-01-01", "object": "x"}]
)
def test_the_audit_page_asks_the_database_five_times(
    as_anna: Client, world: World, query: dict[str, str]
) -> None:
    many(world, 120)
    assert len(queries_of(lambda: ask(as_anna, **query))) == 5


def test_to_ask_for_somebody_who_is_gone_takes_one_query_more(
    as_anna: Client, world: World
) -> None:
    many(world, 60)
    key = str(world.mara.pk)
    world.mara.delete()
    assert len(queries_of(lambda: ask(as_anna, actor=key))) == 6


def test_a_line_from_today_is_from_today(as_anna: Client, world: World) -> None:
    record(world)
    today = timezone.localdate().isoformat()
    assert len(lines(as_anna, since=today, until=today)) == 1
