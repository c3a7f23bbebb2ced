"""`mintworks run` as a command: results, refusals, what it leaves on disk. The runner is the real one for metadata."""

import hashlib
import socket
from pathlib import Path
from typing import Any

import aleph_cid
import pytest
import yaml
from support.manifests import METADATA, ROWS
from support.mintworks import Command, mintworks
from support.web import Answer, serve

PLAIN = "name,image_filename\nOne,light-01.png\n"
FROM_CONFIG_MAP = "{configMap: {name: rows, key: rows.csv}}"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def written(folder: Path, *texts: str) -> Path:
    path = folder / "jobs.yaml"
    path.write_text("---\n".join(texts))
    return path


def by_http(url: str, more: str = "") -> str:
    digest = hashlib.sha256(PLAIN.encode()).hexdigest()
    return METADATA.replace(FROM_CONFIG_MAP, f"{{http: {{url: '{url}/rows.csv', sha256: {digest}}}}}") + more


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def alive(pid: int) -> bool:
    # A process that nobody has waited for yet still has its entry; it is dead all the same.
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


async def test_a_job_runs_and_stays_done(tmp_path: Path, state: Path) -> None:
    file = written(tmp_path, METADATA, ROWS)
    code, report, lines = await mintworks("run", "-f", file, "--state", state)
    assert code == 0, (report, lines)
    (job,) = report["jobs"]
    assert (report["ok"], job["phase"], job["result"]["items"]) == (True, "Succeeded", 2)
    car = state / "runner" / "cars" / f"{job['result']['cid']}.car"
    assert aleph_cid.read_carv1_root(car) == job["result"]["cid"]
    assert job["inputs"] == {name: job["result"][name] for name in ("cid", "items", "rowsSha256")}
    # What the references brought (it could be a Secret) does not outlive the run; its log does.
    run = Path(job["log"]).parent
    assert not (run / "mounts").exists()
    assert not (run / "work").exists()

    code, again, lines = await mintworks("run", "-f", file, "--state", state)
    assert (code, again, lines) == (0, report, [])
    code, text = await (await Command.start("run", "-f", file, "--state", state, "-o", "yaml")).end()
    assert (code, yaml.safe_load(text)) == (0, report)


async def test_a_changed_source_of_a_finished_job_is_refused(tmp_path: Path, state: Path) -> None:
    assert (await mintworks("run", "-f", written(tmp_path, METADATA, ROWS), "--state", state))[0] == 0
    changed = written(tmp_path, METADATA, ROWS.replace("Two", "Three"))
    code, report, _ = await mintworks("run", "-f", changed, "--state", state)
    assert (code, report["problems"][0]["field"]) == (64, "spec.rows")


async def test_a_bad_row_is_final_and_named_and_mended_by_another_run(tmp_path: Path, state: Path) -> None:
    file = written(tmp_path, METADATA, ROWS.replace("Two", "T" * 33))
    code, report, _ = await mintworks("run", "-f", file, "--state", state)
    (job,) = report["jobs"]
    assert (code, job["phase"], job["attempts"]["made"]) == (64, "Failed", 1)
    assert (job["errors"][0]["row"], job["errors"][0]["column"]) == (3, "name")
    code, report, lines = await mintworks("run", "-f", written(tmp_path, METADATA, ROWS), "--state", state)
    assert code == 0, (report, lines)


async def test_bad_input_names_file_line_and_field(tmp_path: Path, state: Path) -> None:
    file = written(tmp_path, METADATA)
    code, report, _ = await mintworks("run", "-f", file, "--state", state)
    problem = {
        "file": str(file),
        "line": 5,
        "resource": "MetadataJob/meta",
        "field": "spec.rows",
        "message": "no ConfigMap rows among the manifests; there: none",
    }
    assert (code, report) == (64, {"ok": False, "exitCode": 64, "jobs": [], "problems": [problem]})
    assert names(tmp_path) == [file.name]


