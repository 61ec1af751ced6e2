"""What one agency may know of the hub's record: what it has sent, and what was delivered to it. Everything else is not
there for it, and is told in the same words as what never was.

Of a document that it has sent it sees all; of one that it got only what concerns itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from axis.errors import Fault, Problem
from axis.infra.record import find, listing
from axis.infra.record.find import Narrowed
from axis.services.questions import board as boards
from axis.services.questions import dead_ends, trace
from axis.services.questions import listing as lists
from axis.services.questions import report as reports

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from axis.core.figures import Period
    from axis.core.registry import Registry
    from axis.core.types.typeset import Types
    from axis.core.why import Cause
    from axis.infra.database import Row
    from axis.infra.record.figures import By
    from axis.infra.record.listing import Wanted
    from axis.infra.record.store import HubReader, HubStore
    from axis.services.questions.listing import Page

SENT, RECEIVED = "sent", "received"
_OF_ALL = {"submission.accepted"}  # what happened to nobody alone: without its details


def page(
    store: HubStore,
    registry: Callable[[], Registry],
    code: str,
    direction: str,
    wanted: Wanted,
    now: datetime,
    *,
    causes: Collection[Cause] = (),
    after: str = "",
    limit: int = 50,
) -> Page:
    """See :func:`axis.services.questions.listing.page`: what agency `code` has sent, or what has come to it; of the
    latter its own delivery alone. Whatever `wanted` says of the agency's own side is overridden."""
    mine = wanted._replace(sender=code) if direction == SENT else wanted._replace(recipients=(code,))
    return lists.page(store, registry, mine, now, causes=causes, after=after, limit=limit)


def traced(
    store: HubStore,
    registry: Callable[[], Registry],
    code: str,
    reference: str,
    narrowed: Narrowed | None,
    now: datetime,
) -> dict[str, Any]:
    """See :func:`axis.services.questions.trace.trace`. Raises :class:`NotTheOne`, whose candidates and refusals are the
    agency's own."""
    value = trace.trace(store, _own(store, code, reference, narrowed), registry=registry, now=now)
    if value["document"]["sender"] == code:
        return value
    kept = {one["axis_id"] for one in value["submissions"] if one["sender"] == code}
    kept.add(value["document"]["axis_id"])
    changes = [{**one, "units": _of(code, one["units"])} for one in value["changes"]]
    changes = [one for one in changes if one["units"]]
    kept |= {one["axis_id"] for one in changes}
    document = {**value["document"], "superseded_by": ""}
    document["superseded_by"] = _known(store, code, value["document"])
    return {
        **value,
        "document": document,
        "deliveries": _of(code, value["deliveries"]),
        "changes": changes,
        "submissions": [one for one in value["submissions"] if one["axis_id"] in kept],
        "events": [
            one if one["recipient"] == code else {**one, "detail": {}}
            for one in value["events"]
            if one["recipient"] == code or (one["event"] in _OF_ALL and one["axis_id"] in kept and not one["recipient"])
        ],
        "why": _of(code, value["why"]),
    }


def board(
    store: HubStore, registry: Registry, code: str, reference: str, narrowed: Narrowed | None, now: datetime
) -> dict[str, Any]:
    """See :func:`axis.services.questions.board.board`. Raises :class:`NotTheOne` as :func:`traced` does."""
    value = boards.board(store, registry, _own(store, code, reference, narrowed), now)
    if value["document"]["sender"] == code:
        return value
    lines_ = _of(code, value["recipients"])
    overdue = sum(bool(one["overdue"]) for one in lines_)
    totals = {"recipients": len(lines_), **{one["standing"]: 1 for one in lines_}, "overdue": overdue}
    return {**value, "recipients": lines_, "totals": totals, "certificate": ""}


def status(value: Mapping[str, Any], code: str) -> dict[str, Any]:
    """Of the answer of :func:`axis.services.questions.status.status` what waits for the agency, and when it last sent
    and took something. What the day has brought to everybody is not told."""
    return {
        "today": {},
        "is_more": False,
        "causes": [one for one in value["causes"] if one["agency"] == code],
        "agencies": [one for one in value["agencies"] if one["code"] == code],
    }


