"""What the documentation shows is true: links lead somewhere, make targets exist, manifests fit, code runs."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from mintworks_api import ALL_KINDS, API_VERSION, GROUP, JOB_KINDS, OTHER_KINDS, JobKind
from mintworks_dev import troubleshooting
from mintworks_operator.core.texts import REASONS
from mintworks_runners.core.protocol import SPEC_LIMIT, Environment, RunSpec
from mintworks_runners.core.reasons import TABLE, Then

ROOT = Path(__file__).parents[3]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("charts/*/*.md"), *ROOT.glob("examples/*/*.md")]
)
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> list[str]:
    return [text for found, text in FENCE.findall(page.read_text()) if found == language]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def manifests() -> Iterator[tuple[Path, dict[str, Any]]]:
    for page in PAGES:
        for text in blocks(page, "yaml"):
            for document in yaml.safe_load_all(text):
                if isinstance(document, dict) and "kind" in document:
                    yield page, document


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text()):
        if link.startswith(("http://", "https://")):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name) if name else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        text = page.read_text()
        named = set(re.findall(r"`make ([a-z0-9-]+)", text))
        named |= {t for block in blocks(page, "sh") for t in re.findall(r"^make ([a-z0-9-]+)", block, re.MULTILINE)}
        assert named <= targets, page


def test_make_lists_every_target_that_says_what_it_does() -> None:
    told = re.findall(r"^([a-z0-9-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    answer = subprocess.run(["make", "-C", ROOT, "help"], capture_output=True, text=True, check=True, timeout=30).stdout
    assert "test-e2e" in told
    assert set(told) <= set(re.findall(r"^  ([a-z0-9-]+) ", answer, re.MULTILINE))


def test_what_lists_our_kinds_lists_all_of_them() -> None:
    """What is to be run or applied: a backup or a right that leaves a kind out is found out too late."""
    plurals = {kind.plural for kind in ALL_KINDS.values()}
    listed = [
        (page.name, named)
        for page in PAGES
        for _, text in FENCE.findall(page.read_text())
        for line in text.replace("\\\n", " ").splitlines()
        if len(named := plurals & set(re.findall(r"\w+", line))) > 1
    ]
    assert "security.md" in dict(listed)
    assert all(named == plurals for _, named in listed), listed


def test_the_backup_and_the_handover_are_of_all_kinds() -> None:
    """They name none: one asks for the category, the other for the group."""
    text = (ROOT / "docs/operations.md").read_text()
    assert "kubectl get mintworks --all-namespaces" in text
    assert r"kubectl get crd --output name | grep '\.mintworks\.dev$'" in text
    for kind in ALL_KINDS.values():
        crd = yaml.safe_load((ROOT / f"crds/{GROUP}_{kind.plural}.yaml").read_text())
        assert crd["metadata"]["name"].endswith(f".{GROUP}")
        assert crd["spec"]["names"]["categories"] == ["mintworks"]


def test_manifests_fit_their_models() -> None:
    ours = [(page, m) for page, m in manifests() if m["apiVersion"] == API_VERSION]
    assert ours
    for _, manifest in ours:
        specs = {name: kind.spec for name, kind in OTHER_KINDS.items()} | JOB_KINDS
        specs[manifest["kind"]].parse(manifest["spec"])


def test_a_mintjob_in_the_readme_takes_twenty_lines() -> None:
    (text,) = [b for b in blocks(ROOT / "README.md", "yaml") if "kind: MintJob" in b]
    assert len(text.splitlines()) <= 20


def test_argo_cd_applications_hold_values_that_the_chart_takes() -> None:
    schema = json.loads((ROOT / "charts/mintworks/values.schema.json").read_text())
    found = [m for _, m in manifests() if m["kind"] == "Application"]
    assert len(found) == 2
    for application in found:
        values = application["spec"]["source"]["helm"]["valuesObject"]
        # A page's values are laid over the chart's, which have every required field.
        jsonschema.Draft7Validator(schema).validate(values)


def test_the_new_kind_of_the_how_to_is_a_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (text,) = [b for b in blocks(ROOT / "docs/adding-a-kind.md", "python") if "JobKind(" in b]
    (tmp_path / "thumbnailjob.py").write_text(text.replace("from .", "from mintworks_api."))
    monkeypatch.syspath_prepend(tmp_path)
    kind = importlib.import_module("thumbnailjob").THUMBNAIL_JOB
    assert isinstance(kind, JobKind)
    volume = {"claim": "pictures", "path": "in"}
    spec = kind.parse({"source": volume, "target": {**volume, "path": "out"}})
    assert [m.field for m in spec.mounts()] == ["source", "target"]
    assert spec.exclusive({}) == ["volume:pictures/out"]


def test_the_protocol_page_says_what_the_runners_do() -> None:
    text = (ROOT / "docs/protocol.md").read_text()
    rows = dict(re.findall(r"^\| `(MINTWORKS_\w+)` \| (?:`([^`]+)`|unset) \|", text, re.MULTILINE))
    default = Environment()
    assert rows == {
        "MINTWORKS_SPEC": str(default.spec),
        "MINTWORKS_MOUNTS": str(default.mounts),
        "MINTWORKS_WORK": str(default.work),
        "MINTWORKS_REDIS_FILE": str(default.redis_file),
        "MINTWORKS_TERMINATION": str(default.termination),
        "MINTWORKS_STATE": "",
        "MINTWORKS_CHANNEL": "",
    }
    assert f"at most {SPEC_LIMIT // 1024} KiB" in text
    document = json.loads(blocks(ROOT / "docs/protocol.md", "json")[0])
    run = RunSpec.parse(document)
    assert (run.name, run.run, list(run.dependencies)) == ("genesis-mint", 2, ["genesis-metadata"])
    for block in blocks(ROOT / "docs/protocol.md", "json"):
        json.loads(block)
    for name, kind in JOB_KINDS.items():
        (line,) = [row for row in text.splitlines() if row.startswith(f"| {name} |")]
        inputs, result = (set(re.findall(r"`(\w+)`", cell)) for cell in line.split("|")[2:4])
        assert inputs == {f.alias or n for n, f in kind.inputs.model_fields.items()}, name
        assert result == {f.alias or n for n, f in kind.result.model_fields.items()}, name


def test_the_troubleshooting_page_has_every_reason_with_its_advice() -> None:
    """Its tables are made from the texts themselves; what stands around them names reasons that exist."""
    text = (ROOT / "docs/troubleshooting.md").read_text()
    assert troubleshooting.page(text) == text
    known = {*REASONS, *TABLE}
    for reason in known:
        assert f"| `{reason}` |" in text
    prose = [line for line in text.splitlines() if not line.startswith("|")]
    named = set(re.findall(r"\(`([A-Z]\w+)`\)", "\n".join(prose)))
    assert named
    assert named <= known


def test_a_table_without_a_place_on_the_page_is_an_error() -> None:
    text = (ROOT / "docs/troubleshooting.md").read_text()
    with pytest.raises(ValueError, match="needed: waits, starts"):
        troubleshooting.page(text.replace("<!-- table: starts -->", ""))


def test_the_protocol_page_lists_the_reasons_that_wait() -> None:
    listed = re.search(r"Reasons that go with 75: (.*?)\.\n", (ROOT / "docs/protocol.md").read_text(), re.DOTALL)
    assert listed
    assert set(re.findall(r"`(\w+)`", listed[1])) == {r for r, said in TABLE.items() if said.then is Then.WAIT}


def test_the_file_map_names_files() -> None:
    """A path of the map is one of the repository, or the end of one."""
    text = (ROOT / "docs/architecture.md").read_text().partition("## Where to find what")[2]
    folders = ("crds", "operator", "jobrunners", "cli", "dev", "charts")
    known = {f"/{p.relative_to(ROOT)}" for folder in folders for p in (ROOT / folder).rglob("*")}
    named = {name.rstrip("/") for name in re.findall(r"`([\w./-]+\.py|[\w./-]+/)`", text)}
    assert len(named) > 15
    for name in named:
        assert any(path.endswith(f"/{name}") for path in known), name
