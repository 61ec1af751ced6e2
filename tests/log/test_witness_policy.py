"""Whose witness keys count, and how many of them: the policy, and where the keys are from."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from axis import config
from axis.cli import main
from axis.core import lineage, witnesses
from axis.core import registry as trust
from axis.core.log import policy
from tests import own
from tests.line import Line, small_home
from tests.log.test_witnesses import begin, cosigned, counts, kept, signed

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return small_home(tmp_path / "home")


def test_a_policy_is_set_by_command_and_one_that_can_be_split_is_refused_with_its_reason(line: Line) -> None:
    def axis(*words: str) -> Result:
        return CliRunner().invoke(main, [*words, "--home", str(line.path), "--lang", "en"])

    with line.parts() as (hub, _):
        text = witnesses.text_in(hub.registry())
        version = hub.registry().version
    file = line.path / "new.policy"
    for wrong, why in (
        (text.replace("group agencies 3", "group agencies 2"), "any two have a witness in common"),
        (text.replace("quorum agencies", "quorum none"), "a witness or group"),
        ("\n".join(one for one in text.split("\n") if not one.startswith("log ")), "one of each"),
        (text.replace("log axis/", "log other/"), "verifier key"),
    ):
        file.write_text(wrong)
        for more in ((), ("--check",)):
            said = axis("witness", "policy", "--file", str(file), *more)
            assert said.exit_code == 3
            assert why in said.output
    stranger = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    own = next(one for one in text.split("\n") if one.startswith("witness G22"))
    made = witnesses.named("another", "G22", stranger).text
    file.write_text(text.replace(own, f"witness G22 {made}"))
    assert axis("witness", "policy", "--file", str(file)).exit_code == 3
    file.write_text(text.replace("group agencies 3", "group agencies 4"))
    assert axis("witness", "policy", "--file", str(file), "--check").exit_code == 0
    assert axis("witness", "policy", "--file", str(file)).exit_code == 0
    assert axis("witness", "policy", "--file", str(file)).exit_code == 0  # once more changes nothing
    assert (line.path / "pki" / "log.policy").read_text() == file.read_text()
    line.clock.now = datetime.now(UTC)  # the commands go by this one
    with line.parts() as (hub, agencies):
        assert hub.registry().version == version + 1
        assert counts(hub).groups["agencies"].threshold == 4
        begin(hub, agencies, line)
        assert {one.registry().version for one in agencies} == {hub.registry().version}
        assert all(witnesses.policy_of(one.registry()) == counts(hub) for one in agencies)
        (one, *_) = agencies
        shown = line.path / "shown.checkpoint"
        shown.write_bytes(kept(one).believed)
        split = line.path / "split.checkpoint"
        split.write_bytes(signed(hub, kept(one).size, b"3" * 32))
    assert axis("witness", "status").exit_code == 0
    assert axis("witness", "compare", str(shown), "--code", one.code).exit_code == 0
    assert axis("witness", "compare", str(split), "--code", one.code).exit_code == 6
    assert axis("witness", "export", "--code", one.code, "-o", str(line.path / "kept")).exit_code == 0
    assert sorted(each.name for each in (line.path / "kept").iterdir()) == [
        "believed.checkpoint",
        "cosigned.checkpoint",
    ]


def test_an_adapter_says_in_its_log_that_a_registry_brings_another_policy_and_only_then(
    line: Line, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.clock.now = datetime.now(UTC)  # the commands go by this one
    with line.parts() as (hub, agencies), caplog.at_level("WARNING", "axis.witness"):
        begin(hub, agencies, line)
        text = witnesses.text_in(hub.registry())
    file = line.path / "new.policy"
    lines = [one for one in text.splitlines() if not one.startswith(("witness H41 ", "witness H41/"))]
    file.write_text("\n".join(lines).replace(" H41", "") + "\n")
    assert "another witness policy" not in caplog.text
    own.done("witness", "policy", "--home", line.path, "--file", file, "--reason", "a test")
    monkeypatch.setattr(logging.getLogger("axis"), "propagate", True)  # the command has set up its own
    line.clock.now = datetime.now(UTC) + timedelta(minutes=5)
    with line.parts() as (hub, agencies), caplog.at_level("WARNING", "axis.witness"):
        begin(hub, agencies, line)
        codes = {one.code for one in agencies}
    said = [one for one in caplog.messages if "brings another witness policy" in one]
    assert {one.partition(":")[0] for one in said} == codes
    assert all("5 witnesses before, 4 now; gone: H41" in one for one in said)

    found = own.done("witness", "status", "--home", line.path)
    for one in (found["centre"], *found["own"]):
        changed = one["policy_changed"]
        assert (changed["needed_before"], changed["needed_now"]) == ("3/5", "3/4")
        assert (changed["before"], changed["now"], changed["gone"], changed["added"]) == (5, 4, ["H41"], [])
    shown = own.run("witness", "status", "--home", line.path)
    assert "HUB: the witness policy was changed" in shown.stderr
    doctor = own.run("check", "witness-policy", "--home", line.path)
    assert doctor.exit_code == 1
    assert "HUB: 3/5 → 3/4" in doctor.output
    line.configure(installation=config.load(line.path).installation._replace(role="agency", agencies=("G22",)))
    shown = own.run("witness", "status", "--home", line.path)
    assert "G22: the witness policy was changed" in shown.stderr
    assert "G22: 3/5 → 3/4" in own.run("check", "witness-policy", "--home", line.path).output


def test_a_witness_key_counts_only_where_its_agency_has_introduced_it(line: Line) -> None:
    with line.parts() as (hub, agencies):
        registry = hub.registry()
        own = {one.code: one for one in agencies}
        new = Ed25519PrivateKey.generate().public_key()
        member = registry.by_code["H41"]
        for by, believed in ((hub.signer, False), (own["G22"].signer, False), (own["H41"].signer, True)):
            said = lineage.introduce(registry.installation, "H41", new, by, line.clock())
            put = replace(member, certificates=(*member.certificates, witnesses.entry(said)))
            changed = registry.changed(put, line.clock())
            found = witnesses.of(trust.read(trust.write(changed)))["H41"].public
            assert (found == new.public_bytes_raw()) is believed
            counting = witnesses.policy_of(changed)
            assert counting is not None
            assert ("H41" in counting.witnesses) is not believed  # the policy names the one before


def test_agencies_with_keys_of_their_own_enrol_their_witness_keys_and_another_request_adds_one_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = own.make(tmp_path / "line", monkeypatch)
    old = line.root / "G22" / "keys" / "G22.witness"
    assert old.stat().st_mode & 0o777 == 0o600
    assert not list((line.path / "keys").glob("*.witness"))
    old.unlink()  # of a home from before; what stands in the registry belongs to nobody now
    assert own.run("upgrade", "--home", line.root / "G22").exit_code == 0
    own.ceremony(line.path, line.root / "G22", "G22")
    said = own.done("witness", "policy", "--home", line.path)
    assert said["witnesses"] == 3
    line.run()
    line.clock.now = datetime.now(UTC) + timedelta(minutes=1)
    with line.parts() as (hub, agencies):
        begin(hub, agencies, line)
        found = cosigned(hub)
        assert found is not None
        assert sorted(policy.witnessed(found.note, counts(hub)).by) == sorted(own.CODES)
    assert own.run("witness", "status", "--home", line.root / "G22").exit_code == 0
