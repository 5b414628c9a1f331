"""The pages a person sees at a network: sign in, say yes or no, sign out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode, urlsplit

from aiohttp import web

from sandbox.html import Html, fill, join, page
from sandbox.network import Ask, Network, Refused, SendBack, form_of, go
from sandbox.world import Person

LOGIN = """<div class="card"><h1>Sign in to {title}</h1>
<p class="soft">Logins and passwords stand in <a href="/_control#{slug}">the console</a>.</p>{note}
<form method="post" action="{action}">
<label class="field">Login <input type="text" name="login" value="{login}" autocomplete="off"
 autocapitalize="none" spellcheck="false" required autofocus></label>
<label class="field">Password <input type="password" name="password" autocomplete="off"
 required></label>
<div class="row between"><button class="main" type="submit">Sign in</button>{cancel}</div>
</form></div>"""

CONSENT = """<div class="card"><h1>{client} asks for access to {title}</h1>
<p>You are signed in as <b id="signed-in-as">{name}</b> <span class="soft">({login})</span>.
<a id="other-account" href="{other}">Use another account</a></p>
<form method="post" action="{action}">{choice}{scopes}
<div class="row"><button class="main" id="allow" name="decision" value="allow">Allow</button>
<button id="deny" name="decision" value="deny">Cancel</button></div></form></div>"""

HOME = """<div class="card"><h1>{title}, to practise</h1>{who}</div>"""

TICK = """<li class="scope"><label><input type="checkbox" name="scope" value="{scope}" checked>
<code>{scope}</code></label></li>"""
LINE = """<li class="scope"><code>{scope}</code></li>"""
WRONG = """<div class="card"><h1>Something went wrong</h1><p>{why}</p></div>"""
NOTE = """<p class="note bad" role="alert">{text}</p>"""


class Browser:
    """One network's pages for people."""

    def __init__(self, network: Network, host: str = "") -> None:
        self.network, self.host = network, host or network.pages_host
        self.base = f"/{self.host}"
        self.authorize = network.at(self.host, network.authorize_path)

    def routes(self) -> Iterable[web.RouteDef]:
        """Every page, with the authorization page at its real address."""
        pairs: list[tuple[str, str, Callable[[web.Request], Awaitable[web.StreamResponse]]]] = [
            ("GET", f"{self.base}/", self.home),
            ("GET", f"{self.base}/login", self.login_page),
            ("POST", f"{self.base}/login", self.sign_in),
            ("GET", f"{self.base}/login/cancel", self.cancel),
            ("GET", f"{self.base}/logout", self.sign_out),
            ("GET", self.authorize, self.consent_page),
            ("POST", self.authorize, self.decide),
        ]
        return [web.route(method, path, handler) for method, path, handler in pairs]

    # Signing in and out.

    async def home(self, request: web.Request) -> web.StreamResponse:
        """Who is signed in here; the place to sign out, which a client cannot do."""
        person = self.person(request)
        if person is None:
            who = fill(
                '<p>You are not signed in.</p><p><a href="{url}">Sign in</a></p>',
                url=f"{self.base}/login",
            )
        else:
            who = fill(
                '<p>You are signed in as <b id="signed-in-as">{name}</b>.</p>'
                '<p><a id="sign-out" href="{url}">Sign out</a></p>',
                name=person.name,
                url=f"{self.base}/logout",
            )
        return self.page(self.network.title, fill(HOME, title=self.network.title, who=who))

    async def login_page(self, request: web.Request) -> web.StreamResponse:
        """The sign-in form."""
        return self.login_form(self.next(request))

    async def sign_in(self, request: web.Request) -> web.StreamResponse:
        """Check login and password; open a session that only this network sees."""
        form, after = await form_of(request), self.next(request)
        login = form.get("login", "")
        person = self.network.people.check(login, form.get("password", ""))
        if person is None or not self.network.at_home(person, self.host):
            return self.login_form(after, login, "That login and password do not fit.", 401)
        if self.network.people.suspended(person.id):
            return self.login_form(after, login, "This account has been restricted.", 403)
        response = web.HTTPSeeOther(after)
        response.set_cookie(
            self.network.cookie,
            self.network.people.sign_in(person.id),
            path=self.base,  # to these pages only
            httponly=True,
            samesite="Lax",
        )
        raise response

    async def sign_out(self, request: web.Request) -> web.StreamResponse:
        """End the session, then ask who it shall be."""
        self.network.people.sign_out(request.cookies.get(self.network.cookie, ""))
        response = web.HTTPSeeOther(self.login_address(self.next(request)))
        response.del_cookie(self.network.cookie, path=self.base)
        raise response

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        """Leave at the sign-in form: the client hears that, too."""
        query = dict(parse_qsl(urlsplit(self.next(request)).query))
        ask = self.read_ask(query)
        return ask if isinstance(ask, web.Response) else go(self.network.deny(ask, at_login=True))

    # Saying yes or no.

    async def consent_page(self, request: web.Request) -> web.StreamResponse:
        """Ask the person who is signed in, unless this network need not ask again."""
        ask = self.read_ask(request.query)
        if isinstance(ask, web.Response):
            return ask
        again = self.network.anew(request.query)
        if again is not None:
            here = f"{self.authorize}?{urlencode(again)}"
            go(f"{self.base}/logout?{urlencode({'next': here})}")
        person = self.person(request)
        if person is None:
            go(self.login_address(request.raw_path))
        if self.network.skips_consent(ask, person):
            go(self.network.allow(ask, person, ask.scopes))
        return self.consent_form(ask, person, request.raw_path)

    async def decide(self, request: web.Request) -> web.StreamResponse:
        """Take the answer; only scopes that were asked for can be granted."""
        ask = self.read_ask(request.query)
        if isinstance(ask, web.Response):
            return ask
        person = self.person(request)
        if person is None:
            go(self.login_address(request.raw_path))
        form = await request.post()
        scopes = ask.scopes
        if self.network.scopes_can_be_refused:
            ticked = form.getall("scope", [])
            scopes = tuple(scope for scope in ask.scopes if scope in ticked)
        chosen = {name: str(form[name]) for name in self.network.chosen if name in form}
        ask = replace(ask, more={**ask.more, **chosen})
        refused_all = bool(ask.scopes) and not scopes
        if form.get("decision") != "allow" or refused_all:
            go(self.network.deny(ask, at_login=False))
        go(self.network.allow(ask, person, scopes))

    # The small parts.

    def read_ask(self, query: Mapping[str, str]) -> Ask | web.Response:
        """The request as the network reads it, or the page that says what is wrong."""
        try:
            return self.network.read_ask(query)
        except Refused as wrong:
            text = fill(
                "<div class='card'><h1>Something went wrong</h1><p>{why}</p></div>", why=wrong
            )
            return self.page("Something went wrong", text, status=400)
        except SendBack as back:
            go(back.location)

    def person(self, request: web.Request) -> Person | None:
        """Who is signed in at this network in this browser."""
        return self.network.people.signed_in(request.cookies.get(self.network.cookie, ""))

    def next(self, request: web.Request) -> str:
        """Where to go after signing in: never to another network or site."""
        after = request.query.get("next", "")
        return after if after.startswith(f"{self.base}/") else f"{self.base}/"

    def login_address(self, after: str) -> str:
        """The sign-in page that remembers where the person wanted to go."""
        return f"{self.base}/login?{urlencode({'next': after})}"

    def login_form(
        self, after: str, login: str = "", wrong: str = "", status: int = 200
    ) -> web.Response:
        """The form, with what was wrong the last time."""
        cancel = Html("")
        if after.startswith(self.authorize):
            url = f"{self.base}/login/cancel?{urlencode({'next': after})}"
            cancel = fill('<a id="cancel" href="{url}">Cancel</a>', url=url)
        body = fill(
            LOGIN,
            title=self.network.title,
            slug=self.network.slug,
            action=self.login_address(after),
            login=login,
            note=fill(NOTE, text=wrong) if wrong else Html(""),
            cancel=cancel,
        )
        return self.page(f"Sign in to {self.network.title}", body, status=status)

    def consent_form(self, ask: Ask, person: Person, here: str) -> web.Response:
        """What is asked, by whom, and as whom one would grant it."""
        line = TICK if self.network.scopes_can_be_refused else LINE
        scopes = join(fill(line, scope=scope) for scope in ask.scopes)
        body = fill(
            CONSENT,
            client="Tokenwacht",
            title=self.network.title,
            name=person.name,
            login=person.login,
            other=f"{self.base}/logout?{urlencode({'next': here})}",
            action=here,
            choice=self.network.choice(ask, person),
            scopes=fill('<ul class="scopes">{scopes}</ul>', scopes=scopes),
        )
        return self.page(f"Allow access to {self.network.title}?", body)

    def page(self, title: str, body: Html, status: int = 200) -> web.Response:
        """A page in this network's colour."""
        return page(
            title,
            body,
            brand=f"Practice {self.network.title}",
            accent=self.network.accent,
            status=status,
        )
