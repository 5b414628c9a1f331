"""One SQLite file that keeps everything over a restart.

Everything runs in one thread and one event loop, so each statement commits by itself.
The file is only ever practice data: one written by another version is started afresh.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

VERSION = 2

SCHEMA = """
CREATE TABLE people (
    network TEXT, person TEXT, password TEXT, changes INTEGER NOT NULL DEFAULT 0,
    suspended INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (network, person));
CREATE TABLE roles (
    network TEXT, profile TEXT, person TEXT, held INTEGER NOT NULL,
    PRIMARY KEY (network, profile, person));
CREATE TABLE faults (network TEXT PRIMARY KEY, mode TEXT NOT NULL);
CREATE TABLE sessions (id TEXT PRIMARY KEY, network TEXT NOT NULL, person TEXT NOT NULL);
CREATE TABLE grants (
    id INTEGER PRIMARY KEY, network TEXT NOT NULL, client TEXT NOT NULL, person TEXT NOT NULL,
    scopes TEXT NOT NULL, created REAL NOT NULL, refresh_until REAL,
    ended INTEGER NOT NULL DEFAULT 0);
CREATE INDEX grants_of ON grants (network, person);
CREATE TABLE tokens (
    value TEXT PRIMARY KEY, grant_id INTEGER NOT NULL REFERENCES grants (id),
    kind TEXT NOT NULL, created REAL NOT NULL, expires REAL NOT NULL,
    ended INTEGER NOT NULL DEFAULT 0, data TEXT NOT NULL);
CREATE INDEX tokens_of ON tokens (grant_id);
CREATE TABLE requests (
    value TEXT PRIMARY KEY, client TEXT NOT NULL, callback TEXT NOT NULL,
    secret TEXT NOT NULL, created REAL NOT NULL, person TEXT, verifier TEXT);
CREATE TABLE apps (
    id TEXT PRIMARY KEY, secret TEXT NOT NULL, host TEXT NOT NULL, redirect_uri TEXT NOT NULL,
    scopes TEXT NOT NULL);
CREATE TABLE nonces (nonce TEXT PRIMARY KEY, seen REAL NOT NULL);
CREATE TABLE mails (
    id INTEGER PRIMARY KEY AUTOINCREMENT, recipient TEXT NOT NULL, subject TEXT NOT NULL,
    text TEXT NOT NULL, html TEXT NOT NULL, message_id TEXT NOT NULL,
    received_at TEXT NOT NULL, links TEXT NOT NULL, headers TEXT NOT NULL);
"""


class Store:
    """A thin hand on the database: run, one row, all rows."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = _open(path)
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version not in (0, VERSION):
            self._db.close()
            _forget(path)
            self._db, version = _open(path), 0
        if version == 0:
            self._db.executescript(f"BEGIN;{SCHEMA}PRAGMA user_version = {VERSION};COMMIT;")

    def run(self, statement: str, *values: object) -> int:
        """Change something; say how many rows it was."""
        return self._db.execute(statement, values).rowcount

    def add(self, statement: str, *values: object) -> int:
        """Insert a row; say its id."""
        return self._db.execute(statement, values).lastrowid or 0

    def one(self, statement: str, *values: object) -> Any:
        """The first row, by column name, or None."""
        return self._db.execute(statement, values).fetchone()

    def all(self, statement: str, *values: object) -> list[Any]:
        """Every row, by column name."""
        return self._db.execute(statement, values).fetchall()

    def clear(self) -> None:
        """Forget everything: the world is again as world.py tells it."""
        for (table,) in self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table'"):
            self._db.execute(f'DELETE FROM "{table}"')  # noqa: S608 - names of our own tables

    def close(self) -> None:
        """Write out and let go of the file."""
        self._db.close()


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None)
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA journal_mode = WAL")
    # A killed process loses nothing; only a power cut may, and that costs practice data.
    db.execute("PRAGMA synchronous = OFF")
    return db


def _forget(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
