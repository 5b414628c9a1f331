"""What the environment says about this program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

HOST = "127.0.0.1"
SMTP_OFFSET = 25


@dataclass(frozen=True)
class Settings:
    """Where to listen, where to keep things, and who our only client is.

    ``linkedin_settling`` is the seconds in which LinkedIn calls a token that it has just
    issued revoked: a false alarm of the real network, off unless asked for.
    """

    port: int = 8100
    data: Path = field(default=Path(".local/sandbox"))
    product_url: str = "http://127.0.0.1:8000"
    linkedin_settling: float = 0.0

    @property
    def smtp_port(self) -> int:
        """The SMTP receiver's port: the classic 25, above our own."""
        return self.port + SMTP_OFFSET

    @property
    def database(self) -> Path:
        """The file that survives a restart."""
        return self.data / "practice.sqlite3"

    def callback(self, slug: str) -> str:
        """The one redirect address registered at a network."""
        return f"{self.product_url}/oauth/{slug}/callback/"


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Read PRACTICE_PORT, PRACTICE_DATA, PRODUCT_URL and PRACTICE_LINKEDIN_SETTLING."""
    return Settings(
        port=int(environ.get("PRACTICE_PORT") or 8100),
        data=Path(environ.get("PRACTICE_DATA") or ".local/sandbox"),
        product_url=(environ.get("PRODUCT_URL") or "http://127.0.0.1:8000").rstrip("/"),
        linkedin_settling=float(environ.get("PRACTICE_LINKEDIN_SETTLING") or 0),
    )
