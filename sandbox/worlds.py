"""Every practice network's world; a new one is a module of its people, and one line here."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox import world, world_fedi, world_google, world_meta
from sandbox.world import World

WORLD: Mapping[str, World] = {
    "bluesky": world_fedi.bluesky(),
    "facebook": world_meta.facebook(),
    "google-business": world_google.google_business(),
    "instagram": world_meta.instagram(),
    "linkedin": world.linkedin(),
    "mastodon": world_fedi.mastodon(),
    "pinterest": world.pinterest(),
    "threads": world_meta.threads(),
    "tiktok": world.tiktok(),
    "x": world_google.x(),
    "xing": world.xing(),
    "youtube": world_google.youtube(),
}
