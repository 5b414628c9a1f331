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

    A sentence may name {actor}, {object}, and from an event's details {role}, {before}, {after};
    lists of names in the details, `added` and `removed`, are shown below it.
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
    "invited": Verb(_("Invited"), _("{actor} invited {object} as {role}.")),
    "invitation_revoked": Verb(
        _("Invitation revoked"), _("{actor} revoked the invitation of {object}.")
    ),
    "joined": Verb(_("Joined"), _("{actor} accepted an invitation and joined as {role}.")),
    "role_changed": Verb(
        _("Role changed"), _("{actor} changed the role of {object} from {before} to {after}.")
    ),
    "member_removed": Verb(_("Member removed"), _("{actor} removed {object} from the members.")),
    "team_created": Verb(_("Team created"), _("{actor} created the team {object}.")),
    "team_renamed": Verb(_("Team renamed"), _("{actor} renamed the team {before} to {after}.")),
    "team_deleted": Verb(_("Team deleted"), _("{actor} deleted the team {object}.")),
    "team_members_changed": Verb(
        _("Members of a team changed"), _("{actor} changed the members of the team {object}.")
    ),
}


def sentence(event: AuditEvent) -> SafeString:
    """One line of the log in the reader's words. Names come from people: escaped."""
    known = VERBS.get(event.verb)
    words = {
        "actor": event.actor_name or gettext("Tokenwacht"),
        "object": event.object_name,
        "role": _word(event, "role"),
        "before": _word(event, "before"),
        "after": _word(event, "after"),
    }
    bold = {key: format_html("<strong>{}</strong>", word) for key, word in words.items()}
    template = str(known.sentence) if known else event.verb + ": {actor}, {object}"
    return format_html(template, **bold)


def changes(event: AuditEvent) -> list[str]:
    """Who or what came in and went out, where the event says so."""
    lines = {"added": gettext("Added: {names}"), "removed": gettext("Removed: {names}")}
    return [
        line.format(names=", ".join(map(str, event.details[key])))
        for key, line in lines.items()
        if isinstance(event.details.get(key), list) and event.details[key]
    ]


def _word(event: AuditEvent, key: str) -> str:
    """A detail as a word; roles in the reader's language."""
    value = str(event.details.get(key, ""))
    is_role = event.verb in ("invited", "joined", "role_changed")
    return str(dict(Role.choices).get(value, value)) if is_role else value
