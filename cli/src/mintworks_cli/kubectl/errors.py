"""What went wrong, in kubectl's words. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any


class CommandError(Exception):
    """The command ends with exit code 1. The text is what people read."""


class ServerError(CommandError):
    """The API server refused. `details` is what it said for machines."""

    def __init__(self, status: int, reason: str, text: str, details: Mapping[str, Any]) -> None:
        super().__init__(text)
        self.status = status
        self.reason = reason
        self.details = details

    @property
    def missing(self) -> bool:
        """Whether it is the object that is not there."""
        return self.status == 404 and bool(self.details.get("name"))

    @property
    def unserved(self) -> bool:
        """Whether it is the kind that the API server does not serve."""
        return self.status == 404 and not self.details.get("name")


class NoAnswerError(CommandError):
    """The API server could not be reached, or its answer was cut short."""


def error(text: str) -> CommandError:
    """A mistake of whoever typed the command."""
    return CommandError(f"error: {text}")


def refusal(code: int, body: bytes) -> ServerError:
    """What an answer of the API server with this HTTP code says; `body` is a Status object, or any text."""
    try:
        told = json.loads(body)
    except ValueError:
        told = None
    status = told if isinstance(told, dict) and told.get("kind") == "Status" else {}
    reason, details = str(status.get("reason") or ""), status.get("details") or {}
    message = str(status.get("message") or body.decode(errors="replace").strip() or f"the server answered {code}")
    return ServerError(code, reason, _words(reason, message, details), details)


def _words(reason: str, message: str, details: Mapping[str, Any]) -> str:
    if reason == "Unauthorized":
        return "error: You must be logged in to the server (Unauthorized)"
    if reason == "Invalid":
        return _invalid(message, details)
    return f"Error from server ({reason}): {message}" if reason else f"Error from server: {message}"


def _invalid(message: str, details: Mapping[str, Any]) -> str:
    named = details.get("kind") or details.get("name")
    what = (
        f'The {details.get("kind", "")} "{details.get("name", "")}" is invalid' if named else "The request is invalid"
    )
    causes = [*_causes(details)]
    if not causes:
        return what if named else f"{what}: {message}"
    return f"{what}: {causes[0]}" if len(causes) == 1 else "\n* ".join([f"{what}: ", *causes])


def _causes(details: Mapping[str, Any]) -> Iterator[str]:
    for cause in details.get("causes") or []:
        yield f"{cause.get('field')}: {cause.get('message')}"
