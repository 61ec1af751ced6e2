"""Every command: its example runs as its help has it, in one prepared home; what it prints with ``--json`` is JSON, and it
ends with a code that is documented. Only what "…" stands for is put in."""

from __future__ import annotations

import glob
import json
import os
import re
import shlex
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest
from click.testing import CliRunner, Result

from axis import cli, config, texts
from axis.commands.options import Reading
from axis.infra import embedded
from tests.e2e.test_audit import found
from tests.e2e.test_cli import all_commands
from tests.e2e.test_guides import free_port
from tests.line import document, small_home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parent.parent.parent
CODES = ("G22", "H41", "H26", "H29", "G05", "G12")
# What takes long, or wants several people in turn, has a test of its own that runs it.
APART = {
    "agency follow": "test_following.py",
    "bench": "test_bench.py",
    "conformance": "test_conformance.py",
    "demo": "test_demo.py",
    "sandbox": "test_sandbox.py",
    **dict.fromkeys(("agency admit", "agency enrol", "registrar set", "registrar vouch"), "test_own_keys.py"),
    "key succeed": "test_hub_key.py",
    "log mirror": "../log/test_mirror.py",
    **dict.fromkeys(("witness compare", "witness policy"), "../log/test_witness_policy.py"),
    **{
        f"ballot {one}": "test_ballot.py" for one in ("open", "vote", "delegate", "remind", "close", "unseal", "result")
    },
    **{f"ballot {one}": "test_ballot.py" for one in ("status", "verify")},
    **{f"member {one}": "test_ballot.py" for one in ("add", "list", "revoke")},
    **{f"type {one}": "test_types.py" for one in ("add", "check", "list", "retire", "show")},
}
SERVED = {"adapter restored", "adapter run", "broker check", "broker setup", "hub"}
# These need servers, find none, and say so (tests with servers run them, too); what was not made cannot be made anew; a
# document that could not be delivered wants somebody to act; where nothing runs there is no line to try.
ENDS = {"broker check": 4, "broker setup": 4, "hub": 4, "broker reissue": 5, "ping": 5, "status": 5}
EMPTY = {
    "adapter run",
    "adapter systems list",
    "adapter tokens list",
    "agency list",
    "audit list",
    "list",
    "packet check",
    "queue list",
}
OFFICERS = {"officer add", "officer carry-out", "officer remove", "officer sign"}
COMMANDS = [path for path in all_commands() if not isinstance(found(path), click.Group) or found(path).epilog]


