"""values.yaml, its schema and the README's table agree, and the schema refuses what is wrong."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from mintworks_dev import chart

CHART = Path(__file__).parents[3] / "charts" / "mintworks"
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())

BAD: list[tuple[str, object]] = [
    ("replica", 2),
    ("operator.replicas", "2"),
    ("operator.replicas", -1),
    ("operator.logLevel", "loud"),
    ("operator.resources.limit", {}),
    ("operator.resources.limits.memory", "lots"),
    ("operator.resources.limits.memory", True),
    ("operator.podDisruptionBudget.minAvailable", 0),
    ("operator.nodeSelector", ["ssd"]),
    ("operator.tolerations", {"key": "x"}),
    ("operator.podLabels", {"app.kubernetes.io/component": "mine"}),
    ("extraLabels", {"team": "a b"}),
    ("extraLabels", {"helm.sh/chart": "other"}),
    ("images.operator", "mintworks/operator:1"),
    ("images.operator.repository", ""),
    ("images.operator.repository", "mintworks/operator:1"),
    ("images.runner.tag", "1:2"),
    ("images.runner.pullPolicy", "Sometimes"),
    ("images.worker", {"repository": "x"}),
    ("crds.enabled", "true"),
    ("crds.kept", True),
    ("tenants", "genesis"),
    ("tenants", ["genesis"]),
    ("tenants", [{}]),
    ("tenants", [{"namespace": "Genesis"}]),
    ("tenants", [{"namespace": "a" * 64}]),
    ("tenants", [{"namespace": "a/b"}]),
    ("tenants", [{"namespace": "a*"}]),
    ("tenants", [{"namespace": "a", "secret": "b"}]),
    ("networkPolicy.enabled", 1),
    ("networkPolicy.egress", {}),
    ("redis.seed", 12345678901234567890),
    ("redis.seed", "with space in it 123"),
    ("redis.password", "x"),
    ("redis.maxMemory", "1Gi"),
    ("redis.persistence.size", "big"),
    ("redis.external.secretName", "Upper"),
    ("redis.external.key", "a/b"),
    ("runner.resources.requests.cpu", "fast"),
    ("runner.image", "mine"),
    ("runner.allowed.image", ["mine"]),
    ("runner.allowed.images", "mine"),
    ("runner.allowed.images", [""]),
    ("runner.allowed.nodeSelector", {"pool": "mint"}),
    ("runner.allowed.tolerations", [{"key": "a", "seconds": 3}]),
    ("runner.allowed.tolerations", [{"key": "a", "operator": "Is"}]),
    ("runner.allowed.memory", "lots"),
    ("runner.allowed.cpu", -1),
    ("webhooks.seed", "short"),
    ("webhooks.previousSeed", "with space in it 123"),
    ("webhooks.secretName", "Upper"),
    ("webhooks.allowHttp", "yes"),
    ("webhooks.allowedNetworks", ["10.0.0.1"]),
    ("webhooks.refusedNetworks", "10.0.0.0/8"),
    ("admissionPolicy.enabled", "no"),
    ("admissionPolicy.failurePolicy", "Ignore"),
    ("fullnameOverride", "-x"),
    ("imagePullSecrets", ["pull"]),
]


def with_value(path: str, value: object) -> dict[str, Any]:
    """The default values with `value` at the dotted `path`."""
    values = copy.deepcopy(VALUES)
    *parents, last = path.split(".")
    place = values
    for name in parents:
        place = place.setdefault(name, {})
    place[last] = value
    return values


def objects(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object schema with named properties, at any depth."""
    if "properties" in schema:
        yield path, schema
        for name, below in schema["properties"].items():
            yield from objects(below, f"{path}.{name}")
    if isinstance(schema.get("items"), dict):
        yield from objects(schema["items"], f"{path}[]")


def test_the_schema_is_a_schema_and_takes_the_defaults() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    jsonschema.Draft7Validator(SCHEMA).validate(VALUES)


@pytest.mark.parametrize(("path", "value"), BAD, ids=[f"{path}={value!r}"[:60] for path, value in BAD])
def test_bad_values_are_refused(path: str, value: object) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(SCHEMA).validate(with_value(path, value))


def test_every_object_is_closed_and_every_value_described() -> None:
    for path, schema in objects(SCHEMA):
        assert schema["additionalProperties"] is False, path
        for name, below in schema["properties"].items():
            assert below.get("description"), f"{path}.{name}"


def test_every_value_of_the_schema_has_its_default() -> None:
    """A value without a default is one that `helm show values` does not show."""

    def check(schema: dict[str, Any], values: dict[str, Any], path: str) -> None:
        for name, below in schema["properties"].items():
            if (path, name) == ("", "global"):
                continue
            assert name in values, f"{path}{name}"
            if "properties" in below:
                check(below, values[name], f"{path}{name}.")

    check(SCHEMA, VALUES, "")


def test_the_readme_lists_the_values() -> None:
    assert (CHART / "README.md").read_text() == chart.readme(CHART), "run `make generate`"
