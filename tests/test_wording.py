"""What the interface is called, to the letter, and how its German speaks.

Read from the catalogue itself, compiled for these tests alone: a stale .mo fools nobody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from babel.messages.mofile import write_mo
from django.test import override_settings
from django.utils import translation
from django.utils.translation import gettext, ngettext, pgettext

from config import messages
from networks.registry import NETWORKS
from tokens.templatetags import conditions

LABELS = [
    ("Settings", "Einstellungen"),
    ("Profiles", "Profile"),
    ("Add profiles", "Profile hinzufügen"),
    ("Refresh connection", "Verbindung aktualisieren"),
    ("Profile settings", "Profileinstellungen"),
    ("Page settings", "Seiteneinstellungen"),
    ("Delete", "Löschen"),
    ("Profile owners", "Profil-Inhaber:innen"),
    (
        "There are no valid access permissions.",
        "Es liegen keine gültigen Zugriffsberechtigungen vor.",
    ),
    (
        "Receive notifications when an access token has expired.",
        "Erhalte Benachrichtigungen, wenn ein Access Token abgelaufen ist.",
    ),
    ("Valid", "Gültig"),
    ("No valid access permission", "Keine gültige Zugriffsberechtigung"),
]
NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)

# «Sie» may begin a sentence as "she", "it" or "they"; anywhere else it is the formal address.
BEGINNING = r"(?:^|[.!?:…]\s+|[„(]\s*)"
FORMAL = re.compile(r"\b(?:Sie|Ihnen|Ihr|Ihre|Ihrem|Ihren|Ihrer|Ihres)\b")
# A letter to «Du» is another voice than ours.
SOLEMN = re.compile(r"\b(?:Du|Dich|Dir|Dein|Deine|Deinem|Deinen|Deiner|Deines)\b")

GERMAN = [
    (messages.forms(message.id)[0], words)
    for path in messages.catalogs(messages.BASE_DIR)
    for message in messages.read(path)
    if message.id
    for words in messages.forms(message.string)
]


@pytest.fixture(autouse=True, scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The German of the checkout, compiled aside and forgotten afterwards."""
    base = tmp_path_factory.mktemp("locale")
    for path in messages.catalogs(messages.BASE_DIR):
        folder = base / path.relative_to(messages.BASE_DIR / "locale").parent
        folder.mkdir(parents=True)
        with (folder / "django.mo").open("wb") as output:
            write_mo(output, messages.read(path))
    with override_settings(LOCALE_PATHS=[base]):
        yield


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


def inside_a_sentence(words: re.Pattern[str], text: str) -> list[str]:
    """What of `words` stands anywhere but at the beginning of a sentence."""
    starts = {match.end() for match in re.finditer(BEGINNING, text)}
    return [match.group() for match in words.finditer(text) if match.start() not in starts]


@pytest.mark.parametrize(("english", "german"), LABELS, ids=[english for english, _ in LABELS])
def test_a_label_is_what_the_help_article_calls_it(english: str, german: str) -> None:
    with translation.override("de"):
        assert gettext(english) == german
    with translation.override("en"):
        assert gettext(english) == english


def test_the_two_groups_of_notifications_are_spelled_as_in_the_help_article() -> None:
    with translation.override("de"):
        assert pgettext("profile settings", "Email notifications") == "E-Mail Benachrichtigungen"
        assert gettext("Email notifications") == "E-Mail-Benachrichtigungen"
    with translation.override("en"):
        assert pgettext("profile settings", "Email notifications") == "Email notifications"
        assert gettext("Email notifications") == "Email notifications"


@pytest.mark.parametrize(
    ("language", "days", "words"),
    [
        ("de", 12, "Läuft in 12 Tagen ab"),
        ("de", 1, "Läuft in 1 Tag ab"),
        ("de", 0, "Läuft heute ab"),
        ("en", 12, "Expires in 12 days"),
        ("en", 1, "Expires in 1 day"),
        ("en", 0, "Expires today"),
    ],
)
def test_what_ends_says_in_how_many_days(language: str, days: int, words: str) -> None:
    with translation.override(language):
        assert conditions.expires(NOW + timedelta(days=days)) == words


