"""Names as they may stand in a mail.

They come from networks and are hostile: they lose line breaks and marks that turn the reading
direction, are shortened, and are escaped in HTML. What is put into a text mail is quoted.
"""

from __future__ import annotations

import unicodedata

TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
IN_SUBJECT = 60
IN_BODY = 80
LONG = 200


def shown(text: str, length: int = IN_BODY) -> str:
    """A name as it may stand in one line of a mail."""
    visible = "".join(
        " " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char
        for char in text
        if unicodedata.bidirectional(char) not in TURNING
    )
    line = " ".join(visible.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"
