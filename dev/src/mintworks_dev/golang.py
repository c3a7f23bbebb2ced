"""Build programs from Go modules into `build/bin`, each only when its module folder changed."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from mintworks_dev import commands, inputs, paths
from mintworks_dev.progress import step

NEEDED = (1, 26)
"""The Go version the modules ask for; an older one (from 1.21 on) fetches it by itself."""

KUBERNETES_VERSION = "1.37.2"
HELM_VERSION = "v4.3.1"


@dataclass(frozen=True)
class Program:
    """A program to build: `module` is its folder in dev/go, `package` what to build there."""

    name: str
    module: str
    package: str = "."
    links: tuple[str, ...] = ()
    ldflags: tuple[str, ...] = ()

    @property
    def source(self) -> Path:
        """The folder with its go.mod."""
        return paths.repository() / "dev" / "go" / self.module


def _kubernetes_version_flags() -> tuple[str, ...]:
    # Without these the parts report version v0.0.0 and refuse each other.
    major, minor, _ = KUBERNETES_VERSION.split(".")
    version = "-X k8s.io/component-base/version"
    return (f"{version}.gitVersion=v{KUBERNETES_VERSION}", f"{version}.gitMajor={major}", f"{version}.gitMinor={minor}")


KUBERNETES = Program(
    "kubernetes",
    "kubernetes",
    links=(
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-proxy",
        "kube-scheduler",
        "kubectl",
        "kubelet",
        "rmpods",
        "volumes",
    ),
    ldflags=_kubernetes_version_flags(),
)
COREDNS = Program("coredns", "coredns")
PAUSE = Program("pause", "pause")
HELM = Program(
    "helm",
    "helm",
    package="helm.sh/helm/v4/cmd/helm",
    ldflags=(f"-X helm.sh/helm/v4/internal/version.version={HELM_VERSION}",),
)
KWOK = Program("kwok", "kwok", package="sigs.k8s.io/kwok/cmd/kwok")
KUBO = Program("ipfs", "kubo", package="github.com/ipfs/kubo/cmd/ipfs")
JOBSET = Program("jobset", "jobset", package="sigs.k8s.io/jobset")
"""What the operator is compared with; nothing else needs it."""
VERSITYGW = Program("versitygw", "versitygw", package="github.com/versity/versitygw/cmd/versitygw")


def ensure(program: Program) -> Path:
    """Build `program` unless it is up to date, and return its path in `build/bin`.

    Raises RuntimeError where there is no Go of at least 1.21, CommandError where the build fails.
    """
    target = paths.binaries() / program.name
    stamp = paths.build() / "stamps" / f"go-{program.name}"
    with inputs.locked(stamp.with_suffix(".lock")):
        value = inputs.digest([program.source], program.package, *program.ldflags)
        if not inputs.fresh(stamp, value, target):
            _build(program, target)
            stamp.write_text(value)
        for link in program.links:
            _link(target, target.with_name(link))
    return target


def _build(program: Program, target: Path) -> None:
    flags = " ".join(("-s -w", *program.ldflags))
    # To a second name and then moved: a running copy of the old one keeps working.
    made = target.with_name(f".{target.name}.new")
    # Without VCS data: git refuses to speak about a working tree that belongs to another user.
    command = ["go", "build", "-v", "-buildvcs=false", "-trimpath", "-ldflags", flags, "-o", str(made), program.package]
    counts = {"downloaded": 0, "compiled": 0}
    with step(f"building {program.name} from its Go modules") as running:

        def on_line(line: str) -> None:
            counts["downloaded" if line.startswith("go: downloading") else "compiled"] += 1
            running.detail = f"{counts['downloaded']} modules downloaded, {counts['compiled']} packages compiled"

        commands.follow(command, on_line, env=_environment(), cwd=program.source)
        made.replace(target)


def module_folder(program: Program, module: str) -> Path:
    """Where the source of a module is that `program` is built from, with all that is not Go.

    Raises CommandError where it cannot be had.
    """
    commands.run("go", "mod", "download", module, env=_environment(), cwd=program.source)
    found = commands.run("go", "list", "-m", "-f", "{{.Dir}}", module, env=_environment(), cwd=program.source)
    return Path(found.strip())


def _environment() -> dict[str, str]:
    """Static binaries; and where Go is older than NEEDED, leave to fetch that version."""
    environment = {"CGO_ENABLED": "0", "GOWORK": "off"}
    try:
        said = commands.run("go", "env", "GOVERSION", cwd=Path("/")).strip()
    except FileNotFoundError:
        raise RuntimeError("there is no `go` on PATH; version 1.21 or newer is needed") from None
    match = re.match(r"go(\d+)\.(\d+)", said)
    if match and (int(match[1]), int(match[2])) < NEEDED:
        environment["GOTOOLCHAIN"] = f"go{NEEDED[0]}.{NEEDED[1]}.0+auto"
    return environment


def _link(target: Path, link: Path) -> None:
    if not (link.is_symlink() and link.readlink() == Path(target.name)):
        link.unlink(missing_ok=True)
        link.symlink_to(target.name)


def on_path() -> dict[str, str]:
    """An environment whose PATH starts with `build/bin`."""
    return {"PATH": f"{paths.binaries()}{os.pathsep}{os.environ.get('PATH', '')}"}
