"""What XING's codes mean."""

from collections.abc import Mapping

from networks.base import Reason
from networks.reading import Sentences

# https://github.com/xing/xing_api, lib/xing_api/response_handler.rb
API_ERRORS: Mapping[str, Reason] = {
    "INVALID_OAUTH_TOKEN": Reason.INVALID_TOKEN_UNSPECIFIED,  # expired, revoked, new password
    "ACCESS_DENIED": Reason.PERMISSION_LOST,
    "INSUFFICIENT_PRIVILEGES": Reason.PERMISSION_LOST,
    "RATE_LIMIT_EXCEEDED": Reason.RATE_LIMITED,  # with status 403
    "INVALID_OAUTH_CONSUMER": Reason.APP_DISABLED,
    # The rest is between our key, our clock and XING. "EXPIRED" is the clock, not the token.
    "CONSUMER_MISMATCH": Reason.NOT_A_TOKEN_PROBLEM,
    "INVALID_OAUTH_SIGNATURE": Reason.NOT_A_TOKEN_PROBLEM,
    "INVALID_OAUTH_SIGNATURE_METHOD": Reason.NOT_A_TOKEN_PROBLEM,
    "INVALID_OAUTH_VERSION": Reason.NOT_A_TOKEN_PROBLEM,
    "INVALID_PARAMETERS": Reason.NOT_A_TOKEN_PROBLEM,
    "INVALID_TIMESTAMP": Reason.NOT_A_TOKEN_PROBLEM,
    "TIMESTAMP_EXPIRED": Reason.NOT_A_TOKEN_PROBLEM,
    "TIME_EXPIRED": Reason.NOT_A_TOKEN_PROBLEM,
    "NONCE_ALREADY_USED": Reason.NOT_A_TOKEN_PROBLEM,
    "NONCE_MISSING": Reason.NOT_A_TOKEN_PROBLEM,
    "REQUIRED_PARAMETER_MISSING": Reason.NOT_A_TOKEN_PROBLEM,
}

# Where no error_name came with it: https://github.com/augensalat/webservice-xing
TEXTS: Sentences = (("invalid oauth token", Reason.INVALID_TOKEN_UNSPECIFIED),)
