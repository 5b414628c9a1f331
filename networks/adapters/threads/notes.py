"""What a person should know before leaving for Threads, and what Threads allows."""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from networks.base import Budget, Capability, Kind, Note, Push

LOGIN_HINT = _("Sign in with the Threads account itself.")

KINDS = (
    Kind(
        "account",
        _("Account"),
        _("Profile settings"),
        ngettext_lazy("%(count)d account", "%(count)d accounts", "count"),
    ),
)

# https://developers.facebook.com/docs/threads/get-started
CAPABILITIES: Mapping[str, Capability] = {
    "connect": Capability(True, scopes=("threads_basic",)),
    "publish_post": Capability(True, scopes=("threads_content_publish",)),
    "publish_comment": Capability(
        True, scopes=("threads_content_publish", "threads_manage_replies")
    ),
    "comment_on_incoming": Capability(
        True, scopes=("threads_read_replies", "threads_manage_replies")
    ),
}

NOTES = (
    Note(_("You need the login of the Threads account itself; there are no roles at Threads.")),
    Note(
        _(
            "Threads offers no choice of account: it takes whoever is signed in there. Sign out "
            "of threads.com first if that is another account."
        )
    ),
    Note(_("A private account has to be connected again every 90 days.")),
    Note(
        _("You can see at Threads which apps have access, and revoke it there."),
        (
            _("Threads: website permissions"),
            "https://www.threads.com/settings/website_permissions",
        ),
    ),
)

# 4800 calls for each impression, of which at least ten are counted.
BUDGETS = (
    Budget(48_000, 86_400, "login", "https://developers.facebook.com/docs/threads/overview"),
)

PUSH = (
    Push("uninstall callback", "https://developers.facebook.com/docs/threads/get-started"),
    Push("delete callback", "https://developers.facebook.com/docs/threads/get-started"),
)
