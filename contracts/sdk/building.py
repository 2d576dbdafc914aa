"""Installs and builds what the adapters in other languages need, once, in a folder of the user's cache."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ADAPTERS = Path(__file__).with_name("adapters")
CACHE = "PARKING_MOCK_SDK_CACHE"
"""The environment variable that names another folder than `parking-mock` in the user's cache."""

QUICK_JAVA = "-XX:TieredStopAtLevel=1"
"""The option for a Java machine that runs for some seconds only."""

DONE = "done"
"""A file that is there once a folder is complete."""


class MissingToolError(Exception):
    """Something has to be installed before a loop can run; the text says what, and how."""


class Prepared(NamedTuple):
    """The command that runs an adapter, and the folder in which it runs."""

    command: list[str]
    folder: Path


def cache() -> Path:
    """The folder for what is installed and built."""
    usual = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "parking-mock"
    return Path(os.environ.get(CACHE) or usual)


def prepare_node() -> Prepared:
    """The loop in JavaScript, with the packages of its lock file."""
    _need("node", "Node.js 20 or newer (Debian: apt-get install nodejs npm)")
    _need("npm", "npm, which comes with Node.js (Debian: apt-get install npm)")
    command = ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"]
    folder = _made("node", lambda here: _run(command, here))
    return Prepared(["node", str(folder / "loop.mjs")], folder)


def prepare_go() -> Prepared:
    """The loop in Go, compiled. The first time all modules are fetched and compiled, which takes a minute."""
    _need("go", "Go 1.21 or newer (https://go.dev/dl)")
    folder = _made("go", lambda here: _run(["go", "build", "-o", "loop", "."], here, {"CGO_ENABLED": "0"}))
    return Prepared([str(folder / "loop")], folder)


def prepare_java() -> Prepared:
    """The loop in Java, compiled, with the libraries that its `pom.xml` names."""
    _need("javac", "a JDK of version 17 or newer (Debian: apt-get install openjdk-17-jdk-headless)")
    _need("mvn", "Maven (Debian: apt-get install maven)")
    folder = _made("java", _compile_java)
    classpath = (folder / "classpath.txt").read_text(encoding="utf-8").strip()
    return Prepared(["java", QUICK_JAVA, "-cp", f"{folder}{os.pathsep}{classpath}", "Loop"], folder)


def _compile_java(folder: Path) -> None:
    """Both programs end before Java's second compiler pays: without it they take half the work."""
    maven = {"MAVEN_OPTS": os.environ.get("MAVEN_OPTS") or QUICK_JAVA}
    _run(["mvn", "-q", "-B", "dependency:build-classpath", "-Dmdep.outputFile=classpath.txt"], folder, maven)
    classpath = (folder / "classpath.txt").read_text(encoding="utf-8").strip()
    _run(["javac", f"-J{QUICK_JAVA}", "-cp", classpath, "Loop.java"], folder)


def _need(tool: str, what: str) -> None:
    if shutil.which(tool) is None:
        raise MissingToolError(f"{tool} is not installed: this loop needs {what}")


def _made(name: str, build: Callable[[Path], None]) -> Path:
    """The folder of an adapter, built unless it has been: a copy, whose name changes with its sources.

    Several processes may do so at once: each builds a folder of its own, and the first that is done gives it its name.
    """
    sources = [path for path in sorted((ADAPTERS / name).iterdir()) if path.is_file()]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    folder = cache() / f"{name}-{digest}"
    if (folder / DONE).exists():
        return folder
    own = folder.with_name(f"{folder.name}-{os.getpid()}")
    own.mkdir(parents=True, exist_ok=True)
    for path in sources:
        shutil.copy(path, own)
    build(own)
    (own / DONE).touch()
    try:
        own.rename(folder)
    except OSError:  # another process was quicker
        shutil.rmtree(own)
    return folder


def _run(command: Sequence[str], folder: Path, variables: Mapping[str, str] | None = None) -> None:
    """Run a step; MissingToolError with what it said if it fails."""
    done = subprocess.run(  # noqa: S603 a command of ours
        command, cwd=folder, env=os.environ | (variables or {}), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise MissingToolError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}".rstrip())
