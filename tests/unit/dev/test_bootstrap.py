"""uv has one version, wherever it is installed from."""

from __future__ import annotations

import re

from mintworks_dev import paths


def version(file: str, pattern: str) -> str:
    (found,) = re.findall(pattern, (paths.repository() / file).read_text())
    return str(found)


def test_images_are_made_with_the_uv_that_people_work_with() -> None:
    assert version("dev/bootstrap.sh", r"uv_version=(\S+)") == version("Dockerfile", r"ARG UV_VERSION=(\S+)")
