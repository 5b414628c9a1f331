from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import sealing
        from notifications.webhooks import Secrets

        sealing.KEEPERS.append(Secrets())
