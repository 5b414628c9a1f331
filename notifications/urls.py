from django.urls import path

from notifications import views

app_name = "notifications"
urlpatterns = [
    path(
        "o/<slug:organization>/profiles/<uuid:profile>/recipients/",
        views.recipients,
        name="recipients",
    ),
    path("mail/stop/<str:link>/", views.stop, name="stop"),
]
