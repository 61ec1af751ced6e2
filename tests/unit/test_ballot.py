"""A ballot as values: which votes count, what is decided, and that everybody who counts again finds the same."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from axis import schemas
from axis.core import registry as trust
from axis.core import xml
from axis.core.ballot import cms, recount, values
from axis.core.ballot.ballot import Closing, read_ballot
from axis.core.ballot.recount import Arrived
from axis.core.ballot.tally import Ballotted, tally, write_result
from axis.core.ballot.vote import read_vote
from axis.errors import Fault, Rejected
from tests import ballots
from tests.ballots import DUE, OPENS, PERSONS, SECRETARIAT, TRUSTEE, Story, ballot, keys, play, vote

LATER = OPENS + timedelta(hours=5)


def verdicts(story: Story) -> dict[str, list[tuple[str, str, str]]]:
    """(verdict, reason, delegate) of each member's votes, as the result says."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for one in json.loads(story.published)["votes"]:
        found.setdefault(one["member"], []).append((one["verdict"], one["reason"], one["delegate"]))
    return found


@cache
def story() -> Story:
    """Six members: one in time, one twice, one late, one through another, one forged, one who says nothing."""
    about = ballot()
    return play(
        [
            vote(about, "ttg@G22"),
            vote(about, "bt@G06", "agree"),
            vote(about, "bt@G06", "disagree", at=LATER),
            vote(about, "bt@G17", "comment", comment="Cần rõ hơn", at=DUE + timedelta(minutes=1)),
            vote(about, "ct@H41", delegate="tt@G06"),
            vote(about, "bt@G01", "disagree", signer="tt@G06"),
        ]
    )


def differences(found: Story, result: Arrived) -> list[str]:
    """Where a result says something else than what follows from its votes; or why there is nothing to count."""
    try:
        return [p.path for p in recount.recount(found.asked, result, keys().registry)[1]]
    except Rejected as error:
        return [error.fault.code]


def test_each_vote_has_its_verdict() -> None:
    assert verdicts(story()) == {
        "ttg@G22": [("counted", "", "")],
        "bt@G06": [("counted", "", ""), ("second", "", "")],
        "bt@G17": [("late", "", "")],
        "ct@H41": [("counted", "", "tt@G06")],
        "bt@G01": [("forged", "VOTE_SIGNATURE", "tt@G06")],
    }
    said = json.loads(story().published)
    assert said["missing"] == ["bt@G17", "bt@G01", "tt@G06"]
    assert said["questions"][0] == {
        "no": 1, "counts": {"agree": 3, "comment": 0, "disagree": 0}, "silent": 0, "base": 6, "decided": "", "by": "none",
    }  # fmt: skip


def test_every_party_counts_the_same_from_the_parcels_alone() -> None:
    counted, found = recount.recount(story().asked, story().result, keys().registry)
    assert found == []
    assert write_result(counted, story().closed.digest) == story().published


@pytest.mark.parametrize(
    ("made", "verdict"),
    [
        (lambda b: vote(b, "bt@G06", "abstain"), ("invalid", "BALLOT_SHAPE")),
        (lambda b: vote(b, "bt@G06", "comment"), ("invalid", "BALLOT_SHAPE")),
        (lambda b: vote(b, "bt@G06", answers=()), ("invalid", "BALLOT_SHAPE")),
        (lambda b: vote(b, "bt@G06", sender="G17"), ("invalid", "AUTHZ_MISMATCH")),
        (lambda b: vote(b, "bt@G06", act="0" * 64), ("counted", "")),
        (lambda b: vote(ballot(id="PLYK-2026-013"), "bt@G06"), ("invalid", "BALLOT_UNKNOWN")),
        (lambda b: vote(b, "tt@G06", at=OPENS - timedelta(days=60)), None),
        (lambda b: vote(b, "ct@H41", signer="tt@G06", act="0" * 64), ("forged", "VOTE_SIGNATURE")),
    ],
)
def test_what_is_wrong_with_a_vote_is_said(
    made: Callable[[Any], tuple[Arrived, bytes]], verdict: tuple[str, str] | None
) -> None:
    if verdict is None:  # nobody's certificate was good then: there is no such parcel
        with pytest.raises(Rejected):
            ballots.read_vote(made(ballot())[0])
        return
    arrived, signed = made(ballot())
    one = ballots.read_vote(arrived, signed)
    found = judge([one])[0]
    assert (found.verdict, found.reason) == verdict


