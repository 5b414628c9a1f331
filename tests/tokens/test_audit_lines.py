"""What connecting, refreshing and deleting leave in the audit log, and which refusals do."""

import pytest
from django.urls import reverse
from django.utils import translation

from accounts.audit import plain_sentence
from accounts.models import AuditEvent, Membership, Role
from profiles.models import Profile
from tests.practice import HOME
from tokens.models import AuthorizationRequest

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna(browser, world):
    return browser(world.anna, world.alpenglueck)


@pytest.fixture
def page(anna):
    """The LinkedIn page Alpenglück, connected by Anna; the log begins afterwards."""
    anna.add("linkedin", "anna", "Alpenglück")
    AuditEvent.objects.all().delete()
    return Profile.objects.get(name="Alpenglück", kind_slug="page")


def way_back(somebody, practice, network, person, profile=None):
    """Where the network sends that person back to."""
    name = "refresh" if profile else "add_network"
    url = reverse(f"tokens:{name}", args=["alpenglueck", profile.pk if profile else network])
    return practice.visitor(network, person).travel(somebody.leap(url), HOME).removeprefix(HOME)


def lines():
    """What the log says, each line by a person at an address."""
    events = list(AuditEvent.objects.order_by("id"))
    assert {event.ip_address for event in events} <= {"127.0.0.1"}
    assert all(event.actor_id and event.actor_name and event.actor_email for event in events)
    return [(event.verb, event.object_name, event.details) for event in events]


def test_every_line_of_a_connections_life_says_by_whose_login(anna, world):
    via = {"network": "LinkedIn", "login": "Anna Huber"}
    anna.add("linkedin", "anna", "Alpenglück")
    profile = Profile.objects.get()
    anna.refresh(profile, "anna")
    anna.client.post(reverse("tokens:delete", args=["alpenglueck", profile.pk]))
    assert lines() == [
        ("connected", "Alpenglück", via),
        ("reconnected", "Alpenglück", via),
        ("profile_deleted", "Alpenglück", {"network": "LinkedIn"}),
    ]
    assert {event.actor_email for event in AuditEvent.objects.all()} == {world.anna.email}


def test_each_board_that_comes_and_goes_with_its_account_has_a_line(anna):
    anna.add("pinterest", "anna")
    anna.add("pinterest", "anna")
    account = Profile.objects.get(parent=None)
    anna.client.post(reverse("tokens:delete", args=["alpenglueck", account.pk]))
    names = ["Alpenglück", "Hütten im Herbst", "Rezepte", "Wanderwege"]
    for verb in ("connected", "reconnected", "profile_deleted"):
        assert sorted(name for found, name, _ in lines() if found == verb) == names


def test_another_account_that_came_back_is_written_down(anna, page):
    assert anna.refresh(page, "mia").status_code == 200
    assert lines() == [
        ("wrong_account", "Alpenglück", {"network": "LinkedIn", "login": "Mia Lang"})
    ]
    with translation.override("en"):
        said = plain_sentence(AuditEvent.objects.get())
    assert said.endswith("refresh the connection of Alpenglück, but came back as Mia Lang.")


def test_an_account_without_the_role_is_written_down(anna, page):
    anna.refresh(page, "ben")
    assert [verb for verb, *_ in lines()] == ["wrong_account"]


def test_who_comes_back_without_the_right_is_written_down(browser, world, practice, page):
    page.ownerships.create(organization=world.alpenglueck, user=world.otto)
    otto = browser(world.otto, world.alpenglueck)
    back = way_back(otto, practice, "linkedin", "jonas", page)
    page.ownerships.all().delete()
    answer = otto.come_back(back)
    assert answer.status_code == 403
    assert f"{page.pk}/refresh/" not in answer.content.decode(), "it would not open"
    assert lines() == [("no_longer_allowed", "Alpenglück", {"network": "LinkedIn"})]


def test_who_was_to_add_something_and_may_not_any_more_is_written_down(anna, practice, world):
    back = way_back(anna, practice, "linkedin", "anna")
    Membership.objects.filter(user=world.anna).update(role=Role.MEMBER)
    assert anna.come_back(back).status_code == 403
    assert lines() == [("no_longer_allowed", "", {"network": "LinkedIn"})]


def test_a_sign_in_that_comes_back_from_another_network_is_written_down(anna, practice, page):
    back = way_back(anna, practice, "linkedin", "anna", page)
    mixed_up = back.replace("/linkedin/", "/pinterest/")
    assert anna.come_back(mixed_up).status_code == 400
    assert lines() == [("mixed_up", "Alpenglück", {"network": "LinkedIn"})]


def test_a_refusal_that_is_asked_for_again_is_written_down_once(anna, practice, page):
    """Each uses up its `state`: a refusal takes a whole sign-in, and nobody floods the log."""
    for person, change in (("anna", "/pinterest/"), ("mia", "/linkedin/")):
        AuditEvent.objects.all().delete()
        back = way_back(anna, practice, "linkedin", person, page)
        for _number in range(3):
            anna.client.get(back.replace("/linkedin/", change))
        assert len(lines()) == 1


@pytest.mark.parametrize("who", ["mara", "nils"])
def test_a_link_with_somebody_elses_state_tells_neither_organization_who_opened_it(
    browser, world, practice, anna, who
):
    back = way_back(anna, practice, "linkedin", "anna")
    victim = browser(getattr(world, who), world.alpenglueck)
    assert victim.come_back(back).status_code == 400
    assert lines() == []


def test_what_is_old_invented_or_cancelled_is_no_matter_of_the_log(anna, practice):
    back = way_back(anna, practice, "linkedin", "anna")
    AuthorizationRequest.objects.all().delete()
    for address in (back, "/oauth/linkedin/callback/?code=abc&state=invented"):
        assert anna.come_back(address).status_code == 400
    anna.add("linkedin", "anna", decision="deny")
    assert lines() == []
