"""A small HTTP server on 127.0.0.1 whose answers a test lays down path by path."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Answer:
    """Status and body; `cut` promises more bytes than it sends. With `ranges` it has an ETag, and goes on as If-Range
    asks; then `cut_at` is where it is cut, counted from where the answer begins.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    ranges: bool = False
    cut_at: int | None = None


@dataclass
class Web:
    """The server's address, what it answers (the last answer of a path is repeated), and what was asked."""

    url: str
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    ranges: list[int] = field(default_factory=list)


@contextmanager
def serve() -> Iterator[Web]:
    """Run the server; it is gone afterwards."""
    web = Web("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            web.asked.append(self.path)
            queue = web.answers.get(self.path) or [Answer(404)]
            answer = queue.pop(0) if len(queue) > 1 else queue[0]
            if answer.ranges:
                self.part(answer)
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body) + (1 if answer.cut else 0)))
            self.end_headers()
            self.wfile.write(answer.body)

        def part(self, answer: Answer) -> None:
            """The body from the byte on that is asked for, where it is still the same; web.ranges remembers which."""
            etag = f'"{hashlib.sha256(answer.body).hexdigest()}"'
            same = self.headers.get("If-Range") == etag
            start = int(self.headers["Range"][len("bytes=") : -1]) if same else 0
            web.ranges.append(start)
            rest = answer.body[start:]
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(answer.body) - 1}/{len(answer.body)}")
            self.send_header("ETag", etag)
            self.send_header("Content-Length", str(len(rest)))
            self.end_headers()
            self.wfile.write(rest[: answer.cut_at])

        def log_message(self, format: str, *args: object) -> None:
            """Tests read `asked`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    web.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
