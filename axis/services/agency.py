"""An agency's adapter: what its steps (submit, deliver) share, and one round of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axis.core import trust
from axis.core.trust import read_registry
from axis.errors import Corrupted, Fault, Problem

if TYPE_CHECKING:
    from datetime import datetime

    from adapters.base import Guarded
    from axis.core.message import Broker
    from axis.core.signature import Signer
    from axis.core.trust import Registry
    from axis.infra.journal import Journal


class Agency:
    """One agency's adapter. Its steps live in services/submit.py and services/deliver.py.

    It has nothing of the hub but the broker and what came through it.
    """

    def __init__(
        self,
        code: str,
        journal: Journal,
        broker: Broker,
        adapter: Guarded,
        signer: Signer,
        hub: trust.Certificate,
        installation: str,
    ) -> None:
        self.code = code
        self.journal = journal
        self.broker = broker
        self.adapter = adapter
        self.signer = signer
        self.hub = hub
        self.installation = installation
        self._registry: Registry | None = None

    def registry(self) -> Registry:
        """The registry installed here. Raises :class:`Corrupted` when there is none."""
        if self._registry is None:
            with self.journal.reading() as reader:
                found = reader.registry()
            if found is None:
                raise Corrupted(Problem(Fault.REGISTRY_INVALID, got=f"no registry installed for {self.code}"))
            self._registry = read_registry(found[1], self.hub)
        return self._registry

    def is_enrolled(self) -> bool:
        """Whether a registry is installed; a new agency's first one comes with its mail."""
        if self._registry is not None:
            return True
        with self.journal.reading() as reader:
            return reader.registry_version() > 0

    def forget_registry(self) -> None:
        """A newer one was installed."""
        self._registry = None

    def next_due(self) -> datetime | None:
        """When something that waits here is due; None when nothing waits."""
        with self.journal.reading() as reader:
            return reader.next_due()
