"""What was heard of the agencies' homes (axis/core/homes.py)."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from axis.core import ledger as entries
from axis.core.homes import Known
from axis.infra.database import upsert
from axis.infra.record import ledger
from axis.infra.record.tables import adapter_home, home_settled, ledger_entry

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from axis.core.ledger import Entry
    from axis.infra.record.store import HubReader, HubTransaction


def of_agencies(tx: HubTransaction, agencies: Sequence[str]) -> dict[str, list[Known]]:
    """The homes that were heard for these agencies, by agency; nobody else changes them until the transaction ends."""
    query = sa.select(adapter_home).where(adapter_home.c.agency.in_(agencies))
    query = query.order_by(adapter_home.c.agency, adapter_home.c.instance).with_for_update()
    found: dict[str, list[Known]] = {}
    for row in tx.connection.execute(query).mappings():
        facts = {name: row[name] for name in row if name != "agency"}
        found.setdefault(row["agency"], []).append(Known(**facts))
    return found


def is_known(reader: HubReader, agency: str) -> bool:
    """Whether a home of this agency has ever asked."""
    query = sa.select(sa.literal(1)).where(adapter_home.c.agency == agency)
    return reader.connection.execute(query.limit(1)).first() is not None


def agencies(reader: HubReader) -> set[str]:
    """The agencies of which a home has ever asked: their adapters are of no version before there were questions."""
    return set(reader.connection.execute(sa.select(adapter_home.c.agency).distinct()).scalars())


def first_heard(reader: HubReader, instance: str) -> datetime | None:
    """When this home was first told that it works, by the ledger; None where it does not say so. Looks through the
    entries that are about no submission."""
    e = ledger_entry.c
    named = sa.select(e.canonical).where(e.axis_id == "", e.canonical.contains(instance, autoescape=True))
    found = (entries.read(one) for one in reader.connection.execute(named.order_by(e.id)).scalars())
    told = ("home.started", "home.replaced")
    return next((one.time for one in found if one.event in told and one.detail["instance"] == instance), None)


def keep(tx: HubTransaction, agency: str, home: Known, entry: Entry) -> None:
    """This home works for the agency, and no other; the one whose place it has taken is remembered."""
    others = (adapter_home.c.agency == agency, adapter_home.c.instance != home.instance)
    tx.connection.execute(sa.delete(adapter_home).where(*others, adapter_home.c.instance != home.follows))
    tx.connection.execute(sa.update(adapter_home).where(*others).values(current=False))
    upsert(tx.connection, adapter_home, {"agency": agency, **asdict(home)}, ("agency", "instance"))
    ledger.enter(tx, entry)


def hear(tx: HubTransaction, homes: Mapping[str, Known]) -> None:
    """More was heard from these homes, by agency. Its entries are those of what was published."""
    if not homes:
        return
    of, which = adapter_home.c.agency == sa.bindparam("of"), adapter_home.c.instance == sa.bindparam("which")
    values: dict[str, Any] = {"sequence": sa.bindparam("highest"), "told": sa.bindparam("copied")}
    tx.connection.execute(
        sa.update(adapter_home).where(of, which).values(values),
        [
            {"of": code, "which": one.instance, "highest": one.sequence, "copied": one.told}
            for code, one in homes.items()
        ],
    )


# -- What each worker holds ----------------------------------------------------------------------------------------


def asked_last(tx: HubTransaction, agency: str) -> int:
    """The turn in which every worker was asked last, whoever has asked; 0 where nobody asks. It stays until the
    transaction ends."""
    asks = sa.select(home_settled.c.turn).where(home_settled.c.agency == agency, home_settled.c.worker == "")
    return int(tx.connection.execute(asks.with_for_update()).scalar() or 0)


def ask_others(tx: HubTransaction, agency: str, now: datetime) -> int:
    """Ask every worker to say when it holds nothing of what this agency has published: the number of this turn. None
    comes twice: who has answered an earlier question of the agency's has not answered this one."""
    turn = max(asked_last(tx, agency) + 1, int(now.timestamp() * 1000))
    say(tx, "", [(agency, turn)])
    return turn


def say(tx: HubTransaction, worker: str, settled: Collection[tuple[str, int]]) -> None:
    """This worker holds nothing of these agencies; as an answer to the question of that turn."""
    for agency, turn in settled:
        upsert(tx.connection, home_settled, {"agency": agency, "worker": worker, "turn": turn}, ("agency", "worker"))


def settled(tx: HubTransaction, agency: str, turn: int) -> frozenset[str]:
    """The workers that have answered the question of that turn."""
    query = sa.select(home_settled.c.worker).where(home_settled.c.agency == agency, home_settled.c.turn == turn)
    return frozenset(tx.connection.execute(query).scalars()) - {""}


def forget_question(tx: HubTransaction, agency: str) -> None:
    """It is answered."""
    tx.connection.execute(sa.delete(home_settled).where(home_settled.c.agency == agency))
