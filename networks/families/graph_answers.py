"""What the error codes and sentences of Meta's Graph API mean.

Codes: https://developers.facebook.com/docs/graph-api/guides/error-handling
Throttles: https://developers.facebook.com/docs/graph-api/overview/rate-limiting
Instagram: https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/error-codes
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from networks.base import Reason

# A subcode that means the same under whatever code it comes.
SUBCODES: Mapping[int, Reason] = {
    1349210: Reason.RATE_LIMITED,  # application request limit
    1390008: Reason.RATE_LIMITED,  # posting too fast
    2207042: Reason.RATE_LIMITED,  # Instagram's posts of a day are used up
    2446079: Reason.RATE_LIMITED,
    1349026: Reason.APP_DISABLED,  # no such app; at the sign-in page
    1349126: Reason.APP_DISABLED,  # not set up: still in development
    1349245: Reason.APP_DISABLED,  # in development, and this person is none of its testers
    4476002: Reason.APP_DISABLED,  # no app id
    2018278: Reason.NOT_A_TOKEN_PROBLEM,  # a message outside of the window for messages
    1545041: Reason.NOT_A_TOKEN_PROBLEM,  # this addressee takes no messages
    2207057: Reason.NOT_A_TOKEN_PROBLEM,
    2207001: Reason.NETWORK_OUTAGE,
    2207032: Reason.NETWORK_OUTAGE,
    2207053: Reason.NETWORK_OUTAGE,
    2207050: Reason.ACCOUNT_SUSPENDED,  # Instagram: restricted
    2207051: Reason.ACCOUNT_SUSPENDED,  # Instagram, Threads: this activity is restricted
    4279013: Reason.ACCOUNT_SUSPENDED,  # Threads: restricted
    1404006: Reason.ACCOUNT_SUSPENDED,  # a security check waits
    1404112: Reason.ACCOUNT_SUSPENDED,  # locked for some days
    4854002: Reason.ACCOUNT_SUSPENDED,  # who publishes for this page must prove an identity
    1404078: Reason.PERMISSION_LOST,  # page publishing authorization
}

THROTTLES = frozenset({4, 17, 32, 341, 613, *range(80000, 80015)})

# Under 190 (access token) and 102 (API session):
# https://developers.facebook.com/docs/facebook-login/guides/access-tokens/debugging-and-error-handling
# and, for those that no page names any more, https://gist.github.com/MauricioKruijer/7663113
TOKEN_CODES = frozenset({190, 102})
TOKEN_SUBCODES: Mapping[int, Reason] = {
    456: Reason.INVALID_TOKEN_UNSPECIFIED,
    457: Reason.INVALID_TOKEN_UNSPECIFIED,
    458: Reason.REVOKED_BY_USER,
    459: Reason.ACCOUNT_SUSPENDED,  # a checkpoint: may come alive again
    460: Reason.PASSWORD_CHANGED,
    461: Reason.INVALID_TOKEN_UNSPECIFIED,
    462: Reason.INVALID_TOKEN_UNSPECIFIED,
    463: Reason.EXPIRED,
    464: Reason.ACCOUNT_SUSPENDED,  # not a confirmed user
    465: Reason.INVALID_TOKEN_UNSPECIFIED,
    466: Reason.REVOKED_BY_USER,
    467: Reason.INVALID_TOKEN_UNSPECIFIED,  # logged out, "or may be due to a system error"
    468: Reason.EXPIRED,  # long unused
    490: Reason.ACCOUNT_SUSPENDED,  # a checkpoint
    492: Reason.PERMISSION_LOST,  # no role on the page any more
    493: Reason.EXPIRED,  # ninety days without a sign-in
}

CODES: Mapping[int, Reason] = {
    -1: Reason.NETWORK_OUTAGE,
    1: Reason.NETWORK_OUTAGE,
    2: Reason.NETWORK_OUTAGE,
    3: Reason.APP_DISABLED,  # the app lacks the capability
    5: Reason.APP_DISABLED,  # called from an address that the app does not allow
    9: Reason.RATE_LIMITED,
    10: Reason.PERMISSION_LOST,
    25: Reason.ACCOUNT_SUSPENDED,
    101: Reason.APP_DISABLED,
    **dict.fromkeys(range(200, 300), Reason.PERMISSION_LOST),
    368: Reason.ACCOUNT_SUSPENDED,  # deemed abusive: blocked for a while
    # Of one post, one file, one request, or of a call without any token (104, 2500).
    **dict.fromkeys(
        (-2, 12, 21, 24, 100, 104, 110, 352, 506, 551, 803, 2500, 2635, 9004, 9007),
        Reason.NOT_A_TOKEN_PROBLEM,
    ),
    **dict.fromkeys(range(36000, 36010), Reason.NOT_A_TOKEN_PROBLEM),
    1609005: Reason.NOT_A_TOKEN_PROBLEM,
}

# The retired Instagram API named no codes:
# https://www.instagram.com/developer/endpoints/ (as archived)
TYPES: Mapping[str, Reason] = {
    "OAuthAccessTokenException": Reason.INVALID_TOKEN_UNSPECIFIED,
    "OAuthPermissionsException": Reason.PERMISSION_LOST,
    "OAuthRateLimitException": Reason.RATE_LIMITED,
    "OAuthClientException": Reason.APP_DISABLED,
}

# Words that overrule a code, because Meta uses that code for many things; in lower case, the
# first match decides. They are of the app, of what was asked, or of the network.
OVERRULING: tuple[tuple[str, Reason], ...] = (
    ("api access deactivated", Reason.APP_DISABLED),  # code 200
    ("api access blocked", Reason.APP_DISABLED),  # code 200
    ("api access disrupted", Reason.APP_DISABLED),  # a yearly check-up of the app was missed
    ("go to the app dashboard", Reason.APP_DISABLED),
    ("error validating application", Reason.APP_DISABLED),  # 101, or 190
    ("application has been deleted", Reason.APP_DISABLED),
    ("application has been disabled", Reason.APP_DISABLED),
    ("non-active apps", Reason.APP_DISABLED),  # code 200
    ("error validating client secret", Reason.APP_DISABLED),  # code 1
    ("invalid client secret", Reason.APP_DISABLED),
    ("invalid client_id", Reason.APP_DISABLED),
    ("invalid client id", Reason.APP_DISABLED),
    ("appsecret_proof", Reason.APP_DISABLED),  # code 100
    ("invalid platform app", Reason.APP_DISABLED),
    ("insufficient developer role", Reason.APP_DISABLED),
    ("invalid scrubbed redirect_uri", Reason.APP_DISABLED),
    ("app not active", Reason.APP_DISABLED),
    ("app is not active", Reason.APP_DISABLED),
    ("app not setup", Reason.APP_DISABLED),
    ("in development mode", Reason.APP_DISABLED),
    ("no application data was given", Reason.APP_DISABLED),
    ("no app id was provided", Reason.APP_DISABLED),
    ("did not match the viewing app", Reason.APP_DISABLED),  # a token of another app
    ("reduce the amount of data", Reason.NOT_A_TOKEN_PROBLEM),  # code 1
    ("provide valid app id", Reason.NOT_A_TOKEN_PROBLEM),  # code 200: sent without any token
    ("as the page itself", Reason.NOT_A_TOKEN_PROBLEM),  # code 200: sent with the person's token
    ("called with a page access token", Reason.NOT_A_TOKEN_PROBLEM),  # code 190
    ("access token is required", Reason.NOT_A_TOKEN_PROBLEM),  # 104, 210, 102: of another kind
    ("authorization code", Reason.NOT_A_TOKEN_PROBLEM),
    ("verification code", Reason.NOT_A_TOKEN_PROBLEM),
    ("matching code was not found", Reason.NOT_A_TOKEN_PROBLEM),
    ("outside of allowed window", Reason.NOT_A_TOKEN_PROBLEM),  # code 10: a message too late
    ("outside the allowed window", Reason.NOT_A_TOKEN_PROBLEM),
    # Seen with living tokens (webutil, util.py).
    ("call api on behalf of this user", Reason.NETWORK_OUTAGE),
    ("not an instagram business", Reason.PERMISSION_LOST),  # turned into a personal account
    ("revoked_access_token", Reason.REVOKED_BY_USER),
)

# What a token's own error says where no subcode does.
TOKEN_WORDS: tuple[tuple[str, Reason], ...] = (
    ("follow the instructions given", Reason.ACCOUNT_SUSPENDED),
    ("checkpoint", Reason.ACCOUNT_SUSPENDED),
    ("challenge_required", Reason.ACCOUNT_SUSPENDED),
    ("not a confirmed user", Reason.ACCOUNT_SUSPENDED),
    ("page that has been deleted", Reason.ACCOUNT_SUSPENDED),
    ("page that is not accessible", Reason.ACCOUNT_SUSPENDED),
    ("impersonat", Reason.PERMISSION_LOST),  # a page, whose administrator one is no longer
    ("has not authorized application", Reason.REVOKED_BY_USER),
    ("app not installed", Reason.REVOKED_BY_USER),
    ("invalidated explicitly", Reason.REVOKED_BY_USER),
    ("changed their password", Reason.PASSWORD_CHANGED),
    ("changed the password", Reason.PASSWORD_CHANGED),
    ("changed the session", Reason.PASSWORD_CHANGED),
    ("hasn't engaged the app", Reason.EXPIRED),
    ("session has expired", Reason.EXPIRED),
    ("token has expired", Reason.EXPIRED),
    ("token is expired", Reason.EXPIRED),
    ("error validating access token", Reason.INVALID_TOKEN_UNSPECIFIED),
    ("invalid oauth access token", Reason.INVALID_TOKEN_UNSPECIFIED),
    ("cannot parse access token", Reason.INVALID_TOKEN_UNSPECIFIED),
    ("malformed access token", Reason.INVALID_TOKEN_UNSPECIFIED),
    ("token could not be decrypted", Reason.INVALID_TOKEN_UNSPECIFIED),
    ("token provided is invalid", Reason.INVALID_TOKEN_UNSPECIFIED),
    ("token is invalid", Reason.INVALID_TOKEN_UNSPECIFIED),
    ("login_required", Reason.INVALID_TOKEN_UNSPECIFIED),
    ("invalid access token", Reason.INVALID_TOKEN_UNSPECIFIED),
    ('"invalid_token"', Reason.INVALID_TOKEN_UNSPECIFIED),  # of WWW-Authenticate
)

# What is left to say where there was no code that we know.
UNCODED_WORDS: tuple[tuple[str, Reason], ...] = (
    ("request limit reached", Reason.RATE_LIMITED),
    ("too many calls", Reason.RATE_LIMITED),
    ("exceeded the rate limit", Reason.RATE_LIMITED),
    ("wait a few minutes", Reason.RATE_LIMITED),
    ("temporarily unavailable", Reason.NETWORK_OUTAGE),
    ("retry your request later", Reason.NETWORK_OUTAGE),
    ("deemed abusive", Reason.ACCOUNT_SUSPENDED),
    ("not have permission for this action", Reason.PERMISSION_LOST),
    ("permissions error", Reason.PERMISSION_LOST),
)

# Code 100 is for whatever is wrong with a request; this much of it is about a scope.
SCOPE_MISSING = re.compile(
    r"requires? (?:the |any of the |one of the )?['\"\w, ]*(?:permission|scope)"
    r"|missing permissions?$|\bno permission\b|insufficient permission|not have permission"
)
# Code 100, subcode 33, is of the object that was named:
# https://github.com/restfb/restfb/issues/1502
OBJECT_GONE = "does not exist, cannot be loaded due to missing permission"
# With these words it was Meta's own fault of May 2026: all other calls of the tokens worked.
OBJECT_FAULT = "authorization error"
