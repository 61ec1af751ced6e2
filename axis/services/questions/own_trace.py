"""What an agency's own home can know of a document: what it has given and got, and what receipts have told it since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from axis.core.hub.lifecycle import State
from axis.core.instant import to_text
from axis.core.registry import HUB
from axis.errors import AxisError, Fault, Problem
from axis.infra.journal import find
from axis.services.questions import asked, reasons, reported, types
from axis.services.questions.own import STATES, cause_of
from axis.services.questions.trace import NotTheOne

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from axis.core.ledger import Entry
    from axis.core.registry import Registry
    from axis.infra.journal.journals import Journal
    from axis.infra.record.find import Narrowed

DOCUMENTS = ("new", "replace", "document")
# What the last receipt about a recipient tells of a delivery: (cause, who has to act, its state).
_TOLD = {
    "D.1": ("queued", "recipient", State.QUEUED),
    "D.2": ("given_up", "sender", State.FAILED),
    "E.1": ("arrived", "recipient", State.HANDED_OVER),
    "E.2": ("refused", "sender", State.REFUSED),
    "W.1": ("recalled", "nobody", State.RECALLED),
    "W.2": ("asked", "recipient", State.HANDED_OVER),
}
_ANSWERED = ("answered", "sender", State.HANDED_OVER)
_UNTOLD = ("leaving", "hub", State.ACCEPTED)
_TROUBLE = {"refused", "given_up"}
# What a clerk may speak of: sent, perhaps not answered yet; or seen. What was withdrawn unseen stays so.
_SPOKEN_OF = {"pending", "accepted", "handing_over", "shown", "handed_over"}
_CAME = {"handed_over": State.HANDED_OVER, "refused": State.REFUSED}
_CAME |= dict.fromkeys(("withdrawing", "withdrawn"), State.RECALLED)


def trace(
    journals: Mapping[str, Journal],
    reference: str,
    narrowed: Narrowed | None = None,
    registry: Callable[[], Registry] | None = None,
) -> dict[str, Any]:
    """What this home knows of the one document that is meant; the same form as
    :func:`axis.services.questions.trace.trace`, with ``findings`` of what was refused. `registry` says whose unit an
    organ is.

    Raises :class:`NotTheOne`: NOT_FOUND, with what is like it, or AMBIGUOUS, with all that it names."""
    codes = list(journals)
    with next(iter(journals.values())).database.read() as connection:
        found = find.find(connection, codes, reference, find.Within(narrowed=narrowed))
        about = _the_one(reference, found.exact, found.similar)
        if about["kind"] in DOCUMENTS and about["document_id"]:
            family = find.family(connection, codes, about["sender"], about["document_id"])
            answers = find.answered(connection, codes, about["document_id"])
        else:
            family, answers = find.under(connection, codes, about["axis_id"]) if about["axis_id"] else [about], {}
        changes = _changes(connection, about, family)
        mine = [row for row in family if row["axis_id"] == about["axis_id"]]
        given = dict(zip(map(_key, mine), reasons.of(connection, mine), strict=True))
    entries = _entries(journals, family)
    causes = [
        _of_row(row, changes, given[_key(row)])
        for row in mine
        if row["direction"] == "incoming" or row["state"] != "accepted"
    ]
    if any(row["direction"] == "outgoing" and row["state"] == "accepted" for row in mine):
        causes += _told(about, entries, answers, {one["recipient"] for one in causes}, registry)
    gone = "" if any(row["kept"] for row in mine) or not about["axis_id"] else "retention"
    if any(row["state"] in {"withdrawing", "withdrawn"} for row in mine):
        gone = gone and "recall"
    shown = ("axis_id", "kind", "sender", "document_id", "code", "subject", "content_digest")
    document = {name: about[name] for name in shown} | {"from": about["sender"], "received_at": about["moment"]}
    if about["type"]:
        document["type"] = types.of_row(**about["type"])
    reported.amend(journals, document, causes, registry)
    return {
        "document": document | {"kept": not gone, "gone": gone},
        "why": sorted(causes, key=lambda one: (not one["is_trouble"], one["recipient"])),
        "findings": given.get(_key(about), []),
        "deliveries": [_delivery(one, mine) for one in causes if one["recipient"]],
        "changes": asked.as_changes(changes),
        "submissions": _submissions(family),
        "events": [_event(one) for one in entries],
    }


def sent(journals: Mapping[str, Journal], reference: str, narrowed: Narrowed | None = None) -> dict[str, Any]:
    """The document of these agencies' own that is meant, accepted or on its way. Raises :class:`NotTheOne`."""
    return _one_of(journals, reference, narrowed, "outgoing")


