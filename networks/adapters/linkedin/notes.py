"""What a person should know before leaving for LinkedIn."""

from django.utils.translation import gettext_lazy as _

from networks.base import Note

NOTES = (
    Note(
        _(
            "To add a LinkedIn page you have to be its super admin. Other admin roles can see "
            "the page here, but not connect it."
        ),
        (
            _("LinkedIn: admin roles and where to see yours"),
            "https://www.linkedin.com/help/linkedin/answer/a541981",
        ),
    ),
    Note(
        _(
            "LinkedIn offers no choice of account: it takes whoever is signed in there. Sign "
            "out of LinkedIn first if that is not the right person."
        ),
    ),
    Note(_("LinkedIn wants a person to renew the connection at least every 365 days.")),
    Note(
        _("You can see at LinkedIn which apps have access, and take it back there."),
        (
            _("LinkedIn: permitted services"),
            "https://www.linkedin.com/psettings/permitted-services",
        ),
    ),
)
