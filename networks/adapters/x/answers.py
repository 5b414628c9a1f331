"""What X's problems, error codes and sentences mean."""

from collections.abc import Mapping

from networks.base import Reason

# The last piece of a problem's `type`, on api.x.com or api.twitter.com:
# https://docs.x.com/x-api/fundamentals/response-codes-and-errors#error-types
PROBLEMS: Mapping[str, Reason] = {
    "user-suspended": Reason.ACCOUNT_SUSPENDED,
    "user-locked": Reason.ACCOUNT_SUSPENDED,
    "user-deactivated": Reason.ACCOUNT_SUSPENDED,
    "app-suspended": Reason.APP_DISABLED,
    "client-forbidden": Reason.APP_DISABLED,
    "oauth1-permissions": Reason.APP_DISABLED,  # our app is set up to read only
    "credits": Reason.APP_DISABLED,
    "usage-capped": Reason.RATE_LIMITED,
    "rate-limit-exceeded": Reason.RATE_LIMITED,
    "operational-disconnect": Reason.NETWORK_OUTAGE,
    # We came with a token of another kind, such as our app's own.
    "unsupported-authentication": Reason.NOT_A_TOKEN_PROBLEM,
    "invalid-request": Reason.NOT_A_TOKEN_PROBLEM,
    "resource-not-found": Reason.NOT_A_TOKEN_PROBLEM,
    "resource-unavailable": Reason.NOT_A_TOKEN_PROBLEM,
    "not-authorized-for-resource": Reason.NOT_A_TOKEN_PROBLEM,
    "not-authorized-for-field": Reason.NOT_A_TOKEN_PROBLEM,
    "disallowed-resource": Reason.NOT_A_TOKEN_PROBLEM,
    "conflict": Reason.NOT_A_TOKEN_PROBLEM,
    "duplicate-rules": Reason.NOT_A_TOKEN_PROBLEM,
    "invalid-rules": Reason.NOT_A_TOKEN_PROBLEM,
    "rule-cap": Reason.NOT_A_TOKEN_PROBLEM,
    "streaming-connection": Reason.NOT_A_TOKEN_PROBLEM,
    "client-disconnected": Reason.NOT_A_TOKEN_PROBLEM,
}

# `errors[].code`, of version 1.1 and still sent by the gateway in front of version 2:
# https://developer.x.com/en/support/x-api/error-troubleshooting#error-codes
CODES: Mapping[str, Reason] = {
    "32": Reason.INVALID_TOKEN_UNSPECIFIED,
    "89": Reason.INVALID_TOKEN_UNSPECIFIED,
    "64": Reason.ACCOUNT_SUSPENDED,
    "326": Reason.ACCOUNT_SUSPENDED,  # locked until its person signs in
    "37": Reason.APP_DISABLED,
    "87": Reason.APP_DISABLED,
    "93": Reason.APP_DISABLED,
    "99": Reason.APP_DISABLED,
    "261": Reason.APP_DISABLED,
    "415": Reason.APP_DISABLED,
    "416": Reason.APP_DISABLED,
    "417": Reason.APP_DISABLED,
    "453": Reason.APP_DISABLED,
    "88": Reason.RATE_LIMITED,
    "161": Reason.RATE_LIMITED,
    "185": Reason.RATE_LIMITED,
    "130": Reason.NETWORK_OUTAGE,
    "131": Reason.NETWORK_OUTAGE,
    # About whom or what was asked for or written, or about how we asked.
    "17": Reason.NOT_A_TOKEN_PROBLEM,
    "34": Reason.NOT_A_TOKEN_PROBLEM,
    "50": Reason.NOT_A_TOKEN_PROBLEM,
    "63": Reason.NOT_A_TOKEN_PROBLEM,
    "135": Reason.NOT_A_TOKEN_PROBLEM,
    "136": Reason.NOT_A_TOKEN_PROBLEM,
    "144": Reason.NOT_A_TOKEN_PROBLEM,
    "179": Reason.NOT_A_TOKEN_PROBLEM,
    "186": Reason.NOT_A_TOKEN_PROBLEM,
    "187": Reason.NOT_A_TOKEN_PROBLEM,
    "215": Reason.NOT_A_TOKEN_PROBLEM,
    "220": Reason.NOT_A_TOKEN_PROBLEM,
    "226": Reason.NOT_A_TOKEN_PROBLEM,
    "349": Reason.NOT_A_TOKEN_PROBLEM,
    "385": Reason.NOT_A_TOKEN_PROBLEM,
    "433": Reason.NOT_A_TOKEN_PROBLEM,
}

