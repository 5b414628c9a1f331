"""What the buttons are called, to the letter of the help article, in both languages."""

from types import SimpleNamespace

GERMAN = SimpleNamespace(
    locale="de-DE",
    code="de",
    settings="Einstellungen",
    profiles="Profile",
    add="Profile hinzufügen",
    to="Weiter zu {}",
    connect="Verbinden",
    valid="Gültig",
    lost="Keine gültige Zugriffsberechtigung",
    ends="Läuft in 12 Tagen ab",
    refresh="Verbindung aktualisieren",
    page_settings="Seiteneinstellungen",
    owners="Profil-Inhaber:innen",
    page_group="E-Mail Benachrichtigungen",
    page_checkbox="Es liegen keine gültigen Zugriffsberechtigungen vor.",
    account_group="E-Mail-Benachrichtigungen",
    account_checkbox="Erhalte Benachrichtigungen, wenn ein Access Token abgelaufen ist.",
    save="Speichern",
    subject="LinkedIn-Seite Alpenglück: keine gültige Zugriffsberechtigung",
    password="Passwort",  # noqa: S106 - a word
    expected="Alpenglück",
)
ENGLISH = SimpleNamespace(
    locale="en-GB",
    code="en",
    settings="Settings",
    profiles="Profiles",
    add="Add profiles",
    to="Continue to {}",
    connect="Connect",
    valid="Valid",
    lost="No valid access permission",
    ends="Expires in 12 days",
    refresh="Refresh connection",
    page_settings="Page settings",
    owners="Profile owners",
    page_group="Email notifications",
    page_checkbox="There are no valid access permissions.",
    account_group="Email notifications",
    account_checkbox="Receive notifications when an access token has expired.",
    save="Save",
    subject="LinkedIn Page Alpenglück: no valid access permission",
    password="password",  # noqa: S106
    expected="Alpenglück",
)
