"""Why a run does not start: reasons of our own over the cluster's words, in one table. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .core import Trouble

Json = dict[str, Any]

#: Reasons of a waiting container. ErrImagePull and ImagePullBackOff alternate: they are one.
WAITING = {
    "ErrImagePull": "ImagePull",
    "ImagePullBackOff": "ImagePull",
    "ErrImageNeverPull": "ImagePull",
    "InvalidImageName": "ImagePull",
    "CreateContainerConfigError": "ContainerConfig",
    "CreateContainerError": "ContainerCreate",
    "RunContainerError": "ContainerRun",
}

#: Part of an Event's text → reason. The first that is found counts.
EVENT_TEXTS = (
    ("exceeded quota", "QuotaExceeded"),
    ("violates PodSecurity", "PodSecurity"),
    ("admission webhook", "AdmissionDenied"),
    ("denied request", "AdmissionDenied"),
    ("serviceaccount", "ServiceAccountMissing"),
    ("maximum cpu usage", "LimitRange"),
    ("maximum memory usage", "LimitRange"),
    ("minimum cpu usage", "LimitRange"),
    ("minimum memory usage", "LimitRange"),
)

#: Reason of an Event → reason, where its text says nothing of the above.
EVENT_REASONS = {
    "FailedCreate": "PodNotCreated",
    "FailedMount": "MountFailed",
    "FailedAttachVolume": "MountFailed",
    "FailedScheduling": "Unschedulable",
    "FailedCreatePodSandBox": "SandboxFailed",
}


def of_pod(pod: Json | None) -> Trouble | None:
    """What the pod's own status says."""
    status = (pod or {}).get("status") or {}
    for container in status.get("containerStatuses") or []:
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") in WAITING:
            return Trouble(WAITING[waiting["reason"]], waiting.get("message") or waiting["reason"])
    for condition in status.get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return Trouble("Unschedulable", condition.get("message") or condition.get("reason") or "")
    return None


def of_events(events: Iterable[Json]) -> Trouble | None:
    """What the newest warning among the Events of a Job or a pod says."""
    warnings = [e for e in events if e.get("type") == "Warning"]
    for event in sorted(warnings, key=_time, reverse=True):
        text = str(event.get("note") or "")
        if (trouble := of_text(text)) is not None:
            return trouble
        if event.get("reason") in EVENT_REASONS:
            return Trouble(EVENT_REASONS[event["reason"]], text)
    return None


def of_text(text: str) -> Trouble | None:
    """What a message of the API server says."""
    found = next((reason for part, reason in EVENT_TEXTS if part in text), None)
    return None if found is None else Trouble(found, text)


def of_refusal(message: str) -> Trouble:
    """Why the API server did not accept a run's Job."""
    return of_text(message) or Trouble("JobRefused", message)


def _time(event: Json) -> str:
    series = event.get("series") or {}
    return str(
        series.get("lastObservedTime")
        or event.get("deprecatedLastTimestamp")
        or event.get("eventTime")
        or (event.get("metadata") or {}).get("creationTimestamp")
        or ""
    )
