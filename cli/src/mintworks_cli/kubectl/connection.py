"""The requests that the commands make, on plain JSON objects. Where to and as whom, a kubeconfig says."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote, urlencode, urlsplit

import urllib3
import yaml
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from .errors import CommandError, NoAnswerError, error, refusal

Json = dict[str, Any]

#: Who asked, in managed fields and in the operator's Events.
MANAGER: Final = "kubectl-mintworks"
MERGE_PATCH: Final = "application/merge-patch+json"
TABLE: Final = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
PAGE: Final = 500
#: Seconds to connect, and to wait for an answer.
TIMEOUT: Final = (10, 60)
#: Seconds that the API server keeps a watch open, and how much later its silence means that it is gone.
WATCH: Final = 120
LATE: Final = 30

_IN_CLUSTER: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")

# The library's own functions carry no types.
_CONFIG: Any = config
_CLIENT: Any = client


@dataclass(frozen=True)
class Place:
    """Which cluster, and which namespace of it, as flags said; None: as the kubeconfig says."""

    kubeconfig: Path | None = None
    context: str | None = None
    namespace: str | None = None


class Connection:
    """A connection to one API server; `namespace` is where names are looked for."""

    def __init__(self, api: Any, namespace: str) -> None:
        self._api = api
        self.namespace = namespace

    @classmethod
    def open(cls, place: Place) -> Self:
        """As kubectl would.

        Raises:
            CommandError: there is no configuration, or it names something that it does not hold.
        """
        settings = _CLIENT.Configuration()
        namespace = _load(place, settings)
        # A server that is not there is told at once.
        settings.retries = False
        api = _CLIENT.ApiClient(settings)
        api.user_agent = MANAGER
        return cls(api, place.namespace or namespace or "default")

    def close(self) -> None:
        """Give back the connections."""
        self._api.close()

    def get(self, path: str, query: Mapping[str, str] | None = None, *, table: bool = False) -> Json:
        """One object, or one page of a collection; as a Table where that is asked for.

        Raises:
            ServerError: refused.
            NoAnswerError: the server is away.
        """
        return _parsed(self._request("GET", path, query, accept=TABLE if table else "application/json"))

    def list(self, path: str, query: Mapping[str, str] | None = None, *, table: bool = False) -> Json:
        """A collection with all its pages. Raises as `get`."""
        whole = found = self.get(path, {**(query or {}), "limit": str(PAGE)}, table=table)
        items = "rows" if table else "items"
        while more := found["metadata"].get("continue"):
            found = self.get(path, {**(query or {}), "limit": str(PAGE), "continue": more}, table=table)
            whole[items] = [*(whole.get(items) or []), *(found.get(items) or [])]
        return whole

    def patch(self, path: str, body: Json) -> Json:
        """Merge into an object, in this program's name. Raises as `get`."""
        query = {"fieldManager": MANAGER}
        return _parsed(self._request("PATCH", path, query, body=body))

    def watch(self, path: str, query: Mapping[str, str]) -> Iterator[Json]:
        """Changes of a collection from `resourceVersion` on, until the server ends it. Raises as `get`."""
        timed = {**query, "watch": "true", "timeoutSeconds": str(WATCH)}
        for line in self.lines(path, timed, silence=WATCH + LATE):
            yield _parsed(line)

    def lines(self, path: str, query: Mapping[str, str], silence: float | None = None) -> Iterator[bytes]:
        """An answer as it comes, line by line; without a line for `silence` seconds it counts as gone. Raises as
        `get`.
        """
        answer = self._answer("GET", path, query, timeout=(TIMEOUT[0], silence))
        rest = b""
        try:
            for part in answer.stream(2**16):
                *lines, rest = (rest + part).split(b"\n")
                yield from (line + b"\n" for line in lines)
            if rest:
                yield rest
        except (urllib3.exceptions.HTTPError, OSError) as problem:
            raise self._lost(problem) from None
        finally:
            answer.close()

    def _request(self, *arguments: Any, **options: Any) -> bytes:
        try:
            answer = self._answer(*arguments, **options)
            content: bytes = answer.read()
        except (urllib3.exceptions.HTTPError, OSError) as problem:
            raise self._lost(problem) from None
        return content

    def _answer(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        accept: str = "application/json",
        body: Json | None = None,
        timeout: tuple[float, float | None] = TIMEOUT,
    ) -> Any:
        headers = {"Accept": accept, "User-Agent": MANAGER}
        if body is not None:
            headers["Content-Type"] = MERGE_PATCH
        self._api.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
        url = f"{self._api.configuration.host}{quote(path)}" + (f"?{urlencode(query)}" if query else "")
        try:
            answer = self._api.call_api(method, url, headers, body, _request_timeout=timeout).response
        except (ApiException, urllib3.exceptions.HTTPError, OSError) as problem:
            raise self._lost(problem) from None
        if answer.status >= 400:
            raise refusal(answer.status, answer.read())
        return answer

    def _lost(self, problem: Exception) -> CommandError:
        host = urlsplit(self._api.configuration.host).netloc
        if isinstance(problem, urllib3.exceptions.NewConnectionError) and "refused" in str(problem):
            return NoAnswerError(
                f"The connection to the server {host} was refused - did you specify the right host or port?"
            )
        said = problem.reason if isinstance(problem, ApiException) else problem
        return NoAnswerError(f"Unable to connect to the server: {host}: {said}")


