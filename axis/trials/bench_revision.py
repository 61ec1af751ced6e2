"""Another commit of this repository, made ready to run in a folder and an environment of its own."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import venv
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from axis.errors import Fault, Misconfigured, Problem, Unavailable
from axis.trials import bench_process
from axis.trials.bench_line import Program

if TYPE_CHECKING:
    from collections.abc import Iterator

EXTRAS = "postgresql,http,sftp"  # what a line may need; a revision from before there were extras has them all
REPOSITORY = Path(__file__).parent.parent.parent


@contextmanager
def revision(name: str) -> Iterator[Program]:
    """Commit `name`, installed for itself with the libraries of its own constraints; deleted at the end.

    Raises :class:`Misconfigured` TRIAL_REVISION."""
    with TemporaryDirectory(prefix="axis-revision-") as temporary:
        folder = Path(temporary)
        commit = _git("rev-parse", "--verify", f"{name}^{{commit}}", name=name).decode().strip()
        with tarfile.open(fileobj=io.BytesIO(_git("archive", commit, name=name))) as archive:
            unpack(archive, folder / "source")
        yield _install(name, commit[:7], folder)


def unpack(archive: tarfile.TarFile, folder: Path) -> None:
    """Everything in `archive` into `folder`, nothing beside it where this Python can tell (PEP 706): 3.11.2, which
    Debian 12 has, cannot yet, and refuses to be asked."""
    archive.extraction_filter = getattr(tarfile, "data_filter", None)
    archive.extractall(folder)  # noqa: S202 - archives of our own commits


@cache
def current() -> str:
    """The commit that runs here, with ``+`` when something was changed since; "" outside of a repository."""
    try:
        commit = _git("rev-parse", "--short=7", "HEAD", name="HEAD").decode().strip()
        changed = _git("status", "--porcelain", "--untracked-files=no", name="HEAD").strip()
    except Misconfigured:
        return ""
    return commit + ("+" if changed else "")


def _install(name: str, commit: str, folder: Path) -> Program:
    source, python = folder / "source", folder / "venv" / "bin" / "python"
    constraints = source / "config" / "constraints.txt"
    pip = ["-P", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if constraints.exists():
        pip += ["--constraint", str(constraints)]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    try:
        venv.create(folder / "venv", with_pip=True)
        bench_process.run([str(python), *pip, f"{source}[{EXTRAS}]"], environment, folder)
    except (Unavailable, OSError, subprocess.SubprocessError) as error:
        raise Misconfigured(Problem(Fault.TRIAL_REVISION, path=name, got=str(error)[-300:])) from error
    return Program(commit, python)


def _git(*arguments: str, name: str) -> bytes:
    try:
        done = subprocess.run(["git", "-C", str(REPOSITORY), *arguments], capture_output=True, check=False)
    except OSError as error:
        raise Misconfigured(Problem(Fault.TRIAL_REVISION, path=name, got=str(error))) from error
    if done.returncode:
        raise Misconfigured(Problem(Fault.TRIAL_REVISION, path=name, got=done.stderr.decode(errors="replace")[-300:]))
    return done.stdout
