"""Named places where a process may die: the campaign arms one, and the process kills itself there.

``AXIS_CRASH_AT=H03:2`` is a SIGKILL the second time that H03 is passed. Without it passing a point costs one
comparison. Who may set a process' environment may kill it anyway; nothing else can be done through this.
"""

from __future__ import annotations

import os
import signal
from typing import Final, Literal, get_args

Point = Literal[
    "C01", "C02", "C03", "C04", "C05", "C06", "C07", "C08",
    "H01", "H02", "H03", "H04", "H05",
    "A01", "A02",
    "R01", "R02", "R03", "R04", "R05",
    "D01", "D02", "D03", "D04", "D05",
    "T01", "T02", "T03", "T04",
    "W01", "W02",
    "X03", "X04",
]  # fmt: skip

MEANING: Final[dict[Point, str]] = {
    "C01": "the adapter has read a source and not kept it",
    "C02": "the source is kept, the local system was not told",
    "C03": "the parcel's bytes are written, its row is not",
    "C04": "bytes and row are written, not committed",
    "C05": "the adapter has read what is due, nothing is published",
    "C06": "the adapter has published, no confirm has come",
    "C07": "confirmed, the row is not marked",
    "C08": "returned or refused by the broker, not recorded",
    "H01": "the hub holds a message, not judged",
    "H02": "judged, nothing recorded",
    "H03": "acceptance committed, not acknowledged",
    "H04": "refusal committed, not acknowledged",
    "H05": "acknowledged",
    "A01": "ledger entry committed, how far the record goes not noted",
    "A02": "position and link computed, not committed",
    "R01": "a submission is written, its deliveries are not",
    "R02": "the hub has published to a recipient, no confirm has come",
    "R03": "the hub has claimed outbox rows, nothing is published",
    "R04": "something is due to be told (D.1, a deadline), nothing of it is recorded",
    "R05": "what was due to be told is recorded, not published",
    "D01": "the recipient's adapter holds mail, not kept",
    "D02": "mail is kept, not acknowledged",
    "D03": "receipt signed, not kept",
    "D04": "the local system sees the document, the journal does not know",
    "D05": "handed over, the receipt is not signed",
    "T01": "the recipient's receipt is confirmed by the broker, not marked",
    "T02": "the hub has committed a receipt, not acknowledged it",
    "T03": "the hub has published to an agency, the row is not marked",
    "T04": "the sender has kept a receipt, not acknowledged it",
    "W01": "a witness has written what it cosigns, not committed it",
    "W02": "what a witness cosigns is committed, nobody has heard of it",
    "X03": "the registry has a new key, the key's file is not in its place",
    "X04": "a worker has taken the lease and does nothing under it",
}
assert set(MEANING) == set(get_args(Point))  # noqa: S101  two spellings of one list

_armed, _left = "", 0


def arm(point: str) -> None:
    """Die at `point`, ``H03`` or ``H03:2`` for the second time that it is passed; never, if it is empty."""
    global _armed, _left  # noqa: PLW0603  one process, one armed point
    _armed, _, times = point.partition(":")
    _left = int(times or 1)


def reached(point: Point) -> None:
    """The process passes `point`; it dies here if the point is armed and was passed often enough."""
    global _left  # noqa: PLW0603
    if _armed == point:
        _left -= 1
        if _left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)


arm(os.environ.get("AXIS_CRASH_AT", ""))
