"""The console as a page: for each network its people, its profiles and every lever."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from aiohttp import web

from sandbox.faults import MODES
from sandbox.html import Html, fill, join, page
from sandbox.levers import Levers
from sandbox.network import Network
from sandbox.world import Person, Profile

MANY = 12

INTRO = """<h1>Practice networks</h1>
<p class="soft">Pull a lever here and watch what the product makes of it.
<a href="/mail">The inbox</a> holds the mails it sent.</p>{note}
<nav class="tabs small">{tabs}</nav>"""

TAB = """<a href="/_control#{slug}">{title}</a>"""

SECTION = """<section class="card network" id="{slug}" style="--accent: {accent}">
<div class="row between"><h2>{title}</h2><div class="row">{outage}</div></div>{fault}
<p class="small soft">Is your browser still signed in there as somebody else?
<a href="/{host}/">See, and sign out</a>.</p>
<h3>People</h3><div class="people">{people}</div>
<h3>Profiles</h3><div class="people">{profiles}</div></section>"""

FAULT = """<p class="note bad" role="status" style="margin-top:16px">
The whole network fails: <b>{mode}</b>.</p>"""

BUTTON = """<form method="post" action="/_control">{hidden}
<button class="tiny {look}" type="submit">{label}</button></form>"""

HIDDEN = """<input type="hidden" name="{name}" value="{value}">"""

PERSON = """<div class="person" id="{network}-{id}"><div><b>{name}</b> {flag}<br>
<span class="small soft">login <code>{login}</code><br>password <code>{password}</code><br>
{apps}</span></div><div class="row">{buttons}</div></div>"""

PROFILE = """<div class="person {place}"><div><b>{name}</b>
<span class="chip">{kind}</span> {secret}<br><code class="soft">{id}</code></div>
<div class="row">{admins}{give}</div></div>"""

GIVE = """<form method="post" action="/_control" class="row">{hidden}
<select class="inline" name="person" aria-label="Person">{options}</select>
<button class="tiny" type="submit">Give role</button></form>"""

MANY_CHILDREN = """<div class="person child"><div><b>{count} boards</b> of {name}</div>
<form method="post" action="/_control" class="row">{hidden}
<select class="inline" name="profile" aria-label="Board">{profiles}</select>
<select class="inline" name="person" aria-label="Person">{people}</select>
<button class="tiny" name="do" value="remove_role">Remove role</button>
<button class="tiny" name="do" value="grant_role">Give role</button></form></div>"""

OPTION = """<option value="{id}">{name}</option>"""


def console_page(levers: Levers, slugs: Sequence[str], query: Mapping[str, str]) -> web.Response:
    """The page for some networks, with a line about what was just done."""
    networks = [levers.networks[slug] for slug in slugs]
    only = "one" if len(networks) < len(levers.networks) else ""
    tabs = join(fill(TAB, slug=one.slug, title=one.title) for one in levers.networks.values())
    body = fill(
        "{intro}{sections}",
        intro=fill(INTRO, note=_note(query), tabs=tabs),
        sections=join(_section(levers, network, only) for network in networks),
    )
    aside = '<a href="/_control">Console</a> · <a href="/mail">Inbox</a>'
    return page("Practice networks", body, brand="Practice console", aside=aside, width="wide")


def _note(query: Mapping[str, str]) -> Html:
    if query.get("wrong"):
        return fill('<p class="note bad" role="alert">{text}</p>', text=query["wrong"])
    if query.get("done"):
        return fill('<p class="note amber" role="status">Done: {text}</p>', text=query["done"])
    return Html("")


def _section(levers: Levers, network: Network, only: str) -> Html:
    mode = levers.faults.of(network.slug)
    return fill(
        SECTION,
        slug=network.slug,
        host=network.pages_host,
        accent=network.accent,
        title=network.title,
        fault=fill(FAULT, mode=mode) if mode else Html(""),
        outage=_outage(network, mode, only),
        people=join(_person(network, one, only) for one in network.world.people.values()),
        profiles=_profiles(network, only),
    )


def _outage(network: Network, mode: str | None, only: str) -> Html:
    if mode:
        return _button(network, "Recover", "recover", only)
    label = fill('<span class="small soft">{text}</span>', text="Outage:")
    buttons = (_button(network, name, "outage", only, "bad", mode=name) for name in MODES)
    return join([label, *buttons])


def _person(network: Network, person: Person, only: str) -> Html:
    suspended = network.people.suspended(person.id)
    apps = network.ledger.clients_of(person.id)
    flag = fill('<span class="chip bad">{text}</span>', text="suspended") if suspended else Html("")
    return fill(
        PERSON,
        network=network.slug,
        id=person.id,
        name=person.name,
        flag=flag,
        login=person.login,
        password=network.people.password(person.id),
        apps=f"granted to {', '.join(apps)}" if apps else "no app has access",
        buttons=join(
            _button(network, label, verb, only, person=person.id)
            for label, verb in _verbs(network, suspended)
        ),
    )


def _verbs(network: Network, suspended: bool) -> list[tuple[str, str]]:
    verbs = [
        ("Change password", "change_password"),
        ("Revoke app", "revoke_app"),
        ("Restore", "restore") if suspended else ("Suspend", "suspend"),
        ("Expire access token", "expire_access"),
    ]
    if network.has_refresh_tokens:
        verbs.append(("Expire refresh token", "expire_refresh"))
    return verbs


def _profiles(network: Network, only: str) -> Html:
    admins, rows = network.people.admins(), []
    profiles = network.world.profiles.values()
    for profile in profiles:
        if profile.parent:
            continue
        rows.append(_profile(network, profile, admins[profile.id], only))
        children = [child for child in profiles if child.parent == profile.id]
        if len(children) > MANY:
            rows.append(_many(network, profile, children, only))
        else:
            rows += [_profile(network, child, admins[child.id], only) for child in children]
    return join(rows) if rows else fill('<p class="soft">{text}</p>', text="None.")


def _profile(network: Network, profile: Profile, admins: list[str], only: str) -> Html:
    names = {one.id: one.name for one in network.world.people.values()}
    shared = profile.kind in network.world.shared_kinds
    if shared:
        held = [
            _button(network, f"Remove {names[one]}", "remove_role", only, person=one,
                    profile=profile.id)
            for one in admins
        ]  # fmt: skip
    else:
        held = [fill('<span class="small soft">{name}</span>', name=names[one]) for one in admins]
    return fill(
        PROFILE,
        name=profile.name,
        kind=profile.kind,
        id=profile.id,
        place="child" if profile.parent else "",
        secret=Html('<span class="chip">secret</span>') if profile.secret else Html(""),
        admins=join(held),
        give=_give(network, profile, admins, only) if shared else Html(""),
    )


def _many(network: Network, parent: Profile, children: list[Profile], only: str) -> Html:
    people = network.world.people.values()
    return fill(
        MANY_CHILDREN,
        count=len(children),
        name=parent.name,
        hidden=_hidden(network=network.slug, page=only),
        profiles=_options(children),
        people=_options(people),
    )


def _options(ones: Iterable[Person | Profile]) -> Html:
    return join(fill(OPTION, id=one.id, name=one.name) for one in ones)


def _give(network: Network, profile: Profile, admins: list[str], only: str) -> Html:
    others = [one for one in network.world.people.values() if one.id not in admins]
    return fill(
        GIVE,
        hidden=_hidden(network=network.slug, do="grant_role", profile=profile.id, page=only),
        options=_options(others),
    )


def _button(
    network: Network, label: str, verb: str, only: str, look: str = "", **more: str
) -> Html:
    hidden = _hidden(network=network.slug, do=verb, page=only, **more)
    return fill(BUTTON, hidden=hidden, look=look, label=label)


def _hidden(**values: str) -> Html:
    return join(fill(HIDDEN, name=name, value=value) for name, value in values.items() if value)
