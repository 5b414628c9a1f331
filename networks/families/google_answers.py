"""What Google's error codes and sentences mean, at its token endpoint and at its APIs."""

from __future__ import annotations

from collections.abc import Mapping

from networks.base import Reason
from networks.rfc6749 import TOKEN_ERRORS

# The sentence of an `invalid_grant`: the first words that stand in it decide.
# https://developers.google.com/identity/protocols/oauth2#expiration, and what people have seen:
# https://github.com/GAM-team/GAM, src/gam/gamlib/glapi.py (OAUTH2_TOKEN_ERRORS)
GRANT_MESSAGES: tuple[tuple[str, Reason], ...] = (
    ("invalid_rapt", Reason.EXPIRED),  # Google Cloud session control wants the password again
    ("rapt_required", Reason.EXPIRED),
    ("reauth related error", Reason.EXPIRED),
    # Of a code, or of a service account's assertion: no stored token is spoken of.
    ("auth code", Reason.NOT_A_TOKEN_PROBLEM),
    ("authorization code", Reason.NOT_A_TOKEN_PROBLEM),
    ("code was", Reason.NOT_A_TOKEN_PROBLEM),
    ("code verifier", Reason.NOT_A_TOKEN_PROBLEM),
    ("jwt", Reason.NOT_A_TOKEN_PROBLEM),
    ("assertion", Reason.NOT_A_TOKEN_PROBLEM),
    ("email or user id", Reason.NOT_A_TOKEN_PROBLEM),
    ("not a valid email", Reason.NOT_A_TOKEN_PROBLEM),
    ("robot is disabled", Reason.APP_DISABLED),
    ("deleted", Reason.ACCOUNT_SUSPENDED),
    ("disabled", Reason.ACCOUNT_SUSPENDED),
    ("suspended", Reason.ACCOUNT_SUSPENDED),
    ("restricted", Reason.ACCOUNT_SUSPENDED),
    # One sentence for both causes, which nobody can tell apart:
    # https://github.com/googleapis/google-api-nodejs-client/pull/2553
    ("expired or revoked", Reason.INVALID_TOKEN_UNSPECIFIED),
    ("revoked", Reason.REVOKED_BY_USER),
    ("expired", Reason.EXPIRED),
)

# The words of `error` and `error_subtype`.
# https://developers.google.com/identity/protocols/oauth2/web-server#authorization-errors
OAUTH_ERRORS: Mapping[str, Reason] = {
    **TOKEN_ERRORS,
    "invalid_token": Reason.INVALID_TOKEN_UNSPECIFIED,  # tokeninfo, and the revocation endpoint
    "invalid_rapt": Reason.EXPIRED,
    "rapt_required": Reason.EXPIRED,
    "deleted_client": Reason.APP_DISABLED,
    "disabled_client": Reason.APP_DISABLED,
    # An administrator of the person's organization has shut us out.
    "admin_policy_enforced": Reason.PERMISSION_LOST,
    "org_internal": Reason.PERMISSION_LOST,
    "account_disabled": Reason.ACCOUNT_SUSPENDED,
    "account_deleted": Reason.ACCOUNT_SUSPENDED,
    "internal_failure": Reason.NETWORK_OUTAGE,
    "backend_error": Reason.NETWORK_OUTAGE,
    "rate_limit_exceeded": Reason.RATE_LIMITED,
    "redirect_uri_mismatch": Reason.NOT_A_TOKEN_PROBLEM,
}

