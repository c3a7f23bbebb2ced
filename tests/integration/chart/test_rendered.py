"""What the chart renders: rights, pod security, names, labels, refusals."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from mintworks_dev import commands, golang
from mintworks_operator import config

from .conftest import CHART, SEED, Manifest, Render, environment, helm_template

CRDS = sorted((Path(__file__).parents[3] / "crds").glob("*.yaml"))


def of(manifests: list[Manifest], kind: str) -> list[Manifest]:
    return [m for m in manifests if m["kind"] == kind]


def one(manifests: list[Manifest], kind: str, name: str, namespace: str) -> Manifest:
    found = [
        m for m in of(manifests, kind) if m["metadata"]["name"] == name and m["metadata"]["namespace"] == namespace
    ]
    assert len(found) == 1, f"{kind} {namespace}/{name}: {len(found)}"
    return found[0]


def pods(manifests: list[Manifest]) -> list[dict[str, Any]]:
    return [m["spec"]["template"] for kind in ("Deployment", "StatefulSet") for m in of(manifests, kind)]


def test_lint() -> None:
    said = commands.run(golang.ensure(golang.HELM), "lint", "--strict", CHART, "--set", f"redis.seed={SEED}")
    assert "0 chart(s) failed" in said


def test_the_operators_rights_hold_no_wildcard_and_no_secret(full: list[Manifest]) -> None:
    roles = [*of(full, "Role"), *of(full, "ClusterRole")]
    rules = [rule for role in roles for rule in role["rules"]]
    assert len(rules) > 5
    for rule in rules:
        for words in (rule["apiGroups"], rule["resources"], rule["verbs"]):
            assert words
            assert not any("*" in word for word in words), rule
        assert not {r.split("/")[0] for r in rule["resources"]} & {
            "secrets",
            "roles",
            "rolebindings",
            "serviceaccounts",
        }
        assert not {"escalate", "bind", "impersonate"} & set(rule["verbs"])
        assert not {"pods/exec", "pods/attach", "pods/portforward", "serviceaccounts/token"} & set(rule["resources"])


def test_people_get_our_resources_through_view_and_edit(full: list[Manifest]) -> None:
    roles = {role["metadata"]["name"]: role for role in of(full, "ClusterRole")}
    plurals = {yaml.safe_load(path.read_text())["spec"]["names"]["plural"] for path in CRDS}
    view, edit = roles["mw-mintworks-view"], roles["mw-mintworks-edit"]
    assert set(view["rules"][0]["resources"]) == plurals == set(edit["rules"][0]["resources"])
    assert view["metadata"]["labels"]["rbac.authorization.k8s.io/aggregate-to-view"] == "true"
    assert "rbac.authorization.k8s.io/aggregate-to-view" not in edit["metadata"]["labels"]
    assert set(view["rules"][0]["verbs"]) == {"get", "list", "watch"}


def test_the_operator_is_bound_in_each_tenant_and_nowhere_else(full: list[Manifest]) -> None:
    bound = {binding["metadata"]["namespace"] for binding in of(full, "RoleBinding")}
    assert bound == {"mintworks", "genesis", "drops"}
    for binding in [*of(full, "RoleBinding"), *of(full, "ClusterRoleBinding")]:
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "mw-mintworks", "namespace": "mintworks"}]


def test_every_pod_meets_the_restricted_profile(full: list[Manifest]) -> None:
    assert len(pods(full)) == 2
    for pod in pods(full):
        spec = pod["spec"]
        context = spec["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["runAsUser"] > 0
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        assert all(set(v) - {"name"} <= {"configMap", "secret", "emptyDir"} for v in spec["volumes"])
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["requests"]
            assert container["resources"]["limits"]["memory"]
            assert not any("secretKeyRef" in e.get("valueFrom", {}) for e in container.get("env", []))


def test_no_pod_but_the_operators_has_a_token(full: list[Manifest]) -> None:
    assert all(account["automountServiceAccountToken"] is False for account in of(full, "ServiceAccount"))
    tokens = {
        p["metadata"]["labels"]["app.kubernetes.io/component"]: p["spec"]["automountServiceAccountToken"]
        for p in pods(full)
    }
    assert tokens == {"operator": True, "redis": False}


def test_crds_are_the_generated_ones_and_stay(render: Render) -> None:
    wanted = {m["metadata"]["name"]: m for m in (yaml.safe_load(path.read_text()) for path in CRDS)}
    kept = of(render(), "CustomResourceDefinition")
    assert {m["metadata"]["name"] for m in kept} == wanted.keys()
    for crd in kept:
        assert crd["metadata"].pop("annotations") == {"helm.sh/resource-policy": "keep"}
        assert crd == wanted[crd["metadata"]["name"]]
    assert of(render("crds.keep=false"), "CustomResourceDefinition") == [
        wanted[crd["metadata"]["name"]] for crd in kept
    ]
    assert of(render("crds.enabled=false"), "CustomResourceDefinition") == []


def test_a_tenant_has_what_runner_pods_need(full: list[Manifest]) -> None:
    for namespace in ("genesis", "drops"):
        account = one(full, "ServiceAccount", "mintworks-runner", namespace)
        assert account["imagePullSecrets"] == [{"name": "pull"}]
        url = one(full, "Secret", "mintworks-redis", namespace)["stringData"]["url"]
        assert re.fullmatch(
            rf"redis://tenant-{namespace}:[0-9a-f]{{64}}@mw-mintworks-redis\.mintworks\.svc:6379/0", url
        )
    namespaces = of(full, "Namespace")
    assert [n["metadata"]["name"] for n in namespaces] == ["genesis"]
    assert namespaces[0]["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    assert namespaces[0]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_network_policies_of_runner_pods(full: list[Manifest]) -> None:
    genesis = one(full, "NetworkPolicy", "mintworks-runner", "genesis")["spec"]
    drops = one(full, "NetworkPolicy", "mintworks-runner", "drops")["spec"]
    for policy in (genesis, drops):
        assert policy["policyTypes"] == ["Ingress", "Egress"]
        assert policy["ingress"] == []
        assert policy["podSelector"] == {"matchExpressions": [{"key": "mintworks.dev/job", "operator": "Exists"}]}
    dns, redis, own, internet = genesis["egress"]
    assert {p["port"] for p in dns["ports"]} == {53}
    assert redis["ports"] == [{"protocol": "TCP", "port": 6379}]
    target = redis["to"][0]
    assert target["namespaceSelector"] == {"matchLabels": {"kubernetes.io/metadata.name": "mintworks"}}
    assert target["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "redis"
    assert own == {"to": [{"podSelector": {}}]}
    assert "169.254.0.0/16" in internet["to"][0]["ipBlock"]["except"]
    assert drops["egress"] == [*genesis["egress"], {"to": [{"ipBlock": {"cidr": "10.9.0.0/16"}}]}]
    sources = one(full, "NetworkPolicy", "mw-mintworks-redis", "mintworks")["spec"]["ingress"][0]["from"]
    assert [
        s.get("namespaceSelector", {}).get("matchLabels", {}).get("kubernetes.io/metadata.name") for s in sources
    ] == [
        None,
        "genesis",
        "drops",
    ]


def test_passwords_differ_by_tenant_and_seed_and_not_by_rendering(render: Render) -> None:
    def urls(*settings: str) -> dict[str, str]:
        made = render("tenants[0].namespace=a", "tenants[1].namespace=operator", *settings)
        return {
            m["metadata"]["namespace"]: m["stringData"]["url"] for m in of(made, "Secret") if "url" in m["stringData"]
        }

    first, again, other = urls(), urls(), urls("redis.seed=another-seed-0123456789")
    assert first == again
    passwords = [re.findall(r":([0-9a-f]{64})@", url)[0] for urls in (first, other) for url in urls.values()]
    assert len(set(passwords)) == len(passwords) == 6


def test_passwords_are_in_secrets_alone(full: list[Manifest]) -> None:
    secrets = of(full, "Secret")
    passwords = {p for s in secrets for p in re.findall(r":([0-9a-f]{64})@", s["stringData"].get("url", ""))}
    assert len(passwords) == 3
    rest = yaml.safe_dump_all([manifest for manifest in full if manifest["kind"] != "Secret"])
    assert not any(word in rest for word in (SEED, *passwords))
    # Nor is the seed anywhere: only what follows from it. Redis holds hashes.
    assert SEED not in yaml.safe_dump_all(full)
    (users,) = [s["stringData"]["users.acl"] for s in secrets if "users.acl" in s["stringData"]]
    assert not any(password in users for password in passwords)


def test_the_operator_understands_its_environment(full: list[Manifest]) -> None:
    (deployment,) = of(full, "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    variables = environment(full, "mintworks")
    unknown = {
        name for name in variables if name.removeprefix("MINTWORKS_").lower() not in config.Config.__annotations__
    }
    # One is called `resources` there, the others make up the identity.
    assert unknown == {"MINTWORKS_RUNNER_RESOURCES", "MINTWORKS_POD", "MINTWORKS_POD_UID"}
    found = config.load([], variables)
    assert found.namespaces == ("genesis", "drops")
    assert found.log_level == "INFO"
    assert found.images == {"runner": "mintworks/runner:0.1.0"}
    assert found.resources == {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}}
    assert (found.lease_namespace, found.lease_name, found.identity) == ("mintworks", "mw-mintworks", "pod-0_uid-0")
    mounted = {m["mountPath"] for m in container["volumeMounts"]}
    assert str(found.redis_file.parent) in mounted
    ports = {p["name"]: p["containerPort"] for p in container["ports"]}
    assert ports == {"metrics": found.metrics_port, "health": found.health_port}
    for namespace in found.namespaces:
        assert one(full, "Secret", found.redis_secret, namespace)["stringData"]["url"]
        assert one(full, "ServiceAccount", found.service_account, namespace)
    leases = [r for r in one(full, "Role", "mw-mintworks-leader", "mintworks")["rules"] if "resourceNames" in r]
    assert [r["resourceNames"] for r in leases] == [[found.lease_name]]


def test_what_the_chart_allows_reaches_the_operator(render: Render) -> None:
    settings = (
        "runner.allowed.images={example.org/own:2}",
        "runner.allowed.nodeSelector.pool={mint,spare}",
        "runner.allowed.tolerations[0].key=pool",
        "runner.allowed.tolerations[0].operator=Exists",
        "runner.allowed.cpu=4",
        "runner.allowed.memory=",
    )
    (deployment,) = of(render(*settings), "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    (value,) = [e["value"] for e in container["env"] if e["name"] == "MINTWORKS_RUNNER_ALLOWED"]
    found = config.load([], {"MINTWORKS_RUNNER_ALLOWED": value}).runner_allowed
    assert found.images == ("example.org/own:2",)
    assert found.node_selector == {"pool": ("mint", "spare")}
    assert [t.wire() for t in found.tolerations] == [{"key": "pool", "operator": "Exists"}]
    assert (found.cpu, found.memory) == (4, "")


def test_the_limit_for_all_namespaces_reaches_the_operator(render: Render) -> None:
    assert config.load([], environment(render("tenants[0].namespace=a"), "mintworks")).total_concurrency is None
    limited = environment(render("tenants[0].namespace=a", "concurrency.total=100000"), "mintworks")
    assert config.load([], limited).total_concurrency == 100_000


def test_admission_policies_of_every_kind(render: Render) -> None:
    kinds = {path.stem for path in (CHART / "files" / "policies").glob("*.yaml")}
    made = {m["metadata"]["name"]: m for m in of(render(), "ValidatingAdmissionPolicy")}
    bound = of(render(), "ValidatingAdmissionPolicyBinding")
    for kind in kinds:
        policy = made[f"mw-mintworks-{kind}"]["spec"]
        written = yaml.safe_load((CHART / "files" / "policies" / f"{kind}.yaml").read_text())
        (exempt,) = policy.pop("matchConditions")
        assert policy == written
        assert exempt["expression"].endswith('!= "system:serviceaccount:mintworks:mw-mintworks"')
        (spec,) = [b["spec"] for b in bound if b["metadata"]["name"] == f"mw-mintworks-{kind}"]
        assert spec == {"policyName": f"mw-mintworks-{kind}", "validationActions": ["Deny"]}
    off = of(render("admissionPolicy.enabled=false"), "ValidatingAdmissionPolicy")
    assert {m["metadata"]["name"] for m in off} == made.keys() - {f"mw-mintworks-{kind}" for kind in kinds}


def test_labels_names_and_selectors(full: list[Manifest]) -> None:
    names = [(m["kind"], m["metadata"].get("namespace"), m["metadata"]["name"]) for m in full]
    assert len(set(names)) == len(names)
    for manifest in full:
        if manifest["kind"] != "CustomResourceDefinition":
            assert manifest["metadata"]["labels"]["team"] == "drops", manifest["metadata"]
    for workload in [*of(full, "Deployment"), *of(full, "StatefulSet")]:
        wanted = workload["spec"]["selector"]["matchLabels"]
        assert wanted.items() <= workload["spec"]["template"]["metadata"]["labels"].items()
    for service in of(full, "Service"):
        matching = [p for p in pods(full) if service["spec"]["selector"].items() <= p["metadata"]["labels"].items()]
        assert len(matching) == 1, service["metadata"]["name"]


def test_what_a_tenant_has_names_its_release(full: list[Manifest]) -> None:
    """Everything that two releases would both make; with another name than a release's own it would not be noticed."""
    in_tenants = [m for m in full if m["metadata"].get("namespace") in ("genesis", "drops")]
    assert len(in_tenants) == 2 * 5
    for manifest in in_tenants:
        assert manifest["metadata"]["annotations"] == {"mintworks.dev/served-by": "mintworks/mw"}
        assert "mw-" not in manifest["metadata"]["name"]
    (policy,) = [m for m in of(full, "ValidatingAdmissionPolicy") if m["metadata"]["name"].startswith("served-once.")]
    (rule,) = policy["spec"]["matchConstraints"]["resourceRules"]
    assert {m["kind"].lower() for m in in_tenants} == {
        {"networkpolicies": "networkpolicy"}.get(plural, plural.removesuffix("s")) for plural in rule["resources"]
    }
    assert {m["metadata"]["name"] for m in in_tenants} == set(rule["resourceNames"])


