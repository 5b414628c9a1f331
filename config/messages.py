"""Translations without GNU gettext, by Babel.

`python -m config.messages` brings locale/de up to date with the sources, `check` says what is
missing, `compile` makes the .mo files that Django reads. No settings, no database.
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

BASE_DIR = Path(__file__).resolve().parent.parent
SOURCES = ("accounts", "config", "networks", "notifications", "profiles", "templates", "tokens")
TEMPLATES = {".html", ".txt"}
LAZY = ("gettext", "ngettext", "pgettext", "npgettext")
KEYWORDS = DEFAULT_KEYWORDS | {f"{name}_lazy": DEFAULT_KEYWORDS[name] for name in LAZY}
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[sd]|\{\w*\}")


def catalogs(base: Path) -> list[Path]:
    """One for each language but English, in which the messages are written."""
    return sorted(folder / "django.po" for folder in base.glob("locale/*/LC_MESSAGES"))


def source_files(base: Path) -> Iterator[Path]:
    for source in SOURCES:
        for path in sorted((base / source).rglob("*")):
            if path.suffix == ".py" or path.suffix in TEMPLATES:
                yield path


def python_of(path: Path) -> bytes:
    """The file as Python that Babel can read; a template's own indentation is none of Python's."""
    text = path.read_text(encoding="utf-8")
    if path.suffix in TEMPLATES:
        text = templatize(text, origin=str(path))
        text = "\n".join(line.strip() for line in text.splitlines())
    return text.encode()


def extracted(base: Path) -> Catalog:
    """Every message of the sources. Where it stands is given without line, to keep diffs small."""
    found = Catalog()
    for path in source_files(base):
        place = [(path.relative_to(base).as_posix(), 0)]
        for _, message, comments, context in extract(
            "python", io.BytesIO(python_of(path)), KEYWORDS, ["Translators:"]
        ):
            found.add(message, locations=place, auto_comments=comments, context=context)
    return found


def update(base: Path) -> None:
    found = extracted(base)
    for path in catalogs(base):
        catalog = read(path)
        catalog.update(found, no_fuzzy_matching=True, update_creation_date=False)
        with path.open("wb") as output:
            write_po(
                output, catalog, ignore_obsolete=True, sort_output=True, include_lineno=False,
                width=100,
            )  # fmt: skip


def read(path: Path) -> Catalog:
    if not path.exists():
        note = "# Messages come and go by `make messages`; translate them here."
        return Catalog(path.parts[-3], project="tokenwacht", header_comment=note, fuzzy=False)
    with path.open("rb") as source:
        return read_po(source, locale=path.parts[-3])


def compile_all(base: Path) -> None:
    for path in catalogs(base):
        unfinished = path.with_suffix(f".{os.getpid()}.mo")
        with unfinished.open("wb") as output:
            write_mo(output, read(path))
        unfinished.replace(path.with_suffix(".mo"))  # in one step: others may be reading


def problems(base: Path) -> Iterator[str]:
    """One sentence for each message that a reader would see untranslated or broken."""
    found = extracted(base)
    for path in catalogs(base):
        catalog, name = read(path), path.relative_to(base)
        known = {key(message) for message in catalog if message.id}
        wanted = {key(message) for message in found if message.id}
        yield from (f"{name}: missing: {words!r}" for words, _ in sorted(wanted - known, key=str))
        yield from (f"{name}: not used: {words!r}" for words, _ in sorted(known - wanted, key=str))
        for message in catalog:
            if message.id and (problem := problem_of(message)):
                yield f"{name}: {problem}: {message.id!r}"


def key(message: Message) -> tuple[object, object]:
    return message.id, message.context


def problem_of(message: Message) -> str:
    ids = forms(message.id)
    translations = forms(message.string)
    if message.fuzzy:
        return "fuzzy"
    if not all(translations):
        return "not translated"
    allowed = {frozenset(PLACEHOLDER.findall(words)) for words in ids}
    if any(frozenset(PLACEHOLDER.findall(words)) not in allowed for words in translations):
        return "other placeholders"
    return ""


def forms(words: object) -> list[str]:
    """Singular and plurals; a message without plural has one form."""
    return [str(form) for form in words] if isinstance(words, list | tuple) else [str(words)]


def check(base: Path) -> int:
    found = list(problems(base))
    sys.stdout.writelines(f"{problem}\n" for problem in found)
    return 1 if found else 0


if __name__ == "__main__":
    commands = {"": update, "compile": compile_all, "check": check}
    sys.exit(commands["".join(sys.argv[1:])](BASE_DIR))
