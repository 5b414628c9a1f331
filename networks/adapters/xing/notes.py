"""What there is at XING, what it still allows, and what to know before leaving for it."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from networks.base import Capability, Kind, Note

KINDS = (
    Kind(
        "profile",
        _("Profile"),
        _("Profile settings"),
        ngettext_lazy("%(count)d profile", "%(count)d profiles", "count"),
    ),
)

CAPABILITIES = {
    "connect": Capability(True),
    "publish_post": Capability(True),
    "publish_comment": Capability(True),
    "comment_on_incoming": Capability(
        False,
        _(
            "XING has ended the support of its interface for apps: incoming posts can no "
            "longer be commented."
        ),
    ),
}

LOGIN_HINT = _("Sign in with the XING profile itself.")
SILENCE = _("XING has discontinued its interface for apps")

NOTES = (
    Note(
        _(
            "XING has ended the support of its interface for apps. Profiles can still be "
            "connected, and posts and comments be published; incoming posts can no longer be "
            "commented."
        )
    ),
    Note(
        _(
            "XING no longer gives out keys for new apps. Profiles are connected with the key that "
            "the operator of this installation already has."
        )
    ),
    Note(
        _(
            "Changing the password at XING ends the connection, and XING does not tell that "
            "from other causes."
        )
    ),
    Note(
        _("You can see at XING which apps have access, and revoke it there."),
        (_("XING: settings"), "https://www.xing.com/settings"),
    ),
)
