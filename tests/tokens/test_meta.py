"""Facebook, Instagram and Threads through our pages and the engine."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from networks.base import Reason
from profiles.models import Profile
from tests.practice import HOME
from tokens.models import Access, Token

pytestmark = pytest.mark.django_db

FACEBOOK = "https://www.facebook.com"


@pytest.fixture
def anna(browser, world):
    return browser(world.anna, world.alpenglueck)


def by_facebook(anna, person):
    """Adds the Instagram accounts behind a person's pages."""
    url = reverse("tokens:add_network", args=[anna.organization.slug, "instagram"])
    visitor = anna.practice.visitor("facebook", person)
    answer = anna.come_back(visitor.travel(anna.leap(url, FACEBOOK), HOME))
    choices = anna.client.get(answer["Location"]).context["choices"]
    anna.client.post(answer["Location"], {"chosen": [choice["key"] for choice in choices]})


def test_a_page_stays_valid_when_its_persons_token_has_ended(anna, probe):
    anna.add("facebook", "jonas", "Alpenglück", "Alpenglück Karriere")
    ninety_days = Token.objects.get().reauthorize_by
    assert ninety_days and ninety_days > timezone.now() + timedelta(days=80)
    anna.practice.pull("facebook", "expire_access", person="jonas")
    probe("facebook")
    assert all(profile.is_valid for profile in Profile.objects.all())
    assert all("CREATE_CONTENT" in access.role for access in Access.objects.all())
    assert all(profile.can("publish_post") for profile in Profile.objects.all())
    assert Token.objects.get().subject_name == "Jonas Berg"

    anna.practice.pull("facebook", "remove_role", person="jonas", profile="101010000000001")
    probe("facebook", times=2)  # what is missing in a listing counts the second time
    valid = {profile.name: profile.is_valid for profile in Profile.objects.all()}
    assert valid == {"Alpenglück": False, "Alpenglück Karriere": True}


def test_both_logins_of_instagram_are_two_accesses_to_one_profile(anna, probe):
    anna.add("instagram", "anna", "Alpenglück")
    by_facebook(anna, "anna")
    profile = Profile.objects.get()
    assert {access.token.app.issuer for access in profile.accesses.all()} == {"", FACEBOOK}
    anna.practice.pull("instagram", "change_password", person="anna")
    probe("instagram")
    reasons = {access.token.app.issuer: access.token.reason for access in profile.accesses.all()}
    assert reasons == {"": Reason.PASSWORD_CHANGED, FACEBOOK: ""}
    profile.refresh_from_db()
    assert profile.is_valid


def test_a_threads_account_is_renewed_by_itself_halfway(anna, probe):
    anna.add("threads", "anna")
    token = Token.objects.get()
    assert token.ends_for_people_at is None
    assert token.refresh_expires_at and token.expires_at
    assert token.refresh_expires_at - token.expires_at > timedelta(days=29)
    before = token.issued_at
    Token.objects.update(expires_at=timezone.now())
    probe("threads")  # in its first day the network refuses that, which is nobody's death
    token.refresh_from_db()
    assert (token.reason, token.issued_at) == ("", before)
    assert Profile.objects.get().is_valid
