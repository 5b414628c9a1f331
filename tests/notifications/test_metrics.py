"""/metrics, read as Prometheus reads it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from accounts.models import Organization
from accounts.walls import ENGINE, WEB
from networks.base import Health, Reason, dead
from networks.registry import NETWORKS
from notifications.models import (
    Digest,
    Notice,
    OperatorNotice,
    Phase,
    Preferences,
    Webhook,
    WebhookDelivery,
)
from notifications.planning import plan
from tests import builders
from tests.notifications.conftest import Looked
from tests.people import World
from tests.roles import queries_of
from tests.saying import ask, login, waited
from tokens.models import Access, Backlog, Failure, StatusChange, Token
from tokens.tasks import count_watched, watch

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("our_client_ids")]
TOKEN = "a-token-of-the-operator"
MINUTE = timedelta(minutes=1)
DOUBTFUL = dead(Reason.INVALID_TOKEN_UNSPECIFIED, ambiguous=True)
Figures = dict[tuple[str, ...], float]


@pytest.fixture(autouse=True)
def token(settings: Any) -> str:
    settings.METRICS_TOKEN = TOKEN
    return TOKEN


def get(authorization: str | None = f"Bearer {TOKEN}") -> Any:
    headers = {"Authorization": authorization} if authorization is not None else {}
    return Client().get("/metrics", headers=headers)


def scraped() -> dict[str, Figures]:
    """{sample: {values of its labels, by the names of the labels: value}}"""
    answer = get()
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    samples: dict[str, Figures] = {}
    for family in text_string_to_metric_families(answer.content.decode()):
        for sample in family.samples:
            labels = tuple(value for _, value in sorted(sample.labels.items()))
            samples.setdefault(sample.name, {})[labels] = sample.value
    return samples


# Who may read it


def test_without_a_token_in_the_settings_there_is_no_such_page(settings: Any) -> None:
    settings.METRICS_TOKEN = ""
    for said in (None, "Bearer ", f"Bearer {TOKEN}"):
        assert get(said).status_code == 404


@pytest.mark.parametrize(
    "said", [None, "", "Bearer", "Bearer ", f"Bearer {TOKEN}x", TOKEN, f"Basic {TOKEN}", "Bearer é"]
)
def test_who_does_not_know_the_token_is_asked_for_it(said: str | None) -> None:
    answer = get(said)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer ")
    assert not answer.content


def test_who_knows_it_reads_and_nobody_keeps_it() -> None:
    answer = get(f"bearer {TOKEN}")
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert not answer.cookies


def test_an_admin_or_an_operator_is_nobody_without_it(world: World) -> None:
    client = Client()
    client.force_login(world.anna)
    assert client.get("/metrics").status_code == 401


def test_it_names_no_organization_no_profile_and_no_person(looked: Looked, world: World) -> None:
    hook = Webhook.objects.create(organization=world.alpenglueck, url="https://hooks.example/")
    page = looked.profile("Hüttenzauber", token=looked.login("Anna Huber"))
    looked.lose(page)
    plan()
    text = get().content.decode()
    assert 'network="linkedin"' in text
    names = [page.name, page.remote_id, hook.url, "Anna Huber", world.otto.email, str(page.pk)]
    names += [token.subject for token in Token.objects.all()]
    names += [word for one in Organization.objects.all() for word in (one.name, one.slug)]
    assert not [name for name in names if name in text]


@pytest.mark.parametrize(
    "name", ["loss_counts", "loss_stages", "messages_owed", "accesses_suspected"]
)
def test_what_looks_over_the_walls_is_for_the_web_process_alone(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT oid, prosecdef, proconfig FROM pg_proc WHERE proname = %s", [name])
        [(oid, *rest)] = cursor.fetchall()
        assert rest == [True, ["search_path=pg_catalog, pg_temp"]]
        for role, may in ((WEB, True), (ENGINE, False), ("pg_monitor", False)):
            cursor.execute("SELECT has_function_privilege(%s, %s::oid, 'EXECUTE')", [role, oid])
            assert cursor.fetchone() == (may,), role


# The path of a loss


@pytest.fixture
def story(looked: Looked, world: World) -> None:
    """A loss that lived until 20 minutes before it was found, counted a minute later, was told half
    a minute after that, and mended after two hours. Another organization's was found at once, and
    that is all there is."""
    lost_at = timezone.now() - timedelta(days=2)
    page = looked.profile(token=looked.login())
    [change] = looked.lose(page)
    StatusChange.objects.filter(pk=change.pk).update(
        at=lost_at, found_at=lost_at - MINUTE, alive_at=lost_at - 21 * MINUTE
    )
    plan()
    Notice.objects.update(sent_at=lost_at + MINUTE / 2)
    mended = looked.recover(page)
    StatusChange.objects.filter(pk=mended.pk).update(at=lost_at + 120 * MINUTE)
    theirs = builders.access(builders.token(world.nordwind), builders.profile(world.nordwind))
    builders.change(
        theirs, Reason.PASSWORD_CHANGED, was=True, now=False, found_at=lost_at, at=lost_at
    )


@pytest.mark.usefixtures("story")
def test_each_stage_of_the_path_is_a_histogram_by_network() -> None:
    found = scraped()
    sums = {
        "death_to_found": 600.0,
        "found_to_written": 60.0,
        "written_to_sent": 30.0,
        "lost_to_reconnected": 7200.0,
    }
    for stage, seconds in sums.items():
        assert found[f"tokenwacht_{stage}_seconds_gsum"] == {("linkedin",): seconds}
    counts = {stage: found[f"tokenwacht_{stage}_seconds_gcount"] for stage in sums}
    assert counts["found_to_written"] == {("linkedin",): 2.0}, "over all organizations"
    assert counts["written_to_sent"] == {("linkedin",): 1.0}


@pytest.mark.usefixtures("story")
def test_a_bucket_counts_what_took_no_longer_and_the_last_one_all() -> None:
    buckets = scraped()["tokenwacht_found_to_written_seconds_bucket"]
    assert buckets["15.0", "linkedin"] == 1
    assert buckets["60.0", "linkedin"] == 2, "a minute is not longer than a minute"
    assert buckets["+Inf", "linkedin"] == 2


@pytest.mark.usefixtures("story")
def test_losses_are_counted_by_network_and_reason() -> None:
    assert scraped()["tokenwacht_losses"] == {
        ("linkedin", "revoked_by_user"): 1.0,
        ("linkedin", "password_changed"): 1.0,
    }


@pytest.mark.usefixtures("story")
def test_what_is_longer_ago_than_thirty_days_does_not_count() -> None:
    for change in StatusChange.objects.all():
        change.at -= timedelta(days=28, minutes=1)
        change.save()
    found = scraped()
    assert "tokenwacht_losses" not in found
    assert "tokenwacht_found_to_written_seconds_bucket" not in found


def test_one_of_two_accesses_and_a_profile_that_is_gone_are_no_losses(
    looked: Looked, world: World
) -> None:
    page = looked.profile(token=looked.login())
    builders.change(page.accesses.get(), Reason.EXPIRED, was=True, now=True)
    looked.lose(page, reason=Reason.NO_LONGER_LISTED)
    assert "tokenwacht_losses" not in scraped()


# What is held


def test_a_death_that_is_held_counts_as_held_and_as_no_loss(world: World, says: Any) -> None:
    for number in range(8):
        login(world.alpenglueck, f"Login {number}")
    says("tiktok", probe=dead(Reason.REVOKED_BY_USER))
    ask()
    waited()
    ask()
    found = scraped()
    assert found["tokenwacht_accesses_held"]["tiktok",] == 8
    assert found["tokenwacht_accesses_unconfirmed"]["tiktok",] == 0
    assert found["tokenwacht_failures_open"]["dead", "tiktok"] == 1
    assert "tokenwacht_losses" not in found
    Failure.objects.update(believed_at=timezone.now())
    assert scraped()["tokenwacht_accesses_held"]["tiktok",] == 0, "the next answer is believed"


def test_a_death_that_waits_for_its_second_answer_is_not_held(world: World, says: Any) -> None:
    login(world.alpenglueck)
    says("tiktok", probe=DOUBTFUL)
    ask()
    found = scraped()
    assert found["tokenwacht_accesses_unconfirmed"]["tiktok",] == 1
    assert found["tokenwacht_accesses_held"]["tiktok",] == 0


def test_the_failure_of_another_app_holds_nothing_of_this_one(world: World, says: Any) -> None:
    token = login(world.alpenglueck)
    other = builders.token(world.nordwind, "xing").app
    says("tiktok", probe=DOUBTFUL)
    ask()
    fails = {"health": Health.DEAD, "reason": Reason.REVOKED_BY_USER}
    Failure.objects.create(network_slug="tiktok", app=other, **fails)
    assert scraped()["tokenwacht_accesses_held"]["tiktok",] == 0
    Failure.objects.create(network_slug="tiktok", app=token.app, **fails)
    assert scraped()["tokenwacht_accesses_held"]["tiktok",] == 1


def test_a_failure_that_is_over_is_not_open() -> None:
    fails = {"health": Health.UNCLEAR, "reason": Reason.NETWORK_OUTAGE, "network_slug": "xing"}
    Failure.objects.create(**fails, closed_at=timezone.now())
    assert set(scraped()["tokenwacht_failures_open"].values()) == {0}
    Failure.objects.create(**fails)
    assert scraped()["tokenwacht_failures_open"]["unclear", "xing"] == 1


# What is owed


def test_a_mail_is_owed_since_its_time_had_come(looked: Looked) -> None:
    looked.lose(looked.profile(token=looked.login()))
    found = scraped()
    assert found["tokenwacht_changes_unplanned"][()] == 1
    plan()
    ago = timezone.now() - 10 * MINUTE
    Notice.objects.update(next_attempt_at=ago, created_at=ago - timedelta(hours=8))
    found = scraped()
    assert found["tokenwacht_changes_unplanned"][()] == 0
    assert found["tokenwacht_messages_owed"] == {
        ("mail",): 1,
        ("operator_mail",): 0,
        ("webhook",): 0,
    }
    assert found["tokenwacht_messages_owed_oldest_seconds"]["mail",] == pytest.approx(600, abs=30)


def test_a_mail_that_is_tried_again_later_is_owed_since_it_was_written_down(
    looked: Looked,
) -> None:
    looked.lose(looked.profile(token=looked.login()))
    plan()
    now = timezone.now()
    Notice.objects.update(
        attempts=3, next_attempt_at=now + 30 * MINUTE, created_at=now - 40 * MINUTE
    )
    found = scraped()
    assert found["tokenwacht_messages_owed"]["mail",] == 1
    assert found["tokenwacht_messages_owed_oldest_seconds"]["mail",] == pytest.approx(2400, abs=30)
    Notice.objects.update(sent_at=now)
    found = scraped()
    assert found["tokenwacht_messages_owed"]["mail",] == 0
    assert found["tokenwacht_messages_owed_oldest_seconds"]["mail",] == 0


def test_what_waits_for_its_digest_is_not_late(looked: Looked, world: World) -> None:
    Preferences.objects.create(user=world.otto, digest=Digest.WEEKLY)
    looked.lose(looked.profile(token=looked.login()))
    plan()
    found = scraped()
    assert found["tokenwacht_messages_owed"]["mail",] == 0
    assert found["tokenwacht_messages_owed_oldest_seconds"]["mail",] == 0
    assert found["tokenwacht_mails_put_off"][()] == 1


def test_webhooks_and_mails_to_the_operator_are_owed_too(looked: Looked, world: World) -> None:
    hook = Webhook.objects.create(organization=world.alpenglueck, url="https://hooks.example/")
    home = {"organization": world.alpenglueck, "webhook": hook}
    WebhookDelivery.objects.create(**home, event="webhook.trial")
    WebhookDelivery.objects.create(**home, event="webhook.trial", given_up_at=timezone.now())
    failure = Failure.objects.create(
        network_slug="xing", health=Health.DEAD, reason=Reason.REVOKED_BY_USER
    )
    OperatorNotice.objects.create(failure=failure, phase=Phase.OPENING, user=world.anna)
    owed = scraped()["tokenwacht_messages_owed"]
    assert owed == {("mail",): 0, ("operator_mail",): 1, ("webhook",): 1}


# The engine


def test_it_says_how_far_the_engine_is_behind_and_how_many_tokens_live(world: World) -> None:
    builders.token(world.alpenglueck, next_probe_at=timezone.now() - 5 * MINUTE)
    builders.token(world.nordwind, next_probe_at=timezone.now() + 5 * MINUTE)
    builders.token(world.nordwind, reason=Reason.EXPIRED, next_probe_at=timezone.now() + 5 * MINUTE)
    watch()
    count_watched()
    found = scraped()
    assert found["tokenwacht_tokens"]["linkedin", "alive"] == 2
    assert found["tokenwacht_tokens"]["linkedin", "dead"] == 1
    assert found["tokenwacht_tokens"]["xing", "alive"] == 0
    assert found["tokenwacht_tokens_due"]["linkedin",] == 1
    assert found["tokenwacht_engine_lag_seconds"]["linkedin",] == pytest.approx(300, abs=30)
    looked_at = found["tokenwacht_engine_looked_timestamp_seconds"]["linkedin",]
    assert looked_at == pytest.approx(timezone.now().timestamp(), abs=30)


def test_a_lag_that_nobody_knows_is_not_nothing(world: World) -> None:
    watch()
    assert set(scraped()["tokenwacht_engine_lag_seconds"]) == {(slug,) for slug in NETWORKS}
    Backlog.objects.filter(pk="xing").update(seen_at=timezone.now() - 60 * MINUTE)
    assert ("xing",) not in scraped()["tokenwacht_engine_lag_seconds"]
    assert ("xing",) in scraped()["tokenwacht_engine_looked_timestamp_seconds"]


def test_the_number_of_queries_does_not_depend_on_the_number_of_rows(
    looked: Looked, world: World
) -> None:
    looked.lose(looked.profile(token=looked.login()))
    plan()
    watch()
    few = queries_of(get)
    for network in ("linkedin", "pinterest", "xing"):
        kind = NETWORKS[network].kinds[0].slug
        pages = [looked.profile(token=looked.login(network=network), kind=kind) for _ in range(3)]
        looked.lose(*pages)
        Access.objects.filter(profile=pages[0]).update(suspected_at=timezone.now())
        Failure.objects.create(
            network_slug=network, health=Health.DEAD, reason=Reason.REVOKED_BY_USER
        )
    plan()
    assert len(few) == len(queries_of(get)) == 6
