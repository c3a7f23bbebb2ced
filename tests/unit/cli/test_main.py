"""The commands as far as nothing runs: what they refuse, with which exit code."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from mintworks_api import JOB_KINDS
from mintworks_cli.main import app
from support.manifests import KEY, METADATA, ROWS
from typer.testing import CliRunner, Result

QUEUE = "apiVersion: mintworks.dev/v1alpha1\nkind: JobQueue\nmetadata: {name: q}\nspec: {concurrency: 1}\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def said(*texts: str, command: str) -> Result:
    Path("f.yaml").write_text("---\n".join(texts))
    return CliRunner().invoke(app, [command, "-f", "f.yaml", "--output", "json"])


@pytest.mark.parametrize("command", ["run", "validate"])
@pytest.mark.parametrize(
    ("texts", "there"), [((), "none"), (("a: &x 1\n# no document",), None), ((KEY, ROWS), "Secret/key, ConfigMap/rows")]
)
def test_without_a_job_there_is_nothing_to_do(command: str, texts: tuple[str, ...], there: str | None) -> None:
    found = said(*texts, command=command)
    assert found.exit_code == 64
    (problem,) = json.loads(found.stdout)["problems"]
    if there is not None:
        assert problem["message"].startswith("no job (")
        assert problem["message"].endswith(f"among the manifests; there: {there}")
    assert [path.name for path in Path().iterdir()] == ["f.yaml"]


def test_a_queue_alone_can_be_validated_but_not_run() -> None:
    assert json.loads(said(QUEUE, command="validate").stdout)["valid"] == ["JobQueue/q"]
    (problem,) = json.loads(said(QUEUE, command="run").stdout)["problems"]
    assert problem["message"] == f"no job ({', '.join(sorted(JOB_KINDS))}) among the manifests; there: JobQueue/q"


def test_a_damaged_state_folder_is_in_the_way() -> None:
    record = Path(".mintworks/jobs/default/MetadataJob/meta/job.json")
    record.parent.mkdir(parents=True)
    record.write_text('{"uid"')
    found = said(METADATA, ROWS, command="run")
    assert found.exit_code == 1
    assert str(record.resolve()) in json.loads(found.stdout)["problems"][0]["message"]


@pytest.mark.parametrize("port", ["99999", "-1", "x"])
def test_a_port_that_is_none_is_bad_input(port: str) -> None:
    Path("f.yaml").write_text(METADATA + "---\n" + ROWS)
    command = [sys.executable, "-m", "mintworks_cli", "run", "-f", "f.yaml", "--localnet", f"--localnet-port={port}"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "NO_COLOR": "1"}, check=False)
    assert done.returncode == 64
    assert "--localnet-port" in done.stderr
    assert "Traceback" not in done.stderr
