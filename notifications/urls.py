from django.urls import path

from notifications import timeline, views, webhook_views
from notifications.metrics import metrics

app_name = "notifications"
urlpatterns = [
    path(
        "o/<slug:organization>/profiles/<uuid:profile>/recipients/",
        views.recipients,
        name="recipients",
    ),
    path(
        "o/<slug:organization>/profiles/<uuid:profile>/timeline/",
        timeline.timeline,
        name="timeline",
    ),
    path("o/<slug:organization>/members/refused/", views.refused, name="refused"),
    path("o/<slug:organization>/notifications/untold/", views.untold, name="untold"),
    path(
        "o/<slug:organization>/members/<uuid:pk>/left-behind/",
        views.left_behind,
        name="left_behind",
    ),
    path("o/<slug:organization>/notifications/", views.organization, name="organization"),
    path("o/<slug:organization>/notifications/webhooks/", webhook_views.webhooks, name="webhooks"),
    path(
        "o/<slug:organization>/notifications/webhooks/<uuid:pk>/",
        webhook_views.webhook,
        name="webhook",
    ),
    path("account/notifications/", views.preferences, name="preferences"),
    path("account/notifications/address/", views.address, name="address"),
    path("account/notifications/address/again/", views.try_again, name="try_again"),
    path("metrics", metrics, name="metrics"),
    path("mail/stop/<str:link>/", views.stop, name="stop"),
]
