"""`python -m mintworks_api.generate [--check] ROOT`: write, or compare, all that is made from the models."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .. import JOB_KINDS, JOB_SCHEDULE, OTHER_KINDS
from .crd import job_crd, resource_crd, to_yaml
from .reference import page
from .rights import policy, template_policy
from .rights import to_yaml as policy_yaml


def generated() -> dict[str, str]:
    """Path below the repository's root → content, for every generated file."""
    crds = [*(resource_crd(k) for k in OTHER_KINDS.values()), *(job_crd(k) for k in JOB_KINDS.values())]
    files: dict[str, str] = {}
    for crd in crds:
        names, group = crd["spec"]["names"], crd["spec"]["group"]
        files[f"crds/{group}_{names['plural']}.yaml"] = to_yaml(crd)
        files[f"charts/mintworks/files/crds/{names['plural']}.yaml"] = to_yaml(crd)
        files[f"docs/reference/{names['singular']}.md"] = page(crd)
    for kind in JOB_KINDS.values():
        if (made := policy(kind)) is not None:
            files[f"charts/mintworks/files/policies/{kind.plural}.yaml"] = policy_yaml(made)
        made = template_policy(kind)
        files[f"charts/mintworks/files/policies/{JOB_SCHEDULE.plural}-{kind.plural}.yaml"] = policy_yaml(made)
    return files


def stale(root: Path) -> list[str]:
    """What differs from the models: changed or missing files, and files that no model makes any more."""
    wanted = generated()
    present = {
        str(p.relative_to(root))
        for pattern in ("crds/*.yaml", "charts/mintworks/files/*/*.yaml", "docs/reference/*.md")
        for p in root.glob(pattern)
    }
    differing = {n for n, text in wanted.items() if n not in present or (root / n).read_text() != text}
    return sorted(differing | (present - wanted.keys()))


def main() -> int:
    """Exit code 0, or 1 when --check finds a difference."""
    parser = argparse.ArgumentParser(prog="python -m mintworks_api.generate", description=__doc__)
    parser.add_argument("root", type=Path, help="root of the repository")
    parser.add_argument("--check", action="store_true", help="compare only")
    options = parser.parse_args()
    if options.check:
        for name in (differing := stale(options.root)):
            print(f"{name}: differs from the models; run `make generate`", file=sys.stderr)
        return 1 if differing else 0
    for name in stale(options.root):
        path = options.root / name
        if name not in generated():
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(generated()[name])
    return 0


if __name__ == "__main__":
    sys.exit(main())
