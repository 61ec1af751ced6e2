"""What an agency's own home knows: ``axis list`` and ``axis status`` there, from its adapters' journals."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from axis.core.identity import earliest
from axis.core.instant import VIETNAM, to_text
from axis.core.words import fold, words
from axis.infra.journal import questions as journal_questions
from axis.infra.journal.aside import all_kept
from axis.services.questions import asked, reasons, types
from axis.services.questions.listing import LARGEST, WINDOWS, Page

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

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
# The recipient's own system has refused it (E.2): a packet of that state that was sent was refused by the hub.
NOT_TAKEN = "not_taken"
RANKS = {"trouble": 0, "waiting": 1, "good": 2}
_KINDS = {
    "mail": {"new", "replace", "document", "update", "recall"},
    "document": {"new", "replace", "document"},
    "new": {"new", "document"},
    "replace": {"replace", "document"},
}
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
    codes = list(journals)
    kept: list[tuple[dict[str, Any], Mapping[Any, Any]]] = []
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
                    if len(kept) == limit:
                        return Page(_finished(connection, kept), f"{moment}~{digest}~{place}")
                    kept.append((one, row))
                if "source_digest" in row:
                    moment, digest = row["created_at"], row["source_digest"]
                else:
                    place = row["id"]
            if not ends:
                return Page(_finished(connection, kept))
            size = min(8 * size, LARGEST)
        return Page(_finished(connection, kept), f"{moment}~{digest}~{place}", is_short=True)


def cause_of(state: str, *, is_sent: bool) -> str:
    """Why something is in a state, as :mod:`axis.core.saying` calls it."""
    return f"own.{NOT_TAKEN if state == 'refused' and not is_sent else state}"


def _finished(connection: Any, kept: Sequence[tuple[dict[str, Any], Mapping[Any, Any]]]) -> list[dict[str, Any]]:
    """What was refused with its reasons, what was asked back or changed since with that."""
    for (one, row), findings in zip(kept, reasons.of(connection, [row for _, row in kept]), strict=True):
        if row["state"] in reasons.REFUSED:
            one["findings"] = findings
    return _as_asked(connection, [one for one, _ in kept])


def _as_asked(connection: Any, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What these agencies have, and was asked back or changed since, says so: two statements for all of them."""
    keys = {}
    for row in rows:
        standing = row["recipients"][0]
        if standing["cause"].removeprefix("own.") in asked.SHOWN:
            keys[id(row)] = (standing["recipient"], row["owner"], row["document_id"])
    found = asked.of(connection, list(dict.fromkeys(keys.values()))) if keys else {}
    for row in rows:
        every, is_change = found.get(keys.get(id(row), ("", "", "")), []), row["kind"] in {"recall", "update"}
        told = asked.last(one for one in every if not is_change or one.axis_id == row["axis_id"])
        if told is not None and told.cause is not None:
            name, actor = told.cause
            row["recipients"][0] |= {"cause": f"own.{name}", "actor": actor, "since": told.since}
        del row["owner"]
    return rows


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
        "cause": cause_of(row["state"], is_sent=is_sent),
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
        "owner": row["agency"] if is_sent else row["sender"],
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
        recalls = asked.open_recalls(connection, codes)
    found: dict[str, dict[str, int]] = {"outgoing": {}, "incoming": {}}
    for row in brought:
        is_sent = row["direction"] == "outgoing"
        found[row["direction"]][cause_of(row["state"], is_sent=is_sent).removeprefix("own.")] = row["n"]
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
    unanswered: dict[str, list[str]] = defaultdict(list)
    for one in recalls:
        unanswered[one.agency].append(one.came)
    causes += [
        {
            "agency": code,
            "cause": "own.recall_asked",
            "verdict": "warn",
            "actor": "recipient",
            "count": len(came),
            "oldest": came[0],
        }
        for code, came in sorted(unanswered.items())
    ]
    return {"today": found, "causes": causes}
