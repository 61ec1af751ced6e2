"""The desk: what the servers (VXP, HTTP) share about an agency, and what they do with a packet that comes in.

A packet with a fault is told so at once, with every finding, and is not kept. What is kept goes the way of every
packet: the adapter's loop collects, signs and sends it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.base import About
from axis.core import admission, edxml
from axis.errors import Problem, Rejected

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.spool import Row, Spool, Upload
    from axis.core.edxml import Packet
    from axis.core.trust import Registry

_one_at_a_time = threading.Lock()  # reading a packet of 70 MB takes several times its size


@dataclass(frozen=True)
class Office:
    """An agency as its servers see it."""

    agency: str
    spool: Spool
    registry: Callable[[], Registry]


def examine(office: Office, upload: Upload) -> tuple[Packet, list[Problem]]:
    """(the packet, warnings). Raises :class:`Rejected` with every finding: what the packet itself has, a sender that is
    not this agency, recipients that nobody knows."""
    with _one_at_a_time:
        upload.sync()
        converted = edxml.convert(upload.path.read_bytes())
        packet, problems = converted.packet, list(converted.problems)
        del converted
    if packet is not None:
        problems += admission.misaddressed(packet, office.registry(), office.agency)
    if packet is None or any(one.severity == "error" for one in problems):
        raise Rejected(*(one for one in problems if one.severity == "error"))
    return packet, problems


def submit(office: Office, upload: Upload) -> Row:
    """Keep the packet to be sent; its row in the spool. Raises :class:`Rejected` as :func:`examine`."""
    packet, _ = examine(office, upload)
    about = About(
        "",
        packet.kind.value,
        packet.sender.organ_id,
        tuple(one.organ_id for one in packet.organs),
        packet.target,
        packet.code,
        packet.subject,
    )
    return office.spool.submit(upload, about)
