"""The practice networks, one dialect each."""

from __future__ import annotations

from sandbox.dialects.linkedin import LinkedIn
from sandbox.dialects.pinterest import Pinterest
from sandbox.dialects.tiktok import TikTok
from sandbox.dialects.xing import Xing
from sandbox.network import Network

DIALECTS: tuple[type[Network], ...] = (TikTok, LinkedIn, Pinterest, Xing)
