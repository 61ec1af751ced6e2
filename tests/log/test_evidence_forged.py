"""Evidence that somebody with a key of his own has made, an agency's or the hub's: neither verifier says more than is
proved, and whatever stands in it neither falls over it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from axis.commands.evidence import anchors
from axis.core import parcel, registry, signature, witnesses
from axis.core.evidence import form
from axis.core.evidence.form import Part
from axis.core.evidence.judge import Anchors, judge
from axis.core.log import checkpoint, merkle, note, proof
from axis.core.log.note import VerifierKey
from axis.home import open_home, signer_of
from axis.infra import timestamps
from axis.services.hub.log import load_key
from tests import line as lines
from tests.e2e.changes.asked import suspend
from tests.line import document, recall, small_home
from tests.log.test_evidence import (
    OTHER,
    OTHERS,
    SCRIPT,
    axis,
    bundle,
    cosigned,
    failed,
    follow,
    kept,
    line,
    make,
    names,
    opened,
    ours,
    part,
    theirs,
)
from tests.log.test_timestamps import Authority

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from axis.core.registry import Registry
    from tests.line import Line

__all__ = ["bundle", "cosigned", "kept", "line"]
ACCEPTED = "accepted.A.1.asice"


def made(
    line: Line,
    data: bytes,
    change: Mapping[str, bytes] | None = None,
    *,
    add: Sequence[tuple[Part, bytes]] = (),
    drop: Sequence[str] = (),
    by: str = "HUB",
    about: Callable[[bytes], bytes] = lambda text: text,
    **facts: Any,
) -> bytes:
    """The bundle with other parts, signed by `by`; `about` is what evidence.xml becomes."""
    found, said = opened(data)
    held = [(one, bytes(c)) for one, c in zip(said.parts, found.attachments, strict=True) if one.name not in drop]
    held = [(one, (change or {}).get(one.name, content)) for one, content in held] + list(add)
    said = replace(said, parts=tuple(one for one, _ in held), maker=by, **facts)
    signer = signer_of(open_home(line.path), by)
    return parcel.build(parcel.EVIDENCE, about(form.text(said)), [c for _, c in held], signer, said.made_at)


def both(line: Line, data: bytes, *, strict: bool = True) -> set[str]:
    """What fails, for one verifier as for the other."""
    mine, yours = ours(line, data, strict=strict), theirs(line, data, strict=strict)
    assert mine == yours
    return failed(mine)


def resigned(line: Line, data: bytes, change: Callable[[bytes], bytes], by: str, at: datetime | None = None) -> bytes:
    """A receipt or registry with other words, signed by `by` when it was, or then."""
    kind, content = parcel.peek(data)
    signer = signer_of(open_home(line.path), by)
    new = change(content)
    assert new != content
    return parcel.build(kind, new, (), signer, at or parcel.peek_signature(data).signing_time)


def handed(data: bytes, code: str = "H41") -> str:
    return next(one for one in names(data) if one.startswith(f"receipt.E.1.{code}."))


def entry_of(data: bytes, name: str) -> dict[str, Any]:
    found = json.loads((proof.read(part(data, name)).extra or b"")[16:])
    assert isinstance(found, dict)
    return found


def alone(entry: Any, key: VerifierKey, signer: Any) -> tuple[str, bytes]:
    """An entry as the only one of a tree that this key has signed: its digest, and its proof."""
    text = entry if isinstance(entry, bytes) else json.dumps(entry, sort_keys=True, separators=(",", ":")).encode()
    leaf = b"\0" * 16 + text
    head = checkpoint.Checkpoint(key.name, 1, merkle.leaf_hash(hashlib.sha256(leaf).digest()))
    signed = note.Note(head.text, (checkpoint.signed(head, key, signer),)).data
    return hashlib.sha256(text).hexdigest(), proof.LogProof(0, (), signed, leaf).data


def log_of(line: Line, data: bytes) -> tuple[VerifierKey, Any]:
    """The real log's key."""
    held = load_key(line.path / "pki")
    assert held is not None
    return note.verifier_key(part(data, "log.vkey").decode().strip()), held.signer


