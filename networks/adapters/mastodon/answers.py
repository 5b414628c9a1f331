"""What Mastodon says of a token, and those who answer in its place: Pleroma, Akkoma, GoToSocial,
Pixelfed. Codes first, then sentences that are never translated, then words of many languages."""

import json
from collections.abc import Iterable, Mapping

from networks.base import Answer, Reason
from networks.reading import is_page, said, succeeded, token_text
from networks.rfc6749 import TOKEN_ERRORS

# RFC 6749, 5.2, and RFC 6750, 3.1; then Pleroma's `identifier`:
# https://docs.pleroma.social/backend/development/API/differences_in_mastoapi_responses/
CODES: Mapping[str, Reason] = {
    **TOKEN_ERRORS,
    "invalid_redirect_uri": Reason.APP_DISABLED,
    "access_denied": Reason.NOT_A_TOKEN_PROBLEM,
    "insufficient_scope": Reason.PERMISSION_LOST,
    "account_is_disabled": Reason.ACCOUNT_SUSPENDED,
    "missing_confirmed_email": Reason.ACCOUNT_SUSPENDED,
    "awaiting_approval": Reason.ACCOUNT_SUSPENDED,
    "password_reset_required": Reason.ACCOUNT_SUSPENDED,
}

# https://github.com/mastodon/mastodon/blob/main/app/controllers/api/base_controller.rb: in English
# whatever the person's language. Some forks put a word before them («Forbidden: …»).
SENTENCES: tuple[tuple[str, Reason], ...] = (
    ("outside the authorized scopes", Reason.PERMISSION_LOST),
    ("does not cover required scopes", Reason.PERMISSION_LOST),
    ("insufficient scope", Reason.PERMISSION_LOST),
    ("insufficient permissions", Reason.PERMISSION_LOST),
    ("login is currently disabled", Reason.ACCOUNT_SUSPENDED),
    ("account is currently disabled", Reason.ACCOUNT_SUSPENDED),
    ("account is disabled", Reason.ACCOUNT_SUSPENDED),
    ("konto wurde gesperrt", Reason.ACCOUNT_SUSPENDED),
    ("anmeldung ist derzeit deaktiviert", Reason.ACCOUNT_SUSPENDED),
    ("account has been suspended", Reason.ACCOUNT_SUSPENDED),
    ("account is suspended", Reason.ACCOUNT_SUSPENDED),
    ("account has been deactivated", Reason.ACCOUNT_SUSPENDED),
    ("missing a confirmed e-mail", Reason.ACCOUNT_SUSPENDED),
    ("pending approval", Reason.ACCOUNT_SUSPENDED),
    ("awaiting approval", Reason.ACCOUNT_SUSPENDED),
    ("is not approved", Reason.ACCOUNT_SUSPENDED),
    ("requires two-factor authentication", Reason.ACCOUNT_SUSPENDED),
    ("requires an authenticated user", Reason.NOT_A_TOKEN_PROBLEM),
    ("missing access token", Reason.NOT_A_TOKEN_PROBLEM),
    ("action is not allowed", Reason.NOT_A_TOKEN_PROBLEM),
    ("record not found", Reason.NOT_A_TOKEN_PROBLEM),
    ("validation failed", Reason.NOT_A_TOKEN_PROBLEM),
    ("request not signed", Reason.NOT_A_TOKEN_PROBLEM),
    ("too many requests", Reason.RATE_LIMITED),
    ("throttled", Reason.RATE_LIMITED),
    ("temporary problem serving your request", Reason.NETWORK_OUTAGE),
    ("could not be fetched", Reason.NETWORK_OUTAGE),
    ("service unavailable", Reason.NETWORK_OUTAGE),
    # Forks that ignore a bad token, and then miss one.
    ("invalid credentials", Reason.INVALID_TOKEN_UNSPECIFIED),
    ("resource requires authentication", Reason.INVALID_TOKEN_UNSPECIFIED),
    ("token not supplied", Reason.INVALID_TOKEN_UNSPECIFIED),
    ("user not supplied or not authorized", Reason.INVALID_TOKEN_UNSPECIFIED),
    ("account not supplied or not authorized", Reason.INVALID_TOKEN_UNSPECIFIED),
    ("unauthenticated", Reason.INVALID_TOKEN_UNSPECIFIED),
)

