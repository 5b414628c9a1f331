"""Deleting a profile revokes at the network only what nobody else needs."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent
from networks.base import TransportError
from profiles.models import Profile
from tests import builders
from tokens.deleting import _lives_elsewhere, delete_unused
from tokens.models import Lease, OAuthApp, Token
from tokens.tasks import UNUSED_AFTER, forget_unused

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna(browser, world):
    return browser(world.anna, world.alpenglueck)


def delete(person, profile):
    url = reverse("tokens:delete", args=[person.organization.slug, profile.pk])
    return person.client.post(url, follow=False)


def is_alive_at(token):
    from networks.base import Health
    from networks.http import hold

    probe = token.network.probe(token.app.client, token.open(), token.subject)
    verdict = hold(probe, token.network.hosts)
    return verdict.health is Health.ALIVE


def test_the_last_profile_of_a_login_revokes_it_at_the_network(anna):
    anna.add("tiktok", "anna")
    token = Token.objects.get()
    assert is_alive_at(token)
    delete(anna, Profile.objects.get())
    assert not Token.objects.exists()
    assert not is_alive_at(token)
    assert AuditEvent.objects.filter(verb="profile_deleted", object_name="Alpenglück").exists()


def test_a_login_that_another_profile_hangs_on_stays(anna):
    anna.add("linkedin", "jonas", "Alpenglück", "Alpenglück Karriere")
    delete(anna, Profile.objects.get(name="Alpenglück"))
    assert is_alive_at(Token.objects.get())


def test_a_login_that_lives_in_another_organization_is_not_revoked(anna, browser, world):
    anna.add("tiktok", "anna")
    browser(world.nils, world.nordwind).add("tiktok", "anna")
    delete(anna, Profile.objects.get(organization=world.alpenglueck))
    theirs = Token.objects.get()
    assert theirs.organization == world.nordwind
    assert is_alive_at(theirs)


def test_a_login_that_another_network_lives_by_is_not_revoked(world):
    """Facebook takes back the whole app, and Instagram by Facebook is the same one."""
    page = builders.token(world.alpenglueck, "facebook", subject="77")
    app = OAuthApp.objects.create(
        network_slug="instagram", issuer="https://www.facebook.com", client_id=page.app.client_id
    )
    assert not _lives_elsewhere(page)
    Token.objects.filter(pk=builders.token(world.nordwind, "instagram").pk).update(
        app=app, subject="77"
    )
    assert _lives_elsewhere(page)


def test_an_account_goes_with_its_boards(anna):
    anna.add("pinterest", "anna")
    account = Profile.objects.get(parent=None)
    url = reverse("tokens:delete", args=["alpenglueck", account.pk])
    assert anna.client.get(url).context["children"] == 3
    delete(anna, account)
    assert not Profile.objects.exists()
    assert not Token.objects.exists()


def test_a_board_goes_alone(anna):
    anna.add("pinterest", "anna")
    delete(anna, Profile.objects.get(name="Rezepte"))
    assert Profile.objects.count() == 3
    assert Token.objects.exists()


def test_where_the_network_cannot_revoke_the_page_says_how_to(anna):
    anna.add("pinterest", "anna")
    answer = delete(anna, Profile.objects.get(parent=None))
    page = anna.client.get(answer["Location"])
    assert "removes our app there" in page.content.decode()


def test_an_outage_does_not_keep_a_profile_from_being_deleted(anna, practice):
    anna.add("tiktok", "anna")
    practice.pull("tiktok", "outage", mode="5xx")
    delete(anna, Profile.objects.get())
    assert not Profile.objects.exists()


def test_a_login_that_somebody_used_meanwhile_is_not_forgotten(anna):
    anna.add("linkedin", "anna", "Alpenglück")
    delete_unused(Token.objects.all())  # as if it had been unused a moment ago
    assert is_alive_at(Token.objects.get())


def test_a_revocation_that_gets_no_answer_keeps_no_profile(anna, monkeypatch):
    def silent(self, client, grant):
        raise TransportError("gone")
        yield  # a conversation, of no words

    anna.add("tiktok", "anna")
    monkeypatch.setattr(type(Token.objects.get().network), "revoke", silent)
    answer = delete(anna, Profile.objects.get())
    assert not Profile.objects.exists()
    assert "removes our app there" in anna.client.get(answer["Location"]).content.decode()


def test_a_neighbours_profile_is_not_found_under_ones_own_address(anna, browser, world):
    anna.add("tiktok", "anna")
    nils = browser(world.nils, world.nordwind)
    assert delete(nils, Profile.objects.get()).status_code == 404
    assert Profile.objects.exists()


def test_only_admins_delete_and_a_get_deletes_nothing(anna, browser, world):
    anna.add("tiktok", "anna")
    profile = Profile.objects.get()
    url = reverse("tokens:delete", args=["alpenglueck", profile.pk])
    assert anna.client.get(url).status_code == 200
    for user, expected in ((world.mara, 403), (world.otto, 403), (world.nils, 404)):
        assert browser(user, world.alpenglueck).client.post(url).status_code == expected
    assert Profile.objects.exists()


def test_a_login_that_nobody_chose_a_profile_for_is_forgotten_after_a_day(anna):
    anna.add("linkedin", "anna")
    token = Token.objects.get()
    forget_unused()
    assert Token.objects.exists()
    Token.objects.update(consented_at=token.consented_at - UNUSED_AFTER)
    forget_unused()
    assert not Token.objects.exists()
    assert not is_alive_at(token)


def test_the_lease_of_a_token_that_is_no_more_is_forgotten(anna):
    anna.add("linkedin", "anna")
    gone, ended = uuid4(), timezone.now() - timedelta(minutes=1)
    for pk in (gone, Token.objects.get().pk):
        Lease.objects.create(token_id=pk, name=uuid4(), until=ended)
    forget_unused()
    assert Lease.objects.get().token == Token.objects.get()
