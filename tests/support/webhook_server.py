"""An admission webhook, run in a pod: rules.json holds what it answers, by the path that it is asked under.

A text refuses, a list is a JSON patch. Only the standard library: the pod's image is the runner's.
"""

from __future__ import annotations

import base64
import json
import ssl
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

FOLDER = "/webhook"
PORT = 8443


def answer(rule: str | list[Any], uid: str) -> dict[str, Any]:
    """The response of an AdmissionReview."""
    if isinstance(rule, str):
        return {"uid": uid, "allowed": False, "status": {"message": rule}}
    operations = base64.b64encode(json.dumps(rule).encode()).decode()
    return {"uid": uid, "allowed": True, "patchType": "JSONPatch", "patch": operations}


class Handler(BaseHTTPRequestHandler):
    """One request of the API server."""

    def do_GET(self) -> None:
        """The readiness probe."""
        self._reply({})

    def do_POST(self) -> None:
        """A review."""
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        rules = json.loads(Path(FOLDER, "rules.json").read_text())
        review["response"] = answer(rules[self.path.partition("?")[0].strip("/")], review["request"]["uid"])
        self._reply(review)

    def _reply(self, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def main() -> None:
    """Serve until the pod ends."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{FOLDER}/tls.crt", f"{FOLDER}/tls.key")
    # All addresses: the pod's own is not known beforehand.
    server = ThreadingHTTPServer(("0.0.0.0", PORT), Handler)  # noqa: S104
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
