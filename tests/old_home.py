"""Run by the *old* program (see tests/old.py), whose modules it imports: a home with documents in every state there is.

``old_home.py embedded HOME``, or ``old_home.py served HOME`` with OLD_URLS (JSON: user → AMQP URL) and
AXIS_DATABASE_URL. Where the clock stood is left in ``HOME/clock``. ``old_home.py exported HOME CODE…`` makes a hub's
home on AXIS_DATABASE_URL, and beside it one for each of these agencies, in which nothing has happened yet.
"""

from __future__ import annotations

import json
import os
import sys
import uuid
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axis import bootstrap, config
from axis.core import admission
from axis.errors import Fault, Problem, Rejected, Unavailable
from axis.services import run as loops
from axis.services.operate import provision
from axis.services.operate import registry as members
from tests.line import CODES, Clock, Line, document, recall, replacement, small_home, status, update
from tests.served import ServedLine

if TYPE_CHECKING:
    from axis.services.agency import Agency
    from axis.services.hub import Hub

HOUR = timedelta(hours=1)


def content(number: int) -> bytes:
    return b"%%PDF-1.4 noi dung %d" % number


def put(line: Line, number: int, data: bytes = b"", to: tuple[str, ...] = ("H41",), name: str = "") -> None:
    line.drop("G22", data or document(number, to=to, content=content(number)), name or f"{number}.edxml")


def live(line: Line) -> None:
    """Numbers of documents as :func:`states` below names them."""
    put(line, 1, to=("H41", "G06"))
    line.run()
    line.drop("H41", status("03"), "s.edxml")
    line.run()
    put(line, 2)
    without(line, "H41")
    put(line, 2, recall(2), name="r2.edxml")
    without(line, "H41")
    line.run()
    put(line, 3)
    line.run(before=lambda _hub, agencies: refuses(agencies))
    quarantined(line)
    with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar:
        members.suspend(registrar, "G18", "thử", line.clock())
    put(line, 6, to=("G18",))
    put(line, 7, to=("H41", "G06"))
    without(
        line, "G18", patience=HOUR, change=lambda agencies: busy(agencies, "H41")
    )  # H41 has 7 and can't hand it over
    put(line, 4)
    put(line, 8)
    without(line, "H41", "G18", patience=HOUR)
    fail(line, 4)
    put(line, 8, recall(8), name="r8.edxml")
    put(line, 1, update(1, to=("H41",), content=content(9)), name="u1.edxml")
    put(line, 10, replacement(10, {7: ("H41",)}, to=("H41",), content=content(10)))
    without(line, "H41", "G18", patience=HOUR)
    put(line, 12, to=("H41", "G06"))
    with line.parts() as (_, agencies):
        (sender,) = [one for one in agencies if one.code == "G22"]
        for _ in range(3):
            loops.agency_round(sender, line.clock())
    put(line, 13, to=("G06",))


def without(
    line: Line, *codes: str, patience: timedelta = timedelta(days=30), change: Any = lambda _agencies: None
) -> None:
    def before(_hub: Hub, agencies: list[Agency]) -> None:
        agencies[:] = [one for one in agencies if one.code not in codes]
        change(agencies)

    line.run(before=before, patience=patience)
    line.restart()


def busy(agencies: list[Agency], code: str) -> None:
    def fails(*_: object) -> None:
        raise Unavailable(Problem(Fault.ADAPTER_AWAY))

    for one in agencies:
        if one.code == code:
            one.adapter.prepare = fails  # type: ignore[method-assign]


def refuses(agencies: list[Agency]) -> None:
    for one in agencies:
        if one.code == "H41":
            prepare = one.adapter.prepare

            def only_mail(files: Any, prepare: Any = prepare) -> None:
                if any(file.folder == "inbox" for file in files):
                    raise Rejected(Problem(Fault.DELIVERY_INVALID, got="thử"))
                prepare(files)

            one.adapter.prepare = only_mail  # type: ignore[method-assign]


def quarantined(line: Line) -> None:
    judge = admission.judge

    def broken(parcel: Any, *arguments: Any) -> Any:
        if b"poison" in parcel.content:
            raise RuntimeError
        return judge(parcel, *arguments)

    line.restart()
    admission.judge = broken
    put(line, 5, document(5, content=content(5), subject="poison"))
    line.run()
    admission.judge = judge


def fail(line: Line, number: int) -> None:
    with line.parts() as (hub, _), hub.store.transaction() as tx:
        row = tx.delivery_of_document("G22", f"G22,2026/11/23,{number}/TN-G22", "H41")
        assert row is not None
        tx.lock_documents_of([row["id"]])
        hub.fail_delivery(tx, row["id"], Problem(Fault.UNDELIVERED), 30, line.clock())


class Given:
    """The broker that the caller has made: only what a line asks of it."""

    def __init__(self, urls: dict[str, str]) -> None:
        self._urls = urls

    def vhost(self, _name: str) -> None: ...

    def drop_vhost(self, _name: str) -> None: ...

    def add_agency(self, _vhost: str, code: str) -> str:
        return self._urls[code]

    def add_hub(self, _vhost: str) -> str:
        return self._urls["hub"]


def export(home: Path, codes: list[str]) -> None:
    settings = config.Config(
        config.Installation(str(uuid.uuid4())),
        config.Store("postgresql"),
        config.Broker("amqp"),
        adapter=config.Adapter(settle_seconds=0.1),
    )
    rows = [row for row in provision.catalogue() if row["code"] in codes]
    provision.create_home(home, settings, "p256", Clock().now, rows=rows)
    with bootstrap.reading(bootstrap.open_home(home)) as record, record.reading() as reader:
        registry = reader.payload(reader.registry_digest())
    for code in codes:
        provision.export(home, settings, [code], registry, home.parent / code, Clock().now)


def main() -> None:
    what, home = sys.argv[1], Path(sys.argv[2])
    if what == "exported":
        export(home, sys.argv[3:])
        return
    if what == "embedded":
        line = small_home(home)
        live(line)
    else:
        with ServedLine(
            home, Given(json.loads(os.environ["OLD_URLS"])), os.environ["AXIS_DATABASE_URL"], CODES
        ) as line:  # type: ignore[arg-type]
            live(line)
    (home / "clock").write_text(line.clock.now.isoformat(), "utf-8")


if __name__ == "__main__":
    main()
