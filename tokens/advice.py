"""What a Failure means to the operator, and what to do: one place for the page and the mails."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from networks.base import Reason
from tokens.models import Failure, OAuthApp
from tokens.templatetags.figures import figure

# As it stands after "answers 40 of 41 logins with".
WORDS: Mapping[Reason, Promise] = {
    Reason.EXPIRED: gettext_lazy("“expired”"),
    Reason.REVOKED_BY_USER: gettext_lazy("“revoked”"),
    Reason.PASSWORD_CHANGED: gettext_lazy("“password changed”"),
    Reason.PERMISSION_LOST: gettext_lazy("“permission missing”"),
    Reason.ACCOUNT_SUSPENDED: gettext_lazy("“account blocked”"),
    Reason.INVALID_TOKEN_UNSPECIFIED: gettext_lazy("“invalid”"),
    Reason.RATE_LIMITED: gettext_lazy("“too many requests”"),
    Reason.APP_DISABLED: gettext_lazy("“app refused”"),
    Reason.NOT_A_TOKEN_PROBLEM: gettext_lazy("“request refused”"),
    Reason.NOT_UNDERSTOOD: gettext_lazy("something unknown"),
    Reason.NO_LONGER_LISTED: gettext_lazy("“no longer there”"),
}

# What so many deaths at once may be besides deaths, and where to look.
SUDDEN = gettext_lazy(
    "See today in the developer console of %(network)s whether the app is active, and still has "
    "its permissions and the client id and secret that are entered here. If it has, wait: so many "
    "logins do not end by chance on one day, %(network)s is probably mistaken, and you get a mail "
    "when it is over. If not, put it right there, or ask the developer support of %(network)s."
)
ADVICE: Mapping[Reason, Promise] = {
    Reason.EXPIRED: gettext_lazy(
        "Either %(network)s has shortened how long access lasts, or a clock is wrong. See whether "
        "this machine's clock is right, and what %(network)s has announced for developers."
    ),
    Reason.REVOKED_BY_USER: SUDDEN,
    Reason.INVALID_TOKEN_UNSPECIFIED: SUDDEN,
    Reason.ACCOUNT_SUSPENDED: SUDDEN,
    Reason.NO_LONGER_LISTED: SUDDEN,
    Reason.PASSWORD_CHANGED: gettext_lazy(
        "%(network)s has probably ended everybody's sessions, as networks do after a leak, or it "
        "errs. Its news may say which; you need to do nothing."
    ),
    Reason.PERMISSION_LOST: gettext_lazy(
        "%(network)s has probably changed its roles or scopes, or taken a permission from our app. "
        "See in its developer console which permissions the app still has, and what %(network)s "
        "has announced for developers."
    ),
    Reason.RATE_LIMITED: gettext_lazy(
        "You need to do nothing now: we wait as long as %(network)s asks us to. If it comes back "
        "often, the app needs a higher limit there."
    ),
    Reason.NETWORK_OUTAGE: gettext_lazy(
        "You need to do nothing: we keep asking, and tell you when it answers again. The status "
        "page of %(network)s may know more."
    ),
    Reason.APP_DISABLED: gettext_lazy(
        "See in the developer console of %(network)s whether the app is blocked or in review, and "
        "whether client id and secret are still those that we are configured with. Nobody can "
        "connect meanwhile, and signing in again would not help."
    ),
    Reason.NOT_A_TOKEN_PROBLEM: gettext_lazy(
        "%(network)s refuses our question and not the logins: a version of its API may be retired. "
        "See what it has announced for developers, and whether there is an update of Tokenwacht."
    ),
    Reason.NOT_UNDERSTOOD: gettext_lazy(
        "%(network)s answers something that Tokenwacht has not learnt yet, so nothing follows from "
        "it. See whether there is an update of Tokenwacht, and what %(network)s has announced for "
        "developers."
    ),
}


def name_of_app(app: OAuthApp) -> str:
    """The server that it is registered at, where its network has several; else its client id."""
    return urlsplit(app.issuer).hostname or app.client_id


def place(failure: Failure) -> str:
    """«LinkedIn», or «Mastodon (alpen.social.example)» where one app fails."""
    name = failure.network.name
    return f"{name} ({name_of_app(failure.app)})" if failure.app else name


def fact(failure: Failure) -> str:
    """«LinkedIn answers 40 of 41 logins with “invalid”», in the past where it is over."""
    if failure.reason == Reason.NETWORK_OUTAGE:
        words = (
            _("%(place)s did not answer %(logins)s of %(asked)s logins")
            if failure.closed_at
            else _("%(place)s does not answer %(logins)s of %(asked)s logins")
        )
    else:
        words = (
            _("%(place)s answered %(logins)s of %(asked)s logins with %(word)s")
            if failure.closed_at
            else _("%(place)s answers %(logins)s of %(asked)s logins with %(word)s")
        )
    return words % {
        "place": place(failure),
        "logins": figure(failure.logins),
        "asked": figure(failure.asked),
        "word": WORDS.get(Reason(failure.reason)),  # not needed where nobody answers
    }


def usual(expected: float) -> str:
    """How many logins would have failed anyway."""
    if expected < 1:
        return _("normally it would be less than one in this time")
    return _("normally it would be about %(number)s in this time") % {"number": figure(expected)}


def consequence(failures: Collection[Failure]) -> str:
    """What follows from them while they are open, for the owners."""
    held = sum(failure.held for failure in failures if not failure.believed_at)
    if not held and any(failure.believed_at for failure in failures):
        return _("What was held back is asked again, and of what has ended its owners are told.")
    if not held:
        return _("No profile turns red because of it, and no owner is written to.")
    words = ngettext(
        "%(held)s access is held back, and no owner is written to.",
        "%(held)s accesses are held back, and no owner is written to.",
        held,
    )
    return words % {"held": figure(held)}


def what_to_do(failure: Failure) -> str:
    return str(ADVICE[Reason(failure.reason)]) % {"network": failure.network.name}