def judge(votes: list[Ballotted], **changed: Any) -> Any:
    about = ballot(**changed)
    closing = Closing(about.digest, recount.received(votes))
    return tally(about, votes, closing, keys().registry, DUE).votes


def test_a_vote_that_does_not_open_is_invalid_and_takes_nobodys_place() -> None:
    arrived, _ = vote(ballot(), "bt@G06")
    good = ballots.read_vote(*vote(ballot(), "bt@G06", at=LATER))
    found = judge([ballots.read_vote(arrived), good])
    assert [(one.verdict, one.reason) for one in found] == [("invalid", "VOTE_SEAL"), ("counted", "")]


def test_a_revoked_certificate_signs_no_vote() -> None:
    one = ballots.read_vote(*vote(ballot(), "bt@G06"))

    class Without:
        def person(self, der: bytes, at: Any) -> Any:
            raise Rejected(recount.Problem(Fault.KEY_REVOKED, got="x"))

    about = ballot()
    found = tally(about, [one], Closing(about.digest, recount.received([one])), Without(), DUE).votes
    assert [(one.verdict, one.reason) for one in found] == [("forged", "KEY_REVOKED")]


def test_a_registry_with_persons_is_one_that_earlier_versions_read() -> None:
    """They know the uses `sign` and `tls` alone, and refuse a registry with another."""
    data = trust.write(keys().registry)
    assert trust.read(data) == keys().registry
    assert set(re.findall(rb'<certificate use="(\w+)"', data)) == {b"sign", b"tls"}
    schemas.validator("registry").assertValid(xml.parse(data))
    person, seal = keys().persons["bt@G06"], keys().seals[SECRETARIAT]
    for der in (person.der, seal.der):
        with pytest.raises(Rejected) as refused:
            keys().registry.certificate(der, OPENS)
        assert refused.value.fault is Fault.KEY_ROLE, "neither signs a parcel"


# -- Neither alone ----------------------------------------------------------------------------------------------------


def test_neither_secretariat_nor_trustee_alone_reads_a_vote() -> None:
    arrived, signed = vote(ballot(), "bt@G06")
    sealed = recount.open_arrived(arrived, keys().registry).files["vote.p7m"]
    assert signed not in arrived.parcel
    with pytest.raises(Rejected) as refused:
        cms.unseal(sealed, keys().seals[SECRETARIAT])
    assert refused.value.fault is Fault.VOTE_SEAL
    inner = cms.unseal(sealed, keys().seals[TRUSTEE])
    with pytest.raises(Rejected):
        cms.unseal(inner, keys().seals[TRUSTEE])
    with pytest.raises(Rejected):
        cms.open_signed(inner)
    assert cms.unseal(inner, keys().seals[SECRETARIAT]) == signed
    assert read_vote(cms.open_signed(signed)[0]).member == "bt@G06"


def test_the_trustee_takes_no_closing_before_the_end_nor_one_of_somebody_else() -> None:
    about = ballot()
    votes = [vote(about, "bt@G06")[0]]
    for closing, fault in (
        (ballots.close(about, votes, at=DUE), Fault.BALLOT_OPEN),
        (ballots.close(about, votes, ballot="0" * 64), Fault.BALLOT_DIFFERS),
        (ballots.close(about, votes, received=()), Fault.BALLOT_DIFFERS),
        (votes[0], Fault.AUTHZ_MISMATCH),
    ):
        with pytest.raises(Rejected) as refused:
            recount.closing_in(recount.open_arrived(closing, keys().registry), about, keys().registry, {})
        assert refused.value.fault is fault


# -- What a secretariat that is not honest could publish -----------------------------------------------------------------


def altered(change: Callable[[dict[str, Any]], None]) -> bytes:
    said = json.loads(story().published)
    change(said)
    return values.written(said)


def verdict_of(said: dict[str, Any], member: str) -> dict[str, Any]:
    """A member's line in a result."""
    found: dict[str, Any] = next(one for one in said["votes"] if one["member"] == member)
    return found


def without(number: int) -> list[bytes]:
    return [one for place, one in enumerate(story().signed) if place != number]


def changed_vote() -> list[bytes]:
    """Votes turned round, which nobody has signed so."""
    return [one.replace(b'"agree"', b'"agrEE"') for one in story().signed]


