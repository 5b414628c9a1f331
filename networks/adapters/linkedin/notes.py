"""What there is at LinkedIn, what it allows, and what to know before leaving for it."""

from datetime import timedelta

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from networks.base import Capability, Kind, Note, Reason

KINDS = (
    Kind(
        "page",
        _("Page"),
        _("Page settings"),
        ngettext_lazy("%(count)d page", "%(count)d pages", "count"),
        choose=True,
        reads_role=True,
    ),
    Kind(
        "person",
        _("Profile"),
        _("Profile settings"),
        ngettext_lazy("%(count)d profile", "%(count)d profiles", "count"),
        choose=True,
    ),
)

# One set for everything: asking for another voids all earlier tokens of that person.
# https://learn.microsoft.com/en-us/linkedin/shared/authentication/authorization-code-flow
SCOPES = (
    "openid",
    "profile",
    "w_member_social",
    "rw_organization_admin",
    "w_organization_social",
    "r_organization_social",
)
POSTS = ("w_member_social", "w_organization_social")
CAPABILITIES = {
    "connect": Capability(True, scopes=("openid", "profile", "rw_organization_admin")),
    "publish_post": Capability(True, scopes=POSTS),
    # Newer pages name *_feed scopes for comments, and some apps are refused all the same.
    "publish_comment": Capability(True, scopes=POSTS),
    "comment_on_incoming": Capability(
        True, scopes=("r_organization_social", "w_organization_social")
    ),
}

REQUIRED_ROLE = _("super admin")
LOGIN_HINT = _("Sign in as the person who is super admin of the page.")

# The refresh token's year counts from the consent, and no refresh makes it longer.
REAUTHORIZE_AFTER = timedelta(days=365)
# A token that was just issued may read dead in any of these ways for some seconds:
# https://github.com/decioferreira/omniauth-linkedin-oauth2/issues/17 and
# https://github.com/tomasvotava/fastapi-sso/issues/196
DOUBTFUL = frozenset({Reason.REVOKED_BY_USER, Reason.INVALID_TOKEN_UNSPECIFIED, Reason.EXPIRED})

NOTES = (
    Note(
        _(
            "Only a super admin of a LinkedIn page can connect it. Other admin roles can see "
            "the page here, but not connect it."
        ),
        (
            _("LinkedIn: admin roles and where to see yours"),
            "https://www.linkedin.com/help/linkedin/answer/a541981",
        ),
    ),
    Note(
        _(
            "LinkedIn offers no choice of account: it takes whoever is signed in there. Sign "
            "out of LinkedIn first if that is not the right person."
        ),
    ),
    Note(_("LinkedIn wants a person to renew the connection at least every 365 days.")),
    Note(
        _("You can see at LinkedIn which apps have access, and revoke it there."),
        (
            _("LinkedIn: permitted services"),
            "https://www.linkedin.com/psettings/permitted-services",
        ),
    ),
)
