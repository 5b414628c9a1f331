#!/usr/bin/env python
"""Django's command line for this project."""

import os
import sys

# Commands that read what they are given, and need nothing set and nothing running.
ALONE = {"classify"}
NOTHING = {"DEBUG": "on", "DATABASE_URL": "postgresql:///none", "REDIS_URL": "redis://none"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if ALONE.intersection(sys.argv[1:2]):
        os.environ.update(NOTHING)
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