def received(journals: Mapping[str, Journal], reference: str, narrowed: Narrowed | None = None) -> dict[str, Any]:
    """What has come to these agencies and is meant. Raises :class:`NotTheOne`; CAME_TO_SEVERAL where that is so."""
    return _one_of(journals, reference, narrowed, "incoming")


def _one_of(
    journals: Mapping[str, Journal], reference: str, narrowed: Narrowed | None, direction: str
) -> dict[str, Any]:
    codes, within = list(journals), find.Within(direction, _SPOKEN_OF, narrowed)
    with next(iter(journals.values())).database.read() as connection:
        found = find.find(connection, codes, reference, within)
        about = _the_one(reference, found.exact, found.similar)
        came = find.came_to(connection, codes, about["axis_id"], _SPOKEN_OF) if direction == "incoming" else []
    if len(came) > 1:
        raise NotTheOne(Problem(Fault.CAME_TO_SEVERAL, got=reference, expected=", ".join(came)))
    return about


def turned_round(journals: Mapping[str, Journal], reference: str, error: NotTheOne, *, came: bool = False) -> NotTheOne:
    """What is said of a document that was asked for as one that was sent (or has `came`), was not found as `error`
    says, and is the other."""
    if error.fault is not Fault.NOT_FOUND:
        return error
    codes, within = list(journals), find.Within("outgoing" if came else "incoming", _SPOKEN_OF)
    with next(iter(journals.values())).database.read() as connection:
        rows = [row for row in find.find(connection, codes, reference, within).exact if row["kind"] in DOCUMENTS]
    if not rows:
        return error
    senders = ", ".join(dict.fromkeys(row["sender"] for row in rows))
    return NotTheOne(Problem(Fault.SENT_FROM_HERE if came else Fault.NOT_YOURS, got=reference, expected=senders))


