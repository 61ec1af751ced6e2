"""What is read of the record for a batch: each kind of question in one statement, however many ask it.

The keys go in as arrays (PostgreSQL) or as JSON (SQLite), so the statements are texts that never change: they are built
at import, and the server prepares them once. Each finds its rows by an index from the keys on.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import fields
from typing import TYPE_CHECKING, Any, cast

from axis.core import ledger, parcel, receipt
from axis.core.homes import Known
from axis.core.hub import admission
from axis.core.hub import dossier as ask
from axis.core.hub.dossier import Delivery, Demanded, Facts, Limit, Refused, Said, Submission
from axis.core.hub.lifecycle import FINAL, Demand, Stage, State
from axis.core.hub.terms import Leg, Progress
from axis.core.registry import HUB
from axis.errors import Rejected
from axis.infra import payloads
from axis.infra.payloads import digest_of
from axis.infra.record.query import Query, newest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy.engine import Connection

    from axis.core.hub.dossier import Digest, Document, Question
    from axis.core.ledger import Entry


def _columns(row: type) -> str:
    return ", ".join(f"t.{field.name}" for field in fields(row))


_SUBMISSION, _DELIVERY = _columns(Submission), _columns(Delivery)
_STATES = {state.value: state for state in State}
_STAGES = {stage.value: stage for stage in Stage}
_DEMANDS = {demand.value: demand for demand in Demand}
_OVER = ", ".join(f"'{state.value}'" for state in sorted(FINAL))
FEW = 8  # business statuses of a delivery that are read with it; of more those alone that a rule asks for
_OF_DOCUMENT = "t.document_id = k.c1 AND t.owner = k.c0"
_X_OF_DOCUMENT = "x.document_id = k.c1 AND x.owner = k.c0"
_FROM_SUBMISSION = f"SELECT {_SUBMISSION} FROM {{keys}} CROSS JOIN submission t WHERE"
_FROM_DELIVERY = f"SELECT {_DELIVERY} FROM {{keys}} CROSS JOIN delivery t WHERE"
# What a document's history makes long is not looked through: `|| ''` keeps the index by document out of it.
_BY_CONTENT = "t.document_id || '' = {document_id} AND t.content_digest = {digest}"


# -- Reading --------------------------------------------------------------------------------------------------


def read(connection: Connection, questions: Iterable[Question], facts: Facts) -> None:
    """Put the answer to each of `questions` into `facts`."""
    asked: dict[type, list[Any]] = defaultdict(list)
    for question in dict.fromkeys(questions):
        asked[type(question)].append(question)
    whole: set[str] = set()
    for kind, reader in _READERS.items():
        if kind in asked:
            whole.update(reader(connection, asked[kind], facts))
    if whole:
        named = [(facts.brought[one.document, one.recipient], one.reporter) for one in asked.get(ask.Brought, ())]
        _read_statuses_and_limits(connection, whole, [(one, unit) for one, unit in named if one and unit], facts)


def _submissions(facts: Facts, rows: Iterable[Any]) -> list[Submission]:
    found = [Submission(*(*row[:-1], bool(row[-1]))) for row in rows]
    for one in found:
        facts.submissions[one.axis_id] = one
        facts.by_name[one.axis_id] = one.axis_id
    return found


def _deliveries(facts: Facts, rows: Iterable[Any]) -> list[Delivery]:
    """In order of their ids, which is that of their beginning."""
    found = []
    for row in rows:
        (identifier, axis_id, recipient, units, state, attempts, updated_at, role, owner, document_id) = row[:10]
        tried, proof_digest, closed, consigned_at, consigned_entry, owes_at, reporters = row[10:17]
        one = Delivery(
            identifier,
            axis_id,
            recipient,
            tuple(json.loads(units) if isinstance(units, str) else units),
            _STATES[state],
            attempts,
            updated_at,
            role,
            owner,
            document_id,
            bool(tried),
            proof_digest,
            bool(closed),
            consigned_at,
            consigned_entry,
            owes_at,
            reporters,
        )
        facts.deliveries[identifier] = one
        found.append(one)
    found.sort(key=lambda one: one.id)
    return found


def _earlier(index: dict[Any, str | None], key: object, axis_id: str) -> None:
    """`axis_id` answers the question `key`, unless one that was accepted earlier does."""
    known = index[key]
    index[key] = axis_id if known is None else min(known, axis_id)


_BY_KEY = Query(1, f"{_FROM_SUBMISSION} t.key = k.c0")


def _by_key(connection: Connection, asked: list[ask.ByKey], facts: Facts) -> Iterable[str]:
    keys = [(one.key,) for one in asked]
    facts.by_key.update(dict.fromkeys(key for (key,) in keys))
    for one in _submissions(facts, _BY_KEY.rows(connection, keys)):
        facts.by_key[one.key] = one.axis_id
    return ()


_BY_PARCEL = Query(2, f"{_FROM_SUBMISSION} t.parcel_digest = k.c1 AND t.sender = k.c0")


def _by_parcel(connection: Connection, asked: list[ask.ByParcel], facts: Facts) -> Iterable[str]:
    keys = [(one.sender, one.parcel_digest) for one in asked]
    facts.by_parcel.update(dict.fromkeys(keys))
    for one in _submissions(facts, _BY_PARCEL.rows(connection, keys)):
        _earlier(facts.by_parcel, (one.sender, one.parcel_digest), one.axis_id)
    return ()


_REPETITION = Query(
    2,
    "SELECT t.sender, t.content_digest, t.axis_id, t.receipt_digest FROM {keys} CROSS JOIN repetition t "
    "WHERE t.sender = k.c0 AND t.content_digest = k.c1",
)


def _by_content(connection: Connection, asked: list[ask.ByContent], facts: Facts) -> Iterable[str]:
    keys = [(one.sender, one.content_digest) for one in asked]
    facts.by_content.update(dict.fromkeys(keys))
    for sender, content_digest, axis_id, receipt_digest in _REPETITION.rows(connection, keys):
        facts.by_content[sender, content_digest] = (axis_id, receipt_digest)
    return ()


_BY_NAME = Query(1, f"{_FROM_SUBMISSION} t.axis_id = k.c0")


def _by_name(connection: Connection, asked: list[ask.ByName], facts: Facts) -> Iterable[str]:
    _read_submissions(connection, [one.axis_id for one in asked], facts)
    return ()


def _read_submissions(connection: Connection, names: Sequence[str], facts: Facts) -> None:
    facts.by_name.update(dict.fromkeys(names))
    _submissions(facts, _BY_NAME.rows(connection, [(name,) for name in names]))


_SENT_AS = Query(
    4,
    f"{_FROM_SUBMISSION} {_BY_CONTENT.format(document_id='k.c2', digest='k.c3')} AND t.sender = k.c0 AND t.kind = k.c1",
)


def _sent_as(connection: Connection, asked: list[ask.SentAs], facts: Facts) -> Iterable[str]:
    facts.sent_as.update(dict.fromkeys(asked))
    keys = [(one.sender, one.kind, one.document_id, one.content_digest) for one in asked]
    for one in _submissions(facts, _SENT_AS.rows(connection, keys)):
        _earlier(facts.sent_as, ask.SentAs(one.sender, one.kind, one.document_id, one.content_digest), one.axis_id)
    return ()


_OF_CHANGE = Query(
    4,
    f"{_FROM_SUBMISSION} {_BY_CONTENT.format(document_id='k.c1', digest='k.c3')} AND t.owner = k.c0 AND t.kind = k.c2",
)


def _of_change(connection: Connection, asked: list[ask.OfChange], facts: Facts) -> Iterable[str]:
    facts.of_change.update(dict.fromkeys(asked))
    keys = [(*one.document, one.kind, one.content_digest) for one in asked]
    for one in _submissions(facts, _OF_CHANGE.rows(connection, keys)):
        _earlier(facts.of_change, ask.OfChange(one.document, one.kind, one.content_digest), one.axis_id)
    return ()


_REFUSED = Query(
    2,
    "SELECT t.sender, t.digest, t.receipt_digest, t.retry, p.content, p.segment FROM {keys} CROSS JOIN refusal t "
    "LEFT JOIN payload p ON p.digest = t.receipt_digest WHERE t.sender = k.c0 AND t.digest = k.c1",
)


def _refused(connection: Connection, asked: list[ask.RefusedAs], facts: Facts) -> Iterable[str]:
    keys = [(one.sender, one.digest) for one in asked]
    facts.refused.update(dict.fromkeys(keys))
    for sender, digest, receipt_digest, retry, content, segment in _REFUSED.rows(connection, keys):
        if segment:  # with a great many findings
            content = payloads.get_sound(connection, [receipt_digest]).get(receipt_digest)  # noqa: PLW2901
        facts.refused[sender, digest] = Refused(receipt_digest, bool(retry), _named(receipt_digest, content))
    return ()


def _named(receipt_digest: Digest, content: bytes | None) -> Digest:
    """The parcel that a stored A.2 names; "" for one from before they named parcels, and for a damaged one."""
    if content is None or digest_of(content) != receipt_digest:
        return ""
    try:
        return receipt.read(parcel.peek(bytes(content))[1], HUB).statements[0].parcel
    except Rejected:
        return ""


_RECIPIENTS = Query(2, f"{_FROM_DELIVERY} {_OF_DOCUMENT} AND t.role = 'document'")


def _recipients(connection: Connection, asked: list[ask.Recipients], facts: Facts) -> Iterable[str]:
    keys = [one.document for one in asked]
    facts.recipients.update({document: {} for document in keys})
    found = _deliveries(facts, _RECIPIENTS.rows(connection, keys))
    for one in found:
        facts.recipients[one.document][one.recipient] = one.id
    unknown = [one.id for one in found if one.id not in facts.all_demands]
    if unknown:
        _read_demands(connection, _RECALLS, unknown, facts)
    return ()


_BROUGHT = Query(3, f"{_FROM_DELIVERY} {_OF_DOCUMENT} AND t.role = 'document' AND t.recipient = k.c2")


def _brought(connection: Connection, asked: list[ask.Brought], facts: Facts) -> Iterable[str]:
    facts.brought.update(dict.fromkeys((one.document, one.recipient) for one in asked))
    found = _deliveries(facts, _BROUGHT.rows(connection, [(*one.document, one.recipient) for one in asked]))
    for one in found:
        facts.brought[one.document, one.recipient] = one.id
    unknown = [one.id for one in found if one.id not in facts.all_demands]
    if unknown:
        _read_demands(connection, _RECALLS, unknown, facts)
    return [one.id for one in found]


_TAKING_BACK = Query(2, f"{_FROM_DELIVERY} {_OF_DOCUMENT} AND t.role = 'recall'")


def _taking_back(connection: Connection, asked: list[ask.TakingBack], facts: Facts) -> Iterable[str]:
    keys = [one.document for one in asked]
    facts.taking_back.update({document: {} for document in keys})
    for one in _deliveries(facts, _TAKING_BACK.rows(connection, keys)):
        facts.taking_back[one.document][one.recipient] = one.id
    return ()


# Of those that are over one is enough to say that a version was tried, however many there were.
_TO_MEMBER = f"{_X_OF_DOCUMENT} AND x.role = 'update' AND x.recipient = k.c2"
_UPDATING = Query(3, f"{_FROM_DELIVERY} {_TO_MEMBER.replace('x.', 't.')} AND t.state NOT IN ({_OVER})")
_TRIED_UPDATE = newest(
    3,
    _DELIVERY,
    "delivery",
    "id",
    f"{_TO_MEMBER} AND x.tried AND x.state IN ({_OVER})",
    order="x.id DESC",
    limit="1",
    keys="{keys}",
)


def _updating(connection: Connection, asked: list[ask.Updating], facts: Facts) -> Iterable[str]:
    keys = [(*one.document, one.recipient) for one in asked]
    facts.updating.update(dict.fromkeys(((one.document, one.recipient) for one in asked), ()))
    rows = [*_UPDATING.rows(connection, keys), *_TRIED_UPDATE.rows(connection, keys)]
    for one in _deliveries(facts, rows):
        facts.updating[one.document, one.recipient] += (one.id,)
    return ()


_PART = Query(2, f"{_FROM_DELIVERY} t.axis_id = k.c0 AND t.recipient = k.c1")


def _part(connection: Connection, asked: list[ask.Part], facts: Facts) -> Iterable[str]:
    keys = [(one.axis_id, one.recipient) for one in asked]
    facts.parts.update(dict.fromkeys(keys))
    found = _deliveries(facts, _PART.rows(connection, keys))
    for one in found:
        facts.parts[one.axis_id, one.recipient] = one.id
    return [one.id for one in found]


_BY_ID = Query(1, f"{_FROM_DELIVERY} t.id = k.c0")


def _by_id(connection: Connection, asked: list[ask.ById], facts: Facts) -> Iterable[str]:
    facts.by_id.update(one.delivery_id for one in asked)
    return _bare(connection, asked, facts) or [one.delivery_id for one in asked]


def _bare(connection: Connection, asked: Sequence[ask.ById | ask.Bare], facts: Facts) -> Iterable[str]:
    found = _deliveries(facts, _BY_ID.rows(connection, [(one.delivery_id,) for one in asked]))
    unknown = {one.axis_id for one in found} - facts.submissions.keys()
    if unknown:
        _read_submissions(connection, sorted(unknown), facts)
    return ()


_DEMAND = "t.delivery_id, t.number, t.unit, t.demand, t.asked_by, t.stage"
_FROM_DEMAND = f"SELECT {_DEMAND} FROM {{keys}} CROSS JOIN demand t WHERE t.delivery_id = k.c0"
_IN_ORDER = "ORDER BY t.delivery_id, t.number, t.unit"
_ALL_DEMANDS = Query(1, f"{_FROM_DEMAND} {_IN_ORDER}")
_RECALLS = Query(1, f"{_FROM_DEMAND} AND t.demand = 'recall' {_IN_ORDER}")


def _read_demands(connection: Connection, query: Query, delivery_ids: Sequence[str], facts: Facts) -> None:
    facts.demands.update({identifier: {} for identifier in delivery_ids})
    for identifier, number, unit, demand, asked_by, stage in query.rows(connection, [(one,) for one in delivery_ids]):
        known = facts.demands[identifier].get(number)
        if known is None:
            known = facts.demands[identifier][number] = Demanded(number, _DEMANDS[demand], asked_by, {})
        cast("dict[str, Stage]", known.stages)[unit] = _STAGES[stage]


def _demands(connection: Connection, asked: list[ask.Demands], facts: Facts) -> Iterable[str]:
    names = [one.delivery_id for one in asked]
    _read_demands(connection, _ALL_DEMANDS, names, facts)
    facts.all_demands.update(names)
    return ()


_ASKED_BY = Query(
    1,
    f"SELECT {_DELIVERY}, q.asked_by FROM {{keys}} CROSS JOIN demand q CROSS JOIN delivery t "
    "WHERE q.asked_by = k.c0 AND t.id = q.delivery_id",
)


def _asked_by(connection: Connection, asked: list[ask.AskedBy], facts: Facts) -> Iterable[str]:
    rows = _ASKED_BY.rows(connection, [(one.axis_id,) for one in asked])
    about: dict[str, set[str]] = {one.axis_id: set() for one in asked}
    for row in rows:
        about[row[-1]].add(row[0])
    _deliveries(facts, {row[0]: row for row in rows}.values())
    facts.asked_by.update({axis_id: tuple(sorted(names)) for axis_id, names in about.items()})
    unknown = {name for names in about.values() for name in names} - facts.all_demands
    if unknown:
        _read_demands(connection, _ALL_DEMANDS, sorted(unknown), facts)
        facts.all_demands.update(unknown)
    return ()


_ASKED_OF = Query(
    4,
    f"SELECT {_DELIVERY}, q.number, q.unit, q.demand, q.asked_by, q.stage FROM {{keys}} CROSS JOIN delivery t "
    "CROSS JOIN demand q WHERE t.document_id = k.c2 AND t.owner = k.c1 AND t.role = 'document' AND t.recipient = k.c3 "
    "AND q.delivery_id = t.id AND q.asked_by = k.c0",
)


def _asked_of(connection: Connection, asked: list[ask.AskedOf], facts: Facts) -> Iterable[str]:
    keys = [(one.axis_id, *one.document, one.recipient) for one in asked]
    found: dict[ask.AskedOf, dict[tuple[str, int], None]] = {one: {} for one in asked}
    stages: dict[tuple[str, int], dict[str, Stage]] = {}
    rows = _ASKED_OF.rows(connection, keys)
    names = {one.id: one for one in _deliveries(facts, {row[0]: row for row in rows}.values())}
    for row in rows:
        number, unit, demand, asked_by, stage = row[-5:]
        one, key = names[row[0]], (row[0], number)
        found[ask.AskedOf(asked_by, one.document, one.recipient)][key] = None
        stages.setdefault(key, {})[unit] = _STAGES[stage]
        facts.single[key] = Demanded(number, _DEMANDS[demand], asked_by, stages[key])
    facts.asked_of.update({question: tuple(sorted(numbers)) for question, numbers in found.items()})
    return ()


_LAST_DEMAND = Query(
    2,
    "SELECT t.owner, t.document_id, max((SELECT max(q.number) FROM demand q WHERE q.delivery_id = t.id)) "
    f"FROM {{keys}} CROSS JOIN delivery t WHERE {_OF_DOCUMENT} AND t.role = 'document' GROUP BY t.owner, t.document_id",
)


def _last_demand(connection: Connection, asked: list[ask.LastDemand], facts: Facts) -> Iterable[str]:
    keys = [one.document for one in asked]
    facts.last_demand.update(dict.fromkeys(keys, 0))
    for owner, document_id, number in _LAST_DEMAND.rows(connection, keys):
        facts.last_demand[owner, document_id] = number or 0
    return ()


# Changes are numbered from 1: those that a rule asks for are found by their numbers, however many there are.
_LAST_NUMBER = f"SELECT max(x.number) FROM submission x WHERE {_X_OF_DOCUMENT} AND x.kind = k.c2"
_LATELY = Query(
    3,
    f"SELECT n.c0, n.c1, n.c2, n.last, t.number, t.received_at FROM (SELECT k.*, ({_LAST_NUMBER}) AS last "
    "FROM {keys}) n LEFT JOIN submission t ON t.document_id = n.c1 AND t.owner = n.c0 AND t.kind = n.c2 "
    "AND t.number > n.last - {n} AND t.number <= n.last - {n} + {n} AND t.number > 0",
)


def _lately(connection: Connection, asked: list[ask.Lately], facts: Facts) -> Iterable[str]:
    keys, shown = [(*one.document, one.kind) for one in asked], max(one.shown for one in asked)
    day = admission.CHANGES_A_DAY
    found: dict[tuple[Document, str], tuple[int, dict[int, str]]] = {}
    for owner, document_id, kind, last, number, received_at in _LATELY.rows(connection, keys, day, day, shown):
        first = (last or 0) - day + 1
        empty = dict.fromkeys(range(max(1, first), first + shown), "")
        _, times = found.setdefault(((owner, document_id), kind), (last or 0, empty))
        if number is not None:
            times[number] = received_at
    facts.lately.update(found)
    return ()


_KINDS = "(SELECT 'new' AS kind UNION ALL SELECT 'update' UNION ALL SELECT 'replace') v"
_NEWEST = newest(
    2,
    _SUBMISSION,
    "submission",
    "axis_id",
    f"{_X_OF_DOCUMENT} AND x.kind = v.kind AND x.has_content",
    order="x.number DESC",
    limit="1",
    keys=f"{{keys}} CROSS JOIN {_KINDS}",
)


def _newest_version(connection: Connection, asked: list[ask.Newest], facts: Facts) -> Iterable[str]:
    keys = [one.document for one in asked]
    facts.newest.update(dict.fromkeys(keys))
    for one in _submissions(facts, _NEWEST.rows(connection, keys)):
        facts.newest[one.document] = max(facts.newest[one.document] or "", one.axis_id)
    return ()


_OWN = Query(2, f"{_FROM_SUBMISSION} {_OF_DOCUMENT} AND t.kind IN ('new', 'replace')")


def _own(connection: Connection, asked: list[ask.Own], facts: Facts) -> Iterable[str]:
    keys = [one.document for one in asked]
    facts.own.update(dict.fromkeys(keys))
    for one in _submissions(facts, _OWN.rows(connection, keys)):
        _earlier(facts.own, one.document, one.axis_id)
    return ()


_HELD_UNTIL = Query(
    2,
    "SELECT t.owner, t.document_id, max(o.not_before) FROM {keys} CROSS JOIN delivery t CROSS JOIN outbox o "
    f"WHERE {_OF_DOCUMENT} AND t.role = 'document' AND o.delivery_id = t.id AND o.attempts = 0 "
    "GROUP BY t.owner, t.document_id",
)


def _held_until(connection: Connection, asked: list[ask.HeldUntil], facts: Facts) -> Iterable[str]:
    keys = [one.document for one in asked]
    facts.held_until.update(dict.fromkeys(keys, ""))
    for owner, document_id, moment in _HELD_UNTIL.rows(connection, keys):
        facts.held_until[owner, document_id] = moment
    return ()


_IS_OVER = f"(x.state IN ({_OVER}) OR (x.state = 'FAILED' AND x.closed))"
_OPEN = newest(
    2,
    f"t.owner, t.document_id, t.id, {_IS_OVER.replace('x.', 't.')}",
    "delivery",
    "id",
    f"{_X_OF_DOCUMENT} AND x.role = 'document'",
    order=_IS_OVER,
    limit="{n}",
    keys="{keys}",
)


def _open(connection: Connection, asked: list[ask.Open], facts: Facts) -> Iterable[str]:
    shown = max(one.shown for one in asked)
    found: dict[Document, tuple[list[str], list[str]]] = {one.document: ([], []) for one in asked}
    for owner, document_id, identifier, is_over in _OPEN.rows(connection, [one.document for one in asked], shown):
        found[owner, document_id][bool(is_over)].append(identifier)
    for document, (still, over) in found.items():
        facts.open[document] = (tuple(still), len(still) + len(over), bool(over) or len(still) < shown)
    return ()


_RECEIPTS = Query(
    1,
    "SELECT t.axis_id, t.event, t.recipient, t.receipt_digest, t.time FROM {keys} CROSS JOIN statement t "
    "WHERE t.axis_id = k.c0 ORDER BY t.time",
)


def _receipts(connection: Connection, asked: list[ask.Receipts], facts: Facts) -> Iterable[str]:
    facts.receipts.update({one.axis_id: {} for one in asked})
    for axis_id, event, recipient, digest, time in _RECEIPTS.rows(connection, [(one.axis_id,) for one in asked]):
        facts.receipts[axis_id][event, recipient] = Said(digest, time)
    return ()


_STATED = Query(
    4,
    "SELECT t.issuer, t.event, t.axis_id, t.recipient, t.receipt_digest FROM {keys} CROSS JOIN statement t "
    "WHERE t.issuer = k.c0 AND t.event = k.c1 AND t.axis_id = k.c2 AND t.recipient = k.c3",
)


def _stated(connection: Connection, asked: list[ask.Stated], facts: Facts) -> Iterable[str]:
    facts.stated.update(dict.fromkeys(asked))
    keys = [(one.issuer, one.event, one.axis_id, one.recipient) for one in asked]
    for *key, digest in _STATED.rows(connection, keys):
        facts.stated[ask.Stated(*key)] = digest
    return ()


_HOME = ", ".join(f"t.{field.name}" for field in fields(Known))
_HOMES = Query(
    1,
    f"SELECT t.agency, {_HOME} FROM {{keys}} CROSS JOIN adapter_home t WHERE t.agency = k.c0 "
    "ORDER BY t.agency, t.instance {lock}",
)


def _homes(connection: Connection, asked: list[ask.Homes], facts: Facts) -> Iterable[str]:
    """They are locked: which home works for an agency is not decided anew while something is decided by it."""
    facts.homes.update(dict.fromkeys((one.agency for one in asked), ()))
    for agency, *known, current, told in _HOMES.rows(connection, [(one.agency,) for one in asked]):
        facts.homes[agency] += (Known(*(*known, bool(current), bool(told))),)
    return ()


_ENTRIES = Query(
    1, "SELECT t.axis_id, t.canonical FROM {keys} CROSS JOIN ledger t WHERE t.axis_id = k.c0 ORDER BY t.id"
)


def _entries(connection: Connection, asked: list[ask.Entries], facts: Facts) -> Iterable[str]:
    found: dict[str, list[Entry]] = {one.axis_id: [] for one in asked}
    for axis_id, canonical in _ENTRIES.rows(connection, [(one.axis_id,) for one in asked]):
        found[axis_id].append(ledger.read(canonical))
    facts.entries.update({axis_id: tuple(entries) for axis_id, entries in found.items()})
    return ()


_QUARANTINED = Query(
    1,
    "SELECT t.agency, t.document_id <> '', count(*) FROM {keys} CROSS JOIN quarantine t WHERE t.agency = k.c0 "
    "GROUP BY t.agency, t.document_id <> ''",
)


def _quarantined(connection: Connection, asked: list[ask.Quarantined], facts: Facts) -> Iterable[str]:
    agencies = {one.agency for one in asked}
    facts.quarantined.update({(agency, waiting): 0 for agency in agencies for waiting in (False, True)})
    for agency, waiting, count in _QUARANTINED.rows(connection, [(agency,) for agency in sorted(agencies)]):
        facts.quarantined[agency, bool(waiting)] = count
    return ()


_BUSINESS = Query(
    1, "SELECT t.delivery_id, t.unit, t.code FROM {keys} CROSS JOIN business_status t WHERE t.delivery_id = k.c0"
)
_REPORTED = Query(
    2,
    "SELECT t.delivery_id, t.unit, t.code FROM {keys} CROSS JOIN business_status t "
    "WHERE t.delivery_id = k.c0 AND t.unit = k.c1",
)
_LIMIT = ", ".join(f"t.{field.name}" for field in fields(Limit))
# An answer to a demand that was given in time is over: of those there are as many as there were updates.
_LIMITS = Query(
    1,
    f"SELECT t.delivery_id, {_LIMIT} FROM {{keys}} CROSS JOIN deadline t WHERE t.delivery_id = k.c0 "
    f"AND (t.next_at <> '' OR t.progress = '{Progress.MISSED.value}' OR t.leg NOT LIKE '{Leg.ANSWER.value}%%')",
)


def _read_statuses_and_limits(
    connection: Connection, delivery_ids: Iterable[str], named: Iterable[tuple[str, str]], facts: Facts
) -> None:
    """Of deliveries with more statuses than a few those that are `named`."""
    keys = [(identifier,) for identifier in sorted(delivery_ids)]
    for (identifier,) in keys:
        facts.business.setdefault(identifier, {})
        facts.limits[identifier] = {}
    known = facts.deliveries
    few = [key for key in keys if key[0] in known and 0 < known[key[0]].reporters <= FEW]
    if few:
        _put_reports(_BUSINESS.rows(connection, few), facts)
    many = [(one, unit) for one, unit in named if known[one].reporters > FEW]
    if many:
        _read_reported(connection, many, facts)
    for identifier, leg, *rest in _LIMITS.rows(connection, keys):
        facts.limits[identifier][leg] = Limit(leg, *rest)


def _put_reports(rows: Iterable[Any], facts: Facts) -> None:
    for identifier, unit, code in rows:
        facts.business.setdefault(identifier, {})[unit] = code


def _read_reported(connection: Connection, keys: Sequence[tuple[str, str]], facts: Facts) -> None:
    for identifier, unit in keys:
        facts.business.setdefault(identifier, {})[unit] = ""
    _put_reports(_REPORTED.rows(connection, keys), facts)


def _reported(connection: Connection, asked: list[ask.Reported], facts: Facts) -> Iterable[str]:
    _read_reported(connection, [(one.delivery_id, one.unit) for one in asked], facts)
    return ()


def _reports(connection: Connection, asked: list[ask.Reports], facts: Facts) -> Iterable[str]:
    _put_reports(_BUSINESS.rows(connection, [(one.delivery_id,) for one in asked]), facts)
    return ()


_READERS: dict[type, Callable[[Connection, Any, Facts], Iterable[str]]] = {
    ask.ByKey: _by_key,
    ask.ByParcel: _by_parcel,
    ask.ByContent: _by_content,
    ask.ByName: _by_name,
    ask.SentAs: _sent_as,
    ask.OfChange: _of_change,
    ask.RefusedAs: _refused,
    ask.Recipients: _recipients,
    ask.Brought: _brought,
    ask.TakingBack: _taking_back,
    ask.Updating: _updating,
    ask.Part: _part,
    ask.ById: _by_id,
    ask.Bare: _bare,
    ask.Reported: _reported,
    ask.Reports: _reports,
    ask.Demands: _demands,
    ask.AskedBy: _asked_by,
    ask.AskedOf: _asked_of,
    ask.LastDemand: _last_demand,
    ask.Lately: _lately,
    ask.Newest: _newest_version,
    ask.Own: _own,
    ask.HeldUntil: _held_until,
    ask.Open: _open,
    ask.Receipts: _receipts,
    ask.Stated: _stated,
    ask.Entries: _entries,
    ask.Homes: _homes,
    ask.Quarantined: _quarantined,
}
