from django.urls import path

from profiles import views

app_name = "profiles"
urlpatterns = [
    path("o/<slug:organization>/profiles/<uuid:profile>/", views.settings, name="settings"),
]
