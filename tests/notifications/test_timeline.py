"""What has happened to a profile: every turn, and every mail about it, to whoever may see it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from bs4 import BeautifulSoup
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, Organization, User
from networks.base import Reason
from notifications import bounces
from notifications.kinds import NoticeKind
from notifications.models import Notice, Outcome
from notifications.planning import plan
from notifications.record import ABOUT, WHY_NOT_SENT
from notifications.sending import send_due
from notifications.tasks import look_ahead, plan_and_send
from notifications.timeline import PAGE, mails_of
from profiles.models import Ownership, Profile
from tests.builders import access, change, profile, token
from tests.notifications.conftest import Looked, Postbox
from tests.notifications.reports import report
from tests.people import World, person
from tokens.models import Access

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def page(world: World, looked: Looked) -> Profile:
    """Otto owns it; Tim sees it through his team."""
    made = looked.profile(token=looked.login())
    made.team_assignments.create(organization=made.organization, team=world.kitchen)
    return made


def address(profile: Profile, slug: str = "alpenglueck") -> str:
    return reverse("notifications:timeline", args=[slug, profile.pk])


def reader(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def html(answer: Any) -> BeautifulSoup:
    assert answer.status_code == 200
    return BeautifulSoup(answer.content, "html.parser")


def lines(user: User, profile: Profile, query: str = "") -> list[str]:
    """As they stand there, without the time at the end."""
    items = html(reader(user).get(address(profile) + query)).select("li")
    told = [" ".join(item.get_text(" ").split()) for item in items]
    return [line.rpartition(" · ")[0] for line in told]


# --- The turns ---------------------------------------------------------------------------------


@pytest.fixture
def hanging(world: World) -> Access:
    page = profile(world.alpenglueck, teams=(world.kitchen,))
    return access(token(page.organization, name="Anna Huber"), page)


def test_the_timeline_tells_every_turn_in_words(world: World, hanging: Access) -> None:
    change(hanging, was=False, now=True, actor_name="Mara Manager")
    change(hanging, Reason.PERMISSION_LOST, was=True, now=True)
    change(hanging, was=True, now=True)
    change(hanging, Reason.EXPIRED, was=True, now=False)
    change(hanging, Reason.EXPIRED, was=False, now=False)
    change(hanging, was=False, now=True)
    assert lines(world.tim, hanging.profile) == [
        "Valid again, without anybody's help login of Anna Huber",
        "Another access lost expired · login of Anna Huber",
        "No valid access permission any more expired · login of Anna Huber",
        "Another access works again login of Anna Huber",
        "One access lost; another still works role missing at LinkedIn · login of Anna Huber",
        "Connected by Mara Manager login of Anna Huber",
    ]


def test_another_profiles_story_is_not_told(world: World, looked: Looked, page: Profile) -> None:
    looked.lose(looked.profile(token=looked.login()))
    plan()
    assert lines(world.tim, page) == []


def test_hostile_names_are_shown_as_text(world: World, looked: Looked, page: Profile) -> None:
    User.objects.filter(pk=world.otto.pk).update(name=EVIL)
    looked.lose(page)
    plan()
    Notice.objects.update(outcome=Outcome.REFUSED, detail=EVIL, given_up_at=timezone.now())
    shown = reader(world.anna).get(address(page)).content.decode()
    assert EVIL not in shown
    assert shown.count("&lt;script&gt;") == 2


# --- The mails ---------------------------------------------------------------------------------


def test_a_mail_that_was_sent_stands_above_the_loss_that_it_tells(
    world: World, looked: Looked, postbox: Postbox, page: Profile
) -> None:
    looked.lose(page)
    plan_and_send()

    assert lines(world.tim, page) == [
        "Mail to Otto Owner the last access permission is lost",
        "No valid access permission any more revoked, says LinkedIn · login of Anna Huber",
    ]


def test_a_mail_stands_where_it_was_sent_and_not_where_it_was_planned(
    world: World, looked: Looked, page: Profile
) -> None:
    looked.lose(page)
    plan()
    looked.recover(page)
    Notice.objects.update(sent_at=timezone.now() + timedelta(hours=1))

    assert lines(world.tim, page)[0].startswith("Mail to Otto Owner")


def recovered(world: World, looked: Looked, page: Profile, postbox: Postbox) -> None:
    looked.recover(page)


def not_wanted(world: World, looked: Looked, page: Profile, postbox: Postbox) -> None:
    User.objects.filter(pk=world.otto.pk).update(wants_token_mail=False)


def not_an_owner(world: World, looked: Looked, page: Profile, postbox: Postbox) -> None:
    Ownership.objects.filter(user=world.otto).delete()


def refused(world: World, looked: Looked, page: Profile, postbox: Postbox) -> None:
    postbox.at_recipient = f"550 5.1.1 <{world.otto.email}>: No such mailbox"


def away(world: World, looked: Looked, page: Profile, postbox: Postbox) -> None:
    postbox.at_recipient = "451 4.7.1 Greylisted"


def bad_address(world: World, looked: Looked, page: Profile, postbox: Postbox) -> None:
    Notice.objects.update(outcome=Outcome.BAD_ADDRESS, given_up_at=timezone.now())


def exhausted(world: World, looked: Looked, page: Profile, postbox: Postbox) -> None:
    given_up = {"outcome": Outcome.EXHAUSTED, "given_up_at": timezone.now()}
    Notice.objects.update(attempts=9, detail="451", **given_up)


LOST = "the last access permission is lost"


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (recovered, f"No mail to Otto Owner {LOST} · it was over before the mail left"),
        (not_wanted, f"No mail to Otto Owner {LOST} · Has not opted in under Account settings."),
        (not_an_owner, f"No mail to Otto Owner {LOST} · Does not own this profile any more."),
        (refused, f"No mail to Otto Owner {LOST} · the mail server refused it for good"),
        (bad_address, f"No mail to Otto Owner {LOST} · the email address is not a valid one"),
        (exhausted, f"No mail to Otto Owner {LOST} · given up after 9 attempts"),
        (away, f"Mail to Otto Owner, not sent yet {LOST} · 1 attempt so far, and more to come"),
    ],
)
def test_a_mail_that_was_not_sent_says_why(
    world: World,
    looked: Looked,
    page: Profile,
    postbox: Postbox,
    trouble: Callable[..., None],
    said: str,
) -> None:
    looked.lose(page)
    plan()
    trouble(world, looked, page, postbox)
    plan_and_send()

    [told] = [line for line in lines(world.tim, page) if "ail to" in line]
    assert told == said


def test_a_mail_that_still_has_to_leave_is_called_so(
    world: World, looked: Looked, page: Profile
) -> None:
    looked.lose(page)
    plan()
    assert lines(world.tim, page)[0] == f"Mail to Otto Owner, not sent yet {LOST}"


def test_a_mail_that_came_back_is_not_shown_as_having_reached_anybody(
    world: World, looked: Looked, postbox: Postbox, page: Profile
) -> None:
    looked.lose(page)
    plan_and_send()
    bounces.read(report(Notice.objects.get().mail))

    said = lines(world.tim, page)[0]
    assert said.startswith("Mail to Otto Owner came back")
    assert "refused it for good" in said


@pytest.mark.parametrize(
    ("who", "told"), [("otto", True), ("anna", True), ("mara", False), ("tim", False)]
)
def test_the_servers_words_are_for_the_reader_and_the_admins(
    world: World, looked: Looked, page: Profile, postbox: Postbox, who: str, told: bool
) -> None:
    """They name addresses; everybody else is told what the preview tells."""
    refused(world, looked, page, postbox)
    looked.lose(page)
    plan_and_send()

    said = " ".join(lines(getattr(world, who), page))
    assert ("No such mailbox" in said) is told
    assert (world.otto.email in said) is told


def test_a_permanent_refusal_shows_on_the_pages_of_its_reader_and_of_the_admins(
    world: World, looked: Looked, page: Profile, postbox: Postbox
) -> None:
    refused(world, looked, page, postbox)
    looked.lose(page)
    plan_and_send()

    mine = reader(world.otto).get(reverse("notifications:address")).content.decode()
    admins = reader(world.anna).get(reverse("notifications:refused", args=["alpenglueck"]))
    assert "No such mailbox" in mine
    assert "No such mailbox" in admins.content.decode()


def test_every_kind_and_every_end_has_words(world: World, looked: Looked, page: Profile) -> None:
    assert set(ABOUT) == set(NoticeKind)
    assert set(WHY_NOT_SENT) | {Outcome.NOT_WANTED, Outcome.EXHAUSTED} == set(Outcome)
    end = datetime(2027, 3, 14, 23, 30, tzinfo=timezone.get_default_timezone())
    [lost] = looked.lose(page)
    for number, kind in enumerate(NoticeKind):
        mail(lost, world.otto, kind=kind, step=number, ends_at=end)
    said = " ".join(lines(world.tim, page))
    assert "reminder 1" in said
    assert "it ends on 14 Mar 2027" in said
    assert "%(" not in said


def test_reminders_and_admins_stand_there_too(
    world: World, looked: Looked, page: Profile, postbox: Postbox
) -> None:
    Organization.objects.update(escalates=True)
    refused(world, looked, page, postbox)
    looked.lose(page)
    plan_and_send()
    postbox.at_recipient = "250 OK"
    look_ahead()

    assert lines(world.tim, page)[0] == (
        "Mail to Anna Huber as an admin: no owner can be reached, or none acts"
    )


def test_why_an_admin_is_not_written_to_any_more_is_said(
    world: World, looked: Looked, page: Profile, postbox: Postbox
) -> None:
    Organization.objects.update(escalates=True)
    User.objects.filter(pk=world.otto.pk).update(wants_token_mail=False)
    looked.lose(page)
    plan()
    Organization.objects.update(escalates=False)
    send_due()

    assert "Is no admin any more, or admins are no longer written to." in lines(world.tim, page)[0]


# --- Pages -------------------------------------------------------------------------------------


def mail(about: Any, user: User, **fields: Any) -> Notice:
    return Notice.objects.create(
        organization=about.organization,
        profile=about.profile,
        change=about,
        user=user,
        cause=uuid4(),
        **{"kind": NoticeKind.ACCESS_LOST, **fields},
    )


def all_pages(user: User, profile: Profile) -> list[list[str]]:
    client, found, url = reader(user), [], address(profile)
    while url:
        shown = html(client.get(url))
        found.append([" ".join(item.get_text(" ").split()) for item in shown.select("li")])
        more = shown.select_one("button[hx-get]")
        url = str(more["hx-get"]) if more else ""
    return found


def test_it_comes_in_pages_and_loses_and_repeats_nothing(world: World, looked: Looked) -> None:
    """All of one moment, of which a page shows a part."""
    page = looked.profile(token=looked.login())
    moment = timezone.now()
    for number in range(PAGE):
        [lost] = looked.lose(page)
        lost.at, lost.login_name = moment, f"login {number:03}"
        lost.save()
        for step in (number, PAGE + number):
            mail(lost, world.otto, step=step, sent_at=moment, kind=NoticeKind.REMINDER)

    pages = all_pages(world.anna, page)

    assert [len(shown) for shown in pages] == [PAGE, PAGE, PAGE]
    told = [line.partition(" · ")[0] for shown in pages for line in shown]
    assert len({line for line in told if "reminder" in line}) == 2 * PAGE
    logins = [line for shown in pages for line in shown if "login of" in line]
    assert len(logins) == len(set(logins)) == PAGE


def test_changes_whose_clocks_ran_backwards_are_not_lost_between_pages(
    world: World, hanging: Access
) -> None:
    """A batch knows its moment before it has its locks."""
    now = timezone.now()
    for number in range(PAGE + 10):
        at = now + timedelta(seconds=number if number % 7 else -number)
        change(hanging, was=True, now=True, at=at, actor_name=f"Person {number:03}")
    told = {line for shown in all_pages(world.tim, hanging.profile) for line in shown}
    assert len(told) == PAGE + 10


@pytest.mark.parametrize("mark", ["change", "mail"])
@pytest.mark.parametrize("value", ["x", "-1", "9" * 5000, "²", "", str(uuid4())], ids=len)
def test_an_odd_page_mark_shows_the_newest(
    world: World, looked: Looked, page: Profile, mark: str, value: str
) -> None:
    looked.lose(page)
    plan()
    assert len(lines(world.tim, page, f"?{mark}={value}")) == 2


def test_a_mark_of_another_profile_shows_nothing_of_it(
    world: World, looked: Looked, page: Profile
) -> None:
    looked.lose(page, other := looked.profile(token=looked.login()))
    plan()
    theirs = Notice.objects.get(profile=other)
    assert len(lines(world.tim, page, f"?mail={theirs.pk}")) == 2


def queries(client: Client, url: str) -> tuple[int, int]:
    """How many there are, and how many of them are not the session's or the gate's."""
    with CaptureQueriesContext(connection) as captured:
        client.get(url)
    said = [one["sql"] for one in captured]
    ours = ("profiles_profile", "tokens_statuschange", "notifications_notice")
    return len(said), sum(any(f'FROM "{table}"' in one for table in ours) for one in said)


def test_a_page_costs_three_queries_however_much_has_happened(
    world: World, looked: Looked, page: Profile
) -> None:
    """The profile, its changes, its mails; of an older page, its mark, too."""
    client = reader(world.anna)
    client.get(address(page))  # the session is seen
    counts = []
    for size in (1, PAGE):
        for number in range(size):
            [lost] = looked.lose(page)
            mail(lost, person(f"Owner{size}x{number} X", world.alpenglueck))
        counts.append(queries(client, address(page)))
    assert counts[0] == counts[1]
    assert counts[0][1] == 3
    more = html(client.get(address(page))).select_one("button[hx-get]")
    assert more is not None
    assert queries(client, str(more["hx-get"]))[1] == 4


def test_no_more_is_read_than_a_page_and_one(world: World, page: Profile) -> None:
    with CaptureQueriesContext(connection) as captured:
        reader(world.anna).get(address(page))
    tables = ("tokens_statuschange", "notifications_notice")
    asked = [
        one["sql"] for one in captured if any(f'FROM "{name}"' in one["sql"] for name in tables)
    ]
    assert [one.rpartition(" ")[2] for one in asked] == [str(PAGE + 1)] * 2


def test_the_mails_of_one_profile_are_read_from_the_index(
    world: World, looked: Looked, page: Profile
) -> None:
    """However many mails there are of all others."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # the table is small here
    found = mails_of(page)[: PAGE + 1].explain()
    assert "notice_timeline" in found
    assert "Sort" not in found


# --- Walls -------------------------------------------------------------------------------------


def test_who_sees_the_profile_no_more_sees_no_mails(world: World, page: Profile) -> None:
    Membership.objects.filter(user=world.tim).delete()
    assert reader(world.tim).get(address(page)).status_code == 404


def test_a_neighbour_finds_it_not_under_an_own_organization_either(
    world: World, page: Profile
) -> None:
    assert reader(world.nils).get(address(page, "nordwind")).status_code == 404


def test_a_view_that_forgets_whose_profile_it_is_shows_no_neighbour(
    world: World, looked: Looked, page: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Below the gate stands the wall."""
    looked.lose(page)
    plan()
    careless = classmethod(lambda cls, membership: Profile.objects.all())
    monkeypatch.setattr(type(Profile.objects.all()), "visible_to", careless)
    assert reader(world.nils).get(address(page, "nordwind")).status_code == 404