# Only what a 401 says is translated, into the language of the account (mastodon#4637). The stems
# stand in https://github.com/mastodon/mastodon/tree/main/config/locales, doorkeeper.*.yml.
# fmt: off
REVOKED = (
    "revoked", "widerrufen", "révoqu", "revocad", "revocat", "revogad", "disabilitat",
    "ingetrokken", "unieważnion", "cofnięt", "отменен", "отменён", "отозван", "відкликан",
    "скасован", "取り消", "吊销", "撤销", "撤銷", "取消", "återkalla", "odvolán", "zrušen",
    "odebrán", "tilbagekald", "tilbakekal", "peruttu", "kumottu", "visszavon", "iptal", "ανακλ",
    "취소", "철회", "إلغاء", "baliogabetu", "preklican", "atšaukt", "atsaukt", "thu hồi",
    "เพิกถอน", "afturkall", "nuligit", "לא בתוקף יותר", "בוטל",
)
EXPIRED = (
    "expired", "abgelaufen", "expiré", "expiró", "expirad", "expirat", "expirou", "caduc",
    "venció", "vencid", "scadut", "verlopen", "wygasł", "истек", "истёк", "просрочен",
    "закінчи", "прострочен", "期限", "过期", "過期", "逾期", "utgång", "gått ut", "vypršel",
    "vypršal", "udløbet", "utløpt", "utgått", "vanhen", "lejárt", "süresi dol", "έληξ", "λήξει",
    "만료", "انته", "iraungi", "potekel", "baigė", "hết hạn", "หมดอายุ", "útrunn", "eksvalid",
    "изтекъл", "פג",
)
TOKEN = (
    "token", "токен", "トークン", "令牌", "權杖", "憑證", "jeton", "토큰", "toegangscode",
    "código de acc", "código de ace", "autentificador", "διακριτικ", "رمز", "tunnis",
    "käyttöoikeus", "אסימון", "โทเค็น",
    "توکن", "tocyn", "belirteç", "teikn", "testimoni",
)
# fmt: on


def api_reason(answer: Answer) -> Reason | None:
    body = said(answer)
    code = next((CODES[c] for c in words_of(body, "error", "identifier") if c in CODES), None)
    text = sentence(answer)
    if 200 <= answer.status < 300 and not body.get("error"):
        return None if succeeded(answer) or body or is_list(answer) else Reason.NOT_UNDERSTOOD
    if answer.status in (404, 410) and not body:  # no Mastodon is there any more
        return Reason.NETWORK_OUTAGE
    return code or first(SENTENCES, text) or of_token(answer, text) or Reason.NOT_UNDERSTOOD


def token_reason(answer: Answer) -> Reason | None:
    reason = api_reason(answer)
    if reason is None and not token_text(answer.json.get("access_token")):
        return Reason.NOT_UNDERSTOOD
    return reason


def of_token(answer: Answer, text: str) -> Reason | None:
    """What a 401 says in any language, and elsewhere what is said of a token by name; an answer
    that names two causes names none."""
    names_token = has(TOKEN, text)
    is_about_it = answer.status in (200, 401) or "invalid_token" in text
    if is_page(answer) or not (is_about_it or (names_token and answer.status in (400, 403))):
        return None
    revoked, expired = has(REVOKED, text), has(EXPIRED, text)
    if revoked != expired:
        return Reason.REVOKED_BY_USER if revoked else Reason.EXPIRED
    refused = names_token or text.startswith(("unauthorized", "not authorized"))
    return Reason.INVALID_TOKEN_UNSPECIFIED if refused and is_about_it else None


def sentence(answer: Answer) -> str:
    """What is said for people, in the body or in the challenge; forks answer with a bare string,
    and the streaming server with something like one."""
    body = said(answer)
    texts = words_of(body, "error", "error_description", "message")
    if not body and not is_page(answer):
        texts = [answer.body[:500].decode("utf-8", "replace").strip().strip('"')]
    return " ".join([*texts, answer.headers.get("www-authenticate", "")]).lower()


def words_of(body: Mapping[str, object], *names: str) -> list[str]:
    return [value for name in names if isinstance(value := body.get(name), str)]


def has(stems: Iterable[str], text: str) -> bool:
    return any(stem in text for stem in stems)


def first(table: Iterable[tuple[str, Reason]], text: str) -> Reason | None:
    return next((reason for words, reason in table if words in text), None)


def is_list(answer: Answer) -> bool:
    try:
        return isinstance(json.loads(answer.body), list)
    except (ValueError, RecursionError):
        return False