def contexts(kubeconfig: Path | None) -> tuple[dict[str, Json], str | None]:
    """The contexts that a kubeconfig has, by their names, and which is the current one. Of several files the first
    that says something counts.

    Raises:
        CommandError: a file is not to be read.
    """
    found, current = dict[str, Json](), None
    for file in _files(kubeconfig):
        try:
            content = yaml.safe_load(file.read_text()) or {}
            for entry in content.get("contexts") or []:
                found.setdefault(entry["name"], entry.get("context") or {})
            current = current or content.get("current-context")
        except (OSError, yaml.YAMLError, TypeError, KeyError, AttributeError) as problem:
            raise error(f"error loading config file {file}: {problem}") from None
    return found, current


def _files(kubeconfig: Path | None) -> list[Path]:
    """The kubeconfig files that are there."""
    if kubeconfig is not None:
        if not kubeconfig.exists():
            raise error(f"stat {kubeconfig}: no such file or directory")
        return [kubeconfig]
    named = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    return [path for path in map(Path, filter(None, named.split(os.pathsep))) if path.is_file()]


def _load(place: Place, settings: Any) -> str | None:
    """Write into the settings where the API server is, and who asks. Returns the context's namespace."""
    files = _files(place.kubeconfig)
    if not files:
        return _load_in_cluster(settings)
    known, current = contexts(place.kubeconfig)
    name = place.context or current
    if name is None:
        raise error("current-context is not set; name one with --context")
    if name not in known:
        raise error(f'context "{name}" does not exist')
    try:
        _CONFIG.load_kube_config(os.pathsep.join(map(str, files)), name, client_configuration=settings)
    except config.ConfigException as problem:
        raise error(str(problem)) from None
    namespace: str | None = known[name].get("namespace")
    return namespace


def _load_in_cluster(settings: Any) -> str | None:
    try:
        _CONFIG.load_incluster_config(client_configuration=settings)
    except config.ConfigException:
        raise error("there is no kubeconfig; name one with --kubeconfig, or in KUBECONFIG") from None
    return _IN_CLUSTER.read_text().strip() if _IN_CLUSTER.exists() else None


def _parsed(text: bytes) -> Json:
    try:
        found: Json = json.loads(text)
    except ValueError:
        raise NoAnswerError("Unable to connect to the server: its answer is cut short, or no JSON") from None
    return found
