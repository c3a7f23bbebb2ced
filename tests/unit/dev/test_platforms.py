"""The images are for amd64 and arm64: no step of their build is for one, every locked package has a wheel for both."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from mintworks_dev import paths
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

ROOT = paths.repository()
#: As Docker calls them, and as wheels do.
MACHINES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}
#: Of the Dockerfile's base: Debian 12.
PYTHON, GLIBC = (3, 11), 36
IMAGES = {"operator": "mintworks-operator", "runner": "mintworks-runners", "localnet": "mintworks-dev"}


def bake() -> str:
    return (ROOT / "docker-bake.hcl").read_text()


def test_the_build_names_both_platforms_and_the_charts_tag() -> None:
    (platforms,) = re.findall(r"platforms = \[(.*)\]", bake())
    assert [word.strip('" ') for word in platforms.split(",")] == list(MACHINES)
    chart = yaml.safe_load((ROOT / "charts" / "mintworks" / "Chart.yaml").read_text())
    assert f'variable "TAG" {{\n  default = "{chart["appVersion"]}"' in bake()
    stages = set(re.findall(r"^FROM .* AS (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    targets = set(re.findall(r'^  target += "(\S+)"', bake(), re.MULTILINE))
    assert targets == {"operator", "runner"} <= stages


@pytest.mark.parametrize("file", ["Dockerfile", "dev/images/Dockerfile"])
def test_no_step_is_for_one_platform(file: str) -> None:
    assert not re.findall(r"amd64|x86|arm64|aarch64|--platform|TARGETARCH", (ROOT / file).read_text())


def tags(machine: str) -> set[Tag]:
    """Wheels that the base's Python takes on that machine."""
    # The names that uv and pip make of the C library's version, the oldest being a name of its own.
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(GLIBC, 16, -1)] + [f"manylinux2014_{machine}"]
    return {*cpython_tags(PYTHON, platforms=platforms), *compatible_tags(PYTHON, "cp311", platforms)}


def packages(root: str) -> Iterator[dict[str, Any]]:
    """What the lock holds for a member of the workspace, itself left out; extras count as wanted."""
    locked = {p["name"]: p for p in tomllib.loads((ROOT / "uv.lock").read_text())["package"]}
    seen, todo = set(), [root]
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        package = locked[name]
        for wanted in (package.get("dependencies", []), *package.get("optional-dependencies", {}).values()):
            todo += [d["name"] for d in wanted if d["name"] in locked]
        if "registry" in package["source"]:
            yield package


@pytest.mark.parametrize("machine", MACHINES.values())
@pytest.mark.parametrize("image", IMAGES)
def test_every_locked_package_has_a_wheel(image: str, machine: str) -> None:
    """Nothing has to be compiled in an image, which has no compiler."""
    supported, lacking, compiled = tags(machine), [], set()
    for package in packages(IMAGES[image]):
        wheels = [parse_wheel_filename(w["url"].rsplit("/", 1)[1]) for w in package.get("wheels", [])]
        usable = [tag for _, _, _, offered in wheels for tag in offered if tag in supported]
        if not usable:
            lacking.append(package["name"])
        if any(machine in tag.platform for tag in usable):
            compiled.add(package["name"])
    assert lacking == []
    # The test itself sees wheels of this machine: these have no other.
    assert "pydantic-core" in compiled
    assert image == "operator" or "solders" in compiled
