"""``python -m sandbox`` starts the practice networks."""

from __future__ import annotations

import asyncio
import os
import sys

from sandbox.server import serve
from sandbox.settings import from_environment


def main() -> int:
    """Read the environment, serve, and say in one line why that did not work."""
    settings = from_environment(os.environ)
    try:
        asyncio.run(serve(settings))
    except OSError as wrong:
        sys.stderr.write(f"The practice networks could not start: {wrong}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
