"""A person has lost her second factor and her recovery codes."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from accounts import sessions, walls
from accounts.actor import OPERATOR
from accounts.invitations import person_with
from accounts.models import Membership, User


class Command(BaseCommand):
    help = "Removes a person's second factor and ends her sessions. Make sure first who asks."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="the address that the person signs in with")

    def handle(self, *args: Any, **options: Any) -> None:
        person = person_with(options["email"])
        if person is None:
            raise CommandError(f"There is no account with {options['email']}. Nothing was changed.")
        if not Authenticator.objects.filter(user=person).exists():
            raise CommandError(f"{person.email} has no second factor. Nothing was changed.")
        with transaction.atomic():
            Authenticator.objects.filter(user=person).delete()
            ended = sessions.end_all(person)
            _record(person)
        self.stdout.write(
            f"{person.email} has no second factor any more; {ended} sessions are ended. Whoever "
            "signs in next with the password can set a new one up."
        )


def _record(person: User) -> None:
    """In the log of each organization that the person works for."""
    with walls.seen_by(person.pk):
        mine = list(Membership.objects.filter(user=person).select_related("organization"))
    for membership in mine:
        with walls.inside(membership.organization_id):
            OPERATOR.record("second_factor_reset", membership.organization, person)
