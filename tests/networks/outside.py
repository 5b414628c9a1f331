"""A network from outside of this repository, as small as one can be."""

from networks.adapters.xing.adapter import Xing


class Outside(Xing):
    slug = "outside"
