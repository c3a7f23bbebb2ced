"""States rather than commands: suspended, held, paused. Each is set, and stays until it is taken back. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from mintworks_api import HOLD

from .find import Object
from .gitops import warning

Json = dict[str, Any]


@dataclass(frozen=True)
class State:
    """A state: `done` is what an object is called that was put into it."""

    done: str
    there: Callable[[Json], bool]
    patch: Json
    field: str | None = None
    instead: str | None = None


def _spec(name: str) -> Callable[[Json], bool]:
    return lambda content: bool((content.get("spec") or {}).get(name))


def _no_spec(name: str) -> Callable[[Json], bool]:
    return lambda content: not (content.get("spec") or {}).get(name)


def _held(content: Json) -> bool:
    value = (content["metadata"].get("annotations") or {}).get(HOLD)
    return value is not None and value != "false"


def _released(content: Json) -> bool:
    return not _held(content)


_HOLD: Final = "`kubectl mintworks hold` lasts"
_RELEASE: Final = "change it in Git"

SUSPENDED: Final = State("suspended", _spec("suspend"), {"spec": {"suspend": True}}, "spec.suspend", _HOLD)
RESUMED: Final = State("resumed", _no_spec("suspend"), {"spec": {"suspend": False}}, "spec.suspend", _RELEASE)
HELD: Final = State("held", _held, {"metadata": {"annotations": {HOLD: "true"}}})
RELEASED: Final = State("released", _released, {"metadata": {"annotations": {HOLD: None}}})
PAUSED: Final = State("paused", _spec("paused"), {"spec": {"paused": True}}, "spec.paused", _RELEASE)
UNPAUSED: Final = State("resumed", _no_spec("paused"), {"spec": {"paused": False}}, "spec.paused", _RELEASE)


def caution(state: State, target: Object) -> str | None:
    """What to say before an object of a GitOps tool is put into the state; None where nothing speaks against it."""
    if state.field is None:
        return None
    return warning(target.content["metadata"], target.shown, state.field, state.instead)
