import logging

from config.logs import OneLine


def test_a_record_is_one_line_whatever_it_says() -> None:
    record = logging.LogRecord(
        "web", logging.WARNING, __file__, 1, "no such page: %s", ("/x\n2026 INFO forged",), None
    )
    assert "\n" not in OneLine("{levelname} {message}", style="{").format(record)
