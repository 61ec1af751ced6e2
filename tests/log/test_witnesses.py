"""The agencies witness the log over the line: what they cosign, what they are told, and whatever they do not believe."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from axis import crashpoints
from axis.core import ledger as core_ledger
from axis.core import lineage, witnesses
from axis.core.ledger import Entry
from axis.core.log import checkpoint, exchange, note, policy
from axis.core.log.checkpoint import Checkpoint
from axis.core.log.witness import Request
from axis.core.message import Message, Outcome, Route
from axis.core.registry import HUB
from axis.infra import keystore
from axis.infra.journal import witness as journal
from axis.infra.log import store
from axis.infra.record import ledger
from axis.services import run
from axis.services.agency import witness as agency_witness
from axis.services.hub import log, witness
from axis.services.hub.asking import Asking
from axis.services.questions import log as questions
from tests import own
from tests.e2e.test_cost import counted
from tests.line import CODES, Line, document, small_home

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from axis.core.log.policy import Policy
    from axis.infra.journal.witness import Kept
    from axis.infra.log.store import Cosigned
    from axis.infra.record.high_water import LedgerEnd
    from axis.services.agency.adapter import Agency
    from axis.services.hub.worker import Hub


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return small_home(tmp_path / "home")


def enter(hub: Hub, line: Line, count: int = 5) -> None:
    """So many entries about nobody, in the log."""
    with hub.store.transaction() as tx:
        entries = [Entry(line.clock(), "HUB", "test", "", "", {"n": n}) for n in range(count)]
        ledger.append(tx, entries, hub.sequencer(line.clock()))
    grow(hub, line)


def grow(hub: Hub, line: Line) -> None:
    hub.begin_round(line.clock())
    hub.link(line.clock())
    line.clock.now += timedelta(seconds=2)
    while log.step(hub, line.clock(), at_rest=True):
        pass


def minute(hub: Hub, agencies: Sequence[Agency], line: Line, minutes: int = 1) -> None:
    """What a minute of the line's work does about the log."""
    for _ in range(minutes):
        line.clock.now += timedelta(seconds=61)
        for _ in range(4):
            run.hub_round(hub, line.clock())
            witness.step(hub, line.clock())
            for one in agencies:
                run.agency_round(one, line.clock())


def begin(hub: Hub, agencies: Sequence[Agency], line: Line) -> None:
    enter(hub, line)
    witness.step(hub, line.clock())  # the first round only begins to count time
    minute(hub, agencies, line)


def kept(agency: Agency) -> Kept:
    with agency.journal.reading() as reader:
        return journal.kept(reader)


def cosigned(hub: Hub) -> Cosigned | None:
    with hub.store.reading() as reader:
        return store.witnessed(reader.connection)


def counts(hub: Hub) -> Policy:
    found = witnesses.policy_of(hub.registry())
    assert found is not None
    return found


def size(hub: Hub) -> int:
    with hub.store.reading() as reader:
        head = store.head(reader.connection)
        assert head is not None
        return head.frontier.size


def asked_for(hub: Hub, line: Line) -> tuple[int, Checkpoint]:
    """The checkpoint of new entries that everybody has just been asked to cosign; the number of its log."""
    enter(hub, line)
    witness.step(hub, line.clock())  # the first round only begins to count time
    line.clock.now += timedelta(seconds=61)
    assert witness.step(hub, line.clock()) == len(CODES)
    with hub.store.reading() as reader:
        head = store.head(reader.connection)
    assert head is not None
    return head.number, checkpoint.read(note.read(head.checkpoint).text)


def test_all_agencies_cosign_within_a_minute_and_believe_what_has_its_quorum(line: Line) -> None:
    with line.parts() as (hub, agencies):
        begin(hub, agencies, line)
        found = cosigned(hub)
        assert found is not None
        assert found.size == size(hub)
        seen = policy.witnessed(found.note, counts(hub))
        assert sorted(seen.by) == sorted(CODES)
        for one in agencies:
            believed = policy.witnessed(kept(one).believed, counts(hub))
            assert believed.checkpoint == seen.checkpoint
            assert kept(one).trouble == ""
        enter(hub, line, 300)
        minute(hub, agencies, line)
        again = cosigned(hub)
        assert again is not None
        assert again.size == size(hub) > found.size


