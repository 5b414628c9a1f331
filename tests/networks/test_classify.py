"""`manage.py classify`, as whoever labels answers uses it."""

from __future__ import annotations

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from networks.base import Health, Known, Reason, Where, alive, dead, unclear
from networks.records import Figures, Record, record_in
from networks.registry import NETWORKS

ROOT = Path(__file__).resolve().parents[2]
ANSWERS = Path(__file__).with_name("answers.jsonl")
REVOKED = '{"status":401,"serviceErrorCode":65601,"code":"REVOKED_ACCESS_TOKEN"}'
FIELDS: dict[str, Any] = {
    "id": "a",
    "network": "linkedin",
    "where": "probe",
    "http_status": 401,
    "body": REVOKED,
}


def record(**changes: Any) -> Record:
    return record_in(json.dumps(FIELDS | changes).encode(), NETWORKS)


def classified(path: Path, *options: str) -> tuple[list[dict[str, Any]], str]:
    out, err = StringIO(), StringIO()
    call_command("classify", str(path), *options, stdout=out, stderr=err)
    return [json.loads(line) for line in out.getvalue().splitlines()], err.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "records.jsonl"


def alone(*arguments: str, given: bytes = b"", folder: Path) -> subprocess.CompletedProcess[bytes]:
    """A process with nothing set, so that whatever it needed would be missing."""
    return subprocess.run(
        [sys.executable, "-W", "error", "manage.py", "classify", *arguments],
        cwd=ROOT,
        env={"LOCAL_DIR": str(folder)},
        input=given,
        capture_output=True,
        check=False,
        timeout=50,
    )


def test_it_needs_no_database_no_broker_and_no_settings(tmp_path: Path) -> None:
    done = alone(str(ANSWERS), folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [set(line) for line in lines] == [{"id", "verdict", "reason"}] * len(lines)
    assert len(lines) == len(ANSWERS.read_text().splitlines())
    assert list(tmp_path.iterdir()) == [], "no server was started"


def test_standard_input_is_read_and_the_table_stays_out_of_standard_output(tmp_path: Path) -> None:
    given = json.dumps(FIELDS | {"expected": "revoked_by_user"}).encode()
    done = alone("-", "--expected", given=given, folder=tmp_path)
    assert json.loads(done.stdout) == {"id": "a", "verdict": "dead", "reason": "revoked_by_user"}
    assert b"missed dead" in done.stderr
    assert done.returncode == 0


def test_a_bad_line_is_named_and_the_others_are_read(file: Path, capsys: Any) -> None:
    good = json.dumps(FIELDS).encode()
    file.write_bytes(b"\n".join([good, b"[1]", b"\xff", b'{"id', b"", b"[" * 99999, good]))
    out, err = StringIO(), StringIO()
    with pytest.raises(CommandError, match="4 of the lines"):
        call_command("classify", str(file), stdout=out, stderr=err)
    assert len(out.getvalue().splitlines()) == 2
    assert [line.split(":")[0] for line in err.getvalue().splitlines()] == [
        f"line {number}" for number in (2, 3, 4, 6)
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": "myspace"}, 'unknown network "myspace"; there are: .*linkedin'),
        ({"network": ["linkedin"]}, "unknown network"),
        ({"where": "moon"}, 'unknown where "moon"; there are: .*code_exchange'),
        ({"http_status": "soon"}, "http_status must be a number"),
        ({"http_status": -1}, "http_status must be a number"),
        ({"headers": []}, None),
        ({"headers": ["a"]}, "headers must be an object"),
    ],
)
def test_what_is_no_record_is_told_clearly(changes: dict[str, Any], message: str | None) -> None:
    if message is None:
        assert record(**changes).answer.headers == {}
        return
    with pytest.raises(ValueError, match=message):
        record(**changes)


def test_a_file_that_is_not_there_is_told_clearly(file: Path) -> None:
    with pytest.raises(CommandError, match="Cannot read .*No such file"):
        classified(file)


def test_a_living_token_is_called_alive_twice(file: Path) -> None:
    file.write_text(json.dumps(FIELDS | {"http_status": 200, "body": '{"active": true}'}))
    assert classified(file)[0] == [{"id": "a", "verdict": "alive", "reason": "alive"}]


def test_names_of_headers_may_be_written_in_any_case() -> None:
    assert record(headers={"Retry-After": 7}).answer.headers == {"retry-after": "7"}


def test_a_body_may_be_given_as_the_object_itself() -> None:
    assert record(body={"code": 2}).answer.json == {"code": 2}
    assert record(body=None).answer.body == b""
    assert record(body="\ud800").answer.body == b"?"