def with_registry(line: Line, data: bytes, change: Callable[[Registry], Registry]) -> bytes:
    """The registry that the hub might sign instead."""
    return resigned(
        line, part(data, "registry-1.asice"), lambda text: registry.write(change(registry.read(text))), "HUB"
    )


def member(found: Registry, code: str, change: Callable[[tuple[registry.Certificate, ...]], Any]) -> Registry:
    members = tuple(
        replace(one, certificates=tuple(change(one.certificates))) if one.code == code else one for one in found.members
    )
    return replace(found, members=members)


# -- What the log proves ------------------------------------------------------------------------------------------------


def test_an_entry_beside_the_witnessed_log_proves_nothing_though_the_logs_key_has_signed_it(
    cosigned: tuple[Line, bytes],
) -> None:
    line, data = cosigned
    key, signer = log_of(line, data)
    entry = entry_of(data, "entry-2.tlog-proof")
    forged = entry | {"time": "2026-11-23T02:58:59.000Z"}
    digest, beside = alone(forged, key, signer)

    def earlier(text: bytes) -> bytes:
        text = text.replace(entry["time"].encode(), forged["time"].encode())
        return re.sub(rb'entry="[0-9a-f]{64}"', b'entry="' + digest.encode() + b'"', text)

    accepted = resigned(line, part(data, ACCEPTED), earlier, "HUB")
    bad = made(line, data, {ACCEPTED: accepted, "entry-2.tlog-proof": beside})
    assert both(line, bad) == {"logged"}
    assert both(line, bad, strict=False) == set()
    steps = ours(line, bad)
    assert {("proof", "MISSING", "entry-2.tlog-proof"), ("logged", "MISSING", ACCEPTED)} <= set(steps)
    proofs = [one for one in names(data) if one.startswith("entry-")]
    trees = {one: alone(entry_of(data, one), key, signer)[1] for one in proofs}
    assert both(line, made(line, data, trees)) == {"logged"}, "each in a tree of its own, beside the witnessed one"
    assert not judge(bad, anchors(open_home(line.path)), strict=True).is_good


def test_a_receipt_of_the_hub_that_says_something_else_than_the_entry_it_quotes_is_refused(
    cosigned: tuple[Line, bytes], tmp_path: Path
) -> None:
    line, data = cosigned
    said = entry_of(data, "entry-2.tlog-proof")["time"].encode()
    for number, time in enumerate((b"2026-11-23T02:59:00.000Z", b"2027-09-19T03:00:00.000Z")):
        accepted = resigned(line, part(data, ACCEPTED), lambda text, time=time: text.replace(said, time), "HUB")
        bad = made(line, data, {ACCEPTED: accepted})
        assert both(line, bad, strict=False) == {"logged"}
        code, out = follow(line, bad, tmp_path / str(number))
        assert code == 1, out
        assert "entry-2 says something else than accepted" in out
    outcome = next(one for one in names(data) if one.startswith("receipt.S.1."))
    other = resigned(line, part(data, outcome), lambda text: text.replace(b'"HANDED_OVER"', b'"REFUSED"', 1), "HUB")
    assert both(line, made(line, data, {outcome: other}), strict=False) == {"logged"}


