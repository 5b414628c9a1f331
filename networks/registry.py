"""Every network there is. A new one is its adapter and one line here."""

from networks.adapters.linkedin.adapter import LinkedIn
from networks.adapters.pinterest.adapter import Pinterest
from networks.adapters.tiktok.adapter import TikTok
from networks.adapters.xing.adapter import Xing
from networks.base import Network

NETWORKS: dict[str, Network] = {
    network.slug: network
    for network in [
        LinkedIn(),
        Pinterest(),
        TikTok(),
        Xing(),
    ]
}
