"""What the README and the notes tell people to do works in a cluster that has nothing but the chart."""

from __future__ import annotations

import json
import re
import shlex
from itertools import pairwise

import yaml
from mintworks_dev import commands, golang, paths

from .conftest import CHART, SEED, helm_template


def readme_settings() -> list[str]:
    """The values that the README's installation sets."""
    (command,) = re.findall(r"helm upgrade --install.*?[^\\]\n", (CHART / "README.md").read_text(), re.DOTALL)
    words = shlex.split(command.replace("\\\n", " ").replace('"$SEED"', SEED))
    return [value for option, value in pairwise(words) if option == "--set"]


def test_the_readmes_installation_names_images_that_can_be_had() -> None:
    manifests = [m for m in yaml.safe_load_all(helm_template(*readme_settings())) if m]
    (operator,) = (m for m in manifests if m["kind"] == "Deployment")
    (container,) = operator["spec"]["template"]["spec"]["containers"]
    env = {entry["name"]: entry.get("value", "") for entry in container["env"]}
    pushed = (CHART / "README.md").read_text().partition("docker push ")[2].partition("\n")[0]
    for name, used in (("operator", container["image"]), ("runner", json.loads(env["MINTWORKS_IMAGES"])["runner"])):
        # Ours are published nowhere: what is installed is what the lines above it have pushed.
        assert used == pushed.replace("$name", name)


def test_the_notes_recommend_an_example_for_real_clusters() -> None:
    options = [word for setting in readme_settings() for word in ("--set", setting)]
    program = golang.ensure(golang.HELM)
    notes = commands.run(program, "install", "mw", CHART, "--namespace", "mintworks", "--dry-run=client", *options)
    notes = notes.partition("NOTES:")[2]
    # examples/genesis names hosts of the development world.
    assert re.findall(r"kubectl apply \S+ (\S+) -n genesis", notes) == ["examples/devnet"]
    for folder in re.findall(r"examples/\w+", notes):
        assert (paths.repository() / folder).is_dir()
