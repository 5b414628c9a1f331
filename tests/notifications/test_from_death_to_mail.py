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
from tokens.tasks import watch

SLUG = "linkedin"
OURS, OTHER = "practice-linkedin", "practice-linkedin-own"
MINUTE = timedelta(minutes=1)


@dataclass
class Installation:
    """What beat starts, minute by minute."""

    clock: Clock
    talk: Conversations

    def minutes(self, count: int) -> None:
        for _ in range(count):
            if Token.objects.filter(next_probe_at__lte=timezone.now()).exists():
                probing.probe_due(SLUG, self.talk)
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
def one_app(mara: Browser, owners: list[User], world: World, settings: Any) -> None:
    """Forty pages of Jonas, whom three own, and six other logins of that app."""
    mara.add(SLUG, "jonas", "Alpenglück", "Alpenglück Karriere")
    give_pages(token_of_jonas(OURS), 40, owners)
    connect_others(mara, world.tim)
    settings.CONFIRM_AFTER = None  # as in production


@pytest.fixture
def two_apps(mara: Browser, owners: list[User], world: World, settings: Any) -> None:
    """Half of the forty were connected by another app, which the network still knows."""
    ours = settings.OAUTH_CLIENTS[SLUG]
    settings.OAUTH_CLIENTS[SLUG] = (OTHER, f"{OTHER}-secret")
    mara.add(SLUG, "jonas", "Alpenglück")
    app = OAuthApp.objects.get(client_id=OTHER)
    vault.seal_secret(app, f"{OTHER}-secret")
    app.save()
    settings.OAUTH_CLIENTS[SLUG] = ours
    mara.add(SLUG, "jonas", "Alpenglück Karriere")
    for client_id in (OURS, OTHER):
        give_pages(token_of_jonas(client_id), 20, owners)
    connect_others(mara, world.tim)
    settings.CONFIRM_AFTER = None


def token_of_jonas(client_id: str) -> Token:
    return Token.objects.get(app__client_id=client_id, subject_name="Jonas Berg")


def give_pages(token: Token, count: int, owners: list[User]) -> None:
    """So many in all: more than the practice network has. The owners share them."""
    for _ in range(count - token.accesses.count()):
        builders.access(token, builders.profile(token.organization, SLUG))
    for number, page in enumerate(Profile.objects.filter(accesses__token=token)):
        own(owners[number % len(owners)], [page])


def connect_others(browser: Browser, owner: User) -> None:
    """Two people and four logins more than the practice network has: what opens for Nils opens for
    them. Nobody is due before his turn."""
    browser.add(SLUG, "mia", "Bergheim Hotels")
    browser.add(SLUG, "nils", "Nordwind Reederei")
    nils = Token.objects.get(subject_name="Nils Petersen")
    for number in range(4):
        more = builders.token(nils.organization, SLUG, f"Login {number}", scopes=nils.scopes)
        more.app, more.listed_at = nils.app, timezone.now()
        more.seal(nils.open())
        more.save()
        builders.access(more, builders.profile(nils.organization, SLUG))
    own(owner, Profile.objects.exclude(accesses__token__subject_name="Jonas Berg"))
    Profile.objects.update(mail_when_lost=True)
    Token.objects.update(
        probed_at=timezone.now(), next_probe_at=timezone.now() + timedelta(hours=3)
    )


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


def are_told_once(owners: list[User], postbox: Postbox) -> bool:
    """Each owner by one mail, about all of theirs."""
    assert sorted(mail["To"] for mail in postbox.mails) == sorted(one.email for one in owners)
    counts = [int(mail["Subject"].split()[1]) for mail in postbox.mails]
    assert sum(counts) == Notice.objects.exclude(sent_at=None).count() == 40
    return True


@pytest.mark.usefixtures("one_app")
def test_a_new_password_that_kills_40_profiles_of_3_owners_is_3_mails(
    owners: list[User], here: Installation, practice: Practice, postbox: Postbox
) -> None:
    practice.pull(SLUG, "change_password", person="jonas")
    turn_of(token_of_jonas(OURS))

    here.minutes(3)
    assert red() == 0, "among so many logins, a second answer is waited for"
    here.minutes(12)

    assert red() == StatusChange.objects.filter(reason__gt="").count() == 40
    assert not Failure.objects.exists()
    assert are_told_once(owners, postbox)


@pytest.mark.usefixtures("two_apps")
@pytest.mark.parametrize("first", [OURS, OTHER])
def test_whichever_of_two_apps_is_asked_first_it_is_3_mails(
    owners: list[User], here: Installation, practice: Practice, postbox: Postbox, first: str
) -> None:
    """The other is asked because of it, and dies some minutes before or after."""
    practice.pull(SLUG, "change_password", person="jonas")
    turn_of(token_of_jonas(first))

    here.minutes(20)

    deaths = set(StatusChange.objects.filter(reason__gt="").values_list("at", flat=True))
    assert len(deaths) == 2
    assert red() == 40
    assert not Failure.objects.exists()
    assert are_told_once(owners, postbox)
    assert all(text(mail).count("/refresh/") == 2 for mail in postbox.mails)


@pytest.mark.usefixtures("two_apps")
def test_an_outage_is_no_mail_but_to_the_operator(
    here: Installation, practice: Practice, postbox: Postbox
) -> None:
    rita = person("Rita Sommer")
    User.objects.filter(pk=rita.pk).update(is_staff=True)
    practice.pull(SLUG, "outage", mode="refused")
    turn_of(token_of_jonas(OURS))

    here.minutes(60)

    failure = Failure.objects.get()
    assert failure.logins >= breaker.FEWEST
    assert red() == 0
    assert [mail["To"] for mail in postbox.mails] == [rita.email]

    practice.pull(SLUG, "recover")
    here.minutes(60)

    failure.refresh_from_db()
    assert failure.closed_at
    assert red() == Notice.objects.count() == 0
    assert [mail["To"] for mail in postbox.mails] == [rita.email] * 2, "that it is over, too"
