"""Which cluster, and what of it is known before anything is done."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from mintworks_dev.cluster import CHOICES, choose
from mintworks_dev.images import Image, load


@pytest.fixture(autouse=True)
def build(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.delenv("MINTWORKS_REGISTRY", raising=False)
    # tmp_path is too long for the sockets below it where tests run side by side.
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setenv("MINTWORKS_BUILD", folder)
        yield Path(folder).resolve()


@pytest.mark.parametrize("value", ["", None])
def test_the_current_cluster_asks_for_a_registry_at_once(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if value is not None:
        # As the Makefile has it where nobody named one.
        monkeypatch.setenv("MINTWORKS_REGISTRY", value)
    with pytest.raises(RuntimeError, match=r"REGISTRY=registry\.example\.com/mintworks"):
        choose("current").check()


def test_a_registry_is_named_by_option_or_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINTWORKS_REGISTRY", "registry.test/one/")
    assert choose("current").registry == "registry.test/one"
    assert choose("current", registry="registry.test/two").registry == "registry.test/two"
    choose("current").check()


@pytest.mark.parametrize("kind", ["local", "kind"])
def test_a_registry_is_refused_where_images_need_none(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="takes its images from this machine"):
        choose(kind, registry="registry.test/mintworks")
    monkeypatch.setenv("MINTWORKS_REGISTRY", "registry.test/mintworks")
    assert choose(kind).registry == "localhost/mintworks"


def test_docker_is_missed_before_anything_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(RuntimeError, match="Docker"):
        choose("kind").check()


def test_several_kubeconfig_files_are_passed_on_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/a/config:/b/config")
    assert choose("current").environment == {"KUBECONFIG": "/a/config:/b/config"}
    monkeypatch.delenv("KUBECONFIG")
    assert choose("current").environment["KUBECONFIG"].endswith("/.kube/config")


def test_an_own_cluster_has_its_own_kubeconfig_and_cache(monkeypatch: pytest.MonkeyPatch, build: Path) -> None:
    monkeypatch.setenv("KUBECONFIG", "/a/config")
    folder = build / "cluster" / "dev"
    expected = {"KUBECONFIG": str(folder / "admin.kubeconfig"), "KUBECACHEDIR": str(folder / "cache")}
    assert choose("local").environment == expected


def test_no_other_kinds() -> None:
    with pytest.raises(ValueError, match=", ".join(CHOICES)):
        choose("remote")


class Shelf:
    """Takes images, and tells by what names."""

    registry = "registry.test/mintworks"

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []

    def load_image(self, archive: Path, *, reference: str, also: str = "") -> None:
        self.taken.append((reference, also))


def test_nodes_know_images_by_registry_and_content(tmp_path: Path) -> None:
    shelf = Shelf()
    image = Image("runner", "localhost/mintworks/runner:dev", "0123456789ab", tmp_path / "runner.tar")
    assert load(shelf, [image]) == {"runner": "registry.test/mintworks/runner:0123456789ab"}
    assert shelf.taken == [("localhost/mintworks/runner:dev", "registry.test/mintworks/runner:0123456789ab")]
