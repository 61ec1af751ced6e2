"""A meeting system of e-Cabinet, simulated: it calls /ecabinet/v1 for one agency. Each member has a key on a device of
his own, is on line or is not, and signs and seals there: neither the system nor the adapter has his key."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptography import x509

from axis.adapters.client import Client
from axis.adapters.ecabinet.server import PREFIX
from axis.core.ballot import cms, values
from axis.core.ballot.ballot import read_ballot
from axis.core.ballot.vote import ACT, SEALED, Answer, Delegation, Vote, cast, write_delegation
from axis.core.instant import whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from axis.core.ballot.ballot import Ballot
    from axis.core.ballot.vote import Cast
    from axis.core.signature import KeySigner


class OffLineError(Exception):
    """A member who is not on line does nothing."""


@dataclass
class Device:
    """What a member has: the key, and whether it is on line."""

    key: KeySigner
    on_line: bool = True


@dataclass
class MeetingSystem:
    """See the module. `devices`: of the agency's members, by person."""

    url: str
    token: str
    devices: dict[str, Device] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.client = Client(self.url, self.token)

    def ask(self, path: str) -> Any:
        """GET."""
        return self.client.ask(f"{PREFIX}/{path}")

    def do(self, path: str, value: Any = None, **files: Sequence[tuple[str, bytes]]) -> dict[str, Any]:
        """POST, with files by the names of their lists. Raises :class:`axis.adapters.client.Refused`."""
        listed = {
            name: [{"name": one, "content": base64.b64encode(content).decode()} for one, content in given]
            for name, given in files.items()
        }
        return self.client.do(f"{PREFIX}/{path}", {**(value or {}), **listed})

    def fetch(self) -> int:
        """Take what has come, and say so: it is handed over (E.1). How many there were."""
        come = list(self.client.inbox(state="initial"))
        for one in come:
            self.client.acknowledge(one["id"])
        return len(come)

    # -- On a member's device --------------------------------------------------------------------------------------

    def sealed(
        self, reference: str, person: str, option: str, now: datetime, *, comment: str = "", act: bytes = b""
    ) -> tuple[str, Cast]:
        """A vote as the person's device makes it of the ballot's own bytes: the ballot's digest, and the vote. Raises
        :class:`OffLineError`."""
        device = self.devices[person]
        if not device.on_line:
            raise OffLineError(person)
        ballot, (secretariat, trustee) = self._ballot(reference)
        member = values.read(cms.open_signed(act)[0], "act").plain["member"] if act else person
        digest = values.digest(act) if act else ""
        said = Vote(ballot.digest, member, (Answer(1, option, comment),), whole(now), secrets.token_hex(16), digest)
        return ballot.digest, cast(ballot, said, device.key, secretariat, trustee, act)

    def vote(
        self, reference: str, person: str, option: str, now: datetime, *, comment: str = "", act: bytes = b""
    ) -> str:
        """A person's vote, for himself or by a delegation; the digest by which he finds it in the result."""
        ballot, made = self.sealed(reference, person, option, now, comment=comment, act=act)
        given = {"member": made.cover.member, "vote": made.cover.vote}
        named = {SEALED: "sealed", ACT: "act"}
        given |= {named[file]: values.text_of(content) for file, content in made.files}
        return str(self.do(f"ballots/{ballot}/votes", given)["vote"])

    def delegate(self, reference: str, member: str, delegate: str, now: datetime) -> bytes:
        """A member's delegation to another person, signed on the member's device."""
        ballot, _ = self._ballot(reference)
        said = Delegation(ballot.digest, member, delegate, whole(now))
        return cms.sign(write_delegation(said), self.devices[member].key)

    def _ballot(self, reference: str) -> tuple[Ballot, tuple[x509.Certificate, x509.Certificate]]:
        told = self.ask(f"ballots/{reference}")
        ballot = read_ballot(base64.b64decode(told["ballot"]))
        seals = {name: x509.load_pem_x509_certificate(pem.encode()) for name, pem in told["seals"].items()}
        return ballot, (seals["secretariat"], seals["trustee"])
