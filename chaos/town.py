"""Who lives there: logins of many organizations, each with a profile and an owner to be told."""

from __future__ import annotations

from collections.abc import Sequence

from allauth.account.models import EmailAddress
from django.db import connection

from accounts.models import Membership, Organization, Role, User
from bench import filling
from bench.answerer import SLUG
from profiles.models import Ownership, Profile
from tokens.models import OAuthApp, Token


def fill(logins: int, each_app: int) -> None:
    filling.add_tokens(0, logins)
    first = OAuthApp.objects.get(network_slug=SLUG)
    for begin in range(each_app, logins, each_app):
        issuer = f"https://app-{begin}.example"
        app = OAuthApp.objects.create(network_slug=SLUG, issuer=issuer, client_id=first.client_id)
        theirs = [str(number) for number in range(begin, begin + each_app)]
        Token.objects.filter(subject__in=theirs).update(app=app)
    for home in Organization.objects.all():
        address = f"owner@{home.slug}.example"
        owner = User.objects.create(email=address, name="Olga", wants_token_mail=True)
        EmailAddress.objects.create(user=owner, email=address, verified=True, primary=True)
        Membership.objects.create(organization=home, user=owner, role=Role.MEMBER)
        profiles = Profile.objects.filter(organization=home)
        Ownership.objects.bulk_create(
            Ownership(organization=home, profile=one, user=owner) for one in profiles
        )
    for profile in Profile.objects.all():  # names that a mail can be searched for
        profile.name = f"Profile {profile.pk}"
        profile.save(update_fields=["name"])
    Profile.objects.update(mail_when_lost=True)
    # Nothing is rotated here: a pair that a killed worker had just been given is lost for good, and
    # the network's word alone would not be the truth any more (`python -m bench kills`).
    Token.objects.update(expires_at=None, refresh_expires_at=None, refresh_token=b"")
    filling.make_due()


def settings_of_database(names: Sequence[str]) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [list(names)])
        return dict(cursor.fetchall())
