"""For containers: ask /healthz and leave with 0 if the named parts are well.

`python -m config.healthcheck 127.0.0.1:8000 database broker`. Needs no Django, so it is quick.
"""

import http.client
import json
import os
import sys
from urllib.parse import urlsplit

from config.environment import Trimmed

TIMEOUT = 5


def parts_at(address: str) -> dict[str, str]:
    """What /healthz says, asked by the host name that the product answers to."""
    connection = http.client.HTTPConnection(address, timeout=TIMEOUT)
    host = urlsplit(Trimmed(env=dict(os.environ)).get("BASE_URL", "")).hostname or address
    connection.request("GET", "/healthz", headers={"Host": host})
    parts: dict[str, str] = json.loads(connection.getresponse().read())
    connection.close()
    return parts


def main(address: str, *wanted: str) -> str | None:
    try:
        parts = parts_at(address)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"{address} does not answer: {error}"
    ill = [name for name in wanted if parts.get(name) != "ok"]
    return f"not well: {', '.join(ill)}" if ill else None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
