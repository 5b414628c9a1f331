"""What a reader would see untranslated is found before the reader finds it."""

from __future__ import annotations

import gettext
from pathlib import Path

import pytest

from config import messages

PYTHON = """
from django.utils.translation import gettext as _, ngettext, pgettext_lazy
_("Profile")
ngettext("%(count)s board", "%(count)s boards", 2)
pgettext_lazy("state", "open")
"""
TEMPLATE = """
  {% load i18n %}
      {% translate "Refresh" %} it's {{ "x" }} (
  {% blocktranslate trimmed %}
     Signed in as {{ name }}.
  {% endblocktranslate %}
"""


@pytest.fixture
def base(tmp_path: Path) -> Path:
    for folder in ("accounts", "templates", "locale/de/LC_MESSAGES"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "accounts/views.py").write_text(PYTHON)
    (tmp_path / "templates/page.html").write_text(TEMPLATE)
    messages.update(tmp_path)
    return tmp_path


def po(base: Path) -> Path:
    return base / "locale/de/LC_MESSAGES/django.po"


def translate(base: Path, words: str, translation: str) -> None:
    text = po(base).read_text()
    old = f'msgid "{words}"\nmsgstr ""'
    assert old in text
    po(base).write_text(text.replace(old, f'msgid "{words}"\nmsgstr "{translation}"'))


def translate_all(base: Path) -> None:
    translate(base, "Profile", "Profil")
    translate(base, "open", "offen")
    translate(base, "Refresh", "Aktualisieren")
    translate(base, "Signed in as %(name)s.", "Angemeldet als %(name)s.")
    text = po(base).read_text().replace('msgstr[0] ""', 'msgstr[0] "%(count)s Pinnwand"')
    po(base).write_text(text.replace('msgstr[1] ""', 'msgstr[1] "%(count)s Pinnwände"'))


def test_messages_of_python_and_templates_are_found(base: Path) -> None:
    ids = {message.id for message in messages.extracted(base) if message.id}
    boards = ("%(count)s board", "%(count)s boards")
    assert ids == {"Profile", boards, "open", "Refresh", "Signed in as %(name)s."}


def test_a_missing_translation_fails(base: Path) -> None:
    translate_all(base)
    assert list(messages.problems(base)) == []
    text = po(base).read_text()
    po(base).write_text(text.replace('"%(count)s Pinnwände"', '""'))
    (problem,) = messages.problems(base)
    assert "not translated" in problem
    assert messages.check(base) == 1


def test_a_message_that_the_catalog_lacks_fails(base: Path) -> None:
    translate_all(base)
    (base / "accounts/forms.py").write_text('_("Team")')
    assert list(messages.problems(base)) == ["locale/de/LC_MESSAGES/django.po: missing: 'Team'"]


def test_a_message_that_is_no_longer_used_fails(base: Path) -> None:
    translate_all(base)
    (base / "templates/page.html").unlink()
    assert len(list(messages.problems(base))) == 2


def test_a_fuzzy_translation_fails(base: Path) -> None:
    translate_all(base)
    po(base).write_text(
        po(base).read_text().replace('msgid "Profile"', '#, fuzzy\nmsgid "Profile"')
    )
    (problem,) = messages.problems(base)
    assert "fuzzy" in problem


def test_a_translation_with_other_placeholders_fails(base: Path) -> None:
    translate_all(base)
    po(base).write_text(po(base).read_text().replace("als %(name)s", "als %(nmae)s"))
    (problem,) = messages.problems(base)
    assert "other placeholders" in problem


def test_an_update_keeps_translations_and_changes_nothing_else(base: Path) -> None:
    translate_all(base)
    messages.update(base)
    first = po(base).read_text()
    messages.update(base)
    assert po(base).read_text() == first
    assert list(messages.problems(base)) == []


def test_compiled_messages_speak_german(base: Path) -> None:
    translate_all(base)
    messages.compile_all(base)
    german = gettext.translation("django", base / "locale", ["de"])
    assert german.gettext("Profile") == "Profil"
    assert german.pgettext("state", "open") == "offen"
    assert german.ngettext("%(count)s board", "%(count)s boards", 2) == "%(count)s Pinnwände"
