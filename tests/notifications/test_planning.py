"""Who is told: from what was written down to what is owed."""

from __future__ import annotations

import random
import threading

import pytest
from allauth.account.models import EmailAddress
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership
from notifications.models import Notice
from notifications.planning import plan
from profiles.models import Ownership
from tests.notifications.conftest import Killed, Looked, killed_at, told
from tests.people import World
from tokens.models import StatusChange


@pytest.mark.django_db(transaction=True)
def test_nobody_is_told_twice(world: World, looked: Looked) -> None:
    """Four planners at once, each of which now and then dies before its commit."""
    token = looked.login()
    profiles = [looked.profile(token=token) for _ in range(60)]
    readers = [world.otto, world.mara, world.anna]
    for profile in profiles:
        for reader in readers[1:]:
            looked.own(profile, reader)
    for reader in readers:
        reader.wants_token_mail = True
        reader.save()
    looked.lose(*profiles)
    failures: list[BaseException] = []

    def planner(seed: int) -> None:
        dice = random.Random(seed)  # noqa: S311 - the same dice each time
        try:
            while StatusChange.objects.filter(planned_at=None).exists():
                try:
                    with transaction.atomic():
                        plan(7)
                        if dice.random() < 0.4:
                            raise Killed
                except Killed:
                    continue
        except BaseException as failure:
            failures.append(failure)
            raise
        finally:
            connection.close()

    planners = [threading.Thread(target=planner, args=[seed]) for seed in range(4)]
    for thread in planners:
        thread.start()
    for thread in planners:
        thread.join()

    assert not failures
    assert Notice.objects.count() == 60 * 3
    assert told() == {(profile.pk, reader.pk) for profile in profiles for reader in readers}


@pytest.mark.django_db(transaction=True)
def test_a_second_planner_takes_other_changes_and_does_not_wait(looked: Looked) -> None:
    looked.lose(*(looked.profile(token=looked.login()) for _ in range(3)))
    planned: list[int] = []

    def second() -> None:
        planned.append(plan())
        connection.close()

    thread = threading.Thread(target=second)
    with transaction.atomic():
        assert plan(2) == 2
        thread.start()
        thread.join(5)
        assert planned == [1]
    thread.join()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("statement", range(1, 8))
def test_nobody_is_forgotten_after_a_crash_between_any_two_statements(
    world: World, looked: Looked, statement: int
) -> None:
    profile = looked.profile(token=looked.login())
    looked.lose(profile)

    try:
        with killed_at(statement):
            plan()
    except Killed:
        plan()

    assert told() == {(profile.pk, world.otto.pk)}
    assert not StatusChange.objects.filter(planned_at=None).exists()


def test_planning_the_same_change_again_tells_nobody_again(looked: Looked) -> None:
    looked.lose(looked.profile(token=looked.login()))
    plan()
    StatusChange.objects.update(planned_at=None)

    plan()

    assert Notice.objects.count() == 1


@pytest.mark.parametrize(
    ("profile_box", "own_box", "is_told"),
    [(True, True, True), (True, False, False), (False, True, False), (False, False, False)],
)
def test_both_opt_ins_must_be_on(
    world: World, looked: Looked, profile_box: bool, own_box: bool, is_told: bool
) -> None:
    world.otto.wants_token_mail = own_box
    world.otto.save()
    looked.lose(looked.profile(token=looked.login(), mail_when_lost=profile_box))

    plan()

    assert Notice.objects.exists() is is_told


def test_an_unconfirmed_address_is_not_written_to(world: World, looked: Looked) -> None:
    EmailAddress.objects.filter(user=world.otto).update(verified=False)
    looked.lose(looked.profile(token=looked.login()))

    plan()

    assert not told()


def test_another_confirmed_address_of_the_owner_does_not_count(
    world: World, looked: Looked
) -> None:
    EmailAddress.objects.filter(user=world.otto).update(email="old@alpenglueck.example")
    looked.lose(looked.profile(token=looked.login()))

    plan()

    assert not told()


def test_a_removed_member_is_not_written_to(world: World, looked: Looked) -> None:
    profile = looked.profile(token=looked.login())
    Membership.objects.filter(user=world.otto).delete()
    looked.lose(profile)

    plan()

    assert not Ownership.objects.filter(user=world.otto).exists(), "went with the membership"
    assert not told()


def test_a_deactivated_person_is_not_written_to(world: World, looked: Looked) -> None:
    world.otto.is_active = False
    world.otto.save()
    looked.lose(looked.profile(token=looked.login()))

    plan()

    assert not told()


def test_only_owners_are_told(world: World, looked: Looked) -> None:
    world.mara.wants_token_mail = True
    world.mara.save()
    profile = looked.profile(token=looked.login())
    looked.lose(profile)

    plan()

    assert told() == {(profile.pk, world.otto.pk)}


@pytest.mark.parametrize(
    ("was_valid", "is_valid", "is_told"),
    [(True, False, True), (True, True, False), (False, False, False), (False, True, False)],
)
def test_only_the_loss_of_the_last_valid_access_is_told(
    looked: Looked, was_valid: bool, is_valid: bool, is_told: bool
) -> None:
    [change] = looked.lose(looked.profile(token=looked.login()))
    StatusChange.objects.filter(pk=change.pk).update(
        profile_was_valid=was_valid, profile_valid=is_valid
    )

    plan()

    assert Notice.objects.exists() is is_told
    assert not StatusChange.objects.filter(planned_at=None).exists()


def test_an_owner_without_a_language_is_told(world: World, looked: Looked) -> None:
    world.otto.language = ""
    world.otto.save()
    looked.lose(looked.profile(token=looked.login()))

    plan()

    assert told()


def test_planning_many_changes_takes_as_many_queries_as_planning_one(
    world: World, looked: Looked
) -> None:
    def queries(changes: int) -> int:
        token = looked.login()
        looked.lose(*(looked.profile(token=token) for _ in range(changes)))
        with CaptureQueriesContext(connection) as captured:
            assert plan() == changes
        return len(captured)

    assert queries(1) == queries(40) <= 8
