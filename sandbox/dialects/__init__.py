"""The practice networks, one dialect each."""

from __future__ import annotations

from sandbox.dialects.bluesky import Bluesky
from sandbox.dialects.facebook import Facebook
from sandbox.dialects.google_business import GoogleBusiness
from sandbox.dialects.instagram import Instagram
from sandbox.dialects.linkedin import LinkedIn
from sandbox.dialects.mastodon import Mastodon
from sandbox.dialects.pinterest import Pinterest
from sandbox.dialects.threads import Threads
from sandbox.dialects.tiktok import TikTok
from sandbox.dialects.x import X
from sandbox.dialects.xing import Xing
from sandbox.dialects.youtube import YouTube
from sandbox.network import Network

DIALECTS: tuple[type[Network], ...] = (
    Bluesky,
    Facebook,
    GoogleBusiness,
    Instagram,
    LinkedIn,
    Mastodon,
    Pinterest,
    Threads,
    TikTok,
    X,
    Xing,
    YouTube,
)
