"""What the audit log can say. Other apps use the verbs as plain strings."""

from __future__ import annotations

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import AuditEvent, Role


class Verb(NamedTuple):
    """`label` stands in the filter, `sentence` in the list.

    A sentence may name {actor}, {object}, and from an event's details {role}, {before}, {after},
    {login} and {network}; what else the details say is shown below it.
    """

    label: Promise
    sentence: Promise


VERBS = {
    "connected": Verb(_("Profile connected"), _("{actor} connected {object}.")),
    "reconnected": Verb(
        _("Connection refreshed"), _("{actor} refreshed the connection of {object}.")
    ),
    "profile_deleted": Verb(_("Profile deleted"), _("{actor} deleted the profile {object}.")),
    "owners_changed": Verb(_("Owners changed"), _("{actor} changed the owners of {object}.")),
    "teams_changed": Verb(
        _("Teams of a profile changed"), _("{actor} changed which teams work with {object}.")
    ),
    "mail_changed": Verb(
        _("Email notifications changed"),
        _("{actor} changed the email notifications of {object}."),
    ),
    "wrong_account": Verb(
        _("Wrong account refused"),
        _("{actor} wanted to refresh the connection of {object}, but came back as {login}."),
    ),
    "no_longer_allowed": Verb(
        _("Sign-in without a right refused"),
        _("{actor} came back from {network} after the right to connect there was gone."),
    ),
    "mixed_up": Verb(
        _("Sign-in from the wrong network refused"),
        _("A sign-in that {actor} had begun at {network} came back from another network."),
    ),
    "invited": Verb(_("Invited"), _("{actor} invited {object} as {role}.")),
    "invitation_revoked": Verb(
        _("Invitation revoked"), _("{actor} revoked the invitation of {object}.")
    ),
    "joined": Verb(_("Joined"), _("{actor} accepted an invitation and joined as {role}.")),
    "role_changed": Verb(
        _("Role changed"), _("{actor} changed the role of {object} from {before} to {after}.")
    ),
    "member_removed": Verb(_("Member removed"), _("{actor} removed {object} from the members.")),
    "second_factor_reset": Verb(
        _("Second factor reset"),
        _("{actor} removed the second factor of {object} and ended all sessions."),
    ),
    "team_created": Verb(_("Team created"), _("{actor} created the team {object}.")),
    "team_renamed": Verb(_("Team renamed"), _("{actor} renamed the team {before} to {after}.")),
    "team_deleted": Verb(_("Team deleted"), _("{actor} deleted the team {object}.")),
    "team_members_changed": Verb(
        _("Members of a team changed"), _("{actor} changed the members of the team {object}.")
    ),
    "second_factor_required": Verb(
        _("Requirement of a second factor changed"),
        _("{actor} changed whether everybody here needs a second factor to sign in."),
    ),
    "escalation_changed": Verb(
        _("Mail to admins changed"),
        _("{actor} changed whether admins get mail where no owner can be reached."),
    ),
    "webhook_added": Verb(_("Webhook added"), _("{actor} added a webhook.")),
    "webhook_deleted": Verb(_("Webhook deleted"), _("{actor} deleted a webhook.")),
    "single_sign_on_changed": Verb(
        _("Single sign-on changed"), _("{actor} changed single sign-on for this organization.")
    ),
    "signed_in_by_provider": Verb(
        _("Signed in by single sign-on"), _("{actor} signed in by single sign-on.")
    ),
    "profile_appeared": Verb(
        _("Profile appeared"), _("{object} appeared at {network}; {actor} looks after it now.")
    ),
    "keys_rotated": Verb(_("Keys rotated"), _("{actor} rotated the encryption keys.")),
    "exported": Verb(_("Audit log exported"), _("{actor} exported the audit log.")),
}


# What an event knows and its sentence does not say.
LINES = {
    "object": _("About: {value}"),
    "added": _("Added: {value}"),
    "removed": _("Removed: {value}"),
    "after": _("Now: {value}"),
    "network": _("Network: {value}"),
    "login": _("Login: {value}"),
    "entries": _("Entries: {value}"),
    "filter": _("Filter: {value}"),
}
ON_OFF = {True: _("on"), False: _("off")}
BY_THE_OPERATOR = "operator"


def sentence(event: AuditEvent) -> SafeString:
    """One line of the log in the reader's words. Names come from people and networks: escaped,
    and kept apart from the words around them, which they may be read in another direction than.
    Who and what lead to all that the log says of them."""
    words = {key: format_html("<bdi>{}</bdi>", word) for key, word in _words(event).items()}
    bold = {key: format_html("<strong>{}</strong>", word) for key, word in words.items()}
    for key, value in (("actor", event.actor_id or BY_THE_OPERATOR), ("object", event.object_id)):
        bold[key] = format_html('<a href="?{}={}">{}</a>', key, value, bold[key])
    return format_html(_template(event), **bold)


def plain_sentence(event: AuditEvent) -> str:
    return _template(event).format(**_words(event))


def actor_name(event: AuditEvent) -> str:
    return event.actor_name or gettext("The operator")


def changes(event: AuditEvent) -> list[str]:
    """Who or what came in and went out, and the like, where the event says so."""
    said, words = _template(event), _words(event)
    if event.object_id == event.actor_id:
        words["object"] = ""
    return [
        line.format(value=words[key])
        for key, line in LINES.items()
        if words.get(key) and f"{{{key}}}" not in said
    ]


def _template(event: AuditEvent) -> str:
    known = VERBS.get(event.verb)
    return str(known.sentence) if known else event.verb + ": {actor}, {object}"


def _words(event: AuditEvent) -> dict[str, str]:
    """What may stand in a sentence, by the names that sentences have for it."""
    return {
        **dict.fromkeys(("role", "before", "after", "login", "network"), ""),
        **{key: _word(event, key) for key in event.details},
        "actor": actor_name(event),
        "object": event.object_name,
    }


def _word(event: AuditEvent, key: str) -> str:
    """A detail as a word; roles in the reader's language."""
    value = event.details.get(key, "")
    if isinstance(value, bool):
        return str(ON_OFF[value])
    if isinstance(value, list):
        return ", ".join(map(str, value))
    is_role = event.verb in ("invited", "joined", "role_changed")
    return str(dict(Role.choices).get(value, value)) if is_role else str(value)
