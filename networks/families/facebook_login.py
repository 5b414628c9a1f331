"""Facebook Login: a person's token of sixty days, and the pages behind it with their own.

https://developers.facebook.com/docs/facebook-login/guides/access-tokens
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import Any

from networks.base import (
    Answer,
    Client,
    Conversation,
    Get,
    Grant,
    Health,
    Identity,
    Known,
    Reachable,
    Reason,
    Refusal,
    Refused,
    Request,
    Verdict,
    Where,
    alive,
    unclear,
)
from networks.families.graph import GRAPH, VERSION, GraphNetwork, appsecret_proof, inspected, loaded
from networks.families.graph_batch import BATCH, batch, chunks, part
from networks.families.graph_lists import listed, next_cursor
from networks.reading import (
    NOT_UNDERSTOOD,
    a_moment,
    a_name,
    an_id,
    attempt,
    refusal_of,
    token_text,
)

HOSTS = ("www.facebook.com", "graph.facebook.com")
HOPE = (Health.ALIVE, Health.UNCLEAR, Health.DEAD)  # of several, the best counts
MOST_LISTS = 100  # of a hundred pages each
# In Grant.keep, for the time after the person's token has ended: "page:<id>" is a page's own
# token, "tasks:<id>" what the person may do there, "user:<id>" who that is.
PAGE, TASKS, USER = "page:", "tasks:", "user:"

# https://developers.facebook.com/docs/pages-api/manage-pages (tasks); pages of the newer
# experience write their own words for them.
PUBLISHES = ("CREATE_CONTENT", "PROFILE_PLUS_CREATE_CONTENT", "PROFILE_PLUS_FULL_CONTROL")
MODERATES = ("MODERATE", "PROFILE_PLUS_MODERATE", "PROFILE_PLUS_FULL_CONTROL")


class FacebookLogin(GraphNetwork):
    authorization_endpoint = f"https://www.facebook.com/{VERSION}/dialog/oauth"
    token_endpoint = f"{GRAPH}/oauth/access_token"
    introspection_endpoint = f"{GRAPH}/debug_token"
    # https://developers.facebook.com/docs/graph-api/reference/user/permissions
    revocation_endpoint = f"{GRAPH}/me/permissions"
    # Shows again what was declined before. Facebook has no choice of account, and says itself
    # that asking for the password again must not be used for one:
    # https://developers.facebook.com/docs/facebook-login/guides/advanced/re-authentication
    authorization_parameters = {"auth_type": "rerequest"}
    batch_size = BATCH
    page_fields = "id,name,username"

    def reachable(self, page: Mapping[str, Any]) -> Reachable | None:
        """What there is to look after at one entry of the pages' list."""
        raise NotImplementedError

    # Connecting.

    def exchange(
        self, client: Client, callback: Mapping[str, str], keep: Mapping[str, str]
    ) -> Conversation:
        """The code, then sixty days for it, then what was granted, and then the pages' tokens:
        taken with a token of sixty days they have no end."""
        short = yield from super().exchange(client, callback, keep)
        form = {"grant_type": "fb_exchange_token", "fb_exchange_token": short.access_token}
        answer = yield from attempt(self.post(client, self.token_endpoint, form))
        grant = self.grant_in(answer, short)
        if grant is None:
            raise Refused(self.exchange_refusal(answer))
        grant = yield from self.described(client, grant)
        pages = yield from self.pages(client, grant, ",access_token")
        ours = [page for page in pages if self.reachable(page)]
        if not ours:
            raise Refused(Refusal.NOTHING_THERE)
        own = {key: text for page in ours for key, text in kept_of(page).items()}
        if not own:
            return grant
        identity: Identity = yield from self.identify(client, grant)
        own[USER + identity.subject] = identity.name
        return replace(grant, keep=own, expires_at=None)

    def described(self, client: Client, grant: Grant) -> Generator[Request, Answer, Grant]:
        """The grant with its scopes, which the person may have unticked, and all its clocks."""
        (answer,) = yield from self.inspect(client, [grant.access_token])
        verdict = self.read(Where.API_CALL, answer or Answer(0))
        if verdict.health is not Health.ALIVE:
            raise Refused(refusal_of(verdict))
        data = inspected(answer or Answer(0))
        if not data:
            raise Refused(Refusal.NOT_UNDERSTOOD)
        scopes = scopes_in(data) or ()
        missing = tuple(scope for scope in self.required_scopes if scope not in scopes)
        if missing:
            raise Refused(Refusal.SCOPE_MISSING, missing=missing)
        return replace(
            grant,
            scopes=scopes,
            # 0: never
            expires_at=a_moment(data["expires_at"]) if "expires_at" in data else grant.expires_at,
            reauthorize_by=a_moment(data.get("data_access_expires_at")),
        )

    def identify(self, client: Client, grant: Grant) -> Conversation:
        request = self.ask(client, grant.access_token, "me", fields="id,name")
        answer = yield from attempt(request)
        verdict = self.read(Where.API_CALL, answer)
        if verdict.reason is Reason.EXPIRED and (known := kept(grant, USER)):
            return Identity(*next(iter(known.items())))
        if verdict.health is not Health.ALIVE:
            raise Refused(refusal_of(verdict))
        subject = an_id(answer.json.get("id"))
        if not subject:
            raise Refused(Refusal.NOT_UNDERSTOOD)
        return Identity(subject, a_name(answer.json.get("name"), subject))

    # What it reaches.

    def reach(self, client: Client, grant: Grant, identity: Identity) -> Conversation:
        pages = yield from self.pages(client, grant)
        return [one for one in map(self.reachable, pages) if one]

    def pages(
        self, client: Client, grant: Grant, more: str = ""
    ) -> Generator[Request, Answer, list[dict[str, Any]]]:
        """Every page with its tasks. Where the person's token has ended, those pages whose own
        tokens still live, with the tasks of then: no other call names them."""
        found: list[dict[str, Any]] = []
        params = {"fields": f"{self.page_fields},tasks{more}", "limit": "100"}
        for _ in range(MOST_LISTS):
            request = self.ask(client, grant.access_token, "me/accounts", **params)
            answer = yield from attempt(request)
            verdict = self.read(Where.API_CALL, answer)
            if verdict.reason is Reason.EXPIRED and kept(grant, PAGE):
                return (yield from self.kept_pages(client, grant))
            found += listed(answer, verdict)
            after = next_cursor(answer.json)
            if not after or after == params.get("after"):
                return list({an_id(page.get("id")): page for page in found}.values())
            params["after"] = after
        raise Refused(Refusal.NOT_UNDERSTOOD)

    def kept_pages(
        self, client: Client, grant: Grant
    ) -> Generator[Request, Answer, list[dict[str, Any]]]:
        found: list[dict[str, Any]] = []
        query, tasks = {"fields": self.page_fields}, kept(grant, TASKS)
        for tokens in chunks(kept(grant, PAGE).items()):
            parts = [
                part(page, {**query, "appsecret_proof": appsecret_proof(client, token)}, token)
                for page, token in tokens
            ]
            answers = yield from batch(client, parts)
            if isinstance(answers, Answer):
                raise Refused(Refusal.NETWORK_UNAVAILABLE)
            for (page, _), answer in zip(tokens, answers, strict=True):
                verdict = self.read(Where.PROBE, answer) if answer else NOT_UNDERSTOOD
                if answer and verdict.health is Health.ALIVE:
                    then = {"tasks": tasks[page].split()} if page in tasks else {}
                    found.append({**answer.json, **then})
                elif verdict.health is not Health.DEAD:  # never read as fewer pages
                    raise Refused(Refusal.NETWORK_UNAVAILABLE)
        return found

    # Whether it lives.

    def probe(self, client: Client, grant: Grant, subject: str) -> Conversation:
        """Where the person's token has ended, the access lives on in any page's own."""
        (answer,) = yield from self.inspect(client, [grant.access_token])
        verdict = self.verdict(client, grant, subject, answer)
        pages = list(kept(grant, PAGE).values())
        if verdict.reason is not Reason.EXPIRED or not pages:
            return verdict
        verdicts = []
        for some in chunks(pages):
            answers = yield from self.inspect(client, some)
            verdicts += [self.verdict(client, grant, subject, answer) for answer in answers]
        return min(verdicts, key=lambda one: HOPE.index(one.health))

    def probe_batch(self, client: Client, tokens: list[tuple[Grant, str]]) -> Conversation:
        answers = yield from self.inspect(client, [grant.access_token for grant, _ in tokens])
        is_whole = all(answer is answers[0] for answer in answers)  # it failed for all at once
        verdicts: list[Verdict | None] = []
        for (grant, subject), answer in zip(tokens, answers, strict=True):
            verdict = self.verdict(client, grant, subject, answer)
            has_pages = verdict.reason is Reason.EXPIRED and kept(grant, PAGE)
            is_part = not is_whole and (answer is None or answer.status != 200)
            verdicts.append(None if has_pages or is_part else verdict)
        return verdicts

    def verdict(self, client: Client, grant: Grant, subject: str, answer: Answer | None) -> Verdict:
        """What `debug_token` said. An error that stands outside of its `data` is about the app's
        own token, which asked; only a checkpoint of the person's was seen there too."""
        if answer is None:
            return unclear(Reason.NETWORK_OUTAGE)
        verdict = self.read(Where.PROBE, answer, Known.of(grant))
        data = inspected(answer)
        if verdict.health is Health.DEAD and not data:
            is_person = verdict.reason is Reason.ACCOUNT_SUSPENDED
            return verdict if is_person else unclear(Reason.APP_DISABLED)
        if verdict.health is not Health.ALIVE:
            return verdict
        if an_id(data.get("app_id")) != client.client_id:
            return unclear(Reason.APP_DISABLED) if "app_id" in data else NOT_UNDERSTOOD
        if an_id(data.get("user_id")) not in (subject, ""):
            return NOT_UNDERSTOOD
        return alive(scopes_in(data)) if data.get("is_valid") is True else NOT_UNDERSTOOD

    def revoke(self, client: Client, grant: Grant) -> Generator[Request, Answer, bool]:
        return (yield from self.revoked(client, grant, self.revocation_endpoint))

    def revoked(
        self, client: Client, grant: Grant, address: str
    ) -> Generator[Request, Answer, bool]:
        proof = {"appsecret_proof": appsecret_proof(client, grant.access_token)}
        request = Request("DELETE", address, params=proof, bearer=grant.access_token)
        answer = yield from attempt(request)
        said_so = loaded(answer) is True or answer.json.get("success") is True
        return answer.status == 200 and said_so

    # The requests.

    def ask(self, client: Client, token: str, path: str, **params: str) -> Request:
        params["appsecret_proof"] = appsecret_proof(client, token)
        return Get(f"{GRAPH}/{path}", params=params, bearer=token)

    def inspect(
        self, client: Client, tokens: list[str]
    ) -> Generator[Request, Answer, list[Answer | None]]:
        """`debug_token`, which wants the token as a parameter of its address: within a batch it
        is one of a form, so that no log on the way sees it."""
        parts = [part("debug_token", {"input_token": token}) for token in tokens]
        answers = yield from batch(client, parts)
        return [answers] * len(parts) if isinstance(answers, Answer) else answers


