"""The agencies witness the log over a real RabbitMQ; one of them has an adapter of the version before there was a log."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from axis import bootstrap
from axis.core import witnesses
from axis.core.log import exchange, policy
from axis.infra.amqp.broker import AmqpBroker
from axis.infra.database import Database
from axis.infra.log import store
from axis.services import run
from axis.services.hub import log, witness
from axis.services.questions import witness as questions
from tests import own
from tests.e2e.test_old_versions import OldServed, served
from tests.line import document

if TYPE_CHECKING:
    from axis.core.message import Broker, Message, Outcome

__all__ = ["served"]
pytestmark = [pytest.mark.amqp, pytest.mark.postgres, pytest.mark.timeout(400)]


def given(broker: Broker) -> Broker:
    return broker


def test_agencies_cosign_over_rabbitmq_and_an_adapter_of_the_earlier_version_among_them_is_not_asked(
    served: OldServed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its agency has a witness key nevertheless: the centre that made its keys made this one, too."""
    monkeypatch.setenv("AXIS_AMQP_URL", served.urls["HUB"])
    for code in ("H41", "G06"):
        own.ceremony(served.home, served.folder / code, code)
    own.done("witness", "policy", "--home", served.home)
    served.start_old_adapters("G22")

    stack, homes = served.stack, {code: bootstrap.open_home(served.folder / code) for code in ("H41", "G06")}
    record = Database(served.database)
    stack.callback(record.close)
    broker = AmqpBroker(served.urls["HUB"], user_id=None, confirm_timeout=5)
    stack.callback(broker.close)
    broker.declare(["G22", "H41", "G06"])
    hub = bootstrap.hub_part(bootstrap.open_home(served.home), record, broker)
    agencies = []
    for code, home in homes.items():
        journal = Database(f"sqlite:///{home.path / 'axis.db'}")
        stack.callback(journal.close)
        journal.upgrade()
        line = AmqpBroker(served.urls[code], user_id=code, confirm_timeout=5)
        stack.callback(line.close)
        agencies.append(bootstrap.agency_part(home, journal, partial(given, line), code))
    asked: list[str] = []
    publish = broker.publish

    def heard(messages: list[Message]) -> list[Outcome]:
        asked.extend(one.route.code for one in messages if exchange.is_from_log(one.body))
        return publish(messages)

    monkeypatch.setattr(broker, "publish", heard)
    ahead = timedelta()

    def until(what: str, is_there: object) -> None:
        end = time.monotonic() + 120
        while not is_there():  # type: ignore[operator]
            assert time.monotonic() < end, what
            now = datetime.now(UTC) + ahead
            run.hub_round(hub, now)
            log.step(hub, now, at_rest=True)
            witness.step(hub, now)
            for one in agencies:
                run.agency_round(one, now)
            time.sleep(0.02)

    earlier, today = served.lines["G22"], served.lines["H41"]
    assert set(witnesses.of(hub.registry())) == {"G22", "H41", "G06"}
    earlier.drop("G22", document(1, to=("H41",)), "1.edxml")
    today.drop("H41", document(2, "H41", to=("G22",)), "2.edxml")
    until("mail", lambda: "E.1 H41" in earlier.events("G22") and "E.1 G22" in today.events("H41"))
    ahead = timedelta(minutes=2)
    until("cosigned", lambda: cosigned(record) is not None)
    seen = cosigned(record)
    counts = witnesses.policy_of(hub.registry())
    assert seen is not None
    assert counts is not None
    assert sorted(policy.witnessed(seen.note, counts).by) == ["G06", "H41"]
    until("told", lambda: believed(served, "H41") >= seen.size)
    today.drop("H41", document(3, "H41", to=("G22",)), "3.edxml")
    until("more mail", lambda: today.events("H41").count("E.1 G22") == 2)
    ahead *= 2
    # The proofs of what the hub has said since lie beside it.
    until("proofs", lambda: list(today.folder("H41", "receipts").rglob("*.tlog-proof")))
    assert set(asked) == {"H41", "G06"}
    assert broker.dead_depth() == 0
    assert "rejected" not in served.log("G22")
    standing = {one["code"]: one for one in own.done("witness", "status", "--home", served.home)["centre"]["agencies"]}
    assert (standing["G22"]["cosigned"], standing["H41"]["trouble"]) == (0, "")


def cosigned(record: Database) -> store.Cosigned | None:
    with record.read() as connection:
        return store.witnessed(connection)


def believed(served: OldServed, code: str) -> int:
    with closing(sqlite3.connect(served.folder / code / "axis.db", timeout=30)) as opened:
        row = opened.execute("SELECT believed FROM witness WHERE agency = ?", (code,)).fetchone()
    return questions.size_of(row[0]) if row is not None else 0
