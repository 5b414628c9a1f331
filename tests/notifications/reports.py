"""Reports of mails that did not arrive, in the shapes that mail servers give them.

Written here by what the servers' documentation and sources say of them: Postfix's bounce(8), Exim's
deliver.c, Microsoft's "What's included in an NDR?", Google's SMTP error reference, RFC 3464, 6533.
"""

from __future__ import annotations

from uuid import uuid4

# Of two lines each, as some servers fold them.
WORDS = "smtp; 550 {status} <{address}>: Recipient address\n    rejected: User unknown"
HEADERS = """\
From: Tokenwacht <tokenwacht@localhost>
To: {address}
Message-ID: <{mail}@testserver>
Subject: LinkedIn
"""


def recipient(
    address: str, *, action: str = "failed", status: str = "5.1.1", words: str = ""
) -> str:
    words = words or WORDS.format(status=status, address=address)
    return (
        f"Final-Recipient: rfc822; {address}\nAction: {action}\n"
        f"Status: {status}\nDiagnostic-Code: {words}\n"
    )


def status(
    mail: object, address: str, *recipients: str, quoted: str = "text/rfc822-headers"
) -> str:
    """As Postfix writes it."""
    fields = "\n".join(recipients)
    return f"""\
From: MAILER-DAEMON@mx.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: tokenwacht@localhost
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"
Message-Id: <{uuid4()}@mx.example>

--b
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example
X-Postfix-Sender: rfc822; tokenwacht@localhost

{fields}
--b
Content-Type: {quoted}

{HEADERS.format(mail=mail, address=address)}
--b--
"""


def report(mail: object, *, quoted: str = "text/rfc822-headers", **what: str) -> bytes:
    """Of a mail to Otto, who has his forwarded."""
    one = recipient("forwarded@elsewhere.example", **what)
    return status(mail, "otto@alpenglueck.example", one, quoted=quoted).encode()


# --- For good ----------------------------------------------------------------------------------


def postfix(mail: object, address: str) -> str:
    return status(mail, address, recipient(address))


def postfix_in_utf_8(mail: object, address: str) -> str:
    """RFC 6533: where the mail went by SMTPUTF8."""
    text = postfix(mail, address).replace(
        "message/delivery-status", "message/global-delivery-status"
    )
    return text.replace("text/rfc822-headers", "message/global-headers").replace(
        "rfc822; ", "utf-8; "
    )


def postfix_of_a_bare_reply(mail: object, address: str) -> str:
    words = "smtp; 550 no such user here"
    return status(mail, address, recipient(address, status="5.0.0", words=words))


def forwarded_by_a_person(mail: object, address: str) -> str:
    """The report as an attachment: its own Message-ID comes first."""
    inner = postfix(mail, address)
    return f"""\
From: operator@alpenglueck.example
Message-ID: <{uuid4()}@alpenglueck.example>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="outer"

--outer
Content-Type: text/plain

Look at this.

--outer
Content-Type: message/rfc822

{inner}
--outer--
"""


def exim(mail: object, address: str) -> str:
    """It says 5.0.0 whatever the reply was, and repeats the code in each line."""
    words = (
        "smtp; 550-5.1.1 The email account that you tried to reach does not exist.\n"
        " 550-5.1.1 Please try double-checking the address.\n 550 5.1.1 For more, see elsewhere"
    )
    text = status(mail, address, recipient(address, status="5.0.0", words=words))
    return f"X-Failed-Recipients: {address}\nAuto-Submitted: auto-replied\n{text}"


def exim_without_a_status(mail: object, address: str) -> str:
    return f"""\
X-Failed-Recipients: {address}
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@mx.example>
To: tokenwacht@localhost
Subject: Mail delivery failed: returning message to sender
Message-Id: <E1P1YNN-0003AD-Ga@mx.example>

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  {address}
    host mx.elsewhere.example [192.0.2.1]
    SMTP error from remote mail server after RCPT TO:<{address}>:
    550 5.1.1 <{address}>: Recipient address rejected: User unknown

------ This is a copy of the message, including all the headers. ------

{HEADERS.format(mail=mail, address=address)}
A profile has no valid access permission any more.
"""


def older_exim(mail: object, address: str) -> str:
    """The reply behind the name of the host."""
    return exim_without_a_status(mail, address).replace(
        f"""\
    host mx.elsewhere.example [192.0.2.1]
    SMTP error from remote mail server after RCPT TO:<{address}>:
    550""",
        f"""\
    SMTP error from remote mail server after RCPT TO:<{address}>:
    host mx.elsewhere.example [192.0.2.1]: 550""",
    )