ALTERED: list[tuple[str, Callable[[], Arrived]]] = [
    ("dropped from the list", lambda: story().publish(altered(lambda r: r["votes"].pop(0)))),
    ("counted twice", lambda: story().publish(altered(lambda r: r["votes"].append(r["votes"][0])))),
    ("a count", lambda: story().publish(altered(lambda r: r["questions"][0]["counts"].update(agree=4)))),
    ("a verdict", lambda: story().publish(altered(lambda r: verdict_of(r, "bt@G17").update(verdict="counted")))),
    ("what is decided", lambda: story().publish(altered(lambda r: r["questions"][0].update(decided="agree")))),
    ("the rule", lambda: story().publish(altered(lambda r: r.update(rule="majority_present")))),
    ("who is missing", lambda: story().publish(altered(lambda r: r["missing"].pop()))),
    *((f"vote {n} not shown", lambda n=n: story().publish(story().published, without(n))) for n in range(6)),
    ("a vote changed", lambda: story().publish(story().published, changed_vote())),
    ("another closing", lambda: story().publish(story().published, closing=other_closing())),
    ("a vote added", lambda: story().publish(story().published, [*story().signed, stranger()])),
    ("a vote added to the list", lambda: story().publish(added())),
]


@pytest.mark.parametrize(("name", "result"), ALTERED, ids=[name for name, _ in ALTERED])
def test_no_other_result_is_believed(name: str, result: Callable[[], Arrived]) -> None:
    assert differences(story(), result()) != [], name


def stranger() -> bytes:
    """A vote that the closing does not name."""
    return vote(story().ballot, "tt@G06")[1]


def added() -> bytes:
    """It in the list of the result, too."""
    line = {"parcel": "0" * 64, "vote": values.digest(stranger()), "member": "tt@G06", "verdict": "counted"}
    line |= {"accepted_at": "2026-11-23T03:00:00.000Z", "reason": "", "delegate": ""}
    return altered(lambda r: r["votes"].append(line))


def other_closing() -> Arrived:
    """One that leaves a vote out, signed by the secretariat after it has read them."""
    arrived = recount.read_votes(recount.open_arrived(story().closing, keys().registry).files[recount.VOTES])
    return ballots.close(story().ballot, arrived[1:], at=DUE + timedelta(hours=3))


def test_a_vote_left_out_of_closing_and_result_is_noticed_by_its_member() -> None:
    arrived = recount.read_votes(recount.open_arrived(story().closing, keys().registry).files[recount.VOTES])
    mine = recount.open_arrived(arrived[0], keys().registry)
    assert (
        recount.dropped(
            [(mine.digest, mine.accepted_at)], recount.recount(story().asked, story().result, keys().registry)[0]
        )
        == []
    )
    votes = [vote(ballot(), "bt@G17")]
    without_mine = play(votes)
    counted, found = recount.recount(without_mine.asked, without_mine.result, keys().registry)
    assert found == []
    assert [p.expected for p in recount.dropped([(mine.digest, mine.accepted_at)], counted)] == [mine.digest]


def test_a_closing_that_names_a_vote_twice_is_none() -> None:
    arrived, _ = vote(ballot(), "bt@G06")
    one = ballots.read_vote(arrived)
    twice = Closing(ballot().digest, recount.received([one, one]))
    with pytest.raises(Rejected) as refused:
        tally(ballot(), [one, one], twice, keys().registry, DUE)
    assert refused.value.fault is Fault.BALLOT_DIFFERS


# -- The independent script --------------------------------------------------------------------------------------------

SCRIPT = Path(__file__).parent.parent.parent / "docs" / "verify_ballot.py"


