from django.apps import AppConfig


class NetworksConfig(AppConfig):
    """An app for its command alone: it has no models."""

    name = "networks"
