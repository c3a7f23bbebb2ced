"""Manifests are held to their models; what is wrong names file, line, resource, field and what is allowed."""

import pytest
from mintworks_cli.problems import BadInput
from support.manifests import ALL, KEY, METADATA, MINT, ROWS, resources


def refusals(*texts: str) -> list[str]:
    with pytest.raises(BadInput) as caught:
        resources(*texts)
    return [str(problem) for problem in caught.value.problems]


def test_everything_finds_its_place() -> None:
    pvc = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: c}\n"
    queue = "apiVersion: mintworks.dev/v1alpha1\nkind: JobQueue\nmetadata: {name: q}\nspec: {concurrency: 1}\n"
    found = resources(*ALL, pvc, queue)
    assert list(found.jobs) == [("default", "MetadataJob", "meta"), ("default", "MintJob", "mint")]
    assert list(found.queues) == [("default", "q")]
    assert list(found.secrets) == [("default", "key")]
    assert list(found.config_maps) == [("default", "rows")]
    assert found.ignored == ["PersistentVolumeClaim/c"]


def test_a_list_holds_resources() -> None:
    indented = "".join(f"    {line}\n" for line in METADATA.splitlines())
    found = resources("apiVersion: v1\nkind: List\nitems:\n  -\n" + indented)
    assert list(found.jobs) == [("default", "MetadataJob", "meta")]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("capacity: 8", "capacity: 0", "f.yaml:8: MintJob/mint: spec.tree.create.capacity: 0: must be greater than"),
        ("capacity: 8", "capactiy: 8", "spec.tree.create.capactiy: unknown field; did you mean capacity? allowed: ca"),
        ("create: {capacity: 8}", "", "f.yaml:8: MintJob/mint: spec.tree: "),
        ("  tree: {create: {capacity: 8}}\n", "", "f.yaml:4: MintJob/mint: spec.tree: required (The Merkle tree.)"),
        ("name: mint", "name: Mint", "metadata.name: 'Mint' is not a DNS label"),
        ("metadata: {name: mint}", "metadata: {}", "metadata.name: required"),
        (
            "name: mint}",
            "name: mint, namespace: 5}",
            "f.yaml:3: MintJob/mint: metadata.namespace: text is expected",
        ),
        ("name: mint}", "name: mint, namespace: [a]}", "f.yaml:3: MintJob/mint: metadata.namespace: text is expected"),
        ("name: mint}", "name: mint, namespace: A}", "metadata.namespace: 'A' is not a DNS label"),
        ("kind: MintJob", "kind: MintJobs", "kind: 'MintJobs' is not a kind of mintworks.dev; allowed: CleanupJob,"),
        ("v1alpha1", "v1", "apiVersion: 'mintworks.dev/v1' is not served; allowed: mintworks.dev/v1alpha1"),
        ("spec:", "spec: 1\nstatus:", "spec: required, as a mapping"),
        ("spec:", "extra: 1\nspec:", "f.yaml:4: MintJob/mint: extra: unknown field"),
        ("job: meta", "job: 5", "spec.metadataFrom.job: 5: must be a valid string"),
    ],
)
def test_what_does_not_fit_is_told(old: str, new: str, says: str) -> None:
    assert old in MINT
    assert any(says in line for line in refusals(MINT.replace(old, new)))


def test_a_namespace_that_is_null_is_none() -> None:
    assert ("default", "key") in resources(KEY.replace("name: key", "name: key, namespace: null")).secrets


def test_all_problems_are_told_together() -> None:
    assert len(refusals(METADATA.replace("Lights", ""), MINT.replace("capacity: 8", "capacity: x"))) == 2


def test_a_field_of_several_types_is_told_once() -> None:
    bad = METADATA + "  runner: {resources: {limits: {cpu: [1]}}}\n"
    (line,) = refusals(bad)
    assert "f.yaml:8: MetadataJob/meta: spec.runner.resources.limits.cpu: " in line


def test_credentials_in_a_url_are_not_repeated() -> None:
    (line,) = refusals(MINT.replace("http://chain:8899", "https://me:secret@chain/?api-key=hush"))
    assert "spec.solana.rpcUrls.0" in line
    assert "secret" not in line
    assert "hush" not in line


def test_a_name_stands_once() -> None:
    (line,) = refusals(KEY, ROWS, KEY)
    assert "f.yaml:15: Secret/key: stands twice, first at f.yaml:1" in line


@pytest.mark.parametrize("text", ["- 1\n", "just text\n", "kind: X\n", "apiVersion: v1\nkind: Secret\nmetadata: 5\n"])
def test_what_is_no_resource(text: str) -> None:
    assert refusals(text)
