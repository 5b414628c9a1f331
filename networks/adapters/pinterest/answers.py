"""What Pinterest's codes mean."""

from collections.abc import Mapping

from networks.base import Reason
from networks.reading import Sentences

# https://github.com/pinterest/api-description, v5/openapi.yaml: the codes of its examples
API_ERRORS: Mapping[str, Reason] = {
    "2": Reason.INVALID_TOKEN_UNSPECIFIED,  # expired, revoked and deactivated are one code
    "3": Reason.PERMISSION_LOST,
    "7": Reason.PERMISSION_LOST,
    "29": Reason.PERMISSION_LOST,
    "403": Reason.PERMISSION_LOST,
    "8": Reason.RATE_LIMITED,
    "30": Reason.RATE_LIMITED,
    "12": Reason.NETWORK_OUTAGE,
    "4197": Reason.NETWORK_OUTAGE,  # this endpoint is being switched off
    "1": Reason.NOT_A_TOKEN_PROBLEM,
    "50": Reason.NOT_A_TOKEN_PROBLEM,
}

# What decides before the code does: the same code stands for the app, or for a block of posts.
# https://github.com/pinterest/api-quickstart (spam), and for the deactivated
# https://developers.pinterest.com/docs/developer-tools/token-debugger
DECISIVE: Sentences = (
    ("consumer type", Reason.APP_DISABLED),  # code 3: our app was never given access
    ("application id", Reason.APP_DISABLED),
    ("app is deactivated", Reason.APP_DISABLED),
    ("spam", Reason.RATE_LIMITED),
    ("rate limit", Reason.RATE_LIMITED),
    ("user is deactivated", Reason.ACCOUNT_SUSPENDED),
    ("session is expired", Reason.EXPIRED),
)

# The same numbers mean other things at the token endpoint: 2 is a bad client id or secret,
# 7 a redirect_uri that is not registered, 283 a code or refresh token that is refused.
TOKEN_ERRORS: Mapping[str, Reason] = {
    "283": Reason.INVALID_TOKEN_UNSPECIFIED,
    "2": Reason.APP_DISABLED,
    "3": Reason.APP_DISABLED,
    "7": Reason.APP_DISABLED,
    "29": Reason.APP_DISABLED,
    "8": Reason.RATE_LIMITED,
    "30": Reason.RATE_LIMITED,
    "12": Reason.NETWORK_OUTAGE,
    "1": Reason.NOT_A_TOKEN_PROBLEM,
}

# Where no code came with it.
TEXTS: Sentences = (
    ("authentication failed", Reason.INVALID_TOKEN_UNSPECIFIED),
    ("authorization failed", Reason.INVALID_TOKEN_UNSPECIFIED),
    ("does not have sufficient permissions", Reason.PERMISSION_LOST),
    ("not permitted to access that resource", Reason.PERMISSION_LOST),
    ("not authorized to access", Reason.PERMISSION_LOST),
)
TOKEN_TEXTS: Sentences = (
    ("authorization grant is invalid", Reason.INVALID_TOKEN_UNSPECIFIED),
    ("authentication failed", Reason.APP_DISABLED),
)