@cache
def script() -> Any:
    spec = importlib.util.spec_from_file_location("verify_ballot", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def lay(folder: Path, of: Story, result: Arrived, own: Arrived | None = None) -> Path:
    """The parcels of a ballot as files."""
    folder.mkdir(exist_ok=True)
    given = {"ballot": of.asked, "result": result, **({"own-1": own} if own else {})}
    for name, one in given.items():
        (folder / f"{name}.asice").write_bytes(one.parcel)
        (folder / f"{name}.accepted.asice").write_bytes(one.accepted)
    (folder / "registry.asice").write_bytes(ballots.registry_parcel())
    (folder / "hub.pem").write_bytes(keys().agencies["HUB"].certificate.public_bytes(Encoding.PEM))
    return folder


def test_the_script_has_nothing_of_the_program() -> None:
    named = set()
    for node in ast.walk(ast.parse(SCRIPT.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            named |= {one.name.partition(".")[0] for one in node.names}
        elif isinstance(node, ast.ImportFrom):
            named.add(str(node.module).partition(".")[0])
    assert named - {"cryptography"} <= set(sys.stdlib_module_names)


def test_the_script_counts_what_the_program_counts(tmp_path: Path) -> None:
    folder = lay(tmp_path / "f", story(), story().result)
    command = [sys.executable, "-I", str(SCRIPT), str(folder), "--hub", str(folder / "hub.pem")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    said = json.loads(story().published)
    for one in said["votes"]:
        assert f"{one['vote']} {one['member']} {one['verdict']}" in done.stdout
    assert "{'agree': 3, 'comment': 0, 'disagree': 0} of 6" in done.stdout


@pytest.mark.parametrize(("name", "result"), ALTERED, ids=[name for name, _ in ALTERED])
def test_the_script_believes_no_other_result_either(name: str, result: Callable[[], Arrived], tmp_path: Path) -> None:
    folder = lay(tmp_path / "f", story(), result())
    try:
        found = script().verify(folder, keys().agencies["HUB"].der)[1]
    except script().Bad as error:
        found = [str(error)]
    assert found != [], name


def test_the_script_and_the_program_count_any_votes_alike(tmp_path: Path) -> None:
    """All that can be wrong with one vote at once, by both."""
    about = ballot()
    made = [
        vote(about, "ttg@G22", "disagree"),
        vote(about, "bt@G06", "abstain"),
        vote(about, "bt@G17", "comment"),
        vote(about, "ct@H41", delegate="tt@G06"),
        vote(about, "bt@G01", delegate="tt@G06", sender="G01"),
        vote(about, "bt@G01", signer="bt@G17"),
        vote(about, "tt@G06", at=DUE),
        vote(about, "tt@G06", at=DUE + timedelta(milliseconds=1)),
    ]
    of = play(made)
    right, found = script().verify(lay(tmp_path / "f", of, of.result), keys().agencies["HUB"].der)
    assert found == []
    assert differences(of, of.result) == []
    assert sorted(one["verdict"] for one in right["votes"]) == sorted(
        ["counted", "invalid", "invalid", "counted", "invalid", "forged", "counted", "late"]
    )


def test_the_script_notices_a_vote_of_ones_own_that_was_dropped(tmp_path: Path) -> None:
    of = play([vote(ballot(), "bt@G17")])
    mine, _ = vote(of.ballot, "ct@H41")
    folder = lay(tmp_path / "f", of, of.result, mine)
    assert script().verify(folder, keys().agencies["HUB"].der)[1] == [
        "votes: own-1.asice, accepted in time, was dropped"
    ]


@pytest.mark.parametrize("name", ["ballot", "result", "registry"])
def test_the_script_refuses_parcels_with_a_changed_byte(name: str, tmp_path: Path) -> None:
    folder = lay(tmp_path / "f", story(), story().result)
    data = (folder / f"{name}.asice").read_bytes()
    main = b"<?xml"
    other = data.replace(main, b"<?xmL", 1)
    assert other != data
    (folder / f"{name}.asice").write_bytes(other)
    with pytest.raises((script().Bad, ValueError, zipfile.BadZipFile)):
        script().verify(folder, keys().agencies["HUB"].der)


# -- What is decided ----------------------------------------------------------------------------------------------------


@cache
def cast_by(person: str, option: str) -> Ballotted:
    """Made once: a signed vote is a third of a millisecond, hypothesis asks for thousands."""
    return ballots.read_vote(*vote(ballot(), person, option))


def decide(options: dict[str, str], **settings_: Any) -> tuple[str, str, dict[str, int]]:
    """What is decided when these have voted so. The votes name the ballot by its digest, so its settings are changed
    beneath it."""
    about = replace(ballot(), **settings_)
    votes = [cast_by(person, option) for person, option in options.items()]
    closing = Closing(about.digest, recount.received(votes))
    found = tally(about, votes, closing, keys().registry, DUE).decided[0]
    return found.option, found.by, dict(found.counts)


def of(agree: int, disagree: int, chair: str = "agree") -> dict[str, str]:
    """So many votes, the chair's among them."""
    rest = ["agree"] * (agree - (chair == "agree")) + ["disagree"] * (disagree - (chair == "disagree"))
    return {"ttg@G22": chair} | dict(zip(PERSONS[1:], rest, strict=False))


@pytest.mark.parametrize(
    ("votes", "rules", "decided"),
    [
        (of(4, 2), {}, ("agree", "majority")),
        (of(3, 2), {}, ("", "none")),
        (of(3, 2), {"rule": "majority_present"}, ("agree", "majority")),
        (of(3, 3), {}, ("agree", "chair")),
        (of(3, 3, "disagree"), {}, ("disagree", "chair")),
        (of(3, 3), {"tie": "none"}, ("", "none")),
        (of(1, 1), {}, ("", "none")),
        (of(1, 1), {"rule": "majority_present"}, ("agree", "chair")),
        (of(1, 1), {"silence": "agree"}, ("agree", "majority")),
        (of(0, 3, "disagree"), {"silence": "agree", "tie": "none"}, ("", "none")),
    ],
)
def test_the_ballots_settings_decide(votes: dict[str, str], rules: dict[str, str], decided: tuple[str, str]) -> None:
    assert decide(votes, **rules)[:2] == decided


@settings(max_examples=60, deadline=None)
@given(
    chosen=st.dictionaries(st.sampled_from(PERSONS), st.sampled_from(["agree", "disagree"])),
    data=st.data(),
    silence=st.sampled_from(["not_counted", "agree"]),
)
def test_the_order_in_which_votes_are_read_changes_nothing_and_each_vote_is_in_the_result_once(
    chosen: dict[str, str], data: st.DataObject, silence: str
) -> None:
    about = replace(ballot(), silence=silence)
    votes = [cast_by(person, option) for person, option in chosen.items()]

    def written(of_these: list[Ballotted]) -> bytes:
        closing = Closing(about.digest, recount.received(of_these))
        return write_result(tally(about, of_these, closing, keys().registry, DUE), "0" * 64)

    first = written(votes)
    assert written(data.draw(st.permutations(votes))) == first
    said = json.loads(first)
    assert sorted(one["parcel"] for one in said["votes"]) == sorted(one.parcel for one in votes)
    assert len(said["missing"]) == len(PERSONS) - len(votes)
    counts = Counter(chosen.values())
    silent = len(said["missing"]) if silence == "agree" else 0
    assert said["questions"][0]["counts"]["agree"] == counts["agree"] + silent
    if votes:
        gone = data.draw(st.sampled_from(votes))
        listed = {one["vote"] for one in json.loads(written([one for one in votes if one is not gone]))["votes"]}
        assert {one["vote"] for one in said["votes"]} - listed == {gone.cover.vote}


# -- Bytes ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"rule": "most"},
        {"tie": None},
        {"trustee": {"agency": "G22", "seal": "0" * 64}},
        {"members": [{"id": "bt@G06", "name": "A", "office": "B"}] * 2},
        {"chair": "nobody@G06"},
        {"due_at": "2026-11-22T10:00:00.000Z"},
        {"due_at": "27/11/2026"},
        {"questions": []},
        {"more": 1},
    ],
)
def test_a_ballot_that_could_be_read_in_two_ways_is_none(change: dict[str, Any]) -> None:
    with pytest.raises(Rejected) as refused:
        ballot(**change)
    assert refused.value.fault is Fault.BALLOT_SHAPE


@pytest.mark.parametrize(
    "data", [b"{", b"[]", b'{"id":1,"id":2}', b'{"id":NaN}', b'{"id":1.5}', b"\xff", b'{"a":' * 99_999]
)
def test_json_is_read_strictly(data: bytes) -> None:
    with pytest.raises(Rejected) as refused:
        read_ballot(data)
    assert refused.value.fault is Fault.BALLOT_SHAPE


@pytest.mark.parametrize("person", ["bt@G06", "bt@G17"])
def test_every_changed_byte_of_a_signed_vote_is_noticed(person: str) -> None:
    """By the signature, by its one allowed form, or because the registry knows no such certificate."""
    _, signed = vote(ballot(), person)
    for place in range(0, len(signed), 3):
        other = bytearray(signed)
        other[place] ^= 1
        with pytest.raises(Rejected):
            keys().registry.person(cms.open_signed(bytes(other))[1], OPENS)
