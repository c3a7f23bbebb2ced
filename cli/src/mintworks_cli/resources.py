"""The manifests of one command, sorted into what a local run knows: jobs, queues, Secrets, ConfigMaps.

The manifests stand for a namespace's content, so that references, names and refusals are those of a cluster.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mintworks_api import ALL_KINDS, API_VERSION, GROUP, JOB_KINDS, JOB_QUEUE, JOB_SCHEDULE, JobKind, JobSpec
from mintworks_api.base import Model
from pydantic import ValidationError

from .document import Document, Path
from .problems import BadInput, Problem
from .schema import messages

DEFAULT_NAMESPACE: Final = "default"
_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")

#: (namespace, name)
Name = tuple[str, str]


@dataclass(frozen=True)
class Manifest:
    """One resource: its names, its content (a mapping), and where it stands."""

    kind: str
    namespace: str
    name: str
    content: Mapping[str, Any]
    document: Document = field(repr=False)
    base: Path = ()

    def problem(self, path: Path, message: str) -> Problem:
        """A problem at a path of this resource, such as ("spec", "rows")."""
        dotted = ".".join(map(str, path)) or None
        return Problem(message, self.document.place((*self.base, *path)), f"{self.kind}/{self.name}", dotted)


@dataclass(frozen=True)
class JobManifest:
    """A job: its manifest, its kind and its spec as a model."""

    manifest: Manifest
    kind: JobKind
    spec: JobSpec

    @property
    def key(self) -> tuple[str, str, str]:
        """(namespace, kind, name)."""
        return self.manifest.namespace, self.manifest.kind, self.manifest.name


@dataclass
class Resources:
    """All that the manifests hold. `ignored` are those that only a cluster has a use for, as KIND/NAME."""

    jobs: dict[tuple[str, str, str], JobManifest] = field(default_factory=dict)
    queues: dict[Name, Manifest] = field(default_factory=dict)
    secrets: dict[Name, Manifest] = field(default_factory=dict)
    config_maps: dict[Name, Manifest] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)


def manifests(documents: list[Document]) -> list[Manifest]:
    """The resources in the documents; those of a `List` one by one.

    Raises:
        BadInput: what is no resource, has a bad name, or stands twice.
    """
    problems: list[Problem] = []
    found: dict[tuple[str, str, str], Manifest] = {}
    for document in documents:
        for content, base in _items(document):
            manifest = _manifest(content, document, base)
            if isinstance(manifest, Problem):
                problems.append(manifest)
                continue
            key = manifest.kind, manifest.namespace, manifest.name
            if key in found:
                problems.append(manifest.problem((), f"stands twice, first at {found[key].document.place()}"))
            found[key] = manifest
    if problems:
        raise BadInput(problems)
    return list(found.values())


def sort(found: list[Manifest]) -> Resources:
    """The manifests by what they are, with every spec held to its model.

    Raises:
        BadInput: every field that does not fit, and kinds of our group that do not exist.
    """
    resources, problems = Resources(), list[Problem]()
    for manifest in found:
        try:
            _sort_one(manifest, resources)
        except BadInput as error:
            problems.extend(error.problems)
    if problems:
        raise BadInput(problems)
    return resources


def _items(document: Document) -> list[tuple[Any, Path]]:
    content = document.content
    if isinstance(content, dict) and content.get("kind") == "List" and isinstance(content.get("items"), list):
        return [(item, ("items", index)) for index, item in enumerate(content["items"])]
    return [(content, ())]


def _manifest(content: Any, document: Document, base: Path) -> Manifest | Problem:
    place = document.place(base)
    if not isinstance(content, dict):
        return Problem("not a resource: a mapping with apiVersion, kind and metadata is expected", place)
    for required in ("apiVersion", "kind"):
        if not isinstance(content.get(required), str):
            return Problem("required, as text", place, field=required)
    kind, metadata = content["kind"], content.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        return Problem("required, as text", place, kind, "metadata.name")
    name = metadata["name"]
    namespace = metadata.get("namespace")
    if namespace is None:
        namespace = DEFAULT_NAMESPACE
    manifest = Manifest(kind, namespace, name, content, document, base)
    if not isinstance(namespace, str):
        return manifest.problem(("metadata", "namespace"), "text is expected: put it in quotes")
    if not _LABEL.fullmatch(namespace):
        return manifest.problem(("metadata", "namespace"), f"{namespace!r} is not a DNS label")
    if kind in JOB_KINDS and not _LABEL.fullmatch(name):
        rule = "lower case letters, digits and -, at most 63, letter or digit at both ends"
        return manifest.problem(("metadata", "name"), f"{name!r} is not a DNS label: {rule}")
    if not _NAME.fullmatch(name):
        return manifest.problem(("metadata", "name"), f"{name!r} is not a DNS name")
    return manifest


def _sort_one(manifest: Manifest, resources: Resources) -> None:
    name: Name = manifest.namespace, manifest.name
    version, kind = str(manifest.content["apiVersion"]), manifest.kind
    if version == "v1" and kind == "Secret":
        resources.secrets[name] = manifest
    elif version == "v1" and kind == "ConfigMap":
        resources.config_maps[name] = manifest
    elif version.partition("/")[0] != GROUP:
        resources.ignored.append(f"{kind}/{manifest.name}")
    elif version != API_VERSION:
        raise BadInput([manifest.problem(("apiVersion",), f"{version!r} is not served; allowed: {API_VERSION}")])
    elif kind == JOB_QUEUE.kind:
        _validate(manifest, JOB_QUEUE.spec)
        resources.queues[name] = manifest
    elif kind == JOB_SCHEDULE.kind:
        _validate(manifest, JOB_SCHEDULE.spec)
        resources.ignored.append(f"{kind}/{manifest.name}")
    elif kind in JOB_KINDS:
        _validate(manifest, JOB_KINDS[kind].spec)
        job = JobManifest(manifest, JOB_KINDS[kind], JOB_KINDS[kind].parse(manifest.content["spec"]))
        resources.jobs[job.key] = job
    else:
        allowed = ", ".join(sorted(ALL_KINDS))
        raise BadInput([manifest.problem(("kind",), f"{kind!r} is not a kind of {GROUP}; allowed: {allowed}")])


def _validate(manifest: Manifest, model: type[Model]) -> None:
    extra = set(manifest.content) - {"apiVersion", "kind", "metadata", "spec", "status"}
    allowed = "unknown field; allowed: apiVersion, kind, metadata, spec"
    problems = [manifest.problem((name,), allowed) for name in sorted(extra)]
    spec = manifest.content.get("spec", {} if model is JOB_QUEUE.spec else None)
    if not isinstance(spec, dict):
        problems.append(manifest.problem(("spec",), "required, as a mapping"))
    else:
        try:
            model.parse(spec)
        except ValidationError as error:
            problems += [manifest.problem(("spec", *path), text) for path, text in messages(error, model)]
    if problems:
        raise BadInput(problems)
