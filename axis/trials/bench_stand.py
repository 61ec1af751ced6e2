"""A hub alone, for measurements of the hub: its processes on private servers, and everybody's mail in one hand.

Agencies' adapters are stopped; what they would sign and publish is made here with their keys.
"""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg

from axis.core import edxml, parcel, receipt
from axis.core.edxml import Organ, ResponseFor
from axis.core.message import Message, Outcome, Route
from axis.core.receipt import Event, Receipt, Statement, Subject
from axis.errors import Fault, Problem, Unavailable
from axis.infra import keystore
from axis.infra.amqp.broker import AmqpBroker
from axis.trials import bench_line, bench_plan, bench_process, demo_documents
from axis.trials.bench_line import Line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from axis.core.signature import Signer
    from axis.trials.bench_line import Servers
    from axis.trials.demo_documents import Letter

PATIENCE = 120.0  # seconds in which nothing changes until it is given up
BATCH = 200  # messages published at once


class Stand(Line):
    """See the module. A context manager."""

    def __init__(self, folder: Path, servers: Servers) -> None:
        shape = bench_plan.Shape("served", demo_documents.SMALL, 1, 1, len(bench_plan.all_codes()))
        super().__init__(bench_line.present(), shape, folder, servers)
        self.make_hub()
        settings = folder / "home" / "axis.toml"  # a D.1 for what no adapter takes would cost something at any moment
        settings.write_text(settings.read_text().replace("[hub]\n", "[hub]\nconsignment_after = 86400.0\n", 1))
        self._servers_here = servers
        self._signers: dict[str, Signer] = {}
        self._installation = ""
        self.names = bench_plan.names()
        self.broker = AmqpBroker(self.shared_url, user_id=None, name="stand")
        self.record = psycopg.connect(self.database_url.replace("+psycopg", ""), autocommit=True)

    def __enter__(self) -> Stand:
        return self

    def __exit__(self, *_: object) -> None:
        self.broker.close()
        self.record.close()
        self.remove()

    # -- Processes ----------------------------------------------------------------------------------------------

    def start_hubs(self, count: int) -> None:
        """So many workers."""
        for number in range(1, count + 1):
            self.start_hub(f"hub{number}")

    def spent(self) -> tuple[float, float]:
        """CPU ms of the hubs and of PostgreSQL until now, but for the connection that asks here."""
        asking = self.record.info.backend_pid
        postgresql = self._servers_here.pids()["postgresql"]
        hubs = sum(bench_process.running_ms(one.pid) for one in self.running.values())
        return hubs, bench_process.running_ms(postgresql, but=asking) if postgresql is not None else 0.0

    # -- What agencies send --------------------------------------------------------------------------------------

    def signer(self, code: str) -> Signer:
        """An agency's key."""
        if code not in self._signers:
            self._signers[code] = keystore.load_signer(self.folder / "home" / "keys", code)
        return self._signers[code]

    def document(self, letter: Letter, packet: bytes = b"") -> Message:
        """A document of `letter`, or `packet` of its sender, signed and ready to be published."""
        packet = packet or demo_documents.packet(letter, self.names, now(), letter.number)
        return self.signed(letter.sender, packet)

    def signed(self, code: str, packet: bytes) -> Message:
        """`packet` of an agency as its adapter publishes it."""
        converted = edxml.convert(packet)
        body = parcel.build(parcel.DOCUMENT, converted.document, converted.attachments, self.signer(code), now())
        return Message(hashlib.sha256(body).hexdigest(), Route("in", code), body)

    def status(self, letter: Letter, reporter: str, code: str) -> Message:
        """A status of `reporter`, an agency or a unit below one, about `letter`."""
        number = f"{letter.number}/TL-{letter.sender}"
        about = ResponseFor(letter.sender, number, letter.document_id, "2026/11/23")
        packet = edxml.status_packet(Organ(reporter, "Đơn vị"), about, code, now())
        return self.signed(reporter.split(".", maxsplit=1)[0], packet)

    def handed_over(self, letter: Letter, recipient: str) -> Message:
        """The recipient's E.1 about `letter`."""
        axis_id, kind, digest = self.submission(letter)
        subject = Subject(axis_id, kind, letter.sender, letter.document_id, digest)
        said = Statement(f"{axis_id}.{recipient}", Event.ContentHandover, now(), recipient, entry="0" * 64)
        made = Receipt(self.installation, recipient, subject, (said,))
        body = receipt.signed(made, self.signer(recipient), now())
        return Message(hashlib.sha256(body).hexdigest(), Route("in", recipient), body)

    def publish(self, messages: Sequence[Message]) -> None:
        """Put them into the queues. Raises :class:`Unavailable` when the broker does not take one."""
        for first in range(0, len(messages), BATCH):
            outcomes = self.broker.publish(messages[first : first + BATCH])
            if any(outcome is not Outcome.CONFIRMED for outcome in outcomes):
                raise Unavailable(Problem(Fault.BROKER_DOWN, got="not confirmed"))

    # -- What the record says --------------------------------------------------------------------------------------

    @property
    def installation(self) -> str:
        """The home's id."""
        if not self._installation:
            text = (self.folder / "home" / "axis.toml").read_text()
            self._installation = text.partition('id = "')[2].partition('"')[0]
        return self._installation

    def submission(self, letter: Letter) -> tuple[str, str, str]:
        """(axis id, kind, content digest) of the document."""
        row = self.record.execute(
            "SELECT axis_id, kind, content_digest FROM submission WHERE document_id = %s AND kind = 'new'",
            (letter.document_id,),
        ).fetchone()
        if row is None:
            raise Unavailable(Problem(Fault.NOT_FOUND, got=letter.document_id))
        return str(row[0]), str(row[1]), str(row[2])

    def number(self, query: str, *values: object) -> int:
        """The one number that `query` of ours asks for."""
        row = self.record.execute(query.encode(), values).fetchone()
        return int(row[0]) if row is not None else 0

    def wait(self, query: str, wanted: int, *values: object, look: float = 0.02) -> None:
        """Until `query` gives at least `wanted`. Raises :class:`Unavailable` TRIAL_LATE when it stands still."""
        seen, changed = -1, time.monotonic()
        while (found := self.number(query, *values)) < wanted:
            if found != seen:
                seen, changed = found, time.monotonic()
            if time.monotonic() - changed > PATIENCE:
                raise Unavailable(Problem(Fault.TRIAL_LATE, got=f"{found}/{wanted}", expected=f"{PATIENCE:g}"))
            self.check()
            time.sleep(look)


def now() -> datetime:
    """The time."""
    return datetime.now(UTC)
