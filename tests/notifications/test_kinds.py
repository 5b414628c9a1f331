"""The kinds of mail: what each is about, who gets it, and how its reader stops it alone."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Organization, User
from networks.base import Reason
from notifications.kinds import STOPPABLE, NoticeKind
from notifications.models import Notice, Preferences, RefusedAddress
from notifications.stopping import stop_path
from notifications.tasks import plan_and_send
from profiles.models import Ownership, Profile
from tests.notifications.conftest import Looked, Postbox
from tests.people import World
from tokens.models import StatusChange


def want(person: User, *kinds: NoticeKind) -> None:
    Preferences.objects.update_or_create(user=person, defaults={"kinds": list(kinds)})


def lose_one_of_two(looked: Looked, reason: Reason = Reason.REVOKED_BY_USER) -> Profile:
    page = looked.profile("Alpenglück", token=looked.login())
    [change] = looked.lose(page, reason=reason)
    StatusChange.objects.filter(pk=change.pk).update(profile_valid=True)
    Profile.objects.update(status="valid", reason="")
    return page


@pytest.mark.parametrize("is_wanted", [True, False])
def test_one_of_several_accesses_is_told_to_who_wants_it(
    world: World, looked: Looked, postbox: Postbox, is_wanted: bool
) -> None:
    if is_wanted:
        want(world.otto, NoticeKind.PARTLY_LOST)
    lose_one_of_two(looked)

    plan_and_send()

    assert [mail["Subject"].strip() for mail in postbox.mails] == [
        "LinkedIn Page Alpenglück: one access lost, another still works"
    ][:is_wanted]


def test_an_access_that_came_back_is_not_told(
    world: World, looked: Looked, postbox: Postbox
) -> None:
    want(world.otto, NoticeKind.PARTLY_LOST)
    page = lose_one_of_two(looked)
    back = looked.recover(page)
    StatusChange.objects.filter(pk=back.pk).update(profile_was_valid=True)

    plan_and_send()

    assert not postbox.mails


def test_what_is_gone_from_the_network_is_not_told(
    world: World, looked: Looked, postbox: Postbox
) -> None:
    want(world.otto, NoticeKind.PARTLY_LOST)
    lose_one_of_two(looked, Reason.NO_LONGER_LISTED)

    plan_and_send()

    assert not postbox.mails


def test_works_again_goes_to_who_was_told_of_the_loss(
    world: World, looked: Looked, postbox: Postbox
) -> None:
    want(world.otto, NoticeKind.RESTORED)
    page = looked.profile("Alpenglück", token=looked.login())
    looked.lose(page)
    plan_and_send()
    looked.recover(page)

    plan_and_send()
    plan_and_send()

    loss, again = postbox.mails
    assert again["Subject"].strip() == "LinkedIn Page Alpenglück: works again"
    assert again["References"] == loss["Message-ID"]


def test_nobody_hears_that_something_works_again_of_whose_loss_he_never_heard(
    world: World, looked: Looked, postbox: Postbox
) -> None:
    want(world.otto, NoticeKind.RESTORED)
    page = looked.profile(token=looked.login())
    looked.lose(page)
    looked.recover(page)

    plan_and_send()

    assert not postbox.mails


def test_a_first_connection_is_no_recovery(world: World, looked: Looked, postbox: Postbox) -> None:
    want(world.otto, NoticeKind.RESTORED)
    looked.recover(looked.profile(token=looked.login()))

    plan_and_send()

    assert not postbox.mails


def test_works_again_is_off_until_it_is_wanted(looked: Looked, postbox: Postbox) -> None:
    page = looked.profile(token=looked.login())
    looked.lose(page)
    plan_and_send()
    looked.recover(page)

    plan_and_send()

    assert len(postbox.mails) == 1


@pytest.mark.parametrize("kind", STOPPABLE)
def test_one_click_stops_that_kind_and_no_other(
    client: Client, world: World, looked: Looked, kind: NoticeKind
) -> None:
    want(world.otto, *STOPPABLE)

    answer = client.post(stop_path(world.otto, kind), {"List-Unsubscribe": "One-Click"})

    assert answer.status_code == 200
    assert set(Preferences.objects.get().kinds) == set(STOPPABLE) - {kind}
    world.otto.refresh_from_db()
    assert world.otto.wants_token_mail


def test_a_stop_link_of_a_mail_from_before_there_were_kinds_stops_the_first(
    client: Client, world: World, looked: Looked
) -> None:
    from django.core import signing

    link = signing.dumps(str(world.otto.pk), salt="notifications.stop")

    client.post(reverse("notifications:stop", args=[link]))

    world.otto.refresh_from_db()
    assert not world.otto.wants_token_mail


def test_each_mail_has_the_link_that_stops_its_kind(looked: Looked, postbox: Postbox) -> None:
    page = looked.profile(token=looked.login())
    want(looked.owner, NoticeKind.RESTORED)
    looked.lose(page)
    plan_and_send()
    looked.recover(page)
    plan_and_send()

    link = str(postbox.mails[1]["List-Unsubscribe"]).strip("<> \r\n")
    Client().post("/" + link.split("/", 3)[3])

    assert Preferences.objects.get().kinds == []


def english(person: User) -> Client:
    User.objects.filter(pk=person.pk).update(language="en")
    client = Client()
    client.force_login(person)
    return client


def test_a_person_chooses_on_her_own_page(world: World) -> None:
    client, url = english(world.otto), reverse("notifications:preferences")
    assert "Warnings 30, 14, 7 days" in client.get(url).content.decode()

    answer = client.post(url, {"kinds": ["restored", "escalation"]})

    assert answer.status_code == 302
    assert Preferences.objects.get(user=world.otto).kinds == ["restored", "escalation"]
    assert client.post(url, {"kinds": ["access_lost"]}).status_code == 422
    assert client.post(url).status_code == 302
    assert Preferences.objects.get(user=world.otto).kinds == []


def preview(world: World, profile: Profile) -> str:
    url = reverse("notifications:recipients", args=["alpenglueck", profile.pk])
    return english(world.anna).get(url).content.decode()


def test_what_an_owner_has_switched_off_is_shown_in_the_preview(
    world: World, looked: Looked
) -> None:
    page = looked.profile(token=looked.login())
    assert "Has switched off" not in preview(world, page)
    want(world.otto, NoticeKind.REMINDER)

    shown = preview(world, page)

    assert "Has switched off: Warnings 30, 14, 7 days" in " ".join(shown.split())


def test_a_refused_address_is_shown_where_it_matters(world: World, looked: Looked) -> None:
    page = looked.profile(token=looked.login())
    RefusedAddress.objects.create(email=world.otto.email, said="550 5.1.1 <b>gone</b>")
    own, url = english(world.otto), reverse("notifications:address")

    assert "has refused the email address" in preview(world, page)
    shown = own.get(url).content.decode()
    assert "550 5.1.1 &lt;b&gt;gone" in shown
    own.post(reverse("notifications:try_again"))
    assert not own.get(url).content.strip()
    assert "has refused the email address" not in preview(world, page)


def test_the_preview_names_the_admins_who_hear_in_place_of_owners(
    world: World, looked: Looked
) -> None:
    page = looked.profile(token=looked.login())
    Ownership.objects.all().delete()
    assert "Nobody will be notified." in preview(world, page)

    english(world.anna).post(
        reverse("notifications:organization", args=["alpenglueck"]), {"escalates": "on"}
    )

    assert Organization.objects.get(slug="alpenglueck").escalates
    shown = preview(world, page)
    assert "these admins will" in shown
    assert "Anna" in shown


def untold(person: User, *profiles: Any, organization: str = "alpenglueck") -> str:
    url = reverse("notifications:untold", args=[organization])
    answer = english(person).get(url, {"profile": [str(one) for one in profiles]})
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_list_marks_profiles_of_which_nobody_is_told(world: World, looked: Looked) -> None:
    told, muted = (
        looked.profile(token=looked.login()),
        looked.profile(token=looked.login(), mail_when_lost=False),
    )

    shown = untold(world.mara, told.pk, muted.pk, "not-an-id")

    assert f"untold-{muted.pk}" in shown
    assert f"untold-{told.pk}" not in shown


def test_the_list_marks_no_neighbours_profiles(world: World, looked: Looked) -> None:
    page = looked.profile(token=looked.login(), mail_when_lost=False)

    assert not untold(world.nils, page.pk, organization="nordwind").strip()
    assert not untold(world.tim, page.pk).strip()


def test_one_password_change_of_40_profiles_of_3_owners_is_3_mails(
    world: World, looked: Looked, postbox: Postbox
) -> None:
    User.objects.filter(pk__in=[world.mara.pk, world.anna.pk]).update(wants_token_mail=True)
    token = looked.login()
    pages = [looked.profile(f"Page {number}", token=token) for number in range(40)]
    for page in pages:
        looked.own(page, world.mara)
        looked.own(page, world.anna)
    looked.lose(*pages, reason=Reason.PASSWORD_CHANGED)

    plan_and_send()

    assert sorted(mail["To"] for mail in postbox.mails) == sorted(
        [world.otto.email, world.mara.email, world.anna.email]
    )
    assert Notice.objects.exclude(sent_at=None).count() == 120
