"""Each package declares what it imports: it is installed without the others, in an image."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def imported(folder: Path) -> set[str]:
    """The modules that a package's code names, by their first word."""
    nodes = [node for path in folder.rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("package", ["crds", "operator", "jobrunners", "cli", "dev"])
def test_what_is_imported_is_declared(package: str) -> None:
    project = tomllib.loads((ROOT / package / "pyproject.toml").read_text())["project"]
    extras = [text for texts in project.get("optional-dependencies", {}).values() for text in texts]
    declared = {re.split(r"[^\w-]", text)[0] for text in [*project["dependencies"], *extras]}
    modules = imported(ROOT / package / "src") - sys.stdlib_module_names
    assert "mintworks_api" in modules or package == "crds"
    # Ours are installed editable, which that table leaves out.
    known = packages_distributions()
    needed = {module: known.get(module, [module]) for module in modules}
    assert not {
        module
        for module, names in needed.items()
        if not {name.lower().replace("_", "-") for name in names} & {*declared, project["name"]}
    }
