"""Beat's schedule is made from the registry."""

from pathlib import Path

from config.celery import app, schedule
from networks.registry import NETWORKS

BASE_DIR = Path(__file__).resolve().parent.parent.parent
APPS = ("accounts", "config", "notifications", "profiles", "tokens")
SOURCES = [path.read_text() for name in APPS for path in (BASE_DIR / name).rglob("*.py")]


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


def test_every_task_of_ours_is_asked_for_by_beat_or_by_a_line_of_code() -> None:
    app.finalize()
    app.loader.import_default_modules()
    asked = {entry["task"] for entry in app.conf.beat_schedule.values()}
    ours = {name for name in app.tasks if name.split(".")[0] in APPS}
    assert "tokens.tasks.forget_unused" in asked
    called = {
        name
        for name in ours - asked
        for source in SOURCES
        if f"{name.rsplit('.', 1)[1]}.delay(" in source or f'send_task("{name}")' in source
    }
    assert ours - asked == called


def test_a_stopped_worker_finds_no_old_ticks() -> None:
    assert all(entry["options"]["expires"] for entry in schedule(["a"], 0.5).values())
