"""What a request is about, as the plan and the kills know it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.chaos.asked import Write, parse

GROUP = "/apis/mintworks.dev/v1alpha1/namespaces/a"


def asked(method: str, path: str, body: Any = None, **query: str) -> tuple[str, str, Write | None]:
    found = parse(method, path, query, b"" if body is None else json.dumps(body).encode())
    return found.verb, found.subject, found.write


@pytest.mark.parametrize(
    ("status", "write"),
    [
        ({"phase": "Running", "active": {"run": 1, "reserved": "now"}}, Write.ADMISSION),
        ({"active": {"stopping": "Suspended"}}, Write.STOPPING),
        ({"active": None, "phase": "Succeeded"}, Write.CONCLUSION),
        ({"progress": {"percent": 3}}, Write.PROGRESS),
        ({"phase": "Queued"}, Write.OTHER_STATUS),
        ({}, Write.OTHER_STATUS),
    ],
)
def test_status_writes_are_told_apart(status: Any, write: Write) -> None:
    found = asked("PATCH", f"{GROUP}/metadatajobs/o-1/status", {"metadata": {"uid": "u"}, "status": status})
    assert found == ("patch", "patch a metadatajobs o-1 status", write)


def test_a_run_is_known_without_the_uid_in_its_name() -> None:
    name = "ffo-retried-0001-0123abcd-2"
    created = asked("POST", "/apis/batch/v1/namespaces/a/jobs", {"metadata": {"name": name}})
    assert created == ("create", "create a jobs ffo-retried-0001-2", Write.RUN)
    deleted = asked("DELETE", f"/apis/batch/v1/namespaces/a/jobs/{name}", {})
    assert deleted == ("delete", "delete a jobs ffo-retried-0001-2", Write.RUN_DELETE)


@pytest.mark.parametrize(
    ("method", "path", "write"),
    [
        ("PATCH", f"{GROUP}/jobqueues/wide/status", Write.RESERVATION),
        ("POST", f"{GROUP}/jobqueues", Write.QUEUE),
        ("DELETE", f"{GROUP}/metadatajobs/o-1", Write.RESOURCE_DELETE),
        ("POST", "/apis/events.k8s.io/v1/namespaces/a/events", Write.EVENT),
        ("PUT", "/apis/coordination.k8s.io/v1/namespaces/a/leases/mintworks", Write.LEASE),
        ("GET", "/apis/coordination.k8s.io/v1/namespaces/a/leases/mintworks", None),
    ],
)
def test_kinds_of_writes(method: str, path: str, write: Write | None) -> None:
    assert asked(method, path)[2] is write


def test_lists_pages_and_watches() -> None:
    assert asked("GET", f"{GROUP}/jobqueues")[0] == "list"
    assert asked("GET", f"{GROUP}/jobqueues", watch="true")[0] == "watch"
    assert parse("GET", f"{GROUP}/jobqueues", {"continue": "x"}, b"").further_page
    assert parse("GET", "/version", {}, b"").subject == "GET /version"