# `errors[].reason`: https://developers.google.com/youtube/v3/docs/core_errors and
# https://developers.google.com/youtube/v3/docs/errors (youtube.common)
API_ERRORS: Mapping[str, Reason] = {
    "authError": Reason.INVALID_TOKEN_UNSPECIFIED,
    "unauthorized": Reason.INVALID_TOKEN_UNSPECIFIED,
    "authorizationRequired": Reason.INVALID_TOKEN_UNSPECIFIED,
    "expired": Reason.EXPIRED,
    "required": Reason.NOT_A_TOKEN_PROBLEM,  # "Login Required": we sent no token
    "unknownAuth": Reason.NOT_A_TOKEN_PROBLEM,
    "youtubeSignupRequired": Reason.PERMISSION_LOST,  # the account has no channel
    "authenticatedUserNotChannel": Reason.PERMISSION_LOST,
    "channelNotFound": Reason.PERMISSION_LOST,
    "ineligibleAccount": Reason.PERMISSION_LOST,
    "insufficientPermissions": Reason.PERMISSION_LOST,
    "insufficientCapabilities": Reason.PERMISSION_LOST,
    "accountDelegationForbidden": Reason.PERMISSION_LOST,
    "domainPolicy": Reason.PERMISSION_LOST,
    "authenticatedUserAccountSuspended": Reason.ACCOUNT_SUSPENDED,
    "authenticatedUserAccountClosed": Reason.ACCOUNT_SUSPENDED,
    "channelSuspended": Reason.ACCOUNT_SUSPENDED,
    "channelClosed": Reason.ACCOUNT_SUSPENDED,
    "accountSuspended": Reason.ACCOUNT_SUSPENDED,
    "accountDisabled": Reason.ACCOUNT_SUSPENDED,
    "accountDeleted": Reason.ACCOUNT_SUSPENDED,
    "accountUnverified": Reason.ACCOUNT_SUSPENDED,  # the address was never confirmed
    "accessNotConfigured": Reason.APP_DISABLED,
    "insufficientAudience": Reason.APP_DISABLED,
    "insufficientAuthorizedParty": Reason.APP_DISABLED,
    "ipRefererBlocked": Reason.APP_DISABLED,
    "keyInvalid": Reason.APP_DISABLED,
    "keyExpired": Reason.APP_DISABLED,
    "quotaExceeded": Reason.RATE_LIMITED,
    "dailyLimitExceeded": Reason.RATE_LIMITED,
    "dailyLimitExceeded402": Reason.RATE_LIMITED,
    "quotaExceeded402": Reason.RATE_LIMITED,
    "dailyLimitExceededUnreg": Reason.RATE_LIMITED,
    "rateLimitExceeded": Reason.RATE_LIMITED,
    "rateLimitExceededUnreg": Reason.RATE_LIMITED,
    "userRateLimitExceeded": Reason.RATE_LIMITED,
    "userRateLimitExceededUnreg": Reason.RATE_LIMITED,
    "userRequestsExceedRateLimit": Reason.RATE_LIMITED,
    "concurrentLimitExceeded": Reason.RATE_LIMITED,
    "servingLimitExceeded": Reason.RATE_LIMITED,
    "limitExceeded": Reason.RATE_LIMITED,
    "uploadLimitExceeded": Reason.RATE_LIMITED,
    "uploadRateLimitExceeded": Reason.RATE_LIMITED,
    "backendError": Reason.NETWORK_OUTAGE,
    "internalError": Reason.NETWORK_OUTAGE,
    "transientError": Reason.NETWORK_OUTAGE,
}

# `details[].reason`:
# https://github.com/googleapis/googleapis/blob/master/google/api/error_reason.proto
ERROR_INFO: Mapping[str, Reason] = {
    "ACCESS_TOKEN_EXPIRED": Reason.EXPIRED,
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": Reason.PERMISSION_LOST,
    "IAM_PERMISSION_DENIED": Reason.PERMISSION_LOST,
    "ORG_RESTRICTION_VIOLATION": Reason.PERMISSION_LOST,
    "ACCOUNT_STATE_INVALID": Reason.ACCOUNT_SUSPENDED,
    "ACCESS_TOKEN_TYPE_UNSUPPORTED": Reason.NOT_A_TOKEN_PROBLEM,
    "CREDENTIALS_MISSING": Reason.NOT_A_TOKEN_PROBLEM,
    "SERVICE_DISABLED": Reason.APP_DISABLED,
    "SERVICE_NOT_VISIBLE": Reason.APP_DISABLED,
    "BILLING_DISABLED": Reason.APP_DISABLED,
    "CONSUMER_SUSPENDED": Reason.APP_DISABLED,
    "CONSUMER_INVALID": Reason.APP_DISABLED,
    "USER_PROJECT_DENIED": Reason.APP_DISABLED,
    "API_KEY_INVALID": Reason.APP_DISABLED,
    "API_KEY_SERVICE_BLOCKED": Reason.APP_DISABLED,
    "RATE_LIMIT_EXCEEDED": Reason.RATE_LIMITED,
    "RESOURCE_QUOTA_EXCEEDED": Reason.RATE_LIMITED,
}

