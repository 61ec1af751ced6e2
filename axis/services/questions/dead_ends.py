"""``axis queue list``: what the hub could not deal with or could not deliver, what the broker has put aside, and what
waits for an operator. Each with its cause: a code of which commands make sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from axis.core.instant import to_text
from axis.errors import AxisError, Fault, Rejected, rejected
from axis.infra.record import quarantine, search

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from axis.core.message import DeadLetter
    from axis.core.registry import Registry
    from axis.infra.database import Row
    from axis.infra.record.store import HubReader

MANY = 200  # dead letters that are looked at: each comes over the line with its bytes
_CAUSES = {
    Fault.QUARANTINED.code: "broke_us",
    Fault.PUBLISHER_OTHER.code: "other_publisher",
    Fault.RECORD_GAP.code: "record_gap",
}


@dataclass(frozen=True)
class Selection:
    """Which dead ends: from or to one agency, with one code, of one kind (``delivery``, ``message``, ``dead_letter``),
    since a moment; not more than `limit` of them."""

    agency: str = ""
    code: str = ""
    since: datetime | None = None
    limit: int = 1000
    what: str = ""

    def has(self, item: dict[str, Any]) -> bool:
        """Whether this one is meant. Of what has no time nobody knows that it was before."""
        since = str(item["since"])
        return (
            self.agency in {"", item["agency"], item["sender"]}
            and self.code in {"", item["code"]}
            and self.what in {"", item["what"]}
            and (self.since is None or not since or since >= to_text(self.since))
        )


def listed(reader: HubReader) -> list[dict[str, Any]]:
    """Everything in the record that waits for an operator: failed deliveries and quarantined messages, the oldest
    first."""
    return found(reader, Selection(limit=0))


def found(reader: HubReader, wanted: Selection) -> list[dict[str, Any]]:
    """Those of the record that are meant, the oldest first, at most `wanted.limit` (0: all)."""
    since, limit = to_text(wanted.since) if wanted.since else "", wanted.limit or None
    items = []
    if wanted.what in {"", "delivery"} and wanted.code in {"", Fault.UNDELIVERED.code}:
        items += [_failed(row) for row in search.failed(reader, wanted.agency, since, limit=limit)]
    if wanted.what in {"", "message"}:
        kept = quarantine.found(reader, wanted.agency, wanted.code, since, limit=limit)
        items += [_quarantined(row) for row in kept]
    return sorted(items, key=lambda one: str(one["since"]))[:limit]


def shown(reader: HubReader, identifier: str, letters: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """One of them, or of these dead letters, by its id or a unique beginning of it. Raises :class:`Rejected`:
    NOT_FOUND, AMBIGUOUS."""
    items = [_failed(row) for row in search.failed(reader, id_begins=identifier, limit=6)]
    items += [_quarantined(row) for row in quarantine.found(reader, id_begins=identifier, limit=6)]
    items += [one for one in letters if str(one["id"]).startswith(identifier)]
    if not items:
        raise rejected(Fault.NOT_FOUND, identifier)
    if len({one["id"] for one in items}) > 1:
        raise rejected(Fault.AMBIGUOUS, identifier, ", ".join(str(one["id"]) for one in items[:5]))
    return items[0]


def look_at_letters(
    sift: Callable[[int, Callable[[DeadLetter], bool]], None], registry: Callable[[], Registry], now: datetime
) -> list[dict[str, Any]]:
    """The dead letters that `sift` goes through, at most MANY, each with what is known of it. `registry` is asked where
    there are any."""
    items = []

    def look(letter: DeadLetter) -> bool:
        items.append(described(letter, registry, now))
        return False

    sift(MANY, look)
    return items


def together(items: Iterable[dict[str, Any]], letters: Iterable[dict[str, Any]], wanted: Selection) -> list[Any]:
    """What was found in the record and those of the dead letters that are meant, as :func:`found` has them."""
    every = [*items, *(one for one in letters if wanted.has(one))]
    return sorted(every, key=lambda one: str(one["since"]))[: wanted.limit or None]


def described(letter: DeadLetter, registry: Callable[[], Registry], now: datetime) -> dict[str, Any]:
    """What is known of a dead letter. It is verified as a consumer would do it now: what is good may be sent again."""
    route = letter.route
    agency = route.code if route is not None else ""
    item = {
        "id": letter.id,
        "what": "dead_letter",
        "agency": agency,
        "sender": (letter.user_id or "") if route is None or route.direction == "in" else "",
        "document_id": "",
        "axis_id": "",
        "attempts": 1,
        "since": letter.since,
        "code": Fault.DEAD_LETTER.code,
        "cause": "given_too_often" if letter.trouble == "limit" else "put_aside",
        "queue": letter.queue,
        "size": len(letter.body) + len(letter.proof),
    }
    if letter.trouble == "damaged":
        return item | {"code": Fault.BODY_CORRUPT.code, "cause": "damaged", "size": 0}
    if letter.trouble == "foreign" or route is None:
        return item | {"code": Fault.MESSAGE_FOREIGN.code, "cause": "foreign"}
    return item | _verified(letter.body, registry, now)


def _verified(body: bytes, registry: Callable[[], Registry], now: datetime) -> dict[str, Any]:
    from axis.core import parcel

    try:
        opened = parcel.verify(body, registry(), now)
    except Rejected as error:
        return {"code": error.fault.code, "cause": "unbelieved"}
    except AxisError as error:  # no registry to ask
        return {"code": error.fault.code}
    return {"sender": opened.signer} | _about(opened)


def _about(opened: Any) -> dict[str, Any]:
    from axis.core import edxml, parcel

    if opened.main != parcel.DOCUMENT:
        return {}
    try:
        return {"document_id": edxml.read_document(opened.content, len(opened.attachments)).target}
    except Rejected:
        return {}


def _failed(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "what": "delivery",
        "agency": row["recipient"],
        "sender": row["sender"],
        "document_id": row["document_id"],
        "axis_id": row["axis_id"],
        "attempts": row["attempts"],
        "since": row["updated_at"],
        "code": Fault.UNDELIVERED.code,
        "cause": "undelivered",
    }


def _quarantined(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "what": "message",
        "agency": row["agency"],
        "sender": row["agency"],
        "document_id": row["document_id"],
        "axis_id": "",
        "attempts": row["attempts"],
        "since": row["since"],
        "code": row["code"],
        "cause": _CAUSES.get(row["code"], "not_judged"),
    }
