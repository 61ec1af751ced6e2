"""The hub's own key: the next one is told before it signs, the old one ends, a paper names another where it is stolen."""

from __future__ import annotations

import logging
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from axis import bootstrap
from axis.core import chain, lineage, parcel
from axis.core.lineage import key_of
from axis.core.registry import HUB
from axis.infra import keystore
from axis.services import run as loops
from axis.services.operate import hub_key
from tests import own
from tests.line import document
from tests.own import CODES, Own, done, run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(180)
MONTH = timedelta(days=31)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Own:
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("key")
        return own.make(root / "line", patch, "--paper", root / "paper.txt")


@pytest.fixture
def line(made: Own, tmp_path: Path) -> Own:
    shutil.copytree(made.root, tmp_path / "line")
    shutil.copyfile(made.root.parent / "paper.txt", tmp_path / "paper.txt")
    return Own(tmp_path / "line")


def events(line: Own, code: str = "G22") -> list[str]:
    """What a sender has been told but that something was delayed: agencies are away here."""
    return [one for one in line.events(code) if not one.startswith("D.")]


def paper(line: Own) -> Path:
    return line.root.parent / "paper.txt"


def send(line: Own, number: int) -> None:
    line.drop("G22", document(number, to=("H41",)), f"{number}.edxml")


def signers(line: Own, code: str = "G22") -> set[bytes]:
    """Which keys of the hub's have signed what an agency has of it."""
    found = set()
    for name in line.files(code, "receipts"):
        signed = parcel.peek_signature((line.folder(code, "receipts") / name).read_bytes()).certificate
        found.add(signed)
    return found


def held(line: Own) -> bytes:
    return keystore.load_signer(line.path / "keys", HUB).der


def test_the_next_key_is_introduced_taken_by_itself_and_the_old_one_ends(line: Own) -> None:
    first = held(line)
    assert run("key", "next", "--rehearse", "--home", line.path).stdout == "Nothing would fail.\n"
    said = done("key", "next", "--home", line.path)
    assert done("key", "next", "--home", line.path) == said, "asked again it is the same key"
    states = [one["state"] for one in done("key", "show", "--home", line.path)["keys"]]
    assert states == ["signs", "next"]
    send(line, 1)
    line.without("H41")  # away while the next one is introduced
    assert {one for one in signers(line) if one in {first}} == {first}
    line.clock.now += MONTH
    send(line, 2)
    line.run()
    assert events(line) == ["A.1", "A.1", "E.1 H41", "E.1 H41"], "whoever was away follows"
    with bootstrap.reading_registry(bootstrap.open_home(line.path)) as registry:
        second = next(one for one in chain.signing(registry) if one.digest == said["sha256"])
    assert second.der in signers(line)


def test_what_is_done_by_hand_after_the_taking_over_is_signed_by_the_new_key(line: Own) -> None:
    first = held(line)
    done("key", "next", "--from", "2026-01-01", "--home", line.path)
    assert held(line) != first, "from a moment that is over: it signs at once"
    assert not (line.path / "keys" / "next").exists()
    revoked = done("key", "revoke", "--home", line.path)
    assert revoked["changed"]
    assert done("key", "revoke", "--home", line.path) == {**revoked, "changed": False}
    send(line, 1)
    line.run()
    assert events(line) == ["A.1", "E.1 H41"]
    for code in CODES:
        assert [one.revoked_at is not None for one in chain.signing(line.installed(code))] == [True, False]
    # Whoever is enrolled now begins with the key that is in use.
    own.ceremony(line.path, line.root / "G06", "G06")
    assert key_of(keystore.load_certificate(line.root / "G06" / "pki" / "hub.pem")) == key_of(
        keystore.load_signer(line.path / "keys", HUB).certificate
    )
    line.drop("G06", document(7, sender="G06", to=("G22",)))
    line.run()
    assert events(line, "G06") == ["A.1", "E.1 G22"]
    found = run("doctor", "--home", line.path, "--json").stdout
    for check in ("keys", "own_certificates", "hub_end", "hub_recovery", "certificates", "young_certificates"):
        assert f'"check": "{check}", "verdict": "good"' in found, check