def test_where_nothing_happens_nobody_is_asked(line: Line) -> None:
    with line.parts() as (hub, agencies):
        begin(hub, agencies, line)
        minute(hub, agencies, line)
        with hub.store.reading() as reader:
            before = store.witnesses(reader.connection)
        line.clock.now += timedelta(minutes=5)
        with counted() as flow:
            assert witness.step(hub, line.clock()) == 0
        assert flow.statements == 0
        with hub.store.reading() as reader:
            assert store.witnesses(reader.connection) == before


# -- A log that lies --------------------------------------------------------------------------------------------------


def signed(hub: Hub, of_size: int, root: bytes) -> bytes:
    """A checkpoint with the real key, whatever stands in the log."""
    assert hub.log_key is not None
    return hub.log_key.sign(Checkpoint(counts(hub).log.name, of_size, root))


def show(hub: Hub, agencies: Sequence[Agency], line: Line, body: bytes, *codes: str) -> None:
    """The hub says this to these agencies."""
    for code in codes:
        message = Message(uuid.uuid4().hex, Route("out", code, urgent=True), body)
        assert hub.broker.publish([message]) == [Outcome.CONFIRMED]
    for one in agencies:
        if one.code in codes:
            run.agency_round(one, line.clock())


def stopped(agencies: Sequence[Agency]) -> dict[str, str]:
    return {one.code: kept(one).trouble for one in agencies if kept(one).trouble}


def test_two_roots_of_one_size_shown_to_two_adapters_are_noticed_and_both_are_kept(line: Line) -> None:
    with line.parts() as (hub, agencies):
        begin(hub, agencies, line)
        before = size(hub)
        of_size, (liked, other) = before + 1, (b"1" * 32, b"2" * 32)
        true, false = signed(hub, of_size, liked), signed(hub, of_size, other)
        fresh = [one for one in agencies if one.code in {"G22", "H41"}]
        for one in fresh:  # as adapters that have cosigned nothing yet
            with one.journal.transaction() as tx:
                tx.keep_witness(journal.Kept(one.code))
        show(hub, agencies, line, exchange.write_ask(Request(0, (), true)), "G22")
        show(hub, agencies, line, exchange.write_ask(Request(0, (), false)), "H41")
        assert stopped(agencies) == {}  # each has seen one of them
        show(hub, agencies, line, exchange.write_ask(Request(of_size, (), true)), "H41")
        show(hub, agencies, line, exchange.write_ask(Request(0, (), false)), "G22")
        assert stopped(agencies) == {"G22": "LOG_SPLIT", "H41": "LOG_SPLIT"}
        for one in fresh:
            both = {checkpoint.read(note.read(data).text).root for data in (kept(one).note, kept(one).other)}
            assert both == {liked, other}
            assert witness_answer(one, line) == ("", "LOG_SPLIT")
        line.drop("G22", document(1))
        for _ in range(3):  # mail goes on
            minute(hub, agencies, line)
        assert line.files("H41", "inbox", "*.edxml")
        with hub.store.reading() as reader:
            assert store.witnesses(reader.connection)["H41"].trouble == "LOG_SPLIT"
        asked = looked = 0
        for _ in range(180):  # half an hour in which nothing happens: asked again once or twice, and left alone
            line.clock.now += timedelta(seconds=10)
            with counted() as flow:
                asked += witness.step(hub, line.clock())
            looked += bool(flow.statements)
        assert asked <= 4
        assert looked <= 10


