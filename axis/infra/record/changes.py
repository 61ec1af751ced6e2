"""What was decided for a batch is written: one statement for each table and kind of change, however many there are.

Rows are made straight from the values of the decision, and the statements are texts that are built at import.
"""

from __future__ import annotations

import json
from dataclasses import replace
from operator import attrgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from axis import crashpoints
from axis.core.hub import change, lifecycle
from axis.core.hub.draft import NotLockedError
from axis.infra import payloads
from axis.infra.record.query import New, Query, array
from axis.infra.record.tables import PAYLOAD_REFERENCES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from sqlalchemy.engine import Connection

    from axis.core.hub.dossier import Delivery, Digest, Submission
    from axis.core.hub.seal import Sealed

Row = tuple[Any, ...]
_VERSIONS = ("new", "update", "replace")


class _Statement:
    """A change of many rows: on SQLite run for each, on PostgreSQL one statement over arrays.

    ``{0}``, ``{1}``, … stand in the text in this order, each once; `types` are theirs. ``{rows}`` is where PostgreSQL
    reads them from, ``{json}`` makes a text a JSON value."""

    def __init__(self, types: Sequence[str], sqlite: str, postgresql: str) -> None:
        names = [f"v{n}" for n in range(len(types))]
        arrays = ", ".join(f"%s::{kind}[]" for kind in types)
        rows = f"unnest({arrays}) AS k({', '.join(names)})"
        self._sqlite = sqlite.format(*["?"] * len(types), json="")
        self._postgresql = postgresql.format(*(f"k.{name}" for name in names), rows=rows, json="::json")

    def run(self, connection: Connection, rows: Collection[Row]) -> None:
        if not rows:
            return
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(self._sqlite, list(rows))
        else:
            connection.exec_driver_sql(self._postgresql, tuple(map(array, zip(*rows, strict=True))))


def _insert(table: str, columns: dict[str, str], conflict: str) -> _Statement:
    head, places = f"INSERT INTO {table} ({', '.join(columns)})", ", ".join(f"{{{n}}}" for n in range(len(columns)))
    return _Statement(
        list(columns.values()),
        f"{head} VALUES ({places}) {conflict}",
        f"{head} SELECT {places} FROM {{rows}} {conflict}",
    )


def _update(table: str, values: str, where: str, types: Sequence[str]) -> _Statement:
    sqlite = f"UPDATE {table} AS t SET {values} WHERE {where}"
    return _Statement(types, sqlite, f"UPDATE {table} AS t SET {values} FROM {{rows}} WHERE {where}")


_TEXT, _NUMBER, _FLAG = "text", "bigint", "boolean"
_SUBMISSION = (
    "axis_id",
    "key",
    "kind",
    "sender",
    "organ_id",
    "owner",
    "document_id",
    "code",
    "subject",
    "status_code",
    "priority",
    "content_digest",
    "parcel_digest",
    "registry_version",
    "received_at",
    "number",
    "body_digest",
    "has_content",
)
_BEGUN = ("id", "axis_id", "role", "owner", "document_id")  # of a delivery: never altered
_MOVING = ("attempts", "updated_at", "closed", "consigned_at", "consigned_entry", "owes_at", "reporters")
_DEMAND = ("delivery_id", "number", "unit", "demand", "asked_by", "stage", "asked_at", "answered_at", "reason")
_LIMIT = ("delivery_id", "leg", "due_at", "next_at", "progress", "met_at")
_SENT = (
    "code",
    "urgent",
    "message_id",
    "body_digest",
    "proof_digest",
    "delivery_id",
    "not_before",
    "attempts",
    "created_at",
    "traceparent",
)
_submission_row, _begun, _moving = attrgetter(*_SUBMISSION), attrgetter(*_BEGUN), attrgetter(*_MOVING)

_NEW_SUBMISSION = New("submission", (*_SUBMISSION, "acceptance_digest"))
_NEW_DELIVERY = New("delivery", (*_BEGUN, "recipient", "units", "state", "proof_digest", "tried", *_MOVING))
_NEW_DEMAND = New("demand", _DEMAND)
_NEW_SENT = New("outbox", _SENT)

