"""The mail itself: enough to act on, in the reader's words, whatever a network's names say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.core.mail import EmailMultiAlternatives
from django.template import Context, Template
from django.utils import timezone, translation

from networks.base import Reason
from notifications.letters import letter
from notifications.models import Notice
from notifications.names import shown
from notifications.planning import plan
from profiles.models import Profile
from tests.notifications.conftest import Looked
from tests.people import World
from tokens.models import StatusChange

SINCE = datetime(2026, 7, 1, 10, 30, tzinfo=UTC)


def write(looked: Looked, *profiles: Profile, **how: Any) -> EmailMultiAlternatives:
    looked.lose(*profiles, **how)
    StatusChange.objects.update(at=SINCE)
    plan()
    notices = Notice.objects.select_related("user", "organization", "profile", "change")
    return letter(list(notices.order_by("change")))


def html_of(mail: EmailMultiAlternatives) -> str:
    return str(mail.alternatives[0][0])


@pytest.fixture
def english(world: World) -> None:
    world.otto.language = "en"
    world.otto.save()


@pytest.fixture
def page(looked: Looked) -> Profile:
    return looked.profile("Alpenglück", token=looked.login("Anna Huber"))


@pytest.mark.usefixtures("english")
def test_the_subject_says_network_profile_and_fact(looked: Looked, page: Profile) -> None:
    mail = write(looked, page)

    assert mail.subject == "LinkedIn Page Alpenglück: no valid access permission"


@pytest.mark.usefixtures("english")
@pytest.mark.parametrize("read", [lambda mail: mail.body, html_of], ids=["text", "html"])
def test_each_version_alone_is_enough_to_act_on(
    looked: Looked, page: Profile, settings: Any, read: Any
) -> None:
    settings.BASE_URL = "https://tokenwacht.example"

    content = read(write(looked, page))

    for fact in [
        "“Alpenglück” (LinkedIn Page)",
        "since 1 Jul 2026, 12:30 (CEST)",
        "LinkedIn says that the access of Anna Huber was revoked, but not why.",
        "Anna Huber or another person with this role there (super admin) has to open the link",
        "super admin",
        "about a minute",
        f"https://tokenwacht.example/o/alpenglueck/profiles/{page.pk}/refresh/",
        "private window",
        "https://www.linkedin.com/help/linkedin/answer/a541981",
        "You get this mail because you are an owner",
        "https://tokenwacht.example/account/settings/",
        "https://tokenwacht.example/mail/stop/",
    ]:
        assert fact in content, fact


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_mail_is_in_the_language_of_its_reader(
    world: World, looked: Looked, page: Profile, language: str
) -> None:
    """Whatever language the worker, or the last reader, had."""
    world.otto.language = language
    world.otto.save()
    with translation.override("en" if language == "de" else "de"):
        mail = write(looked, page)

    with translation.override(language):
        from_the_catalogue = translation.gettext("Refresh connection")
    assert from_the_catalogue in mail.body
    date = {"de": "1. Juli 2026, 12:30", "en": "1 Jul 2026, 12:30"}[language]
    assert date in mail.body


@pytest.mark.parametrize("language", ["", "fr"])
def test_a_reader_of_no_language_of_ours_and_of_an_unknown_zone_is_written_to_all_the_same(
    world: World, looked: Looked, page: Profile, language: str
) -> None:
    world.otto.language, world.otto.time_zone = language, "../etc/passwd"
    world.otto.save()

    assert "1. Juli 2026, 12:30 (MESZ)" in write(looked, page).body


@pytest.mark.parametrize(
    ("zone", "time"), [("Europe/Berlin", "12:30 (CEST)"), ("Asia/Tokyo", "19:30 (JST)")]
)
@pytest.mark.usefixtures("english")
def test_the_time_is_that_of_the_readers_clock(
    world: World, looked: Looked, page: Profile, zone: str, time: str
) -> None:
    world.otto.time_zone = zone
    world.otto.save()

    assert time in write(looked, page).body


@pytest.mark.parametrize(
    ("place", "month", "german", "english"),
    [
        ("Europe/Berlin", 1, "MEZ", "CET"),
        ("Europe/Berlin", 7, "MESZ", "CEST"),
        ("Europe/Lisbon", 1, "WEZ", "WET"),
        ("Europe/Lisbon", 7, "WESZ", "WEST"),
        ("Europe/Athens", 1, "OEZ", "EET"),
        ("Europe/Athens", 7, "OESZ", "EEST"),
        ("Asia/Tokyo", 7, "JST", "JST"),
        ("America/Sao_Paulo", 7, "-03", "-03"),
    ],
)
def test_a_zone_has_the_letters_of_the_readers_language(
    place: str, month: int, german: str, english: str
) -> None:
    moment = Context({"moment": SINCE.replace(month=month)})
    said = Template("{% load figures %}{{ moment|zone }}")
    for language, letters in {"de": german, "en": english}.items():
        with timezone.override(place), translation.override(language):
            assert said.render(moment) == letters


@pytest.mark.usefixtures("english")
@pytest.mark.parametrize("reason", [reason for reason in Reason if reason.is_dead])
def test_every_reason_is_explained(looked: Looked, page: Profile, reason: Reason) -> None:
    mail = write(looked, page, reason=reason)

    assert "\nWhy\n" in mail.body


@pytest.mark.usefixtures("english")
def test_a_mail_about_many_names_ten_and_counts_the_rest(looked: Looked) -> None:
    token = looked.login("alpen_anna", network="pinterest")
    account = looked.profile("Anna", token=token, kind="account")
    boards = [
        looked.profile(f"Pinnwand {number}", token=token, kind="board", parent=account)
        for number in range(40)
    ]

    mail = write(looked, *boards, account)

    assert mail.subject == "Pinterest, 41 profiles of alpen_anna: no valid access permission"
    assert mail.body.count("Pinnwand") == 9
    assert "and 31 more" in mail.body
    assert "They all hang on one login, “alpen_anna”." in mail.body


@pytest.mark.usefixtures("english")
def test_the_button_of_many_leads_to_the_account_that_heals_them(looked: Looked) -> None:
    token = looked.login(network="pinterest")
    account = looked.profile(token=token, kind="account")
    board = looked.profile(token=token, kind="board", parent=account)

    mail = write(looked, board, account)

    assert f"profiles/{account.pk}/refresh/" in mail.body
    assert f"profiles/{board.pk}/refresh/" not in mail.body


def test_a_line_break_in_a_name_does_not_become_a_header(looked: Looked) -> None:
    page = looked.profile("Alpen\r\nBcc: all@nordwind.example", token=looked.login("An\nna"))

    message = write(looked, page).message()

    assert "Bcc" not in message
    assert "Alpen Bcc: all@nordwind.example" in str(message["Subject"])


def test_a_line_break_in_a_name_does_not_become_a_paragraph(looked: Looked) -> None:
    page = looked.profile("Alpen\n\nCall us at once\u2028or\u0085else", token=looked.login())

    assert "Alpen Call us at once or else" in write(looked, page).body


def test_markup_in_a_name_stays_text(looked: Looked) -> None:
    evil = '<a href="https://evil.example">here</a>'
    mail = write(looked, looked.profile(evil, token=looked.login("<img src=x>")))
    html = BeautifulSoup(html_of(mail), "html.parser")

    assert evil in html.get_text()
    assert not html.find("a", href="https://evil.example")
    assert not html.find("img")
    assert evil in mail.body  # a text mail shows what it is called, and escapes nothing


def test_a_name_of_500_characters_is_shortened() -> None:
    assert len(shown("ü" * 500)) == 80
    assert shown("ü" * 500).endswith("…")
    assert shown("Alpenglück 🏔️") == "Alpenglück 🏔️"


def test_control_characters_of_a_name_are_left_out() -> None:
    assert shown("Alpen\x1b\x07glück") == "Alpen glück"


def test_the_subject_of_a_long_name_still_says_the_fact(looked: Looked) -> None:
    mail = write(looked, looked.profile("Alpen " * 42, token=looked.login()))

    assert len(mail.subject) < 130


def test_a_name_cannot_turn_the_reading_direction() -> None:
    assert shown("Alpen\u202egnp.exe\u2066") == "Alpengnp.exe"


def test_the_message_is_known_by_its_first_notice_and_asks_for_no_answer(
    looked: Looked, page: Profile, settings: Any
) -> None:
    settings.BASE_URL = "https://tokenwacht.example:8443"
    looked.lose(page)
    plan()
    notice = Notice.objects.get()
    notice.mail = notice.pk

    message = letter([notice]).message()

    assert message["Message-ID"] == f"<{notice.pk}@tokenwacht.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_nothing_in_the_mail_is_fetched_from_anywhere(looked: Looked, page: Profile) -> None:
    html = html_of(write(looked, page))

    assert "<img" not in html
    assert "<link" not in html
    assert "@import" not in html
