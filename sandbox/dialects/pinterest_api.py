"""Pinterest's API: the account, and its boards a page at a time.

Source: Pinterest's OpenAPI description of v5 (``user_account/get``, ``boards/list``,
``boards/get``) and its example error bodies.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import TYPE_CHECKING

from aiohttp import web

from sandbox.ledger import ACCESS, Grant
from sandbox.network import Answer, bearer
from sandbox.world import Profile

if TYPE_CHECKING:
    from sandbox.dialects.pinterest import Pinterest

MISSING_SCOPE = (
    "Your token does not have sufficient permissions to perform this operation. Please ensure"
    " your token is authorized with the correct set of scopes."
)
DEFAULT_PAGE, LARGEST_PAGE = 25, 250


def authentication_failed() -> Answer:
    """The one answer for every bad token and for a bad client."""
    return Answer(401, {"code": 2, "message": "Authentication failed.", "status": "failure"})


class PinterestApi:
    """The calls under api.pinterest.com."""

    def __init__(self, network: Pinterest) -> None:
        self.network = network

    def routes(self) -> Iterable[web.RouteDef]:
        """The account, its boards, one board."""
        host = "/api.pinterest.com/v5"
        return [
            web.get(f"{host}/user_account", self.user_account),
            web.get(f"{host}/boards", self.boards),
            web.get(f"{host}/boards/{{id}}", self.board),
        ]

    async def user_account(self, request: web.Request) -> web.StreamResponse:
        """Whose token this is."""
        grant = self.grant(request)
        if "user_accounts:read" not in grant.scopes:
            message = "Not authorized to access the user account."
            raise Answer(403, {"code": 403, "message": message})
        account = self.account(grant.person)
        return web.json_response(
            {
                "account_type": "BUSINESS",
                "id": account.id,
                "username": account.handle,
                "business_name": account.name,
                "about": "",
                "profile_image": f"https://i.pinimg.example/280x280/{account.handle}.jpg",
                "website_url": f"https://{account.handle}.example",
                "board_count": len(self.visible(grant)),
                "pin_count": 0,
                "follower_count": 310,
                "following_count": 12,
                "monthly_views": 4200,
            }
        )

    async def boards(self, request: web.Request) -> web.StreamResponse:
        """A page of boards and the bookmark of the next; null after the last."""
        grant = self.grant(request)
        self.needs(grant, "boards:read")
        found = self.visible(grant)
        wanted = request.query.get("privacy", "ALL")
        if wanted != "ALL":
            found = [board for board in found if _privacy(board) == wanted]
        start, size = self.start(request), self.size(request)
        bookmark = _bookmark(start + size) if start + size < len(found) else None
        items = [self.described(board) for board in found[start : start + size]]
        return web.json_response({"items": items, "bookmark": bookmark})

    async def board(self, request: web.Request) -> web.StreamResponse:
        """One board, for those who may see it."""
        grant = self.grant(request)
        self.needs(grant, "boards:read")
        for board in self.visible(grant):
            if board.id == request.match_info["id"]:
                return web.json_response(self.described(board))
        if request.match_info["id"] in self.network.world.profiles:
            message = "Not authorized to access board or Pin."
            raise Answer(401, {"code": 7, "message": message})
        raise Answer(404, {"code": 40, "message": "Board not found."})

    def visible(self, grant: Grant) -> list[Profile]:
        """The person's own boards and those she joined; secret ones with their scope."""
        return [
            profile
            for profile, _ in self.network.people.roles_of(grant.person)
            if profile.kind == "board"
            and (not profile.secret or "boards:read_secret" in grant.scopes)
        ]

    def described(self, board: Profile) -> dict[str, object]:
        """A board as the listing shows it."""
        owner = self.network.world.profiles[board.parent]
        return {
            "id": board.id,
            "name": board.name,
            "description": "",
            "privacy": _privacy(board),
            "owner": {"username": owner.handle},
            "pin_count": 0,
            "follower_count": 0,
            "collaborator_count": len(self.network.people.admins()[board.id]) - 1,
            "media": {"image_cover_url": None},
            "is_ads_only": False,
        }

    def grant(self, request: web.Request) -> Grant:
        """Whose call this is; expired, revoked and blocked look the same."""
        token = self.network.ledger.find(bearer(request), ACCESS)
        if token is None or not token.live or not self.network.serving(token.grant.person):
            raise authentication_failed()
        return token.grant

    def needs(self, grant: Grant, scope: str) -> None:
        """A 401 with code 3 where the scope is missing; the token itself is alive."""
        if scope not in grant.scopes:
            raise Answer(401, {"code": 3, "message": MISSING_SCOPE})

    def account(self, person: str) -> Profile:
        """The account that this login is."""
        return self.network.world.of(person, "account")

    def size(self, request: web.Request) -> int:
        """How many boards a page holds."""
        text = request.query.get("page_size", str(DEFAULT_PAGE))
        if not text.isdecimal() or not 1 <= int(text) <= LARGEST_PAGE:
            message = f"Invalid request: page_size must be between 1 and {LARGEST_PAGE}."
            raise Answer(400, {"code": 1, "message": message})
        return int(text)

    def start(self, request: web.Request) -> int:
        """Where the bookmark points to."""
        bookmark = request.query.get("bookmark", "")
        try:
            return int(base64.b64decode(bookmark, altchars=b"-_", validate=True) or 0)
        except ValueError:
            raise Answer(400, {"code": 1, "message": "Invalid request: bookmark."}) from None


def _bookmark(start: int) -> str:
    return base64.urlsafe_b64encode(f"{start:09d}".encode()).decode()


def _privacy(board: Profile) -> str:
    return "SECRET" if board.secret else "PUBLIC"
