"""Facebook pages: https://developers.facebook.com/docs/pages-api"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from networks.adapters.facebook.notes import BUDGETS, CAPABILITIES, KINDS, LOGIN_HINT, NOTES, PUSH
from networks.adapters.facebook.notes import REQUIRED_ROLE as ROLE
from networks.base import Reachable
from networks.families.facebook_login import HOSTS, FacebookLogin, with_role
from networks.reading import a_name, an_id


class Facebook(FacebookLogin):
    slug = "facebook"
    name = "Facebook"
    colour = "#0866ff"
    initials = "f"
    hosts = HOSTS
    # https://developers.facebook.com/docs/permissions; business_management is for pages that
    # belong to a business portfolio.
    scopes = (
        "public_profile",
        "pages_show_list",
        "business_management",
        "pages_manage_posts",
        "pages_read_engagement",
        "pages_manage_engagement",
        "pages_read_user_content",
    )
    kinds = KINDS
    required_role = ROLE
    login_hint = LOGIN_HINT
    capabilities = CAPABILITIES
    notes = NOTES
    budgets = BUDGETS
    push = PUSH

    def reachable(self, page: Mapping[str, Any]) -> Reachable | None:
        remote_id = an_id(page.get("id"))
        if not remote_id:
            return None
        name = a_name(page.get("name"), page.get("username"), remote_id)
        url = f"https://www.facebook.com/{remote_id}"
        return with_role(Reachable("page", remote_id, name, url=url), page)
