"""What there is at Pinterest, what it allows, and what to know before leaving for it."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from networks.base import Budget, Capability, Kind, Note

KINDS = (
    Kind(
        "account",
        _("Account"),
        _("Profile settings"),
        ngettext_lazy("%(count)d account", "%(count)d accounts", "count"),
    ),
    Kind(
        "board",
        _("Board"),
        _("Page settings"),
        ngettext_lazy("%(count)d board", "%(count)d boards", "count"),
        comes_and_goes=True,
    ),
)

# Scopes: https://developers.pinterest.com/docs/getting-started/set-up-authentication-and-authorization/
NO_COMMENTS = Capability(False, _("Pinterest's interface for apps knows no comments."))
CAPABILITIES = {
    # Without the scope for secret boards the listing would lack them, as if they were gone.
    "connect": Capability(True, scopes=("user_accounts:read", "boards:read", "boards:read_secret")),
    "publish_post": Capability(True, scopes=("boards:read", "pins:write")),
    "publish_comment": NO_COMMENTS,
    "comment_on_incoming": NO_COMMENTS,
}

LOGIN_HINT = _("Sign in with the Pinterest account whose boards you want to see here.")

NOTES = (
    Note(
        _(
            "All boards of the account appear in the list, each with its own owners, teams "
            "and settings. Secret boards do, too."
        )
    ),
    Note(
        _(
            "Pinterest takes whoever is signed in there. Sign out of pinterest.com first if "
            "that is another account."
        )
    ),
    Note(
        _("You can see at Pinterest which apps have access, and revoke it there."),
        (_("Pinterest: security settings"), "https://www.pinterest.com/settings/security"),
    ),
)

# Of an app with standard access: of everything, and of what we ask (category org_read). An app on
# trial has 1000 calls a day in all.
SOURCE = "https://developers.pinterest.com/docs/reference/rate-limits"
BUDGETS = (Budget(100, 1, "login", SOURCE), Budget(1000, 60, "login", SOURCE))