def test_redis_is_restarted_for_what_it_reads_alone(render: Render, tmp_path: Path) -> None:
    def template(*settings: str, **options: str) -> Any:
        (redis,) = of(render("tenants[0].namespace=a", *settings, **options), "StatefulSet")
        return redis["spec"]["template"]

    newer = tmp_path / "mintworks"
    shutil.copytree(CHART, newer)
    about = newer / "Chart.yaml"
    about.write_text(about.read_text().replace("ersion: 0.1.0", "ersion: 9.0.0"))
    text = commands.run(
        golang.ensure(golang.HELM), "template", "mw", newer, "--namespace", "mintworks",
        "--set", f"redis.seed={SEED}", "--set", "tenants[0].namespace=a",
    )  # fmt: skip
    (of_newer,) = of([m for m in yaml.safe_load_all(text) if m], "StatefulSet")
    first = template()
    assert of_newer["metadata"]["labels"]["helm.sh/chart"] == "mintworks-9.0.0"
    assert of_newer["spec"]["template"] == first
    for other in ("operator.logLevel=debug", "images.runner.tag=x", "runner.resources.limits.memory=1Gi"):
        assert template(other) == first
    for other in ("tenants[1].namespace=b", "redis.seed=another-seed-0123456789", "redis.maxMemory=100mb"):
        assert template(other) != first


