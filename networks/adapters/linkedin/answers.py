"""What LinkedIn's error codes and sentences mean."""

from collections.abc import Mapping

from networks.base import Reason

# https://learn.microsoft.com/en-us/linkedin/shared/api-guide/concepts/error-handling
API_ERRORS: Mapping[str, Reason] = {
    "65600": Reason.INVALID_TOKEN_UNSPECIFIED,
    "INVALID_ACCESS_TOKEN": Reason.INVALID_TOKEN_UNSPECIFIED,
    "65601": Reason.REVOKED_BY_USER,
    "REVOKED_ACCESS_TOKEN": Reason.REVOKED_BY_USER,
    "65602": Reason.EXPIRED,
    "EXPIRED_ACCESS_TOKEN": Reason.EXPIRED,
    "65608": Reason.ACCOUNT_SUSPENDED,
    "RESTRICTED_MEMBER": Reason.ACCOUNT_SUSPENDED,
    "100": Reason.PERMISSION_LOST,
    "ACCESS_DENIED": Reason.PERMISSION_LOST,
    "101": Reason.RATE_LIMITED,
    "NONEXISTENT_VERSION": Reason.NOT_A_TOKEN_PROBLEM,
    "invalid_client": Reason.APP_DISABLED,
    "invalid_client_id": Reason.APP_DISABLED,
}

# Where no code was given: the first words that stand in the message decide.
API_MESSAGES: tuple[tuple[str, Reason], ...] = (
    ("empty oauth2_access_token", Reason.NOT_A_TOKEN_PROBLEM),
    ("version header is deprecated", Reason.NOT_A_TOKEN_PROBLEM),
    ("token used in the request has been revoked", Reason.REVOKED_BY_USER),
    ("token used in the request has expired", Reason.EXPIRED),
    ("token used in the request is expired", Reason.EXPIRED),  # the wording of v1
    ("invalid access token", Reason.INVALID_TOKEN_UNSPECIFIED),
    ("member is restricted", Reason.ACCOUNT_SUSPENDED),
    ("not enough permissions", Reason.PERMISSION_LOST),
    ("permissions must be used when using organization as author", Reason.PERMISSION_LOST),
)

# https://learn.microsoft.com/en-us/linkedin/shared/authentication/token-introspection
INTROSPECTION: Mapping[str, Reason] = {
    "expired": Reason.EXPIRED,
    "revoked": Reason.REVOKED_BY_USER,
    "": Reason.INVALID_TOKEN_UNSPECIFIED,  # the token of another app reads so, too
}
