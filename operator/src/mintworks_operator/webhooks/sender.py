"""One webhook, once: signed, sent to an address that may be called, with bounded time and memory."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import ssl
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache

import aiohttp
from yarl import URL

from ..core import Delivery, Notify
from .lookup import Lookup, RefusedError
from .settings import Settings
from .signing import headers

log = logging.getLogger(__name__)

#: Seconds for all of it: the name, the connection, and the head of the answer. Its body is not read.
TIMEOUT = 15.0
#: The receiver wants to hear no more of this.
_GONE = 410
_AGENT = "mintworks"


class Sender:
    """Sends. `now` is the time."""

    def __init__(self, settings: Settings, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._now = now

    async def send(self, namespace: str, notify: Notify) -> Delivery:
        """Sends a webhook of that namespace. Whatever goes wrong stands in the answer."""
        try:
            return await self._send(namespace, notify)
        except Exception:
            log.exception("webhook %s of namespace %s could not be sent", notify.id, namespace)
            return self._failed(notify, "the operator could not send it; its log says why")

    async def _send(self, namespace: str, notify: Notify) -> Delivery:
        problem = self._problem(notify)
        if problem:
            return self._failed(notify, problem, final=True)
        try:
            async with asyncio.timeout(TIMEOUT):
                code, answered = await self._post(namespace, notify)
        except RefusedError as error:
            return self._failed(notify, str(error))
        except TimeoutError:
            return self._failed(notify, f"no answer within {TIMEOUT:.0f} s")
        except (aiohttp.ClientError, OSError) as error:
            return self._failed(notify, _words(error))
        if 200 <= code < 300:
            return Delivery(notify.id, notify.attempt, self._now(), code)
        wait = _retry_after(answered.get("Retry-After", ""))
        return self._failed(notify, _refusal(code), code=code, final=code == _GONE, retry_after=wait)

    def _problem(self, notify: Notify) -> str:
        """What keeps it from being sent at all."""
        if not self._settings.seeds():
            return "webhooks are off: the chart's webhooks.seed is not set"
        if URL(notify.url).scheme != "https" and not self._settings.allow_http:
            return "http is not allowed: use https, or set webhooks.allowHttp of the chart"
        return ""

    async def _post(self, namespace: str, notify: Notify) -> tuple[int, Mapping[str, str]]:
        """Status and headers of the answer."""
        body = json.dumps(notify.payload, separators=(",", ":"))
        signed = headers(self._settings.seeds(), namespace, notify.id, self._now(), body)
        lookup = Lookup(self._settings.networks)
        # Nothing is kept between two of them: no connection, name or cookie. No proxy of the environment is used.
        connector = aiohttp.TCPConnector(
            resolver=lookup,
            socket_factory=lookup.socket,
            use_dns_cache=False,
            force_close=True,
            ssl=_trust(self._settings.authorities()),
        )
        async with (
            aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": _AGENT, "Content-Type": "application/json"},
                timeout=aiohttp.ClientTimeout(total=TIMEOUT),
                auto_decompress=False,
            ) as session,
            session.post(notify.url, data=body.encode(), headers=signed, allow_redirects=False) as response,
        ):
            response.close()
            return response.status, response.headers

    def _failed(
        self,
        notify: Notify,
        error: str,
        *,
        code: int | None = None,
        final: bool = False,
        retry_after: timedelta = timedelta(0),
    ) -> Delivery:
        return Delivery(
            notify.id, notify.attempt, self._now(), code=code, error=error, final=final, retry_after=retry_after
        )


@lru_cache(maxsize=1)
def _trust(authorities: str) -> ssl.SSLContext:
    """Who may vouch for a receiver. Raises ssl.SSLError where that is no PEM."""
    context = ssl.create_default_context()
    if authorities:
        context.load_verify_locations(cadata=authorities)
    return context


def _refusal(code: int) -> str:
    if 300 <= code < 400:
        return f"the receiver answers {code}: redirects are not followed, name the receiver's own URL"
    if code == _GONE:
        return "the receiver answers 410: it wants no more of it"
    return f"the receiver answers {code}"


def _words(error: Exception) -> str:
    """Why no answer came, without the addresses that a name stands for."""
    if isinstance(error, aiohttp.InvalidURL):
        return "its URL is not one that can be called"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"its certificate is not good: {error.certificate_error}"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name is not known"
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return "it speaks no TLS that is understood"
    if isinstance(error, aiohttp.ClientOSError) and error.errno:
        return f"it cannot be reached: {os.strerror(error.errno)}"
    return f"the call failed: {type(error).__name__}"


def _retry_after(value: str) -> timedelta:
    """The wait that the receiver asks for, where it does so in seconds."""
    return timedelta(seconds=min(int(value), 10**6)) if value.isdecimal() and len(value) < 10 else timedelta(0)