_NOTHING = "ON CONFLICT DO NOTHING"
_NEW_TYPED = _insert("document_type", {"axis_id": _TEXT, "name": _TEXT, "version": _NUMBER, "shown": _TEXT}, "")
_NEW_LIMIT = _insert("deadline", dict.fromkeys(_LIMIT, _TEXT), _NOTHING)
_SAID = ("issuer", "event", "axis_id", "recipient", "receipt_digest", "time")
_STATEMENT = _insert("statement", dict.fromkeys(_SAID, _TEXT), _NOTHING)
_REPETITION = _insert(
    "repetition", dict.fromkeys(("sender", "content_digest", "axis_id", "receipt_digest"), _TEXT), _NOTHING
)
_REFUSAL = _insert(
    "refusal",
    {
        "sender": _TEXT,
        "digest": _TEXT,
        "document_id": _TEXT,
        "receipt_digest": _TEXT,
        "retry": _FLAG,
        "refused_at": _TEXT,
    },
    "ON CONFLICT (sender, digest) DO UPDATE SET document_id = excluded.document_id, "
    "receipt_digest = excluded.receipt_digest, retry = excluded.retry, refused_at = excluded.refused_at",
)
_BUSINESS = _insert(
    "business_status",
    dict.fromkeys(("delivery_id", "unit", "code", "reported_at", "arrived_at"), _TEXT),
    "ON CONFLICT (delivery_id, unit) DO UPDATE SET code = excluded.code, reported_at = excluded.reported_at, "
    "arrived_at = excluded.arrived_at",
)
_QUARANTINE = _insert(
    "quarantine",
    {
        "id": _TEXT,
        "agency": _TEXT,
        "message_id": _TEXT,
        "user_id": _TEXT,
        "body_digest": _TEXT,
        "code": _TEXT,
        "attempts": _NUMBER,
        "since": _TEXT,
        "document_id": _TEXT,
        "issuer": _TEXT,
    },
    _NOTHING,
)
_STANDING = _insert(
    "standing",
    dict.fromkeys(("object", "key_digest", "owner", "state", "parties", "said_at", "changed_at"), _TEXT),
    "ON CONFLICT (object, key_digest, owner) DO UPDATE SET state = excluded.state, parties = excluded.parties, "
    "said_at = excluded.said_at, changed_at = excluded.changed_at",
)
# That publishing was tried stays true, whatever a decision had read.
_MOVE = _update(
    "delivery",
    "recipient = {0}, units = {1}{json}, state = {2}, proof_digest = {3}, tried = (t.tried OR {4}), attempts = {5}, "
    "updated_at = {6}, closed = {7}, consigned_at = {8}, consigned_entry = {9}, owes_at = {10}, "
    "reporters = {11}",
    "t.id = {12}",
    [_TEXT, _TEXT, _TEXT, _TEXT, _FLAG, _NUMBER, _TEXT, _FLAG, _TEXT, _TEXT, _TEXT, _NUMBER, _TEXT],
)
_ANSWER = _update(
    "demand",
    "stage = {0}, answered_at = {1}, reason = coalesce(nullif({2}, ''), t.reason)",
    "t.delivery_id = {3} AND t.number = {4} AND t.unit = {5}",
    [_TEXT, _TEXT, _TEXT, _TEXT, _NUMBER, _TEXT],
)
_PASS = _update(
    "deadline",
    "next_at = {0}, progress = {1}, met_at = {2}",
    "t.delivery_id = {3} AND t.leg = {4}",
    [_TEXT] * 5,
)
_SUPERSEDE = _update("document", "superseded_by = {0}", "t.sender = {1} AND t.document_id = {2}", [_TEXT] * 3)
_POSTPONE = _update("outbox", "attempts = {0}, not_before = {1}", "t.id = {2}", [_NUMBER, _TEXT, _NUMBER])
_REDIRECT = _update(
    "outbox", "code = {0}, proof_digest = coalesce({1}, t.proof_digest)", "t.id = {2}", [_TEXT, _TEXT, _NUMBER]
)
_DONE = _Statement(
    [_NUMBER], "DELETE FROM outbox WHERE id = {0}", "DELETE FROM outbox USING {rows} WHERE outbox.id = {0}"
)
_TAKE_OUT = _Statement(
    [_TEXT], "DELETE FROM quarantine WHERE id = {0}", "DELETE FROM quarantine USING {rows} WHERE quarantine.id = {0}"
)
_LEAVE_OUT = _Statement(
    [_TEXT],
    "DELETE FROM outbox WHERE delivery_id = {0}",
    "DELETE FROM outbox WHERE id IN (SELECT t.id FROM outbox t JOIN {rows} ON t.delivery_id = {0} "
    "FOR UPDATE OF t SKIP LOCKED)",
)
_OF_DOCUMENT = f"owner = {{0}} AND document_id = {{1}} AND kind IN {_VERSIONS!r}"
_FORGET = _Statement(
    [_TEXT, _TEXT],
    f"UPDATE submission SET body_digest = '' WHERE {_OF_DOCUMENT}",
    f"UPDATE submission SET body_digest = '' FROM {{rows}} WHERE {_OF_DOCUMENT}",
)
_KEPT = Query(
    2,
    "SELECT t.body_digest FROM {keys} CROSS JOIN submission t "
    f"WHERE t.owner = k.c0 AND t.document_id = k.c1 AND t.kind IN {_VERSIONS!r}",
)


