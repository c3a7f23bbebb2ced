"""Mount points outlive every cluster but the last that uses them."""

from __future__ import annotations

from pathlib import Path

import pytest
from mintworks_dev.cluster import mountpoints
from mintworks_dev.cluster.layout import Layout


@pytest.fixture
def clusters(tmp_path: Path) -> tuple[Layout, Layout]:
    found = Layout("one", tmp_path / "1", 0), Layout("two", tmp_path / "2", 1)
    for layout in found:
        layout.root.mkdir()
    return found


@pytest.mark.parametrize("last", [0, 1])
def test_a_made_folder_goes_with_the_last_cluster_that_uses_it(
    tmp_path: Path, clusters: tuple[Layout, Layout], last: int
) -> None:
    path = tmp_path / "run" / "containerd"
    for layout in clusters:
        mountpoints.claim(layout, path)
    mountpoints.release(clusters[1 - last])
    assert path.is_dir()
    assert [mark.parent for mark in mountpoints.marks(clusters[last])] == [path, path.parent]
    mountpoints.release(clusters[last])
    assert not path.parent.exists()
    assert mountpoints.marks(clusters[last]) == []


def test_a_folder_that_was_there_stays_as_it_was(tmp_path: Path, clusters: tuple[Layout, Layout]) -> None:
    path = tmp_path / "lib"
    path.mkdir()
    mountpoints.claim(clusters[0], path)
    assert list(path.iterdir()) == []
    mountpoints.release(clusters[0])
    assert path.is_dir()


def test_a_made_folder_that_somebody_uses_by_now_stays(tmp_path: Path, clusters: tuple[Layout, Layout]) -> None:
    path = tmp_path / "kubelet"
    mountpoints.claim(clusters[0], path)
    (path / "theirs").touch()
    mountpoints.release(clusters[0])
    assert [entry.name for entry in path.iterdir()] == ["theirs"]


def test_release_twice_is_as_good_as_once(tmp_path: Path, clusters: tuple[Layout, Layout]) -> None:
    mountpoints.claim(clusters[0], tmp_path / "one")
    mountpoints.release(clusters[0])
    mountpoints.release(clusters[0])
    assert not (tmp_path / "one").exists()
