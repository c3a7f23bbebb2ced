"""What is made from the models: complete, bounded, and the same as what is committed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from mintworks_api import JOB_KINDS
from mintworks_api.generate.__main__ import generated, stale

ROOT = Path(__file__).parents[3]
CRDS = {n: yaml.safe_load(t) for n, t in generated().items() if n.startswith("crds/")}


def _nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from _nodes(child, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield from _nodes(schema[key], f"{path}[]")


def _root(crd: dict[str, Any]) -> dict[str, Any]:
    root: dict[str, Any] = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return root


def test_committed_files_are_what_the_models_make() -> None:
    assert stale(ROOT) == []


def test_a_changed_and_an_orphaned_file_are_found(tmp_path: Path) -> None:
    for name, text in generated().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert stale(tmp_path) == []
    changed = tmp_path / "crds/mintworks.dev_mintjobs.yaml"
    changed.write_text(changed.read_text() + "#\n")
    (tmp_path / "docs/reference/gone.md").write_text("x")
    assert stale(tmp_path) == ["crds/mintworks.dev_mintjobs.yaml", "docs/reference/gone.md"]


@pytest.mark.parametrize("name", CRDS)
def test_schemas_are_described_bounded_and_without_defaults(name: str) -> None:
    for path, node in _nodes(_root(CRDS[name])):
        assert "default" not in node, path
        assert "$ref" not in node, path
        if path.startswith(".spec") and not path.endswith("[]"):
            assert node.get("description"), path
        if node.get("type") == "array":
            assert "maxItems" in node, path
        if "additionalProperties" in node:
            assert "maxProperties" in node, path
        if node.get("type") == "string" and path.startswith(".spec") and "enum" not in node:
            assert "maxLength" in node or node.get("format") == "date-time", path


@pytest.mark.parametrize("name", CRDS)
def test_people_find_the_kinds(name: str) -> None:
    spec = CRDS[name]["spec"]
    assert spec["names"]["categories"] == ["mintworks"]
    assert spec["versions"][0]["subresources"] == {"status": {}}
    columns = [c["name"] for c in spec["versions"][0]["additionalPrinterColumns"]]
    if spec["names"]["kind"] in JOB_KINDS:
        assert columns[:4] == ["PHASE", "PROGRESS", "ATTEMPT", "AGE"]
    assert columns[-1] == "AGE" or len(columns) > 4


def test_only_what_the_design_names_may_change() -> None:
    root = _root(CRDS["crds/mintworks.dev_mintjobs.yaml"])
    spec = root["properties"]["spec"]

    def frozen(schema: dict[str, Any]) -> set[str]:
        rules = schema.get("x-kubernetes-validations", [])
        named = [r["fieldPath"].removeprefix(".") for r in rules if "oldSelf" in r["rule"]]
        assert len(named) == len(set(named))
        return set(named)

    may_change = set(spec["properties"]) - frozen(spec)
    assert may_change == {"suspend", "priority", "startAfter", "maxAttempts", "ttl", "maxCost", "solana"}
    (only,) = (r for r in spec["x-kubernetes-validations"] if r.get("fieldPath") == ".dryRun")
    assert only["message"].startswith("can only be changed to false")
    solana = spec["properties"]["solana"]
    assert set(solana["properties"]) - frozen(solana) == {"rpcUrls", "requestsPerSecond", "priorityFee"}


def test_the_reference_marks_what_may_change() -> None:
    page = generated()["docs/reference/mintjob.md"]
    marked = {line.split("`")[1] for line in page.splitlines() if "mutable)" in line}
    assert marked == {
        *("suspend", "priority", "startAfter", "maxAttempts", "ttl", "maxCost", "dryRun"),
        *("solana.rpcUrls", "solana.requestsPerSecond", "solana.priorityFee"),
    }
