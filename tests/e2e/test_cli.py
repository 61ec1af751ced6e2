"""The command line as people and scripts use it: exit codes, JSON, both languages. Processes of their own, where it is
about the process; what a command answers is asked of it in this one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest
from click.testing import CliRunner

from axis import cli
from axis.commands import console
from axis.texts import TEXTS
from tests.line import document

if TYPE_CHECKING:
    from axis.trials.servers import PostgreSql

ROOT = Path(__file__).parent.parent.parent


def axis(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """In English, which a process of its own would find out for itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(console, "LANG", "en")
        done = CliRunner().invoke(cli.main, [*map(str, arguments)], env=environment)
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)


def process(*arguments: str | Path, lang: str = "en", **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "AXIS_LANG": lang, **environment}
    command = [sys.executable, "-P", "-m", "axis", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=env, cwd=ROOT, check=False, timeout=100)


def lines(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of all 95, where G22 has sent a document to H41 and G06."""
    path = tmp_path_factory.mktemp("cli") / "H"
    made = axis("init", "--home", path, "--json")
    assert made.returncode == 0, made.stderr
    assert lines(made)[0]["agencies"] == 95
    (path / "agencies" / "G22" / "outbox" / "a.edxml").write_bytes(document(1234, to=("H41", "G06")))
    ran = process("run", "--home", path, "--until-idle")
    assert ran.returncode == 0, ran.stderr
    assert "handed over 2" in ran.stdout
    return path


def all_commands(group: click.Group = cli.main, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found, context = [], click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        found.append((*path, name))
        if isinstance(command, click.Group):
            found += all_commands(command, (*path, name))
    return found


@pytest.mark.parametrize("path", all_commands(), ids=" ".join)
def test_every_command_has_help_an_example_and_both_languages(path: tuple[str, ...]) -> None:
    command: click.Command = cli.main
    for name in path:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), name)
        assert found is not None
        command = found
    assert command.help
    if not isinstance(command, click.Group):
        assert "axis " + " ".join(path) in (command.epilog or "")
        options = {name for parameter in command.params for name in parameter.opts}
        assert "--lang" in options
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, parameter.name


def test_every_text_has_both_languages_with_the_same_facts() -> None:
    import string

    for key, (vi, en) in TEXTS.items():
        fields = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in (vi, en)]
        assert fields[0] == fields[1], key
        assert vi, key
        assert en, key


def test_the_readme_names_every_command() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    for path in all_commands():
        assert "axis " + " ".join(path) in readme, path


def test_help_comes_in_vietnamese_and_english() -> None:
    assert "Trục liên thông" in process("--help", lang="vi").stdout
    assert "exchange axis" in process("--help").stdout
    assert "Trục liên thông" in process("--lang", "vi", "--help").stdout


def imported(*arguments: str | Path, **environment: str) -> set[str]:
    """What a command imports: our own modules, and the packages of others."""
    code = (
        "import sys, cli\ntry: cli.main(sys.argv[1:])\nexcept SystemExit as end: assert end.code in (None, 0, 3)"
        "\nprint(*sys.modules, file=sys.stderr)"
    )
    command, env = [sys.executable, "-c", code, *map(str, arguments)], os.environ | environment
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=env, check=False)
    assert done.returncode == 0, done.stderr
    ours = ("axis", "adapters", "schemas", "cli")
    names = done.stderr.split()
    dialects = {name for name in names if name.startswith("sqlalchemy.dialects.")}
    return dialects | {name if name.split(".")[0] in ours else name.split(".")[0] for name in names}


HEAVY = {"alembic", "asyncssh", "cryptography", "httpx", "lxml", "pika", "psycopg", "rich", "starlette", "xmlschema"}


def test_help_needs_none_of_the_heavy_modules() -> None:
    found = imported("--help")
    assert not found & (HEAVY | {"sqlalchemy", "logging", "tempfile"})
    assert {name for name in found if name.startswith("axis.")} == {
        "axis.commands",
        "axis.commands.click_words",
        "axis.commands.console",
        "axis.commands.group",
        "axis.commands.options",
        "axis.commands.process",
        "axis.core",
        "axis.core.saying",
        "axis.errors",
        "axis.extras",
        "axis.faults",
        "axis.remedies",
        "axis.spoken",
        "axis.texts",
    }


@pytest.mark.parametrize("question", [["trace", "1234/TN-G22"], ["queue", "list"]], ids=" ".join)
def test_a_question_to_the_record_needs_nothing_that_decides_signs_or_carries(home: Path, question: list[str]) -> None:
    found = imported(*question, "--home", home)
    assert "sqlalchemy" in found
    assert not found & (HEAVY | {"axis.bootstrap", "axis.core.parcel", "axis.infra.embedded", "axis.services.run"})
    assert "sqlalchemy.dialects.postgresql" not in found, "a table names it"
    assert not [name for name in found if name.startswith(("adapters", "axis.core.hub.d", "axis.services.hub"))]


def test_a_short_question_makes_few_dataclasses(home: Path) -> None:
    """Because each costs most of a millisecond where it is imported, and no command can do without what it imports."""
    code = (
        "import dataclasses, sys; made = []; make = dataclasses._process_class\n"
        "dataclasses._process_class = lambda kind, *more: made.append(kind.__module__) or make(kind, *more)\n"
        "import cli\ntry: cli.main(sys.argv[1:])\nexcept SystemExit: pass\nprint(*made, file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, "trace", "1234/TN-G22", "--home", str(home)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    made = done.stderr.splitlines()[-1].split()
    assert "axis.errors" in made, "it counts"
    assert len([one for one in made if one.startswith("axis.")]) <= 10


def test_a_short_question_looks_for_no_garbage_and_what_goes_on_does(home: Path) -> None:
    code = (
        "import gc, sys, cli; seen = []; gc.callbacks.append(lambda phase, _: seen.append(phase))\n"
        "try: cli.main(sys.argv[1:])\nexcept SystemExit: pass\nprint(len(seen), *gc.get_threshold(), file=sys.stderr)"
    )
    said = []
    for arguments in (["trace", "1234/TN-G22"], ["run", "--until-idle"]):
        command = [sys.executable, "-c", code, *arguments, "--home", str(home)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
        said.append([int(one) for one in done.stderr.splitlines()[-1].split()])
    assert said[0][0] == 0, "some thirtieth of the time of a question"
    assert 10_000 <= said[1][1] <= 100_000, "a service that grows before it looks"


@pytest.mark.postgres
def test_a_question_to_a_record_on_postgresql_needs_its_driver_and_nothing_more(
    postgres: PostgreSql, tmp_path: Path
) -> None:
    url, home = postgres.database("imports"), tmp_path / "H"
    made = axis("init", "--home", home, "--broker", "amqp", "--store", "postgresql", AXIS_DATABASE_URL=url)
    assert made.returncode == 0, made.stderr
    found = imported("list", "--home", home, AXIS_DATABASE_URL=url)
    assert "psycopg" in found
    assert not found & (HEAVY - {"psycopg"} | {"axis.infra.amqp", "axis.infra.embedded", "axis.bootstrap"})


def test_a_document_can_be_traced_by_every_name(home: Path) -> None:
    (value,) = lines(axis("trace", "1234/TN-G22", "--home", home, "--json"))
    about = value["document"]
    assert set(about) >= {"axis_id", "sender", "document_id", "code", "subject", "content_digest", "received_at"}
    assert {d["recipient"]: d["state"] for d in value["deliveries"]} == {"H41": "HANDED_OVER", "G06": "HANDED_OVER"}
    assert set(value["deliveries"][0]) >= {"recipient", "state", "business_status", "attempts", "updated_at"}
    assert set(value["events"][0]) >= {"time", "actor", "event", "detail"}
    for reference in (about["axis_id"], about["document_id"], about["content_digest"], about["content_digest"][:12]):
        assert lines(axis("trace", reference, "--home", home, "--json"))[0]["document"] == about
    shown = process("trace", "1234/TN-G22", "--home", home, lang="vi").stdout
    assert "đã bàn giao" in shown
    assert "+07:00" in shown


def test_what_cannot_be_found_is_refused_in_words_and_in_json(home: Path) -> None:
    done = process("trace", "9999/XX", "--home", home)
    assert done.returncode == 3
    assert "NOT_FOUND" in done.stderr
    assert done.stdout == ""
    done = axis("trace", "9999/XX", "--home", home, "--json")
    assert done.returncode == 3
    assert lines(done)[0]["error"][0]["code"] == "NOT_FOUND"


def test_a_folder_that_is_no_home_says_what_to_do(tmp_path: Path) -> None:
    done = process("run", "--home", tmp_path / "nowhere")
    assert done.returncode == 5
    assert "axis init" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_home_is_never_made_over_another(home: Path) -> None:
    before = (home / "keys" / "G22.key").read_bytes()
    assert axis("init", "--home", home).returncode == 5
    assert (home / "keys" / "G22.key").read_bytes() == before


def test_wrong_usage_is_two() -> None:
    assert axis("trace").returncode == 2
    assert process("no-such-command").returncode == 2


def test_parcels_and_receipts_verify_with_a_home_and_with_the_ca_alone(home: Path) -> None:
    parcels = [*(home / "agencies/H41/inbox").glob("*.asice"), *(home / "agencies/G22/receipts").rglob("*.asice")]
    assert len(parcels) == 5, "the parcel, A.1, two E.1, S.1"
    done = axis("verify", *parcels, "--home", home, "--json")
    assert done.returncode == 0
    assert [v["verdict"] for v in lines(done)] == ["PASSED"] * 5
    done = axis("verify", *parcels, "--trust", home / "pki" / "ca.pem")
    assert done.returncode == 0
    assert "Revocation not checked" in done.stderr
    assert {v["signer"] for v in lines(axis("verify", *parcels, "--home", home, "--json"))} == {
        "G22",
        "H41",
        "G06",
        "HUB",
    }


def test_an_altered_parcel_fails_with_its_code(home: Path, tmp_path: Path) -> None:
    (good,) = (home / "agencies/H41/inbox").glob("*.asice")
    altered = bytearray(good.read_bytes())
    altered[altered.index(b"V/v")] ^= 1
    (tmp_path / "bad.asice").write_bytes(altered)
    done = axis("verify", tmp_path / "bad.asice", "--home", home, "--json")
    assert done.returncode == 3
    assert lines(done)[0]["verdict"] == "FAILED"
    done = axis("verify", tmp_path / "bad.asice", "--trust", home / "pki" / "ca.pem")
    assert done.returncode == 3


def test_packet_check_lists_every_finding_and_exits_three(tmp_path: Path) -> None:
    bad = (
        document(1).replace(b"2026/11/23</Prom", b"2026/13/45</Prom").replace(b"<FullName>", b"<FullName>" + b"x" * 60)
    )
    (tmp_path / "bad.edxml").write_bytes(bad)
    done = axis("packet", "check", tmp_path / "bad.edxml", "--json")
    assert done.returncode == 3
    found = {(f["code"], f["path"], f["severity"]) for f in lines(done)}
    assert found == {
        ("PACKET_DATE", "PromulgationInfo/PromulgationDate", "error"),
        ("PACKET_TOO_LONG", "SignerInfo/FullName", "error"),
    }
    (tmp_path / "good.edxml").write_bytes(document(1))
    assert axis("packet", "check", tmp_path / "good.edxml").returncode == 0
    shown = axis("packet", "show", tmp_path / "good.edxml", "--json")
    assert lines(shown)[0]["code"] == "1/TN-G22"
    assert lines(shown)[0]["attachments"][0]["size"] == 17


def test_send_says_what_the_hub_answered(home: Path, tmp_path: Path) -> None:
    (tmp_path / "one.edxml").write_bytes(document(7, to=("H41",)))
    dry = axis("send", tmp_path / "one.edxml", "--from", "G22", "--to", "H26", "--home", home, "--dry-run")
    assert dry.returncode == 0
    assert "H26" in dry.stdout
    done = axis("send", tmp_path / "one.edxml", "--from", "G22", "--to", "H26", "--to", "H17", "--home", home, "--json")
    assert done.returncode == 0, done.stderr
    (answer,) = lines(done)
    assert answer["state"] == "accepted"
    again = axis(
        "send", tmp_path / "one.edxml", "--from", "G22", "--to", "H26", "--to", "H17", "--home", home, "--json"
    )
    assert lines(again) == [answer]
    wrong = axis("send", tmp_path / "one.edxml", "--from", "H41", "--home", home, "--json")
    assert wrong.returncode == 3
    assert "AUTHZ_MISMATCH" in wrong.stdout


def test_send_to_a_running_home_waits_for_its_answer(home: Path, tmp_path: Path) -> None:
    (tmp_path / "two.edxml").write_bytes(document(8))
    command = [sys.executable, "-P", "-m", "axis", "run", "--home", str(home)]
    running = subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env={**os.environ, "AXIS_LANG": "en"}
    )
    try:
        assert running.stderr is not None
        assert "Running" in running.stderr.readline()
        done = process("send", tmp_path / "two.edxml", "--from", "G22", "--home", home, "--json")
        assert done.returncode == 0, done.stderr
        assert lines(done)[0]["state"] == "accepted"
        assert axis("trace", "8/TN-G22", "--home", home).returncode == 0
        assert axis("run", "--home", home, "--until-idle").returncode == 4
    finally:
        running.terminate()
        running.communicate(timeout=30)
    assert running.returncode == 0


def test_the_registry_can_be_read_and_changed(home: Path) -> None:
    listed = lines(axis("agency", "list", "--home", home, "--json"))
    assert len(listed) == 95
    assert {
        k: v
        for k, v in lines(process("agency", "list", "--home", home, "--json", lang="vi"))[72].items()
        if k in {"code", "name"}
    } == {"code": "H41", "name": "UBND tỉnh Nghệ An"}
    assert lines(axis("agency", "show", "H29.10.05", "--home", home, "--json"))[0]["code"] == "H29"
    assert axis("agency", "suspend", "H63", "--home", home).returncode == 0
    assert lines(axis("agency", "show", "H63", "--home", home, "--json"))[0]["standing"] == "suspended"
    assert axis("agency", "resume", "H63", "--home", home).returncode == 0
    assert axis("agency", "rotate", "H63", "--revoke", "--home", home).returncode == 0
    certificates = lines(axis("agency", "show", "H63", "--home", home, "--json"))[0]["certificates"]
    assert [bool(c["revoked_at"]) for c in certificates] == [True, False]
    assert axis("agency", "add", "G38", "--name", "Ủy ban sông Mê Công", "--home", home).returncode == 0
    assert axis("agency", "add", "nonsense", "--name", "x", "--home", home).returncode == 3
    assert axis("agency", "suspend", "Z99", "--home", home).returncode == 3


def test_an_export_holds_its_own_key_and_nothing_of_the_hub(home: Path, tmp_path: Path) -> None:
    settings = (home / "axis.toml").read_text("utf-8")
    own = '\n[adapter.agencies.H41]\nkind = "spool"\n\n[adapter.agencies.G22]\nkind = "sftp"\nhost = "nobody-elses"\n'
    (home / "axis.toml").write_text(settings + own, "utf-8")
    try:
        assert axis("agency", "export", "H41", "--home", home, "--to", tmp_path / "X").returncode == 0
    finally:
        (home / "axis.toml").write_text(settings, "utf-8")
    exported = (tmp_path / "X" / "axis.toml").read_text("utf-8")
    assert ("spool" in exported, "nobody-elses" in exported) == (True, False)
    files = sorted(str(p.relative_to(tmp_path / "X")) for p in (tmp_path / "X").rglob("*") if p.is_file())
    assert [f for f in files if not f.startswith("axis.db")] == [
        "axis.toml", "keys/H41.key", "keys/H41.pem", "keys/H41.witness", "keys/H41.witness-ml-dsa", "pki/ca.pem", "pki/hub.pem",
    ]  # fmt: skip
    assert (tmp_path / "X" / "keys" / "H41.key").stat().st_mode & 0o777 == 0o600
    import sqlite3

    tables = sqlite3.connect(tmp_path / "X" / "axis.db").execute("SELECT name FROM sqlite_master WHERE type='table'")
    assert not {"submission", "delivery", "ledger", "refusal"} & {name for (name,) in tables}


def test_a_key_that_others_can_read_stops_the_home(home: Path) -> None:
    key = home / "keys" / "G22.key"
    key.chmod(0o644)
    try:
        done = axis("run", "--home", home, "--until-idle")
    finally:
        key.chmod(0o600)
    assert done.returncode == 5
    assert "KEY_FILE_OPEN" in done.stderr


@pytest.mark.skipif(
    shutil.which("xmlsec1") is None and not os.environ.get("CI"),
    reason="*** NOT TESTED against xmlsec1: not installed ***",
)
def test_xmlsec1_accepts_what_lies_in_an_inbox(home: Path, tmp_path: Path) -> None:
    (parcel,) = (p for p in (home / "agencies/G06/inbox").glob("*.asice"))
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(parcel), str(tmp_path)], check=True)
    command = ["xmlsec1", "--verify", "--trusted-pem", str(home / "pki/ca.pem")]
    command += ["--id-attr:Id", "http://uri.etsi.org/01903/v1.3.2#:SignedProperties", "META-INF/signatures.xml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_send_again_after_a_refusal_waits_for_the_new_answer(home: Path, tmp_path: Path) -> None:
    (tmp_path / "again.edxml").write_bytes(document(77, sender="H17"))
    (tmp_path / ".hidden.edxml").write_bytes(document(78, sender="H17"))
    assert axis("agency", "suspend", "H41", "--home", home).returncode == 0
    assert axis("agency", "resume", "H41", "--home", home).returncode == 0
    first = axis("send", tmp_path / "again.edxml", "--from", "H17", "--to", "H17", "--home", home, "--json")
    again = axis("send", tmp_path / "again.edxml", "--from", "H17", "--to", "H17", "--home", home, "--json")
    assert (first.returncode, again.returncode) == (0, 0)
    assert lines(first) == lines(again)
    hidden = axis("send", tmp_path / ".hidden.edxml", "--from", "H17", "--home", home, "--json")
    assert lines(hidden)[0]["state"] == "accepted"
    assert list((home / "agencies" / "H17" / "outbox").iterdir()) == []


def test_a_broken_database_is_evidence_that_disagrees(home: Path, tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "axis.toml").write_bytes((home / "axis.toml").read_bytes())
    (tmp_path / "axis.db").write_bytes(b"garbage " * 1000)
    done = process("trace", "1/X", "--home", tmp_path)
    assert done.returncode == 6, done.stderr
