"""The health check that docs/gitops.md gives Argo CD, run as Argo CD runs it: Lua, with the object as `obj`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lupa import LuaRuntime

from .test_docs import ROOT, blocks

PAGE: Path = ROOT / "docs/gitops.md"


def health(status: dict[str, Any] | None) -> tuple[str, str]:
    (script,) = blocks(PAGE, "lua")
    lua: Any = LuaRuntime()
    lua.globals().obj = lua.table_from({} if status is None else {"status": status}, recursive=True)
    found = lua.execute(script)
    return found.status, found.message


def conditions(**status: str) -> dict[str, Any]:
    return {"conditions": [{"type": t, "status": s, "message": f"{t} said."} for t, s in status.items()]}


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        (None, ("Progressing", "")),
        ({}, ("Progressing", "")),
        (conditions(Admitted="True", Succeeded="False", Failed="False"), ("Progressing", "")),
        (conditions(Admitted="True", Succeeded="True", Failed="False"), ("Healthy", "")),
        (conditions(Succeeded="False", Failed="True"), ("Degraded", "Failed said.")),
    ],
)
def test_argo_cd_sees_how_a_job_stands(status: dict[str, Any] | None, wanted: tuple[str, str]) -> None:
    assert health(status) == wanted
