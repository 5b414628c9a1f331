"""What YouTube allows, what it costs, and what a person should know before leaving for it."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from networks.base import Budget, Capability, Kind, Note
from networks.families.google import EMAIL, PROFILE

READ = "https://www.googleapis.com/auth/youtube.readonly"
UPLOAD = "https://www.googleapis.com/auth/youtube.upload"
COMMENT = "https://www.googleapis.com/auth/youtube.force-ssl"

# https://developers.google.com/youtube/v3/guides/auth/server-side-web-apps#identify-access-scopes
# The first three: security events come only for people who granted them.
SCOPES = ("openid", EMAIL, PROFILE, READ, UPLOAD, COMMENT)

KINDS = (
    Kind(
        "channel",
        _("Channel"),
        _("Channel settings"),
        ngettext_lazy("%(count)d channel", "%(count)d channels", "count"),
        reads_role=True,
    ),
)

LOGIN_HINT = _("Sign in with the Google account of the channel, then choose the channel.")

# Videos are the only posts that the interface knows; it has none for the Posts tab.
# https://developers.google.com/youtube/v3/docs#call-the-api
CAPABILITIES = {
    "connect": Capability(True, scopes=("openid", READ)),
    "publish_post": Capability(True, scopes=(UPLOAD,)),
    "publish_comment": Capability(True, scopes=(COMMENT,)),
    "comment_on_incoming": Capability(True, scopes=(COMMENT,)),
}

NOTES = (
    Note(
        _(
            "A connection is for one channel. Where your Google account has several, Google asks "
            "which one; connect every further channel on its own."
        ),
        (
            _("YouTube: your channels"),
            "https://www.youtube.com/channel_switcher",
        ),
    ),
    Note(
        _(
            "You have to be an owner or a manager of the channel's brand account. People who were "
            "only invited in YouTube Studio cannot connect the channel."
        ),
        (
            _("YouTube: who has which role in a channel"),
            "https://support.google.com/youtube/answer/9481328",
        ),
    ),
    Note(_("Posts are videos: YouTube's interface for apps has none for the tab “Posts”.")),
    Note(
        _(
            "A Google account without a channel cannot be connected. Create the channel at "
            "YouTube first."
        ),
        (_("YouTube: create a channel"), "https://support.google.com/youtube/answer/1646861"),
    ),
    Note(
        _(
            "You can see at Google which apps have access, and revoke it there. That ends all "
            "channels of the Google account at once."
        ),
        (_("Google: your connections"), "https://myaccount.google.com/connections"),
    ),
)

# Units, for all who use the project, until midnight in California. We call channels.list alone,
# which costs one; tokeninfo, which is what is probed, costs none.
BUDGETS = (
    Budget(
        10_000,
        86_400,
        "app",
        "https://developers.google.com/youtube/v3/determine_quota_cost",
        "/youtube/v3/",
    ),
)