def test_what_was_looked_into_is_settled_by_the_operator_and_the_witness_begins_anew(line: Line) -> None:
    with line.parts() as (hub, agencies):
        begin(hub, agencies, line)
        of_size = size(hub)
        show(hub, agencies, line, exchange.write_ask(Request(0, (), signed(hub, of_size, b"2" * 32))), "H41")
        assert stopped(agencies) == {"H41": "LOG_SPLIT"}
    assert own.run("witness", "status", "--home", line.path).exit_code == 6
    folder = line.path / "evidence"
    said = own.done("witness", "settle", "--home", line.path, "--code", "H41", "-o", folder, "--reason", "a test")
    assert said["files"] == ["cosigned.checkpoint", "believed.checkpoint", "contradicting.checkpoint"]
    assert checkpoint.read(note.read((folder / "contradicting.checkpoint").read_bytes()).text).root == b"2" * 32
    with line.parts() as (hub, agencies):
        begin(hub, agencies, line)
        minute(hub, agencies, line)
        assert stopped(agencies) == {}
        assert {kept(one).size for one in agencies} == {size(hub)}
    assert own.run("witness", "status", "--home", line.path).exit_code == 0


def witness_answer(agency: Agency, line: Line) -> tuple[str, str]:
    message = agency_witness.answer(agency, line.clock())
    assert message is not None
    said = exchange.read_said(message.body)
    assert said is not None
    return said.line, said.trouble


def test_the_one_who_was_shown_another_root_than_the_quorum_notices_when_it_is_told(line: Line) -> None:
    with line.parts() as (hub, agencies):
        begin(hub, agencies, line)
        enter(hub, line)
        false = signed(hub, size(hub), b"2" * 32)
        alone = next(one for one in agencies if one.code == "H41")
        with alone.journal.transaction() as tx:
            tx.keep_witness(replace(journal.kept(tx), size=size(hub), note=false))
        minute(hub, agencies, line)
        assert stopped(agencies) == {"H41": "LOG_SPLIT"}


@pytest.mark.parametrize("more", [0, 7])
def test_all_rewritten_with_fresh_hashes_and_the_real_keys_is_noticed_by_every_adapter(line: Line, more: int) -> None:
    with line.parts() as (hub, agencies):
        begin(hub, agencies, line)
        enter(hub, line)
        minute(hub, agencies, line)
        rewrite(hub, 3)
        hub.high_water.write(_end(hub))
        hub.linked = hub.logged = 0
        with hub.store.transaction() as tx:
            tx.connection.exec_driver_sql("DELETE FROM log_tile")
            tx.connection.exec_driver_sql("UPDATE log_head SET size = 0, frontier = x'', checkpoint = x''")
            tx.connection.exec_driver_sql("UPDATE log_witness SET cosigned = 0, asked_at = ''")
        hub.asking = Asking()
        if more:
            enter(hub, line, more)
        else:
            grow(hub, line)
        with hub.store.reading() as reader:
            key = hub.log_key
            assert key is not None
            assert questions.verify(reader, key.of).logged == size(hub)  # by itself it holds
        minute(hub, agencies, line, 3)
        # Where it says that nothing was cosigned, the witnesses say what was; from there on it has no proof.
        assert set(stopped(agencies)) == set(CODES)
        found = cosigned(hub)
        assert found is None or found.size <= size(hub)
        for one in agencies:
            believed = policy.witnessed(kept(one).believed, counts(hub)).checkpoint
            contradicting = checkpoint.read(note.read(kept(one).other).text)
            assert believed.root != contradicting.root


def rewrite(hub: Hub, place: int) -> None:
    """Another text at this place, and every digest and link behind it made anew."""
    with hub.store.transaction() as tx:
        rows = tx.connection.exec_driver_sql("SELECT id, position, canonical FROM ledger ORDER BY position").all()
        link = core_ledger.GENESIS
        for identifier, position, canonical in rows:
            entry = core_ledger.read(canonical)
            if position == place:
                entry = replace(entry, detail={**entry.detail, "another": True})
            link = core_ledger.link(link, position, entry.digest)
            changed = (entry.canonical, entry.digest, link, identifier)
            tx.connection.exec_driver_sql("UPDATE ledger SET canonical = ?, digest = ?, link = ? WHERE id = ?", changed)


