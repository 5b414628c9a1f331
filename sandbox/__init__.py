"""The practice networks: social networks to rehearse with, on this machine only.

Its own program (``python -m sandbox``). It imports nothing of the product, and the
product nothing of it; they only meet over HTTP and SMTP. What it answers is written
from the public documentation of each network, never from the product's adapters, so
that a mistake in one is not repeated in the other.

=================  ==========================================================
``settings.py``    what the environment says
``world.py``       the people, pages, accounts and boards, as plain data; ``world_*.py`` are
                   those of further networks, ``worlds.py`` has them all
``store.py``       one SQLite file; ``people.py`` and ``ledger.py`` are its readers
``network.py``     what every practice network has; ``oauth2.py`` what most have
``browser.py``     the pages a person sees: sign in, consent, sign out
``dialects/``      one network each, in its own dialect
``faults.py``      a whole network failing, in four ways
``levers.py``      what the console can do to a person or a network
``console.py``     ``/_control`` as pages and as JSON
``inbox.py``       the SMTP receiver; ``mailpages.py`` shows what it got
``server.py``      puts it all behind one port
=================  ==========================================================
"""
