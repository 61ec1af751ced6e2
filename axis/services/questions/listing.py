"""``axis list``: the documents that fit a filter, each with where it is for whom, in the causes of `axis why`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from axis.core.why import Cause
from axis.infra.record import listing
from axis.services.questions import types, why

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from datetime import datetime

    from axis.core.registry import Registry
    from axis.core.why import Why
    from axis.infra.database import Row
    from axis.infra.record.listing import Wanted
    from axis.infra.record.store import HubReader, HubStore

MAX_PAGE = 200  # documents of one page
WINDOWS = 4  # parts of an index that are looked through for one page: the first a short one,
BY_WORDS = 10  # where words are asked for: each part is eight times as long as the one before
HITS = 5000  # documents with the words, and then no further part is looked through;
LARGEST = 1000  # the last ones of so many entries
LOOKED_AT = 200  # documents of one part of which it is asked where they are, to find those that are asked for
GROUPS = {
    "trouble": frozenset(one for one in Cause if one.rank == 0),
    "waiting": frozenset(one for one in Cause if one.rank == 1),
    "good": frozenset(one for one in Cause if one.rank == 2),
}


@dataclass(frozen=True, slots=True)
class Page:
    """Its documents, and the place from which the next one goes on ("" where there is none). `is_short`: as much as one
    page may look through was looked through before it was full."""

    rows: list[dict[str, Any]]
    after: str = ""
    is_short: bool = False


def page(
    store: HubStore,
    registry: Callable[[], Registry],
    wanted: Wanted,
    now: datetime,
    *,
    causes: Collection[Cause] = (),
    after: str = "",
    limit: int = 50,
) -> Page:
    """The next documents after the place `after`, the newest first; of each the deliveries that are asked for, trouble
    first. `causes`: only what is somewhere for one of these. A document that goes to several stands there once."""
    states = sorted({state.value for cause in causes for state in cause.states})
    if causes:
        wanted = wanted._replace(states=tuple(states), causes=tuple(sorted(causes)), now=now)
        if Cause.SUSPENDED in causes:
            members = registry().agencies
            codes = tuple(member.code for member in members if why.suspended_since(member, now))
            wanted = wanted._replace(suspended=codes)
    rows: list[dict[str, Any]] = []
    places: list[str] = []
    limit, chosen = min(limit, MAX_PAGE), frozenset(causes)
    size, hits = min(4 * limit, 2 * LOOKED_AT), 0
    with store.reading() as reader:
        for _ in range(BY_WORDS if wanted.words else WINDOWS):
            most = min(LOOKED_AT, size) if chosen else limit + 1
            window = listing.window(reader, wanted, after, most, size)
            longest = (
                LARGEST if len(window.rows) < most else 2 * LOOKED_AT
            )  # enough fits: more is looked at for nothing
            size = window.size or (8 * size if wanted.words else min(8 * size, longest))
            brought = _deliveries(reader, wanted, window.rows)
            found = why.of_deliveries(reader, registry, [one for each in brought.values() for one in each], now)
            for place, row in window.rows:
                kept = [one for one in brought[row["axis_id"]] if not chosen or found[one["id"]].cause in chosen]
                if (wanted.recipients or chosen) and not kept:
                    continue
                if window.by_delivery and max(one["id"] for one in kept) != place:
                    continue  # it stands, or stood, at the newest of those that fit
                if len(rows) == limit:
                    return Page(rows, places[-1])
                rows.append(_row(row, [found[one["id"]] for one in kept]))
                places.append(place)
            after, hits = window.after, hits + window.hits
            if not after:
                return Page(rows)
            if hits > HITS:
                break
    return Page(rows, after, is_short=True)


def every(
    store: HubStore,
    registry: Callable[[], Registry],
    wanted: Wanted,
    now: datetime,
    *,
    causes: Collection[Cause] = (),
    after: str = "",
) -> Iterator[dict[str, Any]]:
    """All of them, page after page, each as the record was when it was read."""
    while True:
        found = page(store, registry, wanted, now, causes=causes, after=after, limit=MAX_PAGE)
        yield from found.rows
        if not (after := found.after):
            return


def _deliveries(reader: HubReader, wanted: Wanted, rows: Sequence[tuple[str, Row]]) -> dict[str, list[Row]]:
    """The deliveries that are asked for of each of these submissions, by axis id: what brought a document, or those of
    the submission itself."""
    found: dict[str, list[Row]] = {row["axis_id"]: [] for _, row in rows}
    if wanted.role != "document":
        for one in listing.of_submissions(reader, list(found)):
            if wanted.fits(one):
                found[one["axis_id"]].append(one)
        return found
    names = {(row["owner"], row["document_id"]): row["axis_id"] for _, row in rows}
    for one in listing.of_documents(reader, list(names)):
        if wanted.fits(one):
            found[names[one["owner"], one["document_id"]]].append(one)
    return found


def _row(row: Row, causes: Sequence[Why]) -> dict[str, Any]:
    names = ("axis_id", "kind", "sender", "document_id", "code", "subject", "priority", "received_at")
    ordered = sorted(causes, key=lambda one: (one.cause.rank, one.facts["recipient"]))
    kind = {"type": types.of_row(row["type"], row["type_version"], json.loads(row["shown"]))} if row["type"] else {}
    return {**{name: row[name] for name in names}, **kind, "recipients": [_standing(one) for one in ordered]}


def _standing(one: Why) -> dict[str, Any]:
    found = why.as_object(one)
    del found["facts"]
    return found
