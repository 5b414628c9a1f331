"""What there is at TikTok, what it allows, and what a person should know before leaving for it."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from networks.base import Budget, Capability, Kind, Note, Push

KINDS = (
    Kind(
        "account",
        _("Account"),
        _("Profile settings"),
        ngettext_lazy("%(count)d account", "%(count)d accounts", "count"),
    ),
)

# https://developers.tiktok.com/doc/content-posting-api-reference-direct-post
NO_COMMENTS = Capability(False, _("TikTok lets apps publish videos, but write no comments."))
CAPABILITIES = {
    "connect": Capability(True, scopes=("user.info.basic",)),
    "publish_post": Capability(True, scopes=("video.publish",)),
    "publish_comment": NO_COMMENTS,
    "comment_on_incoming": NO_COMMENTS,
}

LOGIN_HINT = _("Sign in with the TikTok account itself.")

NOTES = (
    Note(_("Ad accounts cannot be connected. Sign in with the account that posts the videos.")),
    Note(
        _(
            "TikTok offers no choice of account: it takes whoever is signed in there. Sign "
            "out of tiktok.com first if that is another account."
        )
    ),
    Note(
        _(
            "TikTok wants a person to renew the connection at least every 365 days, and "
            "sometimes earlier. The list shows it 30 days ahead."
        )
    ),
    Note(
        _("You can see at TikTok which apps have access, and revoke it there."),
        (
            _("TikTok: apps with access to your account"),
            "https://support.tiktok.com/en/safety-hc/account-and-user-safety/connect-to-third-party-apps",
        ),
    ),
)

# What we probe with; for the token endpoint none is published.
BUDGETS = (
    Budget(
        600,
        60,
        "app",
        "https://developers.tiktok.com/doc/tiktok-api-v2-rate-limit",
        "/v2/user/info/",
    ),
)
PUSH = (Push("authorization.removed", "https://developers.tiktok.com/doc/webhooks-events"),)
