"""The witnesses of the log, questioned: who has cosigned when, who is behind, and what each agency believes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from axis.core import witnesses
from axis.core.instant import to_text
from axis.core.log import checkpoint, note, policy
from axis.core.registry import HUB
from axis.errors import Corrupted, Fault, Problem, Rejected
from axis.infra import policies
from axis.infra.journal import witness as journal
from axis.infra.log import store

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from axis.core.registry import Registry
    from axis.infra.journal.journals import Journal
    from axis.infra.record.store import HubReader


def centre(reader: HubReader, registry: Registry) -> dict[str, Any]:
    """How far the log goes, up to where a quorum has cosigned it, and of each agency with a witness key what it has."""
    head, cosigned = store.head(reader.connection), store.witnessed(reader.connection)
    both = store.of_both(reader.connection)
    there, counts = store.witnesses(reader.connection), witnesses.policy_of(registry)
    size = head.frontier.size if head is not None else 0
    number = head.number if head is not None else 0
    found = []
    for code in sorted(witnesses.of(registry)):
        one = there.get(code)
        known = one is not None and one.log == number
        found.append(
            {
                "code": code,
                "cosigned": one.cosigned if one is not None and known else 0,
                "cosigned_at": one.cosigned_at if one is not None and known else "",
                "asked_at": one.asked_at if one is not None and known else "",
                "unanswered": one.tries if one is not None and known else 0,
                "since": one.since if one is not None and known else 0,
                "told": one.told if one is not None and known else 0,
                "entries": one.entries if one is not None and known else 0,
                "trouble": one.trouble if one is not None else "",
            }
        )
    return {
        "origin": head.origin if head is not None else "",
        "size": size,
        "witnessed": cosigned.size if cosigned is not None else 0,
        "witnessed_at": to_text(cosigned.witnessed_at) if cosigned is not None and cosigned.witnessed_at else "",
        "both": both.size if both is not None else 0,
        "both_at": to_text(both.others_at) if both is not None and both.others_at else "",
        "quorum": counts.quorum if counts is not None else "",
        "needed": witnesses.needed(counts),
        "policy_changed": _policy(policies.seen(reader.connection, [HUB]).get(HUB)),
        "is_other_log": bool(counts is not None and head is not None and head.origin != counts.log.name),
        "agencies": found,
    }


def _policy(seen: policies.Seen | None) -> dict[str, Any] | None:
    """What the last change of the policy was; None where none was seen."""
    if seen is None or not seen.changed_at:
        return None
    return {"at": seen.changed_at, **witnesses.changes(seen.before, seen.text)}


def own(journals: Mapping[str, Journal]) -> list[dict[str, Any]]:
    """Of each agency of this home what its witness has cosigned and believes, and what speaks against the log."""
    first = next(iter(journals.values()), None)
    if first is None:
        return []
    with first.reading() as reader:
        seen = policies.seen(reader.connection, sorted(journals))
    return [_own(one) | {"policy_changed": _policy(seen.get(one.agency))} for one in of_journals(journals)]


def of_journals(journals: Mapping[str, Journal]) -> Iterable[journal.Kept]:
    """What the witnesses of these journals have; of one that was never asked, nothing."""
    first = next(iter(journals.values()), None)
    if first is None:
        return []
    with first.reading() as reader:
        there = journal.all_kept(reader.connection, sorted(journals))
    return [there.get(code, journal.Kept(code)) for code in sorted(journals)]


def _own(one: journal.Kept) -> dict[str, Any]:
    return {
        "code": one.agency,
        "origin": one.origin,
        "cosigned": one.size,
        "believed": size_of(one.believed),
        "believed_at": one.believed_at,
        "since": one.since,
        "told": one.told,
        "entries": one.entries,
        "unknown": one.unknown,
        "trouble": one.trouble,
        "trouble_at": one.trouble_at,
    }


def size_of(data: bytes) -> int:
    """Of a checkpoint's note; 0 for none."""
    try:
        return checkpoint.read(note.read(data).text).size if data else 0
    except Rejected:
        return 0


def compare(data: bytes, registry: Registry, kept: Iterable[journal.Kept]) -> dict[str, Any]:
    """A checkpoint that somebody shows, compared with those that are kept here: ``same``, or ``other_size``, where
    nothing is said by that alone. Raises :class:`~axis.errors.Rejected` NOTE_INVALID where this log has not signed it,
    :class:`Corrupted` LOG_SPLIT where it has, and has signed another of the same size as well."""
    counts = witnesses.policy_of(registry)
    if counts is None:
        raise policy.refused("-", "axis witness policy")
    one, _ = checkpoint.opened(data, counts.log)
    sizes = []
    for each in kept:
        for known in (each.note, each.believed, each.other):
            if known:
                mine = checkpoint.read(note.read(known).text)
                sizes.append(mine.size)
                if mine.size == one.size and mine.root != one.root:
                    problem = Problem(Fault.LOG_SPLIT, str(one.size), mine.root.hex(), one.root.hex())
                    raise Corrupted(problem)
    outcome = "same" if one.size in sizes else "other_size"
    return {"outcome": outcome, "size": one.size, "root": one.root.hex(), "known": sorted(set(sizes))}
