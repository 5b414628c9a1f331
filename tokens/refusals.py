"""What a person reads when connecting did not work: what happened, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from networks.base import Network, Refusal, Refused
from profiles.models import Profile
from tokens.connecting import NoLongerAllowed, StateRefused
from tokens.keys import CannotOpen
from tokens.storing import ProfileGone, WrongAccount

AGAIN = _("Nothing was changed. Try again in a few minutes.")
OPERATOR = _("Nothing was changed. The operator of this installation has to settle that.")

# What happened, what that means, and what to do next.
SENTENCES: Mapping[Refusal, tuple[Promise, Promise, Promise]] = {
    Refusal.CANCELLED: (
        _("You cancelled at %(network)s"),
        _("So nothing was granted, and nothing was changed."),
        _("Whenever you like, start again."),
    ),
    Refusal.SCOPE_MISSING: (
        _("A permission is missing"),
        _("%(network)s did not grant: %(missing)s. Without it, we cannot look after this."),
        _("Nothing was changed. Start again and leave every permission ticked at %(network)s."),
    ),
    Refusal.CODE_REFUSED: (
        _("%(network)s did not accept the sign-in"),
        _("Its one-time code was refused; it may have been used already or taken too long."),
        _("Nothing was changed. Start again; it works the second time as a rule."),
    ),
    Refusal.AD_ACCOUNT: (
        _("Ad accounts cannot be connected"),
        _("The login that came from %(network)s only has an ad account."),
        _("Nothing was changed. Sign in at %(network)s with the account that posts."),
    ),
    Refusal.OTHER_LOGIN: (
        _("Another account came back"),
        _("The login that came from %(network)s is not the one that was expected."),
        _("Nothing was changed. Start again, and choose the right account at %(network)s."),
    ),
    Refusal.NOTHING_THERE: (
        _("There is nothing to look after"),
        _("The login that came from %(network)s has nothing that can be connected."),
        _("Nothing was changed. Read the notes below, and sign in with the login that has it."),
    ),
    Refusal.NO_SUCH_SERVER: (
        _("We found nothing there"),
        _("Under what was entered, there is no server of %(network)s that answers us."),
        _("Nothing was changed. Check the spelling and enter it again."),
    ),
    Refusal.CLIENT_FORGOTTEN: (
        _("The server does not know us any more"),
        _("It has dropped the registration that it had given us."),
        _("Nothing was changed. Start again; we register anew then."),
    ),
    Refusal.NETWORK_UNAVAILABLE: (
        _("%(network)s is not answering properly"),
        _("That is not about you or your account."),
        AGAIN,
    ),
    Refusal.APP_MISCONFIGURED: (
        _("%(network)s does not accept our app"),
        _("Its client id or secret is missing, wrong or switched off."),
        OPERATOR,
    ),
    Refusal.NOT_UNDERSTOOD: (
        _("%(network)s answered something we do not understand"),
        _("To be safe, we stored none of it."),
        AGAIN,
    ),
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """`status` is the HTTP status of the page that shows it."""

    title: str
    text: str
    advice: str
    status: int = 200

    @property
    def sentence(self) -> str:
        """In one line, beside a field."""
        return f"{self.text} {self.advice}"


def explain_refusal(error: Exception, network: Network) -> Explanation:
    """Words for what connecting.* and storing.* raise."""
    if isinstance(error, WrongAccount):
        return _wrong_account(error, network)
    if isinstance(error, StateRefused):
        return Explanation(
            gettext("This sign-in cannot be finished here"),
            gettext(
                "It was used already, is older than an hour, was started in another browser, "
                "or you do not work for that organization any more."
            ),
            gettext("Nothing was changed. Start it again from the list of profiles."),
            status=400,
        )
    if isinstance(error, NoLongerAllowed):
        return Explanation(
            gettext("You may not connect this any more"),
            gettext("Your part in the organization was changed while you were away."),
            gettext("Nothing was changed. If it should be possible, ask an admin for the right."),
            status=403,
        )
    if isinstance(error, ProfileGone):
        return Explanation(
            gettext("The profile is gone"),
            gettext("Somebody deleted it while you were away."),
            gettext("Nothing was changed. If Tokenwacht should look after it again, add it again."),
            status=400,
        )
    if isinstance(error, CannotOpen):
        return Explanation(
            gettext("The access tokens cannot be opened"),
            gettext("Tokenwacht lacks the key for them, or what it has stored is damaged."),
            str(OPERATOR),
        )
    if isinstance(error, Refused):
        return _refused(error, network)
    raise error


def _wrong_account(error: WrongAccount, network: Network) -> Explanation:
    names = {
        "network": network.name,
        "came": error.came.name,
        "profile": error.profile.name,
        "role": network.required_role,
    }
    if error.missing_role:
        return Explanation(
            gettext("%(came)s lacks the role for %(profile)s") % names,
            gettext("%(came)s sees %(profile)s at %(network)s, but is not %(role)s there.") % names,
            gettext("Nothing was changed. Ask for the role, or let a person sign in who has it.")
            % names,
        )
    return Explanation(
        gettext("Another account came back"),
        gettext("We expected %(expected)s. %(came)s came.")
        % {"expected": expected_login(error.profile), **names}
        + latest_login(error.profile),
        gettext(
            "Nothing was changed. Your browser is probably still signed in at %(network)s as "
            "%(came)s. Sign out there and try again, or begin anew in a private window."
        )
        % names,
    )


def expected_login(profile: Profile) -> str:
    """Whose sign-in reconnects this profile, in words."""
    if profile.kind.reads_role:
        return gettext("somebody who is %(role)s of “%(profile)s”") % {
            "role": profile.network.required_role,
            "profile": profile.name,
        }
    return gettext("the login of “%(profile)s”") % {"profile": (profile.parent or profile).name}


def latest_login(profile: Profile) -> str:
    """A sentence, with a blank before it, about who signed in last; "" where nobody has."""
    latest = profile.accesses.select_related("token").order_by("-token__issued_at").first()
    if latest is None:
        return ""
    said = gettext("Last time that was %(latest)s.") % {"latest": latest.token.subject_name}
    return f" {said}"


def _refused(error: Refused, network: Network) -> Explanation:
    names = {"network": network.name, "missing": ", ".join(error.missing)}
    title, text, advice = (str(words) % names for words in SENTENCES[error.refusal])
    return Explanation(title, text, advice)
