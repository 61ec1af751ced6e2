"""The lines that witnesses give for one checkpoint, as the hub puts them together."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from axis.core import witnesses
from axis.core.log import checkpoint, note, policy
from axis.core.log.checkpoint import Checkpoint
from axis.core.log.note import ED25519, Note, VerifierKey
from axis.infra.log.store import Cosigned
from axis.services.hub.witness import Sheet

NOW = datetime(2026, 11, 26, 11, 0, tzinfo=UTC)
MANY = 95
KEYS = {f"A{n:02}": Ed25519PrivateKey.from_private_bytes(bytes((n + 1,)) * 32) for n in range(MANY)}
NAMED = {code: witnesses.named("one", code, key.public_key().public_bytes_raw()) for code, key in KEYS.items()}
LOG = Ed25519PrivateKey.from_private_bytes(b"l" * 32)
OF_LOG = VerifierKey("axis/one", ED25519, LOG.public_key().public_bytes_raw())
SHOWN = Checkpoint("axis/one", 300, b"1" * 32)
COUNTS = policy.read(witnesses.majority(OF_LOG, NAMED))


def asked() -> Cosigned:
    return Cosigned(1, SHOWN.size, Note(SHOWN.text, (checkpoint.signed(SHOWN, OF_LOG, LOG),)).data, NOW, None)


def line(code: str, time: int = 1) -> str:
    return checkpoint.signed(SHOWN, NAMED[code], KEYS[code], time).line.strip()


@pytest.mark.parametrize("at_a_time", [1, 10, MANY])
def test_each_line_is_verified_as_it_comes_and_all_of_them_once_when_a_quorum_is_there_by_name(
    monkeypatch: pytest.MonkeyPatch, at_a_time: int
) -> None:
    lines = [(code, line(code)) for code in NAMED]
    verifications = 0
    checkpoint._holds.cache_clear()

    class Counted:
        @staticmethod
        def from_public_bytes(data: bytes) -> Any:
            nonlocal verifications
            verifications += 1
            return Ed25519PublicKey.from_public_bytes(data)

    monkeypatch.setattr(checkpoint, "Ed25519PublicKey", Counted)
    known, noted_with = asked(), 0
    for start in range(0, MANY, at_a_time):
        sheet = Sheet(known)
        for code, text in lines[start : start + at_a_time]:
            assert sheet.takes(text, NAMED[code])
        known = sheet.kept(COUNTS, NOW)
        if known.witnessed_at is not None and not noted_with:
            noted_with = min(start + at_a_time, MANY)
    assert noted_with == {1: MANY // 2 + 1, 10: 50, MANY: MANY}[at_a_time]
    assert verifications == MANY + 1  # the log's own line is among what makes a quorum; each is verified once
    assert sorted(policy.witnessed(known.note, COUNTS).by) == sorted(NAMED)


def test_a_line_of_another_a_false_one_and_a_second_one_of_the_same_witness_add_nothing() -> None:
    sheet = Sheet(asked())
    of_a01 = note.signature(line("A01"))
    false = note.Signature(of_a01.name, of_a01.id, b"\0" * 72).line.strip()
    assert not any(sheet.takes(text, NAMED["A01"]) for text in ("", "no line", false, line("A02")))
    assert sheet.added == []
    assert sheet.takes(line("A01"), NAMED["A01"])
    assert sheet.takes(line("A01", time=2), NAMED["A01"])  # it has answered again: what it gave first stays
    assert sheet.added == [of_a01]
    again = Sheet(sheet.kept(COUNTS, NOW))
    assert again.takes(line("A01", time=3), NAMED["A01"])
    assert again.added == []


def test_a_quorum_by_name_is_none_where_a_line_is_false() -> None:
    """As where somebody has changed what is stored."""
    codes = sorted(NAMED)[: MANY // 2 + 1]
    sheet = Sheet(asked())
    for code in codes[1:]:
        assert sheet.takes(line(code), NAMED[code])
    known = sheet.kept(COUNTS, NOW)
    first = note.signature(line(codes[1]))
    true, false = (base64.b64encode(first.id + value) for value in (first.value, first.value[:-64] + b"\0" * 64))
    assert true in known.note
    spoiled = Sheet(Cosigned(1, SHOWN.size, known.note.replace(true, false), NOW, None))
    assert spoiled.takes(line(codes[0]), NAMED[codes[0]])
    assert spoiled.kept(COUNTS, NOW).witnessed_at is None
