"""What Google Business Profile allows, what it costs, and what to know before leaving for it."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from networks.base import Budget, Capability, Kind, Note
from networks.families.google import EMAIL, PROFILE

MANAGE = "https://www.googleapis.com/auth/business.manage"

# https://developers.google.com/my-business/content/implement-oauth; the others: security events
# come only for people who granted them.
SCOPES = ("openid", EMAIL, PROFILE, MANAGE)

# Who may do everything that we look after; SITE_MANAGER may not.
# https://developers.google.com/my-business/reference/accountmanagement/rest/v1/accounts#accountrole
MANAGER = "MANAGER"
RANKS = {"PRIMARY_OWNER": 3, "OWNER": 2, MANAGER: 1}

KINDS = (
    Kind(
        "location",
        _("Location"),
        _("Location settings"),
        ngettext_lazy("%(count)d location", "%(count)d locations", "count"),
        choose=True,
        reads_role=True,
    ),
)

REQUIRED_ROLE = _("owner or manager")
LOGIN_HINT = _("Sign in with a Google account that is owner or manager of the locations.")

# What comes in are reviews, and their one reply is no comment of a post.
# https://developers.google.com/my-business/content/posts-data
# https://developers.google.com/my-business/content/review-data
CAPABILITIES = {
    "connect": Capability(True, scopes=("openid", MANAGE)),
    "publish_post": Capability(True, scopes=(MANAGE,)),
    "publish_comment": Capability(
        False, _("Posts of a business profile have no comments, only reviews have replies.")
    ),
    "comment_on_incoming": Capability(True, scopes=(MANAGE,)),
}

NOTES = (
    Note(
        _(
            "To add a location you have to be owner or manager of its business profile. Site "
            "managers can see the location here, but not connect it."
        ),
        (
            _("Google: owners and managers of a business profile"),
            "https://support.google.com/business/answer/3403100",
        ),
    ),
    Note(
        _(
            "Only locations that Google has verified can publish. A profile that Google suspended "
            "stays in the list."
        ),
        (_("Google: your business profiles"), "https://business.google.com/locations"),
    ),
    Note(_("Google asks each time which account you mean. Choose the one of the business.")),
    Note(
        _(
            "You can see at Google which apps have access, and revoke it there. That ends all "
            "locations of the Google account at once."
        ),
        (_("Google: your connections"), "https://myaccount.google.com/connections"),
    ),
)

# For each of its interfaces. A project that Google has not approved yet has 0.
BUDGETS = (Budget(300, 60, "app", "https://developers.google.com/my-business/content/limits"),)
