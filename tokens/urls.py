from django.urls import path

from tokens.views import (
    about,
    believing,
    client_metadata,
    connecting,
    deleting,
    listing,
    operator,
    outcome,
)

app_name = "tokens"
PROFILES = "o/<slug:organization>/profiles/"
PROFILE = PROFILES + "<uuid:profile>/"

urlpatterns = [
    path(PROFILES, listing.profile_list, name="profile_list"),
    path(PROFILES + "add/", connecting.add, name="add"),
    path(PROFILES + "add/<slug:network>/", connecting.add_network, name="add_network"),
    path(PROFILES + "choose/<uuid:token>/", connecting.choose, name="choose"),
    path(PROFILE + "refresh/", connecting.refresh, name="refresh"),
    path(PROFILE + "delete/", deleting.delete, name="delete"),
    path(PROFILE + "accesses/", about.accesses, name="profile_accesses"),
    # One address for each network, and for each of its servers that registered us; none of an
    # organization: what OAuth registers exactly.
    path("oauth/<slug:network>/callback/", connecting.callback, name="callback"),
    path("oauth/<slug:network>/callback/<str:server>/", connecting.callback, name="callback_of"),
    # This very address is our client id where there is no registration.
    path(
        "oauth/<slug:network>/client-metadata.json",
        client_metadata.client_metadata,
        name="client_metadata",
    ),
    path("oauth/<slug:network>/outcome/", outcome.outcome, name="outcome"),
    # Of no organization either: what the engine sees of the networks, for the operator.
    path("operator/", operator.operator, name="operator"),
    path("operator/failures/<int:failure>/believe/", believing.believe, name="believe"),
]
