"""One agency's trouble is its own: a folder, a server, a key, damaged bytes, an adapter with a bug. Whatever it is, the
others' mail goes, the agency is named, and when it is mended its mail goes as well."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from axis import bootstrap, config, fronts
from axis.adapters.base import Guarded
from axis.adapters.folder import FolderAdapter
from axis.adapters.spool import received
from axis.adapters.spool.selection import Selection
from axis.adapters.spool.store import open_spool
from axis.errors import Fault, Misconfigured, Problem, Unavailable
from axis.infra import embedded, payloads
from axis.infra.amqp.broker import AmqpBroker
from axis.infra.journal import tables as journal
from axis.services import run as loops
from axis.services.agency import hear, publish, submit
from axis.services.hub import admit
from axis.services.send import Letter
from tests.e2e.test_cli import axis
from tests.line import CODES, document, recall, rest, small_home
from tests.served import ServedLine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from axis.services.agency.adapter import Agency
    from axis.services.hub.worker import Hub
    from tests.line import Line
    from tests.servers import PostgreSql, RabbitMq


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return small_home(tmp_path / "home")


@pytest.fixture(autouse=True)
def _short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here mends itself within seconds."""
    monkeypatch.setattr(loops, "PATIENCE", 1)


def until_idle(hub: Hub, agencies: list[Agency], line: Line) -> dict[str, str]:
    """Run; what is wrong with whom."""
    loops.rounds(hub, agencies, stopped=lambda: False, until_idle=True, clock=line.clock)
    found = {one.code: one.trouble or one.away for one in agencies}
    return {code: error.fault.code for code, error in found.items() if error is not None}


DEAD_SERVER = {
    "kind": "sftp",
    "host": "127.0.0.1",
    "port": 1,
    "user": "a",
    "key_file": "sftp.key",
    "host_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJIBBhMnRKx1BDtG8NKFJ5iUMqVtGDqN1uPFq2rkVXUh",
}


def no_folder(line: Line) -> None:
    shutil.rmtree(line.path / "agencies" / "G18")
    (line.path / "agencies" / "G18").write_text("not a folder")


def open_key(line: Line) -> None:
    (line.path / "keys" / "G18.key").chmod(0o644)


def broken_key(line: Line) -> None:
    (line.path / "keys" / "G18.key").write_bytes(b"no key")


def no_such_adapter(line: Line) -> None:
    line.configure(adapter=config.Adapter(settle_seconds=0.0, agencies={"G18": {"kind": "made-up"}}))


def dead_server(line: Line) -> None:
    from asyncssh import generate_private_key

    key = line.path / "agencies" / "G18" / "sftp.key"
    generate_private_key("ssh-ed25519").write_private_key(str(key))
    key.chmod(0o600)
    line.configure(adapter=config.Adapter(settle_seconds=0.0, agencies={"G18": DEAD_SERVER}))


def spool_is_no_folder(line: Line) -> None:
    line.configure(adapter=config.Adapter(settle_seconds=0.0, agencies={"G18": {"kind": "spool"}}))
    (line.path / "agencies" / "G18" / "spool").write_text("not a folder")


