"""What X allows, what it costs, and what a person should know before leaving for it."""

from decimal import Decimal

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from networks.base import Budget, Capability, Kind, Note, Price, Push

# users/me wants both of the first two; offline.access brings the refresh token.
# https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code#scopes
SCOPES = ("users.read", "tweet.read", "tweet.write", "media.write", "offline.access")
READ = ("users.read", "tweet.read", "offline.access")
WRITE = ("users.read", "tweet.read", "tweet.write")

KINDS = (
    Kind(
        "account",
        _("Account"),
        _("Profile settings"),
        ngettext_lazy("%(count)d account", "%(count)d accounts", "count"),
    ),
)

LOGIN_HINT = _("Sign in with the X account itself.")

# https://docs.x.com/changelog, 23 February 2026
CAPABILITIES = {
    "connect": Capability(True, scopes=READ),
    "publish_post": Capability(True, scopes=(*WRITE, "media.write")),
    "publish_comment": Capability(
        False,
        _(
            "X lets apps reply only where the author has mentioned or quoted the account, unless "
            "the app has an enterprise contract."
        ),
    ),
    # Who mentions or quotes the account may be answered.
    "comment_on_incoming": Capability(True, scopes=WRITE),
}

NOTES = (
    Note(
        _(
            "X offers no choice of account: it takes whoever is signed in there. Change the "
            "account on x.com first if that is another one."
        ),
        (
            _("X: several accounts in one browser"),
            "https://help.x.com/en/managing-your-account/managing-multiple-accounts",
        ),
    ),
    Note(
        _(
            "X keeps one connection of an account with this app. If the same account is connected "
            "again elsewhere with it, this connection ends."
        )
    ),
    Note(_("Replies work only where the author has mentioned or quoted the account.")),
    Note(
        _("You can see at X which apps have access, and revoke it there."),
        (_("X: connected apps"), "https://x.com/settings/connected_apps"),
    ),
)

# The headers x-rate-limit-{limit,remaining,reset} say how much of it is left.
BUDGETS = (
    Budget(75, 900, "login", "https://docs.x.com/x-api/fundamentals/rate-limits", "/2/users/me"),
)
# For a user that is read; reading the same one again on a day of UTC is free most of the time, and
# is counted here all the same. Errors are not billed.
PRICES = (
    Price(
        Decimal("0.010"), "USD", "/2/users/me", "https://docs.x.com/x-api/getting-started/pricing"
    ),
)

PUSH = (Push("oauth.revoke", "https://docs.x.com/x-api/activity/introduction"),)
