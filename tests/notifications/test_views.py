"""The preview of who gets mail, and the link that stops it."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, User
from notifications.models import Notice
from notifications.planning import plan
from notifications.recipients import WhyNot, recipients_of
from notifications.stopping import stop_path
from notifications.urls import urlpatterns
from profiles.models import Ownership, Profile
from tests.notifications.conftest import Looked, told
from tests.people import World


@pytest.fixture
def page(looked: Looked) -> Profile:
    return looked.profile(token=looked.login())


def preview(reader: User, profile: Profile, organization: str = "alpenglueck") -> tuple[int, str]:
    client = Client(headers={"accept-language": "en"})
    client.force_login(reader)
    User.objects.filter(pk=reader.pk).update(language="en")
    answer = client.get(reverse("notifications:recipients", args=[organization, profile.pk]))
    return answer.status_code, answer.content.decode()


def test_every_owner_is_named_with_a_yes_or_the_reason_for_a_no(
    world: World, looked: Looked, page: Profile
) -> None:
    looked.own(page, world.tim)

    status, shown = preview(world.mara, page)

    assert status == 200
    assert "Otto Owner" in shown
    assert "Gets a mail" in shown
    assert "Tim Team" in shown
    assert "Has not opted in" in shown
    assert "Nobody will be notified" not in shown


def test_it_warns_where_nobody_would_be_told(world: World, looked: Looked, page: Profile) -> None:
    Profile.objects.update(mail_when_lost=False)

    _, shown = preview(world.mara, page)

    assert "Nobody will be notified." in shown


def test_it_warns_where_there_is_no_owner(world: World, page: Profile) -> None:
    Ownership.objects.all().delete()

    _, shown = preview(world.mara, page)

    assert "Nobody will be notified." in shown
    assert "no owners" in shown


# Otto owns the profile, Tim is in none of its teams, Nils works for somebody else.
DOORS = {
    "recipients": {"nobody": 302, "otto": 200, "tim": 404, "mara": 200, "anna": 200, "nils": 404},
    "timeline": {"nobody": 302, "otto": 200, "tim": 404, "mara": 200, "anna": 200, "nils": 404},
    "left_behind": {"nobody": 302, "otto": 403, "tim": 403, "mara": 403, "anna": 200, "nils": 404},
    "organization": {"nobody": 302, "otto": 403, "tim": 403, "mara": 403, "anna": 200, "nils": 404},
    "refused": {"nobody": 302, "otto": 403, "tim": 403, "mara": 403, "anna": 200, "nils": 404},
    # Anna is asked for her password first.
    "webhooks": {"nobody": 302, "otto": 403, "tim": 403, "mara": 403, "anna": 302, "nils": 404},
    "webhook": {"nobody": 302, "otto": 405, "tim": 405, "mara": 405, "anna": 405, "nils": 404},
    "preferences": {"nobody": 302, "otto": 200, "tim": 200, "mara": 200, "anna": 200, "nils": 200},
    "address": {"nobody": 302, "otto": 200, "tim": 200, "mara": 200, "anna": 200, "nils": 200},
    "try_again": {"nobody": 405, "otto": 405, "tim": 405, "mara": 405, "anna": 405, "nils": 405},
    "untold": {"nobody": 302, "otto": 200, "tim": 200, "mara": 200, "anna": 200, "nils": 404},
    # Known by a token of the operator's, and not by who is signed in (test_metrics.py).
    "metrics": {"nobody": 404, "otto": 404, "tim": 404, "mara": 404, "anna": 404, "nils": 404},
    "stop": {"nobody": 200, "otto": 200, "tim": 200, "mara": 200, "anna": 200, "nils": 200},
}


def left_behind_by(person: User) -> str:
    membership = Membership.objects.get(user=person)
    return reverse("notifications:left_behind", args=["alpenglueck", membership.pk])


def test_every_address_has_a_door() -> None:
    assert {pattern.name for pattern in urlpatterns} == set(DOORS)


@pytest.mark.parametrize("name", DOORS)
def test_what_each_door_answers_to_whom(
    client: Client, world: World, page: Profile, name: str
) -> None:
    addresses = {
        "recipients": reverse("notifications:recipients", args=["alpenglueck", page.pk]),
        "timeline": reverse("notifications:timeline", args=["alpenglueck", page.pk]),
        "left_behind": left_behind_by(world.otto),
        "organization": reverse("notifications:organization", args=["alpenglueck"]),
        "refused": reverse("notifications:refused", args=["alpenglueck"]),
        "webhooks": reverse("notifications:webhooks", args=["alpenglueck"]),
        "webhook": reverse("notifications:webhook", args=["alpenglueck", uuid4()]),
        "preferences": reverse("notifications:preferences"),
        "address": reverse("notifications:address"),
        "try_again": reverse("notifications:try_again"),
        "untold": reverse("notifications:untold", args=["alpenglueck"]),
        "metrics": reverse("notifications:metrics"),
        "stop": stop_path(world.otto),
    }
    for who, expected in DOORS[name].items():
        client.logout()
        if who != "nobody":
            client.force_login(getattr(world, who))
        assert client.get(addresses[name]).status_code == expected, who


def test_a_neighbour_does_not_reach_the_preview_through_an_own_organization(
    world: World, page: Profile
) -> None:
    assert preview(world.nils, page, organization="nordwind")[0] == 404


def deactivated(world: World) -> None:
    User.objects.filter(pk=world.otto.pk).update(is_active=False)


def profile_muted(world: World) -> None:
    Profile.objects.update(mail_when_lost=False)


def not_opted_in(world: World) -> None:
    User.objects.filter(pk=world.otto.pk).update(wants_token_mail=False)


def not_confirmed(world: World) -> None:
    EmailAddress.objects.filter(user=world.otto).update(verified=False)


def nothing(world: World) -> None:
    pass


@pytest.mark.parametrize(
    ("obstacle", "why_not"),
    [
        (nothing, ()),
        (deactivated, (WhyNot.DEACTIVATED,)),
        (profile_muted, (WhyNot.PROFILE_MUTED,)),
        (not_opted_in, (WhyNot.NOT_OPTED_IN,)),
        (not_confirmed, (WhyNot.NOT_CONFIRMED,)),
    ],
)
def test_the_preview_agrees_with_the_planner(
    world: World,
    looked: Looked,
    page: Profile,
    obstacle: Callable[[World], None],
    why_not: tuple[WhyNot, ...],
) -> None:
    obstacle(world)
    looked.lose(page)

    [owner] = recipients_of([page.pk])[page.pk]
    plan()

    assert owner.why_not == why_not
    assert told() == ({(page.pk, world.otto.pk)} if owner.is_told else set())
    _, shown = preview(world.mara, page)
    assert ("Gets a mail" in shown) is Notice.objects.exists()
    assert all(str(reason.label) in shown for reason in why_not)


def wants_mail(user: User) -> bool:
    return User.objects.get(pk=user.pk).wants_token_mail


def test_opening_the_stop_link_changes_nothing(
    client: Client, world: World, looked: Looked
) -> None:
    answer = client.get(stop_path(world.otto))

    assert answer.status_code == 200
    assert wants_mail(world.otto)


def test_one_click_of_a_mail_program_stops_the_mails(world: World, looked: Looked) -> None:
    """RFC 8058: a POST without cookies, a session or our CSRF token."""
    answer = Client(enforce_csrf_checks=True).post(
        stop_path(world.otto), {"List-Unsubscribe": "One-Click"}
    )

    assert answer.status_code == 200
    assert not wants_mail(world.otto)


def test_a_stop_link_that_is_not_ours_stops_nothing(
    client: Client, world: World, looked: Looked
) -> None:
    link = stop_path(world.otto)

    assert client.post(link[:-6] + "aaaaa/").status_code == 404
    assert wants_mail(world.otto)


def test_a_stop_link_stops_the_mails_of_its_reader_alone(
    client: Client, world: World, looked: Looked
) -> None:
    client.post(stop_path(world.tim))

    assert wants_mail(world.otto)