def test_a_status_may_be_missing() -> None:
    for where in ("webhook", "authorize_redirect"):
        assert record(where=where, http_status=None).answer.status == 200
    assert record(http_status=None, body="ReadTimeout").answer.status == 0
    assert record(http_status=None).read() == dead(Reason.REVOKED_BY_USER, ambiguous=True)
    assert record(http_status="401").answer.status == 401


def test_what_was_known_of_the_token_counts_and_a_sentence_does_not() -> None:
    assert record(context="the token was 3 seconds old").known == Known()
    assert record(context={"expires_at_passed": True}).known == Known(ended=True)
    assert record(context={"refresh_expires_at_passed": True}).known == Known(refresh_ended=True)
    fresh = record(context={"token_age_s": 3}).read()
    assert fresh.health is Health.UNCLEAR
    assert record(context={"token_age_s": 0}).read() == fresh
    assert record(context={"token_age_s": 86400}).read().health is Health.DEAD


def labelled(expected: str, *also_ok: str) -> Record:
    return record(expected=expected, also_ok=list(also_ok))


@pytest.mark.parametrize(
    ("label", "verdict", "strict", "lenient", "false_dead", "missed_dead"),
    [
        (labelled("alive"), alive(), 1, 1, 0, 0),
        (labelled("alive"), unclear(Reason.NOT_UNDERSTOOD), 0, 0, 0, 0),
        (labelled("alive"), dead(Reason.EXPIRED), 0, 0, 1, 0),
        (labelled("alive", "permission_lost"), dead(Reason.EXPIRED), 0, 0, 0, 0),
        (labelled("expired"), dead(Reason.REVOKED_BY_USER), 0, 0, 0, 0),
        (labelled("expired", "revoked_by_user"), dead(Reason.REVOKED_BY_USER), 0, 1, 0, 0),
        (labelled("expired"), alive(), 0, 0, 0, 1),
        (labelled("expired", "network_outage"), alive(), 0, 0, 0, 0),
        (labelled("not_a_token_problem", "alive"), alive(), 0, 1, 0, 0),
    ],
)
def test_figures_count_what_the_words_say(
    label: Record, verdict: Any, strict: int, lenient: int, false_dead: int, missed_dead: int
) -> None:
    figures = Figures()
    assert figures.count(label, verdict) is bool(lenient)
    assert figures == Figures(1, strict, lenient, false_dead, missed_dead)


def test_the_table_has_a_row_for_each_network_and_their_totals(file: Path) -> None:
    records = [
        FIELDS | {"expected": "revoked_by_user"},
        FIELDS | {"id": "b", "expected": "alive", "also_ok": ["rate_limited"]},
        FIELDS | {"id": "c"},
        FIELDS | {"id": "d", "network": "xing", "expected": "expired", "body": ""},
    ]
    file.write_text("\n".join(map(json.dumps, records)))
    lines = classified(file, "--expected")[1].splitlines()
    assert lines[:3] == [
        "b: read revoked_by_user, expected alive or rate_limited",
        "c: no label to compare with",
        "d: read not_understood, expected expired",
    ]
    rows = {line.split()[0]: line.split()[1:] for line in lines[3:]}
    assert rows["network"] == ["records", "strict", "lenient", "false", "dead", "missed", "dead"]
    assert rows["linkedin"] == ["2", "1", "(50.0", "%)", "1", "(50.0", "%)", "1", "0"]
    assert rows["xing"][-2:] == ["0", "1"]
    assert rows["total"][0] == "3"
    assert rows["total"][-2:] == ["1", "1"]


def test_every_place_can_be_classified() -> None:
    assert {record(where=where.value).where for where in Where} == set(Where)


def test_a_reader_who_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    many = tmp_path / "many.jsonl"
    many.write_text(f"{json.dumps(FIELDS)}\n" * 5000)
    command = [sys.executable, "manage.py", "classify", str(many)]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={"LOCAL_DIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout and process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""


@pytest.mark.parametrize(
    "labels",
    [{"also_ok": 5}, {"also_ok": [[1]]}, {"also_ok": "expired"}, {"expected": ["expired"]}],
)
def test_a_label_that_is_none_costs_its_own_line_and_no_other(file: Path, labels: Any) -> None:
    file.write_text(json.dumps(FIELDS | labels) + "\n" + json.dumps(FIELDS))
    with pytest.raises(CommandError, match="1 of the lines"):
        classified(file, "--expected")


@pytest.mark.parametrize(
    ("called", "slug"),
    [("gbp", "google-business"), ("Google_Business", "google-business"), ("twitter", "x")],
)
def test_a_network_may_be_called_as_others_call_it(called: str, slug: str) -> None:
    line = json.dumps({"id": 1, "network": called, "where": "probe", "body": ""}).encode()
    assert record_in(line, NETWORKS).network.slug == slug
