"""Webhooks, over a real server: every event, signed, under one id, and never to a neighbour."""

from __future__ import annotations

import hmac
import json
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import sealing
from accounts.models import AuditEvent, User
from networks import http
from notifications import posting, webhooks
from notifications.models import Notice, Outcome, Webhook, WebhookDelivery, WhyStopped
from notifications.planning import plan
from notifications.tasks import forget_what_is_over, plan_and_send, post_events
from profiles.models import Profile
from tests.notifications.conftest import Killed, Looked, killed_at
from tests.people import World, sign_in

URL = "https://events.example.com/tokenwacht"


@dataclass
class Receiver:
    """An organization's own server: what came, and how it answers."""

    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    while_answering: Callable[[], object] = lambda: None

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.came]


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # noqa: N802 - the library's name
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.came.append(({k.lower(): v for k, v in self.headers.items()}, body))
            found.while_answering()
            self.send_response(found.status)
            for name, value in found.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    settings.NETWORK_HOSTS = {"events.example.com": f"http://127.0.0.1:{server.server_port}"}
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


SECRET = "whsec_" + b64encode(b"a" * 32).decode()


@pytest.fixture
def hook(looked: Looked) -> Webhook:
    return Webhook.objects.create(
        organization=looked.organization, url=URL, secret=sealing.seal(SECRET)
    )


@pytest.fixture
def lost(looked: Looked, hook: Webhook) -> Profile:
    page = looked.profile("Alpenglück", token=looked.login())
    looked.lose(page)
    plan()
    return page


def it_is_time() -> None:
    WebhookDelivery.objects.update(next_attempt_at=timezone.now())


def test_a_lost_access_is_posted_with_all_that_is_needed(lost: Profile, receiver: Receiver) -> None:
    post_events()

    [event] = receiver.events
    assert event["type"] == "profile.access_lost"
    assert event["data"]["organization"] == "alpenglueck"
    assert event["data"]["profile"] == {
        "id": str(lost.pk),
        "network": "linkedin",
        "kind": "page",
        "name": "Alpenglück",
        "url": "",
    }
    assert event["data"]["reason"] == "revoked_by_user"
    assert event["data"]["has_valid_access"] is False
    assert event["data"]["refresh_url"].endswith(f"/profiles/{lost.pk}/refresh/")
    assert WebhookDelivery.objects.get().sent_at


@pytest.mark.usefixtures("lost")
def test_what_is_posted_is_signed_as_standard_webhooks_says(receiver: Receiver) -> None:
    """As a receiver would check it, from the bytes that came."""
    post_events()

    [(headers, body)] = receiver.came
    assert headers["content-type"] == "application/json"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.digest(b64decode(SECRET.removeprefix("whsec_")), signed, sha256)
    assert headers["webhook-signature"] == "v1," + b64encode(digest).decode()


