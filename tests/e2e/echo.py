"""Runs in a pod: an RPC endpoint that passes requests on, and refuses one method by quoting all that it was sent."""

import base64
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

UPSTREAM, REFUSED = sys.argv[1:]


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if REFUSED in body.decode():
            user = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
            message = f"no access to http://{user}@{self.headers['Host']}{self.path} for {user}"
            answer = json.dumps({"jsonrpc": "2.0", "id": 1, "error": {"code": -32001, "message": message}}).encode()
        else:
            answer = httpx.post(
                UPSTREAM, content=body, headers={"Content-Type": "application/json"}, timeout=10
            ).content
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


if __name__ == "__main__":
    ThreadingHTTPServer(("", 8080), Handler).serve_forever()
