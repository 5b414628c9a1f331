"""What a Reason means, in words for people. One place, shared by pages and mails.

Honest wherever a network gives no cause: it says so, and what it may have been.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from networks.base import Network, Reason

# A few words for the list, as they stand after "since 9:12".
HEADLINES: Mapping[Reason, Promise] = {
    Reason.EXPIRED: _("expired"),
    Reason.REVOKED_BY_USER: _("revoked, says %(network)s"),
    Reason.PASSWORD_CHANGED: _("password changed at %(network)s"),
    Reason.PERMISSION_LOST: _("role missing at %(network)s"),
    Reason.ACCOUNT_SUSPENDED: _("person blocked by %(network)s"),
    Reason.INVALID_TOKEN_UNSPECIFIED: _("invalid, %(network)s gives no reason"),
    Reason.RATE_LIMITED: _("%(network)s asks us to wait"),
    Reason.NETWORK_OUTAGE: _("%(network)s does not answer"),
    Reason.APP_DISABLED: _("our app is refused by %(network)s"),
    Reason.NOT_A_TOKEN_PROBLEM: _("%(network)s answers, but not to our question"),
    Reason.NOT_UNDERSTOOD: _("%(network)s answers something unknown"),
    Reason.NO_LONGER_LISTED: _("no longer at %(network)s"),
}

# One or two sentences: what the network says, what it may have been, what helps.
SENTENCES: Mapping[Reason, Promise] = {
    Reason.EXPIRED: _(
        "The access that %(login)s granted has expired. %(network)s wants a person to sign "
        "in again from time to time; nobody did anything wrong."
    ),
    Reason.REVOKED_BY_USER: _(
        "%(network)s says that the access of %(login)s was revoked, but not why. A changed "
        "password, a withdrawn permission and a decision by %(network)s look the same there. "
        "Signing in again usually helps."
    ),
    Reason.PASSWORD_CHANGED: _(
        "%(login)s changed the password at %(network)s. That ends every access granted "
        "before; nobody did anything wrong. Signing in again helps."
    ),
    Reason.PERMISSION_LOST: _(
        "The login of %(login)s still works, but %(network)s no longer lists the role that "
        "is needed here. Give the role back there, or let another person who has it sign in."
    ),
    Reason.ACCOUNT_SUSPENDED: _(
        "%(network)s has blocked or closed the account of %(login)s. That has to be settled "
        "with %(network)s first; meanwhile another person with the same role can sign in."
    ),
    Reason.INVALID_TOKEN_UNSPECIFIED: _(
        "%(network)s only says that the access of %(login)s is invalid and gives no reason. "
        "It may have expired, been revoked, or ended with a changed password. Signing in "
        "again helps."
    ),
    Reason.RATE_LIMITED: _("%(network)s asks us to wait. We will; you need to do nothing."),
    Reason.NETWORK_OUTAGE: _(
        "%(network)s is not answering at the moment. That is not about your access; we keep asking."
    ),
    Reason.APP_DISABLED: _(
        "%(network)s refuses our app. The operator has to settle that; signing in again "
        "would not help."
    ),
    Reason.NOT_A_TOKEN_PROBLEM: _(
        "%(network)s refuses our question, not your access. You need to do nothing."
    ),
    Reason.NOT_UNDERSTOOD: _(
        "%(network)s answers something that we do not understand yet. The access counts as "
        "it was; the operator looks into it."
    ),
    Reason.NO_LONGER_LISTED: _(
        "The login of %(login)s works, and %(network)s no longer lists this profile for it: it was "
        "deleted or moved there. You need to do nothing, and you can delete it here, too. Should "
        "it come back there, it turns green by itself."
    ),
}


# Of a network that says more of its own silence than that it is silent.
FOR_GOOD = _("%(silence)s. That is not about your access, and signing in again would not help.")


def headline(reason: Reason | None, network: Network) -> str:
    """A few words for the list, e.g. "revoked by LinkedIn"; empty where there is no reason."""
    if reason is Reason.NETWORK_OUTAGE and network.silence:
        return str(network.silence)
    return str(HEADLINES[reason]) % {"network": network.name} if reason else ""


def explain(reason: Reason, network: Network, login_name: str) -> str:
    """What to tell a person about `reason`, in the reader's language."""
    if reason is Reason.NETWORK_OUTAGE and network.silence:
        return str(FOR_GOOD) % {"silence": network.silence}
    return str(SENTENCES[reason]) % {"network": network.name, "login": login_name}