def test_of_two_keys_of_one_second_the_one_that_was_named_last_signs_and_ends_the_other(line: Own) -> None:
    """A machine may be quick enough to make a hub and its next key within one second."""
    home, first = bootstrap.open_home(line.path), keystore.load_signer(line.path / "keys", HUB)
    then = first.certificate.not_valid_before_utc + lineage.CLOCKS
    with bootstrap.registrar(home, now=then) as registrar:
        following = hub_key.introduce(registrar, "p256", then, "", then)
    assert following.certificate.not_valid_before_utc + lineage.CLOCKS == then
    second = keystore.load_signer(line.path / "keys", HUB)
    assert second.der != first.der
    with bootstrap.registrar(home, now=then) as registrar:
        for order in ([first, second], [second, first]):
            assert chain.choose(order, registrar.registry(), then) is second
        registry = hub_key.revoke(registrar, "", "", then)
    assert [one.revoked_at is not None for one in chain.signing(registry)] == [True, False]


def test_a_moment_at_which_the_key_in_use_has_ended_is_refused(line: Own) -> None:
    late = run("key", "next", "--from", "2099-01-01", "--home", line.path, "--json")
    assert (late.exit_code, "CONFIG_INVALID" in late.output) == (5, True)
    rehearsed = run("key", "next", "--from", "2099-01-01", "--rehearse", "--home", line.path, "--json")
    assert (rehearsed.exit_code, "CONFIG_INVALID" in rehearsed.output) == (3, True)
    (line.path / "pki" / "ca.key").rename(line.root / "in-a-safe")
    for words in (["key", "next"], ["key", "succeed"]):
        missing = run(*words, "--rehearse", "--home", line.path, "--json")
        assert (missing.exit_code, "KEY_FILE_MISSING" in missing.output) == (3, True), words
    assert not (line.path / "keys" / "next").exists()


@pytest.mark.parametrize("step", ["its key only", "its certificate, too", "before the files are moved"])
def test_a_next_key_that_was_broken_off_is_asked_for_again(line: Own, step: str) -> None:
    beside, following = line.path / "keys", line.path / "keys" / "next"
    first = held(line)
    if step == "before the files are moved":
        before = {name: (beside / name).read_bytes() for name in ("HUB.key", "HUB.pem")}
        done("key", "next", "--from", "2026-01-01", "--home", line.path)
        following.mkdir()
        for name, content in before.items():
            (beside / name).rename(following / name)
            (beside / name).write_bytes(content)
            (beside / name).chmod(0o600)
        (beside / "HUB.key").write_bytes((following / "HUB.key").read_bytes())  # died between key and certificate
    else:
        following.mkdir()
        keystore.save_key(following, HUB, keystore.new_key("p256"))
        if step == "its certificate, too":
            authority = keystore.load_signer(line.path / "pki", "ca")
            key = keystore.load_key(following / "HUB.key")
            made = keystore.certify_member(authority, HUB, "Trục", key.public_key(), datetime.now(UTC))
            keystore.replace_certificate(following, HUB, made)
        send(line, 1)
        line.run()
        assert signers(line) & {first} == {first}, "what no registry lists signs nothing"
        done("key", "next", "--from", "2026-01-01", "--home", line.path)
    send(line, 2)
    line.run()
    assert "E.1 H41" in events(line)
    assert held(line) != first


# -- Stolen, or lost ----------------------------------------------------------------------------------------------


