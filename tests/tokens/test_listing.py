"""The profile list: who sees what, in which words, and how it stays up to date by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Team
from networks.base import Reason
from profiles.models import Profile, Status
from tests.builders import access, profile, token
from tests.people import World, person
from tests.roles import queries_of
from tokens.models import Token
from tokens.views.listing import PAGE_SIZE

LIST = "/o/alpenglueck/profiles/"
SIGN_IN, NO, ABSENT, PAGE = 302, 403, 404, 200


@pytest.fixture
def mara(client: Client, world: World) -> Client:
    """Mara, a manager, reading English."""
    return sign_in(client, world.mara)


def sign_in(client: Client, user: Any) -> Client:
    user.language = "en"
    user.save()
    client.force_login(user)
    return client


def html(answer: Any) -> BeautifulSoup:
    return BeautifulSoup(answer.content, "html.parser")


def words(tag: Tag | None) -> str:
    assert tag is not None
    return " ".join(tag.get_text(" ").split())


def row(client: Client, profile: Profile, query: str = "") -> str:
    return words(html(client.get(LIST + query)).select_one(f"#row-{profile.pk}"))


def names(client: Client, query: str = "") -> list[str]:
    page = html(client.get(LIST + query))
    return [words(link) for link in page.select("[id^=row-] .name a")]


def lost(world: World, login: Token, **fields: Any) -> Profile:
    """Hangs on a login that is dead."""
    fields = {"status": Status.LOST, "reason": Reason.REVOKED_BY_USER, **fields}
    made = profile(world.alpenglueck, **fields)
    access(login, made)
    return made


# --- Who sees what ---


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("nobody", SIGN_IN),
        ("tim", PAGE),
        ("otto", PAGE),
        ("mara", PAGE),
        ("anna", PAGE),
        ("nils", ABSENT),
    ],
)
def test_the_list_opens_to_members_and_to_nobody_else(
    client: Client, world: World, who: str, status: int
) -> None:
    if who != "nobody":
        client.force_login(getattr(world, who))
    assert client.get(LIST).status_code == status
    assert reverse("tokens:profile_list", args=["alpenglueck"]) == LIST


def test_members_see_the_profiles_of_their_teams_and_those_they_own(
    client: Client, world: World
) -> None:
    profile(world.alpenglueck, name="Team's", teams=(world.kitchen,))
    profile(world.alpenglueck, name="Own", owners=(world.tim,))
    profile(world.alpenglueck, name="Hidden")
    profile(world.nordwind, name="Neighbour's")
    expected = {
        "tim": ["Own", "Team's"],
        "otto": [],
        "mara": ["Hidden", "Own", "Team's"],
        "anna": ["Hidden", "Own", "Team's"],
    }
    for who, seen in expected.items():
        client.force_login(getattr(world, who))
        assert names(client) == seen


def test_the_menu_offers_what_the_person_may_do(client: Client, world: World) -> None:
    owned = profile(
        world.alpenglueck, name="Owned", owners=(world.otto, world.tim), teams=(world.kitchen,)
    )
    seen = profile(world.alpenglueck, name="Seen", teams=(world.kitchen,))
    settings, refresh, delete = "Page settings", "Refresh connection", "Delete"
    expected = {
        ("tim", owned): [refresh, settings],
        ("tim", seen): [settings],
        ("otto", owned): [refresh, settings],
        ("mara", seen): [refresh, settings],
        ("anna", seen): [refresh, settings, delete],
    }
    for (who, one), offered in expected.items():
        page = html(sign_in(client, getattr(world, who)).get(LIST))
        assert [words(item) for item in page.select(f"#menu-{one.pk} a")] == offered


def test_adding_profiles_is_offered_to_managers_only(client: Client, world: World) -> None:
    for who, offered in (("tim", False), ("mara", True)):
        client.force_login(getattr(world, who))
        page = client.get(LIST).content.decode()
        assert (reverse("tokens:add", args=["alpenglueck"]) in page) is offered


# --- What a row says ---


def test_valid_access_is_said_with_its_end_its_login_and_when_it_was_asked(
    mara: Client, world: World
) -> None:
    end = timezone.now() + timedelta(days=200)
    page = profile(world.alpenglueck, next_end=end, owners=(world.otto,), teams=(world.kitchen,))
    asked = timezone.now() - timedelta(minutes=4, seconds=5)
    access(token(world.alpenglueck, name="Anna Huber", probed_at=asked), page)
    said = row(mara, page)
    assert "Valid until " in said
    assert "via Anna Huber" in said
    assert "asked 4 minutes ago" in said
    assert "Küche" in said
    assert "Otto Owner" in str(html(mara.get(LIST)).select_one(f"#row-{page.pk}"))


@pytest.mark.parametrize(
    ("days", "said"),
    [(0, "Expires today"), (1, "Expires in 1 day"), (12, "Expires in 12 days"), (31, "Valid")],
)
def test_an_end_within_thirty_days_is_counted_in_days(
    mara: Client, world: World, days: int, said: str
) -> None:
    page = profile(world.alpenglueck, next_end=timezone.now() + timedelta(days=days, seconds=1))
    access(token(world.alpenglueck), page)
    assert said in row(mara, page)


def test_lost_access_is_said_with_its_reason(mara: Client, world: World) -> None:
    login = token(world.alpenglueck, reason=Reason.REVOKED_BY_USER)
    said = row(mara, lost(world, login))
    assert "No valid access permission" in said
    assert "revoked, says LinkedIn · since" in said


def silent(world: World, **fields: Any) -> Token:
    """A login whose network has not answered for three hours."""
    since = timezone.now() - timedelta(hours=3, seconds=5)
    return token(
        world.alpenglueck,
        **{
            "unclear_since": since,
            "unclear_reason": Reason.NETWORK_OUTAGE,
            "unclear_count": 3,
            **fields,
        },
    )


def test_an_outage_is_said_of_the_network_and_turns_nothing_red(mara: Client, world: World) -> None:
    page = profile(world.alpenglueck)
    access(silent(world), page)
    assert "Not reachable for 3 hours" in row(mara, page)
    assert "LinkedIn does not answer" in row(mara, page)
    page.refresh_from_db()
    assert page.is_valid


@pytest.mark.parametrize(
    "fields",
    [{"unclear_count": 2}, {"unclear_reason": Reason.RATE_LIMITED}],
    ids=["too few questions", "not an outage"],
)
def test_short_or_other_doubt_leaves_a_row_green(
    mara: Client, world: World, fields: dict[str, Any]
) -> None:
    page = profile(world.alpenglueck)
    access(silent(world, **fields), page)
    assert "Valid" in row(mara, page)


def test_one_login_that_answers_is_enough(mara: Client, world: World) -> None:
    page = profile(world.alpenglueck)
    access(silent(world), page)
    access(token(world.alpenglueck), page)
    assert "Valid" in row(mara, page)


def test_a_dead_login_that_answers_is_not(mara: Client, world: World) -> None:
    page = profile(world.alpenglueck)
    access(silent(world), page)
    access(token(world.alpenglueck, reason=Reason.EXPIRED), page)
    assert "Not reachable for 3 hours" in row(mara, page)


def test_an_outage_never_hides_a_loss(mara: Client, world: World) -> None:
    page = lost(world, silent(world, reason=Reason.EXPIRED), reason=Reason.EXPIRED)
    assert "No valid access permission" in row(mara, page)


def test_the_login_named_is_a_good_one(mara: Client, world: World) -> None:
    page = profile(world.alpenglueck)
    now = timezone.now()
    access(token(world.alpenglueck, name="Good", issued_at=now - timedelta(days=9)), page)
    access(token(world.alpenglueck, name="Dead", reason=Reason.EXPIRED, issued_at=now), page)
    assert "via Good" in row(mara, page)
    assert "Dead" not in row(mara, page)


def test_boards_stand_below_their_account_and_the_group_counts_both(
    mara: Client, world: World
) -> None:
    org = world.alpenglueck
    zoo = profile(org, "pinterest", "account", name="zoo")
    alps = profile(org, "pinterest", "account", name="alps")
    profile(org, "pinterest", "board", name="Bears", parent=zoo)
    profile(org, "pinterest", "board", name="Trees", parent=alps)
    profile(org, "pinterest", "board", name="Huts", parent=alps)
    profile(org, name="Page")
    assert names(mara) == ["Page", "alps", "Huts", "Trees", "zoo", "Bears"]
    groups = html(mara.get(LIST)).select("section[aria-labelledby^=network-] header")
    assert "LinkedIn 1 profile" in words(groups[0])
    assert "Pinterest 2 accounts, 3 boards" in words(groups[1])


def test_accounts_of_one_name_keep_their_own_boards(mara: Client, world: World) -> None:
    org = world.alpenglueck
    accounts = [profile(org, "pinterest", "account", name="alps") for _ in range(4)]
    for number, account in enumerate(accounts):
        profile(org, "pinterest", "board", name=f"Board {number}", parent=account)
    listed = html(mara.get(LIST)).select("[id^=row-]")
    above = [str(one["id"]).removeprefix("row-") for one in listed[::2]]
    numbers = [str(account.pk) for account in accounts]
    expected = [f"Board {numbers.index(account)}" for account in above]
    assert [words(one.select_one(".name a")) for one in listed[1::2]] == expected


def test_a_group_says_what_the_network_no_longer_allows(mara: Client, world: World) -> None:
    profile(world.alpenglueck, "xing", "profile")
    group = html(mara.get(LIST)).select_one("section[aria-labelledby=network-xing] header")
    assert "incoming posts can no longer be commented" in words(group)


def test_hostile_names_are_shown_as_text(mara: Client, world: World) -> None:
    evil = "<script>alert(1)</script>"
    author = person(evil, world.alpenglueck)
    crew = Team.objects.create(organization=world.alpenglueck, name=evil)
    page = profile(world.alpenglueck, name=evil, owners=(author,), teams=(crew,))
    access(token(world.alpenglueck, name=evil, reason=Reason.EXPIRED), page)
    Profile.objects.update(status=Status.LOST, reason=Reason.EXPIRED)
    lost(world, page.accesses.get().token, name=evil)
    for query in ("", f"?search={evil}"):
        assert evil not in mara.get(LIST + query).content.decode()
    assert row(mara, page).count(evil) >= 3


# --- Filters and pages ---


@pytest.fixture
def mixed(world: World) -> World:
    """One of each condition, on two networks."""
    org = world.alpenglueck
    soon = timezone.now() + timedelta(days=12)
    lost(world, token(org, reason=Reason.EXPIRED, name="Cleo"), name="Lost", owners=(world.otto,))
    ending = profile(org, name="Ending", next_end=soon, teams=(world.kitchen,))
    access(token(org, name="Dora"), ending)
    access(silent(world), profile(org, name="Unreachable"))
    access(token(org, "xing"), profile(org, "xing", "profile", name="Valid"))
    return world


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["Ending", "Lost", "Unreachable", "Valid"]),
        ("?status=lost", ["Lost"]),
        ("?status=ending", ["Ending"]),
        ("?status=unreachable", ["Unreachable"]),
        ("?status=valid", ["Valid"]),
        ("?network=xing", ["Valid"]),
        ("?network=linkedin&status=lost", ["Lost"]),
        ("?search=end", ["Ending"]),
        ("?search=XIN", ["Valid"]),
        ("?search=otto", ["Lost"]),
        ("?search=cleo", ["Lost"]),
        ("?search=100%25", []),
    ],
)
def test_the_list_is_narrowed(mara: Client, mixed: World, query: str, expected: list[str]) -> None:
    assert names(mara, query) == expected


def test_owners_and_teams_narrow_the_list(mara: Client, mixed: World) -> None:
    assert names(mara, f"?owner={mixed.otto.pk}") == ["Lost"]
    assert names(mara, f"?team={mixed.kitchen.pk}") == ["Ending"]


def test_nothing_found_says_so_and_leads_back(mara: Client, mixed: World) -> None:
    page = html(mara.get(LIST + "?search=nothing"))
    assert "No profile matches." in words(page)
    assert page.select_one(f"#profiles a[href='{LIST}']")


@pytest.mark.parametrize(
    "query",
    ["network=mastodon", "status=error", "owner=x", "team=0", "search=a%00b"],
)
def test_a_choice_that_does_not_exist_is_named_and_breaks_nothing(
    mara: Client, mixed: World, query: str
) -> None:
    answer = mara.get(f"{LIST}?{query}")
    assert answer.status_code == PAGE
    assert html(answer).select_one("#profiles [role=status]")
    assert len(names(mara, f"?{query}")) == 4


def test_filters_offer_only_what_the_person_sees(client: Client, mixed: World) -> None:
    profile(mixed.nordwind, "tiktok", "account", owners=(mixed.nils,))
    page = html(sign_in(client, mixed.tim).get(LIST))
    assert [str(option["value"]) for option in page.select("[name=network] option")] == [
        "",
        "linkedin",
    ]
    assert [str(option["value"]) for option in page.select("[name=owner] option")] == [""]
    assert [str(option["value"]) for option in page.select("[name=team] option")] == [
        "",
        str(mixed.kitchen.pk),
    ]


def test_htmx_gets_the_list_alone_and_an_address_to_come_back_to(
    mara: Client, mixed: World
) -> None:
    answer = mara.get(
        LIST + "?search=&network=&status=lost&owner=&team=",
        headers={"HX-Request": "true", "HX-Target": "profiles"},
    )
    page = html(answer)
    assert page.select_one("html") is None
    assert len(page.select("[id^=row-]")) == 1
    assert answer.headers["HX-Push-Url"] == LIST + "?status=lost"
    assert "HX-Target" in answer.headers["Vary"]
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_page_out_of_the_history_comes_whole(mara: Client, mixed: World) -> None:
    headers = {"HX-Request": "true", "HX-History-Restore-Request": "true"}
    assert html(mara.get(LIST, headers=headers)).select_one("html")


def test_pages_keep_the_filter_and_repeat_nothing(mara: Client, world: World) -> None:
    for number in range(PAGE_SIZE + 3):
        profile(world.alpenglueck, name=f"Page {number:03}")
    profile(world.alpenglueck, name="Other")
    first, second = names(mara, "?search=Page"), names(mara, "?search=Page&page=2")
    assert len(first) == PAGE_SIZE
    assert second == [f"Page {number:03}" for number in range(PAGE_SIZE, PAGE_SIZE + 3)]
    link = html(mara.get(LIST + "?search=Page")).select_one("nav a[href*='page=2']")
    assert link is not None
    assert link["href"] == "?search=Page&page=2"


@pytest.mark.parametrize("number", ["0", "-1", "999", "x", ""])
def test_a_page_that_does_not_exist_is_the_nearest_one(
    mara: Client, mixed: World, number: str
) -> None:
    assert len(names(mara, f"?page={number}")) == 4


def test_boards_on_the_next_page_still_name_their_account(mara: Client, world: World) -> None:
    account = profile(world.alpenglueck, "pinterest", "account", name="alps")
    for number in range(PAGE_SIZE):
        board = profile(
            world.alpenglueck, "pinterest", "board", name=f"Board {number:03}", parent=account
        )
    assert names(mara, "?page=2") == [board.name]
    assert "Board · alps" in row(mara, board, "?page=2")


def fill(world: World, number: int) -> None:
    """Profiles of every condition with boards, owners, teams and two logins each."""
    org = world.alpenglueck
    for _ in range(number // 3):
        dead = token(org, "pinterest", reason=Reason.EXPIRED)
        account = profile(org, "pinterest", "account", teams=(world.kitchen,))
        board = profile(org, "pinterest", "board", parent=account, owners=(world.otto,))
        page = lost(world, dead, network="linkedin", owners=(world.otto, world.anna))
        for one in (account, board, page):
            access(token(org, "pinterest"), one)


@pytest.mark.parametrize("query", ["", "?status=valid&search=profile&page=2"])
@pytest.mark.parametrize("who", ["anna", "otto"])
def test_the_number_of_queries_does_not_depend_on_the_number_of_profiles(
    client: Client, world: World, who: str, query: str
) -> None:
    sign_in(client, getattr(world, who))

    def count() -> int:
        return len(queries_of(lambda: client.get(LIST + query)))

    fill(world, 3)
    few = count()
    fill(world, 57)
    assert count() == few
    assert few <= 16


# --- The line above the list ---


def needs(client: Client) -> str:
    return words(html(client.get(LIST)).select_one("#needs"))


def test_where_all_is_well_nothing_is_said(mara: Client, world: World) -> None:
    profile(world.alpenglueck)
    assert needs(mara) == ""


def test_the_line_counts_and_leads_to_the_login_that_brings_back_most(
    mara: Client, world: World
) -> None:
    ben = token(world.alpenglueck, name="Ben Maier", reason=Reason.EXPIRED)
    anna = token(world.alpenglueck, name="Anna Huber", reason=Reason.REVOKED_BY_USER)
    lost(world, ben, name="A")
    first = lost(world, anna, name="B", since=timezone.now() - timedelta(days=2))
    lost(world, anna, name="C")
    said = needs(mara)
    assert said.startswith("3 profiles need you.")
    assert "2 of them hang on the LinkedIn login of Anna Huber" in said
    button = html(mara.get(LIST)).select_one("#needs a")
    assert button is not None
    assert button["href"] == reverse("tokens:refresh", args=["alpenglueck", first.pk])


def test_one_lost_profile_needs_one_sentence(mara: Client, world: World) -> None:
    lost(world, token(world.alpenglueck, reason=Reason.EXPIRED))
    assert needs(mara) == "1 profile needs you. Refresh now"


def test_a_login_that_lives_but_lost_its_role_is_not_named_as_the_cure(
    mara: Client, world: World
) -> None:
    login = token(world.alpenglueck, name="Anna Huber")
    for _ in range(2):
        page = profile(world.alpenglueck, status=Status.LOST, reason=Reason.PERMISSION_LOST)
        access(login, page, reason=Reason.PERMISSION_LOST)
    assert "2 profiles need you." in needs(mara)
    assert "Anna" not in needs(mara)


def test_nobody_is_called_for_what_they_cannot_refresh(client: Client, world: World) -> None:
    login = token(world.alpenglueck, reason=Reason.EXPIRED)
    lost(world, login, teams=(world.kitchen,))
    lost(world, login, owners=(world.otto,))
    assert needs(sign_in(client, world.tim)) == ""
    assert needs(sign_in(client, world.otto)) == "1 profile needs you. Refresh now"


# --- Live ---


def seen(client: Client, query: str = "") -> str:
    """What the poll of a freshly loaded page would send."""
    poll = html(client.get(LIST + query)).select_one("#news")
    assert poll is not None
    assert "every 5s" in str(poll["hx-trigger"])
    return str(poll["hx-headers"]).split('"')[3]


def news(client: Client, mark: str, query: str = "") -> Any:
    headers = {"HX-Request": "true", "HX-Target": "news", "X-Seen": mark}
    return client.get(LIST + query, headers=headers)


def test_no_news_is_an_empty_answer(mara: Client, mixed: World) -> None:
    answer = news(mara, seen(mara))
    assert (answer.status_code, answer.content) == (204, b"")


def test_a_reconnect_in_another_window_turns_the_row_green(mara: Client, mixed: World) -> None:
    mark = seen(mara)
    page = Profile.objects.get(name="Lost")
    Profile.objects.filter(pk=page.pk).update(status=Status.VALID, reason="")
    answer = news(mara, mark)
    cell = html(answer).select_one(f"#status-{page.pk}")
    assert cell is not None
    assert cell["hx-swap-oob"] == "true"
    assert "Valid" in words(cell)
    assert words(html(answer).select_one("#needs")) == ""
    # Nothing a person may be using is sent again: no menu, no search, no row.
    assert not html(answer).select("details, [popover], input, select, [id^=row-]")
    # The new page knows what it shows now.
    poll = html(answer).select_one("#news")
    assert poll is not None
    assert news(mara, str(poll["hx-headers"]).split('"')[3]).status_code == 204


def test_a_row_that_comes_or_goes_brings_the_whole_list(mara: Client, mixed: World) -> None:
    mark = seen(mara, "?status=lost")
    Profile.objects.filter(name="Lost").update(status=Status.VALID, reason="")
    answer = news(mara, mark, "?status=lost")
    assert answer.headers["HX-Retarget"] == "#profiles"
    assert answer.headers["HX-Reswap"] == "outerHTML"
    assert answer.headers["HX-Reselect"] == "#profiles"
    assert html(answer).select_one("#profiles")


def test_news_keep_to_the_filter_and_the_page(mara: Client, mixed: World) -> None:
    page = html(mara.get(LIST + "?status=lost&search="))
    poll = page.select_one("#news")
    assert poll is not None
    assert poll["hx-get"] == LIST + "?status=lost"


# --- Nothing there yet ---


def test_a_new_organization_is_told_its_first_step(client: Client, world: World) -> None:
    page = html(sign_in(client, world.mara).get(LIST))
    assert "Begin with your first profile" in words(page)
    assert not page.select("#filters")
    assert page.select_one(f"#profiles a[href='{reverse('tokens:add', args=['alpenglueck'])}']")


def test_a_member_without_profiles_is_told_who_gives_them(client: Client, world: World) -> None:
    profile(world.alpenglueck)
    page = html(sign_in(client, world.tim).get(LIST))
    assert "No profile has been given to you yet" in words(page)
