"""The log grows: entries that have their places are put into the tree, and its new head is signed.

Apart from what accepts documents, so that they do not wait for it: a checkpoint comes within two seconds of an entry,
and none where nothing has happened. Every worker computes the same tree; the lease only spares the work.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from axis.core.log import checkpoint
from axis.core.log.checkpoint import Checkpoint
from axis.core.log.note import ED25519, Note, VerifierKey
from axis.infra import keystore
from axis.infra.log import store
from axis.infra.record import lease

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from axis.core.log.checkpoint import NoteSigner
    from axis.core.log.merkle import Frontier
    from axis.infra.log.store import Head
    from axis.services.hub.worker import Hub

DUTY = "log"  # to put entries into the tree: its lease
SELDOM = timedelta(seconds=1)  # while documents come without end
MANY = 10_000  # entries that are put in at a time


class LogKey:
    """The log's own key: what it signs is known as the log's, whatever else the hub signs."""

    def __init__(self, signer: NoteSigner, public: bytes) -> None:
        self.signer = signer
        self.public = public

    def of(self, origin: str) -> VerifierKey:
        """As verifiers know it: a log's key is called what the log is called."""
        return VerifierKey(origin, ED25519, self.public)

    def sign(self, one: Checkpoint) -> bytes:
        """The signed note. Of one size there is one, bit by bit: Ed25519 draws nothing."""
        return Note(one.text, (checkpoint.signed(one, self.of(one.origin), self.signer),)).data


def load_key(folder: Path) -> LogKey | None:
    """The key in this folder; None where there is none: nothing is put into the log then, and doctor says so."""
    found = keystore.load_log_key(folder)
    return LogKey(*found) if found is not None else None


def origin(installation: str, restored_at: str = "") -> str:
    """The name of an installation's log. After the record was put back, some of what the log before had is missing
    from it: another log begins, with another name."""
    return "/".join(filter(None, ("axis", installation, restored_at)))


def step(hub: Hub, now: datetime, *, at_rest: bool = False) -> int:
    """Put what has come into the tree, if it is time, or nothing else is to be done (`at_rest`); how much. Asks nobody
    where nothing has come."""
    if hub.log_key is None or hub.linked <= hub.logged or (now < hub.log_again and not at_rest):
        return 0
    with hub.store.transaction() as tx:
        if lease.hold(tx, DUTY, hub.worker, now) is None:  # another does it
            hub.log_again = now + lease.LEASE
            return 0
        known = store.head(tx.connection) or store.begin(tx.connection, origin(hub.installation), now)
        added = store.leaves(tx.connection, known.frontier.size, MANY)
        if added:
            store.keep(tx.connection, _grown(hub.log_key, known, store.grow(tx.connection, known, added), now))
    hub.logged = known.frontier.size + len(added)
    hub.log_again = now + SELDOM if len(added) < MANY else now
    return len(added)


def _grown(key: LogKey, known: Head, frontier: Frontier, now: datetime) -> Head:
    note = key.sign(Checkpoint(known.origin, frontier.size, frontier.root))
    return replace(known, frontier=frontier, checkpoint=note, made_at=now)
