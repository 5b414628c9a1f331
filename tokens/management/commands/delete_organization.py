"""The end of an organization: its logins are revoked, and everything of it is deleted."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError

from accounts import walls
from accounts.models import AuditEvent, Membership, Organization, Team
from profiles.models import Profile
from tokens.deleting import Farewell, delete_organization, revoke_all
from tokens.models import Token
from tokens.vault import DataKey


class Command(BaseCommand):
    help = (
        "Deletes an organization with everything of it, after revoking its logins at the "
        "networks. Backups from before still hold it, and its wrapped key."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="how it is called in addresses: alpenglueck")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            walls.require_role(walls.OWNER, above_walls=True)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        organization = self._find(options["slug"])
        self.stdout.write(f"{organization}: {self._count(organization)}.")
        if not options["yes"]:
            self._ask(organization)
        try:
            for farewell in revoke_all(organization):
                self.stdout.write(self._sentence(farewell))
            delete_organization(organization)
        except KeyboardInterrupt:
            raise CommandError(
                "Stopped: what was revoked stays so, and nothing was deleted. Run it again."
            ) from None
        except (Organization.DoesNotExist, OperationalError):
            raise CommandError(
                f"Somebody was working with {organization.slug} at this very moment, and nothing "
                "was deleted. Run it again."
            ) from None
        self.stdout.write(f"{organization} is deleted, with the key of its tokens.")

    def _find(self, slug: str) -> Organization:
        organization = Organization.objects.filter(slug=slug).first()
        if organization is None:
            known = Organization.objects.order_by("slug").values_list("slug", flat=True)
            raise CommandError(
                f"There is no organization {slug!r}. There are: {', '.join(known) or 'none'}."
            )
        return organization

    def _count(self, organization: Organization) -> str:
        """What will go, in numbers."""
        tables = {
            "profiles": Profile,
            "logins": Token,
            "data keys": DataKey,
            "memberships (the people keep their accounts)": Membership,
            "teams": Team,
            "lines of the audit log": AuditEvent,
        }
        counts = [
            f"{name}: {model._default_manager.filter(organization=organization).count()}"
            for name, model in tables.items()
        ]
        living = Token.objects.filter(organization=organization, reason="").count()
        return ", ".join([*counts, f"logins that live and will be revoked: {living}"])

    def _ask(self, organization: Organization) -> None:
        self.stdout.write("All of that goes, and nothing brings it back.")
        try:
            typed = input(f"Type {organization.slug} to go on: ")
        except (EOFError, KeyboardInterrupt):
            typed = ""
        if typed.strip() != organization.slug:
            raise CommandError("That is not what it is called. Nothing was deleted.")

    def _sentence(self, farewell: Farewell) -> str:
        login = f"{farewell.network.name}, {farewell.login_name}"
        if farewell.revoked:
            return f"{login}: the network confirmed that it is revoked."
        if farewell.shared:
            return f"{login}: not revoked, another organization lives by the same login."
        return (
            f"{login}: the network did not confirm it. To end it there as well, "
            f"{farewell.login_name} removes our app in the account's settings."
        )
