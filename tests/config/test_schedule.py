"""Beat's schedule is made from the registry."""

from config.celery import app, schedule
from networks.registry import NETWORKS


def test_there_is_one_entry_for_each_network() -> None:
    entries = schedule(list(NETWORKS), 60.0)
    probes = [entry for entry in entries.values() if entry["task"] == "tokens.tasks.probe_network"]
    assert [entry["args"] for entry in probes] == [[slug] for slug in NETWORKS]


def test_what_beat_asks_for_exists() -> None:
    app.finalize()
    app.loader.import_default_modules()
    asked = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert "config.tasks.heartbeat" in asked
    assert asked <= set(app.tasks)


def test_a_stopped_worker_finds_no_old_ticks() -> None:
    assert all(entry["options"]["expires"] for entry in schedule(["a"], 0.5).values())
