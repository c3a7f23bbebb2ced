"""Whether an object belongs to a GitOps tool, which would put back what is changed by hand. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

#: Field managers, labels and annotations by which these tools are known.
_TOOLS: Final = {
    "Argo CD": (
        "argocd-controller",
        "argocd-application-controller",
        "argocd.argoproj.io/instance",
        "argocd.argoproj.io/tracking-id",
    ),
    "Flux": (
        "kustomize-controller",
        "helm-controller",
        "kustomize.toolkit.fluxcd.io/name",
        "helm.toolkit.fluxcd.io/name",
    ),
}


def owner(metadata: Mapping[str, Any]) -> str | None:
    """The tool that the object belongs to; None where no trace of one is found."""
    marks = {*(metadata.get("labels") or {}), *(metadata.get("annotations") or {})}
    marks |= {str(entry.get("manager")) for entry in metadata.get("managedFields") or []}
    return next((tool for tool, known in _TOOLS.items() if marks & {*known}), None)


def warning(metadata: Mapping[str, Any], what: str, field: str, instead: str | None) -> str | None:
    """What to say before a field of the spec is changed by hand; None where nothing speaks against it."""
    tool = owner(metadata)
    if tool is None:
        return None
    better = f"; {instead}" if instead else ""
    return f"Warning: {what} belongs to {tool}, which may put {field} back at its next sync{better}"