# Where neither says it: the first words that stand in the answer decide.
MESSAGES: tuple[tuple[str, Reason], ...] = (
    ("cloudflare", Reason.NETWORK_OUTAGE),  # the wall in front of X, which knows no tokens
    ("error code: 10", Reason.NETWORK_OUTAGE),
    ("temporarily locked", Reason.ACCOUNT_SUSPENDED),
    ("account is suspended", Reason.ACCOUNT_SUSPENDED),
    ("account has been suspended", Reason.ACCOUNT_SUSPENDED),
    ("user used for authentication is suspended", Reason.ACCOUNT_SUSPENDED),
    ("does not have any credits", Reason.APP_DISABLED),
    ("spend cap", Reason.APP_DISABLED),
    ("attached to a project", Reason.APP_DISABLED),
    ("client-not-enrolled", Reason.APP_DISABLED),
    ("different access level", Reason.APP_DISABLED),
    ("app permissions", Reason.APP_DISABLED),
    ("suspended application", Reason.APP_DISABLED),
    ("rate limit exceeded", Reason.RATE_LIMITED),
    ("too many requests", Reason.RATE_LIMITED),
    ("usage cap exceeded", Reason.RATE_LIMITED),
    ("over capacity", Reason.NETWORK_OUTAGE),
    ("application-only is forbidden", Reason.NOT_A_TOKEN_PROBLEM),
    ("required scope", Reason.PERMISSION_LOST),
    ("missing scope", Reason.PERMISSION_LOST),
    ("not permitted", Reason.NOT_A_TOKEN_PROBLEM),  # this action, this feature
    ("not allowed", Reason.NOT_A_TOKEN_PROBLEM),
    ("duplicate content", Reason.NOT_A_TOKEN_PROBLEM),
    ("looks like it might be automated", Reason.NOT_A_TOKEN_PROBLEM),
    ("invalid or expired token", Reason.INVALID_TOKEN_UNSPECIFIED),
    ("could not authenticate you", Reason.INVALID_TOKEN_UNSPECIFIED),
    ("401 unauthorized", Reason.INVALID_TOKEN_UNSPECIFIED),  # as its clients print it
    ("401 client error", Reason.INVALID_TOKEN_UNSPECIFIED),
)

# A problem of no type says what its status says. A bare 403 is what a call for which a scope is
# missing gets (plhery/node-twitter-api-v2#178, #265); people have got it for other things, too.
TITLES: Mapping[tuple[str, str], Reason] = {
    ("unauthorized", "unauthorized"): Reason.INVALID_TOKEN_UNSPECIFIED,
    ("unauthorized", ""): Reason.INVALID_TOKEN_UNSPECIFIED,
    ("forbidden", "forbidden"): Reason.PERMISSION_LOST,
}

# At the token endpoint a bad refresh token is an `invalid_request`, and so is everything else:
# https://devcommunity.x.com/c/oauth-2-0
TOKEN_MESSAGES: tuple[tuple[str, Reason], ...] = (
    ("authorization code", Reason.NOT_A_TOKEN_PROBLEM),
    ("for the token was invalid", Reason.INVALID_TOKEN_UNSPECIFIED),
    ("missing valid authorization header", Reason.NOT_A_TOKEN_PROBLEM),
)
