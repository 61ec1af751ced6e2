"""What is released: a wheel and a source archive, installed into an empty environment and used by an ordinary user in an
empty folder. Nothing of the repository is there."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from axis.trials.bench_revision import unpack
from tests.line import document

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent.parent
NOBODY = 65534
ORDINARY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if os.geteuid() == 0 else []
# What the program reads at run time and that no import brings along.
FILES = {
    "axis/config/agencies.csv",
    "axis/config/calendar.csv",
    "axis/infra/migrations/env.py",
    "axis/infra/migrations/versions/r0001_first.py",
    "axis/py.typed",
    "axis/schemas/edxml/1/document.xsd",
    "axis/schemas/edxml/1/status.xsd",
    "axis/schemas/http/openapi.json",
    "axis/schemas/receipt/1/receipt.xsd",
    "axis/schemas/registry/1/registry.xsd",
}
# What somebody may have in the folder in which a command is run: each would end it, or speak for it.
HOSTILE = (
    "axis",
    "cli",
    "click",
    "adapters",
    "schemas",
    "config",
    "lxml",
    "pika",
    "sqlalchemy",
    "alembic",
    "sitecustomize",
)


def build(kind: str, source: Path, to: Path) -> Path:
    command = [sys.executable, "-P", "-m", "build", "--no-isolation", f"--{kind}", "--outdir", str(to), str(source)]
    done = subprocess.run(command, cwd=to, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = to.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return made


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that another user reaches."""
    with TemporaryDirectory(prefix="axis-release-") as made:
        path = Path(made)
        path.chmod(0o755)
        yield path


@pytest.fixture(scope="module")
def wheel(folder: Path) -> Path:
    to = folder / "wheel"
    to.mkdir()
    return build("wheel", ROOT, to)


@pytest.fixture(scope="module")
def sdist(folder: Path) -> Path:
    to = folder / "sdist"
    to.mkdir()
    return build("sdist", ROOT, to)


def names(wheel: Path) -> dict[str, int]:
    with zipfile.ZipFile(wheel) as archive:
        return {info.filename: info.CRC for info in archive.infolist() if not info.filename.endswith("/")}


def test_the_wheel_owns_no_name_but_its_own_and_has_every_file_that_is_read_at_run_time(wheel: Path) -> None:
    found = names(wheel)
    tops = {name.partition("/")[0] for name in found}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"axis"}
    assert set(found) >= FILES
    wanted = {"axis/cli.py"}
    for name in ("axis", "adapters", "schemas", "config"):
        for path in (ROOT / name).rglob("*"):
            if path.is_file() and not path.is_symlink() and "__pycache__" not in path.parts:
                own = path.relative_to(ROOT).as_posix()
                wanted.add(own if name == "axis" else f"axis/{own}")
    assert {name for name in found if name.startswith("axis/")} == wanted


def test_the_source_archive_has_each_file_once_and_makes_the_same_wheel(sdist: Path, wheel: Path, folder: Path) -> None:
    with tarfile.open(sdist) as archive:
        assert not [member.name for member in archive if not member.isfile() and not member.isdir()]
        unpack(archive, folder / "source")
    (source,) = (folder / "source").iterdir()
    assert not [name for name in ("adapters", "schemas", "config", "cli.py") if (source / "axis" / name).exists()]
    to = folder / "again"
    to.mkdir()
    again = names(build("wheel", source, to))
    assert again == names(wheel)