def test_redis_of_ones_own(render: Render) -> None:
    made = render("redis.enabled=false", "redis.seed=", "redis.external.secretName=my-redis", "tenants[0].namespace=a")
    assert of(made, "StatefulSet") == of(made, "Secret") == []
    volumes = {v["name"]: v for v in of(made, "Deployment")[0]["spec"]["template"]["spec"]["volumes"]}
    assert volumes["redis"]["secret"] == {"secretName": "my-redis", "items": [{"key": "url", "path": "url"}]}


def test_webhooks_are_off_without_a_seed(render: Render) -> None:
    (deployment,) = of(render(), "Deployment")
    assert "webhooks" not in {v["name"] for v in deployment["spec"]["template"]["spec"]["volumes"]}


@pytest.mark.parametrize(
    ("settings", "secret"),
    [
        (["webhooks.seed=another-seed-0123456789", "webhooks.caBundle=PEM"], "mw-mintworks-webhooks"),
        (["webhooks.secretName=my-webhooks", "webhooks.seed=another-seed-0123456789"], "my-webhooks"),
    ],
)
def test_the_operator_has_what_signs_webhooks_as_files(render: Render, settings: list[str], secret: str) -> None:
    allowed = ("webhooks.allowHttp=true", "webhooks.allowedNetworks={10.1.0.0/16,fd00::/8}")
    made = render(*settings, *allowed, "tenants[0].namespace=genesis")
    (deployment,) = of(made, "Deployment")
    volumes = {v["name"]: v for v in deployment["spec"]["template"]["spec"]["volumes"]}
    assert volumes["webhooks"]["secret"] == {"secretName": secret}
    found = config.load([], environment(made, "mintworks")).webhooks
    mounts = {
        m["name"]: m["mountPath"] for m in deployment["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
    }
    assert mounts["webhooks"] == str(found.folder)
    assert found.allow_http
    assert [found.networks.objection(a) for a in ("10.1.2.3", "fd00::1")] == ["", ""]
    made_by_us = [s["stringData"] for s in of(made, "Secret") if s["metadata"]["name"] == "mw-mintworks-webhooks"]
    files = {"seed": "another-seed-0123456789", "previousSeed": "", "caBundle": "PEM"}
    assert made_by_us == ([files] if secret == "mw-mintworks-webhooks" else [])
    assert "another-seed-0123456789" not in yaml.safe_dump_all([m for m in made if m["kind"] != "Secret"])


def test_redis_keeps_its_file_on_a_claim_or_not(render: Render) -> None:
    (claimed,) = of(render("redis.persistence.storageClassName=fast"), "StatefulSet")
    assert claimed["spec"]["volumeClaimTemplates"][0]["spec"]["storageClassName"] == "fast"
    (scratch,) = of(render("redis.persistence.enabled=false"), "StatefulSet")
    assert "volumeClaimTemplates" not in scratch["spec"]
    assert {"name": "data", "emptyDir": {"sizeLimit": "1Gi"}} in scratch["spec"]["template"]["spec"]["volumes"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ([], "redis.seed is empty"),
        (["redis.seed=short"], "at least 16"),
        (["redis.enabled=false"], "redis.external.secretName"),
        ([f"redis.seed={SEED}", "tenants[0].namespace=a", "tenants[1].namespace=a"], "a is listed twice"),
        ([f"redis.seed={SEED}", "tenants[0].namespace=mintworks", "tenants[0].createNamespace=true"], "own namespace"),
        ([f"redis.seed={SEED}", "tenants[0].namespace=A*"], "does not match pattern"),
        ([f"redis.seed={SEED}", "replicas=2"], "additional properties 'replicas' not allowed"),
    ],
)
def test_refusals_say_what_to_do(settings: list[str], words: str) -> None:
    with pytest.raises(commands.CommandError, match=re.escape(words)):
        helm_template(*settings)