@pytest.mark.parametrize(
    ("language", "hours", "words"),
    [
        ("de", 3, "Seit 3 Stunden nicht erreichbar"),
        ("de", 1, "Seit 1 Stunde nicht erreichbar"),
        ("de", 48, "Seit 2 Tagen nicht erreichbar"),
        ("en", 3, "Not reachable for 3 hours"),
        ("en", 1, "Not reachable for 1 hour"),
        ("en", 48, "Not reachable for 2 days"),
    ],
)
def test_a_silent_network_says_since_when(language: str, hours: int, words: str) -> None:
    with translation.override(language):
        assert conditions.not_reachable(NOW - timedelta(hours=hours)) == words


@pytest.mark.parametrize(
    ("slug", "kind", "subject"),
    [
        ("linkedin", "page", "LinkedIn-Seite Alpenglück: keine gültige Zugriffsberechtigung"),
        ("pinterest", "board", "Pinterest-Board Alpenglück: keine gültige Zugriffsberechtigung"),
        ("tiktok", "account", "TikTok-Konto Alpenglück: keine gültige Zugriffsberechtigung"),
        ("xing", "profile", "XING-Profil Alpenglück: keine gültige Zugriffsberechtigung"),
    ],
)
def test_a_subject_names_network_and_kind_in_one_german_word(
    slug: str, kind: str, subject: str
) -> None:
    network = NETWORKS[slug]
    with translation.override("de"):
        names = {"network": network.name, "kind": network.kind(kind).label, "name": "Alpenglück"}
        words = gettext("%(network)s %(kind)s %(name)s: no valid access permission")
        assert words % names == subject


@pytest.mark.parametrize(
    ("count", "words"), [(1, "1 Profil braucht dich."), (3, "3 Profile brauchen dich.")]
)
def test_the_line_above_the_list_says_how_many_need_the_reader(count: int, words: str) -> None:
    with translation.override("de"):
        text = ngettext("%(count)s profile needs you.", "%(count)s profiles need you.", count)
        assert text % {"count": count} == words


def test_every_message_has_german_words() -> None:
    assert GERMAN
    assert [english for english, german in GERMAN if not german.strip()] == []


def test_no_german_words_address_the_reader_formally() -> None:
    assert _where(lambda german: inside_a_sentence(FORMAL, german)) == []


def test_the_familiar_address_is_written_small() -> None:
    assert _where(lambda german: inside_a_sentence(SOLEMN, german)) == []


def test_german_quotes_are_german() -> None:
    """„so“, and never "so" or “so”."""
    assert _where(lambda german: '"' in german or "”" in german) == []
    assert _where(lambda german: german.count("„") != german.count("“")) == []


def test_german_keeps_the_dots_and_marks_of_the_english() -> None:
    """A label gets no full stop, a sentence keeps its own, a heading its colon."""
    ends = re.compile(r"[.?:,…]$")
    assert [
        german
        for english, german in GERMAN
        if german and bool(ends.search(english)) != bool(ends.search(german))
    ] == []


@pytest.mark.parametrize(
    "words", ["Melden Sie sich an.", "Das ist Ihr Profil.", "Wir schreiben Ihnen."]
)
def test_formal_address_is_recognized(words: str) -> None:
    assert inside_a_sentence(FORMAL, words)


@pytest.mark.parametrize("words", ["Sie gilt 72 Stunden.", "Eine Einladung. Sie gilt.", "sieht"])
def test_she_and_it_are_no_formal_address(words: str) -> None:
    assert not inside_a_sentence(FORMAL, words)


def _where(wrong: Callable[[str], object]) -> list[str]:
    return [german for _, german in GERMAN if wrong(german)]
