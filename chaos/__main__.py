"""`python -m chaos [--rounds 200] [--aimed 20] [--logins 200] [--seed 1]`: prints a line of JSON
for each figure; ends with 1 where a rule was broken."""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import sys
import tempfile
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import Figure

if TYPE_CHECKING:
    from chaos.postbox import Postbox
    from chaos.stage import Stage
    from chaos.story import Story

CLOCK = {
    "PROBE_TICK": "0.5",
    "PROBE_INTERVAL": "3",
    "CONFIRM_AFTER": "1",
    "LISTING_INTERVAL": "31536000",
    "CALLS_PER_SECOND": "10000",
}
DURABLE = ("fsync", "synchronous_commit", "full_page_writes")
EACH_APP = 4  # logins; fewer than the circuit breaker takes for a failure of all


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    for name, default in (("rounds", 200), ("aimed", 20), ("logins", 200), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    return parser.parse_args()


def settings_of(folder: Path) -> dict[str, str]:
    """A product in production's settings, with a clock that runs fast."""
    return CLOCK | {
        "LOCAL_DIR": str(folder),
        "DATABASE_URL": f"postgresql://tokenwacht@/tokenwacht?host={folder}",
        "REDIS_URL": f"unix://{folder}/valkey.sock?db=0",
        "EMAIL_URL": "memorymail://",
        "STATIC_ROOT": str(folder / "static"),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DEBUG": "off",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "TOKEN_KEYS": b64encode(secrets.token_bytes(32)).decode(),
        "BASE_URL": "http://testserver",
        "LOG_LEVEL": "WARNING",
        "PINTEREST_CLIENT_ID": "bench",
        "PINTEREST_CLIENT_SECRET": "bench",
        "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
    }


@contextmanager
def folder() -> Iterator[Path]:
    """That PostgreSQL's own user can reach, with a path short enough for sockets."""
    with tempfile.TemporaryDirectory(
        prefix="chaos-", dir="/tmp", ignore_cleanup_errors=True
    ) as name:  # noqa: S108
        Path(name).chmod(0o755)
        yield Path(name)


def main() -> int:
    asked = arguments()
    with folder() as place:
        # Before anything of the product is imported, which reads its settings.
        os.environ |= settings_of(place)
        from chaos.postbox import postbox
        from chaos.stage import Stage

        with postbox() as (box, port):
            mail = {"EMAIL_URL": f"smtp://127.0.0.1:{port}"}
            stage = Stage(place, os.environ | mail)
            try:
                stage.open()
                import django
                from django.core.management import call_command

                django.setup()
                call_command("migrate", verbosity=0)
                return play(stage, box, asked)
            finally:
                stage.close()


def play(stage: Stage, box: Postbox, asked: argparse.Namespace) -> int:
    """Everything, in order. Returns what the program ends with."""
    from bench.rotating import rotating
    from chaos.judging import NONE, judge
    from chaos.story import Story
    from chaos.town import fill, settings_of_database

    fill(asked.logins, EACH_APP)
    durable = settings_of_database(DURABLE)
    assert set(durable.values()) == {"on"}, durable
    print(json.dumps(durable), flush=True)
    with rotating(late=0.3) as network:
        stage.start_all({"NETWORK_HOSTS": json.dumps(network.hosts(0))})
        chance = random.Random(asked.seed)  # noqa: S311 - the same dice each time
        story = Story(stage, box, network, asked.logins, chance)
        for number in range(asked.rounds):
            story.round()
            if not (number + 1) % 20:
                print(f"{number + 1} rounds, {len(box.mails)} mails", file=sys.stderr, flush=True)
        story.rest()
        figures = []
        for figure in chain(judge(story), aimed(story, asked.aimed)):
            print(figure, flush=True)
            figures.append(figure)
    broken = [one.figure for one in figures if one.figure in NONE and one.value]
    return 1 if broken or not _hit_enough(figures) else 0


def _hit_enough(figures: list[Figure]) -> bool:
    ratios = {one.figure: one.ratio for one in figures}
    return (ratios["kills that hit claimed work"] or 0) >= 1


def aimed(story: Story, rounds: int) -> Iterator[Figure]:
    """Kills between the taking of a mail and the answer to it: one duplicate each."""
    twice = 0
    for _ in range(rounds):
        before = len(story.box.mails)
        hit = story.aim()
        story.rest()
        names = Counter(mail.name for mail in story.box.mails[before:])
        twice += hit and sorted(names.values(), reverse=True)[:2] in ([2], [2, 1])
    yield Figure("chaos", "aimed kills with exactly one duplicate", twice, "rounds", of=f"{rounds}")


if __name__ == "__main__":
    sys.exit(main())