# `status`, and the one reason that says no more than it: the messages are asked before these.
# https://cloud.google.com/apis/design/errors#handling_errors
STATUSES: Mapping[str, Reason] = {
    "forbidden": Reason.PERMISSION_LOST,
    "UNAUTHENTICATED": Reason.INVALID_TOKEN_UNSPECIFIED,
    "PERMISSION_DENIED": Reason.PERMISSION_LOST,
    "RESOURCE_EXHAUSTED": Reason.RATE_LIMITED,
    "UNAVAILABLE": Reason.NETWORK_OUTAGE,
    "INTERNAL": Reason.NETWORK_OUTAGE,
    "DEADLINE_EXCEEDED": Reason.NETWORK_OUTAGE,
}

# `errors[].domain`, where the reason is none of the above: YouTube's own domains are about one
# video, comment, playlist and so on. https://developers.google.com/youtube/v3/docs/errors
DOMAINS: Mapping[str, Reason] = {
    "youtube.quota": Reason.RATE_LIMITED,
    "usageLimits": Reason.RATE_LIMITED,
    **dict.fromkeys(
        (
            "youtube.activity",
            "youtube.caption",
            "youtube.channel",
            "youtube.channelSection",
            "youtube.comment",
            "youtube.commentThread",
            "youtube.liveBroadcast",
            "youtube.part",
            "youtube.parameter",
            "youtube.playlist",
            "youtube.playlistItem",
            "youtube.subscription",
            "youtube.thumbnail",
            "youtube.video",
        ),
        Reason.NOT_A_TOKEN_PROBLEM,
    ),
}

# What is said in words alone, or in words that know better than their `status`.
MESSAGES: tuple[tuple[str, Reason], ...] = (
    ("quota", Reason.RATE_LIMITED),
    ("rate limit", Reason.RATE_LIMITED),
    ("resource has been exhausted", Reason.RATE_LIMITED),
    ("has not been used in project", Reason.APP_DISABLED),
    ("api has been disabled", Reason.APP_DISABLED),
    ("consumer '", Reason.APP_DISABLED),  # 'project_number:…' has been suspended
    ("requests to this api", Reason.APP_DISABLED),  # … are blocked
    ("requested client not authorized", Reason.APP_DISABLED),
    ("unregistered callers", Reason.NOT_A_TOKEN_PROBLEM),
    ("missing required authentication credential", Reason.NOT_A_TOKEN_PROBLEM),
    ("login required", Reason.NOT_A_TOKEN_PROBLEM),
    ("insufficient authentication scopes", Reason.PERMISSION_LOST),
    ("insufficient permission", Reason.PERMISSION_LOST),
    ("account restricted", Reason.ACCOUNT_SUSPENDED),
    ("account has been deleted", Reason.ACCOUNT_SUSPENDED),
    ("account of the authenticated user is suspended", Reason.ACCOUNT_SUSPENDED),
    ("expired or revoked", Reason.INVALID_TOKEN_UNSPECIFIED),
    ("invalid credentials", Reason.INVALID_TOKEN_UNSPECIFIED),  # userinfo: an `invalid_request`
    ("invalid authentication credentials", Reason.INVALID_TOKEN_UNSPECIFIED),
)

# Security events, which Google sends by itself. A sign-out or a changed credential does not end
# our grant: whether it lives is for the next probe to say.
# https://developers.google.com/identity/protocols/risc#supported_event_types
RISC_EVENTS: Mapping[str, Reason | None] = {
    "oauth/event-type/tokens-revoked": Reason.REVOKED_BY_USER,
    "oauth/event-type/token-revoked": Reason.REVOKED_BY_USER,
    "risc/event-type/account-disabled": Reason.ACCOUNT_SUSPENDED,
    "risc/event-type/account-purged": Reason.ACCOUNT_SUSPENDED,
    "risc/event-type/account-enabled": None,
    "risc/event-type/sessions-revoked": Reason.NOT_A_TOKEN_PROBLEM,
    "risc/event-type/account-credential-change-required": Reason.NOT_A_TOKEN_PROBLEM,
    "risc/event-type/verification": Reason.NOT_A_TOKEN_PROBLEM,
}