def _the_one(reference: str, exact: Sequence[dict[str, Any]], similar: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The row that is meant: a document before what is about it, what was accepted before what was refused."""
    typed = reference.strip().lower()
    whole = [row for row in exact if typed in {row["axis_id"], row["content_digest"]}]
    rows = whole or [row for row in exact if row["kind"] in DOCUMENTS] or list(exact)
    # Who has sent it knows more of it than who has got it.
    rows.sort(key=lambda row: (row["state"] in {"refused", "invalid"}, row["direction"] != "outgoing"))
    by_document = {(row["sender"], row["document_id"] or row["source_digest"]): row for row in reversed(rows)}
    if len(by_document) == 1:
        return rows[0]
    like = [row for row in similar if row["kind"] in DOCUMENTS] or similar
    once = {(row["sender"], row["document_id"] or row["source_digest"]): row for row in like}
    shown = list(map(_candidate, by_document.values() if by_document else once.values()))
    if by_document:
        names = ", ".join(f"{row['axis_id']} ({row['sender']} {row['code']})" for row in shown[:5])
        raise NotTheOne(Problem(Fault.AMBIGUOUS, got=reference, expected=names), shown)
    raise NotTheOne(Problem(Fault.NOT_FOUND, got=reference), shown)


def _candidate(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "axis_id": row["axis_id"] or row["source_digest"][:16], "received_at": row["moment"]}


def _entries(journals: Mapping[str, Journal], family: Iterable[Mapping[str, Any]]) -> list[Entry]:
    """What these journals say of the document and of what is about it, in order."""
    pairs = dict.fromkeys((row["agency"], row["axis_id"]) for row in family if row["axis_id"])
    found = next(iter(journals.values())).all.events_of(list(pairs))
    return sorted(found, key=lambda one: one.time)


def _submissions(family: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The document and what is about it, each once, in order."""
    found: dict[str, dict[str, Any]] = {}
    for row in sorted(family, key=lambda row: str(row["moment"])):
        if row["axis_id"]:
            known = {"axis_id": row["axis_id"], "kind": row["kind"], "sender": row["sender"], "at": row["moment"]}
            found.setdefault(row["axis_id"], known)
    return list(found.values())


def _changes(connection: Any, about: Mapping[str, Any], family: Iterable[Mapping[str, Any]]) -> list[asked.Asked]:
    """What was asked about the document of those of this home that have it; of a recall or update, itself."""
    keys = {(row["agency"], row["owner"], row["document_id"]) for row in family if row["direction"] == "incoming"}
    found = [one for several in asked.of(connection, sorted(keys)).values() for one in several]
    if about["kind"] not in DOCUMENTS:
        found = [one for one in found if one.axis_id == about["axis_id"]]
    return asked.with_reasons(connection, found)


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    return (row["agency"], row["source_digest"])


def _of_row(
    row: Mapping[str, Any], changes: Iterable[asked.Asked], findings: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    rank, actor = STATES.get(row["state"], (2, "nobody"))
    recipient = row["agency"] if row["direction"] == "incoming" else ""
    told = asked.last(one for one in changes if one.agency == recipient) if row["state"] in asked.SHOWN else None
    if told is not None and told.cause is not None and (row["kind"] in DOCUMENTS or row["axis_id"] == told.axis_id):
        name, actor = told.cause
        found = _cause(f"own.{name}", recipient, actor, told.since, is_trouble=False)
        return {**found, "facts": {**found["facts"], "sender": told.sender, "reason": told.reason}}
    name = cause_of(row["state"], is_sent=row["direction"] == "outgoing")
    found = _cause(name, recipient, actor, row["moment"], is_trouble=rank == 0)
    return {**found, "facts": {**found["facts"], "reasons": reasons.codes(findings)}}


def _told(
    about: Mapping[str, Any],
    entries: Iterable[Entry],
    answers: Mapping[str, str],
    known: set[str],
    registry: Callable[[], Registry] | None,
) -> list[dict[str, Any]]:
    """Of each recipient what the last receipt has told; `answers`: when its last status about the document came."""
    last: dict[str, tuple[str, str]] = {}
    for entry in entries:
        event = str(entry.detail.get("event", ""))
        if event == "W.2" and entry.detail.get("issuer") == HUB:
            continue  # it was refused before: there is nothing to take back, and nobody is asked
        # A withdrawal stands on the recall's receipt; that the recall was handed over says nothing of the document.
        if entry.event == "receipt.received" and (entry.axis_id == about["axis_id"] or event in {"W.1", "W.2"}):
            for code in entry.detail.get("recipients", ()) if event in _TOLD else ():
                last[code] = (event, to_text(entry.time))
    found = []
    for code in dict.fromkeys([*_codes(about["recipients"], registry), *last]):
        if code not in known:
            event, since = last.get(code, ("", about["moment"]))
            cause, actor, _ = _TOLD.get(event, _UNTOLD)
            if event == "W.2" and answers.get(code, "") > since:
                (cause, actor, _), since = _ANSWERED, answers[code]
            found.append(_cause(f"own.to.{cause}", code, actor, since, is_trouble=cause in _TROUBLE))
    return found


def _codes(organs: Sequence[str], registry: Callable[[], Registry] | None) -> list[str]:
    """The agencies of these organs; an organ that is nobody's as it was written."""
    try:
        members = registry() if organs and registry is not None else None
    except AxisError:
        members = None  # nothing was installed yet
    found = []
    for organ in organs:
        try:
            found.append(members.member_for(organ).code if members is not None else organ)
        except AxisError:
            found.append(organ)
    return found


def _cause(cause: str, recipient: str, actor: str, since: str, *, is_trouble: bool) -> dict[str, Any]:
    facts = {"recipient": recipient}
    named = {"recipient": recipient, "cause": cause, "is_trouble": is_trouble, "actor": actor}
    return {**named, "since": since, "until": "", "facts": facts}


def _delivery(one: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    came = next((r for r in rows if r["direction"] == "incoming" and r["agency"] == one["recipient"]), None)
    told = {f"own.to.{cause}": state for cause, _, state in (*_TOLD.values(), _UNTOLD, _ANSWERED)}
    state = _CAME.get(came["state"], State.QUEUED) if came is not None else told[one["cause"]]
    return {
        "id": "",
        "recipient": one["recipient"],
        "units": [],
        "state": state.value,
        "business_status": "",
        "statuses": {},
        "closed": False,
        "attempts": came["attempts"] if came is not None else 0,
        "next_attempt": None,
        "updated_at": one["since"],
    }


def _event(entry: Entry) -> dict[str, Any]:
    return {
        "time": to_text(entry.time),
        "actor": entry.actor,
        "event": entry.event,
        "recipient": entry.recipient,
        "axis_id": entry.axis_id,
        "detail": entry.detail,
    }
