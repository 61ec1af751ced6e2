"""Notes, checkpoints, cosignatures, quorums, witnesses and proofs: what is believed, and whatever is not."""

from __future__ import annotations

import hashlib
import random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from axis.core.log import checkpoint, merkle, note, policy, proof, witness
from axis.core.log.checkpoint import Checkpoint
from axis.core.log.merkle import Frontier
from axis.core.log.note import VerifierKey
from axis.core.log.witness import Request
from axis.errors import Fault, Rejected
from tests.log.test_merkle import LEAVES, VECTORS, Tree

ORIGIN = "log.example"
TIME = 1_764_000_000


class Key:
    """A key pair of one of the three kinds."""

    def __init__(self, name: str, kind: int = note.ED25519_COSIGNATURE) -> None:
        self.private = (MLDSA44PrivateKey if kind == note.ML_DSA_44_COSIGNATURE else Ed25519PrivateKey).generate()
        self.public = VerifierKey(name, kind, self.private.public_key().public_bytes_raw())

    def signs(self, one: Checkpoint, time: int = TIME) -> note.Signature:
        return checkpoint.signed(one, self.public, self.private, time)


LOG = Key(ORIGIN, note.ED25519)
WITNESSES = {name: Key(f"{name}.example") for name in ("B", "T", "H1", "H2", "H3")}
POLICY = (
    f"log {LOG.public.text} https://log.example/\n"
    + "".join(f"witness {name} {key.public.text}\n" for name, key in WITNESSES.items())
    + "\n# Two of three provinces, and both ministries.\n"
    "group provinces 2 H1 H2 H3\ngroup ministries all B T\ngroup both all provinces ministries\nquorum both\n"
)


def head(size: int, leaves: list[bytes] = LEAVES) -> Checkpoint:
    return Checkpoint(ORIGIN, size, Frontier().after(leaves[:size]).root)


def published(one: Checkpoint, *by: str) -> bytes:
    signatures = [LOG.signs(one), *(WITNESSES[name].signs(one) for name in by)]
    return note.Note(one.text).with_signatures(signatures).data


def code(what: object, *given: object) -> Fault | None:
    try:
        what(*given)  # type: ignore[operator]
    except Rejected as error:
        return error.fault
    return None


# -- Notes ------------------------------------------------------------------------------------------------------------


def test_the_example_of_the_format_is_read_and_its_signature_holds() -> None:
    example = VECTORS["note"]
    key = note.verifier_key(example["key"])
    assert key.text == example["key"]
    found = note.read(example["data"].encode())
    assert found.data.decode() == example["data"]
    said = found.of(key)
    assert said is not None
    Ed25519PublicKey.from_public_bytes(key.public).verify(said.value, found.text.encode())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"\n\n\xe2\x80\x94 a AAAAAAAA\n",
        "text\n\n— a AAAAAAAA".encode(),
        b"text\n\n- a AAAAAAAA\n",
        "text\n\n— a b AAAAAAAA\n".encode(),
        "text\n\n— a+b AAAAAAAA\n".encode(),
        "text\n\n— a AAAA\n".encode(),
        "text\n\n— a AAAAAAAB=\n".encode(),
        "text\n\n— a AAAAAAB=\n".encode(),
        "te\rxt\n\n— a AAAAAAAA\n".encode(),
        "te\x00xt\n\n— a AAAAAAAA\n".encode(),
        "text\n\n— a AAAAAAAA\n\n".encode(),
        b"\xff\n\n\xe2\x80\x94 a AAAAAAAA\n",
        b"text\n\n" + "— a AAAAAAAA\n".encode() * (note.MAX_SIGNATURES + 1),
        b"x" * (note.MAX_NOTE + 1),
    ],
)
def test_what_is_no_note_is_refused_with_its_code(data: bytes) -> None:
    assert code(note.read, data) is Fault.NOTE_INVALID


def test_the_text_ends_at_the_last_empty_line() -> None:
    found = note.read("a\n\nb\n\n— k AAAAAAAA\n".encode())
    assert (found.text, len(found.signatures)) == ("a\n\nb\n", 1)
    assert note.read(("t\n\n" + "— k AAAAAAAA\n" * 16).encode()).signatures  # as many as everybody must take


