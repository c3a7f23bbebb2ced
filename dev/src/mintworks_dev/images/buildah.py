"""buildah without a daemon, without user namespaces, and without traces outside of build/."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from mintworks_dev import commands, debian, overlay, paths

CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
"""Where the images have their CA bundle, and Debian-like machines theirs."""


def _storage() -> Path:
    return paths.build() / "images" / "storage"


def _environment() -> dict[str, str]:
    temporary = paths.build() / "images" / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    return {
        **debian.environment(),
        # chroot: no user namespaces and no control groups of its own, which containers often lack.
        "BUILDAH_ISOLATION": "chroot",
        "TMPDIR": str(temporary),
        # A configuration of this machine's own must not lead elsewhere.
        "CONTAINERS_CONF": os.devnull,
    }


def _command(*arguments: str | Path) -> list[str]:
    storage = _storage()
    # vfs copies whole layers for each step, and works on every file system.
    driver = "overlay" if overlay.works(storage) else "vfs"
    common = [f"--storage-driver={driver}", f"--root={storage / 'root'}", f"--runroot={storage / 'run'}"]
    registries = debian.root() / "etc" / "containers" / "registries.conf"
    if registries.exists():
        common.append(f"--registries-conf={registries}")
    return ["buildah", *common, *map(str, arguments)]


def build(
    name: str,
    dockerfile: Path,
    target: str,
    context: Path,
    *,
    arguments: Mapping[str, str],
    ca_bundle: Path | None,
    on_line: Callable[[str], None],
) -> None:
    """Build `target` of `dockerfile` as the image `name`; unchanged steps come from the cache.

    `ca_bundle` is mounted over the image's own for the steps, and is no part of the image. Raises
    CommandError with the last lines of the build.
    """
    options: list[str | Path] = ["--layers", "--pull=never", "--format=docker", f"--target={target}", f"--tag={name}"]
    options += [f"--build-arg={key}={value}" for key, value in arguments.items()]
    if ca_bundle:
        options.append(f"--volume={ca_bundle}:{CA_BUNDLE}:ro")
    options += [f"--file={dockerfile}", f"--ignorefile={ignore_file(context)}"]
    commands.follow(_command("build", *_policy(), *options, context), on_line, env=_environment())


def ignore_file(context: Path) -> Path:
    """The context's list of files to leave out, or an empty one."""
    own = context / ".dockerignore"
    return own if own.exists() else Path(os.devnull)


def _policy() -> list[str]:
    policy = debian.root() / "etc" / "containers" / "policy.json"
    return [f"--signature-policy={policy}"] if policy.exists() else []


def save(name: str, archive: Path) -> None:
    """Write the image `name` to `archive` (docker-archive, uncompressed: it is read on this machine)."""
    new = archive.with_suffix(".new.tar")
    new.unlink(missing_ok=True)
    push(name, f"docker-archive:{new}:{name}")
    new.replace(archive)


def push(name: str, destination: str) -> None:
    """Copy the image `name` to `destination`, with its transport: `docker://REGISTRY/NAME:TAG`, `oci:FOLDER:TAG`.

    A registry's credentials are those that `buildah login` (or podman's, or Docker's) keeps for this user. Raises
    CommandError with buildah's words.
    """
    commands.run(*_command("push", *_policy(), name, destination), env=_environment())
