"""Who we are, for networks that ask for it in place of a registration (RFC 7591, 2)."""

from django.conf import settings
from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from networks.base import Client
from networks.registry import NETWORKS


@require_safe
@cache_control(public=True, max_age=600)
def client_metadata(request: HttpRequest, network: str) -> JsonResponse:
    """Public, like every key in it; the id in it must be the address that it stands at."""
    client_id, secret = settings.OAUTH_CLIENTS.get(network, ("", ""))
    address = f"{settings.BASE_URL}{request.path}"
    if network not in NETWORKS or client_id != address:
        raise Http404
    redirect_uri = f"{settings.BASE_URL}/oauth/{network}/callback/"
    document = NETWORKS[network].client_metadata(Client(client_id, secret, redirect_uri))
    return JsonResponse(dict(document))
