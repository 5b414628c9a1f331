from django.apps import AppConfig


class Configuration(AppConfig):
    name = "config"

    def ready(self) -> None:
        # Before the first `.delay()`: a task without an application would look for RabbitMQ.
        from config import celery  # noqa: F401