def _end(hub: Hub) -> LedgerEnd:
    with hub.store.reading() as reader:
        return ledger.standing(reader).end


# -- Before anybody hears of it ---------------------------------------------------------------------------------------


def test_what_is_cosigned_is_kept_before_anybody_hears_of_it(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """At both points a process may die: before the commit nothing was said, and after it the same is said again."""

    class DiesError(BaseException):
        pass

    with line.parts() as (hub, agencies):
        begin(hub, agencies, line)
        enter(hub, line)
        one = next(one for one in agencies if one.code == "G22")
        before, said = kept(one), list[str]()

        def dies(point: str) -> None:
            if point in {"W01", "W02"} and point not in said:
                said.append(point)
                raise DiesError(point)

        monkeypatch.setattr(crashpoints, "reached", dies)
        line.clock.now += timedelta(seconds=61)
        witness.step(hub, line.clock())
        with pytest.raises(DiesError, match="W01"):
            run.agency_round(one, line.clock())
        assert kept(one) == before
        one.let_go()
        with pytest.raises(DiesError, match="W02"):
            run.agency_round(one, line.clock())
        assert kept(one).size == size(hub)
        line.clock.now += timedelta(minutes=11)
        minute(hub, [one], line)  # asked again, for it has not answered
        with hub.store.reading() as reader:
            assert store.witnesses(reader.connection)["G22"].cosigned == size(hub)


def test_one_that_is_away_is_asked_ever_more_seldom_and_catches_up(line: Line) -> None:
    with line.parts() as (hub, agencies):
        begin(hub, agencies, line)
        there = [one for one in agencies if one.code != "H41"]
        for _ in range(8):
            enter(hub, line)
            minute(hub, there, line)
            line.clock.now += timedelta(minutes=4)
        with hub.store.reading() as reader:
            away = store.witnesses(reader.connection)["H41"]
        assert away.tries == 3  # after the first, 10 and 20 minutes
        line.clock.now += timedelta(minutes=40)
        enter(hub, line)
        minute(hub, agencies, line, 2)
        with hub.store.reading() as reader:
            assert store.witnesses(reader.connection)["H41"].cosigned == size(hub)
        (late,) = [one for one in agencies if one.code == "H41"]
        assert kept(late).size == size(hub)
        assert kept(late).trouble == ""


# -- Who is asked, and who is heard -----------------------------------------------------------------------------------


def test_who_cosigns_with_another_key_than_the_registrys_is_named_until_it_has_the_right_one(line: Line) -> None:
    """As in a home that was exported before there were witnesses: the centre and the agency have each made a key."""
    place, kept_key = line.path / "keys" / "H41.witness", line.path / "centres"
    place.rename(kept_key)
    assert own.run("upgrade", "--home", line.path).exit_code == 0
    with line.parts() as (hub, agencies):
        begin(hub, agencies, line)
        found = cosigned(hub)
        assert found is not None
        assert "H41" not in policy.witnessed(found.note, counts(hub)).by
    said = own.run("witness", "status", "--home", line.path)
    assert said.exit_code == 6
    assert "WITNESS_KEY" in said.output
    assert "WITNESS_KEY" in own.run("check", "witnesses", "--home", line.path).output
    place.unlink()
    kept_key.rename(place)
    with line.parts() as (hub, agencies):
        line.clock.now += timedelta(minutes=11)
        enter(hub, line)
        minute(hub, agencies, line)
        minute(hub, agencies, line)
        found = cosigned(hub)
        assert found is not None
        assert "H41" in policy.witnessed(found.note, counts(hub)).by
    assert own.run("witness", "status", "--home", line.path).exit_code == 0


def test_who_has_no_witness_key_in_the_registry_is_not_asked_and_loses_nothing(line: Line) -> None:
    """As adapters of the version before, which would not know what it is about."""
    with line.parts() as (hub, agencies):
        member = hub.registry().by_code["H41"]
        bare = replace(member, certificates=tuple(one for one in member.certificates if one.reason != "witness"))
        hub._registry = hub.registry().changed(bare, line.clock())
        hub._refresh = lambda _digest: None  # type: ignore[method-assign]
        seen: list[str] = []
        publish = hub.broker.publish

        def heard(messages: Sequence[Message]) -> list[Outcome]:
            seen.extend(one.route.code for one in messages if exchange.is_from_log(one.body))
            return publish(messages)

        hub.broker.publish = heard  # type: ignore[method-assign]
        begin(hub, agencies, line)
        assert set(seen) == set(CODES) - {"H41"}
        found = cosigned(hub)
        assert found is not None
        assert "H41" not in policy.witnessed(found.note, counts(hub)).by


@pytest.mark.parametrize(
    "body",
    [
        b"axis-log/1 ask\n",
        b"axis-log/1 ask\nold 1\n\nnothing",
        b"axis-log/1 told\n{}",
        b"axis-log/1 told\n" + b"[" * 50_000,
        b'axis-log/1 told\n{"checkpoint":"x","cosigned":0,"proof":[],"since":0,"start":-1,"end":0,"before":0}',
    ],
)
def test_what_is_none_of_the_logs_words_is_put_aside_by_the_adapter(line: Line, body: bytes) -> None:
    with line.parts() as (hub, agencies):
        begin(hub, agencies, line)
        before = kept(agencies[0])
        show(hub, agencies, line, body, agencies[0].code)
        assert kept(agencies[0]) == before
        assert hub.broker.dead_depth() == 1


def test_words_of_a_witness_that_are_not_its_own_count_for_nothing(line: Line) -> None:
    with line.parts() as (hub, agencies):
        begin(hub, agencies, line)
        by_code = {one.code: one for one in agencies}
        number, one = asked_for(hub, line)
        key = by_code["G22"].witness_keys()[note.ED25519_COSIGNATURE]
        of_g22 = checkpoint.signed(one, witnesses.of(hub.registry())["G22"], key, 1).line.strip()
        forged = note.Signature(*[getattr(note.signature(of_g22), name) for name in ("name", "id")], b"\0" * 72).line
        for code, line_of in (("H41", of_g22), ("G22", forged.strip()), ("G22", "no line")):
            said = exchange.write_said(exchange.Said(one.size, line_of))
            message = Message(uuid.uuid4().hex, Route("in", code, urgent=True), said, user_id=code)
            assert by_code[code].broker.publish([message]) == [Outcome.CONFIRMED]
        broken = Message(uuid.uuid4().hex, Route("in", "G22", urgent=True), b"axis-witness/1 {", user_id="G22")
        assert by_code["G22"].broker.publish([broken]) == [Outcome.CONFIRMED]
        run.hub_round(hub, line.clock())
        with hub.store.reading() as reader:
            asked = store.cosigned(reader.connection, number, [one.size])[one.size]
        assert len(note.read(asked.note).signatures) == 1  # the log's own
        assert hub.broker.dead_depth() == 1


# -- The other key ----------------------------------------------------------------------------------------------------


def both(hub: Hub) -> Cosigned | None:
    with hub.store.reading() as reader:
        return store.of_both(reader.connection)


def names_of_others(hub: Hub, one: Cosigned) -> list[str]:
    return sorted(policy.beside(one.note, counts(hub), one.others))


def test_the_first_checkpoint_of_a_day_is_cosigned_with_both_keys_and_no_other(line: Line) -> None:
    with line.parts() as (hub, agencies):
        begin(hub, agencies, line)
        first = both(hub)
        assert first is not None
        assert first.size == size(hub)
        assert names_of_others(hub, first) == sorted(f"{code}/ML-DSA-44" for code in CODES)
        assert len(first.others) > len(CODES) * 3200
        enter(hub, line)
        minute(hub, agencies, line)
        second = cosigned(hub)
        assert second is not None
        assert (second.size, second.others, second.others_at) == (size(hub), "", None)
        line.clock.now += timedelta(days=1)
        enter(hub, line)
        minute(hub, agencies, line)
        third = both(hub)
        assert third is not None
        assert third.size == size(hub) > second.size
        for one in agencies:  # what they are told, and their receipts' proofs, stay short
            assert len(kept(one).believed) < 4000


def test_who_was_away_cosigns_the_next_one_with_one_key_and_a_majority_is_enough(line: Line) -> None:
    with line.parts() as (hub, agencies):
        away = [one for one in agencies if one.code in {"G18", "H29"}]
        begin(hub, [one for one in agencies if one not in away], line)
        found = both(hub)
        assert found is not None
        assert {"G18/ML-DSA-44", "H29/ML-DSA-44"}.isdisjoint(names_of_others(hub, found))
        assert found.others_at is not None


def test_an_answer_that_is_given_twice_has_both_signatures_each_time_and_counts_once(line: Line) -> None:
    with line.parts() as (hub, agencies):
        enter(hub, line)
        witness.step(hub, line.clock())
        line.clock.now += timedelta(seconds=61)
        assert witness.step(hub, line.clock()) == len(CODES)
        for one in agencies:
            run.agency_round(one, line.clock())
            again = agency_witness.answer(one, line.clock())
            assert again is not None
            said = exchange.read_said(again.body)
            assert said is not None
            assert said.other
            assert one.broker.publish([again]) == [Outcome.CONFIRMED]
        run.hub_round(hub, line.clock())
        found = both(hub)
        assert found is not None
        assert found.others.count("\n") == len(CODES)


def test_the_other_signature_is_not_taken_but_from_its_own_key_over_this_checkpoint(line: Line) -> None:
    with line.parts() as (hub, agencies):
        by_code = {one.code: one for one in agencies}
        number, one = asked_for(hub, line)
        registry = hub.registry()
        keys, others = witnesses.of(registry), witnesses.of(registry, note.ML_DSA_44_COSIGNATURE)
        g22 = by_code["G22"].witness_keys()
        good = checkpoint.signed(one, keys["G22"], g22[note.ED25519_COSIGNATURE], 1).line.strip()
        strong = g22[note.ML_DSA_44_COSIGNATURE]
        shifted = Checkpoint(one.origin, one.size, bytes(32))
        h41 = by_code["H41"].witness_keys()[note.ML_DSA_44_COSIGNATURE]
        for other in (
            checkpoint.signed(shifted, others["G22"], strong, 1).line.strip(),  # over another root
            checkpoint.signed(one, others["G22"], h41, 1).line.strip(),  # by another key
            checkpoint.signed(one, others["H41"], h41, 1).line.strip(),  # another's
            good,
            "no line",
            "\N{EM DASH} x " + "A" * 12_000,
        ):
            said = exchange.write_said(exchange.Said(one.size, good, other=other))
            message = Message(uuid.uuid4().hex, Route("in", "G22", urgent=True), said, user_id="G22")
            assert by_code["G22"].broker.publish([message]) == [Outcome.CONFIRMED]
        run.hub_round(hub, line.clock())
        with hub.store.reading() as reader:
            asked = store.cosigned(reader.connection, number, [one.size])[one.size]
        assert asked.others == ""
        assert [s.name for s in note.read(asked.note).signatures][1:] == [keys["G22"].name]


def test_the_hubs_key_alone_names_no_other_key(line: Line) -> None:
    """Its introduction is by a key that the agency signs with, as that of the first is."""
    with line.parts() as (hub, _):
        registry = hub.registry()
        stolen = keystore.load_signer(line.path / "keys", HUB)
        made = keystore.mldsa.MLDSA44PrivateKey.generate()
        said = lineage.introduce(registry.installation, "H41", made.public_key(), stolen, line.clock.now)
        members = tuple(
            replace(one, certificates=(*one.certificates, witnesses.entry(said))) if one.code == "H41" else one
            for one in registry.members
        )
        before = witnesses.of(registry, note.ML_DSA_44_COSIGNATURE)
        assert witnesses.of(replace(registry, members=members), note.ML_DSA_44_COSIGNATURE) == before
        assert set(before) == set(CODES)
