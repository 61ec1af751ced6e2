"""``axis send``: check packets, drop them into the outbox, and say what the hub answered."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from axis.adapters.tree import LocalTree
from axis.core import chain, edxml, refusal
from axis.core.chain import read_registry
from axis.core.hub import admission
from axis.core.registry import GROUPS
from axis.core.types.typeset import of_document, read_types
from axis.errors import Fault, Misconfigured, Problem, Unavailable, rejected

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from axis.core.registry import Certificate, Registry
    from axis.infra.journal.journals import Journal


@dataclass(frozen=True)
class Letter:
    """A checked packet. `data` is what goes into the outbox: the file itself, or with ``--to`` the canonical
    packet with these recipients, so that the same call gives the same bytes."""

    name: str
    data: bytes
    to: tuple[str, ...]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]

    @property
    def digest(self) -> str:
        """Hex SHA-256 of :attr:`data`: the journal's key."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def file(self) -> str:
        """Its name in the outbox; never one that the adapter leaves alone."""
        stem = self.name[: -len(".edxml")] if self.name.lower().endswith(".edxml") else self.name
        beginning = os.fsencode(stem.lstrip(".~"))[:150].decode("utf-8", "ignore")
        return f"{beginning}-{self.digest[:8]}.edxml"


def expand(registry: Registry | None, sender: str, to: Sequence[str], now: datetime) -> list[str]:
    """`to` with each group (``@ministries``, ``@provinces``, ``@all``) as its members, the sender and closed ones left
    out. Raises :class:`Rejected` AGENCY_UNKNOWN for a group that there is not."""
    found: dict[str, None] = {}
    for one in to:
        if not one.startswith("@"):
            found[one] = None
            continue
        if one not in GROUPS or registry is None:
            raise rejected(Fault.AGENCY_UNKNOWN, one, ", ".join(GROUPS))
        for member in registry.agencies:
            if member.belongs_to(one) and member.code != sender and member.standing(now) != "closed":
                found[member.code] = None
    return list(found)


def prepare(
    journal: Journal,
    hub: Certificate,
    sender: str,
    name: str,
    data: bytes,
    to: Sequence[str],
    now: datetime,
    *,
    deliver_at: str = "",
    deliver_within: str = "",
) -> Letter:
    """Check `data` as the sender's adapter and the hub would, as far as can be known here. `to` may name groups;
    `deliver_at` and `deliver_within`: see :meth:`axis.core.edxml.Packet.extension`."""
    with journal.reading() as reader:
        found, types = reader.registry(), reader.types()
    registry = read_registry(found[1], hub) if found else None
    names = {m.code: m.name_vi for m in registry.agencies} if registry else {}
    to = expand(registry, sender, to, now)
    converted = edxml.convert(data, tuple(to), names)
    packet, problems, document = converted.packet, list(converted.problems), converted.document
    if packet is not None and (deliver_at or deliver_within):
        packet = edxml.with_terms(packet, deliver_at, deliver_within)
        document = edxml.write_document(packet)
        problems += [p for p in edxml.check(packet) if p not in problems]
    if packet is not None and registry is not None:
        problems += admission.misaddressed(packet, registry, sender)
        if types and not any(p.severity == "error" for p in problems):
            typed = of_document(read_types(types, chain.signing(registry)), packet, registry, converted.attachments)
            problems += typed.findings if typed is not None else ()
    if packet is not None and (to or deliver_at or deliver_within):
        data = edxml.write_packet(document, packet, converted.attachments)
    return Letter(
        name,
        data,
        tuple(o.organ_id for o in packet.recipients) if packet else (),
        tuple(dict.fromkeys(p for p in problems if p.severity == "error")),
        tuple(p for p in problems if p.severity == "warning"),
    )


def drop(letter: Letter, outbox: Path) -> None:
    """Put the packet into the outbox, whole at once; the same packet under the same name. Raises
    :class:`Misconfigured` CONFIG_INVALID when that folder cannot be written."""
    tree, temporary = LocalTree(outbox.parent), f"{outbox.name}/.{letter.digest}.axis-tmp"
    try:
        tree.write(temporary, letter.data)
        tree.rename(temporary, f"{outbox.name}/{letter.file}")
        tree.sync(outbox.name)
    except OSError as error:
        problem = Problem(Fault.CONFIG_INVALID, str(outbox), "a folder that can be written", str(error))
        raise Misconfigured(problem) from None


def answered(journal: Journal, letters: Sequence[Letter], outbox: Path) -> bool:
    """True once every letter's answer is held and its file has left the outbox."""
    if any((outbox / letter.file).exists() for letter in letters):
        return False
    with journal.reading() as reader:
        rows = reader.outgoing_of([letter.digest for letter in letters])
    return all(
        letter.digest in rows and rows[letter.digest]["state"] != "pending" and rows[letter.digest]["settled"]
        for letter in letters
    )


def wait(journal: Journal, letters: Sequence[Letter], outbox: Path, seconds: float) -> None:
    """Wait for the answers. Raises :class:`Unavailable` TIMED_OUT; the sending goes on meanwhile."""
    end = time.monotonic() + seconds
    while not answered(journal, letters, outbox):
        if time.monotonic() > end:
            raise Unavailable(Problem(Fault.TIMED_OUT, got=f"{seconds:g}"))
        time.sleep(0.2)


def results(journal: Journal, letters: Sequence[Letter]) -> list[dict[str, Any]]:
    """For each letter: file, state (accepted, refused, invalid, pending), axis id, content digest, findings, kind;
    `repeats`: when the same was given first, if that was before: nothing new has gone out then."""
    found = []
    with journal.reading() as reader:
        rows = reader.outgoing_of([letter.digest for letter in letters])
        first = reader.first_sent([row["document_id"] for row in rows.values() if row["state"] == "accepted"])
        for letter in letters:
            row = rows.get(letter.digest)
            source, at = first.get(row["axis_id"], ("", "")) if row else ("", "")
            found.append(
                {
                    "file": letter.name,
                    "state": row["state"] if row else "pending",
                    "axis_id": row["axis_id"] if row else "",
                    "document_id": row["document_id"] if row else "",
                    "content_digest": row["content_digest"] if row else "",
                    "findings": [refusal.finding(one) for one in row["problems"]] if row else [],
                    "kind": row["kind"] if row else "",
                    "repeats": at if source not in {"", letter.digest} else "",
                }
            )
    return found
