"""Addresses. Each application gives its full paths; here they are only put side by side."""

from django.urls import include, path

from accounts.views import address
from config.health import healthz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("language/", include("django.conf.urls.i18n")),
    # In place of django-allauth's own page, which asks no old address about a new one.
    path("accounts/email/", address.address, name="account_email"),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/second-factor/", include("allauth.mfa.urls")),
    path("", include("accounts.urls")),
    path("", include("profiles.urls")),
    path("", include("tokens.urls")),
    path("", include("notifications.urls")),
]