def test_two_signatures_under_one_key_are_refused_and_those_of_strangers_are_passed_over() -> None:
    one = head(3)
    twice = note.Note(one.text, (LOG.signs(one), LOG.signs(one)))
    assert code(checkpoint.opened, twice.data, LOG.public) is Fault.NOTE_INVALID
    strange = note.Note(one.text, (LOG.signs(one), note.Signature("somebody", b"1234", b"anything")))
    assert checkpoint.opened(strange.data, LOG.public)[0] == one


@pytest.mark.parametrize("kind", [note.ED25519, note.ED25519_COSIGNATURE, note.ML_DSA_44_COSIGNATURE])
def test_every_changed_byte_of_a_checkpoint_or_its_signature_is_noticed(kind: int) -> None:
    key, one = Key("someone.example", kind), head(7)
    data = note.Note(one.text, (key.signs(one),)).data
    said = checkpoint.verified(note.read(data), key.public)
    assert said is not None
    assert said.time == (0 if kind == note.ED25519 else TIME)
    places = range(len(data)) if kind != note.ML_DSA_44_COSIGNATURE else random.Random(7).sample(range(len(data)), 300)
    for at in places:
        changed = data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]
        assert not _is_believed(changed, key.public), at


def _is_believed(data: bytes, key: VerifierKey) -> bool:
    try:
        return checkpoint.verified(note.read(data), key) is not None  # None: it is somebody else's now
    except Rejected as error:
        return error.fault is not Fault.NOTE_INVALID


def test_a_cosignature_is_for_its_time_its_log_its_size_and_its_root_only() -> None:
    for kind in (note.ED25519_COSIGNATURE, note.ML_DSA_44_COSIGNATURE):
        key = Key("w.example", kind)
        line = key.signs(head(5))
        others = [head(6), Checkpoint("other.example", 5, head(5).root), Checkpoint(ORIGIN, 5, LEAVES[0])]
        for one in others:
            assert code(checkpoint.verified, note.Note(one.text, (line,)), key.public) is Fault.NOTE_INVALID
        late = note.Signature(line.name, line.id, (TIME + 1).to_bytes(8, "big") + line.value[8:])
        assert code(checkpoint.verified, note.Note(head(5).text, (late,)), key.public) is Fault.NOTE_INVALID


