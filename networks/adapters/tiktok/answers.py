"""What TikTok's codes mean."""

from collections.abc import Mapping

from networks.base import Reason
from networks.rfc6749 import TOKEN_ERRORS as RFC6749

# https://developers.tiktok.com/doc/tiktok-api-v2-error-handling
API: Mapping[str, Reason] = {
    "access_token_invalid": Reason.INVALID_TOKEN_UNSPECIFIED,
    "scope_not_authorized": Reason.PERMISSION_LOST,
    # Its text says "Access token is invalid": a field needs a scope, the token is well.
    "scope_permission_missed": Reason.PERMISSION_LOST,
    "rate_limit_exceeded": Reason.RATE_LIMITED,
    "internal_error": Reason.NETWORK_OUTAGE,
    "invalid_params": Reason.NOT_A_TOKEN_PROBLEM,
    "invalid_param": Reason.NOT_A_TOKEN_PROBLEM,
    "invalid_file_upload": Reason.NOT_A_TOKEN_PROBLEM,
}

# https://developers.tiktok.com/doc/content-posting-api-reference-direct-post and, for what comes
# with status 200 as `fail_reason`,
# https://developers.tiktok.com/doc/content-posting-api-reference-get-video-status
POSTING: Mapping[str, Reason] = {
    "auth_removed": Reason.REVOKED_BY_USER,
    "spam_risk_user_banned_from_posting": Reason.ACCOUNT_SUSPENDED,
    "spam_risk_text": Reason.NOT_A_TOKEN_PROBLEM,  # about the words of one post
    "spam_risk_too_many_posts": Reason.RATE_LIMITED,
    "spam_risk_too_many_pending_share": Reason.RATE_LIMITED,
    "reached_active_user_cap": Reason.NOT_A_TOKEN_PROBLEM,
    "unaudited_client_can_only_post_to_private_accounts": Reason.NOT_A_TOKEN_PROBLEM,
    "url_ownership_unverified": Reason.NOT_A_TOKEN_PROBLEM,
    "privacy_level_option_mismatch": Reason.NOT_A_TOKEN_PROBLEM,
    "app_version_check_failed": Reason.NOT_A_TOKEN_PROBLEM,
    "invalid_publish_id": Reason.NOT_A_TOKEN_PROBLEM,
    "token_not_authorized_for_specified_publish_id": Reason.NOT_A_TOKEN_PROBLEM,
}

# The API for businesses, whose every answer has status 200; 0 is its success:
# https://business-api.tiktok.com/portal/docs?id=1737172488964097
BUSINESS: Mapping[str, Reason] = {
    "40102": Reason.EXPIRED,
    "40103": Reason.EXPIRED,  # the refresh token
    "40105": Reason.INVALID_TOKEN_UNSPECIFIED,  # "incorrect or has been revoked"
    "40107": Reason.INVALID_TOKEN_UNSPECIFIED,  # the refresh token
    "40001": Reason.PERMISSION_LOST,
    "40130": Reason.PERMISSION_LOST,
    "40131": Reason.PERMISSION_LOST,
    "40113": Reason.APP_DISABLED,
    "40016": Reason.RATE_LIMITED,
    "40100": Reason.RATE_LIMITED,
    "40132": Reason.RATE_LIMITED,
    "61000": Reason.RATE_LIMITED,
    "50000": Reason.NETWORK_OUTAGE,
    "50002": Reason.NETWORK_OUTAGE,
    "60001": Reason.NETWORK_OUTAGE,
    "40000": Reason.NOT_A_TOKEN_PROBLEM,
    "40002": Reason.NOT_A_TOKEN_PROBLEM,
    "40104": Reason.NOT_A_TOKEN_PROBLEM,  # we sent none
}

API_ERRORS: Mapping[str, Reason] = {**API, **POSTING, **BUSINESS}

# https://developers.tiktok.com/doc/oauth-error-handling
TOKEN_ERRORS: Mapping[str, Reason] = {
    **RFC6749,
    "unsupported_response_type": Reason.NOT_A_TOKEN_PROBLEM,
}

# https://developers.tiktok.com/doc/webhooks-events: the `reason` inside of an
# authorization.removed. The access is gone, whatever the number is.
REMOVED = "authorization.removed"
REMOVAL: Mapping[str, Reason] = {
    "1": Reason.REVOKED_BY_USER,
    "2": Reason.ACCOUNT_SUSPENDED,  # the account was deleted
    "3": Reason.PERMISSION_LOST,  # the person's age changed
    "4": Reason.ACCOUNT_SUSPENDED,  # the account was banned
}
