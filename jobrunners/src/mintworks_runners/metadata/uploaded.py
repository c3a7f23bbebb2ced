"""The images of an UploadJob, for who builds on it: its files are read again, and must give the folder that it says."""

from __future__ import annotations

from mintworks_api import UploadJobSpec

from mintworks_runners.core.context import JobContext, parse_spec
from mintworks_runners.core.errors import InputChanged, changed_where
from mintworks_runners.core.protocol import Dependency
from mintworks_runners.upload.gather import gather

from .images import ImageFolder


async def from_upload(context: JobContext, dependency: Dependency) -> ImageFolder:
    """The folder of the UploadJob that this job depends on, with the names in it.

    InputChanged where its files are bad now, or make another folder than the job's result names.
    """
    spec = parse_spec(dependency.kind, dependency.spec)
    if not isinstance(spec, UploadJobSpec):
        raise TypeError(f"{dependency.kind} is not an UploadJob")
    # The dependency has succeeded with these very files.
    with changed_where(frozen=True):
        found = await reread(context, dependency.name, spec)
    if found.cid != dependency.result.get("cid"):
        said = dependency.result.get("cid")
        raise InputChanged(f"cid of {dependency.kind} {dependency.name} is {said}; its files now make {found.cid}")
    return found


async def reread(context: JobContext, name: str, spec: UploadJobSpec) -> ImageFolder:
    """The folder of the UploadJob `name`, whose files lie among the mounts as a dependency's; errors as of `gather`."""
    found = await gather(context, spec, None, f"dependencies/{name}/")
    return ImageFolder(found.cid, found.names)
