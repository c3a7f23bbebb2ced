"""Build the images whose inputs changed, and hand them to a cluster."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mintworks_dev import debian, inputs, paths
from mintworks_dev.images import base, buildah
from mintworks_dev.images.catalog import BASE, DEVELOPMENT, RECIPES, Recipe
from mintworks_dev.progress import step

TAG_LENGTH = 12


@dataclass(frozen=True)
class Image:
    """A built image: `archive` holds it as `reference`; `tag` names its content (12 hex digits)."""

    name: str
    reference: str
    tag: str
    archive: Path


class Loader(Protocol):
    """What takes images: a cluster. Its nodes know them by names below `registry`."""

    registry: str

    def load_image(self, archive: Path, *, reference: str, also: str = "") -> None:
        """Take the image `reference` in `archive`, and know it under the name `also` too."""


def default_ca_bundle() -> Path | None:
    """The machine's own CA bundle, where it has certificates that the base image lacks (a proxy's), else None.

    MINTWORKS_CA_BUNDLE names another.
    """
    named = os.environ.get("MINTWORKS_CA_BUNDLE")
    if named:
        return Path(named)
    own = buildah.CA_BUNDLE
    # The distribution's own bundle holds its own folder of certificates, one for one.
    shipped = sum(1 for _ in Path("/usr/share/ca-certificates").rglob("*.crt"))
    if own.is_file() and own.read_text(errors="replace").count("BEGIN CERTIFICATE") > shipped:
        return own
    return None


def build(names: Iterable[str] = RECIPES, *, ca_bundle: Path | None = None) -> dict[str, Image]:
    """Build those of `names` whose inputs changed, and return all of them by name.

    `ca_bundle` serves the steps that download; by default `default_ca_bundle()`. Raises KeyError for an
    unknown name, CommandError with the end of the log for a failed build.
    """
    recipes = [RECIPES[name] for name in names]
    with inputs.locked(paths.build() / "images" / "lock"):
        return {recipe.name: _ensure(recipe, ca_bundle or default_ca_bundle()) for recipe in recipes}


def _ensure(recipe: Recipe, ca_bundle: Path | None) -> Image:
    stamp = paths.build() / "stamps" / f"image-{recipe.name}"
    stamp.parent.mkdir(exist_ok=True)
    value = recipe.digest()
    if not inputs.fresh(stamp, value, recipe.archive):
        debian.ensure()
        _ensure_base()
        with step(f"building image {recipe.name}") as running:

            def on_line(line: str) -> None:
                if line.startswith(("STEP", "[")):
                    running.detail = line[:100]

            dockerfile = paths.repository() / recipe.dockerfile
            buildah.build(
                recipe.reference,
                dockerfile,
                recipe.name,
                _context(recipe),
                arguments={"BASE": BASE},
                ca_bundle=ca_bundle,
                on_line=on_line,
            )
            running.detail = "saving"
            buildah.save(recipe.reference, recipe.archive)
            running.detail = ""
        stamp.write_text(value)
    return Image(recipe.name, recipe.reference, value[:TAG_LENGTH], recipe.archive)


def _context(recipe: Recipe) -> Path:
    """The folder that COPY refers to: the repository, or for DEVELOPMENT one with just the image's files."""
    if recipe.dockerfile != DEVELOPMENT:
        return paths.repository()
    folder = paths.build() / "images" / "context" / recipe.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in recipe.inputs():
        shutil.copy2(file, folder / file.name)
    return folder


def _ensure_base() -> None:
    """Import the base's tar as BASE, unless that was done with this very file."""
    tar = base.ensure()
    stamp = paths.build() / "stamps" / "image-base-imported"
    value = f"{tar.stat().st_size} {tar.stat().st_mtime_ns}"
    if inputs.fresh(stamp, value):
        return
    with step("importing the base image"):
        dockerfile = paths.repository() / DEVELOPMENT
        folder = paths.build() / "images" / "context" / "base"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "base.tar").hardlink_to(tar)
        buildah.build(BASE, dockerfile, "base", folder, arguments={}, ca_bundle=None, on_line=lambda _: None)
        stamp.write_text(value)


def load(cluster: Loader, images: Iterable[Image]) -> dict[str, str]:
    """Give `images` to `cluster`, and return for each name the reference by which its nodes know it: by its content."""
    references = {}
    for image in images:
        references[image.name] = f"{cluster.registry}/{image.name}:{image.tag}"
        cluster.load_image(image.archive, reference=image.reference, also=references[image.name])
    return references
