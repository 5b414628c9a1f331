"""What changes under a living login: boards come and go, names, scopes, roles."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, User
from networks.base import ALIVE, Identity, Reachable, Reason, Refusal, Refused, alive, dead
from networks.registry import NETWORKS
from notifications.models import Notice
from notifications.planning import plan
from profiles.models import Ownership, Profile
from tests import builders
from tests.people import sign_in
from tests.saying import ask, login, the_profile, waited
from tokens.models import Access, StatusChange, Token

pytestmark = pytest.mark.django_db
ACCOUNT = "549755900001"


def board(number: int, name: str = "", account: str = ACCOUNT) -> Reachable:
    return Reachable("board", f"b{number}", name or f"Board {number}", parent_remote_id=account)


def account(name: str = "Alpenglück") -> Reachable:
    return Reachable("account", ACCOUNT, name, is_login=True)


def own(profile: Profile, world: Any) -> None:
    home = {"organization": profile.organization, "profile": profile}
    Ownership.objects.create(**home, user=world.otto)


@pytest.fixture
def pinterest(world: Any, says: Any) -> Any:
    """Anna's account with two boards, owned by Otto, each with its mail switched on.

    `pinterest(listing…)` asks with that listing, as often as it takes to be believed.
    """
    User.objects.filter(pk=world.otto.pk).update(wants_token_mail=True)
    token = login(world.alpenglueck, slug="pinterest", listed_at=None)
    parent = the_profile()
    parent.remote_id, parent.name, parent.mail_when_lost = ACCOUNT, "Alpenglück", True
    parent.save()
    own(parent, world)
    for number in (1, 2):
        child = builders.profile(
            world.alpenglueck, "pinterest", "board", remote_id=f"b{number}", parent=parent
        )
        builders.access(token, child)
        child.mail_when_lost = True
        child.save()
        own(child, world)

    def listed(*reached: Reachable, looks: int = 2, **more: Any) -> None:
        says("pinterest", **{"probe": ALIVE, "reach": [account(), *reached], **more})
        for _ in range(looks):
            Token.objects.update(listed_at=None)
            ask("pinterest")
            waited()

    return listed


def named(remote_id: str) -> Profile:
    return Profile.objects.get(remote_id=remote_id)


def test_a_new_board_appears_with_the_owners_of_its_account_and_no_mail(pinterest, world):
    pinterest(board(1), board(2), board(3, "Rezepte"), looks=1)
    new = named("b3")
    assert (new.name, new.parent, new.status) == ("Rezepte", named(ACCOUNT), "valid")
    assert not new.mail_when_lost
    assert [one.user for one in Ownership.objects.filter(profile=new)] == [world.otto]
    assert new.accesses.get().token == Token.objects.get()
    plan()
    assert not Notice.objects.exists()
    event = AuditEvent.objects.get(verb="profile_appeared")
    assert (event.object_name, event.actor_name) == ("Rezepte", "")


def test_a_new_board_appears_once_however_often_it_is_listed(pinterest):
    pinterest(board(1), board(2), board(3), looks=3)
    assert Profile.objects.filter(remote_id="b3").count() == 1
    assert AuditEvent.objects.filter(verb="profile_appeared").count() == 1


def test_a_renamed_account_and_a_renamed_board_follow(pinterest):
    pinterest(board(1, "Hütten"), board(2), looks=1, reach=[account("Neu"), board(1, "Hütten")])
    assert (named("b1").name, named(ACCOUNT).name) == ("Hütten", "Neu")
    assert Token.objects.get().subject_name == "Anna Huber today"


def test_a_board_that_is_no_longer_listed_is_gone_and_nobody_is_written_to(pinterest):
    pinterest(board(1), looks=1)
    assert named("b2").is_valid, "one look is none"
    pinterest(board(1), looks=1)
    gone = named("b2")
    assert (gone.status, gone.reason) == ("gone", Reason.NO_LONGER_LISTED)
    assert named(ACCOUNT).is_valid
    assert named("b1").is_valid
    plan()
    assert not Notice.objects.exists()


def test_a_board_that_is_listed_again_turns_green_by_itself(pinterest):
    pinterest(board(1))
    pinterest(board(1), board(2), looks=1)
    assert named("b2").is_valid
    assert named("b2").changes.count() == 2


def test_a_listing_that_may_not_be_asked_for_is_no_empty_one(pinterest):
    pinterest(reach=Refused(Refusal.SCOPE_MISSING))
    assert named("b1").reason == Reason.PERMISSION_LOST
    assert named("b1").status == "lost"
    assert named(ACCOUNT).is_valid


def test_a_dead_login_is_not_told_as_boards_that_went(pinterest, says):
    pinterest(board(1))
    says("pinterest", probe=dead(Reason.REVOKED_BY_USER))
    ask("pinterest")
    assert (named("b1").status, named("b1").reason) == ("lost", Reason.REVOKED_BY_USER)
    assert named("b2").status == "gone"
    plan()
    told = Notice.objects.values_list("change__profile__remote_id", flat=True)
    assert sorted(told) == [ACCOUNT, "b1"]


def test_another_login_in_our_place_renames_nothing_and_takes_nothing(pinterest, says):
    says("pinterest", identify=Identity("9", "eve"))
    pinterest(board(9))
    assert not Profile.objects.filter(remote_id="b9").exists()
    assert named("b1").is_valid
    assert Token.objects.get().unclear_reason == Reason.NOT_UNDERSTOOD


def test_a_board_that_another_login_brought_keeps_the_owners_it_has(pinterest, world):
    """A manager took its owner out; that a second login lists it too brings nobody back."""
    home = {"organization": world.alpenglueck, "parent": named(ACCOUNT)}
    Profile.objects.create(**home, network_slug="pinterest", kind_slug="board", remote_id="b7")
    pinterest(board(1), board(2), board(7), looks=1)
    assert named("b7").accesses.exists()
    assert not Ownership.objects.filter(profile=named("b7")).exists()


def test_a_board_that_was_deleted_here_stays_away(pinterest, world, client):
    pinterest(board(1), board(2), looks=1)
    page = reverse("tokens:delete", args=[world.alpenglueck.slug, named("b2").pk])
    sign_in(client, world.anna).post(page)
    assert not Profile.objects.filter(remote_id="b2").exists()
    pinterest(board(1), board(2), looks=1)
    assert not Profile.objects.filter(remote_id="b2").exists()


def test_a_board_that_is_gone_can_be_deleted_and_its_page_says_so(pinterest, world, client):
    pinterest(board(1))
    home = sign_in(client, world.anna)
    slug = world.alpenglueck.slug
    listing = home.get(reverse("tokens:profile_list", args=[slug]))
    assert "No longer in the network" in listing.content.decode()
    about = home.get(reverse("tokens:profile_accesses", args=[slug, named("b2").pk]))
    assert "no longer lists this profile" in about.content.decode()
    home.post(reverse("tokens:delete", args=[slug, named("b2").pk]))
    assert not Profile.objects.filter(remote_id="b2").exists()


# Scopes and roles


@pytest.fixture
def tiktok(world, says):
    login(world.alpenglueck)

    def granted(*scopes: str) -> Profile:
        says("tiktok", probe=alive(scopes))
        ask()
        waited()
        ask()
        return Profile.objects.get()

    return granted


REQUIRED = NETWORKS["tiktok"].required_scopes


def test_a_required_scope_that_a_probe_no_longer_sees_makes_the_access_bad_and_is_named(
    tiktok, world, client
):
    profile = tiktok("user.info.basic")
    assert (profile.status, profile.reason) == ("lost", Reason.PERMISSION_LOST)
    assert Token.objects.get().scopes == ["user.info.basic"]
    page = reverse("tokens:profile_accesses", args=[world.alpenglueck.slug, profile.pk])
    assert "video.publish" in sign_in(client, world.anna).get(page).content.decode()
    assert tiktok(*REQUIRED).is_valid


def test_a_scope_that_only_an_optional_capability_needs_mails_nobody(world, says):
    network = NETWORKS["linkedin"]
    login(world.alpenglueck, slug="linkedin")
    says("linkedin", probe=alive(network.scopes))
    ask("linkedin")
    assert the_profile().can("comment_on_incoming")
    without = tuple(scope for scope in network.scopes if scope != "r_organization_social")
    says("linkedin", probe=alive(without))
    ask("linkedin")
    profile = the_profile()
    assert profile.is_valid
    assert profile.can("publish_post")
    assert not profile.can("comment_on_incoming")
    plan()
    assert not Notice.objects.exists()
    assert not StatusChange.objects.exists()


def test_what_a_network_does_not_say_changes_no_scope(tiktok, says):
    tiktok(*REQUIRED)
    says("tiktok", probe=ALIVE)
    ask()
    assert Token.objects.get().scopes == list(REQUIRED)


def test_a_profile_can_what_one_good_access_can(world, says, monkeypatch):
    needs_role = replace(NETWORKS["tiktok"].capabilities["publish_post"], roles=("EDITOR",))
    capabilities = {**NETWORKS["tiktok"].capabilities, "publish_post": needs_role}
    monkeypatch.setattr(type(NETWORKS["tiktok"]), "capabilities", capabilities)
    login(world.alpenglueck, listed_at=None)
    profile = the_profile()
    assert not profile.can("publish_post")
    assert profile.can("connect")
    one = Reachable(profile.kind_slug, profile.remote_id, profile.name, role="ANALYST EDITOR")
    says("tiktok", probe=ALIVE, reach=[one])
    ask()
    assert the_profile().can("publish_post")


def test_a_lost_role_is_shown_no_more_and_nothing_is_ticked(world, says, client):
    login(world.alpenglueck, slug="linkedin", listed_at=None)
    Access.objects.update(role="ADMINISTRATOR")
    says("linkedin", probe=ALIVE, reach=[])
    ask("linkedin")
    waited()
    ask("linkedin")
    profile = the_profile()
    assert profile.reason == Reason.PERMISSION_LOST
    page = reverse("tokens:profile_accesses", args=[world.alpenglueck.slug, profile.pk])
    shown = sign_in(client, world.anna).get(page).content.decode()
    assert "Publish posts" not in shown
    assert "ADMINISTRATOR" not in shown


def test_a_lost_profile_can_nothing(world, says):
    login(world.alpenglueck)
    says("tiktok", probe=ALIVE)
    ask()
    says("tiktok", probe=dead(Reason.REVOKED_BY_USER))
    ask()
    assert the_profile().capabilities == []
    assert not the_profile().can("connect")


def test_what_the_network_does_not_allow_nobody_can(world, says):
    login(world.alpenglueck, slug="pinterest", listed_at=timezone.now())
    says("pinterest", probe=ALIVE)
    ask("pinterest")
    assert the_profile().can("publish_post")
    assert not the_profile().can("publish_comment")
