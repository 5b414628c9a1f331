"""What django-allauth asks us."""

from __future__ import annotations

import logging
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal import ratelimit
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.contrib import messages
from django.http import HttpRequest
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from accounts import single_sign_on
from accounts.actor import client_address
from accounts.models import User
from accounts.reauthentication import is_fresh

log = logging.getLogger(__name__)

WAYS = {
    "reauthenticate": _("With your password"),
    "mfa_reauthenticate": _("With a code"),
    "mfa_reauthenticate:webauthn": _("With a passkey"),
    "single_sign_on": _("With your organization"),
}
# Who reaches us by a way that names no address shares one, with everybody else who does.
NOWHERE = "::"
MAIL_FAILED = _("The mail could not be sent just now. Try again in a few minutes.")


class AccountAdapter(DefaultAccountAdapter):
    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": _(
            "Email address and password do not belong together. Look at both once more, or choose "
            "“Forgot your password?”."
        ),
        "too_many_login_attempts": _(
            "There were too many attempts. Wait five minutes and try again. If it stays like this, "
            "choose a new password by “Forgot your password?”, which opens the account at once."
        ),
        "rate_limited": _("There were too many attempts. Wait five minutes and try again."),
        "incorrect_password": _("This is not your password. Type it once more."),
        "enter_current_password": _("This is not your current password. Type it once more."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Accounts are made by invitation (accounts/invitations.py) and in no other way."""
        return False

    # --- Attempts are counted by account and client, and by account wherever they come from ---

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Raises ValidationError where there were too many, whether there is such an account or
        not."""
        super().pre_authenticate(request, **credentials)
        self._usage_anywhere = ratelimit.consume(
            request,
            app="allauth.account",
            action="login_failed_anywhere",
            key=_account(credentials),
        )
        if not self._usage_anywhere:
            raise self.validation_error("too_many_login_attempts")

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        return f"{ratelimit.get_ip(request)} {_account(credentials)}"

    def _rollback_login_failed_rl_usage(self) -> None:
        super()._rollback_login_failed_rl_usage()
        self._usage_anywhere.rollback()

    def set_password(self, user: User, password: str) -> None:
        """A new password, by a link that proves the address, is the way out for whom others have
        shut out; what they knew is worth nothing now."""
        super().set_password(user, password)
        keys = {"login_failed_anywhere": user.email, "login_failed": f"mfa-auth-user-{user.pk}"}
        for action, key in keys.items():
            ratelimit.clear(self.request, app="allauth.account", action=action, key=key)

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request) or request.META.get("REMOTE_ADDR") or NOWHERE

    # --- Is it still you? ---

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        return not is_fresh(self.request)

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Who has a second factor shows that: whoever has come by her password has not. Who came
        by her organization's provider is asked there."""
        if single_sign_on.came_through(self.request):
            way = {"id": "single_sign_on", "url": reverse("accounts:single_sign_on")}
            return [way | {"description": WAYS["single_sign_on"]}]
        ways = super().get_reauthentication_methods(user)
        stronger = [way for way in ways if way["id"].startswith("mfa")]
        return [way | {"description": WAYS[way["id"]]} for way in stronger or ways]

    # --- Mails, in the language of who reads them ---

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Where a link cannot go out, the page says so, whoever was to get it. Where a notice
        cannot, what it tells of is done all the same."""
        reader = getattr(context.get("user"), "language", "") or translation.get_language()
        try:
            with translation.override(reader):
                super().send_mail(template_prefix, email, context)
        except OSError as error:
            log.error("%s could not be sent: %s", template_prefix, type(error).__name__)
            if "is_notice" not in context:
                messages.error(self.request, MAIL_FAILED)

    def send_notification_mail(
        self,
        template_prefix: str,
        user: User,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        known = {**(context or {}), "user": user, "is_notice": True}
        super().send_notification_mail(template_prefix, user, known, email)


class OpenIDAdapter(DefaultSocialAccountAdapter):
    """The end of a trip to an organization's provider: here, and never with an account that
    allauth would make or connect."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False

    def list_apps(self, request: HttpRequest, *args: Any, **kwargs: Any) -> list[Any]:
        """None is known before an organization is (accounts/openid.py builds the one)."""
        return []

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Raises ImmediateHttpResponse, always: nothing of allauth's own comes after it."""
        provider = sociallogin.provider.client.configuration
        try:
            single_sign_on.arrive(request, provider, sociallogin)
        except single_sign_on.NotLetIn as refusal:
            context = {"refusal": refusal, "provider": provider}
            page = render(request, "accounts/single_sign_on_refused.html", context, status=403)
            raise ImmediateHttpResponse(page) from None
        start = reverse("tokens:profile_list", args=[provider.slug])
        raise ImmediateHttpResponse(redirect(sociallogin.state.get("next") or start))

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,
        error: Any = None,
        exception: Exception | None = None,
        extra_context: Any = None,
    ) -> None:
        """A page in our words; the details are the operator's. Raises ImmediateHttpResponse."""
        where = provider.client.configuration
        if exception:
            log.warning("single sign-on of %s: %s", where.slug, exception)
        context = {"provider": where, "error": error, "is_their_trouble": bool(exception)}
        page = "accounts/single_sign_on_failed.html"
        raise ImmediateHttpResponse(render(request, page, context, status=400))


def _account(credentials: dict[str, Any]) -> str:
    return str(credentials.get("email", "")).lower()