TROUBLES: dict[str, tuple[Callable[[Line], None], str, int]] = {
    "its folder is gone": (no_folder, "CONFIG_INVALID", 5),
    "its key is open to all": (open_key, "KEY_FILE_OPEN", 5),
    "its key is none": (broken_key, "KEY_FILE_MISSING", 5),
    "its adapter is not installed": (no_such_adapter, "ADAPTER_UNKNOWN", 5),
    "its server is dead": (dead_server, "ADAPTER_AWAY", 4),
    "its spool cannot be opened": (spool_is_no_folder, "ADAPTER_AWAY", 4),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_an_agency_that_cannot_start_is_known_by_its_trouble_and_stops_nobody_else(
    line: Line, trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    spoil, fault, _ = TROUBLES[trouble]
    spoil(line)
    line.drop("G22", document(1, to=("H41", "G18")))
    caplog.set_level("WARNING")
    with line.parts() as (hub, agencies), fronts.front(bootstrap.open_home(line.path), agencies):
        assert until_idle(hub, agencies, line) == {"G18": fault}
    checked = {code: error for code, _, error in bootstrap.check_adapters(bootstrap.open_home(line.path), ())}
    assert set(checked) == set(CODES)
    assert not any(error for code, error in checked.items() if code != "G18")
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER", "G18": "QUEUED"}
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("trouble", ["its folder is gone", "its server is dead"])
def test_run_until_idle_ends_and_says_by_its_exit_code_and_by_name_who_could_not_work(line: Line, trouble: str) -> None:
    spoil, fault, code = TROUBLES[trouble]
    spoil(line)
    line.drop("G22", document(1, to=("H41", "G18")))
    ran = axis("run", "--until-idle", "--json", "--home", line.path)
    assert line.files("H41", "inbox", "*.edxml"), ran.stderr
    assert ran.returncode == code
    assert [(one["agency"], one["code"]) for one in json.loads(ran.stdout)["away"]] == [("G18", fault)]
    assert "Traceback" not in ran.stderr


def test_its_mail_waits_for_it_and_goes_when_it_is_mended(line: Line) -> None:
    open_key(line)
    line.drop("G22", document(1, to=("H41", "G18")))
    line.drop("G18", document(2, sender="G18"), "b.edxml")
    with line.parts() as (hub, agencies):
        assert until_idle(hub, agencies, line) == {"G18": "KEY_FILE_OPEN"}
        assert line.states("1/TN-G22") == {"H41": "HANDED_OVER", "G18": "QUEUED"}
        (line.path / "keys" / "G18.key").chmod(0o600)
        rest(hub, agencies, line.clock)
    assert line.states("1/TN-G22")["G18"] == line.states("2/TN-G18")["H41"] == "HANDED_OVER"


def test_when_no_agency_can_work_before_an_operator_acts_that_is_said_at_once(line: Line) -> None:
    line.configure(adapter=config.Adapter(kind="made-up"))
    with line.parts() as (hub, agencies), pytest.raises(Misconfigured) as caught:
        loops.rounds(hub, agencies, stopped=lambda: False, clock=line.clock)
    assert caught.value.fault is Fault.ADAPTER_UNKNOWN


def test_an_operators_commands_do_not_need_the_agencies_systems(line: Line) -> None:
    line.drop("G22", document(1))
    line.run()
    dead_server(line)
    no_folder_of_another = line.path / "agencies" / "G06"
    shutil.rmtree(no_folder_of_another)
    for command in (["resend", "--agency", "H41"], ["reconcile"]):
        done = axis(*command, "--home", line.path)
        assert done.returncode == 0, done.stderr
    packet = line.path / "b.edxml"
    packet.write_bytes(document(2))
    sent = axis("send", packet, "--from", "G22", "--home", line.path)
    assert sent.returncode == 0, sent.stderr
    assert "G18" in sent.stderr
    assert "G06" in sent.stderr
    packet.write_bytes(document(3, sender="G06"))
    sent = axis("send", packet, "--from", "G06", "--home", line.path)
    assert (sent.returncode, "CONFIG_INVALID" in sent.stderr) == (5, True), sent.stderr


def test_what_is_sent_by_hand_has_a_name_that_fits() -> None:
    for name in ("ế" * 150, "a" * 255, "~$x", ".x", "VB.EDXML"):
        file = Letter(name, b"", (), (), ()).file
        assert len(os.fsencode(file)) <= 255
        assert not file.startswith((".", "~"))
        assert file.endswith(f"-{hashlib.sha256(b'').hexdigest()[:8]}.edxml")
        assert "EDXML" not in file


# -- An adapter that raises ----------------------------------------------------------------------------------------

METHODS = ("check", "collect", "unsettled", "accepted", "refused", "prepare", "complete", "answers", "tidy")


BUG, OPERATOR = RuntimeError("a bug"), Misconfigured(Problem(Fault.KEY_FILE_OPEN))


@pytest.mark.parametrize(
    ("method", "error"), [*((one, BUG) for one in METHODS), ("prepare", OPERATOR), ("collect", OPERATOR)], ids=str
)
def test_whatever_an_adapter_raises_wherever_the_others_work(line: Line, method: str, error: Exception) -> None:
    def fail(*_: Any) -> Any:
        raise error

    line.drop("G18", document(1, sender="G18", to=("G22",)))
    line.drop("G22", document(2, to=("H41", "G18")))
    with line.parts() as (hub, agencies):
        (g18,) = [one for one in agencies if one.code == "G18"]
        broken = FolderAdapter(_place(line, "G18"))
        setattr(broken, method, fail)
        g18.adapter = Guarded(broken, "G18")
        until_idle(hub, agencies, line)
        assert line.states("2/TN-G22")["H41"] == "HANDED_OVER"
        delattr(broken, method)
        line.clock.now += timedelta(hours=1)
        for one in agencies:
            one.trouble = None
        rest(hub, agencies, line.clock)
    assert line.states("2/TN-G22")["G18"] == line.states("1/TN-G18")["G22"] == "HANDED_OVER"


def test_of_those_that_share_one_line_to_the_broker_one_stops_nobody_else(line: Line) -> None:
    line.configure(broker=config.Broker(user_id="optional"))
    line.drop("G22", document(2, to=("H41", "G18")))
    with line.parts() as (hub, agencies):
        shared = embedded.EmbeddedBroker(hub.store.database, None)
        for one in agencies:
            one.broker = shared
        (g18,) = [one for one in agencies if one.code == "G18"]
        g18.open()
        with g18.journal.database.begin() as connection:  # its registry is damaged
            (digest,) = connection.execute(
                sa.select(journal.installed.c.digest).where(journal.installed.c.agency == "G18")
            ).scalars()
            connection.execute(
                sa.update(journal.installed).where(journal.installed.c.agency == "G18").values(digest="0" * 64)
            )
        until_idle(hub, agencies, line)
        assert g18.trouble is not None
        assert line.states("2/TN-G22") == {"H41": "HANDED_OVER", "G18": "QUEUED"}
        with g18.journal.database.begin() as connection:
            connection.execute(
                sa.update(journal.installed).where(journal.installed.c.agency == "G18").values(digest=digest)
            )
        g18.trouble = None
        rest(hub, agencies, line.clock)
    assert line.states("2/TN-G22") == {"H41": "HANDED_OVER", "G18": "HANDED_OVER"}


@pytest.mark.amqp
@pytest.mark.postgres
def test_an_agency_that_the_broker_refuses_stops_nobody_beside_it(
    tmp_path: Path, rabbitmq: RabbitMq, postgres: PostgreSql
) -> None:
    url = postgres.record(f"boundary{os.getpid()}")
    with ServedLine(tmp_path / "served", rabbitmq, url, ("G22", "H41")) as line, line.parts() as (hub, agencies):
        g22, h41 = agencies
        wrong = line.urls["G22"].replace("G22:", "G22:wrong")
        g22.broker = AmqpBroker(wrong, user_id="G22")
        line.drop("H41", document(1, sender="H41", to=("G22",)))
        turns = iter(range(200))

        def over() -> bool:
            with h41.journal.reading() as reader:
                sent = reader.connection.execute(sa.select(journal.outgoing.c.attempts)).scalars().all()
            return bool(sent and sent[0]) or next(turns, None) is None

        loops.rounds(hub, agencies, stopped=over, clock=line.clock)
        assert next(turns, None) is not None, "what H41 sends went out"
        assert g22.trouble is not None
        assert g22.trouble.fault is Fault.BROKER_CONFIG
        assert h41.trouble is None


def _place(line: Line, code: str) -> Any:
    from axis.adapters.base import Place

    return Place(code, line.path / "agencies" / code, {"settle_seconds": 0.0})


def test_what_cannot_be_cleared_away_keeps_nothing_else_back(line: Line) -> None:
    """A document that was withdrawn while it was prepared; and after it comes another."""
    line.drop("G22", document(1))
    with line.parts() as (hub, agencies):
        by_code = {one.code: one for one in agencies}
        broken = FolderAdapter(_place(line, "H41"))
        by_code["H41"].adapter = Guarded(broken, "H41")
        (line.folder("H41", "inbox")).rename(line.path / "aside")
        everybody = [one for one in agencies if one.code != "H41"]
        rest(hub, everybody, line.clock)
        (line.path / "aside").rename(line.folder("H41", "inbox"))
        broken.prepare = _away  # type: ignore[method-assign]
        broken.discard = _away  # type: ignore[method-assign]
        until_idle(hub, agencies, line)
        line.drop("G22", recall(1), "r.edxml")
        line.drop("H41", document(5, sender="H41", to=("G22",)), "mine.edxml")
        until_idle(hub, agencies, line)
        assert line.states("5/TN-H41") == {"G22": "HANDED_OVER"}


def _away(*_: Any) -> Any:
    raise Unavailable(Problem(Fault.ADAPTER_AWAY, got="planted"))


def test_a_trouble_that_lasts_is_said_once(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    with line.parts() as (hub, agencies):
        (g18,) = [one for one in agencies if one.code == "G18"]
        broken = FolderAdapter(_place(line, "G18"))
        broken.collect = _away  # type: ignore[method-assign]
        g18.adapter = Guarded(broken, "G18")
        turns = iter(range(20))
        caplog.clear()
        caplog.set_level("WARNING")
        loops.rounds(hub, agencies, stopped=lambda: next(turns, None) is None, clock=line.clock)
        for _ in range(20):
            loops.agency_round(g18, line.clock())
    assert len([record for record in caplog.records if "G18" in record.getMessage()]) == 1


def test_a_report_that_cannot_be_written_is_said_once_and_the_others_go(
    line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    line.drop("G22", document(1, to=("ZZ9",)))
    with line.parts() as (hub, agencies):
        (g22,) = [one for one in agencies if one.code == "G22"]
        g22.open()
        line.folder("G22", "failed").rmdir()
        line.folder("G22", "failed").write_text("not a folder")
        line.drop("G22", document(2), "b.edxml")
        caplog.set_level("WARNING")
        for _ in range(20):
            for one in agencies:
                loops.agency_round(one, line.clock())
            loops.hub_round(hub, line.clock())
        assert line.states("2/TN-G22") == {"H41": "HANDED_OVER"}
        assert len([record for record in caplog.records if "a.edxml" in record.getMessage()]) == 1
        line.folder("G22", "failed").unlink()
        line.folder("G22", "failed").mkdir()
        rest(hub, agencies, line.clock)
    assert line.error("G22")["findings"]


# -- Bytes that a disk has damaged ---------------------------------------------------------------------------------


def spoil(agency: Agency, column: sa.Column[str]) -> None:
    """Damage what this column names, in the rows of an agency's journal or in a queue."""
    with agency.journal.database.begin() as connection:
        digests = [digest for digest in connection.execute(sa.select(column)).scalars() if digest]
        assert digests
        where = payloads.payload.c.digest.in_(digests)
        connection.execute(sa.update(payloads.payload).where(where).values(content=b"damaged"))


def collected(line: Line, hub: Hub, by_code: dict[str, Agency]) -> None:
    line.drop("G22", document(1))
    submit.collect(by_code["G22"], line.clock())
    submit.collect(by_code["G22"], line.clock())


def damaged_parcel(line: Line, hub: Hub, by_code: dict[str, Agency]) -> None:
    by_code["G22"].open()
    collected(line, hub, by_code)
    spoil(by_code["G22"], journal.outgoing.c.parcel_digest)


def damaged_in_intake(line: Line, hub: Hub, by_code: dict[str, Agency]) -> None:
    by_code["G22"].open()
    collected(line, hub, by_code)
    publish.publish(by_code["G22"], line.clock())
    spoil(by_code["G22"], embedded.queue_message.c.body_digest)


@pytest.mark.parametrize("damage", [damaged_parcel, damaged_in_intake])
def test_a_damaged_parcel_of_one_agency_is_made_again_from_its_source_and_stops_nobody(
    line: Line, damage: Callable[[Line, Hub, dict[str, Agency]], None]
) -> None:
    with line.parts() as (hub, agencies):
        damage(line, hub, {one.code: one for one in agencies})
        line.drop("G06", document(7, sender="G06", to=("H29",)), "other.edxml")
        rest(hub, agencies, line.clock)
    assert line.states("7/TN-G06") == {"H29": "HANDED_OVER"}
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}
    assert line.files("G22", "outbox") == []
    line.check_ledger()


@pytest.mark.parametrize(
    ("state", "column"),
    [
        ("held", journal.incoming.c.proof_digest),
        ("undecided", journal.incoming.c.body_digest),
        ("handing_over", journal.incoming.c.proof_digest),
    ],
)
def test_damaged_bytes_of_what_waits_in_a_journal_keep_nothing_else_back(
    line: Line, state: str, column: sa.Column[str]
) -> None:
    """As if it had been so when the process died."""
    line.drop("G22", document(1))
    line.without("H41")
    with line.parts() as (hub, agencies):
        (h41,) = [one for one in agencies if one.code == "H41"]
        h41.open()
        from axis.services.agency import take

        take.take(h41, line.clock())
        with h41.journal.database.begin() as connection:
            rows = journal.incoming.c.agency == "H41"
            kind = {"undecided": "recall"}.get(state, "document")
            connection.execute(sa.update(journal.incoming).where(rows).values(state=state, kind=kind, names=[]))
        spoil_rows(h41, column)
        line.drop("G22", document(2, content=b"good"), "b.edxml")
        line.drop("H41", document(3, sender="H41", to=("G22",)), "c.edxml")
        assert until_idle(hub, agencies, line) == {}
    assert line.states("2/TN-G22") == {"H41": "HANDED_OVER"}
    assert line.states("3/TN-H41") == {"G22": "HANDED_OVER"}
    assert line.states("1/TN-G22") == {"H41": "QUEUED"}, "nothing is said of it"


def spoil_rows(agency: Agency, column: sa.Column[str]) -> None:
    with agency.journal.database.begin() as connection:
        (digest,) = connection.execute(sa.select(column).where(journal.incoming.c.agency == agency.code)).scalars()
        where = payloads.payload.c.digest == digest
        connection.execute(sa.update(payloads.payload).where(where).values(content=b"damaged"))


def test_answers_about_what_a_disk_has_damaged_keep_no_other_answer_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = small_home(tmp_path / "home", ("G22", "H41"))
    line.configure(adapter=config.Adapter(settle_seconds=0.0, agencies={"H41": {"kind": "spool"}}))
    for module, name in ((hear, "BATCH"), (received, "PAGE")):
        monkeypatch.setattr(module, name, 2)  # fewer than the damaged ones
    for number in range(4):
        line.drop("G22", document(number), f"{number}.edxml")
    line.run()
    spool = open_spool(line.folder("H41", "spool"))
    for row in spool.received(Selection()):
        spool.acknowledge(row["id"], "done")
    with line.parts() as (hub, agencies):
        (h41,) = [one for one in agencies if one.code == "H41"]
        with h41.journal.database.begin() as connection:
            query = sa.select(journal.incoming.c.proof_digest).where(journal.incoming.c.agency == "H41")
            proofs = connection.execute(query.order_by(journal.incoming.c.number)).scalars().all()[:3]
            where = payloads.payload.c.digest.in_(proofs)
            connection.execute(sa.update(payloads.payload).where(where).values(content=b"damaged"))
        for _ in range(3):
            until_idle(hub, agencies, line)
    states = [line.states(f"{number}/TN-G22")["H41"] for number in range(4)]
    assert sorted(states) == ["HANDED_OVER", "QUEUED", "QUEUED", "QUEUED"]


def test_a_damaged_receipt_that_waits_to_go_out_keeps_nothing_else_back(line: Line) -> None:
    line.drop("G22", document(1))
    line.without("H41")
    with line.parts() as (hub, agencies):
        (h41,) = [one for one in agencies if one.code == "H41"]
        h41.open()
        from axis.services.agency import hand_over, take

        take.take(h41, line.clock())
        hand_over.hand_over(h41, line.clock())
        spoil(h41, journal.posted.c.body_digest)
        line.drop("H41", document(3, sender="H41", to=("G22",)), "c.edxml")
        assert until_idle(hub, agencies, line) == {}
    assert line.states("3/TN-H41") == {"G22": "HANDED_OVER"}
    assert line.states("1/TN-G22") == {"H41": "QUEUED"}


# -- Everybody's turn comes ----------------------------------------------------------------------------------------


def test_one_sweep_changes_no_more_than_a_batch_however_many_lie_in_an_outbox(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submit, "BATCH_MESSAGES", 5)
    for number in range(3 * submit.BATCH_MESSAGES):
        line.drop("G22", document(number + 1, content=b"%d" % number), f"{number:03}.edxml")
    with line.parts() as (hub, agencies):
        (g22,) = [one for one in agencies if one.code == "G22"]
        g22.open()
        assert [submit.collect(g22, line.clock()) for _ in range(4)] == [submit.BATCH_MESSAGES] * 3 + [0]
        admit.step(hub, line.clock())
        rest(hub, agencies, line.clock)
    assert len(line.files("H41", "inbox", "*.edxml")) == 3 * submit.BATCH_MESSAGES


def test_a_sweep_ends_with_the_bytes_of_a_batch(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submit, "BATCH_BYTES", 100_000)
    for number in range(6):
        line.drop("G22", document(number + 1, content=bytes([number]) * 60_000), f"{number}.edxml")
    with line.parts() as (_, agencies):
        (g22,) = [one for one in agencies if one.code == "G22"]
        g22.open()
        assert [submit.collect(g22, line.clock()) for _ in range(4)] == [2, 2, 2, 0]


def test_a_second_sweep_does_not_look_at_all_again(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    consider = submit._consider

    def counted(*arguments: Any) -> Any:
        looked[-1] += 1
        return consider(*arguments)

    monkeypatch.setattr(submit, "_consider", counted)
    for number in range(100):
        line.drop("G22", document(number + 1, content=b"%d" % number), f"{number:03}.edxml")
    with line.parts() as (_, agencies):
        (g22,) = [one for one in agencies if one.code == "G22"]
        g22.open()
        for _ in range(4):
            looked.append(0)
            submit.collect(g22, line.clock())
    assert looked[0] <= submit.BATCH_MESSAGES
    assert sum(looked) < 150, "each is looked at when it is new, and not again before it is answered"
