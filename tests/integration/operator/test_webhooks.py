"""Webhooks end to end: a real operator, a real API server, and receivers on this machine that do what receivers do."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest
import yaml
from mintworks_cli.main import app
from mintworks_dev.cluster.controlplane import free_ports
from mintworks_dev.commands import CommandError
from support import metrics
from support.hooked import JOB, cancelled, delivered, hooked, notification, secret
from support.hooks import HANGS, Receiver
from support.kubelet import Kubelet
from support.polling import eventually
from support.specs import METADATA, RESULT
from typer.testing import CliRunner

from .conftest import Launcher, Process

PAGE = Path(__file__).parents[3] / "docs" / "webhooks.md"


@pytest.fixture(scope="module")
def launcher(launcher: Launcher, hook_settings: dict[str, str]) -> Launcher:
    """Operators that may call this machine."""
    return replace(launcher, settings=hook_settings)


def test_an_end_is_told_once_with_what_came_of_it(space: Kubelet, receiver: Receiver, seed: Path) -> None:
    hooked(space, f"{receiver.url}/told")
    space.end("a", 1, 0, {"result": RESULT})
    found = delivered(space)
    (call,) = receiver.at("/told")
    assert (found["id"], found["attempts"], found["code"], found["outcome"]) == (call.id, 1, 204, "Succeeded")
    assert call.signed_by(secret(space.namespace, seed))
    told = json.loads(call.body)
    meta, status = space.get(JOB, "a")["metadata"], space.status(JOB, "a")
    assert told["type"] == "metadatajob.succeeded"
    assert (told["data"]["uid"], told["data"]["namespace"]) == (meta["uid"], space.namespace)
    assert (told["data"]["result"], told["data"]["completionTime"]) == (RESULT, status["completionTime"])
    # A second look at the job tells nobody anything.
    space.mark(JOB, "a", {"note": "x"})
    space.mark(JOB, "a", {"mintworks.dev/promote": "1"})
    eventually("another pass", lambda: "promote" in (space.status(JOB, "a").get("commands") or {}))
    assert len(receiver.at("/told")) == 1


def test_each_end_that_was_asked_for_and_no_other(space: Kubelet, receiver: Receiver) -> None:
    """A failed job that is retried ends twice."""
    hooked(space, f"{receiver.url}/ends", notify={"on": ["Failed", "Succeeded"]})
    space.end("a", 1, 64)
    space.phase(JOB, "a", "Failed")
    space.mark(JOB, "a", {"mintworks.dev/retry": "1"})
    space.end("a", 2, 0, {"result": RESULT})
    eventually("both are delivered", lambda: len(receiver.at("/ends")) == 2)
    assert [json.loads(c.body)["data"]["outcome"] for c in receiver.at("/ends")] == ["Failed", "Succeeded"]
    assert len({call.id for call in receiver.at("/ends")}) == 2
    eventually("both are known", lambda: all("deliveredTime" in n for n in space.status(JOB, "a")["notifications"]))
    cancelled_only = f"{receiver.url}/not-cancelled"
    hooked(space, cancelled_only, "b", suspend=True, notify={"on": ["Failed"]})
    space.phase(JOB, "b", "Suspended")
    space.mark(JOB, "b", {"mintworks.dev/cancel": "1"})
    assert space.phase(JOB, "b", "Cancelled")["notifications"] == []


def test_a_queue_has_its_jobs_told(space: Kubelet, receiver: Receiver) -> None:
    space.apply("JobQueue", "q", {"jobDefaults": {"notify": {"url": f"{receiver.url}/queue"}}})
    space.apply(JOB, "a", {**METADATA, "queue": "q"})
    space.end("a", 1, 64)
    delivered(space)
    assert [json.loads(c.body)["type"] for c in receiver.at("/queue")] == ["metadatajob.failed"]


def test_a_receiver_that_fails_is_called_again_by_the_same_id(space: Kubelet, receiver: Receiver, seed: Path) -> None:
    receiver.answers["/twice"] = [500, 204]
    cancelled(space, f"{receiver.url}/twice")
    first = notification(space, "a", lambda n: n.get("attempts") == 1)
    assert (first["code"], first["error"]) == (500, "the receiver answers 500")
    assert "nextAttemptTime" in first
    found = delivered(space)
    assert (found["attempts"], "error" in found, "nextAttemptTime" in found) == (2, False, False)
    one, two = receiver.at("/twice")
    assert (one.id, one.body) == (two.id, two.body)
    assert int(two.headers["webhook-timestamp"]) - int(one.headers["webhook-timestamp"]) in range(5, 30)
    assert two.signed_by(secret(space.namespace, seed))


def test_receivers_that_redirect_hang_or_are_away_hold_up_nothing(
    space: Kubelet, receiver: Receiver, operator: Process
) -> None:
    receiver.answers |= {"/moved": [302], "/hangs": [HANGS]}
    receiver.headers["/moved"] = {"Location": f"{receiver.url}/new-place"}
    (closed,) = free_ports(1)
    ways = {
        "moved": (f"{receiver.url}/moved", "redirects are not followed"),
        "hangs": (f"{receiver.url}/hangs", "no answer within 15 s"),
        "away": (f"http://127.0.0.1:{closed}/", "it cannot be reached: Connection refused"),
        "inside": (f"http://127.0.0.2:{closed}/", "not of the internet"),
        "metadata": ("http://169.254.169.254/latest/meta-data/", "not of the internet"),
        "mapped": (f"http://[::ffff:127.0.0.2]:{closed}/", "not of the internet"),
    }
    for name, (url, _) in ways.items():
        cancelled(space, url, name)
    cancelled(space, f"{receiver.url}/quick", "quick")
    delivered(space, "quick")
    for name, (_, words) in ways.items():
        found = notification(space, name, lambda n: n.get("attempts"))
        assert words in found["error"], found
        assert "nextAttemptTime" in found
    assert receiver.at("/new-place") == []
    said = metrics.text(operator.metrics)
    labels = f'namespace="{space.namespace}",result='
    assert f'mintworks_webhook_deliveries_total{{{labels}"delivered"}} 1.0' in said
    assert f'mintworks_webhook_deliveries_total{{{labels}"failed"}}' in said


def test_gone_is_the_end_of_it(space: Kubelet, receiver: Receiver) -> None:
    receiver.answers["/gone"] = [410]
    cancelled(space, f"{receiver.url}/gone")
    found = notification(space, "a", lambda n: n.get("attempts") == 1)
    assert "nextAttemptTime" not in found
    eventually("people are told", lambda: "NotNotified" in {e["reason"] for e in space.events("a")})


def test_a_job_with_a_ttl_stays_until_its_receiver_knows(space: Kubelet, receiver: Receiver) -> None:
    receiver.answers["/ttl"] = [503, 204]
    hooked(space, f"{receiver.url}/ttl", ttl="1s")
    space.end("a", 1, 64)
    notification(space, "a", lambda n: n.get("attempts") == 1)

    def gone() -> bool:
        items = space.custom.list_namespaced_custom_object("mintworks.dev", "v1alpha1", space.namespace, "metadatajobs")
        return not items["items"]

    eventually("it is deleted", gone)
    assert [call.path for call in receiver.at("/ttl")] == ["/ttl", "/ttl"]


def test_a_bare_on_is_refused_in_the_words_of_the_page(launcher: Launcher, fresh: Callable[[], Kubelet]) -> None:
    space = fresh()
    made = {
        "apiVersion": "mintworks.dev/v1alpha1",
        "kind": JOB,
        "metadata": {"name": "a", "namespace": space.namespace},
    }
    text = yaml.safe_dump({**made, "spec": {**METADATA, "notify": {"url": "https://hooks.example", "on": ["Failed"]}}})
    assert "'on':" in text
    with pytest.raises(CommandError, match=r'unknown field "spec\.notify\.true"'):
        launcher.plane.kubectl("create", "-f", "-", stdin=text.replace("'on':", "on:"))
    launcher.plane.kubectl("create", "-f", "-", stdin=text)
    with pytest.raises(CommandError, match="cannot be changed after creation"):
        launcher.plane.kubectl(
            "apply", "--server-side", "--force-conflicts", "-f", "-", stdin=text.replace("Failed", "Cancelled")
        )


@dataclass
class Documented:
    """The receiver of the page, as a process of its own."""

    url: str
    popen: subprocess.Popen[str]


@pytest.fixture
def documented(space: Kubelet, seed: Path, tmp_path: Path) -> Iterator[Documented]:
    """Exactly the text of docs/webhooks.md."""
    (text,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert len([line for line in text.splitlines() if line]) <= 15
    (tmp_path / "receiver.py").write_text(text)
    (port,) = free_ports(1)
    given = {"WEBHOOK_SECRET": secret(space.namespace, seed), "PORT": str(port), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, str(tmp_path / "receiver.py")]
    popen = subprocess.Popen(command, env={**os.environ, **given}, stdout=subprocess.PIPE, text=True)
    yield Documented(f"http://127.0.0.1:{port}/", popen)
    popen.terminate()
    popen.wait(10)


def test_the_receiver_of_the_page_takes_what_is_signed_and_nothing_else(space: Kubelet, documented: Documented) -> None:
    def refused() -> bool:
        try:
            answer = httpx.post(
                documented.url, content=b'{"type":"mintjob.succeeded"}', headers={"webhook-id": "msg_1"}
            )
        except httpx.TransportError:
            return False
        return answer.status_code == 400

    eventually("it refuses what is not signed", refused)
    cancelled(space, documented.url)
    delivered(space)
    documented.popen.terminate()
    said, _ = documented.popen.communicate(timeout=10)
    assert said.split() == ["metadatajob.cancelled", f"{space.namespace}/a"]


def test_whoever_may_read_the_seed_is_told_the_secret(
    fresh: Callable[[], Kubelet], launcher: Launcher, seed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = fresh()
    monkeypatch.setenv("KUBECONFIG", str(launcher.plane.kubeconfig))
    where = ["webhook-secret", space.namespace, "--secret"]
    for bad, words in (("hooks", "NAMESPACE/NAME is expected"), (f"{space.namespace}/hooks", "not found")):
        refused = CliRunner().invoke(app, [*where, bad])
        assert (refused.exit_code, words in refused.stderr) == (1, True)
    launcher.plane.kubectl(
        "create", "secret", "generic", "hooks", "--namespace", space.namespace, f"--from-file={seed / 'seed'}"
    )
    found = CliRunner().invoke(app, [*where, f"{space.namespace}/hooks"])
    assert (found.exit_code, found.stdout.split()[0]) == (0, secret(space.namespace, seed))