def test_a_lost_key_has_a_successor_by_the_paper_and_by_nothing_else(line: Own) -> None:
    send(line, 1)
    line.without("H41")
    for ending in ("key", "pem"):
        (line.path / "keys" / f"HUB.{ending}").unlink()
    wrong = line.root / "wrong.txt"
    wrong.write_text(paper(line).read_text("utf-8").replace("a", "b").replace("1", "2"), "utf-8")
    refused = run("key", "succeed", "--paper", wrong, "--home", line.path, "--json")
    assert (refused.exit_code, "RECOVERY_PAPER" in refused.output) == (3, True)
    assert run("key", "succeed", "--rehearse", "--home", line.path).exit_code == 0
    done("key", "succeed", "--paper", paper(line), "--to", line.root / "second.txt", "--home", line.path)
    send(line, 2)
    line.run()
    assert events(line) == ["A.1", "A.1", "E.1 H41", "E.1 H41"]
    for code in CODES:
        assert [one.revoked_at is None for one in chain.signing(line.installed(code))] == [False, True]
    used = run("key", "recovery", "--check", "--paper", paper(line), "--home", line.path, "--json")
    assert (used.exit_code, "RECOVERY_PAPER" in used.output) == (3, True)
    assert done("key", "recovery", "--check", "--paper", line.root / "second.txt", "--home", line.path) == {
        "fits": True
    }
    # And once more, with the paper after it; whoever has enrolled in between follows, too.
    own.ceremony(line.path, line.root / "G06", "G06")
    done("key", "succeed", "--paper", line.root / "second.txt", "--home", line.path)
    line.drop("G06", document(7, sender="G06", to=("G22",)))
    line.run()
    assert events(line, "G06") == ["A.1", "E.1 G22"]


@pytest.mark.parametrize("how", ["ended", "stolen"])
def test_what_the_hub_has_said_before_its_key_was_revoked_and_lay_in_a_queue_is_believed(line: Own, how: str) -> None:
    line.run()
    send(line, 1)
    with line.parts() as (hub, agencies):
        (sender,) = [one for one in agencies if one.code == "G22"]
        loops.agency_round(sender, line.clock())
        loops.hub_round(hub, line.clock())
    assert events(line) == []
    if how == "ended":
        done("key", "next", "--from", "2026-01-01", "--home", line.path)
        done("key", "revoke", "--home", line.path)
    else:
        done("key", "succeed", "--paper", paper(line), "--home", line.path)
    line.run()
    assert events(line) == ["A.1", "E.1 H41"]


def test_the_private_half_of_the_recovery_key_is_in_no_home(line: Own) -> None:
    from axis.core import paper as papers

    secret = papers.read(paper(line).read_text("utf-8"))
    for file in line.root.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert secret not in content, file
            assert secret.hex().encode() not in content.lower(), file


def test_a_paper_is_exchanged_with_the_one_before_it(line: Own) -> None:
    refused = run("key", "recovery", "--paper", line.root / "none", "--home", line.path)
    assert refused.exit_code == 2
    said = done("key", "recovery", "--paper", paper(line), "--home", line.path)
    assert len(said["recovery"].split()) == 17
    typed = line.root / "typed.txt"
    typed.write_text(said["recovery"], "utf-8")
    line.run()
    done("key", "succeed", "--paper", typed, "--home", line.path)
    line.run()
    assert [one.revoked_at is None for one in chain.signing(line.installed("H41"))] == [False, True]


def test_a_home_without_a_paper_gets_one_by_the_hubs_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from axis.services.operate import hub_key

    with monkeypatch.context() as patch:
        patch.setattr(hub_key, "new_paper", lambda: (b"", ""))
        line = own.make(tmp_path / "line", monkeypatch)
    assert '"check": "hub_recovery", "verdict": "warn"' in run("doctor", "--home", line.path, "--json").stdout
    nothing = tmp_path / "none.txt"
    nothing.write_text("0000 " * 17)
    for words in (["key", "succeed"], ["key", "recovery", "--check"]):
        assert run(*words, "--paper", nothing, "--home", line.path).exit_code == 3
    done("key", "recovery", "--to", tmp_path / "paper.txt", "--home", line.path)
    line.run()
    done("key", "succeed", "--paper", tmp_path / "paper.txt", "--home", line.path)
    log = logging.getLogger("axis.deliver")
    log.addHandler(caplog.handler)
    line.run()
    log.removeHandler(caplog.handler)
    assert caplog.text.count("the recovery key has named another key of the hub") == len(CODES)


def test_no_agencys_home_makes_a_key_for_the_hub(line: Own) -> None:
    for words in (["next"], ["revoke"], ["succeed", "--paper", paper(line)], ["recovery"], ["show"]):
        refused = run("key", *words, "--home", line.root / "H41", "--json")
        assert (refused.exit_code, "CONFIG_INVALID" in refused.output) == (5, True), words
