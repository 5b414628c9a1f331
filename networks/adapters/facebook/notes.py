"""What a person should know before leaving for Facebook, and what Facebook allows."""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from networks.base import Budget, Capability, Kind, Note, Push
from networks.families.facebook_login import MODERATES, PUBLISHES

REQUIRED_ROLE = _("content editor")
LOGIN_HINT = _("Sign in as the person who may create content on the page.")

KINDS = (
    Kind(
        "page",
        _("Page"),
        _("Page settings"),
        ngettext_lazy("%(count)d page", "%(count)d pages", "count"),
        choose=True,
        reads_role=True,
    ),
)

# https://developers.facebook.com/docs/pages-api
CAPABILITIES: Mapping[str, Capability] = {
    "connect": Capability(True, scopes=("pages_show_list",)),
    "publish_post": Capability(
        True, scopes=("pages_manage_posts", "pages_read_engagement"), roles=PUBLISHES
    ),
    "publish_comment": Capability(True, scopes=("pages_manage_engagement",), roles=MODERATES),
    "comment_on_incoming": Capability(
        True, scopes=("pages_manage_engagement", "pages_read_user_content"), roles=MODERATES
    ),
}

NOTES = (
    Note(
        _(
            "To add a Facebook page you must be its content editor: somebody with access for the "
            "task “Content”. You see yours in the page's settings, under “Page access”."
        ),
        (
            _("Facebook: access to a page and its tasks"),
            "https://www.facebook.com/help/289207354498410",
        ),
    ),
    Note(
        _(
            "Leave all permissions ticked, and tick every page that you want to see here: "
            "Facebook shows us no other."
        )
    ),
    Note(_("Personal profiles and groups cannot be connected, only pages.")),
    Note(
        _(
            "Facebook offers no choice of account: it takes whoever is signed in there. Sign out "
            "of Facebook first if that is not the right person."
        )
    ),
    Note(
        _(
            "Facebook wants a person to renew the connection every 90 days. A new password ends "
            "it at once."
        )
    ),
    Note(
        _("You can see at Facebook which apps have access, and revoke it there."),
        (
            _("Facebook: business integrations"),
            "https://www.facebook.com/settings?tab=business_tools",
        ),
    ),
)

# 200 calls an hour for each person who uses the app, all of them in one pot.
BUDGETS = (
    Budget(
        200, 3600, "login", "https://developers.facebook.com/docs/graph-api/overview/rate-limiting"
    ),
)

PUSH = (
    Push(
        "deauthorize callback",
        "https://developers.facebook.com/docs/facebook-login/guides/advanced/deauthorize",
    ),
    Push(
        "data deletion callback",
        "https://developers.facebook.com/docs/development/create-an-app/app-dashboard/data-deletion-callback",
    ),
)
