"""References meet what is at hand, or are told with their field and what there is instead."""

import base64
from pathlib import Path

import pytest
from mintworks_cli.problems import BadInput
from mintworks_cli.references import Supplies, check, entries, in_order
from support.manifests import ALL, KEY, METADATA, MINT, ROWS, resources, supplies


def refusals(found: Supplies) -> list[str]:
    with pytest.raises(BadInput) as caught:
        check(found)
    return [str(problem) for problem in caught.value.problems]


def test_dependencies_come_first() -> None:
    found = supplies(MINT, KEY, ROWS, METADATA)
    check(found)
    assert [job.manifest.name for job in in_order(found.resources)] == ["meta", "mint"]


def test_each_missing_thing_is_named_with_its_field() -> None:
    found = refusals(supplies(MINT + "  queue: q\n", KEY.replace("id.json", "other.json")))
    assert found == [
        "f.yaml:7: MintJob/mint: spec.wallet.secret: no key id.json in Secret key; there: other.json",
        "f.yaml:9: MintJob/mint: spec.metadataFrom.job: no MetadataJob meta among the manifests; there: none",
        "f.yaml:10: MintJob/mint: spec.queue: no JobQueue q; there: none",
    ]


def test_a_namespace_ends_where_it_ends() -> None:
    def elsewhere(text: str) -> str:
        return text.replace("}", ", namespace: other}", 1)

    queue = "apiVersion: mintworks.dev/v1alpha1\nkind: JobQueue\nmetadata: {name: q, namespace: other}\n"
    here = KEY.replace("name: key", "name: second")
    found = refusals(supplies(elsewhere(METADATA), MINT + "  queue: q\n", elsewhere(ROWS), elsewhere(KEY), here, queue))
    other = "in namespace other, not in the job's (default)"
    assert [line.partition("spec.")[2] for line in found] == [
        f"wallet.secret: no Secret key among the manifests; there: second; {other}: key",
        f"metadataFrom.job: no MetadataJob meta among the manifests; there: none; {other}: meta",
        f"queue: no JobQueue q; there: none; {other}: q",
    ]


def test_a_claim_needs_a_folder(tmp_path: Path) -> None:
    found = resources(METADATA.replace("configMap: {name: rows, key: rows.csv}", "volume: {claim: data, path: r.csv}"))
    (line,) = refusals(Supplies(found))
    assert "spec.rows: no PersistentVolumeClaim data: say --volume data=DIR" in line
    check(Supplies(found, {"data": tmp_path}))


def test_entries_of_every_form() -> None:
    coded = base64.b64encode(b"\x00\xff").decode()
    secret = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\ndata: {{a: {coded}, b: ''}}\nstringData: {{b: x}}\n"
    # In lines, as people fold it and the API server takes it.
    lines = f"|\n    {coded[:2]}\n    {coded[2:]}"
    rows = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\nbinaryData:\n  a: {lines}\ndata: {{b: ü}}\n"
    found = resources(secret, rows)
    assert entries(found.secrets["default", "s"]) == {"a": b"\x00\xff", "b": b"x"}
    assert entries(found.config_maps["default", "c"]) == {"a": b"\x00\xff", "b": "ü".encode()}


@pytest.mark.parametrize("entry", ["data: {id.json: 'not base64!'}", "stringData: {id.json: 5}", "data: [1]"])
def test_a_bad_entry_is_told_without_its_value(entry: str) -> None:
    (line,) = refusals(supplies(METADATA, MINT, ROWS, KEY.replace('stringData: {id.json: "[1]"}', entry)))
    assert line.startswith("f.yaml:")
    assert "Secret/key" in line
    assert "not base64" not in line


def test_the_example_and_the_fixture_are_whole() -> None:
    check(supplies(*ALL))
