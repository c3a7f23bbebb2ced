"""--set: which resources it meets, and how its value is read."""

from typing import Any

import pytest
from mintworks_cli.overrides import apply_overrides, parse_override
from mintworks_cli.problems import BadInput
from mintworks_cli.resources import manifests
from mintworks_cli.yamlfile import parse
from support.manifests import METADATA, MINT


def put(*texts: str) -> dict[str, Any]:
    """Name to spec after the overrides."""
    found = manifests(parse(f"{METADATA}---\n{MINT}", "f.yaml"))
    done = apply_overrides(found, [parse_override(text) for text in texts])
    assert [m.content for m in found] == [m.content for m in manifests(parse(f"{METADATA}---\n{MINT}", "f.yaml"))]
    return {manifest.name: manifest.content["spec"] for manifest in done}


def test_every_job_that_has_the_field() -> None:
    specs = put("spec.maxAttempts=5", "spec.batchSize=2")
    assert [spec["maxAttempts"] for spec in specs.values()] == [5, 5]
    assert specs["mint"]["batchSize"] == 2
    assert "batchSize" not in specs["meta"]


@pytest.mark.parametrize("name", ["mint", "MintJob/mint"])
def test_one_job(name: str) -> None:
    specs = put(f"{name}.spec.maxAttempts=5")
    assert specs["mint"]["maxAttempts"] == 5
    assert "maxAttempts" not in specs["meta"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("spec.maxCost=2", "2"),
        ("spec.collection={mint: x}", {"mint": "x"}),
        ("spec.suspend=true", True),
        ("spec.delay=10s", "10s"),
        ("spec.priority=3", 3),
        ("mint.spec.queue=true", "true"),
        ("spec.maxCost=a=b", "a=b"),
    ],
)
def test_a_text_field_takes_text_and_others_take_yaml(text: str, value: object) -> None:
    name = text.partition("=")[0].rpartition(".")[2]
    assert put(text)["mint"][name] == value


def test_lists_have_numbers_and_missing_parents_are_made() -> None:
    specs = put("spec.solana.rpcUrls.0=http://a", "spec.solana.rpcUrls.1=http://b", "spec.backoff.delay=1s")
    assert specs["mint"]["solana"]["rpcUrls"] == ["http://a", "http://b"]
    assert specs["meta"]["backoff"] == {"delay": "1s"}


def test_null_takes_a_field_away() -> None:
    assert "tree" not in put("spec.tree=null")["mint"]
    assert "maxCost" not in put("mint.spec.maxCost=1", "spec.maxCost=null")["mint"]
    assert "symbol" not in put("spec.collection.symbol=null")["meta"]["collection"]


def test_a_text_field_can_be_empty() -> None:
    assert put("spec.collection.symbol=")["meta"]["collection"]["symbol"] == ""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("spec.maxAttempts", "expected PATH=VALUE"),
        ("maxAttempts=5", "expected PATH=VALUE"),
        ("spec.=5", "expected PATH=VALUE"),
        ("spec.nope=5", "meets no job that has this field; jobs: MetadataJob/meta, MintJob/mint"),
        ("other.spec.maxAttempts=5", "meets no job"),
        ("spec.solana.rpcUrls.7=http://x", "leads nowhere"),
        ("mint.spec.maxCost.x.y=5", "leads nowhere"),
        ("spec.suspend=[", "not YAML"),
        ("spec.maxAttempts=", "a value is expected; null takes the field away"),
        ("spec.maxAttempts=# five", "a value is expected"),
        ("mint.spec.maxCost=\udcff", "not UTF-8"),
    ],
)
def test_what_leads_nowhere_is_told(text: str, says: str) -> None:
    with pytest.raises(BadInput) as caught:
        put("mint.spec.maxCost=1", text)
    assert says in str(caught.value)
    assert f"--set {text.encode(errors='backslashreplace').decode()}" in str(caught.value)
