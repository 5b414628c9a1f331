"""How often what may be done: django-allauth counts these, in the cache that all web processes
share, and answers 429. Why these numbers: docs/security.md.

`5/m/ip` is five in a minute from one client address, `…/user` by one person, and `…/key` for
whatever the act counts by: a client and an account, an account, or an address that is written to.
"""

LIMITS = {
    "login": "30/m/ip,300/h/ip",
    # The key of a password is client and account, so that nobody shuts out anybody elsewhere; the
    # key of a code is the person, who has by then shown the password.
    "login_failed": "20/m/ip,300/d/ip,5/5m/key,20/d/key",
    # The key is the account, from wherever: five clients at least must try to use this up.
    "login_failed_anywhere": "100/d/key",
    "reauthenticate": "10/m/user,60/h/user",
    "change_password": "5/m/user,20/h/user",
    "reset_password_from_key": "20/m/ip",
    # Whatever writes to an address that somebody typed in is counted by that address, too.
    "reset_password": "5/m/ip,30/h/ip,3/h/key,10/d/key",
    "confirm_email": "1/3m/key,10/d/key",
    "change_email": "10/h/user,30/h/ip,3/h/key,10/d/key",
    # Each leap asks a provider that an organization has chosen.
    "single_sign_on": "30/m/ip,300/h/ip",
    # Each leap asks a server that a person has typed in, and may leave a registration there.
    "typed_server": "10/m/user,100/h/user",
    "invite": "100/h/user,100/h/ip,3/h/key,10/d/key",
}
