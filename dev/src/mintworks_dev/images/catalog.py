"""The images there are, and what each is made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mintworks_dev import golang, inputs, paths
from mintworks_dev.images import base

PREFIX = "localhost/mintworks"
"""No registry has this name: the images are built here and loaded into the cluster."""

BASE = f"{PREFIX}/base:dev"
"""What all others are built on, made here from apt."""

PRODUCT = "Dockerfile"
DEVELOPMENT = "dev/images/Dockerfile"

LOCKED = (
    "pyproject.toml",
    "uv.lock",
    *(f"{part}/pyproject.toml" for part in ("crds", "operator", "jobrunners", "cli", "dev")),
)


@dataclass(frozen=True)
class Recipe:
    """The image `name`: the target of that name in `dockerfile`.

    `sources` are the files below the repository that go into it, `program` one from Go modules.
    """

    name: str
    dockerfile: str
    sources: tuple[str, ...]
    program: golang.Program | None = None

    @property
    def reference(self) -> str:
        """The image's name with its everyday tag."""
        return f"{PREFIX}/{self.name}:dev"

    @property
    def archive(self) -> Path:
        """Where the built image is saved."""
        return paths.build() / "images" / f"{self.name}.tar"

    def inputs(self) -> list[Path]:
        """Every file that the image is made of, the base image aside; builds `program` first."""
        repository = paths.repository()
        files = [repository / source for source in (self.dockerfile, *self.sources)]
        if self.program:
            files.append(golang.ensure(self.program))
        return files

    def digest(self) -> str:
        """The hex SHA-256 of what the image is made of."""
        # The base's tar is not hashed: made again, it differs in its packages' dates alone.
        return inputs.digest([*self.inputs(), Path(base.__file__)], BASE)


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("operator", PRODUCT, (*LOCKED, "crds/src", "operator/src")),
        Recipe("runner", PRODUCT, (*LOCKED, "crds/src", "jobrunners/src")),
        Recipe("localnet", PRODUCT, (*LOCKED, "crds/src", "jobrunners/src", "dev/src")),
        Recipe("redis", DEVELOPMENT, ()),
        Recipe("ipfs", DEVELOPMENT, ("dev/images/serve-ipfs",), golang.KUBO),
    )
}
