"""Commands are annotations, each with a value of its own; what became of one, status and Events say. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mintworks_api import CANCEL, CLEAN, DRAIN, PROMOTE, RETRY, RETRY_FAILED, annotation
from mintworks_operator.core import texts

from .events import count

Json = dict[str, Any]


@dataclass(frozen=True)
class Command:
    """A command: the annotation's name, what was done once it is carried out, and the Events that say so."""

    name: str
    done: str
    reasons: tuple[str, ...] = ()


CANCELLED: Final = Command(CANCEL, "cancelled", (texts.CANCELLED, texts.STOPPING))
RETRIED: Final = Command(RETRY, "retried", (texts.RETRIED,))
PROMOTED: Final = Command(PROMOTE, "promoted", (texts.PROMOTED,))
DRAINED: Final = Command(DRAIN, "drained")
CLEANED: Final = Command(CLEAN, "cleaned")
FAILED_RETRIED: Final = Command(RETRY_FAILED, "failed jobs retried")


def patch(command: Command, token: str) -> Json:
    """What to merge into the object."""
    return {"metadata": {"annotations": {annotation(command.name): token}}}


def counts_as_made_with(command: Command, content: Mapping[str, Any]) -> bool:
    """Whether the operator will take the annotation for one that the object was made with, and not carry it out: it
    was set within the second of the creation, and nobody has looked at the object before.
    """
    meta, status = content["metadata"], content.get("status") or {}
    field = f"f:{annotation(command.name)}"
    times = [str(entry.get("time")) for entry in meta.get("managedFields") or [] if field in _annotations(entry)]
    seen = "phase" in status or "observedGeneration" in status
    # Both are in UTC, and of one form.
    return not seen and max(times, default="") <= meta["creationTimestamp"]


def echoed(command: Command, token: str, status: Mapping[str, Any]) -> bool:
    """Whether the operator has carried out, or passed over, the command with this token. A queue tells the last
    command of each name in a list.
    """
    told = status.get("commands") or {}
    if isinstance(told, Mapping):
        return told.get(_camel(command.name)) == token
    return any(entry.get("name") == command.name and entry.get("token") == token for entry in told)


def answer(command: Command, before: Iterable[Json], after: Iterable[Json]) -> tuple[str, str] | None:
    """(reason, message) of the Event about this command that is new since `before`, where there is one yet."""
    known = {_mark(event) for event in before}
    for event in after:
        reason, message = str(event.get("reason")), str(event.get("message"))
        passed_over = reason == texts.COMMAND_IGNORED and message.startswith(f"{command.name}: ")
        if _mark(event) not in known and (passed_over or reason in command.reasons):
            return reason, message
    return None


def ignored(command: Command, said: tuple[str, str]) -> str | None:
    """Why there was nothing to do, where the Event says so."""
    reason, message = said
    if reason != texts.COMMAND_IGNORED:
        return None
    return message.removeprefix(f"{command.name}: ").partition(". Asked for by")[0].rstrip(".")


def done(command: Command, said: tuple[str, str] | None) -> str:
    """What was done, in a word or two: a job whose run still ends is not cancelled yet."""
    return "cancelling" if said is not None and said[0] == texts.STOPPING else command.done


def _annotations(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    return ((entry.get("fieldsV1") or {}).get("f:metadata") or {}).get("f:annotations") or {}


def _mark(event: Json) -> tuple[str, int]:
    """What told again differs from: the Event, and how often it was told."""
    return str(event["metadata"]["uid"]), count(event)


def _camel(name: str) -> str:
    head, *rest = name.split("-")
    return head + "".join(part.capitalize() for part in rest)