@pytest.mark.parametrize(
    "text",
    [
        "log.example\n5\n",
        "log.example\n05\nAAAA\n",
        "log.example\n-1\n" + head(5).text.split("\n")[2] + "\n",
        "log example\n5\n" + head(5).text.split("\n")[2] + "\n",
        head(5).text + "more\n",
        "log.example\n5\nAAAA\n",
        "log.example\n99999999999999999999\n" + head(5).text.split("\n")[2] + "\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    assert code(checkpoint.read, text) is Fault.NOTE_INVALID


def test_a_log_speaks_in_its_own_name_only() -> None:
    stranger = Key("other.example", note.ED25519)
    one = head(3)
    assert code(checkpoint.opened, note.Note(one.text, (stranger.signs(one),)).data, LOG.public) is Fault.NOTE_INVALID
    foreign = Checkpoint("other.example", 3, one.root)
    assert (
        code(checkpoint.opened, note.Note(foreign.text, (LOG.signs(foreign),)).data, LOG.public) is Fault.NOTE_INVALID
    )


def test_a_key_is_known_by_its_name_and_both_stand_in_its_id() -> None:
    assert note.verifier_key(LOG.public.text) == LOG.public
    name, id_, key = LOG.public.text.split("+", 2)
    for text in (f"other+{id_}+{key}", f"{name}+00000000+{key}", f"{name}+{id_}", f"{name}+{id_}+{key}=", "", "++"):
        assert code(note.verifier_key, text) is Fault.NOTE_INVALID


# -- Quorums ------------------------------------------------------------------------------------------------------------


def test_a_checkpoint_is_believed_with_its_quorum_and_not_before() -> None:
    by, one = policy.read(POLICY), head(9)
    assert policy.witnessed(published(one, "B", "T", "H1", "H3"), by).checkpoint == one
    for few in ((), ("B", "T"), ("B", "T", "H1"), ("H1", "H2", "H3", "B"), ("H1", "H2")):
        assert code(policy.witnessed, published(one, *few), by) is Fault.LOG_QUORUM
    false = note.read(published(one, "B", "T", "H1", "H3")).with_signatures([WITNESSES["H2"].signs(head(8))])
    assert code(policy.witnessed, false.data, by) is Fault.NOTE_INVALID


@pytest.mark.parametrize(
    ("groups", "is_taken"),
    [
        ("group q 3 A B C D E\n", True),
        ("group q 2 A B C D\n", False),
        ("group q any A B\n", False),
        ("group q all A B\n", True),
        ("group q any A\n", True),
        ("group g any A B C\ngroup q all g D\n", True),  # D stands in every one
        ("group g 2 A B C\ngroup h any D E\ngroup q any g h\n", False),
        ("group g any A B\ngroup h any C D\ngroup q all g h\n", False),
        ("group g any A B\ngroup h 2 C D E\ngroup q all g h\n", True),
    ],
)
def test_a_policy_is_taken_only_if_any_two_quorums_have_a_witness_in_common(groups: str, is_taken: bool) -> None:
    keys = {name: Key(f"{name}.example") for name in "ABCDE"}
    lines = "".join(f"witness {name} {key.public.text}\n" for name, key in keys.items())
    text = f"log {LOG.public.text}\n{lines}{groups}quorum q\n"
    found = code(policy.read, text)
    assert (found is None) == is_taken, found
    # The same by trying every two sets of witnesses that have nothing in common.
    loose = policy.Policy(LOG.public, {n: k.public for n, k in keys.items()}, _groups(groups), "q")
    sets = [{n for at, n in enumerate("ABCDE") if bits >> at & 1} for bits in range(32)]
    quorums = [one for one in sets if loose.has_quorum(one)]
    assert all(one & other for one in quorums for other in quorums) == is_taken


def _groups(text: str) -> dict[str, policy.Group]:
    found = {}
    for line in text.splitlines():
        _, name, threshold, *members = line.split()
        number = {"all": len(members), "any": 1}.get(threshold) or int(threshold)
        found[name] = policy.Group(number, tuple(members))
    return found


@pytest.mark.parametrize(
    "change",
    [
        ("quorum both", "quorum none"),
        ("quorum both", "quorum nobody"),
        ("quorum both\n", ""),
        ("group both all provinces ministries", "group both all provinces later"),
        ("group both all provinces ministries", "group both all provinces provinces"),
        ("group both all provinces ministries", "group both all provinces H1"),
        ("group both all", "group both 3"),
        ("group both all", "group both 0"),
        ("group both all", "group B all"),
        ("group provinces", "grupo provinces"),
        (f"witness H2 {WITNESSES['H2'].public.text}", f"witness H2 {WITNESSES['H1'].public.text}"),
        (f"witness H2 {WITNESSES['H2'].public.text}", f"witness H2 {LOG.public.text}"),
        (f"log {LOG.public.text}", f"log {WITNESSES['H2'].public.text}"),
        ("quorum both", f"quorum both\nlog {LOG.public.text}"),
        ("quorum both", "quorum both\n#" + "x" * policy.MAX_POLICY),
    ],
)
def test_what_is_no_policy_is_refused_with_its_code(change: tuple[str, str]) -> None:
    assert change[0] in POLICY
    assert code(policy.read, POLICY.replace(*change)) is Fault.LOG_POLICY


# -- Proofs ----------------------------------------------------------------------------------------------------------------


def test_a_log_proof_holds_and_none_of_its_bytes_can_be_another() -> None:
    by, tree = policy.read(POLICY), Tree(23)
    data = proof.LogProof(11, tuple(tree.inclusion(11)), published(head(23), "B", "T", "H1", "H2")).data
    found, seen = proof.verify(data, LEAVES[11], by)
    assert (found.index, seen.checkpoint.size, set(seen.by)) == (11, 23, {"B", "T", "H1", "H2"})
    for at in range(len(data)):
        for bit in (1, 32):
            changed = data[:at] + bytes((data[at] ^ bit,)) + data[at + 1 :]
            assert code(proof.verify, changed, LEAVES[11], by) is not None, (at, bit)
    assert code(proof.verify, data, LEAVES[12], by) is Fault.LOG_PROOF


def test_the_extra_line_of_a_proof_proves_nothing_and_is_bounded() -> None:
    by, tree = policy.read(POLICY), Tree(4)
    with_extra = proof.LogProof(0, tuple(tree.inclusion(0)), published(head(4), "B", "T", "H1", "H2"), b"salt")
    assert proof.verify(with_extra.data, LEAVES[0], by)[0].extra == b"salt"
    long = proof.LogProof(0, (), b"x", b"s" * (proof.MAX_EXTRA + 1))
    assert code(proof.read, long.data) is Fault.LOG_PROOF
    assert code(proof.read, b"x" * (proof.MAX_PROOF + 1)) is Fault.LOG_PROOF
    assert code(proof.read, proof.LogProof(0, (LEAVES[0],) * 64, b"x").data) is Fault.LOG_PROOF


# -- Witnesses --------------------------------------------------------------------------------------------------------------


def asked(old: int, size: int, leaves: list[bytes] = LEAVES) -> Request:
    shown = published(head(size, leaves))
    hashes = Tree(size).consistency(old) if leaves is LEAVES and old else []
    return witness.read(Request(old, tuple(hashes), shown).data)


def test_a_witness_cosigns_what_goes_on_from_what_it_cosigned_last() -> None:
    last = None
    for old, size in ((0, 1), (1, 5), (5, 5), (5, 64)):
        judged = witness.judge(asked(old, size), LOG.public, last)
        assert (judged.status, judged.cosigned) == (witness.OK, head(size))
        last = judged.cosigned


def test_a_witness_answers_everything_else_as_the_protocol_says() -> None:
    last = head(5)
    other = [hashlib.sha256(one).digest() for one in LEAVES]
    good = asked(5, 9)
    forged = note.Note(head(9).text, (Key(ORIGIN, note.ED25519).signs(head(9)),)).data
    for request, log, status, is_split in (
        (good, None, witness.NOT_FOUND, False),
        (Request(5, good.proof, forged), LOG.public, witness.FORBIDDEN, False),
        (Request(5, good.proof, b"nothing"), LOG.public, witness.FORBIDDEN, False),
        (Request(9, (), published(head(5))), LOG.public, witness.BAD_REQUEST, False),
        (asked(3, 9), LOG.public, witness.CONFLICT, False),
        (Request(5, good.proof[1:], good.checkpoint), LOG.public, witness.UNPROCESSABLE, False),
        (Request(5, (), published(head(9, other))), LOG.public, witness.UNPROCESSABLE, False),
        (Request(5, (), published(head(5, other))), LOG.public, witness.UNPROCESSABLE, True),
        (Request(0, (), published(head(5, other))), LOG.public, witness.CONFLICT, True),
    ):
        judged = witness.judge(request, log, last)
        assert (judged.status, judged.is_split, judged.cosigned) == (status, is_split, None)
    first = Request(0, (LEAVES[0],), published(head(9)))
    assert witness.judge(first, LOG.public, None).status == witness.UNPROCESSABLE  # a proof of nothing
    empty = published(Checkpoint(ORIGIN, 0, LEAVES[0]))
    assert witness.judge(Request(0, (), empty), LOG.public, None).status == witness.UNPROCESSABLE
    assert witness.judge(Request(0, (), published(head(0))), LOG.public, None).status == witness.OK


@pytest.mark.parametrize(
    "data", [b"", b"old 5\n", b"old 05\n\nx", b"old -1\n\nx", b"old 1\nAAAA\n\nx", b"old 1\n" + b"A" * 43 + b"=\n" * 64]
)
def test_what_is_no_request_is_refused(data: bytes) -> None:
    assert code(witness.read, data) is Fault.LOG_PROOF
    assert merkle.MAX_PROOF == 63
