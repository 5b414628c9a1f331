"""What LinkedIn's error codes and sentences mean."""

from collections.abc import Mapping

from networks.base import Reason
from networks.reading import Sentences
from networks.rfc6749 import TOKEN_ERRORS as RFC6749

# https://learn.microsoft.com/en-us/linkedin/shared/api-guide/concepts/error-handling
API_ERRORS: Mapping[str, Reason] = {
    "65600": Reason.INVALID_TOKEN_UNSPECIFIED,
    "INVALID_ACCESS_TOKEN": Reason.INVALID_TOKEN_UNSPECIFIED,
    "65601": Reason.REVOKED_BY_USER,
    "REVOKED_ACCESS_TOKEN": Reason.REVOKED_BY_USER,
    "65602": Reason.EXPIRED,
    "65604": Reason.NOT_A_TOKEN_PROBLEM,  # an authentication scheme that is not Bearer: ours
    "EXPIRED_ACCESS_TOKEN": Reason.EXPIRED,
    "65608": Reason.ACCOUNT_SUSPENDED,
    "RESTRICTED_MEMBER": Reason.ACCOUNT_SUSPENDED,
    "100": Reason.PERMISSION_LOST,
    "ACCESS_DENIED": Reason.PERMISSION_LOST,
    "101": Reason.RATE_LIMITED,
    "TOO_MANY_REQUESTS": Reason.RATE_LIMITED,
    "EMPTY_ACCESS_TOKEN": Reason.NOT_A_TOKEN_PROBLEM,
    "NONEXISTENT_VERSION": Reason.NOT_A_TOKEN_PROBLEM,
    "VERSION_MISSING": Reason.NOT_A_TOKEN_PROBLEM,
    "invalid_client": Reason.APP_DISABLED,
    "invalid_client_id": Reason.APP_DISABLED,
    "unauthorized_client": Reason.APP_DISABLED,
}

# Where no code was given, as in the first version of the API: the first words that stand in the
# message decide.
API_MESSAGES: Sentences = (
    ("empty oauth2", Reason.NOT_A_TOKEN_PROBLEM),  # we sent none
    ("version header is deprecated", Reason.NOT_A_TOKEN_PROBLEM),
    ("throttle", Reason.RATE_LIMITED),  # "APPLICATION DAY limit", and once with status 403
    ("token used in the request has been revoked", Reason.REVOKED_BY_USER),
    ("token used in the request has expired", Reason.EXPIRED),
    ("token used in the request is expired", Reason.EXPIRED),
    ("token used in the request is not valid", Reason.INVALID_TOKEN_UNSPECIFIED),
    ("invalid access token", Reason.INVALID_TOKEN_UNSPECIFIED),
    # https://github.com/auth0/passport-linkedin-oauth2/issues/49
    ("unable to verify access token", Reason.INVALID_TOKEN_UNSPECIFIED),
    ("member is restricted", Reason.ACCOUNT_SUSPENDED),
    ("not enough permissions", Reason.PERMISSION_LOST),
    ("permissions must be used when using organization as author", Reason.PERMISSION_LOST),
)
A_DAY = "day limit"

# https://learn.microsoft.com/en-us/linkedin/shared/authentication/token-introspection
INTROSPECTION: Mapping[str, Reason] = {
    "expired": Reason.EXPIRED,
    "revoked": Reason.REVOKED_BY_USER,
    "": Reason.INVALID_TOKEN_UNSPECIFIED,  # the token of another app reads so, too
}

TOKEN_ERRORS: Mapping[str, Reason] = {
    **RFC6749,
    "invalid_client_id": Reason.APP_DISABLED,
    "invalid_redirect_uri": Reason.NOT_A_TOKEN_PROBLEM,
}
# A dead refresh token is an `invalid_request` here, told apart by its description:
# https://learn.microsoft.com/en-us/linkedin/shared/authentication/programmatic-refresh-tokens
REFRESH_TOKEN = "refresh token"  # noqa: S105 - words of a description
