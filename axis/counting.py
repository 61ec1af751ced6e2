"""What this process has computed, counted: XML parses, parcels opened, signatures made.

A measure for tests, benchmarks and whoever watches the process, and nothing that anything is decided by: whoever wants
to know what a piece of work costs takes a :func:`snapshot` before it and asks for the difference after it::

    before = counting.snapshot()
    work()
    print(counting.since(before))  # {'parses': 7, 'verifications': 2, …}

The counters only grow, from zero at the start of the process; who counts over several processes has each of them write
its own snapshot when it ends, and adds them up. Adding one takes some forty nanoseconds, so they are always on. Two
threads at the same moment may lose one. What the database and the disk do is counted where it is done: SQL statements
and commits by SQLAlchemy's events, flushes by whoever watches ``os.fsync`` (tests/e2e/test_cost.py).
"""

from __future__ import annotations

from collections import Counter


class _Counts:
    """Integers, one for each kind of work; :data:`done` is the only one of its kind."""

    __slots__ = ("parses", "peeks", "receipts", "remembered", "signatures", "verifications")

    def __init__(self) -> None:
        self.parses = 0  # XML texts parsed (core/xml.py); a signature that is as its template gives it needs none
        self.verifications = 0  # parcels whose digests and signature value were computed
        self.remembered = 0  # parcels that were verified before in this process, and only whose key was asked again
        self.signatures = 0  # made
        self.peeks = 0  # containers opened without being verified
        self.receipts = 0  # receipt.xml read


done = _Counts()
# What was committed, by the name of its event: of the hub's ledger, and of the agencies' journals with their codes; and
# what the adapters' HTTP server has answered, by kind of path and class of status. For axis/monitoring.py.
ledger_entries: Counter[str] = Counter()
journal_entries: Counter[tuple[str, str]] = Counter()
http_answers: Counter[tuple[str, str]] = Counter()


def snapshot() -> dict[str, int]:
    """The counters as they are now, by name."""
    return {name: getattr(done, name) for name in done.__slots__}


def since(before: dict[str, int]) -> dict[str, int]:
    """What has been counted since `before`, a :func:`snapshot`."""
    return {name: value - before.get(name, 0) for name, value in snapshot().items()}
