"""The operator's page: who may see it, and what it says of networks, apps and the engine."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from accounts.models import User
from networks.base import Price, Reason
from networks.registry import NETWORKS
from tests.builders import access, profile, token
from tests.people import World, person, sign_in
from tests.roles import queries_of
from tokens import advice
from tokens.models import Backlog, Failure, OAuthApp, Tally
from tokens.templatetags.figures import lasting
from tokens.views.operator import REMEMBERED, SHOWN

PAGE = "/operator/"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def rita(db: Any) -> User:
    """The operator, who belongs to no organization and reads English."""
    made = person("Rita Sommer")
    made.is_staff = True
    made.save()
    return made


@pytest.fixture
def operator(client: Client, rita: User, settings: Any) -> Client:
    settings.OAUTH_CLIENTS = {"linkedin": ("ours", "secret"), "x": ("ours", "secret")}
    client.force_login(rita)
    return client


def app(network: str = "linkedin", client_id: str = "ours", issuer: str = "") -> OAuthApp:
    given = {"sealed_secret": b"x"} if issuer else {}
    return OAuthApp.objects.create(
        network_slug=network, client_id=client_id, issuer=issuer, **given
    )


def looked(network: str = "linkedin", *, ago: timedelta = timedelta(0), **fields: Any) -> Backlog:
    """What the engine writes when it looks."""
    seen = timezone.now() - ago
    return Backlog.objects.create(network_slug=network, seen_at=seen, **{"watched": 1, **fields})


def tally(of: OAuthApp, minute: datetime | None = None, **counts: Any) -> Tally:
    return Tally.objects.create(
        app=of,
        network_slug=of.network_slug,
        minute=minute or timezone.now() - MINUTE,
        **counts,
    )


def fails(
    network: str = "linkedin", reason: Reason = Reason.INVALID_TOKEN_UNSPECIFIED, **fields: Any
) -> Failure:
    seen = {"logins": 40, "asked": 41, "expected": 0.3, "held": 1204}
    health = "dead" if reason.is_dead else "unclear"
    return Failure.objects.create(
        network_slug=network, health=health, reason=reason, **{**seen, **fields}
    )


def html(client: Client) -> BeautifulSoup:
    answer = client.get(PAGE)
    assert answer.status_code == 200
    return BeautifulSoup(answer.content, "html.parser")


def words(tag: Any) -> str:
    """Without the letters on tiles."""
    assert tag is not None
    for drawn in tag.select("svg"):
        drawn.decompose()
    return " ".join(tag.get_text(" ").split())


def notices(client: Client) -> list[str]:
    return [words(tag) for tag in html(client).select("#standing > .notice")]


def row(client: Client, network: str = "LinkedIn") -> dict[str, str]:
    """The line of a network, by column; its state under State."""
    for line in html(client).select("tbody tr"):
        name, state, *figures = line.select("td")
        if words(name).endswith(network):
            return {"State": words(state)} | {str(td["data-label"]): words(td) for td in figures}
    raise AssertionError(f"no line of {network}")


def registrations(client: Client) -> list[str]:
    return [words(item) for item in html(client).select(".lines > li")]


# --- Who sees it ---


@pytest.mark.parametrize("who", ["otto", "mara", "anna", "nils"])
def test_for_all_but_the_operator_there_is_no_such_page(
    client: Client, world: World, who: str
) -> None:
    client.force_login(getattr(world, who))
    there, nowhere = client.get(PAGE), client.get("/no/such/page/")
    assert there.status_code == 404
    assert words(BeautifulSoup(there.content, "html.parser")) == words(
        BeautifulSoup(nowhere.content, "html.parser")
    )
    assert b"/operator/" not in client.get("/account/settings/").content


def test_who_is_signed_out_comes_back_to_it_after_the_sign_in(client: Client, rita: User) -> None:
    leap = client.get(PAGE)["Location"]
    answer = client.post(leap, {"login": rita.email, "password": "secret"})
    assert answer["Location"] == PAGE


def test_the_operator_is_led_there_and_finds_it_in_the_menu(operator: Client) -> None:
    assert operator.get("/")["Location"] == PAGE
    menu = BeautifulSoup(operator.get("/account/settings/").content, "html.parser")
    assert menu.select_one(f".bar .menu a[href='{PAGE}']")
    assert words(html(operator).select_one(".side [aria-current=page]")) == "Operation"


def test_an_operator_who_is_a_member_lands_among_the_profiles_as_all_members_do(
    client: Client, world: World
) -> None:
    User.objects.filter(pk=world.anna.pk).update(is_staff=True)
    client.force_login(world.anna)
    assert client.get("/")["Location"] == reverse("tokens:profile_list", args=["alpenglueck"])
    assert client.get(PAGE).status_code == 200


def test_who_is_the_operator_no_longer_sees_it_no_longer(operator: Client, rita: User) -> None:
    User.objects.filter(pk=rita.pk).update(is_staff=False)
    assert operator.get(PAGE).status_code == 404


def test_it_only_shows(operator: Client) -> None:
    assert operator.post(PAGE).status_code == 405
    assert "no-store" in operator.get(PAGE)["Cache-Control"]


def test_it_names_no_organization_no_profile_and_nobodys_login(
    operator: Client, world: World
) -> None:
    login = token(world.alpenglueck, name="Anna Huber")
    access(login, profile(world.alpenglueck, name="Bergheim"))
    fails(app=login.app)
    looked()
    page = operator.get(PAGE).content.decode()
    for secret in ("Alpenglück", "Anna", "Bergheim", login.subject, "Nordwind"):
        assert secret not in page


# --- The line on top ---


def test_where_all_is_well_it_says_so(operator: Client) -> None:
    app()
    looked()
    assert notices(operator) == ["Everything works. The engine looked just now."]


def test_where_nothing_is_watched_it_says_what_comes_first(operator: Client) -> None:
    assert "Nothing is watched yet" in words(html(operator).select_one(".empty"))
    assert notices(operator) == []


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "en",
            "LinkedIn answers 40 of 41 logins with “invalid”. "
            "1,204 accesses are held back, and no owner is written to.",
        ),
        (
            "de",
            "LinkedIn antwortet auf 40 von 41 Anmeldungen mit „ungültig“. "
            "1.204 Zugriffe werden zurückgehalten; "
            "die Profil-Inhaber:innen werden nicht angeschrieben.",
        ),
    ],
)
def test_one_failure_is_said_in_one_line(
    operator: Client, rita: User, language: str, said: str
) -> None:
    User.objects.filter(pk=rita.pk).update(language=language)
    looked()
    fails()
    assert notices(operator) == [said]


def test_of_several_failures_it_says_how_many_and_what_is_held_by_all(operator: Client) -> None:
    looked()
    looked("x")
    fails()
    fails("x", Reason.APP_DISABLED, held=1)
    [said] = notices(operator)
    assert said == "2 failures are open. 1,205 accesses are held back, and no owner is written to."


def test_an_outage_that_holds_nothing_turns_nothing_red(operator: Client) -> None:
    looked()
    fails(reason=Reason.NETWORK_OUTAGE, held=0)
    [said] = notices(operator)
    assert said == (
        "LinkedIn does not answer 40 of 41 logins. "
        "No profile turns red because of it, and no owner is written to."
    )


def test_an_engine_that_has_not_looked_for_five_ticks_is_not_running(
    operator: Client, settings: Any
) -> None:
    settings.PROBE_TICK = 60.0
    app()
    row_ = looked(ago=5 * MINUTE - timedelta(seconds=5))
    assert "Everything works." in notices(operator)[0]
    Backlog.objects.filter(pk=row_.pk).update(seen_at=timezone.now() - 6 * MINUTE)
    [said] = notices(operator)
    assert said.startswith("The engine is not running. It last looked at the networks 6 minutes")


def test_an_engine_that_never_looked_is_not_running_either(operator: Client) -> None:
    app()
    assert "It has never looked at a network yet." in notices(operator)[0]


def test_a_network_that_the_engine_forgot_is_named(operator: Client) -> None:
    looked("tiktok", ago=HOUR)
    looked()
    assert notices(operator) == ["The engine has not looked everywhere lately. TikTok"]


def test_an_engine_that_is_behind_says_for_how_long(operator: Client) -> None:
    looked(oldest_due_at=timezone.now() - 12 * MINUTE)
    [said] = notices(operator)
    assert said.startswith("The engine falls behind. The oldest login that is due has waited for")
    assert "12 minutes" in said


# --- Networks ---


def test_a_network_says_how_it_stands_in_figures(operator: Client) -> None:
    now = timezone.now()
    looked(watched=4211, oldest_due_at=now - timedelta(seconds=42), due=3)
    mine = app()
    tally(mine, asked=1000, alive=966, unclear=34, calls=1100)
    tally(mine, now - 2 * HOUR, asked=500, unclear=500, calls=7)  # before the hour
    line = row(operator)
    assert line["State"] == "Works"
    assert line["Lag"] == "42 seconds"
    assert line["Logins"] == "4,211"
    assert line["Asked in an hour"] == "1,000 3.4% unclear"


def test_today_begins_at_the_readers_midnight(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.localtime().replace(hour=3, minute=0)
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)
    mine = app()
    tally(mine, now - 2 * HOUR, calls=1)
    tally(mine, now.replace(hour=0), calls=10)
    tally(mine, now.replace(hour=0) - MINUTE, calls=100)
    assert row(operator)["Calls today"] == "11"


def test_a_network_that_bills_says_what_it_cost_this_month(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    price = Price(Decimal("0.01"), "USD", "/2/", "the price list")
    monkeypatch.setattr(type(NETWORKS["x"]), "prices", (price,))
    # Long ago, or the session that the operator has just begun would be over by then.
    now = datetime(2020, 6, 9, 3, tzinfo=timezone.get_current_timezone())
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)
    mine, other = app("x"), app("linkedin")
    tally(mine, now - MINUTE, calls=2, cost=Decimal("12.30"))
    tally(mine, now.replace(day=1, hour=0), cost=Decimal("1000.047"))
    tally(mine, now.replace(day=1, hour=0) - MINUTE, cost=Decimal(500))
    tally(other, now - MINUTE, calls=2, cost=Decimal(7))
    assert row(operator, "X")["Calls today"] == "2 $1,012.35 this month"
    assert row(operator)["Calls today"] == "2"


def test_a_network_where_nothing_is_due_has_no_lag(operator: Client) -> None:
    looked()
    assert row(operator)["Lag"] == "none"


def test_the_lag_is_unknown_where_the_engine_has_not_looked_lately(operator: Client) -> None:
    looked(ago=HOUR, oldest_due_at=timezone.now() - 2 * HOUR)
    line = row(operator)
    assert (line["State"], line["Lag"]) == ("Not looked at", "unknown")


def test_a_network_that_lags_more_than_five_ticks_falls_behind(
    operator: Client, settings: Any
) -> None:
    settings.PROBE_TICK = 60.0
    behind = looked(oldest_due_at=timezone.now() - 5 * MINUTE + timedelta(seconds=5))
    assert row(operator)["State"] == "Works"
    Backlog.objects.filter(pk=behind.pk).update(oldest_due_at=timezone.now() - 6 * MINUTE)
    assert row(operator)["State"] == "Falls behind"


def test_a_network_fails_when_it_or_all_its_apps_do_and_in_part_when_one_of_them_does(
    operator: Client,
) -> None:
    one = app("mastodon", "a", "https://alpen.social.example")
    two = app("mastodon", "b", "https://nordsee.social.example")
    looked("mastodon")
    fails("mastodon", app=one)
    assert row(operator, "Mastodon")["State"].startswith("Fails in part since")
    fails("mastodon", app=two)
    assert row(operator, "Mastodon")["State"].startswith("Fails since")


def test_a_failure_that_is_over_leaves_the_network_as_it_is(operator: Client) -> None:
    looked()
    fails(closed_at=timezone.now())
    assert row(operator)["State"] == "Works"


def test_networks_without_a_login_are_only_named(operator: Client) -> None:
    looked()
    looked("pinterest", watched=0)
    hint = next(words(tag) for tag in html(operator).select(".hint") if "Without" in words(tag))
    assert "Pinterest" in hint and "TikTok" in hint and "LinkedIn" not in hint
    assert len(html(operator).select("tbody tr")) == 1


def test_a_network_that_was_taken_out_of_the_installation_breaks_nothing(operator: Client) -> None:
    looked("gone")
    tally(app("gone"), calls=1)
    fails("gone")
    assert "Nothing is watched yet" in words(html(operator).select_one(".empty"))


# --- OAuth apps ---


def test_an_app_is_named_by_its_server_or_its_client_id(operator: Client) -> None:
    app()
    app("mastodon", "x1y2", "https://alpen.social.example")
    assert [one.split()[1] for one in registrations(operator)] == ["ours", "alpen.social.example"]


def test_an_app_says_whether_it_is_configured_and_how_many_of_its_logins_fail(
    operator: Client,
) -> None:
    looked()
    tally(app(), asked=1002, unclear=2)
    app(client_id="of old")
    fails("x", Reason.APP_DISABLED, app=app("x"), logins=16, asked=1622, held=1)
    failing, old, ours = registrations(operator)
    assert "Fails since" in failing
    assert "16 of 1,622 logins fail 1 access held back" in failing
    assert "Works 1,002 asked in an hour · 0.2% unclear" in ours
    assert "of old Not configured" in old


def test_an_app_that_nobody_looks_at_is_not_said_to_work(operator: Client) -> None:
    app()
    looked(ago=HOUR)
    assert "Not looked at" in registrations(operator)[0]


def test_where_the_network_fails_its_apps_do(operator: Client) -> None:
    app()
    fails()
    assert "Fails since" in registrations(operator)[0]


def test_of_many_registrations_those_that_fail_are_all_there(operator: Client) -> None:
    OAuthApp.objects.bulk_create(
        OAuthApp(
            network_slug="mastodon",
            issuer=f"https://m{n}.example",
            client_id="x",
            sealed_secret=b"x",
        )
        for n in range(SHOWN + 3)
    )
    failing = OAuthApp.objects.get(issuer=f"https://m{SHOWN + 2}.example")
    fails("mastodon", app=failing)
    shown = registrations(operator)
    assert len(shown) == SHOWN
    assert f"m{SHOWN + 2}.example" in shown[0]
    assert "There are more registrations" in words(html(operator).select_one("#standing"))


# --- Failures ---


def cards(client: Client) -> list[str]:
    return [words(card) for card in html(client).select("[aria-labelledby^=failure-]")]


def test_an_open_failure_says_what_was_seen_since_when_what_is_held_and_what_to_do(
    operator: Client,
) -> None:
    fails(opened_at=timezone.now() - 3 * HOUR - 12 * MINUTE)
    [said] = cards(operator)
    for fact in (
        "LinkedIn Answer invalid, LinkedIn gives no reason",
        "40 of 41 logins normally it would be less than one in this time",
        "for 3 hours 12 minutes",
        "1,204 accesses",
        "its owners are told",
        "developer console of LinkedIn",
    ):
        assert fact in said, fact


def test_the_failure_of_one_app_names_the_app(operator: Client) -> None:
    fails("mastodon", app=app("mastodon", "x", "https://alpen.social.example"), expected=3.42)
    [said] = cards(operator)
    assert said.startswith("Mastodon (alpen.social.example)")
    assert "normally it would be about 3.4 in this time" in said


def test_a_hostile_server_stays_text(operator: Client) -> None:
    fails("mastodon", app=app("mastodon", "<img src=x onerror=alert(1)>"))
    assert html(operator).select_one("#standing img") is None
    assert "<img" in cards(operator)[0]


def test_open_failures_come_oldest_first_and_ended_ones_latest_first(operator: Client) -> None:
    now = timezone.now()
    fails("x", opened_at=now - HOUR)
    fails("linkedin", opened_at=now - 2 * HOUR)
    fails("tiktok", opened_at=now - 90 * HOUR, closed_at=now - 80 * HOUR)
    fails("pinterest", Reason.NETWORK_OUTAGE, opened_at=now - 9 * HOUR, closed_at=now - 8 * HOUR)
    looked()
    assert [card.split()[0] for card in cards(operator)] == ["LinkedIn", "X"]
    over = [words(item) for item in html(operator).select(".timeline > li")]
    assert over[0].startswith("Pinterest did not answer 40 of 41 logins")
    assert over[0].endswith("· 1 hour")
    assert over[1].startswith("TikTok answered 40 of 41 logins with “invalid”")


def test_what_ended_two_weeks_ago_is_forgotten(operator: Client) -> None:
    now = timezone.now()
    fails("x", opened_at=now - 500 * HOUR, closed_at=now - REMEMBERED + MINUTE)
    fails("tiktok", opened_at=now - 500 * HOUR, closed_at=now - REMEMBERED - MINUTE)
    assert len(html(operator).select(".timeline > li")) == 1


@pytest.mark.parametrize("reason", list(Reason))
@pytest.mark.parametrize("language", ["de", "en"])
def test_every_reason_has_words_and_advice(reason: Reason, language: str) -> None:
    failure = Failure(network_slug="linkedin", reason=reason, logins=5, asked=6)
    with translation.override(language):
        assert "LinkedIn" in advice.fact(failure) and "None" not in advice.fact(failure)
        assert "%" not in advice.what_to_do(failure)


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (timedelta(0), "0 seconds"),
        (-HOUR, "0 seconds"),
        (timedelta(seconds=59.9), "59 seconds"),
        (HOUR, "1 hour"),
        (MINUTE + timedelta(seconds=3), "1 minute"),
        (25 * HOUR + MINUTE, "1 day 1 hour"),
        (timedelta(days=20, minutes=5), "20 days"),
    ],
)
def test_a_span_is_said_by_its_two_largest_parts(span: timedelta, said: str) -> None:
    with translation.override("en"):
        assert lasting(span) == said


# --- What it costs ---


def test_the_number_of_queries_does_not_depend_on_the_number_of_rows(operator: Client) -> None:
    now = timezone.now()

    def fill(number: int) -> None:
        for n in range(number):
            one = app("mastodon", f"{number} {n}", f"https://m{number}-{n}.example")
            tally(one, asked=3, calls=3)
            fails("mastodon", app=one)
            fails("linkedin", opened_at=now - HOUR, closed_at=now - MINUTE)
        for slug in list(NETWORKS)[:number]:
            Backlog.objects.update_or_create(network_slug=slug, defaults={"seen_at": now})

    def asked() -> list[str]:
        return queries_of(lambda: operator.get(PAGE))

    fill(2)
    few = asked()
    fill(20)
    assert len(asked()) == len(few)
    ours = [sql for sql in few if "tokens_" in sql]
    assert len(ours) == 6, "failures, backlogs, apps, tallies by app, by network, and what bills"
    assert not any('."wrapped"' in sql for sql in ours), "nothing sealed is fetched"


def test_it_asks_for_news_of_itself_and_gets_one_region(operator: Client) -> None:
    page = html(operator)
    poller = page.select_one("#news[hidden]")
    assert poller is not None
    assert poller["hx-get"] == PAGE
    assert page.select_one(str(poller["hx-target"])) is not None
    assert poller["hx-select"] == poller["hx-target"]


# To say that it is true


def believe(failure: Failure) -> str:
    return reverse("tokens:believe", args=[failure.pk])


@pytest.fixture
def at_the_door(client: Client, rita: User) -> Client:
    """Rita, who has just shown that it is she."""
    return sign_in(client, rita)


def test_a_failure_that_holds_asks_whether_it_is_true_and_says_what_follows(
    at_the_door: Client,
) -> None:
    failure = fails()
    offered = html(at_the_door).select_one(".form-actions a")
    assert offered is not None
    assert (words(offered), offered["href"]) == ("Tell the owners", believe(failure))
    page = BeautifulSoup(at_the_door.get(believe(failure)).content, "html.parser")
    said = words(page.select_one("form.card"))
    assert "1,204 accesses that are held back are asked once more" in said
    assert "its owners who opted in get a mail" in said
    here = [words(link) for link in page.select(".side a[aria-current]")]
    assert here == ["Operation"]
    assert Failure.objects.get().believed_at is None, "a look decides nothing"


def test_who_says_it_is_true_is_named_and_nothing_is_offered_again(at_the_door: Client) -> None:
    failure = fails()
    page = at_the_door.post(believe(failure), follow=True)
    assert b"the owners of what has ended are told within the next minutes" in page.content
    failure.refresh_from_db()
    assert (failure.believed_at is None, failure.believed_by) == (False, "Rita Sommer")
    said = words(html(at_the_door).select_one("#standing"))
    assert "Rita Sommer decided so" in said
    assert "of what has ended its owners are told" in said
    assert "no owner is written to" not in said
    assert "Tell the owners" not in said


@pytest.mark.parametrize("state", [{"closed_at": timezone.now()}, {"believed_at": timezone.now()}])
@pytest.mark.parametrize("verb", ["get", "post"])
def test_what_is_over_or_decided_is_not_decided_again(
    at_the_door: Client, state: dict[str, Any], verb: str
) -> None:
    failure = fails(believed_by="Somebody", **state)
    page = getattr(at_the_door, verb)(believe(failure), follow=True)
    assert b"There is nothing to decide any more" in page.content
    assert Failure.objects.get().believed_by == "Somebody"


def test_an_outage_that_holds_nothing_has_nothing_to_decide(at_the_door: Client) -> None:
    failure = fails(reason=Reason.NETWORK_OUTAGE, held=0)
    assert at_the_door.post(believe(failure)).status_code == 404
    assert "Tell the owners" not in words(html(at_the_door).select_one("#standing"))


def test_a_session_that_was_left_open_is_asked_who_it_is(client: Client, rita: User) -> None:
    client.force_login(rita)
    failure = fails()
    assert "reauthenticate" in client.post(believe(failure)).headers["Location"]
    assert Failure.objects.get().believed_at is None


def test_an_admin_who_is_no_operator_finds_no_such_page(world: World, client: Client) -> None:
    failure = fails()
    sign_in(client, world.anna)
    assert client.get(believe(failure)).status_code == 404
    assert client.post(believe(failure)).status_code == 404
    assert Failure.objects.get().believed_at is None
