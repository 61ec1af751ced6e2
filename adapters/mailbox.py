"""An agency's mailbox as the servers (VXP, HTTP) share it, and what they do with a packet that comes in.

A packet with a fault is told so at once, with every finding, and is not kept. What is kept goes the way of every
packet: the adapter's loop collects, signs and sends it.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from starlette.concurrency import run_in_threadpool

from axis.adapters.base import About
from axis.core import edxml
from axis.core.edxml import Kind
from axis.core.hub import admission
from axis.core.types.typeset import of_document
from axis.errors import Problem, Rejected

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from axis.adapters.spool.store import Spool
    from axis.adapters.spool.tables import Row
    from axis.adapters.spool.upload import Upload
    from axis.core.edxml import Packet
    from axis.core.registry import Registry
    from axis.core.types.typeset import Types

log = logging.getLogger("axis.mailbox")
P = ParamSpec("P")
T = TypeVar("T")
RETRY_AFTER = "30"  # seconds, where the spool's disk cannot be written
THREADS = 4  # of the server's forty that may wait for one agency
# A recall or a status in the same words may be meant once more, of another moment; the hub knows its repetitions.
_KNOWN_BY_ESSENCE = (Kind.NEW, Kind.UPDATE, Kind.REPLACE)
_one_at_a_time = threading.Lock()  # reading a packet of 70 MB takes several times its size


@dataclass(frozen=True)
class Mailbox:
    """An agency as its servers see it."""

    agency: str
    spool: Spool
    registry: Callable[[], Registry]
    types: Callable[[], Types | None] = lambda: None
    networks: tuple[str, ...] = ()  # private networks in which its own system may be told of its mail
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(THREADS), repr=False, compare=False)

    async def aside(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What waits for disks and locks, in a thread: the event loop goes on meanwhile, and while this agency's spool
        is busy no more threads than its share wait there."""
        async with self._turns:
            return await run_in_threadpool(work, *args, **kwargs)


def examine(mailbox: Mailbox, upload: Upload) -> tuple[Packet, list[Problem]]:
    """(the packet, warnings). Raises :class:`Rejected` with every finding: what the packet itself has, a sender that is
    not this agency, recipients that nobody knows, what its document type says of it."""
    packet, problems, _ = _examined(mailbox, upload)
    return packet, problems


def submit(
    mailbox: Mailbox, upload: Upload, key: str = "", since: datetime | None = None, traceparent: str = ""
) -> Row:
    """Keep the packet to be sent; its row in the spool, with the warnings in its report. Raises :class:`Rejected` as
    :func:`examine`, and as :meth:`Spool.submit` for a `key`. `traceparent`: of the request that brings it."""
    packet, warnings, essence = _examined(mailbox, upload)
    about = About(
        "",
        packet.kind.value,
        packet.sender.organ_id,
        tuple(one.organ_id for one in packet.organs),
        packet.target,
        packet.code,
        packet.subject,
    )
    row = mailbox.spool.submit(upload, about, key, since, essence, [one.as_json() for one in warnings], traceparent)
    if traceparent:
        log.info("%s: packet %s is to be sent", mailbox.agency, row["id"], extra={"traceparent": traceparent})
    return row


def _examined(mailbox: Mailbox, upload: Upload) -> tuple[Packet, list[Problem], str]:
    with _one_at_a_time:
        upload.sync()
        converted = edxml.convert(upload.path.read_bytes())
        packet, problems, essence = converted.packet, list(converted.problems), ""
        if packet is not None and packet.kind in _KNOWN_BY_ESSENCE:
            essence = edxml.essence(packet, converted.attachments)
        if packet is not None:
            problems += admission.misaddressed(packet, mailbox.registry(), mailbox.agency)
        if packet is not None and not any(one.severity == "error" for one in problems):
            typed = of_document(mailbox.types(), packet, mailbox.registry(), converted.attachments)
            problems += typed.findings if typed is not None else ()
        del converted
    if packet is None or any(one.severity == "error" for one in problems):
        raise Rejected(*(one for one in problems if one.severity == "error"))
    return packet, problems, essence
