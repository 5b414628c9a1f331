"""The SMTP receiver, its JSON and its pages."""

from __future__ import annotations

import smtplib
from datetime import datetime
from email.message import EmailMessage

from sandbox.inbox import KEPT, Inbox
from sandbox.store import Store
from tests.sandbox.driver import Practice

HTML = """<p>Grüße</p><a href="http://127.0.0.1:8000/o/a/?x=1&amp;y=2">Go</a>
<a href="mailto:help@example.org">Help</a><script>alert(1)</script>"""
TEXT = "Grüße aus Köln.\nSee http://127.0.0.1:8000/o/a/?x=1&y=2, or http://127.0.0.1:8000/stop/.\n"


def letter(subject: str = "LinkedIn-Seite Alpenglück: keine gültige Berechtigung") -> EmailMessage:
    """A mail as a product sends them."""
    mail = EmailMessage()
    mail["Subject"], mail["Message-ID"] = subject, "<1@product.example>"
    mail["From"], mail["To"] = "Tokenwacht <post@product.example>", "Özlem <o@alpenglueck.example>"
    mail.set_content(TEXT)
    mail.add_alternative(HTML, subtype="html")
    return mail


def send(practice: Practice, mail: EmailMessage, *to: str) -> None:
    """Send over real SMTP."""
    with smtplib.SMTP("127.0.0.1", practice.settings.smtp_port, timeout=5) as smtp:
        smtp.send_message(mail, to_addrs=list(to) or None)


def test_a_mail_is_kept_as_the_contract_says(practice: Practice) -> None:
    send(practice, letter())
    [mail] = practice.get("_control/mail").json()
    assert mail["to"] == "o@alpenglueck.example"
    assert mail["subject"] == "LinkedIn-Seite Alpenglück: keine gültige Berechtigung"
    assert mail["text"] == TEXT
    assert "<p>Grüße</p>" in mail["html"]
    assert mail["message_id"] == "<1@product.example>"
    assert datetime.fromisoformat(mail["received_at"]).tzinfo is not None
    assert mail["links"] == [
        "http://127.0.0.1:8000/o/a/?x=1&y=2",
        "mailto:help@example.org",
        "http://127.0.0.1:8000/stop/",
    ]


def test_each_recipient_gets_one_and_the_newest_is_last(practice: Practice) -> None:
    send(practice, letter("first"), "a@x.example", "b@x.example")
    send(practice, letter("second"), "c@x.example")
    mails = [(mail["to"], mail["subject"]) for mail in practice.get("_control/mail").json()]
    assert mails == [("a@x.example", "first"), ("b@x.example", "first"), ("c@x.example", "second")]


def test_a_mail_without_html_is_fine(practice: Practice) -> None:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = "plain", "a@x.example", "b@x.example"
    mail.set_content("Just text.")
    send(practice, mail)
    [kept] = practice.get("_control/mail").json()
    assert (kept["html"], kept["links"]) == ("", [])


def test_the_pages_show_it_newest_first_and_let_no_script_run(practice: Practice) -> None:
    send(practice, letter("older <b>one</b>"))
    send(practice, letter("newer"))
    listing = practice.get("mail").text
    assert listing.index("newer") < listing.index("older &lt;b&gt;one&lt;/b&gt;")
    assert 'http-equiv="refresh"' in listing
    page = practice.get("mail/1").text
    assert "<script>" not in page and "&lt;script&gt;" in page
    assert 'sandbox="allow-popups' in page
    assert "Message-ID: &lt;1@product.example&gt;" in page
    assert practice.get("mail/99").status_code == 404


def test_only_the_newest_thousand_are_kept(practice: Practice) -> None:
    store = Store(practice.settings.data / "other.sqlite3")
    inbox = Inbox(store)
    for number in range(KEPT + 5):
        inbox.receive(f"{number}@x.example", b"Subject: x\r\n\r\nx\r\n")
    kept = [mail["to"] for mail in inbox.mails()]
    store.close()
    assert (len(kept), kept[0], kept[-1]) == (KEPT, "5@x.example", f"{KEPT + 4}@x.example")
