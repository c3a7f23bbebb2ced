"""Runs in a pod: an RPC endpoint that passes requests on, and refuses one method by quoting all that it was sent."""

import base64
import json
import sys
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

UPSTREAM, REFUSED = sys.argv[1:]


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if REFUSED in body.decode():
            user = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
            message = f"no access to http://{user}@{self.headers['Host']}{self.path} for {user}"
            answer = json.dumps({"jsonrpc": "2.0", "id": 1, "error": {"code": -32001, "message": message}}).encode()
        else:
            request = urllib.request.Request(UPSTREAM, body, {"Content-Type": "application/json"})  # noqa: S310
            with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310 - the test's own chain
                answer = reply.read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


if __name__ == "__main__":
    ThreadingHTTPServer(("", 8080), Handler).serve_forever()
