"""Tasks of the installation itself."""

from celery import shared_task

from config.health import note_beat


@shared_task(name="config.tasks.heartbeat")
def heartbeat() -> None:
    note_beat()
