"""One file out of a package of npm, without those that it depends on: a bundle made for browsers has them inside.

A second of work in place of twenty for `npm ci`, once for each `.venv`.
"""

import base64
import fcntl
import hashlib
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import NamedTuple

KEPT = Path(sys.prefix) / "npm"


class Bundle(NamedTuple):
    """A file of a version of a package; `integrity` is that of a package-lock.json: the package's sha512 in base64."""

    package: str
    version: str
    integrity: str
    file: str


def fetched(bundle: Bundle) -> Path:
    """Where the file is, fetched if it is not there yet. Parallel test processes wait in line."""
    assert shutil.which("npm"), "this test fetches a package of npm: install npm, which comes with Node"
    place = KEPT / f"{bundle.package.replace('/', '+')}-{bundle.version}{Path(bundle.file).suffix}"
    KEPT.mkdir(exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            _fetch(bundle, place)
    return place


def _fetch(bundle: Bundle, place: Path) -> None:
    command = ["npm", "pack", f"{bundle.package}@{bundle.version}", "--silent"]
    # a fixed command
    done = subprocess.run(command, cwd=KEPT, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}"
    packed = KEPT / done.stdout.split()[-1]
    digest = base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode()
    assert f"sha512-{digest}" == bundle.integrity, f"{packed} is not the package that the tests were written for"
    with tarfile.open(packed) as archive:
        content = archive.extractfile(f"package/{bundle.file}")
        assert content is not None
        partial = place.with_suffix(".part")
        partial.write_bytes(content.read())
    partial.rename(place)
    packed.unlink()
