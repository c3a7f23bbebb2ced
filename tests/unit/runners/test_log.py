"""Logs are one JSON object a line, and passwords in URLs never reach them."""

from __future__ import annotations

import json
import logging

from mintworks_runners.core.log import JsonLines


def record(message: str, *args: object, **extra: object) -> logging.LogRecord:
    made = logging.getLogger("test").makeRecord("test", logging.INFO, "f", 1, message, args, None, extra=extra)
    made.created = 0.25
    return made


def test_a_line() -> None:
    line = JsonLines().format(record("minted %d", 3, item=7, text="a\nb"))
    assert "\n" not in line
    assert json.loads(line) == {
        "time": "1970-01-01T00:00:00.250Z",
        "level": "info",
        "logger": "test",
        "message": "minted 3",
        "item": 7,
        "text": "a\nb",
    }


def test_user_info_is_left_out() -> None:
    assert "s3cret" not in JsonLines().format(record("%s", "https://u:s3cret@host/", url="http://u:s3cret@x"))
