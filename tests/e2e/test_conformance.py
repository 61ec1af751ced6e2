"""``axis conformance``: somebody else's adapter is tried on every promise, and the signed report opens the door."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from axis import cli, config
from axis.adapters import conformance as kit
from axis.core import conformance
from axis.errors import Rejected
from tests.line import Line, small_home

if TYPE_CHECKING:
    from pathlib import Path

FOREIGN = """
from axis.adapters.conformance import FolderSystem

class Good(FolderSystem):
    pass

class Forgetful(FolderSystem):
    def __init__(self, root):
        super().__init__(root)
        self.adapter.discard = lambda names: None
"""


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Line:
    monkeypatch.setattr(kit, "HUGE", 100_000)
    monkeypatch.setattr(kit, "MANY", 5)
    (tmp_path / "their_adapter.py").write_text(FOREIGN, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "their_adapter", raising=False)
    made = small_home(tmp_path / "home")
    made.configure(hub=config.Hub(conformance="required"))
    return made


def axis(line: Line, *arguments: Any) -> Result:
    return CliRunner().invoke(cli.main, [*map(str, arguments), "--lang", "en", "--home", str(line.path)])


def add(line: Line, *report: Any) -> Result:
    return axis(line, "agency", "add", "H99", "--name", "Tỉnh mới", *report)


def test_a_good_adapter_passes_and_its_signed_report_lets_the_agency_in(line: Line, tmp_path: Path) -> None:
    report = tmp_path / "report.asice"
    done = axis(line, "conformance", "their_adapter:Good", "--from", "G22", "--out", report)
    assert done.exit_code == 0, done.output
    assert f"Passed {len(kit.CHECKS)} of {len(kit.CHECKS)}." in done.output
    told = axis(line, "verify", report, "--json")
    assert json.loads(told.stdout.splitlines()[0])["verdict"] == "PASSED"
    assert add(line, "--conformance", report).exit_code == 0
    assert axis(line, "agency", "show", "H99").exit_code == 0


def test_a_faulty_one_is_told_what_it_does_wrong_and_stays_outside(line: Line, tmp_path: Path) -> None:
    report = tmp_path / "report.asice"
    done = axis(line, "conformance", "their_adapter:Forgetful", "--from", "G22", "--out", report)
    assert done.exit_code == 3
    assert "FAILED   what was withdrawn is never seen" in done.output
    refused = add(line, "--conformance", report)
    assert refused.exit_code == 3
    assert "CONFORMANCE_INVALID" in refused.output
    assert axis(line, "agency", "show", "H99").exit_code == 3


@pytest.mark.parametrize("what", ["none", "altered", "of a stranger", "of other checks", "something else"])
def test_only_a_whole_report_by_somebody_known_on_these_checks_counts(
    line: Line, tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = tmp_path / "report.asice"
    assert axis(line, "conformance", "their_adapter:Good", "--from", "G22", "--out", report).exit_code == 0
    arguments: list[Any] = ["--conformance", report]
    if what == "none":
        arguments = []
    elif what == "altered":
        data = bytearray(report.read_bytes())
        data[data.index(b"passed=") + 8] ^= 1
        report.write_bytes(data)
    elif what == "of a stranger":
        other = small_home(tmp_path / "other")
        key = other.path / "keys" / "G22.key"
        from axis.infra import keystore
        from tests.line import Clock

        stranger = keystore.new_member(keystore.new_authority(Clock().now), "G22", "Giả", "p256", Clock().now)
        key.unlink()
        (other.path / "keys" / "G22.pem").unlink()
        keystore.save_signer(other.path / "keys", "G22", stranger)
        assert axis(other, "conformance", "their_adapter:Good", "--from", "G22", "--out", report).exit_code == 0
    elif what == "of other checks":
        monkeypatch.setattr(kit, "VERSION", "0")
    else:
        report.write_bytes(b"PK\x03\x04")
    assert add(line, *arguments).exit_code == 3


def test_a_report_of_the_sandbox_on_a_system_counts_too(line: Line, tmp_path: Path) -> None:
    from axis import bootstrap

    home, now = bootstrap.open_home(line.path), line.clock()
    report = tmp_path / "report.asice"
    for why, code in (("2 not: 1/SB-G22", 3), ("", 0)):
        made = conformance.Report("system of H99", conformance.SYSTEM, now, (("everything that came was taken", why),))
        report.write_bytes(bootstrap.sign_report(home, "G22", made, now))
        assert add(line, "--conformance", report).exit_code == code


def test_a_report_has_one_encoding_and_says_passed_only_when_all_is() -> None:
    from tests.line import Clock

    good = conformance.Report("x", "1", Clock().now, (("a", ""), ("b", "")))
    assert conformance.read(conformance.write(good)) == good
    assert good.passed
    for checks in ((), (("a", "why"), ("b", ""))):
        assert not conformance.Report("x", "1", Clock().now, checks).passed
    with pytest.raises(Rejected):
        conformance.read(conformance.write(good).replace(b"  <check", b" <check"))
    lying = conformance.write(conformance.Report("x", "1", Clock().now, (("a", "why"),))).replace(b'"no"', b'"yes"')
    with pytest.raises(Rejected):
        conformance.read(lying)


def test_who_has_a_foreign_kind_or_a_broken_folder_is_told_so_by_the_check(line: Line) -> None:
    assert axis(line, "adapter", "check").exit_code == 0
    (line.folder("H41", "inbox")).rmdir()
    done = axis(line, "adapter", "check", "H41", "--json")
    assert done.exit_code == 5
    assert json.loads(done.stdout)["works"] is False
    assert axis(line, "conformance", "no.such:Thing").exit_code == 5