def test_a_thief_of_an_agencys_key_cannot_show_another_receipt_for_the_one_that_the_hub_accepted(
    line: Line, bundle: bytes, tmp_path: Path
) -> None:
    name, revoked = handed(bundle), datetime(2026, 11, 24, tzinfo=UTC)
    theft = parcel.peek_signature(part(bundle, name)).certificate

    def over(found: Registry) -> Registry:
        def end(held: tuple[registry.Certificate, ...]) -> list[registry.Certificate]:
            return [replace(one, revoked_at=revoked, reason="stolen") if one.der == theft else one for one in held]

        return replace(member(found, "H41", end), version=found.version + 1)

    add = [(Part(form.REGISTRY, "registry-2.asice"), with_registry(line, bundle, over))]
    later = {"made_at": datetime(2027, 4, 1, tzinfo=UTC)}
    honest = made(line, bundle, add=add, by="G22", **later)
    assert both(line, honest) == set(), "what the hub accepted before stays good"
    more = (
        b'  <statement id="zz" code="W.1" event="ContentWithdrawal" time="2027-12-31T00:00:00.000Z" recipient="H41">\n'
    )
    whole = more + b"  </statement>\n</receipt>"
    for at in (
        datetime(2027, 3, 1, tzinfo=UTC),
        datetime(2026, 11, 23, 3, tzinfo=UTC),
    ):  # late, or said to be of before
        for change in (
            lambda t: t.replace(b"</receipt>", whole),
            lambda t: t.replace(b'statement id="0', b'statement id="f'),
        ):
            forged = resigned(line, part(bundle, name), change, "H41", at)
            bad = made(line, bundle, {name: forged}, add=add, by="G22", **later)
            assert both(line, bad, strict=False) == both(line, bad) == {"receipt"}
    forged = resigned(line, part(bundle, name), lambda t: t.replace(b"</receipt>", whole), "H41")
    code, out = follow(line, made(line, bundle, {name: forged}), tmp_path / "v")
    assert code == 1, out
    assert "about another receipt" in out


def test_a_receipt_about_the_submission_by_its_id_alone_is_refused(line: Line, bundle: bytes) -> None:
    name = handed(bundle)
    for before, after in (
        (b'sender="G22"', b'sender="G06"'),
        (b'kind="new"', b'kind="update"'),
        (b"G22,2026/11/23,1/TN-G22", b"G22,2020/01/01,999/KHAC"),
    ):
        other = resigned(line, part(bundle, name), lambda t, a=before, b=after: t.replace(a, b), "H41")
        assert both(line, made(line, bundle, {name: other}, by="G22"), strict=False) == {"receipt"}


def test_the_hub_alone_cannot_invent_witnesses_nor_call_the_log_otherwise(cosigned: tuple[Line, bytes]) -> None:
    line, data = cosigned
    real, signer = log_of(line, data)
    home = anchors(open_home(line.path))
    found = registry.read(parcel.peek(part(data, "registry-1.asice"))[1])
    assert ("witnessed", "PASSED", "checkpoint") in ours(line, data)
    for key in (real, replace(real, name=f"{real.name}-b")):
        keys = {code: ed25519.Ed25519PrivateKey.generate() for code in lines.CODES}
        public = {
            code: witnesses.named(found.installation, code, one.public_key().public_bytes_raw())
            for code, one in keys.items()
        }
        text = witnesses.majority(key, public)

        def named(held: tuple[registry.Certificate, ...], text: str = text) -> list[registry.Certificate]:
            return [witnesses.policy_entry(one.der, text) if witnesses.is_policy(one) else one for one in held]

        other = with_registry(line, data, lambda one, named=named: member(one, "HUB", named))
        trees = {one: alone(entry_of(data, one), key, signer)[1] for one in names(data) if one.startswith("entry-")}
        head = proof.read(trees["entry-2.tlog-proof"]).checkpoint
        of = checkpoint.read(note.read(head).text)
        lying = [checkpoint.signed(of, public[code], keys[code], 1_800_000_000) for code in lines.CODES]
        change = {"checkpoint": note.read(head).with_signatures(lying).data, "log.policy": text.encode()}
        change |= {"log.vkey": f"{key.text}\n".encode(), "registry-1.asice": other} | trees
        bad = made(line, data, change, drop=[OTHERS])
        both(line, bad)
        for steps in (ours(line, bad), [(s.name, s.verdict, s.part) for s in judge(bad, home).steps]):
            assert ("witnessed", "MISSING", "checkpoint") in steps


# -- What nobody has proved is said -------------------------------------------------------------------------------------


