"""The bench of outages, tiny."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bench import outages
from bench.outages import HOUR, Outage
from bench.population import DAY, FIXED, Fate, Life, Year, slug
from bench.quiet import a_few, holds, too_many
from tokens.hazards import AGES, HISTORIES, Cell
from tokens.models import Failure

TOKENS = 60


@pytest.fixture
def here(settings, monkeypatch):
    for name in ("CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.setenv(f"PINTEREST_{name}", "bench")
    settings.OAUTH_CLIENTS = {"pinterest": ("bench", "bench")}
    monkeypatch.setattr(outages, "AFTERWARDS", timedelta(0))
    # Few enough to die that no ten canaries are mostly theirs; and longer than it takes from an end
    # to the last mail (breaker.py): 12 minutes to the next canaries, 10 in which all that was held
    # is asked, and what the second answers need.
    monkeypatch.setattr(outages, "HAZARD", 0.4)
    settings.PROBE_INTERVAL = 3600.0
    settings.LONGEST_INTERVAL = 7200.0
    with outages.scene(TOKENS) as scene:
        yield scene


@pytest.mark.timeout(120)
@pytest.mark.django_db(transaction=True)
def test_an_outage_is_told_to_no_owner_and_the_deaths_meanwhile_are(here):
    outage = Outage("all of them", lambda number: True, 2 * HOUR)
    said = {figure.figure: figure for figure in outages.suffer(here, outage)}
    assert said["all of them: owners told in vain"].value == 0
    assert len(here.refused) > TOKENS / 2, "the network did fail"
    deaths = said["all of them: from its end to the last mail of a death"]
    assert deaths.ratio and deaths.ratio <= 1
    told, _, meanwhile, *_ = deaths.of.split()
    assert told == meanwhile != "0"
    assert Failure.objects.exclude(closed_at=None).exists()


@pytest.mark.timeout(120)
@pytest.mark.django_db(transaction=True)
def test_a_clock_that_is_moved_goes_for_python_and_postgresql_alike(here):
    before = here.clock.now()
    here.go_on(HOUR)
    assert abs(here.clock.now() - before - HOUR) < timedelta(minutes=2)
    assert here.calls > TOKENS, "whoever was due within the hour was asked"


def a_year_of(*moments):
    """One network of a hundred tokens, of which other persons' die at these seconds."""
    lives = [Life(number, 0, [], 0.0, 0.0) for number in range(100)]
    for life in lives:
        life.person.append(life)
    day = {Cell(slug(0), len(AGES), len(HISTORIES)): len(lives) * DAY}
    year = Year(FIXED, lives, [], [day, day], [])
    fates = [Fate(at, n, 0, 0.0, 0.0, 0.0, n, 0) for n, at in enumerate(moments)]
    return year, [(fate.at, fate) for fate in fates]


def test_deaths_that_come_together_are_held_and_those_that_do_not_are_not():
    together, apart = range(100, 106), [90_000 * n for n in range(6)]
    year, sightings = a_year_of(*together)
    assert holds(year, sightings, 0, too_many) == holds(year, sightings, 0, a_few) == 1
    year, sightings = a_year_of(*apart)
    assert holds(year, sightings, 0, too_many) == holds(year, sightings, 0, a_few) == 0
