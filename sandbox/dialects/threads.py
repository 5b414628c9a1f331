"""Threads: as Instagram's login, but a missing scope is a 500.

Sources: "Get started" of Threads on developers.facebook.com; the sample app and error
bodies as quoted in public threads.
"""

from __future__ import annotations

from aiohttp import web

from sandbox.dialects.meta import error, fault
from sandbox.dialects.meta_login import MetaLogin
from sandbox.ledger import Token
from sandbox.network import Answer, json_answer
from sandbox.world import Profile


class Threads(MetaLogin):
    """The pages at threads.com and the API at graph.threads.net."""

    slug = "threads"
    title = "Threads"
    accent = "#333333"
    pages_host = "threads.com"
    hosts = ("threads.com", "graph.threads.net")
    authorize_path = "/oauth/authorize"
    token_host, api_host, version = "graph.threads.net", "graph.threads.net", "v1.0"
    prefix = "th"
    basic_scope = "threads_basic"
    known_scopes = frozenset(
        [
            "threads_basic",
            "threads_content_publish",
            "threads_manage_replies",
            "threads_read_replies",
        ]
    )

    def first(self, token: Token) -> web.Response:
        """Names the account, but not what was granted."""
        user = int(self.account(token).id)
        return json_answer({"access_token": token.value, "user_id": user})

    def shown(self, account: Profile) -> object:
        """Flat."""
        return {"id": account.id, "username": account.handle, "name": account.name}

    def bad_client(self) -> Exception:
        """A wrong id or secret."""
        return error(1, "Error validating client secret.")

    def bad_code(self) -> Exception:
        """A code that is used up."""
        return error(100, "This authorization code has been used.", 36009)

    def scope_missing(self) -> Exception:
        """Looks like an outage, and is none."""
        message = "Application does not have permission for this action"
        return Answer(500, fault(10, message, kind="THApiException"))