def example(path: tuple[str, ...]) -> str:
    return (found(path).epilog or "").splitlines()[-1].strip()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which somebody works: a home with a few documents, one of which could not be delivered, a packet, a
    parcel, the home of an agency, a backup."""
    here = tmp_path_factory.mktemp("examples")
    line = small_home(here / "axis-home", codes=CODES, give_up=2)
    for number, notation in ((1234, "VPCP-KSTT"), (12, "CT-TTg"), (12, "VP-TH")):
        data = document(number, to=("H41", "H26")).replace(b"TN-G22", notation.encode())
        line.drop("G22", data, f"{notation}.edxml")
    line.run()
    line.drop("G22", document(1, to=("G12",)))
    line.run(before=_lose)
    shutil.copytree(line.path / "pki", here / "pki")
    shutil.copytree(line.folder("H41", "inbox"), here / "inbox")
    (here / "van-ban.edxml").write_bytes(document(5))
    (here / "cong-van.pdf").write_bytes(b"%PDF-1.4")
    (here / "sap-nhap.csv").write_text("change,code,successor\nclose,G05,G12\n")
    for command in ("agency export G22 --to home-G22", "backup backup-2026-11-25"):
        assert run(here, [*command.split(), "--home", "axis-home"]).exit_code == 0
    return here


def _lose(hub: Any, agencies: list[Any]) -> None:
    agencies[:] = [one for one in agencies if one.code != "G12"]
    with hub.store.database.begin() as connection:
        connection.execute(embedded.queue.delete().where(embedded.queue.c.name.like("axis.to.G12%")))


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def run(here: Path, words: list[str], environment: dict[str, str] | None = None) -> Result:
    with inside(here), pytest.MonkeyPatch.context() as patch:
        patch.delenv("AXIS_HOME", raising=False)
        for module in ("adapter", "hub", "sandbox", "status", "trace", "web"):
            patch.setattr(f"axis.commands.{module}.stoppable", stopped)
        return CliRunner().invoke(cli.main, words, env=environment or {}, prog_name="axis")


@contextmanager
def stopped() -> Iterator[Callable[[], bool]]:
    """Asked to stop as soon as it has begun."""
    yield lambda: True


def _with_another_officer(here: Path, name: str) -> None:
    """The key of another officer, who is listed but where that is the example, and an act that waits for it."""
    before = [example(("officer", "key")), *([example(("officer", "add"))] if name != "officer add" else [])]
    for line in before:
        assert run(here, shlex.split(line)[1:]).exit_code == 0
    if name in {"officer sign", "officer carry-out"}:
        assert run(here, ["agency", "close", "G05", "--successor", "G12"]).exit_code == 3
        (act,) = (here / "axis-home" / "officers").glob("*.act")
        act.rename(here / "17-close-G05.act")
    if name == "officer carry-out":
        assert run(here, shlex.split(example(("officer", "sign")))[1:]).exit_code == 0


def _some_id(here: Path, command: str, name: str) -> str:
    rows = [json.loads(one) for one in run(here, command.split()).stdout.splitlines()]
    return str(rows[0][name])


def typed(here: Path, line: str) -> tuple[dict[str, str], list[str]]:
    """(environment, words) of an example, as a shell reads it; each "…" is what it stands for."""
    environment, words = {}, []
    for word in shlex.split(line.replace(":8480", f":{free_port()}")):
        if name := re.match(r"(AXIS_\w+)=(\w+)://…$", word):
            environment[name[1]] = f"{name[2]}://guest:guest@127.0.0.1:1/x"
        elif word == "01a2…":
            words.append(_some_id(here, "queue list --json", "id"))
        elif word == "3f2a…":
            assert run(here, ["adapter", "token", "H41"]).exit_code == 0
            words.append(_some_id(here, "adapter tokens list --json", "id"))
        elif "*" in word:
            with inside(here):
                words += sorted(glob.glob(word))
        else:
            words.append("vì sao" if word == "…" else word)
    return environment, words[1:]


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_the_example_of_the_help_runs_as_it_stands_and_its_json_parses(
    prepared: Path, path: tuple[str, ...], tmp_path: Path
) -> None:
    name, line = " ".join(path), example(path)
    assert re.search(rf"(^|\s)axis {name}(\s|$)", line), "a command has an example"
    if name in APART:
        assert f'"{path[0]}"' in (ROOT / "tests" / "e2e" / APART[name]).read_text("utf-8")
        return
    for more in ([], ["--json"]):
        here = prepared
        if name in SERVED or " -o " in line or not isinstance(found(path), Reading):
            here = tmp_path / f"here{len(more)}"
            shutil.copytree(prepared, here)
            for home in ("axis-home", "home-G22") if name in SERVED else ():
                settings = config.load(here / home)
                served = settings._replace(broker=settings.broker._replace(kind="amqp"))
                (here / home / config.FILE).write_text(config.render(served), "utf-8")
            if name in {"init", "restore"}:
                shutil.rmtree(here / "axis-home")
            if name == "agency export":
                shutil.rmtree(here / "home-G22")
            if name in {"adapter systems withdraw", "retention release"}:
                before = {"retention release": "retention hold 12/VP-TH --reason x"}
                assert run(here, before.get(name, "adapter system SYS.H41 --agency H41").split()).exit_code == 0
            if name == "backup":
                shutil.rmtree(here / "backup-2026-11-25")
            if name in OFFICERS:
                _with_another_officer(here, name)
        environment, words = typed(here, line)
        if name == "officer remove":  # two sign that: the key of the other one is at hand
            environment["AXIS_OFFICER_KEY"] = "key-B"
        done = run(here, [*words, *more], environment)
        assert done.exit_code == ENDS.get(name, 0), (line, done.output)
        assert "Traceback" not in done.output
        if more:
            assert [json.loads(one) for one in done.stdout.splitlines()] or name in EMPTY, done.output


def test_the_exit_codes_are_told_by_the_help_and_are_those_of_the_errors() -> None:
    from axis.commands import console
    from axis.errors import Corrupted, Misconfigured, Rejected, Unavailable

    told = set(map(int, re.findall(r"(?:codes: |; )(\d) ", re.sub(r"\s+", " ", texts.TEXTS["help.exit_codes"][1]))))
    classes = {one.exit_code for one in (Rejected, Unavailable, Misconfigured, Corrupted)}
    assert told == classes | {console.DONE, console.UNEXPECTED, console.USAGE}
    assert texts.TEXTS["help.exit_codes"][1].splitlines()[0] in run(ROOT, ["--help"]).stdout