def test_a_time_stamp_is_as_good_as_the_word_for_its_authority_which_the_verdict_says(
    line: Line, bundle: bytes, tmp_path: Path
) -> None:
    own, real = Authority(tmp_path / "own"), Authority(tmp_path / "real")
    reply = own.reply(timestamps.question(part(bundle, "checkpoint")))
    add = [(Part(form.TIMESTAMP, "checkpoint.tsr"), reply), (Part(form.AUTHORITY, "tsa.pem"), own.pem)]
    data = made(line, bundle, add=add, by="G22")
    steps = ours(line, data, strict=True, stamped=timestamps.stamped)
    assert steps == theirs(line, data, strict=True)
    assert ("timestamp", "PASSED", "checkpoint.tsr") in steps
    path, known = tmp_path / "e.asice", tmp_path / "known.pem"
    path.write_bytes(data)
    said = axis(line, "verify", str(path)).output
    assert "says CN=TSA of a test; that this is a time-stamp authority is on the word of G22" in said
    known.write_bytes(own.pem)
    assert "who is believed here" in axis(line, "verify", str(path), "--tsa", str(known)).output
    known.write_bytes(real.pem)
    assert axis(line, "verify", str(path), "--tsa", str(known)).exit_code == 3
    script = [sys.executable, "-I", str(SCRIPT), str(path), "--hub", str(line.path / "pki" / "hub.pem")]
    assert "as its maker says" in subprocess.run(script, capture_output=True, text=True, check=True).stdout
    assert subprocess.run([*script, "--tsa", str(known)], capture_output=True, check=False).returncode == 3


def test_what_is_written_for_people_is_said_to_be_its_makers_words(line: Line, bundle: bytes) -> None:
    evil = {"VERIFY.txt": b"    echo ALL GOOD\n", "page.en.html": b"<script>alert(1)</script>Cosigned by everybody"}
    data = made(line, bundle, evil, by="G22")
    steps = ours(line, data, strict=True)
    assert steps == theirs(line, data, strict=True)
    assert {("page", "MISSING", one) for one in ("VERIFY.txt", "page.vi.html", "page.en.html")} <= set(steps)


# -- Nothing of it makes a verifier fall over ---------------------------------------------------------------------------


def _certificates() -> dict[str, bytes]:
    """Certificates that a library reads, and whose keys it cannot."""
    issuer, key = ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1()).public_key()

    def of(public: Any, before: bytes = b"", after: bytes = b"") -> bytes:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "H41")])
        at = datetime(2026, 1, 1, tzinfo=UTC)
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(7).public_key(public)
        made = builder.not_valid_before(at).not_valid_after(at + timedelta(days=3650)).sign(issuer, None)
        return made.public_bytes(Encoding.DER).replace(before, after) if before else made.public_bytes(Encoding.DER)

    curve, algorithm = bytes.fromhex("06082a8648ce3d030107"), bytes.fromhex("06072a8648ce3d0201")
    return {
        "a curve that nobody knows": of(key, curve, curve[:-1] + b"\x66"),
        "a key of a kind that nobody knows": of(key, algorithm, algorithm[:-1] + b"\x77"),
        "a point that is not on its curve": of(key, of(key)[-100:-92], b"\1" * 8),
        "a key that is not signed with here": of(issuer.public_key()),
        "no certificate": b"\x30\x03\x02\x01\x01",
    }


def _named(data: bytes, der: bytes) -> bytes:
    """A parcel that names another certificate, in the one form of a parcel."""
    held = [(name, bytes(content)) for name, content in parcel._read_container(data)]
    files, read = parcel._data_files(held[1:-2]), signature.read(held[-1][1])
    digest = hashlib.sha256(der).digest()
    said = signature._signed_properties(files, digest, read.signing_time)
    over = hashlib.sha256(signature._canonical(said, "xades:SignedProperties")).digest()
    new = replace(read, certificate=der, certificate_digest=digest, properties_digest=over)
    return b"".join(bytes(one) for one in parcel._container([*held[:-1], (held[-1][0], signature.render(files, new))]))


