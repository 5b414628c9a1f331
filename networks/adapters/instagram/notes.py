"""What a person should know before leaving for Instagram, and what Instagram allows."""

from collections.abc import Mapping
from dataclasses import replace

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from networks.base import Budget, Capability, Kind, Note, Push, Question

FACEBOOK = "https://www.facebook.com"
LIMITS = "https://developers.facebook.com/docs/graph-api/overview/rate-limiting"

QUESTION = Question(
    _("How do you sign in?"),
    _(
        "With the login of the Instagram account itself, or with that of a person who works on "
        "the Facebook page behind it."
    ),
    choices=(("", _("With Instagram")), (FACEBOOK, _("With Facebook"))),
)

REQUIRED_ROLE = _("content editor")
LOGIN_HINT = _("Sign in with the Instagram account itself, or as a person of its Facebook page.")

KINDS = (
    Kind(
        "account",
        _("Account"),
        _("Profile settings"),
        ngettext_lazy("%(count)d account", "%(count)d accounts", "count"),
        choose=True,
        reads_role=True,
    ),
)

# https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login
CAPABILITIES: Mapping[str, Capability] = {
    "connect": Capability(True, scopes=("instagram_business_basic",)),
    "publish_post": Capability(True, scopes=("instagram_business_content_publish",)),
    "publish_comment": Capability(True, scopes=("instagram_business_manage_comments",)),
    "comment_on_incoming": Capability(True, scopes=("instagram_business_manage_comments",)),
}

# The same as Facebook names it; and the accounts are found behind the pages.
FACEBOOK_CAPABILITIES: Mapping[str, Capability] = {
    "connect": Capability(True, scopes=("instagram_basic", "pages_show_list")),
    "publish_post": Capability(True, scopes=("instagram_content_publish", "pages_read_engagement")),
    **{
        name: replace(CAPABILITIES[name], scopes=("instagram_manage_comments",))
        for name in ("publish_comment", "comment_on_incoming")
    },
}

NOTES = (
    Note(
        _(
            "Only professional accounts can be connected, of a business or a creator. A private "
            "account can be changed into one at Instagram, free of charge."
        ),
        (
            _("Instagram: professional accounts"),
            "https://www.facebook.com/help/instagram/502981923235522",
        ),
    ),
    Note(
        _(
            "With Facebook you need access to the page that the Instagram account is linked to, "
            "with the task “Content”. Tick both, the page and the account."
        ),
        (
            _("Instagram: link an account to a Facebook page"),
            "https://www.facebook.com/help/instagram/570895513091465",
        ),
    ),
    Note(
        _(
            "Instagram asks you to sign in each time: take the account that you want to see here. "
            "Facebook takes whoever is signed in there."
        )
    ),
    Note(
        _("You can see at Instagram which apps have access, and revoke it there."),
        (
            _("Instagram: apps and websites"),
            "https://www.instagram.com/accounts/manage_access/",
        ),
    ),
)

# 4800 calls a day for each time that something of the account was seen.
BUDGETS = (Budget(4800, 86_400, "login", LIMITS),)

PUSH = (
    Push(
        "deauthorize callback",
        "https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login/business-login",
    ),
    Push(
        "data deletion callback",
        "https://developers.facebook.com/docs/development/create-an-app/app-dashboard/data-deletion-callback",
    ),
)