def report(
    store: HubStore, registry: Registry, code: str, asked: Period, by: By, now: datetime, types: Types | None
) -> dict[str, Any]:
    """See :func:`axis.services.questions.report.report`: what the agency has sent, and what was delivered to it."""
    value = reports.report(store, registry, asked, by, now, code, types)
    return value if by != "agency" else {**value, "rows": [one for one in value["rows"] if one["key"] == code]}


def dead(reader: HubReader, code: str, limit: int) -> list[dict[str, Any]]:
    """See :func:`axis.services.questions.dead_ends.found`: from the agency, or to it."""
    items = dead_ends.found(reader, dead_ends.Selection(agency=code, limit=limit))
    return [one for one in items if code in {one["agency"], one["sender"]}]


def _of(code: str, rows: Iterable[Any]) -> list[Any]:
    return [one for one in rows if one["recipient"] == code]


def _own(store: HubStore, code: str, reference: str, narrowed: Narrowed | None) -> str:
    """The axis id of the one submission of the agency's that is meant. What others have under that name changes nothing
    in the answer."""
    asked = narrowed or Narrowed()
    with store.reading() as reader:
        mine = asked.sender in {"", code}
        own = find.find(reader, reference, asked._replace(sender=code)) if mine else find.Found()
        others = find.exactly(reader, reference, asked)
        exact = {one["axis_id"]: one for one in (*own.exact, *_visible(reader, code, others))}
        came = _come(reader, code, reference, asked) if not exact else []
    typed = reference.strip().lower()
    documents = [one for one in exact.values() if one["kind"] in trace.DOCUMENTS] or list(exact.values())
    whole = [one for one in exact.values() if typed in {one["axis_id"], one["content_digest"], one["parcel_digest"]}]
    found = whole or documents
    if len(found) == 1:
        return str(found[0]["axis_id"])
    if found:
        names = ", ".join(f"{one['axis_id']} ({one['sender']} {one['code']})" for one in found[:5])
        raise trace.NotTheOne(Problem(Fault.AMBIGUOUS, got=reference, expected=names), found)
    similar = {one["axis_id"]: one for one in (*own.similar, *came)}
    shown = sorted(similar.values(), key=lambda one: str(one["axis_id"]), reverse=True)
    refused = [one for one in own.refused if one["sender"] == code]
    raise trace.NotTheOne(Problem(Fault.NOT_FOUND, got=reference), shown, refused)


def _come(reader: HubReader, code: str, words: str, within: Narrowed) -> list[Row]:
    """What has come to the agency with all these words in its subject, the newest first."""
    wanted = listing.Wanted(within.sender, (code,), since=within.since, before=within.before, words=words)
    return find.by_words(reader, wanted)


def _visible(reader: HubReader, code: str, rows: Sequence[Row]) -> list[Row]:
    """Those that the agency has sent, or that were delivered to it: two statements for all of them."""
    others = [one for one in rows if one["sender"] != code]
    if not others:
        return list(rows)
    came: set[object] = {
        one["axis_id"]
        for one in listing.of_submissions(reader, [one["axis_id"] for one in others])
        if one["recipient"] == code
    }
    documents = [(one["owner"], one["document_id"]) for one in others if one["kind"] in trace.DOCUMENTS]
    came |= {
        (one["owner"], one["document_id"])
        for one in listing.of_documents(reader, documents)
        if one["recipient"] == code
    }
    return [one for one in rows if one["sender"] == code or came & {one["axis_id"], _name(one)}]


def _name(row: Row) -> object:
    return (row["owner"], row["document_id"]) if row["kind"] in trace.DOCUMENTS else ""


def _known(store: HubStore, code: str, document: Mapping[str, Any]) -> str:
    """What has replaced the document, where that came to the agency, too."""
    if not (by := document["superseded_by"]):
        return ""
    with store.reading() as reader:
        found = find.exactly(reader, by, Narrowed(document["sender"]))
        return str(by) if _visible(reader, code, found) else ""
