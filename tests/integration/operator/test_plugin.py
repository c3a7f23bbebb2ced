"""`kubectl mintworks` on a real API server with the real operator, held against the real kubectl."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from mintworks_dev import golang
from support.kubelet import Kubelet
from support.people import may, role
from support.plugin import Plugin
from support.polling import eventually
from support.specs import METADATA

from .conftest import Launcher

JOB = "MetadataJob"
#: Where the programs of the packages are.
BIN = Path(sys.executable).parent


SCHEDULE = {"schedule": "0 3 * * *", "suspend": True, "template": {"kind": JOB, "spec": METADATA}}
SAME = (
    ("metadatajobs",),
    ("mdj", "-o", "wide"),
    ("metadatajob", "a"),
    ("metadatajob", "b", "a"),
    ("metadatajob/a", "jobqueue/default"),
    ("metadatajob,jobqueues",),
    ("mintworks",),
    ("mintworks", "--no-headers"),
    ("metadatajob", "-l", "drop=one"),
    ("jobschedules", "-o", "wide"),
    ("metadatajob", "-l", "drop=none"),
    ("metadatajob", "-o", "name"),
    ("metadatajob", "a", "-o", "name"),
    ("metadatajob", "a", "nobody", "nothing"),
    ("metadatajob/nobody",),
    ("metadatajob", "a", "-l", "drop=one"),
    ("metadatajob", "a", "-A"),
    ("metadatajob", "metadatajob/a"),
    ("metadatajob/a/b",),
    ("nosuch/a",),
)


def test_get_says_what_kubectl_says(space: Kubelet, plugin: Plugin, launcher: Launcher) -> None:
    space.apply(JOB, "a", METADATA)
    space.start("a", 1)
    space.phase(JOB, "a", "Running")
    space.apply("JobSchedule", "nightly", SCHEDULE)
    space.apply(JOB, "b", {**METADATA, "suspend": True})
    labels = ("label", "metadatajob", "b", "-n", space.namespace, "drop=one", f"space={space.namespace}")
    launcher.plane.kubectl(*labels)
    space.phase(JOB, "b", "Suspended")
    eventually("the queue is seen", lambda: space.status("JobQueue", "default").get("summary") == "1/5")
    differing = {}
    for arguments in SAME:
        theirs = kubectl(launcher, "get", *arguments, "-n", space.namespace)
        found = plugin("get", *arguments)
        if (ours := (found.code, ageless(found.out), found.err)) != theirs:
            differing[arguments] = (ours, theirs)
    assert not differing, "\n".join(map(str, differing.items()))
    for output, read in (("json", json.loads), ("yaml", yaml.safe_load)):
        for what in (("metadatajobs",), ("metadatajob", "a"), ("metadatajob", "a", "b"), ("uploadjobs",)):
            asked = ("get", *what, "-o", output)

            def same(asked: tuple[str, ...] = asked, read: Callable[[str], Any] = read) -> bool:
                _, theirs, _ = kubectl(launcher, *asked, "-n", space.namespace, aged=True)
                return bool(read(plugin.done(*asked).out) == read(theirs))

            # A status may be written between the two.
            eventually(f"both say the same: {asked}", same)
    everywhere = ("get", "metadatajobs", "-A", "-l", f"space={space.namespace}")
    assert plugin(*everywhere).lines[0].split() == ["NAMESPACE", "NAME", "PHASE", "PROGRESS", "ATTEMPT", "AGE"]
    assert plugin(*everywhere).lines[1].split()[:3] == [space.namespace, "b", "Suspended"]


def test_kubectl_finds_the_plugin_and_what_completes_it(space: Kubelet, launcher: Launcher) -> None:
    space.apply(JOB, "a", {**METADATA, "suspend": True})
    space.phase(JOB, "a", "Suspended")
    code, out, err = kubectl(launcher, "mintworks", "-n", space.namespace, "get", "mdj/a", "--no-headers")
    assert (code, out.split()[:2], err) == (0, ["a", "Suspended"], "")
    code, _, err = kubectl(launcher, "mintworks", "get", "metadatajob", "nobody", "-n", space.namespace)
    assert (code, err) == (1, 'Error from server (NotFound): metadatajobs.mintworks.dev "nobody" not found\n')
    code, _, err = kubectl(launcher, "mintworks", "gte")
    assert code == 1
    assert "No such command" in err
    for words, offered in (
        (("retr",), "retry"),
        (("get", "meta"), "metadatajobs"),
        (("get", "metadatajobs", "-n", space.namespace, ""), "a"),
        (("describe", "-n", space.namespace, "mdj/"), "mdj/a"),
        (("get", "-o", "n"), "name"),
        (("queue", "stats", "-o", "w"), "wide"),
    ):
        _, out, _ = kubectl(launcher, "__complete", "mintworks", *words)
        assert offered in [line.partition("\t")[0] for line in out.splitlines()], (words, out)
        assert out.rstrip().endswith(":4"), (words, out)


def test_what_is_wrong_with_the_way_there(space: Kubelet, plugin: Plugin, launcher: Launcher, tmp_path: Path) -> None:
    settings = yaml.safe_load(launcher.plane.kubeconfig.read_text())
    settings["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    nobody = tmp_path / "nobody"
    nobody.write_text(yaml.safe_dump(settings))
    away = Plugin(nobody, space.namespace)("get", "mintjobs")
    refused = "The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?\n"
    assert (away.code, away.out, away.err) == (1, "", refused)
    unknown = plugin("get", "mintjobs", "--context", "elsewhere")
    assert (unknown.code, unknown.err) == (1, 'error: context "elsewhere" does not exist\n')
    missing = Plugin(tmp_path / "none", space.namespace)("get", "mintjobs")
    assert (missing.code, missing.err) == (1, f"error: stat {tmp_path / 'none'}: no such file or directory\n")


def test_only_the_rights_that_kubectl_takes(space: Kubelet, launcher: Launcher, tmp_path: Path) -> None:
    space.apply(JOB, "a", {**METADATA, "delay": "9h"})
    space.phase(JOB, "a", "Delayed")
    stranger = Plugin(account(launcher, space, tmp_path), space.namespace)
    found = stranger("get", "metadatajobs")
    assert found.code == 1
    assert found.err.startswith("Error from server (Forbidden): metadatajobs.mintworks.dev is forbidden: User ")
    # Who may read and change jobs of one kind need not read other kinds, or Events.
    rules = [may(verb, "metadatajobs", group="mintworks.dev") for verb in ("get", "patch")]
    bound = role(space.namespace, f"system:serviceaccount:{space.namespace}:default", rules)
    launcher.plane.kubectl("apply", "-n", space.namespace, "-f", "-", stdin=yaml.safe_dump_all(bound))
    eventually("the rights are known", lambda: stranger("describe", "mdj/a").code == 0)
    assert stranger.done("describe", "a").lines[-1].split() == ["Events:", "<none>"]
    assert stranger.done("promote", "a").out == "metadatajob.mintworks.dev/a promoted\n"
    assert space.status(JOB, "a")["promoted"] is True


def account(launcher: Launcher, space: Kubelet, folder: Path) -> Path:
    """The kubeconfig of somebody who may nothing yet."""
    token = launcher.plane.kubectl("create", "token", "default", "-n", space.namespace).strip()
    settings = yaml.safe_load(launcher.plane.kubeconfig.read_text())
    settings["users"][0]["user"] = {"token": token}
    made = folder / "stranger"
    made.write_text(yaml.safe_dump(settings))
    return made


def kubectl(launcher: Launcher, *arguments: str, aged: bool = False) -> tuple[int, str, str]:
    program = golang.ensure(golang.KUBERNETES).with_name("kubectl")
    environment = {**os.environ, **launcher.plane.environment, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    found = subprocess.run([program, *arguments], env=environment, capture_output=True, text=True, check=False)
    return found.returncode, found.stdout if aged else ageless(found.stdout), found.stderr


def ageless(text: str) -> str:
    """Without ages, which pass between two looks, and what their width does to columns."""
    lines = ([w for w in line.split(" ") if not w[:1].isdigit() or "/" in w] for line in text.split("\n"))
    return "\n".join(" ".join(words) for words in lines)
