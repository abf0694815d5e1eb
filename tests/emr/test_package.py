"""What `make package` makes: reproducible, complete, for both architectures, pinned by the lock."""

import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import schemas
from emr import package
from emr.archives import write_tar_gz, zip_bytes
from emr.release import ARCHITECTURES, ReleaseError, dependencies_name, packaged
from tests.emr.conftest import ARCHITECTURE, PYTHON, make
from tests.jobs.job import ROOT, SECONDS, Finished
from tests.short_run import SHORT_RUN

MACHINES = {"x86_64": b"\x3e\x00", "arm64": b"\xb7\x00"}  # e_machine of an ELF header


def test_the_manifest_names_every_file_with_its_digest(dist: Path) -> None:
    release = packaged(dist)
    assert set(release.files) | {"manifest.json"} == {path.name for path in dist.iterdir()}
    assert re.fullmatch("[0-9a-f]{16}", release.name)


def test_the_manifest_names_the_versions_of_the_lock(dist: Path) -> None:
    locked = re.findall(
        r"^([a-z0-9-]+)(?:\[.*\])?==([^ ]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE
    )
    found = json.loads((dist / "manifest.json").read_text())["packages"].items()
    assert {(name.replace("_", "-"), version) for name, version in found} <= set(locked)


def test_a_changed_file_is_no_release(dist: Path, tmp_path: Path) -> None:
    for path in dist.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "archive.py").unlink()
    (tmp_path / "archive.py").write_text("# another one\n")
    with pytest.raises(ReleaseError, match=r"archive.py isn't what .*: run `make package`"):
        packaged(tmp_path)


def test_the_same_files_make_the_same_release(dist: Path, tmp_path: Path) -> None:
    make(tmp_path / "again", [ARCHITECTURE])
    first, second = packaged(dist).files, packaged(tmp_path / "again").files
    assert second.items() <= first.items()


def test_no_time_owner_or_order_gets_into_an_archive(tmp_path: Path) -> None:
    made = []
    for number, names in enumerate((["a", "b"], ["b", "a"])):
        folder = tmp_path / str(number)
        folder.mkdir()
        for name in names:
            (folder / name).write_text(name)
            os.utime(folder / name, (number, number))
        write_tar_gz(tmp_path / f"{number}.tar.gz", {name: folder / name for name in names})
        zipped = zip_bytes({name: (folder / name).read_bytes() for name in names})
        made.append(((tmp_path / f"{number}.tar.gz").read_bytes(), zipped))
    assert made[0] == made[1]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_library_is_of_its_architecture_and_python(dist: Path, architecture: str) -> None:
    with tarfile.open(dist / dependencies_name(architecture)) as archive:
        libraries = [member for member in archive if re.search(r"\.so(\.\d+)*$", member.name)]
        kinds = {archive.extractfile(each).read(20)[18:] for each in libraries}  # type: ignore[union-attr]
    pythons = {tag for each in libraries for tag in re.findall(r"\.cpython-(\d+)-", each.name)}
    assert kinds == {MACHINES[architecture]}
    assert pythons == {PYTHON.replace(".", "")}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_no_library_needs_a_newer_glibc_than_amazon_linux_2023_has(dist: Path, architecture: str) -> None:
    with tarfile.open(dist / dependencies_name(architecture)) as archive:
        wheels = [each for each in archive if each.name.endswith(".dist-info/WHEEL")]
        tags = [archive.extractfile(each).read().decode() for each in wheels]  # type: ignore[union-attr]
    needed = [
        min(found)
        for each in tags
        if (found := [int(minor) for minor in re.findall(r"manylinux_2_(\d+)_", each)])
    ]
    assert len(needed) > 3
    assert max(needed) <= 34


def test_an_image_without_that_python_is_told_what_to_make(dist: Path, tmp_path: Path) -> None:
    with tarfile.open(dist / dependencies_name(ARCHITECTURE)) as archive:
        archive.extract("bin/python", tmp_path, filter="data")
    done = subprocess.run(
        [tmp_path / "bin" / "python", "-V"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 127
    assert f"there is no python{PYTHON} here: make package" in done.stderr


def test_spark_itself_is_in_no_archive(dist: Path) -> None:
    with tarfile.open(dist / dependencies_name(ARCHITECTURE)) as archive:
        packed = {Path(name).parts[1] for name in archive.getnames() if name.startswith("packages/")}
    assert {"boto3", "pyarrow", "fastavro", "pandas", "pydantic", "structlog"} <= packed
    assert {"pyspark", "py4j", "bin"} & packed == set()


def test_packages_with_other_hashes_than_the_locks_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = (ROOT / "requirements.lock").read_text()
    (tmp_path / "requirements.lock").write_text(re.sub(r"sha256:[0-9a-f]{8}", "sha256:00000000", lock))
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    for folder in ("emr", "conf", *package.PACKAGES):
        (tmp_path / folder).symlink_to(ROOT / folder)
    monkeypatch.setattr(package, "ROOT", tmp_path)
    with pytest.raises(package.PackageError, match="no dependencies for Python"):
        package.make(tmp_path / "dist", PYTHON, [ARCHITECTURE])


def test_the_zip_has_the_packages_and_nothing_of_the_demo(dist: Path) -> None:
    names = zipfile.ZipFile(dist / "packages.zip").namelist()
    assert {name.split("/")[0] for name in names} == set(package.PACKAGES)
    assert not {Path(name).suffix for name in names} & {"", ".pyc", ".toml", ".md"}
    assert not [name for name in names if name.startswith("jobs/demo/")]


def test_what_the_zip_holds_beside_modules_is_found_in_it(dist: Path, tmp_path: Path) -> None:
    packages = dist / "packages.zip"
    script = (
        "import jobs, schemas\n"
        "from jobs.session import spark_session\n"
        "print(jobs.__file__, *schemas.load())\n"
        "spark_session(cores=1).range(1).collect()\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, **SHORT_RUN, "PYTHONPATH": str(packages)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert run.stdout.split() == [f"{packages}/jobs/__init__.py", *schemas.RECORD_TYPES]
    # Without our log4j2.properties Spark would say more.
    Finished(run.returncode, "", run.stderr).succeeded()
