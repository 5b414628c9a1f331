"""Threads: https://developers.facebook.com/docs/threads"""

from __future__ import annotations

from urllib.parse import quote

from networks.adapters.threads.notes import BUDGETS, CAPABILITIES, KINDS, LOGIN_HINT, NOTES, PUSH
from networks.families.own_login import OwnLogin


class Threads(OwnLogin):
    slug = "threads"
    name = "Threads"
    colour = "#000000"
    initials = "@"
    hosts = ("threads.com", "graph.threads.net")
    # https://developers.facebook.com/docs/threads/get-started; there is no choice of account,
    # and nobody wrote down how to take a token back: only a person can, at Threads.
    authorization_endpoint = "https://threads.com/oauth/authorize"
    token_endpoint = "https://graph.threads.net/oauth/access_token"  # noqa: S105
    scopes = (
        "threads_basic",
        "threads_content_publish",
        "threads_manage_replies",
        "threads_read_replies",
    )
    api = "https://graph.threads.net"
    # `debug_token` asks for the token of one of the app's testers, so this is the probe.
    me = "https://graph.threads.net/v1.0/me"
    me_fields = "id,username,name"
    id_field = "id"
    exchange_grant = "th_exchange_token"
    refresh_grant = "th_refresh_token"
    kinds = KINDS
    login_hint = LOGIN_HINT
    capabilities = CAPABILITIES
    notes = NOTES
    budgets = BUDGETS
    push = PUSH

    def page_of(self, username: str) -> str:
        return f"https://www.threads.com/@{quote(username, safe='')}"
