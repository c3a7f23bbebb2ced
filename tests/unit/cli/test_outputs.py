"""`-o json` and `-o yaml`: one object on stdout, the same in both, by every command that takes them."""

import json
from pathlib import Path

import pytest
import yaml
from mintworks_cli.main import app
from support.manifests import METADATA, ROWS
from typer.testing import CliRunner

MANIFESTS = ("-f", "f.yaml")
WALLET = ("create", "--wallet", "none.json", "--rpc", "nowhere")


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("validate", *MANIFESTS), 0),
        (("validate", *MANIFESTS, "--set", "spec.rows=ü"), 64),
        (("run", *MANIFESTS, "--set", "spec.rows=ü"), 64),
        (("estimate", *MANIFESTS, "--set", "spec.rows=ü"), 64),
        (("webhook-secret", "genesis", "--seed-file", "seed"), 0),
        (("tree", *WALLET), 64),
        (("collection", *WALLET, "--name", "a", "--uri", "b"), 64),
    ],
    ids=lambda value: " ".join(value[:3]) if isinstance(value, tuple) else None,
)
def test_every_command_says_the_same_as_json_and_as_yaml(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], code: int
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("f.yaml").write_text(f"{METADATA}---\n{ROWS}")
    Path("seed").write_text("a-seed-of-webhooks")
    as_json, as_yaml = (CliRunner().invoke(app, [*command, "-o", form]) for form in ("json", "yaml"))
    assert (as_json.exit_code, as_yaml.exit_code) == (code, code), as_json.output
    told = yaml.safe_load(as_yaml.stdout)
    assert (told, type(told)) == (json.loads(as_json.stdout), dict)
    assert list(told) == list(json.loads(as_json.stdout))
    assert as_yaml.stdout != as_json.stdout
