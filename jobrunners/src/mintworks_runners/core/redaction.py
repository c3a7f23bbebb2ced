"""What must not be told: the secrets that this process was given, wherever they turn up in words.

Others quote them. A node that refuses a request names the address with the key in it, a library's error holds the URL,
a parser what it could not parse. So whoever reads a secret conceals it here first, and everything that leaves the
process as words (log lines, progress, the termination message) passes through `redact`.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

SHOWN: Final = "***"
_SHORTEST: Final = 4
"""Characters. What is shorter hides nothing by being left out, and would tear holes into every other word."""

_SHORTEST_PART: Final = 8
"""The same for one step of a URL's path and for one value of its query: a key is longer, `mainnet` is not."""

_USER_INFO: Final = re.compile(r"(?<=://)[^/\s@]+@")


class _Secrets:
    """All that was concealed so far, and the pattern that finds it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def add(self, texts: Iterable[str]) -> None:
        forms = {form for text in texts if len(text) >= _SHORTEST for form in _forms(text)}
        with self._lock:
            if not forms <= self._forms:
                self._forms |= forms
                # The longest first: a part of a secret must not hide where the whole one begins.
                longest_first = sorted(self._forms, key=lambda form: (-len(form), form))
                self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def hide(self, text: str) -> str:
        pattern = self._pattern
        return text if pattern is None else pattern.sub(SHOWN, text)


_SECRETS: Final = _Secrets()
"""One for the process, as its log is: a log line must not depend on who passes it a list."""


def conceal(*secrets: str) -> None:
    """From now on none of these is told, in whatever notation: as it is, percent-encoded, or as JSON writes it."""
    _SECRETS.add(text.strip() for text in secrets)


def conceal_url(url: str) -> None:
    """From now on neither the URL is told nor what in it may be a credential: password, path, query, their parts.

    A user's name is one where it stands alone, as some services want their keys. Scheme, host and port are none.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        conceal(url)
        return
    if url.rstrip("/") != f"{parts.scheme}://{parts.netloc}" or "@" in parts.netloc:
        conceal(url)
    asked = f"{parts.path}?{parts.query}" if parts.query else parts.path
    steps = [step for step in parts.path.split("/") if len(step) >= _SHORTEST_PART]
    values = [value for _, value in parse_qsl(parts.query) if len(value) >= _SHORTEST_PART]
    conceal(parts.password or parts.username or "", asked.strip("/"), parts.query, parts.fragment, *steps, *values)


def redact(text: str) -> str:
    """The text without what was concealed, and without the user info (user:password@) of any URL in it."""
    return _SECRETS.hide(_USER_INFO.sub(f"{SHOWN}@", text))


def _forms(secret: str) -> set[str]:
    written = {secret, unquote(secret), quote(secret, safe=""), quote(secret), quote_plus(secret)}
    return written | {json.dumps(form)[1:-1] for form in written}
