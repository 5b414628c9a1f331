"""From a new password at a network to the mails of it: the practice network over HTTP, the engine
with its circuit breaker, and a real mail server. Beat's minutes are those of a clock moved on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from bench.moved import Clock, moved
from notifications.models import Notice
from notifications.tasks import plan_and_send, tell_operators
from profiles.models import Ownership, Profile, Status
from tests import builders
from tests.notifications.conftest import Postbox
from tests.people import World, person
from tests.practice import Browser, Practice
from tokens import breaker, probing, vault
from tokens.conversations import Conversations
from tokens.models import Failure, OAuthApp, StatusChange, Token
from tokens.siblings import TOGETHER
from tokens.tasks import watch

OURS, OTHER = "practice-pinterest", "practice-pinterest-own"
MINUTE = timedelta(minutes=1)


@dataclass
class Installation:
    """What beat starts, minute by minute."""

    clock: Clock
    talk: Conversations

    def minutes(self, count: int) -> None:
        for _ in range(count):
            due = Token.objects.filter(next_probe_at__lte=timezone.now())
            for slug in set(due.values_list("network_slug", flat=True)):
                probing.probe_due(slug, self.talk)
            watch()
            plan_and_send()
            tell_operators()
            self.clock.go_on(MINUTE)


@pytest.fixture
def here() -> Iterator[Installation]:
    with moved() as clock, Conversations() as talk:
        yield Installation(clock, talk)


@pytest.fixture
def mara(browser: Any, world: World) -> Browser:
    """Who connects for everybody. All want mail of what they own."""
    User.objects.update(wants_token_mail=True)
    found: Browser = browser(world.mara, world.alpenglueck)
    return found


@pytest.fixture
def owners(world: World) -> list[User]:
    return [world.otto, world.mara, world.anna]


@pytest.fixture
def jonas(mara: Browser, owners: list[User], world: World, settings: Any) -> Token:
    """At LinkedIn: his forty pages, and six other logins of that app."""
    mara.add("linkedin", "jonas", "Alpenglück", "Alpenglück Karriere")
    mara.add("linkedin", "mia", "Bergheim Hotels")
    mara.add("linkedin", "nils", "Nordwind Reederei")
    add_logins(Token.objects.get(subject_name="Nils Petersen"), 4)
    token = Token.objects.get(subject_name="Jonas Berg")
    add_profiles(token, "page", 38)
    live_on(settings, owners, world.tim, token)
    return token


@pytest.fixture
def anna(mara: Browser, owners: list[User], world: World, settings: Any) -> list[Token]:
    """At Pinterest: forty profiles, by two apps. Four hang on both of her tokens. Of one app there
    are all logins that the practice network has: five, with hers."""
    client = settings.OAUTH_CLIENTS["pinterest"]
    settings.OAUTH_CLIENTS["pinterest"] = (OTHER, f"{OTHER}-secret")
    mara.add("pinterest", "anna")
    app = OAuthApp.objects.get(client_id=OTHER)
    vault.seal_secret(app, f"{OTHER}-secret")
    app.save()
    settings.OAUTH_CLIENTS["pinterest"] = client
    for one in mara.practice.state("pinterest")["people"]:
        mara.add("pinterest", one["id"])
    tokens = list(Token.objects.filter(subject=Token.objects.get(app=app).subject))
    for token in tokens:
        add_profiles(token, "board", 18)
    live_on(settings, owners, world.tim, *tokens)
    return tokens


def add_profiles(token: Token, kind: str, count: int) -> None:
    """More than the practice network has."""
    for _ in range(count):
        profile = builders.profile(token.organization, token.network_slug, kind)
        builders.access(token, profile)


def add_logins(like: Token, count: int) -> None:
    """More than the practice network has people: what opens for this one opens for them."""
    for number in range(count):
        network = like.network_slug
        more = builders.token(like.organization, network, f"Login {number}", scopes=like.scopes)
        more.app = like.app
        more.seal(like.open())
        more.save()
        add_profiles(more, "page", 1)


def live_on(settings: Any, owners: list[User], owner: User, *tokens: Token) -> None:
    """What hangs on these tokens is the owners', in turn, all else another's; and nobody is to be
    asked for hours."""
    settings.CONFIRM_AFTER = None  # as in production
    Profile.objects.update(mail_when_lost=True)
    mine = Profile.objects.filter(accesses__token__in=tokens).distinct().order_by("pk")
    for number, profile in enumerate(mine):
        own(owners[number % len(owners)], [profile])
    own(owner, Profile.objects.filter(ownerships=None))
    now = timezone.now()
    Token.objects.update(probed_at=now, listed_at=now, next_probe_at=now + timedelta(hours=3))


def own(owner: User, profiles: Iterable[Profile]) -> None:
    Ownership.objects.bulk_create(
        Ownership(organization=one.organization, profile=one, user=owner) for one in profiles
    )


def turn_of(token: Token) -> None:
    Token.objects.filter(pk=token.pk).update(next_probe_at=timezone.now())


def red() -> int:
    return Profile.objects.exclude(status=Status.VALID).count()


def text(mail: Any) -> str:
    return str(mail.get_body(("plain",)).get_content())


def assert_told_once(owners: list[User], postbox: Postbox) -> None:
    """Each of the owners by one mail, about all of theirs."""
    assert sorted(mail["To"] for mail in postbox.mails) == sorted(one.email for one in owners)
    counts = [int(mail["Subject"].split()[1]) for mail in postbox.mails]
    assert sum(counts) == Notice.objects.exclude(sent_at=None).count() == red() == 40
    assert not Failure.objects.exists()


def test_a_new_password_that_kills_40_profiles_of_3_owners_is_3_mails(
    jonas: Token, owners: list[User], here: Installation, practice: Practice, postbox: Postbox
) -> None:
    practice.pull("linkedin", "change_password", person="jonas")
    turn_of(jonas)

    here.minutes(3)
    assert red() == 0, "among so many logins, a second answer is waited for"
    here.minutes(12)

    assert_told_once(owners, postbox)


@pytest.mark.parametrize("first", [OURS, OTHER])
def test_whichever_of_two_apps_is_asked_first_it_is_3_mails(
    anna: list[Token],
    owners: list[User],
    here: Installation,
    practice: Practice,
    postbox: Postbox,
    first: str,
) -> None:
    """The other is asked because of it, and dies some time before or after."""
    practice.pull("pinterest", "change_password", person="anna")
    turn_of(next(token for token in anna if token.app.client_id == first))

    here.minutes(20)

    times = set(StatusChange.objects.filter(reason__gt="").values_list("at", flat=True))
    assert len(times) == 2
    assert max(times) - min(times) < TOGETHER
    assert_told_once(owners, postbox)
    assert all(text(mail).count("/refresh/") == 2 for mail in postbox.mails)


def test_an_outage_is_no_mail_but_to_the_operator(
    jonas: Token, here: Installation, practice: Practice, postbox: Postbox
) -> None:
    rita = person("Rita Sommer")
    User.objects.filter(pk=rita.pk).update(is_staff=True)
    practice.pull("linkedin", "outage", mode="refused")
    turn_of(jonas)

    here.minutes(60)

    failure = Failure.objects.get()
    assert failure.logins > breaker.FEWEST
    assert red() == 0
    assert [mail["To"] for mail in postbox.mails] == [rita.email]

    practice.pull("linkedin", "recover")
    here.minutes(60)

    failure.refresh_from_db()
    assert failure.closed_at
    assert red() == Notice.objects.count() == 0
    assert [mail["To"] for mail in postbox.mails] == [rita.email] * 2, "that it is over, too"
