"""Why a run does not start: reasons of our own over the cluster's words, in one table. Pure.

What a person should do about each reason stands in core/texts.py. The texts were taken from Kubernetes 1.37; tests hold
them to what a cluster says.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .core import Trouble

Json = dict[str, Any]

#: Part of a text → reason, for whoever says it: Events, a waiting container, the scheduler, the API server. The first
#: that is found counts.
TEXTS = (
    # Nothing is created here any more, whatever else is wrong.
    ("because it is being terminated", "NamespaceTerminating"),
    # Admission
    ("exceeded quota", "QuotaExceeded"),
    ("failed quota", "QuotaUnspecified"),
    ("violates PodSecurity", "PodSecurity"),
    ("failed calling webhook", "AdmissionUnavailable"),
    ("admission webhook", "AdmissionDenied"),
    ("denied request", "AdmissionDenied"),
    ("error looking up service account", "ServiceAccountMissing"),
    (" usage per Container is", "LimitRange"),
    (" usage per Pod is", "LimitRange"),
    ("limit to request ratio per", "LimitRange"),
    ("must be less than or equal to", "LimitRange"),
    ('forbidden: User "', "RightsMissing"),
    # What the pod mounts
    ("references non-existent secret key", "SecretKeyMissing"),
    ("references non-existent config key", "ConfigMapKeyMissing"),
    ("unbound immediate PersistentVolumeClaims", "ClaimNotBound"),
    ("bound to non-existent persistentvolume", "ClaimNotBound"),
    ("find available persistent volumes to bind", "ClaimNotBound"),
    ("volume node affinity conflict", "ClaimElsewhere"),
)

#: Beginning and end of a text's part, with a name between them → reason.
NAMED = (
    ('secret "', '" not found', "SecretMissing"),
    ('configmap "', '" not found', "ConfigMapMissing"),
    ('persistentvolumeclaim "', '" not found', "ClaimMissing"),
    ('persistentvolumeclaim "', '" is being deleted', "ClaimMissing"),
)

#: Reasons of a waiting container. ErrImagePull and ImagePullBackOff alternate: they are one.
WAITING = {
    "ErrImagePull": "ImagePull",
    "ImagePullBackOff": "ImagePull",
    "RegistryUnavailable": "ImagePull",
    "SignatureValidationFailed": "ImagePull",
    "ErrImageNeverPull": "ImageNotPresent",
    "InvalidImageName": "ImageNameInvalid",
    "ImageInspectError": "ContainerNotCreated",
    "CreateContainerConfigError": "ContainerNotCreated",
    "CreateContainerError": "ContainerNotCreated",
    "RunContainerError": "ContainerNotCreated",
}

#: Reason of an Event → reason, where its text says nothing of the above.
EVENT_REASONS = {
    "FailedCreate": "PodNotCreated",
    "FailedMount": "MountFailed",
    "FailedMapVolume": "MountFailed",
    "FailedAttachVolume": "MountFailed",
    "FailedScheduling": "Unschedulable",
    "FailedCreatePodSandBox": "SandboxFailed",
}

#: Reasons of their own, where no text above was found.
REFUSED, GATED, REJECTED = OTHERS = ("JobRefused", "SchedulingGated", "NodeRefused")

#: Texts that say only that it takes long. Another Event of the pod says why.
_VAGUE = ("timed out waiting for the condition", "Unable to attach or mount volumes")


def of_pod(pod: Json | None) -> Trouble | None:
    """What the pod's own status says."""
    status = (pod or {}).get("status") or {}
    for container in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") in WAITING:
            text = waiting.get("message") or waiting["reason"]
            return of_text(text) or Trouble(WAITING[waiting["reason"]], text)
    for condition in status.get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            text = condition.get("message") or condition.get("reason") or ""
            gated = condition.get("reason") == "SchedulingGated"
            return of_text(text) or Trouble(GATED if gated else EVENT_REASONS["FailedScheduling"], text)
    return None


def of_events(events: Iterable[Json]) -> Trouble | None:
    """What the newest warning among the Events of a Job or a pod says."""
    warnings = sorted((e for e in events if e.get("type") == "Warning"), key=_time, reverse=True)
    for event in sorted(warnings, key=_vague):
        text = str(event.get("note") or "")
        if (trouble := of_text(text)) is not None:
            return trouble
        if event.get("reason") in EVENT_REASONS:
            return Trouble(EVENT_REASONS[event["reason"]], text)
    return None


def of_text(text: str) -> Trouble | None:
    """What a message of the cluster says."""
    found = next((reason for part, reason in TEXTS if part in text), None)
    found = found or next((reason for head, tail, reason in NAMED if tail in text.partition(head)[2]), None)
    return None if found is None else Trouble(found, text)


def of_refusal(message: str) -> Trouble:
    """Why the API server did not accept a run's Job."""
    return of_text(message) or Trouble(REFUSED, message)


def of_rejected(pod: Json | None) -> Trouble | None:
    """Why a node refused the pod that it was given; None where it took it, whatever became of it then."""
    status = (pod or {}).get("status") or {}
    took = status.get("containerStatuses") or any(
        c["type"] == "DisruptionTarget" for c in status.get("conditions") or []
    )
    if status.get("phase") != "Failed" or not status.get("reason") or took:
        return None
    return Trouble(REJECTED, f"{status['reason']}: {status.get('message') or ''}".rstrip(": "))


def _vague(event: Json) -> bool:
    return any(part in str(event.get("note") or "") for part in _VAGUE)


def _time(event: Json) -> str:
    series = event.get("series") or {}
    return str(
        series.get("lastObservedTime")
        or event.get("deprecatedLastTimestamp")
        or event.get("eventTime")
        or (event.get("metadata") or {}).get("creationTimestamp")
        or ""
    )
