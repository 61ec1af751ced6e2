"""One agency's part of a transaction: every change that a journal knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axis.infra.journal import due
from axis.infra.journal.aside import AsideChanges
from axis.infra.journal.home import HomeChanges
from axis.infra.journal.outgoing import OutgoingChanges
from axis.infra.journal.proofs import ProofChanges
from axis.infra.journal.withdrawal import WithdrawalChanges
from axis.infra.journal.witness import WitnessChanges

if TYPE_CHECKING:
    from datetime import datetime


class JournalTransaction(OutgoingChanges, WithdrawalChanges, HomeChanges, WitnessChanges, ProofChanges, AsideChanges):
    """Changes to the journal, each with its event. Made by :meth:`axis.infra.journal.journals.Journal.transaction`, and
    of the writes that :meth:`axis.infra.journal.journals.Journals.transaction` gathers for many agencies."""

    def bring_forward(self, now: datetime) -> int:
        """Whatever waits for a later time is due at `now`; how much."""
        return due.bring_forward(self.connection, self.agency, now)
