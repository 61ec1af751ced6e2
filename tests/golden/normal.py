"""What a case has led to, in a form that says what matters and nothing else: ids, digests, times and signatures become the
names that the case gave, order is the alphabet's, and it does not tell which statements share a receipt.

Read by plain SQL from the tables, and from what lies in the queues."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections import Counter, defaultdict
from functools import cache
from typing import TYPE_CHECKING, Any

from axis.core import ledger, parcel, receipt
from axis.core.evidence import judge
from axis.core.instant import from_text
from axis.core.receipt import Event
from axis.errors import Rejected
from tests.golden.world import START

if TYPE_CHECKING:
    from collections.abc import Iterable

    from axis.core.message import Message
    from axis.core.receipt import Receipt, Statement
    from tests.golden.world import World

Normal = dict[str, list[str]]
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def normal_form(world: World) -> Normal:
    """Of everything that the hub has recorded and published."""
    world.close()
    connection = sqlite3.connect(world.home / "axis.db")
    connection.row_factory = sqlite3.Row
    try:
        return _Reading(world, connection).form()
    finally:
        connection.close()


class _Reading:
    def __init__(self, world: World, connection: sqlite3.Connection) -> None:
        self._world = world
        self._connection = connection
        self._labels = dict(world.labels)
        submissions = self._rows("SELECT * FROM submission")
        self._names: dict[str, str] = {}
        for row in submissions:
            self._names[row["axis_id"]] = f"<{self._labels.get(row['content_digest'], '?')}>"
        self._submissions = submissions
        self._deliveries = self._rows("SELECT * FROM delivery")
        for row in self._deliveries:
            self._names[row["id"]] = f"{self._names[row['axis_id']]} to {row['recipient']}"
        entries = self._rows("SELECT digest, canonical FROM ledger")
        self._entries = {row["digest"]: ledger.read(row["canonical"]) for row in entries}

    def form(self) -> Normal:
        parts = {
            "submissions": map(self._submission, self._submissions),
            "superseded": self._superseded(),
            "deliveries": map(self._delivery, self._deliveries),
            "demands": map(self._demand, self._rows("SELECT * FROM demand")),
            "business": (
                f"{self._names[r['delivery_id']]}: {r['unit']} {r['code']}"
                for r in self._rows("SELECT * FROM business_status")
            ),
            "deadlines": map(self._deadline, self._rows("SELECT * FROM deadline")),
            "statements": self._statements(consigned=False),
            "refusals": map(self._refusal, self._rows("SELECT * FROM refusal")),
            "repetitions": map(self._repetition, self._rows("SELECT * FROM repetition")),
            "quarantine": map(self._quarantine, self._rows("SELECT * FROM quarantine")),
            "attempts": (f"{r['count']}" for r in self._rows("SELECT * FROM attempt")),
            "outbox": map(self._waiting, self._rows("SELECT * FROM outbox")),
            "published": self._published(consigned=False),
            "consigned": [*self._statements(consigned=True), *self._published(consigned=True)],
            "order": self._order(),
            "dead letters": (f"from {m.route.code}" for m in self._world.queues.rejected),
            "not acknowledged": (d.message.id for d in self._world.queues.unacknowledged.values()),
            "ledger": self._ledger(),
        }
        return {name: lines for name, part in parts.items() if (lines := _counted(part))}

    # -- Tables -------------------------------------------------------------------------------------------------

    def _submission(self, row: sqlite3.Row) -> str:
        if row["content_digest"] not in self._labels:
            return f"an earlier {row['kind']}"  # that a case has put into the record
        facts = [row["kind"], f"of {row['document_id']}", f"by {row['sender']} as {row['organ_id']}"]
        facts += [f"owner {row['owner']}"] if row["owner"] != row["sender"] else []
        facts += [f"status {row['status_code']}"] if row["status_code"] else []
        facts += [f"number {row['number']}"] if row["number"] else []
        facts += [f"priority {row['priority']}"] if row["priority"] else []
        facts += [f"code {row['code']}", f"registry {row['registry_version']}"]
        facts += [] if row["has_content"] else ["without content"]
        facts += [] if row["body_digest"] else ["parcel dropped"]
        parcels = f", {self._digest(row['parcel_digest'])}, {self._digest(row['acceptance_digest'])}"
        return f"{self._names[row['axis_id']]}: {', '.join(facts)}{parcels}"

    def _superseded(self) -> list[str]:
        rows = self._rows("SELECT * FROM document WHERE superseded_by != ''")
        return [f"{r['document_id']} of {r['sender']} by {self._names[r['superseded_by']]}" for r in rows]

    def _delivery(self, row: sqlite3.Row) -> str:
        facts = [row["state"], row["role"], "units " + " ".join(json.loads(row["units"]))]
        facts += [f"attempts {row['attempts']}"] if row["attempts"] else []
        facts += ["tried"] if row["tried"] else ["never tried"]
        facts += ["closed"] if row["closed"] else []
        facts += [self._digest(row["proof_digest"])] if row["proof_digest"] else []
        return f"{self._names[row['id']]}: {', '.join(facts)}"

    def _demand(self, row: sqlite3.Row) -> str:
        reason = f" ({row['reason']})" if row["reason"] else ""
        answered = "" if row["answered_at"] else ", not answered"
        asked = f"{row['demand']} {row['number']} by {self._names[row['asked_by']]}"
        return f"{self._names[row['delivery_id']]}: {row['unit']} {asked}: {row['stage']}{reason}{answered}"

    def _deadline(self, row: sqlite3.Row) -> str:
        watched = "watched" if row["next_at"] else "over"
        met = f", met {_relative(row['met_at'])}" if row["met_at"] else ""
        return (
            f"{self._names[row['delivery_id']]}: {row['leg']} {row['progress']}, {watched}, "
            f"due {_relative(row['due_at'])}{met}"
        )

    def _statements(self, *, consigned: bool) -> Iterable[str]:
        for row in self._rows("SELECT * FROM statement"):
            if (row["event"] == "D.1") == consigned:
                held = {(s.key, s.recipient) for s in self._receipt(row["receipt_digest"]).statements}
                wrong = "" if (row["event"], row["recipient"]) in held else " NOT IN ITS RECEIPT"
                about = self._names.get(row["axis_id"], "?")
                yield f"{row['event']} by {row['issuer']} about {about} for {row['recipient'] or '-'}{wrong}"

    def _refusal(self, row: sqlite3.Row) -> str:
        retry = "retry" if row["retry"] else "for good"
        return f"{row['sender']} {self._digest(row['digest'])}, {row['document_id'] or '-'}, {retry}"

    def _repetition(self, row: sqlite3.Row) -> str:
        said = self._digest(row["receipt_digest"])
        return f"{row['sender']} {self._digest(row['content_digest'])} as {self._names[row['axis_id']]}, {said}"

    def _quarantine(self, row: sqlite3.Row) -> str:
        attempts = f", attempts {row['attempts']}"
        return f"{row['agency']}, published by {row['user_id'] or '?'}: {row['code']}, {self._digest(row['body_digest'])}{attempts}"

    def _waiting(self, row: sqlite3.Row) -> str:
        what = self._names.get(row["delivery_id"]) or self._digest(row["body_digest"])
        proof = f", with {self._digest(row['proof_digest'])}" if row["proof_digest"] else ""
        urgent = ", urgent" if row["urgent"] else ""
        tried = f", attempts {row['attempts']}" if row["attempts"] else ""
        later = from_text(row["not_before"]) > self._world.now
        # The wait after a failure is drawn by lot.
        when = f", not before {_relative(row['not_before'])}" if later and not row["attempts"] else ""
        return f"to {row['code']}: {what}{proof}{urgent}{when}{tried}"

    def _ledger(self) -> Iterable[str]:
        previous, position = ledger.GENESIS, 0
        for row in self._rows("SELECT * FROM ledger ORDER BY position IS NULL, position"):
            position += 1
            linked = row["position"] == position and row["link"] == ledger.link(previous, position, row["digest"])
            previous = row["link"]
            if row["digest"] != hashlib.sha256(row["canonical"].encode()).hexdigest() or not linked:
                yield f"entry {position} IS NOT LINKED"
            entry = json.loads(row["canonical"])
            if entry["event"] == "registry.issued":
                continue
            about = f" about {self._name(entry['axis_id'])}" if entry["axis_id"] else ""
            to = f" to {entry['recipient']}" if entry["recipient"] else ""
            detail = json.dumps(self._plain(entry["detail"]), sort_keys=True, ensure_ascii=False)
            yield f"{entry['event']} by {entry['actor']}{about}{to} {detail if entry['detail'] else ''}".rstrip()

    # -- What went out --------------------------------------------------------------------------------------------

    def _published(self, *, consigned: bool) -> Iterable[str]:
        for message in self._world.queues.out:
            if self._kind(message) == parcel.REGISTRY:
                continue
            to = f"to {message.route.code}{' urgent' if message.route.urgent else ''}: "
            proof = f", with {self._about(read(message.proof))}" if message.proof else ""
            if self._kind(message) != parcel.RECEIPT:
                if not consigned:
                    digest = hashlib.sha256(message.body).hexdigest()
                    known = self._labels.get(digest)
                    yield to + (f"<{known}>" if known else self._kind(message)) + proof
                continue
            found = read(message.body)
            for said in self._sentences(found):
                if said.startswith("D.1") == consigned:
                    yield to + said + proof

    def _order(self) -> Iterable[str]:
        queues: dict[str, list[str]] = defaultdict(list)
        for message in self._world.queues.out:
            if self._kind(message) == parcel.DOCUMENT:
                name = f"to {message.route.code}{' urgent' if message.route.urgent else ''}"
                queues[name].append(f"<{self._labels.get(hashlib.sha256(message.body).hexdigest(), '?')}>")
        return [f"{name}: {', '.join(labels)}" for name, labels in queues.items() if len(labels) > 1]

    def _kind(self, message: Message) -> str:
        try:
            return parcel.peek(message.body)[0]
        except Rejected:
            return f"NO PARCEL, {len(message.body)} bytes"

    def _sentences(self, found: Receipt) -> Iterable[str]:
        subject = found.subject
        about = self._names.get(subject.axis_id) or f"<{self._labels.get(subject.content_digest, '?')}> not accepted"
        by = "" if found.issuer == "HUB" else f" by {found.issuer}"
        for one in found.statements:
            facts = [f"for {one.recipient}"] if one.recipient else []
            facts += ["recipients " + " ".join(one.recipients)] if one.recipients else []
            facts += [f"{r.code}{' retry' if r.retry else ''}" for r in one.reasons]
            facts += [f"leg {one.leg}"] if one.leg else []
            facts += [f"outcome {one.outcome}"] if one.outcome else []
            facts += [f"evidence {self._digest(one.evidence)}"] if one.evidence else []
            facts += [self._quoted(found, one)] if found.issuer == "HUB" else []
            yield f"{one.event.code}{by} about {about}, {', '.join(facts)}"

    def _quoted(self, found: Receipt, said: Statement) -> str:
        entry = self._entries.get(said.entry)
        if entry is None:
            return "entry MISSING"
        # An A.2 is about nothing that was accepted: no evidence has one.
        is_so = said.event is Event.SubmissionRejection or judge.says(entry, found.subject, said)
        return f"entry {entry.event}" + " SAYS SOMETHING ELSE" * (not is_so)

    def _about(self, found: Receipt) -> str:
        """A receipt by what it says, whatever else is in it."""
        codes = sorted({s.event.code for s in found.statements})
        subject = found.subject
        about = self._names.get(subject.axis_id) or f"<{self._labels.get(subject.content_digest, '?')}>"
        by = "" if found.issuer == "HUB" else f" by {found.issuer}"
        named = sorted({code for s in found.statements for code in s.recipients})
        return f"{' '.join(codes)}{by} about {about}" + (f" naming {' '.join(named)}" if named else "")

    # -- Names ------------------------------------------------------------------------------------------------------

    def _digest(self, digest: str) -> str:
        if not digest:
            return "-"
        if digest in self._labels:
            return f"<{self._labels[digest]}>"
        found = self._payload(digest)
        if found is None:
            return self._entries[digest].event if digest in self._entries else "UNKNOWN DIGEST"
        try:
            main = parcel.peek(found)[0]
            return self._about(read(found)) if main == parcel.RECEIPT else f"a {main.partition('.')[0]}"
        except Rejected:
            return "a parcel"

    def _receipt(self, digest: str) -> Receipt:
        found = self._payload(digest)
        assert found is not None
        return read(found)

    def _payload(self, digest: str) -> bytes | None:
        row = self._connection.execute("SELECT * FROM payload WHERE digest = ?", (digest,)).fetchone()
        if row is None or not row["segment"]:
            return bytes(row["content"]) if row is not None else None
        (file,) = (self._world.home / "axis.db-segments").rglob(f"*{row['segment']}*")
        return file.read_bytes()[row["start"] : row["start"] + row["length"]]

    def _name(self, identifier: str) -> str:
        return self._names.get(identifier, "UNKNOWN ID")

    def _plain(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._plain(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self._plain(one) for one in value]
        if not isinstance(value, str):
            return value
        value = _UUID.sub(lambda m: self._name(m[0]), value)
        value = _DIGEST.sub(lambda m: self._digest(m[0]), value)
        return _TIME.sub(lambda m: _relative(m[0]), value)

    def _rows(self, query: str) -> list[sqlite3.Row]:
        return self._connection.execute(query).fetchall()


@cache
def read(body: bytes) -> Receipt:
    """A receipt, whoever signed it."""
    return receipt.claimed(parcel.peek(body)[1])


def _relative(moment: str) -> str:
    """In hours and minutes after the beginning; the hub's clock goes on by milliseconds only."""
    seconds = int((from_text(moment) - START).total_seconds())
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return f"{'-' if seconds < 0 else '+'}{hours}h{minutes:02}"


def _counted(lines: Iterable[str]) -> list[str]:
    counts = Counter(lines)
    return [line if count == 1 else f"{line} ({count} times)" for line, count in sorted(counts.items())]
