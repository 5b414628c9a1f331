"""Every network there is. A new one is its adapter and one line here, or in ADDITIONAL_NETWORKS."""

from collections.abc import Iterable

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from networks.adapters.bluesky.adapter import Bluesky
from networks.adapters.facebook.adapter import Facebook
from networks.adapters.google_business.adapter import GoogleBusiness
from networks.adapters.instagram.adapter import Instagram
from networks.adapters.linkedin.adapter import LinkedIn
from networks.adapters.mastodon.adapter import Mastodon
from networks.adapters.pinterest.adapter import Pinterest
from networks.adapters.threads.adapter import Threads
from networks.adapters.tiktok.adapter import TikTok
from networks.adapters.x.adapter import X
from networks.adapters.xing.adapter import Xing
from networks.adapters.youtube.adapter import YouTube
from networks.base import Network
from networks.configured import read_networks

NETWORKS: dict[str, Network] = {
    network.slug: network
    for network in [
        Bluesky(),
        Facebook(),
        GoogleBusiness(),
        Instagram(),
        LinkedIn(),
        Mastodon(),
        Pinterest(),
        Threads(),
        TikTok(),
        X(),
        Xing(),
        YouTube(),
    ]
}


def add(dotted_paths: Iterable[str], described: str) -> None:
    """Networks of this installation alone: classes from outside of this repository, and what
    NETWORKS describes. Raises ImproperlyConfigured, which says what to change."""
    for network in [*map(imported, dotted_paths), *read_networks(described)]:
        if network.slug in NETWORKS:
            raise ImproperlyConfigured(f"There is a network {network.slug} already: rename one.")
        NETWORKS[network.slug] = network


def imported(dotted_path: str) -> Network:
    try:
        network = import_string(dotted_path)()
    except (ImportError, TypeError, ValueError) as error:
        raise ImproperlyConfigured(f"ADDITIONAL_NETWORKS, {dotted_path}: {error}") from error
    if not isinstance(network, Network):
        raise ImproperlyConfigured(f"ADDITIONAL_NETWORKS, {dotted_path} is no Network.")
    return network
