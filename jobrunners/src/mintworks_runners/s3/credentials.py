"""Credentials from a Secret's entry, in the form in which AWS's tools keep them: an INI file of profiles."""

from __future__ import annotations

import configparser
from pathlib import Path

from mintworks_runners.core.errors import InvalidInput
from mintworks_runners.core.redaction import conceal

from .signing import Credentials

_LIMIT = 64 << 10


def read_credentials(path: Path, field: str) -> Credentials:
    """The profile `default`, or the only one. InvalidInput where it has none; never quotes the file."""
    try:
        text = path.read_text(encoding="utf-8-sig") if path.stat().st_size <= _LIMIT else ""
    except FileNotFoundError as error:
        raise InvalidInput.one("MissingSecret", f"the Secret has no entry {path.name}", field=field) from error
    except ValueError as error:
        raise _bad(field) from error
    parser = configparser.ConfigParser(interpolation=None, default_section="")
    try:
        parser.read_string(text)
        names = parser.sections()
        profile = parser["default" if "default" in names or len(names) != 1 else names[0]]
        found = Credentials(
            profile["aws_access_key_id"].strip(),
            profile["aws_secret_access_key"].strip(),
            profile.get("aws_session_token", "").strip() or None,
        )
    except (configparser.Error, KeyError):
        # Its message would quote the line.
        raise _bad(field) from None
    conceal(found.secret_key, found.token or "")
    if not found.access_key or not found.secret_key or not all(part.isprintable() for part in _parts(found)):
        raise _bad(field)
    return found


def _parts(found: Credentials) -> tuple[str, str, str]:
    return found.access_key, found.secret_key, found.token or ""


def _bad(field: str) -> InvalidInput:
    message = "no credentials file: a profile [default] with aws_access_key_id and aws_secret_access_key is expected"
    return InvalidInput.one("InvalidSecret", message, field=field)
