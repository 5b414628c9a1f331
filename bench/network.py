"""A network that says yes to everybody: Pinterest's account resource, answered by the token."""

from __future__ import annotations

import sys

from aiohttp import web


async def account(request: web.Request) -> web.Response:
    subject = request.headers["Authorization"].removeprefix("Bearer ")
    return web.json_response({"id": subject, "username": subject})


def main(port: int) -> None:
    app = web.Application()
    app.router.add_get("/{anything:.*}", account)
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    main(int(sys.argv[1]))
