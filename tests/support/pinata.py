"""Pinata's Files API, version 3, as it is published: uploads (also resumable ones), list, delete, JWT, rate limit.

It takes CAR files of the public network alone: the CID that it names is the root in the file's header.
Published at docs.pinata.cloud (api-reference/endpoint/upload-a-file, list-files,
delete-file-by-id; files/uploading-files; account-management/limits); the metadata of resumable uploads are those of
Pinata's SDK for TypeScript.
"""

from __future__ import annotations

import base64
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aleph_cid
from aiohttp import BodyPartReader, web

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ0ZXN0In0.c2lnbmF0dXJlLW9mLWEtdGVzdA"
FORM_LIMIT = 100_000_000


@dataclass
class Upload:
    """A resumable upload under way."""

    length: int
    metadata: dict[str, str]
    content: bytearray = field(default_factory=bytearray)


@dataclass
class PinataServer:
    """Use it as an async context manager; `files` are the account's, by id."""

    url: str = ""
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    per_second: int = 1000
    retry_after: str | None = "1"
    pending: int = 0
    """So many questions for a list are answered without files that are new."""
    wrong_cid: str | None = None
    refusals: int = 0
    received: int = 0
    """Bytes of content that came."""
    other_host: bool = False

    async def __aenter__(self) -> Self:
        """Starts it on a free port."""
        app = web.Application(client_max_size=1 << 30, middlewares=[self._gate])
        app.router.add_post("/v3/files", self._create)
        app.router.add_route("PATCH", "/v3/files/{upload}", self._patch)
        app.router.add_route("HEAD", "/v3/files/{upload}", self._offset)
        app.router.add_get("/v3/files/public", self._list, allow_head=False)
        app.router.add_delete("/v3/files/public/{id}", self._delete)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._window: list[float] = []
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops it."""
        await self._runner.cleanup()

    @web.middleware
    async def _gate(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {JWT}":
            return web.json_response({"error": {"code": 401, "message": "Not Authorized"}}, status=401)
        now = time.monotonic()
        self._window = [at for at in self._window if at > now - 1]
        if len(self._window) >= self.per_second:
            self.refusals += 1
            headers = {} if self.retry_after is None else {"Retry-After": self.retry_after}
            return web.json_response({"error": "rate limited"}, status=429, headers=headers)
        self._window.append(now)
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _create(self, request: web.Request) -> web.Response:
        if "Upload-Length" in request.headers:
            return self._begin(request)
        fields: dict[str, str] = {}
        content: bytes | None = None
        async for part in await request.multipart():
            assert isinstance(part, BodyPartReader)
            if part.name == "file":
                content = bytes(await part.read(decode=False))
            else:
                fields[str(part.name)] = await part.text()
        if content is None or len(content) > FORM_LIMIT:
            return web.json_response({"error": "no file, or one above 100 MB"}, status=413 if content else 400)
        self.received += len(content)
        return web.json_response({"data": self._add(content, fields)})

    def _begin(self, request: web.Request) -> web.Response:
        pairs = (pair.split(" ") for pair in request.headers["Upload-Metadata"].split(","))
        metadata = {name: base64.b64decode(value).decode() for name, value in pairs}
        id_ = uuid.uuid4().hex
        self.uploads[id_] = Upload(int(request.headers["Upload-Length"]), metadata)
        place = f"/v3/files/{id_}"
        location = f"http://localhost.example{place}" if self.other_host else place
        return web.Response(status=201, headers={"Location": location, "Tus-Resumable": "1.0.0"})

    async def _patch(self, request: web.Request) -> web.Response:
        upload = self.uploads.get(request.match_info["upload"])
        if upload is None:
            return web.Response(status=404)
        if int(request.headers["Upload-Offset"]) != len(upload.content):
            return web.Response(status=409)
        assert request.content_type == "application/offset+octet-stream"
        chunk = await request.read()
        upload.content += chunk
        self.received += len(chunk)
        headers = {"Upload-Offset": str(len(upload.content)), "Tus-Resumable": "1.0.0"}
        if len(upload.content) == upload.length:
            headers["upload-cid"] = self._add(bytes(upload.content), upload.metadata)["cid"]
        return web.Response(status=204, headers=headers)

    async def _offset(self, request: web.Request) -> web.Response:
        upload = self.uploads.get(request.match_info["upload"])
        if upload is None:
            return web.Response(status=404)
        return web.Response(headers={"Upload-Offset": str(len(upload.content)), "Tus-Resumable": "1.0.0"})

    async def _list(self, request: web.Request) -> web.Response:
        files = list(self.files.values())
        if self.pending > 0 and files:
            self.pending -= 1
            files = files[:-1]
        if "cid" in request.query:
            files = [file for file in files if file["cid"] == request.query["cid"]]
        start, limit = int(request.query.get("pageToken") or 0), int(request.query.get("limit") or 10)
        after = str(start + limit) if start + limit < len(files) else None
        return web.json_response({"data": {"files": files[start : start + limit], "next_page_token": after}})

    async def _delete(self, request: web.Request) -> web.Response:
        if self.files.pop(request.match_info["id"], None) is None:
            return web.json_response({"error": {"code": 404, "message": "Not Found"}}, status=404)
        return web.json_response({"data": None})

    def _add(self, content: bytes, fields: dict[str, str]) -> dict[str, Any]:
        assert fields["network"] == "public"
        assert fields["car"] == "true"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "file.car"
            path.write_bytes(content)
            cid = self.wrong_cid or str(aleph_cid.read_carv1_root(path))
        duplicate = any(file["cid"] == cid for file in self.files.values())
        id_ = str(uuid.uuid4())
        name = fields.get("name") or fields.get("filename")
        file = {"id": id_, "name": name, "cid": cid, "size": len(content), "number_of_files": 1, "group_id": None}
        self.files[id_] = file
        return {**file, "is_duplicate": duplicate}