def scopes_in(data: Mapping[str, Any]) -> tuple[str, ...] | None:
    """None where it says none: a living token has some."""
    scopes = data.get("scopes")
    named = [one for one in scopes if isinstance(one, str)] if isinstance(scopes, list) else []
    return tuple(named) or None


def kept(grant: Grant, what: str) -> dict[str, str]:
    """By id, what was kept of pages' tokens, of tasks, or of the person."""
    found = grant.keep.items()
    return {key.removeprefix(what): text for key, text in found if key.startswith(what)}


def kept_of(page: Mapping[str, Any]) -> dict[str, str]:
    remote_id, token = an_id(page["id"]), token_text(page.get("access_token"))
    tasks = {TASKS + remote_id: " ".join(tasks_in(page))} if tasks_in(page) else {}
    return {PAGE + remote_id: token, **tasks} if token else {}


def with_role(found: Reachable, page: Mapping[str, Any]) -> Reachable:
    """With the person's tasks on that page, those that we need first, and the one that is
    missing. Where the page names no list of them, nobody said anything."""
    if not isinstance(page.get("tasks"), list):
        return found
    words = tasks_in(page)
    lacks = not set(PUBLISHES) & set(words)
    return replace(found, role=" ".join(words), missing_role=PUBLISHES[0] if lacks else "")


def tasks_in(page: Mapping[str, Any]) -> list[str]:
    tasks = page.get("tasks")
    words = [a_name(task) for task in tasks] if isinstance(tasks, list) else []
    return sorted(filter(None, words), key=lambda word: word not in PUBLISHES + MODERATES)
