"""The way out to OpenID providers, whose addresses the admins of organizations type in: https at
public addresses, or a host that the operator names; no redirects, no proxy, bounded in time and
size. It stands at the roof because the sign-in (accounts) and the door (networks) are siblings."""

from __future__ import annotations

import logging
import socket
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from django.conf import settings

from accounts.adapter import OpenIDAdapter
from accounts.openid import ProviderTrouble, may_be_asked
from networks.base import TransportError
from networks.http import AUTHORITIES, BODY_LIMIT, CHUNK, CONNECT_LIMIT, REQUEST_LIMIT, Door

log = logging.getLogger(__name__)


class ProviderDoor(Door):
    def _connect(self, host: str, port: int) -> socket.socket:
        """Named hosts may be private; all others go where any network may be."""
        if f"{host}:{port}" not in settings.SINGLE_SIGN_ON_HOSTS:
            return super()._connect(host, port)
        sock = socket.create_connection((host, port), CONNECT_LIMIT)
        self._sockets.append(sock.dup())
        return sock


class ProviderSession(requests.Session):
    """Raises ProviderTrouble where there is no answer."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.verify = AUTHORITIES
        self.headers = requests.structures.CaseInsensitiveDict(
            {"Accept": "application/json", "Accept-Encoding": "identity"}
        )
        self.door = ProviderDoor()
        self.mount("https://", self.door)
        self.mount("http://", self.door)

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: an answer that leads elsewhere is no answer."""

    def request(self, method: Any, url: Any, **options: Any) -> requests.Response:  # type: ignore[override]
        if not may_be_asked(str(url)):
            raise ProviderTrouble("address", urlsplit(str(url)).netloc)
        options["timeout"] = (CONNECT_LIMIT, REQUEST_LIMIT)
        place = urlsplit(str(url)).netloc
        try:
            with self.door.cut_off_after(REQUEST_LIMIT):
                answer = super().request(method, url, stream=True, **options)
                answer._content = _read(answer)
                return answer
        except (requests.RequestException, urllib3.exceptions.HTTPError, TransportError) as error:
            kind = type(error).__name__
        except (OSError, ValueError) as error:  # ValueError: what cannot be sent
            kind = type(error).__name__
        log.warning("no answer of the provider %s: %s", place, kind)
        raise ProviderTrouble("silent", place)


def _read(answer: requests.Response) -> bytes:
    body = b""
    for chunk in answer.iter_content(CHUNK):
        body += chunk
        if len(body) > BODY_LIMIT:
            raise TransportError("the answer is too large")
    return body


class ProviderAdapter(OpenIDAdapter):
    def get_requests_session(self) -> ProviderSession:
        return ProviderSession()
