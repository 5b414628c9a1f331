"""Names are written by people and by networks: here they become one harmless line of text."""

from __future__ import annotations

import re

from django.db.models import Model

from accounts.models import User

# Control characters, those that turn the direction of reading, and those of no width. Without
# those that end a word, NUL, which Django refuses, and the joiners that emoji are made of.
UNSEEN = re.compile(
    "[\x01-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u061c\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]"
)


def one_line(text: str) -> str:
    """`text` as it looks, without what makes it look like something else."""
    return " ".join(UNSEEN.sub("", text).split())


def name_of(thing: Model) -> str:
    """What the log calls somebody or something. Of people, anybody may choose another's name, and
    nobody another's address, which stands last."""
    name = one_line(str(thing))
    return f"{name} ({thing.email})" if isinstance(thing, User) and thing.name else name
