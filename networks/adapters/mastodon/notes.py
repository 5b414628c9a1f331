"""What a person should know before leaving for Mastodon, and what the network lets an app do."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from networks.base import Budget, Capability, Kind, Note, Question

QUESTION = Question(
    _("Your server"),
    _("The part of your address behind the last @. Your whole address will do as well."),
    example="mastodon.social",
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
    "connect": Capability(True, scopes=("read:accounts",)),
    "publish_post": Capability(True, scopes=("write:statuses", "write:media")),
    # A comment is a post that answers another one.
    "publish_comment": Capability(True, scopes=("write:statuses",)),
    "comment_on_incoming": Capability(
        True, scopes=("read:statuses", "read:notifications", "write:statuses")
    ),
}
LOGIN_HINT = _("Sign in with the Mastodon account that posts.")
NOTES = (
    Note(
        _(
            "Mastodon is many servers. An account is at home on one of them; the same name on "
            "another server is another account."
        ),
        (_("Mastodon: what is a server?"), "https://docs.joinmastodon.org/user/signup/"),
    ),
    Note(
        _(
            "Your server asks you to sign in again, even if you are signed in there. So you can "
            "choose which account it is."
        ),
    ),
    Note(
        _(
            "The account has to be confirmed and approved by its server. After a move to another "
            "server it is a new account, which has to be added."
        ),
        (_("Mastodon: moving to another server"), "https://docs.joinmastodon.org/user/moving/"),
    ),
    Note(
        _(
            "You can see at your server which apps have access, under “Account” and “Authorized "
            "apps”, and revoke it there. A new password set by mail revokes it for all apps."
        ),
        (
            _("Mastodon: authorized apps of mastodon.social"),
            "https://mastodon.social/oauth/authorized_applications",
        ),
    ),
)
# https://docs.joinmastodon.org/api/rate-limits/
LIMITS = "https://docs.joinmastodon.org/api/rate-limits/"
BUDGETS = (Budget(300, 300, "login", LIMITS), Budget(300, 300, "address", LIMITS))
