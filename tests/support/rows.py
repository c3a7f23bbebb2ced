"""Rows of a MetadataJob that are held back until a test opens the gate: its runner works for as long as that takes."""

from __future__ import annotations

import hashlib
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from mintworks_api import API_VERSION

ROWS = b"name,description,image_filename\nLight 1,The first.,light-01.png\nLight 2,The second.,light-02.png\n"
IMAGES = "bafybeihwnohbnpl5alrqczf3wpr5tu27rqbnexa6nz4sj5jp4jsbdjc7zq"
#: Seconds that a request is held at most; the runner, which gives up after 60, asks again.
HELD = 50.0


class HeldRows:
    """The rows of each job have a gate of their own, by the job's name."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._open: defaultdict[str, threading.Event] = defaultdict(threading.Event)
        self._asked: defaultdict[str, int] = defaultdict(int)

    def job(self, name: str, /, **spec: Any) -> dict[str, Any]:
        """A MetadataJob whose runner waits at its gate."""
        source = {"url": f"{self._url}/{name}", "sha256": hashlib.sha256(ROWS).hexdigest()}
        made = {
            "rows": {"http": source},
            "images": {"cid": IMAGES},
            "collection": {"name": "Lighthouses"},
            "storage": {"kubo": {"url": "http://ipfs:5001"}},
        }
        return {"apiVersion": API_VERSION, "kind": "MetadataJob", "metadata": {"name": name}, "spec": {**made, **spec}}

    def open(self, *names: str) -> None:
        """Let these jobs' runners have their rows, now and later."""
        for name in names:
            self._open[name].set()

    def asked(self, name: str) -> int:
        """How often a runner of that job has come to the gate."""
        return self._asked[name]

    def come(self, name: str) -> bool:
        """A runner comes; whether it may pass."""
        self._asked[name] += 1
        return self._open[name].wait(HELD)


@contextmanager
def held_rows(host: str) -> Iterator[HeldRows]:
    """A gate that listens on every address of this machine; pods know the machine as `host`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            passes = found.come(self.path.removeprefix("/"))
            body = ROWS if passes else b""
            try:
                self.send_response(200 if passes else 503)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                # The runner was ended meanwhile.
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """What was asked is counted."""

    server = ThreadingHTTPServer(("0.0.0.0", 0), Handler)  # noqa: S104 (pods come from another address)
    server.daemon_threads = True
    found = HeldRows(f"http://{host}:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
