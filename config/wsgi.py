"""What gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()

from accounts.walls import WEB  # noqa: E402 - needs the applications
from config.startup import refuse_to_start_unsafe  # noqa: E402 - likewise

refuse_to_start_unsafe(WEB)
