"""An agency's key is its own: asked for where it lies, admitted by its fingerprint, and nowhere in the centre's home."""

from __future__ import annotations

import json
import logging
import shutil
import sqlite3
import stat
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from axis import bootstrap, config
from axis.core import lineage, officers
from axis.core.lineage import key_of
from axis.infra import keystore
from tests import own
from tests.line import Line, document
from tests.own import CODES, Own, admit, done, request, run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Own:
    with pytest.MonkeyPatch.context() as patch:
        return own.make(tmp_path_factory.mktemp("own") / "line", patch)


@pytest.fixture
def line(made: Own, tmp_path: Path) -> Own:
    shutil.copytree(made.root, tmp_path / "line")
    return Own(tmp_path / "line")


def version_of(line: Own) -> int:
    """How far the centre's registry has come."""
    with bootstrap.reading_registry(bootstrap.open_home(line.path)) as registry:
        return registry.version


def test_the_centre_has_no_agencys_key_and_mail_goes_all_the_same(line: Own) -> None:
    assert sorted(one.name for one in line.path.rglob("*.key")) == ["HUB.key", "ca.key", "log.key"]
    key = line.root / "H41" / "keys" / "H41.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert not (line.root / "H41" / "keys" / "next").exists()
    line.drop("G22", document(to=("H41", "G06")))
    line.run()
    assert line.events("G22") == ["A.1", "E.1 G06", "E.1 H41"]
    assert run("doctor", "--home", line.path, "--json").stdout.count('"check": "centre_keys", "verdict": "good"') == 1


def test_the_enrolment_file_has_no_secret(line: Own) -> None:
    for code in CODES:
        text = (line.root / f"{code}.enrolment").read_text("utf-8")
        assert "PRIVATE" not in text
        assert "CERTIFICATE" in text


def test_what_was_not_told_or_was_told_otherwise_changes_nothing(line: Own, tmp_path: Path) -> None:
    file, fingerprint = request(line.root / "H41", "H41")
    before = version_of(line)
    shown = run("agency", "admit", file, "--home", line.path)
    assert shown.exit_code == 0
    assert fingerprint[:4] in shown.stdout
    wrong = run("agency", "admit", file, "--fingerprint", "0" * 64, "--home", line.path, "--json")
    assert (wrong.exit_code, "FINGERPRINT_DIFFERS" in wrong.output) == (3, True)
    changed = tmp_path / "changed"
    changed.write_bytes((line.root / "H41.enrolment").read_bytes().replace(b"amqp", b"AMQP"))
    refused = run(
        "agency", "enrol", changed, "--fingerprint", own.told(line.root / "H41.enrolment"), "--home", tmp_path
    )
    assert refused.exit_code == 3
    assert not (tmp_path / "axis.toml").exists()
    assert version_of(line) == before


def test_each_step_may_be_done_again(line: Own) -> None:
    home = line.root / "H41"
    first, again = request(home, "H41"), request(home, "H41")
    assert first == again
    file, told = first
    one = admit(line.path, file, told, line.root / "one")
    two = admit(line.path, file, told, line.root / "two")
    assert one["registry"] == two["registry"]
    # Broken off between the key and its certificate:
    (home / "keys" / "next" / "H41.key").rename(home / "keys" / "H41.key")
    for _ in range(2):
        done("agency", "enrol", line.root / "two", "--fingerprint", two["fingerprint"], "--home", home)
        keystore.load_signer(home / "keys", "H41")
    line.drop("H41", document(sender="H41", to=("G22",)))
    line.run()
    assert line.events("H41") == ["A.1", "E.1 G22"]


def test_a_new_key_is_named_by_the_one_before_and_that_one_ends(line: Own) -> None:
    home = line.root / "H41"
    old = keystore.load_signer(home / "keys", "H41")
    own.ceremony(line.path, home, "H41")
    line.drop("H41", document(sender="H41", to=("G22",)))
    line.run()
    assert line.events("H41") == ["A.1", "E.1 G22"]
    done("agency", "revoke", "H41", "--home", line.path)
    line.run()
    for code in CODES:
        member = line.installed(code).by_code["H41"]
        held = {c.der: c.revoked_at for c in member.certificates if c.use == "sign"}
        assert held.pop(old.der) is not None
        assert list(held.values()) == [None]
        assert lineage.made_at_the_centre(line.installed(code), line.clock.now) == []


