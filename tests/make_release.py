"""Make a release of the last commit: ``python tests/make_release.py VERSION [--dry-run]``.

Puts the version and its date into ``axis/__init__.py`` and the changelog, builds source archive and wheel from a copy of
the commit, installs the wheel with every extra into an empty environment, asks it for its version, lists what is in that
environment (CycloneDX), and writes everything with its digests into ``dist/``. Then it commits the two files and sets the
tag; pushing and publishing are left to a person. A dry run leaves the repository and ``dist/`` as they are and writes into
``build/release/``.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from axis.trials.bench_revision import unpack

ROOT = Path(__file__).parent.parent
VERSIONED, CHANGES = Path("axis", "__init__.py"), Path("CHANGELOG.md")
EXTRAS = "http,sftp,postgresql,evidence"
_VERSION = re.compile(r'^__version__ = "(.*)"$', re.M)
_HEADING = "## Unreleased\n"


def versioned(text: str, version: str) -> str:
    """The package's text with another version. Raises ValueError unless it has one, and this one is one."""
    if not re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", version):
        raise ValueError(f"{version}: not a version such as 1.2.3 or 1.2.3rc1")
    changed, count = _VERSION.subn(f'__version__ = "{version}"', text)
    if count != 1:
        raise ValueError("the package does not say its version once")
    return changed


def released(changelog: str, version: str, date: str) -> str:
    """The changelog in which what was unreleased is this version's. Raises ValueError where there is nothing, or where
    it has that version already."""
    before, heading, rest = changelog.partition(_HEADING)
    if not heading or not re.match(r"\s*###? .*\n+- ", rest):
        raise ValueError("nothing is written under Unreleased")
    if re.search(rf"^## {re.escape(version)} ", changelog, re.M):
        raise ValueError(f"{version} is released already")
    return f"{before}{_HEADING}\n## {version} – {date}\n{rest}"


def main(arguments: list[str]) -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description="Make a release of the last commit.")
    parser.add_argument("version")
    parser.add_argument("--dry-run", action="store_true")
    given = parser.parse_args(arguments)
    if not given.dry_run and _git("status", "--porcelain").strip():
        sys.exit("there are changes that are not committed")
    moment = int(_git("log", "-1", "--format=%ct"))
    os.environ["SOURCE_DATE_EPOCH"] = str(moment)  # the same commit makes the same files
    out = ROOT / ("build/release" if given.dry_run else "dist")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    with TemporaryDirectory(prefix="axis-release-") as temporary:
        source = Path(temporary) / "source"
        with tarfile.open(fileobj=io.BytesIO(_git_bytes("archive", "HEAD"))) as archive:
            unpack(archive, source)
        date = datetime.fromtimestamp(moment, UTC).date().isoformat()
        try:
            for path, text in (
                (VERSIONED, versioned((source / VERSIONED).read_text("utf-8"), given.version)),
                (CHANGES, released((source / CHANGES).read_text("utf-8"), given.version, date)),
            ):
                (source / path).write_text(text, "utf-8")
        except ValueError as error:
            sys.exit(str(error))
        _run(sys.executable, "-P", "-m", "build", "--no-isolation", "--outdir", out, source)
        (wheel,) = out.glob("*.whl")
        _list_what_is_installed(Path(temporary), source, wheel, out, given.version)
        shutil.copy(source / "config" / "constraints.txt", out)
        if not given.dry_run:
            for path in (VERSIONED, CHANGES):
                shutil.copy(source / path, ROOT / path)
    sums = "".join(f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.name}\n" for p in sorted(out.iterdir()))
    (out / "SHA256SUMS").write_text(sums, "utf-8")
    print(sums, end="")
    if given.dry_run:
        print(f"dry run: nothing was changed; see {out.relative_to(ROOT)}")
        return 0
    _git("commit", "--quiet", "--message", f"Version {given.version}", str(VERSIONED), str(CHANGES))
    _git("tag", "--annotate", f"v{given.version}", "--message", f"Version {given.version}")
    print(f"committed and tagged v{given.version}; next: push it, publish what is in dist/")
    return 0


def _list_what_is_installed(folder: Path, source: Path, wheel: Path, out: Path, version: str) -> None:
    """The bill of materials of an environment with the wheel and nothing else."""
    constraints = source / "config" / "constraints.txt"
    for name in ("empty", "tool"):
        _run(sys.executable, "-P", "-m", "venv", "--without-pip", folder / name)
    pip = [sys.executable, "-P", "-m", "pip", "--python"]
    options = ["install", "--quiet", "--disable-pip-version-check", "--constraint", constraints]
    _run(*pip, folder / "empty" / "bin" / "python", *options, f"{wheel}[{EXTRAS}]")
    found = subprocess.run(
        [folder / "empty/bin/axis", "--version"], cwd=folder, capture_output=True, text=True, check=True
    )
    if version not in found.stdout:
        sys.exit(f"the installed program says {found.stdout.strip()}")
    project = tomllib.loads((source / "pyproject.toml").read_text("utf-8"))["project"]
    _run(*pip, folder / "tool" / "bin" / "python", *options, *project["optional-dependencies"]["release"])
    described = folder / "pyproject.toml"  # for a reader that does not look up what is dynamic
    text = (source / "pyproject.toml").read_text("utf-8")
    described.write_text(text.replace('dynamic = ["version"]', f'version = "{version}"'), "utf-8")
    bill = out / f"{project['name']}-{version}.cdx.json"
    tool = [folder / "tool/bin/cyclonedx-py", "environment", "--pyproject", described, "--output-reproducible"]
    _run(*tool, "--output-format", "JSON", "-o", bill, folder / "empty" / "bin" / "python")
    subject = json.loads(bill.read_text("utf-8"))["metadata"]["component"]
    if (subject["name"], subject.get("version")) != (project["name"], version):
        sys.exit(f"the bill of materials is of something else: {subject}")


def _run(*command: object) -> None:
    subprocess.run([str(one) for one in command], cwd=ROOT, check=True)


def _git(*arguments: str) -> str:
    return _git_bytes(*arguments).decode()


def _git_bytes(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True).stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
