"""A base image without a registry: the distribution of this machine with Python, from its own apt sources."""

from __future__ import annotations

from pathlib import Path

from mintworks_dev import commands, debian, inputs, paths
from mintworks_dev.progress import step

PACKAGES = ("ca-certificates", "python3-minimal", "python3-venv")

UNREAD = ("/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/man/*")
"""What nobody reads in a container."""

DISTRIBUTIONS = ("Debian", "Ubuntu")
"""Sources of others on this machine, such as a cloud's tools, have no place in the base."""

FORMAT = "$(CREATED_BY)|$(ORIGIN)|$(SITE)|$(RELEASE)|$(COMPONENT)"


def ensure() -> Path:
    """The root file system as a tar file, made by mmdebstrap unless it is there.

    Raises CommandError where mmdebstrap fails, RuntimeError off a Debian-like system.
    """
    target = paths.build() / "images" / "base.tar"
    stamp = paths.build() / "stamps" / "image-base"
    with inputs.locked(stamp.with_suffix(".lock")):
        value = inputs.digest([Path(__file__)], codename())
        if not inputs.fresh(stamp, value, target):
            target.parent.mkdir(parents=True, exist_ok=True)
            debian.ensure()
            with step("making the base image from apt"):
                _make(target)
            stamp.write_text(value)
    return target


def _make(target: Path) -> None:
    new = target.with_suffix(".new.tar")
    sources = source_lines(commands.run("apt-get", "indextargets", "--format", FORMAT))
    commands.run(
        "mmdebstrap",
        "--quiet",
        "--variant=minbase",
        f"--include={','.join(PACKAGES)}",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in UNREAD),
        '--aptopt=APT::Sandbox::User "root"',
        codename(),
        new,
        "-",
        stdin=sources,
        env=debian.environment(),
    )
    new.replace(target)


def codename(release: Path = Path("/etc/os-release")) -> str:
    """The distribution's name of this machine's release, such as bookworm.

    Raises RuntimeError where `release` does not say.
    """
    for line in release.read_text().splitlines():
        if line.startswith("VERSION_CODENAME="):
            return line.partition("=")[2].strip('"')
    raise RuntimeError(f"{release} has no VERSION_CODENAME; a base image is made on Debian or Ubuntu only")


def source_lines(targets: str) -> str:
    """apt's index targets (lines of FORMAT) as the lines of a sources.list, each source once."""
    lines: dict[str, None] = {}
    for target in targets.splitlines():
        kind, origin, site, release, component = target.split("|")
        if kind == "Packages" and origin.startswith(DISTRIBUTIONS):
            lines[f"deb {site} {release} {component}"] = None
    return "".join(f"{line}\n" for line in lines)