async def test_a_folder_stands_for_a_claim(tmp_path: Path, state: Path) -> None:
    volume = tmp_path / "volume"
    volume.mkdir()
    (volume / "rows.csv").write_text(PLAIN)
    storage = "  storage: {car: {volume: {claim: data, path: out.car}}}\n"
    source = METADATA.replace(FROM_CONFIG_MAP, "{volume: {claim: data, path: rows.csv}}")
    file = written(tmp_path, source + storage)
    code, report, lines = await mintworks("run", "-f", file, "--state", state, "--volume", f"data={volume}")
    assert code == 0, (report, lines)
    assert aleph_cid.read_carv1_root(volume / "out.car") == report["jobs"][0]["result"]["cid"]


async def test_attempts_and_backoff_then_the_end(tmp_path: Path, state: Path) -> None:
    policy = "  maxAttempts: 2\n  backoff: {delay: 100ms}\n"
    later = METADATA.replace("name: meta", "name: other") + "  suspend: true\n"
    with serve() as web:
        web.answers["/rows.csv"] = [Answer(404)]
        file = written(tmp_path, by_http(web.url, policy), later, ROWS)
        code, report, lines = await mintworks("run", "-f", file, "--state", state)
    job, suspended = report["jobs"]
    assert (code, job["phase"], job["reason"]) == (1, "Failed", "AttemptsExhausted")
    assert (job["attempts"]["made"], len(web.asked)) == (2, 2)
    assert any("Backoff" in line for line in lines), lines
    # What waits for a hand is not waited for.
    assert (suspended["phase"], suspended["attempts"]["runs"]) == ("Suspended", 0)


async def test_no_runner_outlives_a_killed_command(tmp_path: Path, state: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        file = written(tmp_path, by_http(url, "  maxAttempts: 1\n"))
        running = await Command.start("run", "-f", file, "--state", state, "--output", "json")
        await running.until("reading the sources")
        pid = int((state / "jobs/default/MetadataJob/meta/run.lock").read_text())
        assert alive(pid)

        code, _, _ = await mintworks("run", "-f", file, "--state", state)
        assert code == 1, "two commands on one state folder"
        assert alive(pid)

        await running.kill()
    code, report, _ = await mintworks("run", "-f", file, "--state", state)
    assert not alive(pid)
    (job,) = report["jobs"]
    assert (code, job["phase"], job["attempts"]["last"][0]["reason"]) == (1, "Failed", "Interrupted")
    assert (job["attempts"]["made"], job["attempts"]["runs"]) == (1, 2)


async def test_a_timeout_consumes_an_attempt(tmp_path: Path, state: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        file = written(tmp_path, by_http(url, "  maxAttempts: 1\n  timeout: 1s\n"))
        code, report, _ = await mintworks("run", "-f", file, "--state", state)
    (job,) = report["jobs"]
    assert (code, job["phase"], job["attempts"]["last"][0]["reason"]) == (1, "Failed", "DeadlineExceeded")


async def test_text_for_people(tmp_path: Path, state: Path) -> None:
    bad = ROWS.replace("Two", "T" * 33)
    command = await Command.start("run", "-f", written(tmp_path, METADATA, bad), "--state", state)
    code, text = await command.end()
    assert code == 64
    table: list[Any] = [line.split() for line in text.splitlines()]
    assert ["JOB", "PHASE", "ATTEMPT", "RESULT"] in table
    assert any(line[:3] == ["MetadataJob/meta", "Failed", "1/3"] for line in table)
    assert "row 3, column name" in text
    assert "log of MetadataJob/meta: " in text


async def test_the_development_chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    example = Path(__file__).parents[3] / "examples" / "genesis"
    chain = await Command.start("localnet", "start", "--port", "0", "--slot-ms", "25")
    assert (await chain.end())[0] == 0
    try:
        code, report, lines = await mintworks("run", "-f", example, "--localnet", "--state", tmp_path / "state")
        assert code == 0, (report, lines)
        meta, mint = report["jobs"]
        assert (mint["result"]["minted"], mint["result"]["audit"]) == (100, "ok")
        assert (tmp_path / "state" / "runner" / "cars" / f"{meta['result']['cid']}.car").is_file()
        assert any("ipfs:5001 does not answer" in line for line in lines)
        # The chain outlives the command.
        assert (await (await Command.start("localnet", "status")).end())[0] == 0
    finally:
        assert (await (await Command.start("localnet", "stop")).end())[0] == 0
    assert (await (await Command.start("localnet", "status")).end())[0] == 1
