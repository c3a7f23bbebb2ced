from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path

import pytest
from mintworks_dev import debian, inputs, paths
from mintworks_dev.images import RECIPES, archive, base

PLAN = """\
NOTE: This is only a simulation!
Inst login [1:4.13+dfsg1-1+deb12u1] (1:4.13+dfsg1-1+deb12u2 Debian:12.15/oldstable [amd64])
Inst libnftnl11 (1.2.4-2 Debian:12.15/oldstable [amd64])
Inst nftables (1.0.6-2+deb12u2 Debian:12.15/oldstable [amd64]) []
Conf nftables (1.0.6-2+deb12u2 Debian:12.15/oldstable [amd64])
"""

TARGETS = """\
Packages|Debian|http://mirror.test/debian|bookworm|main
DEP-11|Debian|http://mirror.test/debian|bookworm|main
Packages|Debian|http://mirror.test/debian|bookworm|main
Packages|Debian|http://mirror.test/security|bookworm-security|main
Packages|Somebody Else|http://else.test/apt|stable|main
"""


def test_only_packages_that_the_system_lacks_are_unpacked() -> None:
    assert debian.new_packages(PLAN) == ["libnftnl11", "nftables"]


def test_the_base_comes_from_the_distributions_sources_each_once() -> None:
    assert base.source_lines(TARGETS) == (
        "deb http://mirror.test/debian bookworm main\ndeb http://mirror.test/security bookworm-security main\n"
    )


def test_the_release_has_a_name(tmp_path: Path) -> None:
    release = tmp_path / "os-release"
    release.write_text('ID=debian\nVERSION_CODENAME="bookworm"\n')
    assert base.codename(release) == "bookworm"
    release.write_text("ID=arch\n")
    with pytest.raises(RuntimeError, match="VERSION_CODENAME"):
        base.codename(release)


def test_an_archive_holds_what_its_manifest_says(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"\x7fELF")
    target = tmp_path / "image.tar"
    archive.write(target, "localhost/mintworks/pause:1", {"/pause": program}, ["/pause"])
    with tarfile.open(target) as image:
        files = {member.name: image.extractfile(member) for member in image.getmembers()}
        content = {name: file.read() for name, file in files.items() if file}
    (manifest,) = json.loads(content["manifest.json"])
    config = json.loads(content[manifest["Config"]])
    assert manifest["RepoTags"] == ["localhost/mintworks/pause:1"]
    assert config["config"]["Entrypoint"] == ["/pause"]
    layers = [f"sha256:{hashlib.sha256(content[layer]).hexdigest()}" for layer in manifest["Layers"]]
    assert config["rootfs"]["diff_ids"] == layers


def test_every_image_is_made_of_files_that_are_there() -> None:
    for recipe in RECIPES.values():
        for source in (recipe.dockerfile, *recipe.sources):
            assert (paths.repository() / source).exists(), source


def test_a_digest_follows_names_and_content_but_not_compiled_code(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "__pycache__").mkdir(parents=True)
    (source / "a.py").write_text("1")
    before = inputs.digest([source], "parameter")
    (source / "__pycache__" / "a.pyc").write_text("compiled")
    assert inputs.digest([source], "parameter") == before
    assert inputs.digest([source], "other") != before
    (source / "a.py").rename(source / "b.py")
    assert inputs.digest([source], "parameter") != before


def test_a_product_is_fresh_only_with_its_stamp_and_itself(tmp_path: Path) -> None:
    stamp, product = tmp_path / "stamp", tmp_path / "product"
    assert not inputs.fresh(stamp, "1", product)
    stamp.write_text("1")
    assert not inputs.fresh(stamp, "1", product)
    product.touch()
    assert inputs.fresh(stamp, "1", product)
    assert not inputs.fresh(stamp, "2", product)
