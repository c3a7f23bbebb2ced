"""A chain of jobs on a real API server: applied from its end, failed at its first link, and one link made anew."""

from __future__ import annotations

from support.kubelet import Kubelet
from support.polling import eventually
from support.specs import CID, METADATA, MINT, RESULTS, UPLOAD

OTHER = "bafybeihwnohbnpl5alrqczf3wpr5tu27rqbnexa6nz4sj5jp4jsbdjc7zq"
ROWS = {**METADATA, "images": {"job": "images"}, "backoff": {"type": "fixed", "delay": "1s", "jitter": 0}}
DROP = {**MINT, "metadataFrom": {"job": "rows"}}


def waits_for(space: Kubelet, kind: str, name: str, words: str) -> str:
    """The reason for which a job waits, once its message has these words."""

    def found() -> str | None:
        condition = space.condition(kind, name, "Progressing")
        return str(condition["reason"]) if words in condition.get("message", "") else None

    return eventually(f"{name} says {words}", found)


def test_from_the_last_link_to_the_first(space: Kubelet) -> None:
    space.apply("CleanupJob", "audit", {"failedMint": {"job": "drop"}})
    assert waits_for(space, "CleanupJob", "audit", "no MintJob drop") == "DependencyMissing"
    space.apply("MintJob", "drop", DROP)
    assert waits_for(space, "MintJob", "drop", "no MetadataJob rows") == "DependencyMissing"
    space.apply("MetadataJob", "rows", ROWS)
    assert waits_for(space, "MetadataJob", "rows", "no UploadJob images") == "DependencyMissing"
    # What holds the first up is told by the last, too.
    waits_for(space, "MintJob", "drop", "no UploadJob images")
    space.apply("UploadJob", "images", UPLOAD)
    for kind, name in (("UploadJob", "images"), ("MetadataJob", "rows"), ("MintJob", "drop")):
        space.start(name, 1)
        space.end(name, 1, 0, {"result": RESULTS[kind]})
        space.phase(kind, name, "Succeeded")
    assert space.status("MetadataJob", "rows")["inputs"]["imagesCid"] == CID
    told = space.document(space.start("audit", 1))["dependencies"]
    assert {name: job["kind"] for name, job in told.items()} == {"drop": "MintJob", "drop.rows": "MetadataJob"}


def test_a_failed_link_shows_in_each_that_follows(space: Kubelet) -> None:
    for kind, name, spec in (("UploadJob", "images", UPLOAD), ("MetadataJob", "rows", ROWS), ("MintJob", "drop", DROP)):
        space.apply(kind, name, spec)
    space.end("images", 1, 64, {"reason": "UnsafeSvg", "message": "a.svg: it holds <script>."})
    for kind, name in (("MetadataJob", "rows"), ("MintJob", "drop")):
        assert waits_for(space, kind, name, "UploadJob images failed") == "DependencyFailed"
        waits_for(space, kind, name, "a.svg: it holds <script>")
    assert [job.metadata.labels["mintworks.dev/job"] for job in space.jobs()] == ["images"]


def test_a_link_made_anew_with_other_content_stops_the_next(space: Kubelet) -> None:
    space.apply("UploadJob", "images", UPLOAD)
    space.apply("MetadataJob", "rows", ROWS)
    space.end("images", 1, 0, {"result": RESULTS["UploadJob"]})
    space.end("rows", 1, 1, {"reason": "StorageUnavailable", "message": "Not now."})
    space.phase("MetadataJob", "rows", "Backoff", "Running")
    space.delete("UploadJob", "images")
    eventually("it is gone", lambda: space.nothing_runs("images"))
    space.apply("UploadJob", "images", UPLOAD)
    space.end("images", 1, 0, {"result": {**RESULTS["UploadJob"], "cid": OTHER}})
    space.phase("UploadJob", "images", "Succeeded")
    stopped = {job.metadata.labels["mintworks.dev/run"] for job in space.jobs("rows")}
    assert waits_for(space, "MetadataJob", "rows", OTHER) == "InputChanged"
    assert {job.metadata.labels["mintworks.dev/run"] for job in space.jobs("rows")} == stopped
    # The old content back under the same name, and it goes on.
    space.delete("UploadJob", "images")
    eventually("it is gone", lambda: space.nothing_runs("images"))
    space.apply("UploadJob", "images", UPLOAD)
    space.end("images", 1, 0, {"result": RESULTS["UploadJob"]})
    space.end("rows", len(stopped) + 1, 0, {"result": RESULTS["MetadataJob"]})
    space.phase("MetadataJob", "rows", "Succeeded")


def test_content_that_others_name_is_frozen_before_anything_is_unpinned(space: Kubelet) -> None:
    space.apply("MetadataJob", "names", {**METADATA, "suspend": True})
    eventually("it was seen", lambda: space.status("MetadataJob", "names").get("phase") == "Suspended")
    content = {"cids": [CID, OTHER], "storage": {"kubo": {"url": "http://ipfs:5001"}}}
    space.apply("CleanupJob", "clean", {"content": content})
    told = space.document(space.start("clean", 1))
    assert told["inputs"] == {"kept": [CID]} == space.status("CleanupJob", "clean")["inputs"]
    space.end("clean", 1, 0, {"result": {**RESULTS["CleanupJob"], "dryRun": True, "cids": [OTHER]}})
    assert space.phase("CleanupJob", "clean", "Succeeded")["result"]["dryRun"] is True
    # Meanwhile somebody names the other one as well: what the dry run said does not hold any more.
    space.apply("MetadataJob", "too", {**METADATA, "images": {"cid": OTHER}, "suspend": True})
    eventually("it was seen", lambda: space.status("MetadataJob", "too").get("phase") == "Suspended")
    space.change("CleanupJob", "clean", {"dryRun": False})
    assert waits_for(space, "CleanupJob", "clean", "kept") == "InputChanged"
    assert len(space.jobs("clean")) == 1
