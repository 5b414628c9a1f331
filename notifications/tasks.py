"""What the beat and the wake-up after a commit call. Carries no arguments and no secrets."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from notifications import operators, posting, webhooks
from notifications.following import follow_up
from notifications.planning import plan
from notifications.sending import send_due
from notifications.warning import warn


@shared_task(name="notifications.tasks.plan_and_send")  # type: ignore[untyped-decorator]
def plan_and_send() -> None:
    while plan():
        pass
    send_due()


@shared_task(name="notifications.tasks.tell_operators")  # type: ignore[untyped-decorator]
def tell_operators() -> None:
    """A task of its own, so that neither kind of mail waits for the other."""
    operators.plan()
    operators.send_due()


@shared_task(name="notifications.tasks.look_ahead")  # type: ignore[untyped-decorator]
def look_ahead() -> None:
    """What time alone brings about: reminders, and ends that come near."""
    while follow_up():
        pass
    warn()
    send_due()


@shared_task(name="notifications.tasks.post_events")  # type: ignore[untyped-decorator]
def post_events() -> None:
    """A task of its own, so that no mail waits for an organization's server."""
    posting.send_due()


@shared_task(name="notifications.tasks.forget_what_is_over")  # type: ignore[untyped-decorator]
def forget_what_is_over() -> None:
    """The log of webhooks, batch by batch. Notices stay: they are the record of who was told."""
    while webhooks.forget(timezone.now()):
        pass