@pytest.mark.parametrize("kind", list(_certificates()))
def test_a_certificate_that_cannot_be_used_is_refused_wherever_it_stands(line: Line, bundle: bytes, kind: str) -> None:
    der, name = _certificates()[kind], handed(bundle)
    assert both(line, _named(bundle, der)) == {"container"}
    assert both(line, made(line, bundle, {name: _named(part(bundle, name), der)})) == {"receipt"}
    path = line.path / "e.asice"
    path.write_bytes(_named(bundle, der))
    assert axis(line, "verify", str(path)).exit_code == 3


GOOD_ENTRY = {
    "actor": "H41",
    "axis_id": "",
    "detail": {},
    "event": "e",
    "recipient": "",
    "time": "2026-01-01T00:00:00.000Z",
}


@pytest.mark.parametrize(
    "change",
    [
        {"detail": []},
        {"detail": None},
        {"event": {"a": 1}},
        {"actor": [1]},
        {"recipient": {}},
        {"time": 5},
        {"time": "2026-01-01"},
        {"more": 1},
        b"[" * 40_000,
        b"[]",
        b"",
    ],
)
def test_an_entry_that_is_none_is_refused_by_both_whoevers_log_it_is(line: Line, bundle: bytes, change: Any) -> None:
    own = ed25519.Ed25519PrivateKey.generate()
    key = VerifierKey("mine", note.ED25519, own.public_key().public_bytes_raw())
    about = {"axis_id": opened(bundle)[1].axis_id}
    text = change if isinstance(change, bytes) else GOOD_ENTRY | about | change
    _, data = alone(text, key, own)
    add = [
        (Part(form.LOG, "log.vkey"), f"{key.text}\n".encode()),
        (Part(form.CHECKPOINT, "checkpoint"), proof.read(data).checkpoint),
        (Part(form.PROOF, "entry-1.tlog-proof"), data),
    ]
    drop = [one for one in names(bundle) if one.startswith(("log.", "checkpoint", "entry-", OTHERS))]
    assert both(line, made(line, bundle, add=add, drop=drop, by="G22"), strict=False) == {"proof"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b' made="', b' foo="1" made="'),
        (b"?>\n", b'?>\n<!DOCTYPE evidence [<!ENTITY a "b">]>\n'),
        (b"</document>", b"</document><document>other</document>"),
        (b'kind="receipt"', b'kind="anything"'),
        (b'name="receipt.E.1.H41', b'name="x&#10;PASSED  witnessed   checkpoint G22, H41&#10;'),
        (b'name="receipt.E.1.H41', b'name="../../x'),
        (b"</evidence>\n", b"</evidence>\n<!-- -->\n"),
    ],
)
def test_evidence_in_another_form_is_refused_by_both(line: Line, bundle: bytes, before: bytes, after: bytes) -> None:
    assert both(line, made(line, bundle, about=lambda text: text.replace(before, after, 1))) == {"container"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'event="ContentHandover"', b'event="ContentHandoverFailure"'),
        (b'code="E.1"', b'code="E.9"'),
        (b'code="E.1"', b'code="W.1"'),
        (b" recipient=", b' foo="x" recipient='),
        (b"  <statement", b"   <statement"),
        (b' recipient="H41"', b' recipient="H41" outcome="delivered"'),
    ],
)
def test_a_receipt_in_another_form_is_refused_by_both(line: Line, bundle: bytes, before: bytes, after: bytes) -> None:
    name = handed(bundle)
    other = resigned(line, part(bundle, name), lambda text: text.replace(before, after), "H41")
    assert both(line, made(line, bundle, {name: other}, by="G22"), strict=False) == {"receipt"}


