"""Every kind of mail as its readers see it: in both languages, on a desk and on a phone, light
and dark. With PICTURES set, the pictures are kept in that folder (`make screenshots`)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone
from playwright.sync_api import Browser, Page, Request

from notifications.kinds import NoticeKind
from notifications.letters import failure_told, letter
from notifications.models import Notice, OperatorNotice, Phase
from tests.notifications.conftest import Looked
from tests.people import World
from tokens.models import Failure, StatusChange

Scheme = Literal["light", "dark"]
SEEN: dict[str, tuple[int, Scheme]] = {
    "desk": (640, "light"),
    "phone": (390, "light"),
    "dark": (390, "dark"),
}
LANGUAGES = ["de", "en"]


@pytest.fixture
def looked(world: World) -> Looked:
    return Looked(world.alpenglueck, world.otto)


def notice(looked: Looked, kind: NoticeKind, name: str = "Alpenglück") -> Notice:
    """As the planner would have left it."""
    page = looked.profile(name, token=looked.login())
    [change] = looked.lose(page)
    at = timezone.now() - timedelta(days=7)
    StatusChange.objects.filter(pk=change.pk).update(at=at)
    if kind == NoticeKind.RESTORED:
        change = looked.recover(page)
        change.actor_name = "Mara Manager"
        change.save()
    is_ahead = kind == NoticeKind.RENEWAL_DUE
    made = Notice.objects.create(
        organization=looked.organization,
        profile=page,
        change=None if is_ahead else change,
        user=looked.owner,
        kind=kind,
        step={NoticeKind.RENEWAL_DUE: 7, NoticeKind.REMINDER: 2}.get(kind, 0),
        ends_at=timezone.now() + timedelta(days=6) if is_ahead else None,
        cause=page.accesses.get().token_id,
    )
    rows = Notice.objects.select_related("user", "organization", "profile", "change")
    found: Notice = rows.get(pk=made.pk)
    return found


def mail_of(looked: Looked, kind: str) -> EmailMultiAlternatives:
    if kind == "digest":
        kinds = (NoticeKind.ACCESS_LOST, NoticeKind.RENEWAL_DUE, NoticeKind.RESTORED)
        notices = [notice(looked, one, f"Alpenglück {one.value}") for one in kinds]
        for one in notices:
            one.digest_at = timezone.now()
        return letter(notices)
    if kind in NoticeKind:
        return letter([notice(looked, NoticeKind(kind))])
    phase = Phase(kind.removeprefix("failure_"))
    failure = Failure.objects.create(
        network_slug="linkedin",
        reason="invalid_token_unspecified",
        logins=40,
        asked=41,
        closed_at=timezone.now() if phase == Phase.CLOSING else None,
    )
    row = OperatorNotice.objects.create(failure=failure, phase=phase, user=looked.owner)
    return failure_told(row)


@pytest.fixture
def keep() -> Iterator[Callable[[str], Path | None]]:
    folder = Path(os.environ["PICTURES"]) if "PICTURES" in os.environ else None
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    yield lambda name: folder / f"{name}.png" if folder else None


@contextmanager
def shown(
    chromium: Browser, html: str, width: int, scheme: Scheme
) -> Iterator[tuple[Page, list[str]]]:
    """The mail on a screen, and what it asks for elsewhere."""
    asked: list[str] = []

    def heard(request: Request) -> None:
        asked.append(request.url)

    page = chromium.new_page(viewport={"width": width, "height": 600}, color_scheme=scheme)
    page.on("request", heard)
    page.set_content(html)
    yield page, asked
    page.close()


@pytest.mark.django_db
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "kind", [*NoticeKind.values, "digest", "failure_opening", "failure_closing"]
)
def test_a_mail_fits_the_screen_and_fetches_nothing(
    chromium: Browser,
    world: World,
    looked: Looked,
    keep: Callable[[str], Path | None],
    kind: str,
    language: str,
) -> None:
    world.otto.language, world.otto.wants_token_mail = language, True
    world.otto.save()
    html = str(mail_of(looked, kind).alternatives[0][0])
    for place, (width, scheme) in SEEN.items():
        with shown(chromium, html, width, scheme) as (page, asked):
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert not asked
            is_kept = place == "phone" or (place, language) == ("dark", "de")
            if is_kept and (path := keep(f"{kind}.{language}.{place}")):
                page.screenshot(path=path, full_page=True)