def exchange(mail: object, address: str) -> str:
    """In three languages of its own; its Message-ID looks like one of ours."""
    return f"""\
From: <postmaster@elsewhere.example>
To: <tokenwacht@localhost>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="outer"
X-MS-Exchange-Message-Is-Ndr:
Content-Language: de-DE
Message-ID: <{uuid4()}@EX01.elsewhere.example>
In-Reply-To: <{mail}@testserver>
Subject: Unzustellbar: LinkedIn

--outer
Content-Type: multipart/alternative; boundary="inner"

--inner
Content-Type: text/plain; charset="utf-8"
Content-Transfer-Encoding: base64

RGllIE5hY2hyaWNodCBrb25udGUgbmljaHQgenVnZXN0ZWxsdCB3ZXJkZW4u

--inner
Content-Type: text/html; charset="utf-8"

<p>Die Nachricht konnte nicht zugestellt werden.</p>

--inner--

--outer
Content-Type: message/delivery-status

Reporting-MTA: dns;EX01.elsewhere.example

Original-Recipient: rfc822;{address}
Final-Recipient: rfc822;{address}
Action: failed
Status: 5.1.10
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient {address} not
 found by SMTP address lookup
X-Display-Name: Otto Öwner

--outer
Content-Type: message/rfc822

Received: from EX02.elsewhere.example by EX01.elsewhere.example
{HEADERS.format(mail=mail, address=address)}
--outer--
"""


def gmail(mail: object, address: str) -> str:
    """What came back is a picture and a text about it; the fields name the mail, too."""
    return f"""\
X-Failed-Recipients: {address}
Auto-Submitted: auto-replied
From: Mail Delivery Subsystem <mailer-daemon@googlemail.example>
To: tokenwacht@localhost
Message-ID: <65a1f0c2.050a0220.1d2c.35a0.GMR@mx.example>
References: <{mail}@testserver>
In-Reply-To: <{mail}@testserver>
Content-Type: multipart/report; boundary="0001"; report-type=delivery-status

--0001
Content-Type: multipart/related; boundary="0002"

--0002
Content-Type: multipart/alternative; boundary="0003"

--0003
Content-Type: text/plain; charset="UTF-8"

** Address not found **

--0003--

--0002
Content-Type: image/png; name="icon.png"
Content-Transfer-Encoding: base64
Content-ID: <icon.png>

iVBORw0KGgo=

--0002--

--0001
Content-Type: message/delivery-status

Reporting-MTA: dns; googlemail.example
Received-From-MTA: dns; tokenwacht@localhost
Arrival-Date: Mon, 30 Nov 2026 04:17:27 -0800 (PST)
X-Original-Message-ID: <{mail}@testserver>

Final-Recipient: rfc822; {address}
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.elsewhere.example. (192.0.2.1, the server for the domain.)
Diagnostic-Code: smtp; 550-5.1.1 The email account that you tried to reach does not exist. Please
 try 550-5.1.1 double-checking the address 550 5.1.1 - gsmtp
Last-Attempt-Date: Mon, 30 Nov 2026 04:17:28 -0800 (PST)

--0001--
"""


FINAL = [
    postfix,
    postfix_in_utf_8,
    postfix_of_a_bare_reply,
    forwarded_by_a_person,
    exim,
    exim_without_a_status,
    older_exim,
    exchange,
    gmail,
]


# --- Not for good ------------------------------------------------------------------------------


def exim_that_gave_up_waiting(mail: object, address: str) -> str:
    """One of two addresses has a reply; the other's server was away."""
    text = exim_without_a_status(mail, address)
    other = "  other@elsewhere.example\n    retry timeout exceeded\n\n------ This"
    text = text.replace("------ This", other, 1)
    return text.replace(
        f"X-Failed-Recipients: {address}",
        f"{'X-Failed-Recipients'}: {address},\n  other@elsewhere.example",
    )


def exim_about_a_policy(mail: object, address: str) -> str:
    return exim_without_a_status(mail, address).replace("550 5.1.1", "550 5.7.1")


def exim_that_still_tries(mail: object, address: str) -> str:
    text = exim_without_a_status(mail, address).replace(f"X-Failed-Recipients: {address}\n", "")
    return text.replace("This is a permanent error. The following address(es) failed", "delayed")


def gmail_that_still_tries(mail: object, address: str) -> str:
    text = gmail(mail, address).replace("Action: failed", "Action: delayed")
    return text.replace("Status: 5.1.1", "Status: 4.4.1")


def gmail_of_somebody_who_gets_too_much(mail: object, address: str) -> str:
    """A rate, and not an address: Exim's report of Gmail's 550."""
    words = (
        "smtp; 550-5.2.1 The user you are trying to contact is receiving mail at a rate that\n"
        " 550-5.2.1 prevents additional messages from being delivered.\n 550 5.2.1 - gsmtp"
    )
    return status(mail, address, recipient(address, status="5.2.1", words=words))


def relayed(mail: object, address: str) -> str:
    """Passed on to a server that reports nothing (RFC 3464, 2.3.3)."""
    one = recipient(address, action="relayed", status="2.1.9", words="smtp; 250 2.0.0 queued")
    return status(mail, address, one)


PASSING = [
    exim_that_gave_up_waiting,
    exim_about_a_policy,
    exim_that_still_tries,
    gmail_that_still_tries,
    gmail_of_somebody_who_gets_too_much,
    relayed,
]
