"""What an agency's own home knows: ``axis list`` and ``axis status`` there, from its adapters' journals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from axis.core.identity import earliest
from axis.core.instant import VIETNAM, to_text
from axis.core.words import fold, words
from axis.infra.journal import questions as journal_questions
from axis.infra.journal.aside import all_kept
from axis.services.questions import types
from axis.services.questions.listing import LARGEST, WINDOWS, Page

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from axis.infra.journal.journals import Journal
    from axis.infra.record.listing import Wanted

# What a state of the journal is: (0 somebody has to look, 1 it waits, 2 all is well; who has to act).
STATES = {
    "pending": (1, "hub"),
    "accepted": (2, "nobody"),
    "refused": (0, "sender"),
    "invalid": (0, "sender"),
    "held": (1, "hub"),
    "undecided": (1, "hub"),
    "received": (1, "recipient"),
    "handing_over": (1, "recipient"),
    "shown": (1, "recipient"),
    "handed_over": (2, "nobody"),
    "withdrawing": (1, "recipient"),
    "withdrawn": (2, "nobody"),
    "done": (2, "nobody"),
    "doubted": (0, "operator"),
}
RANKS = {"trouble": 0, "waiting": 1, "good": 2}
_KINDS = {"document": {"new", "replace", "document"}, "new": {"new", "document"}, "replace": {"replace", "document"}}
_DAY = timedelta(days=1)


def page(
    journals: Mapping[str, Journal],
    wanted: Wanted,
    now: datetime,
    *,
    states: Collection[str] = (),
    after: str = "",
    limit: int = 50,
) -> Page:
    """As :func:`axis.services.questions.listing.page`, of what this home has sent and received. `states`: of STATES, or
    RANKS."""
    codes, rows = list(journals), list[dict[str, Any]]()
    before, size = wanted.before or now + _DAY, 4 * limit
    moment, digest, place = [*after.split("~"), "", ""][:3] if after else (to_text(before), "", earliest(before))
    low = wanted.since or datetime(1970, 1, 2, tzinfo=UTC)
    with next(iter(journals.values())).database.read() as connection:
        for _ in range(WINDOWS):
            sent = journal_questions.sent(connection, codes, (moment, digest), to_text(low), size)
            received = journal_questions.received(connection, codes, place, earliest(low), size)
            ends = [_moment_of(read[-1]) for read in (sent, received) if len(read) == size]
            for row in sorted([*sent, *received], key=_moment_of, reverse=True):
                if ends and _moment_of(row) < max(ends):
                    break  # what the other has of that time was not read yet
                if (one := _row(row)) is not None and _fits(one, row, wanted, states):
                    if len(rows) == limit:
                        return Page(rows, f"{moment}~{digest}~{place}")
                    rows.append(one)
                if "source_digest" in row:
                    moment, digest = row["created_at"], row["source_digest"]
                else:
                    place = row["id"]
            if not ends:
                return Page(rows)
            size = min(8 * size, LARGEST)
    return Page(rows, f"{moment}~{digest}~{place}", is_short=True)


def _moment_of(row: Mapping[Any, Any]) -> str:
    """When it was given to this home, or accepted by the hub: an axis id begins with it."""
    if "source_digest" in row:
        return str(row["created_at"])
    milliseconds = int(row["id"][:8] + row["id"][9:13], 16)
    return to_text(datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds))


def _row(row: Mapping[Any, Any]) -> dict[str, Any] | None:
    facts: Mapping[str, Any] = row["facts"] or {}
    is_sent, rank = "source_digest" in row, STATES.get(row["state"], (2, "nobody"))
    standing = {
        "recipient": "" if is_sent else row["agency"],
        "cause": f"own.{row['state']}",
        "is_trouble": rank[0] == 0,
        "actor": rank[1],
        "since": row["created_at"] if is_sent else row["received_at"],
        "until": "",
    }
    kind = {"type": types.of_row(**facts["type"])} if "type" in facts else {}
    return {
        **kind,
        "axis_id": row["axis_id"] if is_sent else row["id"],
        "kind": row["kind"] if is_sent else facts.get("kind", row["kind"]),
        "sender": row["agency"] if is_sent else facts.get("sender", row["sender"]),
        "document_id": row["document_id"],
        "code": facts.get("code", ""),
        "subject": facts.get("subject", ""),
        "priority": int(bool(facts.get("urgent") if is_sent else row["urgent"])),
        "received_at": _moment_of(row),
        "recipients": [standing],
    }


def _fits(one: Mapping[str, Any], row: Mapping[Any, Any], wanted: Wanted, states: Collection[str]) -> bool:
    asked, subject = words(wanted.words), words(one["subject"])
    known = _KINDS.get(wanted.kind, {wanted.kind})
    standing = one["recipients"][0]
    rank = STATES.get(row["state"], (2, ""))[0]
    return (
        wanted.sender in {"", one["sender"]}
        and wanted.type in {"", one.get("type", {}).get("name", "")}
        and (not wanted.recipients or standing["recipient"] in wanted.recipients)
        and (wanted.kind == "all" or one["kind"] in known)
        and one["priority"] >= min(wanted.priority, 1)
        and (not wanted.words or bool(asked))
        and all(word in subject for word in asked[:-1])
        and (not asked or any(word.startswith(asked[-1]) for word in fold(one["subject"]).split()))
        and (not states or any(name == row["state"] or RANKS.get(name) == rank for name in states))
    )


def aside(journals: Mapping[str, Journal]) -> list[dict[str, Any]]:
    """Of each agency of this home what waits for the registry by which it can be verified."""
    first = next(iter(journals.values()), None)
    if first is None:
        return []
    with first.reading() as reader:
        found = all_kept(reader.connection, sorted(journals))
    return [{"code": code, "count": one.count, "bytes": one.size, "since": one.since} for code, one in found.items()]


def status(journals: Mapping[str, Journal], now: datetime) -> dict[str, Any]:
    """What waits in this home by agency, direction and state, and what today has brought."""
    midnight = now.astimezone(VIETNAM).replace(hour=0, minute=0, second=0, microsecond=0)
    codes, since = list(journals), (to_text(midnight), earliest(midnight))
    with next(iter(journals.values())).database.read() as connection:
        waiting = journal_questions.waiting(connection, codes)
        brought = journal_questions.today(connection, codes, since, earliest(now + _DAY))
    found: dict[str, dict[str, int]] = {"outgoing": {}, "incoming": {}}
    for row in brought:
        found[row["direction"]][row["state"]] = row["n"]
    causes = [
        {
            "agency": row["agency"],
            "cause": f"own.{row['state']}",
            "verdict": "warn" if STATES.get(row["state"], (2, ""))[0] == 0 else "good",
            "actor": STATES.get(row["state"], (2, "nobody"))[1],
            "count": row["n"],
            "oldest": row["since"],
        }
        for row in sorted(waiting, key=lambda row: (row["agency"], row["direction"], row["state"]))
    ]
    return {"today": found, "causes": causes}
