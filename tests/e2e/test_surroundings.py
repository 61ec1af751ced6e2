"""Terminals, files and settings as they really are: other encodings, full disks, read-only copies, typing mistakes."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from axis import cli, home
from axis.commands import console
from axis.core.secret import is_private
from tests.line import Line, document, small_home

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parent.parent.parent
FULL = Path("/dev/full")
WALL = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"]  # root without the right to pass over permissions
COMMANDS = (
    ["--help"],
    ["agency", "list"],
    ["agency", "show", "H41"],
    ["trace", "1/TN-G22"],
    ["board", "1/TN-G22"],
    ["queue", "list"],
    ["adapter", "check"],
    ["send", "--dry-run", "--from", "G22", "packet.edxml"],
    ["packet", "show", "packet.edxml"],
)


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Line:
    """With one document that was handed over; read only."""
    made = small_home(tmp_path_factory.mktemp("surroundings") / "home", codes=("G22", "H41"))
    made.drop("G22", document(1, subject="V/v điều chỉnh quy hoạch «Đồng Nai»"))
    made.run()
    (made.path / "packet.edxml").write_bytes(document(2))
    return made


def process(
    line: Line, arguments: Sequence[str], before: Sequence[str] = (), stdout: int | None = None, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    named = [str(line.path / one) if one == "packet.edxml" else one for one in arguments]
    home = [] if arguments[0] in {"--help", "packet"} else ["--home", str(line.path)]
    return subprocess.run(
        [*before, sys.executable, "-P", str(ROOT / "cli.py"), *named, *home],
        env={**os.environ, "PYTHONPATH": str(ROOT), "AXIS_LANG": "vi", **environment},
        stdout=subprocess.PIPE if stdout is None else stdout,
        stderr=subprocess.PIPE,
        check=False,
    )


def axis(line: Line, *arguments: str) -> Result:
    return CliRunner().invoke(cli.main, [*arguments, "--lang", "en", "--home", str(line.path)])


# -- Terminals ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "commands"), [("ascii", COMMANDS[:3]), ("latin-1", COMMANDS[3:5]), ("cp1258", COMMANDS)]
)
def test_every_command_works_on_a_terminal_that_is_not_utf8(
    line: Line, encoding: str, commands: Sequence[Sequence[str]]
) -> None:
    first, *others = commands
    done = process(line, first, PYTHONIOENCODING=encoding)
    assert (done.returncode, bool(done.stdout)) == (0, True), (first, done.stderr)
    # The others one after the other in one process: its terminal is the same.
    script = (
        "import json, sys\nfrom axis import cli\nfor arguments in json.loads(sys.argv[1]):\n"
        "    try:\n        cli.main(arguments)\n    except SystemExit as end:\n"
        "        assert end.code in (None, 0), arguments\n    print('\\0', flush=True)"
    )
    named = [[str(line.path / one) if one == "packet.edxml" else one for one in arguments] for arguments in others]
    named = [one if one[0] == "packet" else [*one, "--home", str(line.path)] for one in named]
    done = subprocess.run(
        [sys.executable, "-P", "-c", script, json.dumps(named)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "AXIS_LANG": "vi", "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout.split(b"\0")[:-1]
    assert [arguments for arguments, one in zip(others, said, strict=True) if not one.strip()] == []


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [("utf-8", "Điều chỉnh, nhận – «ế»"), ("cp1258", "Điều chỉnh, nhận – «ế»"), ("latin-1", "Diêu chinh, nhân - «ê»")],
)
def test_what_an_encoding_lacks_is_shown_as_nearly_as_it_can(encoding: str, shown: str) -> None:
    import unicodedata

    script = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from axis.commands import console; console.fit_the_terminal();"
        "console.say('Điều chỉnh, nhận – «ế»')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=True,
    )
    assert unicodedata.normalize("NFC", done.stdout.decode(encoding).strip()) == shown


def test_json_keeps_every_letter_whatever_the_terminal_is(line: Line) -> None:
    said = [
        json.loads(process(line, ["trace", "1/TN-G22", "--json"], PYTHONIOENCODING=one).stdout.decode(one))
        for one in ("utf-8", "latin-1")
    ]
    assert said[0] == said[1]
    assert "Đồng Nai" in json.dumps(said[0], ensure_ascii=False)


HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\r"


def test_control_sequences_are_shown_and_not_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    console.say(f"a{HOSTILE}b\n\tc")
    console.table(["x"], [[f"a{HOSTILE}b"]])
    console.show_error(console.unusable(f"/tmp/a{HOSTILE}b", OSError(5, f"x{HOSTILE}")), "vi", as_json=False)
    said = capsys.readouterr()
    for text in (said.out, said.err):
        assert not [c for c in text if not (c.isprintable() or c in "\n\t")]
        assert "\\x1b" in text


def test_no_command_writes_past_the_one_place_that_escapes() -> None:
    sources = [ROOT / "cli.py", *(ROOT / "axis" / "commands").glob("*.py")]
    assert len(sources) > 15
    for path in sources:
        if path.stem != "console":
            assert not re.search(r"\becho\(|\bprint\(|\.write\(", path.read_text("utf-8")), path


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
def test_a_full_stdout_is_said_with_its_name_and_nothing_more(line: Line) -> None:
    for arguments in (["--help"], ["agency", "list"], ["trace", "1/TN-G22", "--json"]):
        with FULL.open("wb") as full:
            done = process(line, arguments, stdout=full.fileno())
        assert (done.returncode, b"stdout" in done.stderr, b"Traceback" in done.stderr) == (5, True, False), done.stderr


# -- Files ----------------------------------------------------------------------------------------------------


def test_an_auditors_read_only_copy_can_be_read(line: Line, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(line.path, copy)
    for path in [copy, *copy.rglob("*")]:
        path.chmod(0o500 if path.is_dir() else 0o400)
    auditor = Line(copy)
    before = WALL if os.geteuid() == 0 else []
    try:
        for arguments in (["trace", "1/TN-G22", "--json"], ["agency", "list"], ["board", "1/TN-G22"]):
            done = process(auditor, arguments, before)
            assert done.returncode == 0, done.stderr
        refused = process(auditor, ["run", "--until-idle"], before)
        assert (refused.returncode, b"FILE_UNUSABLE" in refused.stderr) == (5, True), refused.stderr
    finally:
        for path in [copy, *(p for p in copy.rglob("*") if p.is_dir())]:
            path.chmod(0o700)


def test_what_lies_in_the_way_is_named(line: Line, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(line.path, copy)
    (copy / ".lock").unlink(missing_ok=True)
    (copy / ".lock").mkdir()
    done = axis(Line(copy), "run", "--until-idle")
    assert (done.exit_code, "FILE_UNUSABLE" in done.stderr, ".lock" in done.stderr) == (5, True, True)


def test_the_trace_of_our_own_bug_stays_in_the_home_and_the_oldest_go(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(line.path, copy)

    def breaks(*_: object) -> None:
        raise RuntimeError("x" * 1_000_000)

    monkeypatch.setattr(home, "open_home", breaks)
    for _ in range(console.KEPT + 3):
        done = axis(Line(copy), "agency", "list")
        assert done.exit_code == 1
    kept = list((copy / console.INCIDENTS).iterdir())
    assert len(kept) == console.KEPT
    assert str(copy / console.INCIDENTS) in done.stderr
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in kept)
    assert all(path.stat().st_size <= console.LARGEST for path in kept)
    assert "Traceback" not in done.stderr


def test_a_home_in_a_folder_that_was_there_is_nobody_elses_and_so_is_what_is_exported(tmp_path: Path) -> None:
    open_folder, exported = tmp_path / "open", tmp_path / "exported"
    for folder in (open_folder, exported):
        folder.mkdir()
        folder.chmod(0o755)
    before = os.umask(0)
    try:
        made = CliRunner().invoke(cli.main, ["init", "--home", str(open_folder)])
        assert made.exit_code == 0, made.output
        done = axis(Line(open_folder), "agency", "export", "H41", "--to", str(exported))
        assert done.exit_code == 0, done.output
    finally:
        os.umask(before)
    for folder in (open_folder, exported):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        for database in folder.rglob("*.db"):
            assert stat.S_IMODE(database.stat().st_mode) == 0o600, database


def test_an_embedded_broker_with_postgresql_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli.main, ["init", "--store", "postgresql", "--home", str(tmp_path / "home")])
    assert done.exit_code == 2
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("mode", "owner", "us", "safe"),
    [
        (0o100600, 1000, 1000, True),
        (0o100400, 1000, 1000, True),
        (0o100640, 1000, 1000, False),  # ours to mend
        (0o100440, 0, 1000, True),  # a secret that root has mounted for our group
        (0o100640, 0, 1000, True),
        (0o100460, 0, 1000, False),
        (0o100444, 0, 1000, False),
        (0o100440, 0, 0, False),
        (0o100600, 1001, 1000, False),  # whose owner could change it under us
        (0o100600, 1000, 0, True),  # root works in a service's home
    ],
)
def test_a_secret_is_taken_from_its_owner_or_from_root_and_from_nobody_else(
    mode: int, owner: int, us: int, safe: bool
) -> None:
    assert is_private(mode, owner, us) is safe


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another user")
def test_a_key_that_root_has_mounted_for_a_service_is_used_by_it(line: Line) -> None:
    mounted = Path(tempfile.mkdtemp(prefix="axis-mounted-"))
    mounted.chmod(0o755)
    for name in ("G22.key", "G22.pem"):
        shutil.copyfile(line.path / "keys" / name, mounted / name)
    key = mounted / "G22.key"
    os.chown(key, 0, 65534)
    key.chmod(0o440)
    script = "import sys; from pathlib import Path; from axis.infra import keystore; keystore.load_signer(Path(sys.argv[1]), 'G22')"
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable, "-c", script]
    reachable = subprocess.run([*command[:-2], "-c", "import axis"], cwd=ROOT, capture_output=True, check=False)
    if reachable.returncode:
        pytest.skip("another user cannot read this program here")
    done = subprocess.run([*command, str(mounted)], cwd=ROOT, capture_output=True, check=False)
    shutil.rmtree(mounted)
    assert done.returncode == 0, done.stderr


# -- Settings -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ('[adapter.agencies.G22]\nkind = "folder"\nredy = true\n', "adapter.agencies.G22.ready"),
        ('[adapter.agencies.G22]\nready = "false"\n', "true or false"),
        ("[adapter.agencies.G22]\nby_day = 1\n", "true or false"),
        ('[adapter.agencies.G22]\nkind = "spool"\nready = true\n', "adapter.agencies.G22.ready"),
        ('[adapter.agencies.G22]\nkind = "sftp"\nhost = "x"\nport = "22"\n', "a whole number"),
        ('[adapter.agencies.H411]\nkind = "folder"\n', "adapter.agencies.H41"),
    ],
)
def test_a_mistyped_key_value_or_agency_is_refused_with_what_was_meant(
    line: Line, tmp_path: Path, table: str, named: str
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(line.path, copy)
    settings = copy / "axis.toml"
    settings.write_text(settings.read_text("utf-8") + "\n" + table, "utf-8")
    done = axis(Line(copy), "adapter", "check")
    said = done.stdout + done.stderr
    assert (done.exit_code, named in said) == (5, True), said


def test_settings_and_calendar_as_an_editor_with_a_byte_order_mark_saves_them(line: Line, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(line.path, copy)
    (copy / "calendar.csv").write_bytes(b"\xef\xbb\xbfdate,kind,name\n2026-12-31,off,x\n")
    text = (copy / "axis.toml").read_text("utf-8") + '\n[deadlines]\ncalendar_file = "calendar.csv"\n'
    (copy / "axis.toml").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert axis(Line(copy), "run", "--until-idle").exit_code == 0
