"""Addresses. Each application gives its full paths; here they are only put side by side."""

from django.urls import include, path

from config.health import healthz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("language/", include("django.conf.urls.i18n")),
    path("accounts/", include("allauth.account.urls")),
    path("", include("accounts.urls")),
    path("", include("profiles.urls")),
    path("", include("tokens.urls")),
    path("", include("notifications.urls")),
]
