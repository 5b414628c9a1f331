"""Names that somebody at a network may have given himself, in the hope that they do something.

What each hopes for: markup in text or in an attribute, code in a link, another header or log
line, an own meaning in a template, a format, a pattern or a table, a text that reads otherwise
than it is. Markup among them carries `MARK`, as a tag, an attribute or a link: on no page may it
be any of those.
"""

from __future__ import annotations

MARK = "hostile"

HOSTILE = (
    f"<{MARK}>",
    f"</title><{MARK}>",
    f"<script {MARK}>window.{MARK}=1</script>",
    f"<img src=x {MARK} onerror=window.{MARK}=1>",
    f"\"><svg {MARK} onload='window.{MARK}=1'>",
    f"' {MARK}=1 onfocus='window.{MARK}=1' autofocus x='",
    f'" {MARK}=1 hx-get="/" hx-trigger="load" x="',
    f"<div {MARK} hx-on:click=window.{MARK}=1 hx-get=/ hx-trigger=load>",
    f"<!--<{MARK}>--!><{MARK}>",
    f"<![CDATA[<{MARK}>]]>",
    f"&lt;{MARK}&gt; &amp;",
    f"javascript:window.{MARK}=1",
    f"data:text/html,<{MARK}>",
    f"//{MARK}.example/",
    f"https://user:secret@{MARK}.example/",
    "{{ request.user.password }}{% debug %}",
    "{0.__class__}{actor}{names}%(network)s%s%n%%",
    "a\r\nBcc: everybody@example.org\r\n\r\n<hostile>",
    "a\n2026-01-01T00:00:00.000Z INFO tokens: forged",
    "a\x1b[2J\x1b]0;owned\x07\x9b31m",
    "a\u2028b\u2029c\x85d\x0be",
    "\u202egnp.\u2066exe\u2069\u202c",
    "\u200b\u200d\ufeff\u00ad",
    "a\x00b",
    "=HYPERLINK(\"http://hostile.example\";\"x\")",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "../../../etc/passwd",
    "Z\u0351\u036b\u0343a\u0329\u032b\u0326lg\u0321o\u0317" * 3,
    "A" * 5000,
    "\U0001f3d4\ufe0f \u0410lpenglück",
)  # fmt: skip
