"""`mintworks webhook-secret`: what a receiver verifies the webhooks of a namespace with."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Annotated, Final

import typer

from .kubectl.errors import error
from .kubectl.options import Where
from .options import Output, OutputOption, print_whole

#: Where the chart puts the seed, installed as README says.
_SECRET: Final = "mintworks/mintworks-webhooks"  # noqa: S105 - the name of a Secret


def webhook_secret(
    *,
    jobs: Annotated[str | None, typer.Argument(metavar="[NAMESPACE]", help="Namespace of the jobs.")] = None,
    secret: Annotated[str, typer.Option(help="NAMESPACE/NAME of the release's Secret with the seed.")] = _SECRET,
    seed_file: Annotated[Path | None, typer.Option(help="File with the seed, in place of a cluster.")] = None,
    output: OutputOption = Output.TEXT,
    where: Where,
) -> None:
    """Print the secret (whsec_…) and the public key (whpk_…) that the webhooks of a namespace are verified with.

    For whoever may read the release's Secret.
    """
    # Imported here: cryptography takes a while, and no other command needs it.
    from mintworks_operator.webhooks.signing import Keys  # noqa: PLC0415

    namespace = jobs or where.namespace
    if seed_file is not None:
        if namespace is None:
            raise error("with --seed-file the namespace must be named")
        seed = _read(seed_file)
    else:
        connection = where.connect()
        namespace = namespace or connection.namespace
        place, separator, name = secret.partition("/")
        if not (place and separator and name):
            raise error(f"--secret {secret}: NAMESPACE/NAME is expected")
        data = connection.get(f"/api/v1/namespaces/{place}/secrets/{name}").get("data") or {}
        seed = base64.b64decode(data.get("seed") or "").decode().strip()
    try:
        keys = Keys(seed, namespace)
    except ValueError as problem:
        raise error(str(problem)) from None
    if output.whole:
        print_whole({"namespace": namespace, "secret": keys.secret, "publicKey": keys.public}, output)
    else:
        print(f"{keys.secret}\n{keys.public}")


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise error(str(problem)) from None
