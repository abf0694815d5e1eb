"""Releases on S3: ``{ArtifactsUri}/{release}/{file}``, where nothing is ever overwritten."""

from pathlib import Path

from emr.package import small_files
from emr.release import MANIFEST, Release, ReleaseError, packaged, parsed
from jobs.sinks.failures import ObjectMissing
from jobs.sinks.storage import open_storage


def current(dist: Path) -> Release:
    """The packaged release, if it is of the code and the confs as they are now. Raises ReleaseError."""
    release = packaged(dist)
    for name, content in small_files().items():
        if name not in release.files or (dist / name).read_bytes() != content:
            raise ReleaseError(f"{dist} was made before {name} changed: run `make package`")
    return release


def chosen(name: str | None, dist: Path, artifacts: str) -> Release:
    """The release of that name on S3, or without one the packaged release. Raises ReleaseError."""
    return uploaded(name, artifacts) if name else current(dist)


def upload(release: Release, dist: Path, artifacts: str) -> None:
    """Bring the release to S3, its manifest last: a release that has one is complete. Raises StorageError."""
    storage = open_storage(f"{artifacts}/{release.name}")
    for name in [*release.files, MANIFEST]:
        if not storage.exists(name):
            storage.put(name, (dist / name).read_bytes())


def uploaded(name: str, artifacts: str) -> Release:
    """An earlier release that is on S3. Raises ReleaseError where it isn't."""
    storage = open_storage(f"{artifacts}/{name}")
    try:
        return parsed(storage.get(MANIFEST), f"{storage.uri}/{MANIFEST}")
    except ObjectMissing:
        raise ReleaseError(
            f"there is no release {name} in {artifacts}: `aws s3 ls {artifacts}/` lists them"
        ) from None
