"""What officers sign: acts that wait for a second one, are carried out, and stand in the audit trail."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from axis import bootstrap, cli
from axis.core import lineage, officers
from axis.core.ledger import Entry
from axis.core.registry import HUB
from axis.infra import keystore
from axis.infra.record import registries
from axis.infra.record.high_water import LedgerEnd
from axis.services.operate import officers as acts
from axis.services.operate import provision
from axis.services.operate import registry as members
from tests import own
from tests.line import Line, document, small_home

if TYPE_CHECKING:
    from axis.core.registry import Registry

SECRET = "mật khẩu"


def run(*words: str | Path, **more: Any) -> Result:
    return CliRunner().invoke(cli.main, [*map(str, words), "--lang", "en"], **more)


def done(*words: str | Path, **more: Any) -> list[dict[str, Any]]:
    result = run(*words, "--json", **more)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def registry_of(home: Path) -> Registry:
    with bootstrap.reading_registry(bootstrap.open_home(home)) as registry:
        return registry


def waiting(home: Path) -> Path:
    """The one act that waits there."""
    (path,) = acts.waiting(home)
    return path


@pytest.fixture
def line(tmp_path: Path) -> Line:
    """A home with two officers: the key of one lies in it, that of the other elsewhere, under a password."""
    made = small_home(tmp_path / "home")
    made.clock.now = datetime.now(UTC)
    done("officer", "key", "--name", "Bình", "--to", tmp_path / "b", "--password-stdin", input=f"{SECRET}\n")
    done("officer", "add", tmp_path / "b" / "officer.pem", "--home", made.path)
    return made


def sign(file: Path, key: Path, **more: Any) -> Result:
    return run("officer", "sign", file, "--key", key, "--password-stdin", input=f"{SECRET}\n", **more)


def test_what_two_sign_waits_for_the_second_and_stands_in_the_audit_trail(line: Line, tmp_path: Path) -> None:
    home, before = line.path, registry_of(line.path).version
    asked = run("agency", "close", "H41", "--successor", "G06", "--reason", "NQ 176", "--home", home)
    assert (asked.exit_code, "axis officer sign" in asked.output, "axis officer carry-out" in asked.output) == (3, 1, 1)
    assert registry_of(home).version == before
    file = shutil.copy(waiting(home), tmp_path / "carried-on-a-stick.act")
    shown = run("officer", "sign", file)
    assert "+ successor G06" in shown.stdout
    assert "NQ 176" in shown.stdout
    assert run("officer", "carry-out", file, "--home", home).exit_code == 3, "nobody has signed it there yet"
    wrong = run("officer", "sign", file, "--key", tmp_path / "b", env={"AXIS_OFFICER_PASSWORD": "khác"})
    assert wrong.exit_code not in {0, 1}
    assert sign(file, tmp_path / "b").exit_code == 0
    (carried,) = done("officer", "carry-out", file, "--home", home)
    assert (carried["registry"], carried["code"], carried["signed"]) == (before + 1, "H41", "officer-1, Bình")
    assert acts.waiting(home) == []
    noted = done("audit", "list", "--home", home)[0]
    assert (noted["kind"], noted["signed"], noted["officers_act"]) == (
        "officer carry-out",
        "officer-1, Bình",
        carried["digest"],
    )
    entered = done("audit", "list", "--ledger", "--home", home)[0]
    assert "officer-1, Bình" in json.dumps(entered, ensure_ascii=False)
    line.run()
    with line.parts() as (_, agencies):
        assert {one.registry().version for one in agencies} == {before + 1}
    again = run("officer", "carry-out", file, "--home", home, "--json")
    assert "ACT_OLD" in again.output


def test_one_stops_at_once_and_a_key_at_hand_by_its_name_is_the_second(line: Line, tmp_path: Path) -> None:
    assert run("agency", "suspend", "H41", "--home", line.path).exit_code == 0
    assert run("agency", "resume", "H41", "--home", line.path).exit_code == 3
    hand = {"AXIS_OFFICER_KEY": str(tmp_path / "b"), "AXIS_OFFICER_PASSWORD": SECRET}
    assert run("agency", "resume", "H41", "--home", line.path, env=hand).exit_code == 0
    (noted,) = [one for one in done("audit", "list", "--home", line.path) if one["outcome"] == "refused"]
    assert noted["code"] == "ACT_WAITS"


def test_an_act_after_which_something_else_was_changed_is_made_anew(line: Line, tmp_path: Path) -> None:
    run("agency", "close", "H41", "--home", line.path)
    file = waiting(line.path)
    assert sign(file, tmp_path / "b").exit_code == 0
    assert run("agency", "suspend", "G06", "--home", line.path).exit_code == 0
    assert "ACT_OLD" in run("officer", "carry-out", file, "--home", line.path, "--json").output
    run("agency", "close", "H41", "--home", line.path)
    assert waiting(line.path) != file, "the old one waits no more"


def test_what_is_dropped_or_ended_at_the_centre_is_signed_each_time(line: Line, tmp_path: Path) -> None:
    for words in (("retention",), ("queue", "drop", "--agency", "H41", "--yes", "--reason", "x")):
        assert run(*words, "--home", line.path).exit_code == 3
        file = waiting(line.path)
        assert run("officer", "carry-out", file, "--home", line.path).exit_code == 3
        assert sign(file, tmp_path / "b").exit_code == 0
        assert run("officer", "carry-out", file, "--home", line.path).exit_code == 0
        used = file.read_bytes()
        assert run(*words, "--home", line.path).exit_code == 0
        assert not file.exists()
        file.write_bytes(used)
        assert run(*words, "--home", line.path).exit_code == 3, "once"
        file.unlink()
    assert run("retention", "--dry-run", "--home", line.path).exit_code == 0


def test_an_officer_is_removed_by_two_and_never_the_last_that_an_act_needs(line: Line, tmp_path: Path) -> None:
    done("officer", "key", "--name", "Chi", "--to", tmp_path / "c")
    hand = {"AXIS_OFFICER_KEY": str(tmp_path / "b"), "AXIS_OFFICER_PASSWORD": SECRET}
    add = ("officer", "add", tmp_path / "c" / "officer.pem", "--role", "operator", "--home", line.path)
    assert run(*add).exit_code == 3
    assert run(*add, env=hand).exit_code == 0
    assert "ACT_OFFICERS" in run("officer", "remove", "Bình", "--home", line.path, "--json", env=hand).output
    unknown = run("officer", "remove", "Chí", "--home", line.path, env=hand)
    assert unknown.exit_code == 3
    assert "'Chí'" in unknown.output
    assert "Chi (" in unknown.output, "whom there is"
    assert "axis officer list" in unknown.output, "and where that is listed"
    assert run("officer", "remove", "Chi", "--home", line.path, env=hand).exit_code == 0
    listed = done("officer", "list", "--home", line.path)
    assert [one["officer"] for one in listed if "officer" in one] == ["officer-1", "Bình"]


def test_a_key_that_the_centre_makes_waits_for_its_act_and_another_one_ends_it(line: Line, tmp_path: Path) -> None:
    before = {code: (line.path / "keys" / f"{code}.pem").read_bytes() for code in ("H41", "G06")}
    for code in before:
        assert run("agency", "rotate", code, "--home", line.path).exit_code == 3
    of_h41, of_g06 = (next((line.path / "officers").glob(f"*-rotate-{code}.act")) for code in before)
    old = Path(shutil.copy(of_g06, tmp_path / "old.act"))
    assert run("agency", "rotate", "G06", "--home", line.path).exit_code == 3
    assert sign(old, tmp_path / "b").exit_code == sign(of_h41, tmp_path / "b").exit_code == 0
    assert "ACT_OLD" in run("officer", "carry-out", old, "--home", line.path, "--json").output
    done("officer", "carry-out", of_h41, "--home", line.path)
    now = {code: (line.path / "keys" / f"{code}.pem").read_bytes() for code in before}
    assert (now["H41"] != before["H41"], now["G06"]) == (True, before["G06"])
    line.drop("H41", document(sender="H41", to=("G22",)))
    line.run()
    assert "E.1 G22" in line.events("H41")


def test_whoever_writes_into_the_database_changes_nothing(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar:
        before, now = registrar.registry(), line.clock()
        closed = replace(before.by_code["H41"], valid_until=now, successor="G06")
        forged = before.changed(closed, now)
        signed = provision.sign_registry(forged, registrar.signer, now)
        codes = [one.code for one in forged.agencies]
        with registrar.store.transaction() as tx:
            assert registries.keep(tx, forged.version, signed, now, codes, Entry(now, HUB, "registry.issued"))
    line.drop("G22", document(to=("H41",)))
    line.run()
    assert "E.1 H41" in line.events("G22"), "it goes to whom it is for"
    with line.parts() as (hub, agencies):
        assert hub.registry().version == before.version
        assert {one.registry().version for one in agencies} == {before.version}
    assert "ACT_UNSIGNED" in caplog.text or "officers have not signed" in caplog.text


def test_a_record_that_was_put_back_gets_its_acts_again(line: Line, tmp_path: Path) -> None:
    shutil.copytree(line.path, tmp_path / "old")
    run("agency", "suspend", "H41", "--home", line.path)
    known = registry_of(line.path)
    (act,) = (line.path / "officers" / "carried").glob("*-suspend-H41.act")
    with bootstrap.registrar(bootstrap.open_home(tmp_path / "old")) as registrar:
        now = line.clock()
        put_back = replace(registrar.registry(), version=known.version + 10, issued_at=known.issued_at)
        signed = provision.sign_registry(put_back, registrar.signer, now)
        with registrar.store.transaction() as tx:
            registries.keep(tx, put_back.version, signed, now, [], Entry(now, HUB, "registry.issued"))
    done("officer", "carry-out", act, "--home", tmp_path / "old")
    for_all = registry_of(tmp_path / "old")
    officers.check_follows(known, for_all, for_all.issued_at)
    officers.check_follows(put_back, for_all, for_all.issued_at)
    assert for_all.by_code["H41"] == known.by_code["H41"]


def test_registrars_name_the_next_ones_and_no_agency_is_enrolled_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abcd":
        own.done("registrar", "key", "--name", name, "--to", tmp_path / name)
    first = [word for name in "abc" for word in ("--registrar", tmp_path / name / "registrar.pem")]
    made = own.make(tmp_path / "line", monkeypatch, *first)
    after = ("registrar", "set", tmp_path / "c" / "registrar.pem", tmp_path / "d" / "registrar.pem", "--need", "1")
    assert own.run(*after, "--home", made.path).exit_code == 3
    file = waiting(made.path)
    own.done("officer", "sign", file, "--key", tmp_path / "a")
    assert own.run("officer", "carry-out", file, "--home", made.path).exit_code == 3
    own.done("officer", "sign", file, "--key", tmp_path / "b")
    own.done("officer", "carry-out", file, "--home", made.path)
    made.drop("G22", document(to=("H41",)))
    made.run()
    keys = {lineage.key_of(keystore.load_certificate(tmp_path / one / "registrar.pem")) for one in "cd"}
    for code in own.CODES:
        assert lineage.registrars(made.installed(code)).keys == keys
    assert made.events("G22") == ["A.1", "E.1 H41"]


def test_a_rehearsal_says_that_officers_have_yet_to_sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = own.make(tmp_path / "line", monkeypatch)
    file, told = own.request(made.root / "H41", "H41")
    assert own.run("agency", "admit", file, "--rehearse", "--home", made.path).exit_code == 0
    words = ("agency", "admit", file, "--home", made.path, "--json")
    alone = own.run(*words, "--rehearse", officers=False)
    assert [one["code"] for one in json.loads(alone.stdout)["would_fail"]] == ["ACT_WAITS"]
    assert acts.waiting(made.path) == []
    assert own.run(*words, "--fingerprint", told, officers=False).exit_code == 3
    own.done("officer", "carry-out", waiting(made.path), "--home", made.path)
    said = own.admit(made.path, file, told, tmp_path / "enrolment")
    assert said["registry"] == registry_of(made.path).version, "the same certificate, and nothing more"


def test_a_home_of_before_gets_its_first_officer(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("upgrade", "--home", line.path).stderr.count("first officer") == 0
    with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar:
        bare = registrar.registry().by_code[HUB]
        hub = replace(bare, certificates=tuple(c for c in bare.certificates if not officers.is_of_officers(c)))
        monkeypatch.setattr(officers, "listed", lambda _: [])
        members.change(registrar, hub, "officers", "", line.clock())
        monkeypatch.undo()
    assert officers.listed(registry_of(line.path)) == []
    mark = bootstrap.high_water(bootstrap.open_home(line.path))
    mark.write(LedgerEnd(9, "0" * 64, 9))
    put_back = run("upgrade", "--home", line.path)
    assert (put_back.exit_code, "first officer" in put_back.stderr) == (0, False), "first the record is reconciled"
    (line.path / "hub.mark").unlink()
    assert run("upgrade", "--home", line.path).stderr.count("first officer") == 1
    assert [one.name for one in officers.listed(registry_of(line.path))] == [acts.OWN]
    assert run("agency", "close", "H41", "--home", line.path).exit_code == 0, "one is enough where one is listed"