class Installation:
    """The wheel in an environment of its own, and a folder of the user's with nothing of ours in it."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.folder = folder
        self.python = folder / "venv" / "bin" / "python"
        self.here = folder / "here"
        self.here.mkdir()
        interpreter = next(one for one in (sys.base_prefix + "/bin/python3", "/usr/bin/python3") if self._runs(one))
        subprocess.run([interpreter, "-P", "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
        pip = [sys.executable, "-P", "-m", "pip", "--python", str(self.python), "install", "--quiet"]
        given = ["--disable-pip-version-check", "--constraint", str(ROOT / "config" / "constraints.txt"), str(wheel)]
        done = subprocess.run([*pip, *given], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        for name in HOSTILE:
            (self.here / f"{name}.py").write_text("raise SystemExit('a file of the current folder was run')\n")
        if ORDINARY:
            os.chown(self.here, NOBODY, NOBODY)

    def run(self, *command: str, code: int = 0, **more: str) -> str:
        """What a command says that ends with `code`."""
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.here),
            "LANG": "C.UTF-8",
        }
        done = subprocess.run(
            [*ORDINARY, *command], cwd=self.here, env=environment | more, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def axis(self, *arguments: str, code: int = 0, **more: str) -> str:
        return self.run(str(self.python.with_name("axis")), *arguments, "--lang", "en", code=code, **more)

    @staticmethod
    def _runs(python: str) -> bool:
        check = "import sys, venv; sys.exit(sys.version_info < (3, 11))"
        try:
            return subprocess.run([*ORDINARY, python, "-c", check], capture_output=True, check=False).returncode == 0
        except OSError:
            return False


@pytest.fixture(scope="module")
def installed(folder: Path, wheel: Path) -> Installation:
    made = Installation(folder, wheel)
    made.axis("init", "--home", "H")
    return made


@pytest.mark.timeout(300)
def test_an_ordinary_user_goes_the_whole_way_in_an_empty_folder(installed: Installation) -> None:
    """The demo, and a first packet by hand as the README has it."""
    assert "lost           0" in installed.axis("demo", "--documents", "4")
    packet = installed.here / "first.edxml"
    packet.write_bytes(document(1, "G22", to=("H41",)))
    shutil.copy(packet, installed.here / "H" / "agencies" / "G22" / "outbox")
    if ORDINARY:
        os.chown(installed.here / "H" / "agencies" / "G22" / "outbox" / "first.edxml", NOBODY, NOBODY)
    installed.axis("run", "--home", "H", "--until-idle")
    assert "handed over" in installed.axis("trace", "1/TN-G22", "--home", "H")
    assert "H41" in installed.axis("board", "1/TN-G22", "--home", "H")
    (parcel,) = (installed.here / "H" / "agencies" / "H41" / "inbox").glob("*.asice")
    installed.axis("verify", str(parcel), "--home", "H")
    installed.axis("upgrade", "--home", "H")


def test_a_process_started_by_name_takes_no_file_of_the_current_folder(installed: Installation) -> None:
    """The console script has its own folder in front of the path, `python -P -m axis` none; `python -m axis` would have
    the current one."""
    assert "Usage: axis" in installed.axis("--help")
    assert "Usage: axis" in installed.run(str(installed.python), "-P", "-m", "axis", "--help")
    assert "a file of the current folder" in installed.run(str(installed.python), "-m", "axis", "--help", code=1)


def test_what_an_extra_brings_is_named_where_it_is_missing(installed: Installation) -> None:
    urls = {"AXIS_DATABASE_URL": "postgresql://axis@127.0.0.1:1/axis", "AXIS_AMQP_URL": "amqp://axis@127.0.0.1:1/axis"}
    said = installed.axis("init", "--home", "P", "--broker", "amqp", "--store", "postgresql", code=5, **urls)
    assert "EXTRA_MISSING" in said
    assert "axis-exchange[postgresql]" in said
    settings = installed.here / "H" / "axis.toml"
    kept = settings.read_text("utf-8")
    settings.write_text(f'{kept}\n[adapter.agencies.G22]\nkind = "sftp"\nhost = "127.0.0.1"\n', "utf-8")
    assert "axis-exchange[sftp]" in installed.axis("adapter", "check", "G22", "--home", "H", code=5)
    settings.write_text(f'{kept}\n[server]\nlisten = "127.0.0.1:0"\n', "utf-8")
    assert "axis-exchange[http]" in installed.axis("run", "--home", "H", "--until-idle", code=5)
    assert "G22" in installed.axis("adapter", "token", "G22", "--home", "H"), (
        "it is a line in a file: nothing is served"
    )
    settings.write_text(kept, "utf-8")


def test_every_process_that_is_started_here_leaves_the_current_folder_out_of_its_path() -> None:
    """Also those of measurements and tests: a file of the folder where somebody calls us must not be run as ours."""
    seen = 0
    for path in [*(ROOT / "axis").rglob("*.py"), *(ROOT / "adapters").rglob("*.py"), ROOT / "cli.py"]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.List) and (given := [ast.unparse(one) for one in node.elts]):
                by_name = given[0] in {"sys.executable", "str(self.python)", "str(self._python)", "str(python)"}
                if by_name or ("'-m'" in given and "'pip'" in given):
                    seen += 1
                    assert "'-P'" in given or "*pip" in given or "*install" in given, f"{path}: {given}"
    assert seen >= 3
