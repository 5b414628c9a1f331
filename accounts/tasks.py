"""What accounts does outside a request."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from accounts import address, mails, sessions
from accounts.models import Invitation

LEFT_AFTER = timedelta(minutes=15)


# Tried until it works or the invitation ends; smtplib's errors are OSErrors too. The longest
# pause stays below the broker's visibility_timeout, or the waiting task is handed out twice.
@shared_task(  # type: ignore[untyped-decorator]
    autoretry_for=(OSError,), retry_backoff=15, retry_backoff_max=300, max_retries=None
)
def send_invitation(invitation_id: str) -> None:
    invitation = (
        Invitation.objects.select_related("organization", "invited_by")
        .filter(pk=invitation_id, accepted_at=None, sent_at=None)
        .first()
    )
    if invitation is None or invitation.has_expired:
        return
    mails.send_invitation(invitation)
    Invitation.objects.filter(pk=invitation.pk).update(sent_at=timezone.now())


@shared_task  # type: ignore[untyped-decorator]
def send_what_was_left() -> None:
    """Invitations whose task was lost with the broker; young ones still have theirs."""
    left = Invitation.objects.filter(
        accepted_at=None, sent_at=None, created_at__lt=timezone.now() - LEFT_AFTER
    )
    for invitation in left:
        send_invitation.delay(str(invitation.pk))


@shared_task  # type: ignore[untyped-decorator]
def forget_what_is_over() -> None:
    """Sessions and changes of address say where people are and what they were called there."""
    sessions.forget_ended()
    address.forget_expired()
