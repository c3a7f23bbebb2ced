"""A real admission webhook in a namespace: it refuses or changes the pods of named jobs, as meshes and policies do."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from mintworks_dev.cluster.pki import SERVER, Authority, Leaf

from support import webhook_server
from support.kube import Space

Json = dict[str, Any]
NAME = "webhook"
#: Webhook configurations belong to no namespace: this label tells whose they are.
MARK = "mintworks.dev/test"


class Webhook:
    """A server in a pod of `image`, reached by the API server through a Service.

    What it is to do is said before it is started: `denies` and `patches` answer the configurations to apply.
    """

    def __init__(self, space: Space, folder: Path, image: str) -> None:
        self._space = space
        authority = Authority(folder, datetime.now(UTC))
        authority.issue(NAME, Leaf(NAME, usages=(SERVER,), hosts=(f"{NAME}.{space.namespace}.svc",)))
        self._authority = base64.b64encode(authority.path.read_bytes()).decode()
        self._files = {f"tls.{part}": (folder / f"{NAME}.{part}").read_text() for part in ("crt", "key")}
        self._files["server.py"] = Path(webhook_server.__file__).read_text()
        self._rules: dict[str, str | list[Json]] = {}
        self._running = [_pod(image), _service()]

    def start(self) -> None:
        """Start it and wait until it answers."""
        files = {**self._files, "rules.json": json.dumps(self._rules)}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": NAME}, "stringData": files}
        self._space.apply(secret, *self._running)
        self._space.kubectl("wait", "--for=condition=Ready", f"pod/{NAME}", "--timeout=60s")

    def stop(self) -> None:
        """Take the server and every configuration away."""
        both = "validatingwebhookconfigurations,mutatingwebhookconfigurations"
        self._space.kubectl("delete", both, "-l", f"{MARK}={self._space.namespace}")
        self._space.kubectl("delete", "-f", "-", "--ignore-not-found", stdin=yaml.safe_dump_all(self._running))

    def denies(self, job: str, text: str) -> Json:
        """The configuration by which it refuses that job's pods, saying `text`."""
        self._rules[job] = text
        return self._configuration("Validating", job)

    def patches(self, job: str, *operations: Json) -> Json:
        """The configuration by which it changes that job's pods."""
        self._rules[job] = list(operations)
        return self._configuration("Mutating", job)

    def is_away(self, job: str) -> Json:
        """A configuration of a webhook whose server nobody runs."""
        made = self._configuration("Validating", job)
        made["webhooks"][0]["clientConfig"]["service"]["name"] = "nobody"
        return made

    def _configuration(self, kind: str, job: str) -> Json:
        namespace = self._space.namespace
        hook = {
            "name": f"{job}.test.mintworks.dev",
            "clientConfig": {
                "service": {"name": NAME, "namespace": namespace, "path": f"/{job}"},
                "caBundle": self._authority,
            },
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            "objectSelector": {"matchLabels": {"mintworks.dev/job": job}},
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "timeoutSeconds": 5,
        }
        return {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": f"{kind}WebhookConfiguration",
            "metadata": {"name": f"{namespace}-{job}", "labels": {MARK: namespace}},
            "webhooks": [hook],
        }


def _pod(image: str) -> Json:
    folder, port = webhook_server.FOLDER, webhook_server.PORT
    container = {
        "name": NAME,
        "image": image,
        "command": ["python3", f"{folder}/server.py"],
        "volumeMounts": [{"name": NAME, "mountPath": folder, "readOnly": True}],
        "readinessProbe": {"httpGet": {"scheme": "HTTPS", "path": "/", "port": port}, "periodSeconds": 1},
        # A namespace that enforces the restricted profile takes it, whatever quota it has.
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "resources": {
            "requests": {"cpu": "10m", "memory": "128Mi"},
            "limits": {"cpu": "1", "memory": "256Mi"},
        },
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": NAME, "labels": {"app": NAME}},
        "spec": {
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "fsGroup": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 0,
            "volumes": [{"name": NAME, "secret": {"secretName": NAME, "defaultMode": 0o440}}],
            "containers": [container],
        },
    }


def _service() -> Json:
    ports = [{"port": 443, "targetPort": webhook_server.PORT}]
    spec = {"selector": {"app": NAME}, "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": NAME}, "spec": spec}
