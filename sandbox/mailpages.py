"""``/mail``: the inbox to look at."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aiohttp import web

from sandbox.html import Html, fill, join, page
from sandbox.inbox import Inbox

REFRESH = '<meta http-equiv="refresh" content="10">'
ASIDE = '<a href="/_control">Console</a> · <a href="/mail">Inbox</a>'

LIST = """<h1>Inbox</h1><p class="soft">The newest first. This page looks
again every ten seconds.</p><div class="card mails">{rows}</div>"""

ROW = """<a class="mail" href="/mail/{id}"><b>{subject}</b>
<span class="small soft">{when}</span><span class="small soft">to {to}</span></a>"""

ONE = """<p><a href="/mail">All mails</a></p><div class="card"><h1>{subject}</h1>
<p class="soft">to <b>{to}</b>, {when}</p>{frame}
<h3>Links</h3><ul class="small">{links}</ul>
<h3>As text</h3><pre>{text}</pre>
<details><summary>Headers</summary><pre>{headers}</pre></details></div>"""

FRAME = """<iframe class="mail" title="The mail" srcdoc="{document}"
 sandbox="allow-popups allow-popups-to-escape-sandbox"></iframe>"""

LINK = """<li><a href="{link}" rel="noreferrer"><code>{link}</code></a></li>"""


class MailPages:
    """The list and one mail."""

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox

    def routes(self) -> Iterable[web.RouteDef]:
        """Two pages."""
        return [web.get("/mail", self.all), web.get(r"/mail/{number:\d+}", self.one)]

    async def all(self, request: web.Request) -> web.StreamResponse:
        """Every mail, the newest first."""
        mails = self.inbox.mails()[::-1]
        rows = join(
            fill(ROW, when=when(mail), **{name: mail[name] for name in ("id", "subject", "to")})
            for mail in mails
        )
        body = fill(LIST, rows=rows or Html('<p class="soft">Nothing yet.</p>'))
        return self.page("Inbox", body, REFRESH)

    async def one(self, request: web.Request) -> web.StreamResponse:
        """One mail: as it looks, its links, its text, its headers."""
        mail = self.inbox.mail(int(request.match_info["number"]))
        if mail is None:
            raise web.HTTPNotFound
        return self.page(mail["subject"] or "A mail", self.shown(mail))

    def shown(self, mail: dict[str, Any]) -> Html:
        """The page's inside; the mail's HTML runs no scripts and opens links outside."""
        document = f'<base target="_blank">{mail["html"]}'
        web_links = [link for link in mail["links"] if link.startswith(("http://", "https://"))]
        return fill(
            ONE,
            **{name: mail[name] for name in ("subject", "to", "text")},
            when=when(mail),
            frame=fill(FRAME, document=document) if mail["html"] else Html(""),
            links=join(fill(LINK, link=link) for link in web_links),
            headers="\n".join(f"{name}: {value}" for name, value in mail["headers"]),
        )

    def page(self, title: str, body: Html, head: str = "") -> web.Response:
        """A page of the inbox."""
        return page(title, body, brand="Practice inbox", aside=ASIDE, width="wide", head=head)


def when(mail: dict[str, Any]) -> str:
    """The time of arrival, as people read it."""
    return f"{mail['received_at'][:19].replace('T', ' ')} UTC"