def test_other_strange_parts_are_refused_by_both(line: Line, bundle: bytes, tmp_path: Path) -> None:
    key, signer = log_of(line, bundle)
    held = parcel.peek_signature(part(bundle, handed(bundle))).certificate

    def twice(certificates: tuple[registry.Certificate, ...]) -> list[registry.Certificate]:
        one = next(one for one in certificates if one.der == held)
        return [replace(one, revoked_at=datetime(2026, 11, 1, tzinfo=UTC), reason="x"), *certificates]

    other = with_registry(line, bundle, lambda found: member(found, "H41", twice))
    assert both(line, made(line, bundle, {"registry-1.asice": other})) == {"receipt"}, "revoked in one of two places"
    text = f"{key.name}\n{2**70}\n{base64.b64encode(b'1' * 32).decode()}\n"
    huge = note.Note(text, (note.Signature(key.name, key.id, signer.sign(text.encode())),)).data
    assert "checkpoint" in both(line, made(line, bundle, {"checkpoint": huge}))
    own = Authority(tmp_path / "own")
    reply = own.reply(timestamps.question(part(bundle, "checkpoint")))
    leaf = (own.folder / "own.pem").read_bytes()
    for pem in (leaf, leaf + (line.path / "pki" / "ca.pem").read_bytes(), b"xx"):
        add = [(Part(form.TIMESTAMP, "checkpoint.tsr"), reply), (Part(form.AUTHORITY, "tsa.pem"), pem)]
        data = made(line, bundle, add=add)
        mine = ours(line, data, strict=True, stamped=timestamps.stamped)
        assert mine == theirs(line, data, strict=True)
        assert "timestamp" in failed(mine), pem[:40]


def test_what_somebody_wrote_is_one_line_of_the_second_verifiers_answer(line: Line, bundle: bytes) -> None:
    own = ed25519.Ed25519PrivateKey.generate()
    key = VerifierKey("mine", note.ED25519, own.public_key().public_bytes_raw())
    event = "x\nPASSED  witnessed   checkpoint G22, H41, H29\x1b[2K"
    _, data = alone(GOOD_ENTRY | {"axis_id": opened(bundle)[1].axis_id, "event": event}, key, own)
    add = [
        (Part(form.LOG, "log.vkey"), f"{key.text}\n".encode()),
        (Part(form.CHECKPOINT, "checkpoint"), proof.read(data).checkpoint),
        (Part(form.PROOF, "entry-1.tlog-proof"), data),
    ]
    drop = [one for one in names(bundle) if one.startswith(("log.", "checkpoint", "entry-", OTHERS))]
    path = line.path / "e.asice"
    path.write_bytes(made(line, bundle, add=add, drop=drop, by="G22"))
    script = [sys.executable, "-I", str(SCRIPT), str(path), "--hub", str(line.path / "pki" / "hub.pem")]
    said = subprocess.run(script, capture_output=True, text=True, check=False).stdout
    assert "\x1b" not in said
    assert not [one for one in said.splitlines() if one.startswith("PASSED  witnessed")]


def test_a_program_too_old_for_ml_dsa_says_so_and_gives_no_verdict(
    cosigned: tuple[Line, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    line, data = cosigned
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric.mldsa", None)
    with pytest.raises(SystemExit, match="ML-DSA-44"):
        theirs(line, data)


def test_anybody_may_be_believed_about_nothing(line: Line, bundle: bytes) -> None:
    """With another hub's certificate everything that rests on it fails, and nothing else is said."""
    found = judge(bundle, Anchors(registry.HubOnly(registry.Certificate(_certificates()["a curve that nobody knows"]))))
    assert not found.is_good
    assert not OTHER.Judgement(bundle, b"x", "", strict=True).is_good


# -- And what is honest stays good --------------------------------------------------------------------------------------


def test_evidence_of_a_recall_that_the_hub_carried_out_has_the_proof_of_its_word(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    suspend(line, "H41")
    line.drop("G22", document(1, to=("H41",)))
    line.run()
    line.drop("G22", recall(1), "r.edxml")
    line.run()
    (change,) = line.trace("1/TN-G22")["changes"]
    data = make(line, change["axis_id"])
    assert [one for one in names(data) if one.startswith("receipt.W.1.")]
    assert both(line, data) == set()