def test_a_key_that_nobody_introduced_is_not_admitted(line: Own, tmp_path: Path) -> None:
    file, told = request(tmp_path / "thief", "H41")
    refused = run("agency", "admit", file, "--fingerprint", told, "--home", line.path, "--json")
    assert (refused.exit_code, "KEY_HEIR" in refused.output) == (3, True)
    assert run("agency", "rotate", "H41", "--home", line.path, "--json").output.count("KEY_ELSEWHERE")
    assert run("agency", "export", "H41", "--to", tmp_path / "x", "--home", line.path, "--json").output.count(
        "KEY_ELSEWHERE"
    )


def test_a_certificate_of_another_authority_is_taken_in_the_same_way(line: Own, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    government = keystore.new_authority(now, "Government CA")
    file, told = request(line.root / "H41", "H41")
    key = keystore.load_key(line.root / "H41" / "keys" / "next" / "H41.key")
    issued = keystore.certify_member(government, "Ban Cơ yếu", "H41", key.public_key(), now)
    keystore.save_signer(tmp_path, "root", government)
    keystore.replace_certificate(tmp_path, "issued", issued)
    other = keystore.certify_member(government, "H41", "H41", keystore.new_key("p256").public_key(), now)
    keystore.replace_certificate(tmp_path, "other", other)
    words = ("--authority", tmp_path / "root.pem", "--certificate")
    refused = run(
        *("agency", "admit", file, "--fingerprint", told, "--home", line.path, "--json"), *words, tmp_path / "other.pem"
    )
    assert "REQUEST_INVALID" in refused.output
    said = admit(line.path, file, told, line.root / "two", *words, tmp_path / "issued.pem")
    done("agency", "enrol", line.root / "two", "--fingerprint", said["fingerprint"], "--home", line.root / "H41")
    assert keystore.load_signer(line.root / "H41" / "keys", "H41").certificate == issued
    line.drop("H41", document(sender="H41", to=("G22",)))
    line.run()
    assert line.events("H41") == ["A.1", "E.1 G22"]


def test_the_key_of_the_connection_is_its_own_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own.few(monkeypatch)
    hub, home = tmp_path / "hub", tmp_path / "H41"
    done("init", "--home", hub, "--broker", "amqp", "--tls", "localhost")
    own.ceremony(hub, home, "H41")
    assert sorted(one.name for one in (hub / "tls").glob("*.key")) == ["broker.key", "ca.key", "hub.key"]
    held = keystore.load_signer(home / "tls", "H41")
    held.certificate.verify_directly_issued_by(keystore.load_certificate(hub / "tls" / "ca.pem"))
    assert keystore.load_certificate(home / "tls" / "ca.pem") == keystore.load_certificate(hub / "tls" / "ca.pem")
    assert key_of(held.certificate) != key_of(keystore.load_signer(home / "keys", "H41").certificate)
    assert run("broker", "reissue", "--home", hub).exit_code == 0
    renewed = keystore.load_certificate(hub / "tls" / "H41.pem")
    assert renewed != held.certificate
    assert key_of(renewed) == key_of(held.certificate)


def test_an_agency_whose_key_the_centre_has_made_gets_one_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.few(monkeypatch)
    hub = tmp_path / "hub"
    done("init", "--home", hub, "--broker", "amqp", "--test-keys")
    Line(hub).configure(folders=config.Folders(), adapter=config.Adapter(settle_seconds=0.0))
    for code in CODES:
        done("agency", "export", code, "--to", tmp_path / code, "--home", hub)
    line = Own(tmp_path)
    line.drop("H41", document(sender="H41", to=("G22",)))
    line.run()
    assert "H41" in run("doctor", "--home", hub, "--json").stdout.partition('"centre_keys"')[2].partition("}")[0]
    for code in CODES:
        own.ceremony(hub, tmp_path / code, code)
        done("agency", "revoke", code, "--home", hub)
        assert not (hub / "keys" / f"{code}.key").exists()
    line.drop("H41", document(2, sender="H41", to=("G22",)), "b.edxml")
    line.run()
    assert line.events("H41") == ["A.1", "A.1", "E.1 G22", "E.1 G22"]
    assert lineage.made_at_the_centre(line.installed("G22"), line.clock.now) == []


def test_who_was_away_while_the_centre_has_twice_made_another_key_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.few(monkeypatch)
    hub = tmp_path / "hub"
    done("init", "--home", hub, "--broker", "amqp", "--test-keys")
    own.ceremony(hub, tmp_path / "G22", "G22")
    away = Own(tmp_path).installed("G22")
    for _ in range(2):
        done("agency", "rotate", "H41", "--revoke", "--reason", "lộ khóa", "--home", hub)
    with bootstrap.reading_registry(bootstrap.open_home(hub)) as registry:
        assert [one.revoked_at is None for one in registry.by_code["H41"].certificates if one.use == "sign"] == [
            False,
            False,
            True,
        ]
        officers.check_follows(away, registry, datetime.now(UTC))


# -- A key that is lost -------------------------------------------------------------------------------------------


def test_a_lost_key_has_an_heir_when_registrars_say_so_and_the_agency_was_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abc":
        done("registrar", "key", "--name", name, "--to", tmp_path / name)
    named = [word for name in "abc" for word in ("--registrar", tmp_path / name / "registrar.pem")]
    line = own.make(tmp_path / "line", monkeypatch, *named)
    lost = line.root / "H41" / "keys" / "H41.key"
    lost.rename(tmp_path / "lost.key")
    file, told = request(line.root / "H41", "H41")
    refused = run("agency", "admit", file, "--fingerprint", told, "--home", line.path, "--json")
    assert "KEY_HEIR" in refused.output
    place = bootstrap.open_home(line.path).config.installation.id
    vouchers = []
    for name in "ac":
        words = (
            "--key",
            tmp_path / name,
            "--installation",
            place,
            "--fingerprint",
            told,
            "--to",
            tmp_path / f"{name}.v",
        )
        done("registrar", "vouch", file, *words)
        vouchers += ["--voucher", tmp_path / f"{name}.v"]
    one = run("agency", "admit", file, "--fingerprint", told, "--home", line.path, "--json", *map(str, vouchers[:2]))
    assert "KEY_HEIR" in one.output, "one of three is not enough"
    said = admit(line.path, file, told, line.root / "second", *vouchers)
    assert "waits_until" in said
    assert not (line.root / "second").exists()
    (tmp_path / "lost.key").rename(lost)  # it was not lost, somebody only said so: the agency hears of it
    line.run()
    assert "key.claimed" in entries(line, "H41")
    assert "key.claimed" not in entries(line, "G22")
    lost.unlink()
    tomorrow = datetime.now(UTC) + timedelta(hours=25)
    monkeypatch.setattr("axis.commands.agency.now", lambda: tomorrow)
    said = admit(line.path, file, told, line.root / "second", *vouchers)
    done("agency", "enrol", line.root / "second", "--fingerprint", said["fingerprint"], "--home", line.root / "H41")
    line.clock.now = tomorrow
    line.drop("H41", document(sender="H41", to=("G22",)))
    line.run()
    assert line.events("H41") == ["A.1", "E.1 G22"]


def entries(line: Own, code: str) -> set[str]:
    """What an agency's ledger has noted."""
    with sqlite3.connect(line.root / code / "axis.db") as database:
        return {json.loads(text)["event"] for (text,) in database.execute("SELECT canonical FROM event")}


def test_an_adapter_whose_key_was_revoked_says_so_and_so_does_its_doctor(
    line: Own, caplog: pytest.LogCaptureFixture
) -> None:
    with bootstrap.reading_registry(bootstrap.open_home(line.path)) as registry:
        (held,) = [one for one in registry.by_code["H41"].certificates if one.use == "sign"]
    done("agency", "revoke", "H41", "--certificate", held.digest[:16], "--home", line.path)
    log = logging.getLogger("axis.deliver")
    log.addHandler(caplog.handler)  # the commands have given the log a place of its own
    line.run()
    log.removeHandler(caplog.handler)
    assert "H41: KEY_REVOKED" in caplog.text
    assert "G22: KEY_REVOKED" not in caplog.text
    found = run("doctor", "--home", line.root / "H41", "--json").stdout
    assert '"check": "own_certificates", "verdict": "bad"' in found


def test_a_rehearsal_lists_what_would_fail_and_changes_nothing(line: Own, tmp_path: Path) -> None:
    file, _ = request(line.root / "H41", "H41")
    stranger, _ = request(tmp_path / "thief", "H41")
    before = version_of(line)
    good = run("agency", "admit", file, "--rehearse", "--home", line.path)
    assert (good.exit_code, good.stdout) == (0, "It would be admitted.\n")
    bad = run("agency", "admit", stranger, "--rehearse", "--home", line.path, "--json")
    assert (bad.exit_code, [one["code"] for one in json.loads(bad.stdout)["would_fail"]]) == (3, ["KEY_HEIR"])
    (line.path / "pki" / "ca.key").rename(tmp_path / "in-a-safe")
    away = run("agency", "admit", file, "--rehearse", "--home", line.path, "--json")
    assert [one["code"] for one in json.loads(away.stdout)["would_fail"]] == ["KEY_FILE_MISSING"]
    assert version_of(line) == before
