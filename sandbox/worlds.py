"""Every practice network's world; a new one is a module of its people, and one line here."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox import world, world_google
from sandbox.world import World

WORLD: Mapping[str, World] = {
    "tiktok": world.tiktok(),
    "linkedin": world.linkedin(),
    "pinterest": world.pinterest(),
    "xing": world.xing(),
    "youtube": world_google.youtube(),
    "google-business": world_google.google_business(),
    "x": world_google.x(),
}