def write(
    connection: Connection,
    sealed: Sealed,
    references: payloads.References,
    traces: Mapping[Digest, str] = MappingProxyType({}),
) -> None:
    """Write what was decided; `references`: the columns that may name a parcel; `traces`: the traceparent of the
    parcels that came with one, by digest: it goes out with them.

    Raises :class:`~axis.core.hub.draft.NotLockedError`, before anything is written, for a change of a document that is
    not locked; :class:`sqlalchemy.exc.IntegrityError` where a key of a submission, delivery or demand is taken: the
    transaction has to be rolled back then."""
    _Writing(sealed, traces).write(connection, references)


class _Writing:
    """The changes of a batch, gathered by table. Of what is changed more than once the last counts."""

    def __init__(self, sealed: Sealed, traces: Mapping[Digest, str]) -> None:
        self._sealed = sealed
        self._traces = traces
        self._resolved = sealed.resolved
        self._submissions: list[Submission] = []
        self._typed: list[Row] = []
        self._deliveries: list[Delivery] = []
        self._demands: list[list[Any]] = []
        self._places: dict[object, int] = {}  # of what begins in this batch, in its list
        self._moved: dict[str, Delivery] = {}
        self._standing: dict[tuple[str, str, str], Row] = {}
        self._answered: dict[tuple[str, int, str], change.Answer] = {}
        self._business: dict[tuple[str, str], Row] = {}
        self._limits: dict[tuple[str, str], Row] = {}
        self._passed: dict[tuple[str, str], Row] = {}
        self._said: list[Row] = []
        self._refused: dict[tuple[str, str], Row] = {}
        self._repeated: list[Row] = []
        self._superseded: list[Row] = []
        self._sent: list[change.Send] = []
        self._left_out: dict[str, None] = {}
        self._forgotten: dict[tuple[str, str], None] = {}
        self._freed: set[Digest] = set()
        self._put_aside: dict[str, Row] = {}
        self._taken_out: dict[str, Digest] = {}
        self._done: set[int] = set()
        self._postponed: dict[int, Row] = {}
        self._redirected: dict[int, list[Any]] = {}
        for one in sealed.changes:
            _GATHER[type(one)](self, one)

    # -- Gathering --------------------------------------------------------------------------------------------

    def _may_change(self, document: tuple[str, str]) -> None:
        if document not in self._sealed.locked:
            raise NotLockedError(document)

    def _accept(self, one: change.Accept) -> None:
        self._may_change(one.submission.document)
        self._submissions.append(one.submission)
        if one.typed is not None:
            fields = json.dumps(one.typed.fields, ensure_ascii=False)
            self._typed.append((one.submission.axis_id, one.typed.name, one.typed.version, fields))

    def _deliver(self, one: change.Deliver) -> None:
        self._may_change(one.delivery.document)
        self._places[one.delivery.id] = len(self._deliveries)
        self._deliveries.append(one.delivery)

    def _move(self, one: change.Move) -> None:
        after = one.delivery
        self._may_change(after.document)
        if (place := self._places.get(after.id)) is not None:
            self._deliveries[place] = after
        else:
            self._moved[after.id] = after

    def _stand(self, one: change.Stand) -> None:
        after = one.standing
        self._may_change(after.object)
        key = (*after.object, after.owner)
        self._standing[key] = (*key, after.state, " ".join(after.parties), after.said_at, after.changed_at)

    def _ask(self, one: change.Ask) -> None:
        demand, stage = one.demand.value, one.stage.value
        answered = "" if one.stage in lifecycle.WAITING else one.asked_at
        for unit in one.units:
            self._places[one.delivery_id, one.number, unit] = len(self._demands)
            row = [one.delivery_id, one.number, unit, demand, one.asked_by, stage, one.asked_at, answered, ""]
            self._demands.append(row)

    def _answer(self, one: change.Answer) -> None:
        key = (one.delivery_id, one.number, one.unit)
        if (place := self._places.get(key)) is not None:
            row = self._demands[place]
            row[5], row[7], row[8] = one.stage.value, one.answered_at, one.reason or row[8]
            return
        before = self._answered.get(key)
        if before is not None and not one.reason:
            one = replace(one, reason=before.reason)
        self._answered[key] = one

    def _report(self, one: change.Report) -> None:
        row = (one.delivery_id, one.unit, one.code, one.reported_at, one.arrived_at)
        self._business[one.delivery_id, one.unit] = row

    def _set_limit(self, one: change.SetLimit) -> None:
        limit, key = one.limit, (one.delivery_id, one.limit.leg)
        if not one.is_new and key not in self._limits:
            self._passed[key] = (limit.next_at, limit.progress, limit.met_at, *key)
        elif not one.is_new or key not in self._limits:
            self._limits[key] = (*key, limit.due_at, limit.next_at, limit.progress, limit.met_at)

    def _say(self, one: change.Say) -> None:
        digest = self._resolved(one.receipt_digest)
        self._said.append((one.issuer, one.event, one.axis_id, one.recipient, digest, one.time))

    def _refuse(self, one: change.Refuse) -> None:
        key, digest = (one.sender, one.digest), self._resolved(one.receipt_digest)
        self._refused[key] = (*key, one.document_id, digest, one.retry, one.refused_at)

    def _repeat(self, one: change.Repeat) -> None:
        row = (one.sender, one.content_digest, one.axis_id, self._resolved(one.receipt_digest))
        self._repeated.append(row)

    def _supersede(self, one: change.Supersede) -> None:
        self._may_change(one.document)
        self._superseded.append((one.axis_id, *one.document))

    def _send(self, one: change.Send) -> None:
        self._sent.append(one)

    def _leave_out(self, one: change.LeaveOut) -> None:
        self._left_out[one.delivery_id] = None
        self._sent = [sent for sent in self._sent if sent.delivery_id != one.delivery_id]

    def _forget(self, one: change.Forget) -> None:
        self._may_change(one.document)
        self._forgotten[one.document] = None
        for place, known in enumerate(self._submissions):
            if known.document == one.document and known.kind in _VERSIONS:
                self._freed.add(known.body_digest)
                self._submissions[place] = replace(known, body_digest="")

    def _put_away(self, one: change.PutAside) -> None:
        row = (one.id, one.agency, one.message_id, one.user_id, one.body_digest, one.code, one.attempts, one.since)
        self._put_aside.setdefault(one.id, (*row, one.document_id, one.issuer))

    def _take_out(self, one: change.TakeOut) -> None:
        self._put_aside.pop(one.id, None)
        self._taken_out[one.id] = one.body_digest

    def _finish(self, one: change.Done) -> None:
        self._done.add(one.row)

    def _postpone(self, one: change.Postpone) -> None:
        self._postponed[one.row] = (one.attempts, one.not_before, one.row)

    def _redirect(self, one: change.Redirect) -> None:
        before = self._redirected.get(one.row)
        proof = self._resolved(one.proof_digest) if one.proof_digest is not None else before[1] if before else None
        self._redirected[one.row] = [one.code, proof, one.row]

    # -- Writing ----------------------------------------------------------------------------------------------

    def write(self, connection: Connection, references: payloads.References) -> None:
        """In the order that foreign keys want; what is dropped last, when everything that may name it is there."""
        resolved = self._resolved
        self._keep(connection)
        if self._forgotten:
            kept = _KEPT.rows(connection, self._forgotten)
            self._freed.update(digest for (digest,) in kept)
            _FORGET.run(connection, self._forgotten)
        _NEW_SUBMISSION.run(
            connection, [(*_submission_row(one), resolved(one.acceptance_digest)) for one in self._submissions]
        )
        _NEW_TYPED.run(connection, self._typed)
        begun = [(*_begun(one), *self._alterable(one), *_moving(one)) for one in self._deliveries]
        crashpoints.reached("R01")
        _NEW_DELIVERY.run(connection, begun)
        _MOVE.run(
            connection, [(*self._alterable(one), *_moving(one), one.id) for _, one in sorted(self._moved.items())]
        )
        _NEW_DEMAND.run(connection, [tuple(row) for row in self._demands])
        answers = self._answered.items()
        _ANSWER.run(connection, [(one.stage.value, one.answered_at, one.reason, *key) for key, one in answers])
        _NEW_LIMIT.run(connection, self._limits.values())
        _PASS.run(connection, self._passed.values())
        _BUSINESS.run(connection, self._business.values())
        _STANDING.run(connection, [row for _, row in sorted(self._standing.items())])
        _STATEMENT.run(connection, self._said)
        _REPETITION.run(connection, sorted(self._repeated))
        _REFUSAL.run(connection, [row for _, row in sorted(self._refused.items())])
        _SUPERSEDE.run(connection, self._superseded)
        _QUARANTINE.run(connection, [row for _, row in sorted(self._put_aside.items())])
        _TAKE_OUT.run(connection, [(name,) for name in sorted(self._taken_out)])
        _LEAVE_OUT.run(connection, [(identifier,) for identifier in self._left_out])
        _POSTPONE.run(connection, [row for _, row in sorted(self._postponed.items())])
        _REDIRECT.run(connection, [tuple(row) for _, row in sorted(self._redirected.items())])
        _DONE.run(connection, [(row,) for row in sorted(self._done)])
        _NEW_SENT.run(connection, [self._outgoing(one) for one in self._sent])
        if freed := self._freed - {""}:
            payloads.release_all(connection, sorted(freed), references)
        if self._taken_out:  # a receipt's bytes may be named by what it says, by now
            named = (*references, *PAYLOAD_REFERENCES)
            payloads.release_all(connection, sorted(self._taken_out.values()), named)

    def _keep(self, connection: Connection) -> None:
        """The payloads, in one order everywhere: two workers that keep the same wait and do not deadlock."""
        found = {one.digest: one.content for one in self._sealed.payloads}
        payloads.put_all(connection, sorted(found.items()), {one.body_digest for one in self._submissions})

    def _alterable(self, one: Delivery) -> Row:
        units = json.dumps(one.units, ensure_ascii=False)
        return one.recipient, units, one.state.value, self._resolved(one.proof_digest), one.tried

    def _outgoing(self, one: change.Send) -> Row:
        body, proof = self._resolved(one.body_digest), self._resolved(one.proof_digest)
        name = one.delivery_id or body
        traced = self._traces.get(body, "") if one.delivery_id else ""
        return one.code, one.urgent, name, body, proof, one.delivery_id, one.not_before, 0, one.created_at, traced


_GATHER: dict[type, Callable[[_Writing, Any], None]] = {
    change.Accept: _Writing._accept,
    change.Deliver: _Writing._deliver,
    change.Move: _Writing._move,
    change.Stand: _Writing._stand,
    change.Ask: _Writing._ask,
    change.Answer: _Writing._answer,
    change.Report: _Writing._report,
    change.SetLimit: _Writing._set_limit,
    change.Say: _Writing._say,
    change.Refuse: _Writing._refuse,
    change.Repeat: _Writing._repeat,
    change.Supersede: _Writing._supersede,
    change.Send: _Writing._send,
    change.LeaveOut: _Writing._leave_out,
    change.Forget: _Writing._forget,
    change.PutAside: _Writing._put_away,
    change.TakeOut: _Writing._take_out,
    change.Done: _Writing._finish,
    change.Postpone: _Writing._postpone,
    change.Redirect: _Writing._redirect,
}
