"""What a signed-in person has seen does not come back for the next one at that browser."""

from django.urls import reverse

from tests.people import World


def test_a_signed_in_persons_pages_are_kept_by_nobody(client, world: World):
    client.force_login(world.anna)
    for name in ("accounts:members", "accounts:audit", "tokens:profile_list"):
        answer = client.get(reverse(name, args=["alpenglueck"]))
        assert "no-store" in answer["Cache-Control"], name
    assert "no-store" in client.get(reverse("accounts:settings"))["Cache-Control"]


def test_a_mail_scanner_may_look_at_the_page_before_the_leap(client, world: World, settings):
    settings.OAUTH_CLIENTS = {"xing": ("id", "secret")}
    client.force_login(world.anna)
    page = reverse("tokens:add_network", args=["alpenglueck", "xing"])
    assert client.head(page).status_code == 200
