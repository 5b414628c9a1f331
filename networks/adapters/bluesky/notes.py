"""What a person should know before leaving for Bluesky, and what the network lets an app do."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from networks.base import Budget, Capability, Kind, Note, Push, Question

QUESTION = Question(
    _("Your handle"),
    _("Bluesky finds your server by it. The address of your server, or your DID, will do as well."),
    example="anna.bsky.social",
)
KINDS = (
    Kind(
        "account",
        _("Account"),
        _("Profile settings"),
        ngettext_lazy("%(count)d account", "%(count)d accounts", "count"),
    ),
)
CAPABILITIES = {
    "connect": Capability(True, scopes=("atproto",)),
    "publish_post": Capability(True, scopes=("atproto", "transition:generic")),
    # A comment is a post that answers another one.
    "publish_comment": Capability(True, scopes=("atproto", "transition:generic")),
    "comment_on_incoming": Capability(True, scopes=("atproto", "transition:generic")),
}
LOGIN_HINT = _("Sign in with the Bluesky account that posts.")
NOTES = (
    Note(
        _(
            "Every account lives on a server of its own choice. You sign in there, with its "
            "password and never with an app password."
        ),
        (
            _("Bluesky: what a handle is"),
            "https://bsky.social/about/blog/4-28-2023-domain-handle-tutorial",
        ),
    ),
    Note(
        _(
            "The account is known by its DID: the handle may change, and the connection stays. "
            "After a move to another server it has to be renewed."
        ),
    ),
    Note(
        _(
            "An account that is deactivated or taken down cannot be connected. If you "
            "deactivated it yourself, activate it again first."
        ),
    ),
    Note(
        _(
            "Several accounts may be signed in at your server. Choose the right one there, or "
            "“Another account”."
        ),
    ),
    Note(
        _("You can see at your server which apps have access, and revoke it there."),
        (_("Bluesky: connected apps"), "https://bsky.social/account"),
    ),
)
# https://docs.bsky.app/docs/advanced-guides/rate-limits
LIMITS = "https://docs.bsky.app/docs/advanced-guides/rate-limits"
BUDGETS = (
    Budget(3000, 300, "address", LIMITS),
    Budget(5000, 3600, "login", LIMITS),
    Budget(35000, 86400, "login", LIMITS),
)
PUSH = (
    Push(
        "#account",
        "https://atproto.com/specs/sync#firehose",
    ),
)
