"""Addresses of accounts, in full."""

from django.urls import path

from accounts.views import (
    address,
    audit,
    home,
    invitation,
    members,
    second_factor,
    sessions,
    settings,
    single_sign_on,
    teams,
)

app_name = "accounts"
urlpatterns = [
    path("", home.home, name="home"),
    path("account/settings/", settings.settings, name="settings"),
    path("account/sessions/", sessions.sessions, name="sessions"),
    path("account/email/confirmation/", address.confirmation, name="email_confirmation"),
    path("account/email/<str:token>/", address.change, name="email_change"),
    path("account/second-factor/<slug:slug>/", second_factor.needed, name="second_factor_needed"),
    path("accounts/organization/", single_sign_on.start, name="single_sign_on"),
    path(
        "accounts/organization/<slug:slug>/callback/",
        single_sign_on.callback,
        name="single_sign_on_callback",
    ),
    path("invitation/<str:token>/", invitation.invitation, name="invitation"),
    path("o/<slug:organization>/members/", members.members, name="members"),
    path("o/<slug:organization>/members/invite/", members.invite, name="invite"),
    path("o/<slug:organization>/members/<uuid:pk>/role/", members.role, name="member_role"),
    path("o/<slug:organization>/members/<uuid:pk>/remove/", members.remove, name="member_remove"),
    path(
        "o/<slug:organization>/invitations/<uuid:pk>/revoke/",
        members.revoke,
        name="invitation_revoke",
    ),
    path("o/<slug:organization>/teams/", teams.teams, name="teams"),
    path("o/<slug:organization>/teams/<uuid:pk>/", teams.team, name="team"),
    path("o/<slug:organization>/teams/<uuid:pk>/delete/", teams.delete, name="team_delete"),
    path("o/<slug:organization>/security/", second_factor.security, name="security"),
    path(
        "o/<slug:organization>/security/second-factor/",
        second_factor.requirement,
        name="security_second_factor",
    ),
    path(
        "o/<slug:organization>/security/single-sign-on/",
        single_sign_on.configuration,
        name="security_single_sign_on",
    ),
    path("o/<slug:organization>/audit/", audit.audit, name="audit"),
    path("o/<slug:organization>/audit/export/", audit.export, name="audit_export"),
]
