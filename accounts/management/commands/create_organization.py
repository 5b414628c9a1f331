"""The first step of an installation: an organization, and its first admin invited by mail."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.db import IntegrityError

from accounts import invitations, walls
from accounts.actor import OPERATOR
from accounts.models import Organization, Role


class Command(BaseCommand):
    help = "Creates an organization and invites its first admin, who has 72 hours to accept."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="how it is called in addresses: alpenglueck")
        parser.add_argument("name", help="how it is called by people: Alpenglück GmbH")
        parser.add_argument("admin", help="the email address of its first admin")

    def handle(self, *args: Any, **options: Any) -> None:
        organization = Organization(slug=options["slug"], name=options["name"])
        try:
            organization.full_clean()
            validate_email(options["admin"])
            with walls.inside(organization.pk):
                organization.save(force_insert=True)
                invitations.invite(organization, options["admin"], Role.ADMIN, by=OPERATOR)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        except IntegrityError:  # row-level security hides the other one from full_clean
            raise CommandError(f"{organization.slug} is taken. Choose another slug.") from None
        self.stdout.write(f"{organization} is there, and {options['admin']} is invited.")
