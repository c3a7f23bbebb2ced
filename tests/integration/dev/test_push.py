"""An image built here is what arrives where it is pushed; a folder stands for the registry, by the same command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mintworks_dev import images
from mintworks_dev.commands import CommandError
from mintworks_dev.images import buildah


def test_a_pushed_image_is_the_one_that_was_built(tmp_path: Path) -> None:
    (image,) = images.build(["redis"]).values()
    buildah.push(image.reference, f"oci:{tmp_path / 'registry'}:{image.tag}")
    (entry,) = json.loads((tmp_path / "registry" / "index.json").read_text())["manifests"]
    assert entry["annotations"]["org.opencontainers.image.ref.name"] == image.tag

    def blob(digest: str) -> bytes:
        return (tmp_path / "registry" / "blobs" / digest.replace(":", "/")).read_bytes()

    config = json.loads(blob(json.loads(blob(entry["digest"]))["config"]["digest"]))
    assert config["config"]["Entrypoint"] == ["redis-server"]


def test_what_cannot_be_pushed_is_said() -> None:
    with pytest.raises(CommandError, match="push"):
        buildah.push("localhost/mintworks/none:dev", "docker://127.0.0.1:1/mintworks/none:dev")
