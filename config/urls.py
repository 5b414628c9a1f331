"""Addresses. Each application gives its full paths; here they are only put side by side."""

from importlib.util import find_spec

from django.urls import include, path

from config.health import healthz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("language/", include("django.conf.urls.i18n")),
    path("accounts/", include("allauth.account.urls")),
    *(
        path("", include(f"{app}.urls"))
        for app in ("accounts", "profiles", "tokens", "notifications")
        if find_spec(f"{app}.urls")  # until they are there
    ),
]