def test_the_signature_is_that_of_the_standards_example() -> None:
    """https://github.com/standard-webhooks/standard-webhooks, the libraries' own test values."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = '{"test": 2432232314}'

    signature = posting.sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body)

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_profile_that_works_again_is_posted(
    looked: Looked, lost: Profile, receiver: Receiver
) -> None:
    post_events()
    looked.recover(lost)
    plan()

    post_events()

    assert [event["type"] for event in receiver.events] == [
        "profile.access_lost",
        "profile.access_restored",
    ]


@pytest.mark.usefixtures("lost")
def test_an_event_is_posted_once(receiver: Receiver) -> None:
    post_events()
    it_is_time()
    post_events()

    assert len(receiver.came) == 1


def test_mail_and_webhook_are_planned_together(
    looked: Looked, hook: Webhook, receiver: Receiver
) -> None:
    """A crash at any statement forgets neither, and doubles neither."""
    looked.lose(looked.profile(token=looked.login()))
    for statement in range(1, 12):
        with pytest.raises(Killed), killed_at(statement):
            plan()
            raise Killed
    plan()

    assert WebhookDelivery.objects.count() == 1


def test_a_neighbour_hears_nothing(world: World, looked: Looked, receiver: Receiver) -> None:
    Webhook.objects.create(organization=world.nordwind, url=URL, secret=sealing.seal(SECRET))
    looked.lose(looked.profile(token=looked.login()))
    plan()

    post_events()

    assert not receiver.came


@pytest.mark.usefixtures("lost")
def test_what_failed_is_posted_again_under_the_same_id(receiver: Receiver) -> None:
    receiver.status = 500
    post_events()
    owed = WebhookDelivery.objects.get()
    assert owed.detail == "500"
    assert timezone.now() < owed.next_attempt_at <= timezone.now() + timedelta(seconds=5)
    receiver.status = 200
    it_is_time()

    post_events()

    first, second = (headers["webhook-id"] for headers, _ in receiver.came)
    assert first == second == str(owed.pk)
    assert WebhookDelivery.objects.get().sent_at


@pytest.mark.usefixtures("lost")
def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.status, receiver.headers = 302, {"Location": "https://events.example.com/elsewhere"}

    post_events()

    assert len(receiver.came) == 1
    assert WebhookDelivery.objects.get().detail == "302"


@pytest.mark.usefixtures("lost")
def test_gone_stops_the_webhook_at_once(looked: Looked, receiver: Receiver) -> None:
    receiver.status = 410
    post_events()
    assert Webhook.objects.get().why_stopped == WhyStopped.GONE
    looked.lose(looked.profile(token=looked.login()))
    plan()

    post_events()

    assert len(receiver.came) == 1
    assert WebhookDelivery.objects.get().outcome == Outcome.EXHAUSTED


@pytest.mark.usefixtures("lost")
def test_what_was_owed_when_it_stopped_is_given_up(looked: Looked, receiver: Receiver) -> None:
    looked.lose(looked.profile(token=looked.login()))
    plan()
    receiver.status = 410

    post_events()

    assert len(receiver.came) == 1
    assert not WebhookDelivery.objects.owed().exists()


@pytest.mark.usefixtures("lost")
def test_after_three_days_of_failures_it_is_stopped(receiver: Receiver) -> None:
    receiver.status = 503
    for _ in range(len(posting.BACK_OFF) + 1):
        it_is_time()
        post_events()

    assert len(receiver.came) == 10
    assert sum(posting.BACK_OFF, timedelta()) > timedelta(days=3)
    assert Webhook.objects.get().why_stopped == WhyStopped.FAILING
    assert not WebhookDelivery.objects.owed().exists()


@pytest.mark.usefixtures("lost")
def test_a_server_that_hangs_is_left_and_holds_up_no_other(
    looked: Looked, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "REQUEST_LIMIT", 0.3)
    looked.lose(looked.profile(token=looked.login()))
    plan()
    enough = threading.Event()
    receiver.while_answering = lambda: enough.wait(5)

    start = time.monotonic()
    post_events()
    enough.set()

    assert time.monotonic() - start < 3
    assert len(receiver.came) == 1, "the second event of the same address waits, too"
    assert WebhookDelivery.objects.owed().count() == 2


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1"])
def test_a_name_that_leads_to_a_private_network_is_not_asked(
    lost: Profile, monkeypatch: pytest.MonkeyPatch, settings: Any, address: str
) -> None:
    settings.NETWORK_HOSTS = {}
    family = 10 if ":" in address else 2
    monkeypatch.setattr(
        "socket.getaddrinfo", lambda *args, **kwargs: [(family, 1, 6, "", (address, 443))]
    )

    post_events()

    owed = WebhookDelivery.objects.get()
    assert "events.example.com" in owed.detail
    assert not owed.sent_at
    assert owed.attempts == 1


@pytest.mark.usefixtures("lost")
@pytest.mark.django_db(transaction=True)
def test_four_workers_post_each_event_once(looked: Looked, receiver: Receiver) -> None:
    looked.lose(*(looked.profile(token=looked.login()) for _ in range(11)))
    plan()

    def worker() -> None:
        post_events()
        connection.close()

    workers = [threading.Thread(target=worker) for _ in range(4)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join()

    ids = [headers["webhook-id"] for headers, _ in receiver.came]
    assert len(ids) == len(set(ids)) == 12


def page(person: User) -> Client:
    User.objects.filter(pk=person.pk).update(language="en")
    client = Client()
    sign_in(client, person)
    return client


def address_of() -> str:
    return reverse("notifications:webhooks", args=["alpenglueck"])


def test_an_admin_adds_one_sees_its_secret_once_and_what_came_of_the_trial(
    world: World, receiver: Receiver
) -> None:
    client = page(world.anna)

    shown = client.post(address_of(), {"url": URL}).content.decode()
    post_events()

    hook = Webhook.objects.get()
    secret = sealing.open_(hook.secret)
    assert secret in shown
    assert secret not in hook.secret
    again = client.get(address_of()).content.decode()
    assert secret not in again
    assert "webhook.trial" in again
    assert "Taken" in again
    assert receiver.events[0]["type"] == "webhook.trial"
    assert AuditEvent.objects.filter(verb="webhook_added").exists()
    assert secret not in str(list(AuditEvent.objects.values()))


@pytest.mark.parametrize(
    "url",
    [
        "http://events.example.com/",
        "https://localhost/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://intranet/",
        "https://events.internal/",
        "https://events.example.com:8443/",
        "https://user:word@events.example.com/",
        "https://[",
        "javascript:alert(1)",
        "https://events.example.com/\r\nX: y",
    ],
)
def test_an_address_that_is_none_is_refused(world: World, url: str) -> None:
    answer = page(world.anna).post(address_of(), {"url": url})

    assert answer.status_code == 422
    assert "Type an address on the Internet" in answer.content.decode()
    assert not Webhook.objects.exists()


def test_ten_are_enough(world: World, hook: Webhook) -> None:
    Webhook.objects.bulk_create(
        Webhook(organization=world.alpenglueck, url=URL, secret="x") for _ in range(9)
    )

    answer = page(world.anna).post(address_of(), {"url": URL})

    assert "ten webhooks" in answer.content.decode()
    assert Webhook.objects.count() == 10


def test_a_stopped_one_goes_on_when_an_admin_tries_it(
    world: World, hook: Webhook, receiver: Receiver
) -> None:
    Webhook.objects.update(stopped_at=timezone.now(), why_stopped=WhyStopped.GONE)

    page(world.anna).post(reverse("notifications:webhook", args=["alpenglueck", hook.pk]))
    post_events()

    assert Webhook.objects.get().stopped_at is None
    assert len(receiver.came) == 1


def test_a_deleted_one_hears_nothing_more(
    world: World, hook: Webhook, lost: Profile, receiver: Receiver
) -> None:
    url = reverse("notifications:webhook", args=["alpenglueck", hook.pk])
    page(world.anna).post(url, {"delete": "yes"})

    plan_and_send()
    post_events()

    assert not receiver.came
    assert AuditEvent.objects.filter(verb="webhook_deleted").exists()


def test_a_neighbours_webhook_is_not_there(world: World, hook: Webhook) -> None:
    url = reverse("notifications:webhook", args=["nordwind", hook.pk])

    assert page(world.nils).post(url, {"delete": "yes"}).status_code == 404
    assert Webhook.objects.exists()


def long_ago(by: timedelta, **fields: Any) -> None:
    WebhookDelivery.objects.update(created_at=timezone.now() - by, **fields)


@pytest.mark.usefixtures("lost")
@pytest.mark.parametrize("ended", ["sent_at", "given_up_at"])
def test_the_log_is_forgotten_after_thirty_days(ended: str) -> None:
    long_ago(timedelta(days=29, hours=23), **{ended: timezone.now()})
    forget_what_is_over()
    assert WebhookDelivery.objects.exists()

    long_ago(timedelta(days=30, minutes=1))
    forget_what_is_over()
    assert not WebhookDelivery.objects.exists()


@pytest.mark.usefixtures("lost")
def test_what_is_still_owed_is_never_forgotten(receiver: Receiver) -> None:
    """A worker may have been away for a month."""
    long_ago(timedelta(days=400))
    forget_what_is_over()

    post_events()

    assert len(receiver.came) == 1


def test_the_log_is_forgotten_in_batches(
    looked: Looked, lost: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked.lose(*(looked.profile(token=looked.login()) for _ in range(6)))
    plan()
    long_ago(timedelta(days=31), sent_at=timezone.now())
    monkeypatch.setattr(webhooks, "FORGOTTEN_AT_ONCE", 3)

    with CaptureQueriesContext(connection) as captured:
        forget_what_is_over()

    deleted = [one["sql"] for one in captured if one["sql"].startswith("DELETE")]
    assert len(deleted) == 4, "3, 3, 1 and none"
    assert not WebhookDelivery.objects.exists()


@pytest.mark.usefixtures("lost")
def test_notices_are_kept_as_the_record_of_who_was_told() -> None:
    year = timezone.now() - timedelta(days=365)
    Notice.objects.update(created_at=year, sent_at=year)
    forget_what_is_over()
    assert Notice.objects.exists()


def test_its_secret_goes_with_the_rotation_of_keys(hook: Webhook, settings: Any) -> None:
    old = settings.TOKEN_KEYS[0]
    settings.TOKEN_KEYS = [b64encode(b"n" * 32).decode(), old]
    told: list[tuple[int, int]] = []

    assert not sealing.reseal(lambda done, total: told.append((done, total)))

    settings.TOKEN_KEYS = settings.TOKEN_KEYS[:1]
    assert told == [(1, 1)]
    assert sealing.open_(Webhook.objects.get().secret) == SECRET
    assert sealing.key_ids_in_use() == sealing.known_ids()
