"""Programs of the distribution, unpacked into `build/debian` rather than installed.

An installed containerd would start by itself, and displace the one that Docker brings; unpacked, the
system stays as it was. apt's own resolver says what is missing, from this machine's own sources.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from mintworks_dev import commands, inputs, paths
from mintworks_dev.progress import step

PACKAGES = (
    "buildah",
    "containerd",
    "containernetworking-plugins",
    "iproute2",
    "mmdebstrap",
    "mount",
    "nftables",
    "patchelf",
    "redis-server",
    "runc",
    "util-linux",
)


def root() -> Path:
    """The folder that holds the unpacked packages, laid out as on a system."""
    return paths.build() / "debian" / "root"


def ensure() -> Path:
    """Unpack PACKAGES and what they depend on, unless that is done, and return `root()`.

    Packages that the system has already are not fetched. Raises RuntimeError off a Debian-like system
    and CommandError where apt fails.
    """
    if not shutil.which("apt-get"):
        raise RuntimeError("the local cluster takes containerd, runc and others from apt, and there is no apt-get")
    stamp = paths.build() / "stamps" / "debian"
    with inputs.locked(stamp.with_suffix(".lock")):
        value = inputs.digest([Path(__file__)])
        if not inputs.fresh(stamp, value, root()):
            with step("unpacking containerd, runc, buildah and others from apt") as running:
                missing = _missing()
                running.detail = f"{len(missing)} packages"
                _unpack(missing)
            stamp.write_text(value)
    return root()


def _missing() -> list[str]:
    """The packages that installing PACKAGES would add, after refreshing apt's lists where they are stale."""
    command = ("apt-get", "--simulate", "--no-install-recommends", "install", *PACKAGES)
    try:
        plan = commands.run(*command)
    except commands.CommandError:
        commands.run("apt-get", "update")
        plan = commands.run(*command)
    return new_packages(plan)


def new_packages(plan: str) -> list[str]:
    """The names that a simulated installation would newly install (upgrades have an old version in [])."""
    return re.findall(r"^Inst (\S+) \(", plan, re.MULTILINE)


def _unpack(names: Sequence[str]) -> None:
    downloads = paths.build() / "debian" / "archives"
    downloads.mkdir(parents=True, exist_ok=True)
    if names:
        # apt gives up its rights to download, and then cannot write into a folder of root's.
        fetch = ("apt-get", "-o", "APT::Sandbox::User=root", "download", *names)
        try:
            commands.run(*fetch, cwd=downloads)
        except commands.CommandError:
            commands.run("apt-get", "update")
            commands.run(*fetch, cwd=downloads)
    root().mkdir(parents=True, exist_ok=True)
    for archive in sorted(downloads.glob("*.deb")):
        commands.run("dpkg-deb", "-x", archive, root())
        archive.unlink()
    _tell_libraries(root() / "usr" / "bin" / "buildah")


def _tell_libraries(file: Path) -> None:
    """Write into an unpacked program where its libraries are.

    buildah runs itself again for each step with an empty environment; LD_LIBRARY_PATH is lost there. It
    must be the older RPATH: that one holds for the libraries' own libraries too.
    """
    if file.exists():
        commands.run("patchelf", "--force-rpath", "--set-rpath", _libraries(), file, env=environment())


def _libraries() -> str:
    triplet = f"{platform.machine()}-linux-gnu"
    return os.pathsep.join(str(root() / folder / triplet) for folder in ("usr/lib", "lib"))


def environment() -> dict[str, str]:
    """PATH, library and Perl paths under which the unpacked programs run (the system's come after)."""
    base = root()
    triplet = f"{platform.machine()}-linux-gnu"
    programs = ["usr/local/sbin", "usr/sbin", "usr/bin", "sbin", "bin"]
    perl = [str(folder) for folder in sorted(base.glob("usr/share/perl*")) + sorted(base.glob("usr/share/perl/*"))]
    perl += [str(folder) for folder in sorted(base.glob(f"usr/lib/{triplet}/perl*"))]
    return {
        "PATH": os.pathsep.join([*(str(base / part) for part in programs), _system_path()]),
        "LD_LIBRARY_PATH": _libraries(),
        "PERL5LIB": os.pathsep.join(perl),
    }


def _system_path() -> str:
    # nft, ip and others live in sbin, which a plain user's PATH leaves out.
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])


def program(name: str) -> Path:
    """The path of the program `name`: the unpacked one, else the system's. Raises RuntimeError for none."""
    found = shutil.which(name, path=environment()["PATH"])
    if not found:
        raise RuntimeError(f"apt unpacked no program named {name}")
    return Path(found)


def cni_plugins() -> Path:
    """The folder of the CNI plugins: the unpacked one, else the system's."""
    own = root() / "usr" / "lib" / "cni"
    return own if own.is_dir() else Path("/usr/lib/cni")
