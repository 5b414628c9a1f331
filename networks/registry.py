"""Every network there is. A new one is its adapter and one line here."""

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
