"""What was asked of the agencies of a home about documents that they have: to give them back, to take a new version of
them; why, and what their clerks have answered. From their journals; the reasons from the bytes that came."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from axis.core.hub.lifecycle import AGREED, Stage
from axis.errors import Rejected
from axis.infra import payloads
from axis.infra.journal import asked as asked_in_journal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from axis.infra.journal.asked import Key

SHOWN = {"handing_over", "shown", "handed_over"}  # from here on a recall is a request that a clerk answers
READ = {"recall": 20, "update": 3}  # whose reasons are read, the newest: an update has its document's attachments
# The cause of where a document is at an agency that has it, by what was asked last and how that stands.
CAUSES = {
    ("recall", Stage.OPEN): ("recall_asked", "recipient"),
    ("recall", Stage.AGREED): ("given_back", "nobody"),
    ("recall", Stage.DECLINED): ("recall_declined", "nobody"),
    ("update", Stage.OPEN): ("update_asked", "recipient"),
    ("update", Stage.AGREED): ("updated", "nobody"),
    ("update", Stage.DECLINED): ("update_declined", "nobody"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One recall or update as it has come to one agency; `reason` as its sender gave it, where that was read."""

    agency: str
    axis_id: str
    kind: str
    sender: str
    came: str
    stage: Stage
    digest: str = field(repr=False)  # of its parcel
    answered_at: str = ""
    reason: str = ""

    @property
    def cause(self) -> tuple[str, str] | None:
        """(why a document is where it is because of it, who has to act); None where it says nothing."""
        return CAUSES.get((self.kind, self.stage))

    @property
    def since(self) -> str:
        """When it came to stand so."""
        return self.answered_at or self.came


def of(connection: Any, documents: Sequence[Key]) -> dict[Key, list[Asked]]:
    """What was asked of each of these, in order: two statements for all of them."""
    found: dict[Key, list[Asked]] = defaultdict(list)
    for row in asked_in_journal.changes(connection, documents):
        stage = _stage(row)
        one = Asked(
            row["agency"], row["id"], row["kind"], row["asked_by"], row["received_at"], stage, row["body_digest"]
        )
        found[row["agency"], row["sender"], row["document_id"]].append(one)
    answers: dict[tuple[str, str], list[Mapping[Any, Any]]] = defaultdict(list)
    for row in asked_in_journal.replies(connection, list(found)):
        answers[row["agency"], row["document_id"]].append(row)
    return {key: _answered(several, answers[key[0], key[2]]) for key, several in found.items()}


def about(connection: Any, row: Mapping[Any, Any]) -> list[Asked]:
    """What was asked about the document in this row of ``incoming`` with the reasons; of a recall or update, itself."""
    key = (row["agency"], row["sender"], row["document_id"])
    found = of(connection, [key]).get(key, [])
    if row["kind"] != "document":
        found = [one for one in found if one.axis_id == row["id"]]
    return with_reasons(connection, [one for one in found if one.cause is not None])


def open_recalls(connection: Any, codes: Sequence[str]) -> list[Asked]:
    """The recalls that wait for the answer of these agencies' clerks, the oldest first."""
    every = of(connection, asked_in_journal.recalled(connection, codes))
    found = [one for several in every.values() for one in several if one.cause == CAUSES["recall", Stage.OPEN]]
    return sorted(found, key=lambda one: one.came)


def last(several: Iterable[Asked]) -> Asked | None:
    """What says where the document is: a recall that was asked, else the last update."""
    told = [one for one in several if one.cause is not None]
    return max(told, key=lambda one: (one.kind == "recall", one.came), default=None)


def with_reasons(connection: Any, several: Sequence[Asked]) -> list[Asked]:
    """The same with their reasons, as far as their bytes are kept; of the newest, READ of each kind."""
    newest = sorted(several, key=lambda one: one.came, reverse=True)
    said = reasons(connection, [(one.kind, one.digest) for one in newest])
    return [replace(one, reason=said.get(one.digest, "")) for one in several]


def reasons(connection: Any, changes: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The reasons of changes, (kind, digest of the parcel) with the newest first, by digest; READ of each kind."""
    wanted: list[str] = []
    for kind, most in READ.items():
        wanted += list(dict.fromkeys(digest for one, digest in changes if one == kind and digest))[:most]
    found = payloads.get_sound(connection, wanted) if wanted else {}
    return {digest: reason_of(data) for digest, data in found.items()}


def reason_of(data: bytes) -> str:
    """The reason that stands in the parcel of a recall or update, which was verified when it came; "" for none."""
    from axis.core import edxml, parcel  # only where something was asked

    try:
        packet = edxml.convert(parcel.peek(data)[1]).packet
    except Rejected:
        return ""
    return packet.bussiness_reason if packet is not None else ""


def as_object(one: Asked) -> dict[str, str]:
    """One with stable keys."""
    return {
        "axis_id": one.axis_id,
        "kind": one.kind,
        "sender": one.sender,
        "at": one.came,
        "reason": one.reason,
        "stage": one.stage.value,
        "answered_at": one.answered_at,
    }


def as_changes(several: Iterable[Asked]) -> list[dict[str, Any]]:
    """In the form of :func:`axis.services.questions.trace.changes`."""
    found: dict[str, dict[str, Any]] = {}
    for one in several:
        known = found.setdefault(
            one.axis_id,
            {
                "axis_id": one.axis_id,
                "kind": one.kind,
                "number": len(found) + 1,
                "accepted_at": one.came,
                "reason": one.reason,
                "units": [],
            },
        )
        unit = {"recipient": one.agency, "unit": one.agency, "demand": one.kind, "stage": one.stage.value}
        known["units"].append({**unit, "answered_at": one.answered_at, "reason": ""})
    return list(found.values())


def _stage(row: Mapping[Any, Any]) -> Stage:
    if row["state"] in SHOWN:
        return Stage.OPEN
    if row["state"] == "done":
        return Stage.WITHDRAWN if row["gone"] else Stage.VOID
    return Stage.OVERTAKEN if row["state"] in {"withdrawing", "withdrawn"} else Stage.PENDING


def _answered(several: Sequence[Asked], replies: Iterable[Mapping[Any, Any]]) -> list[Asked]:
    """Each 15 or 16 answers a recall if one waits, else the oldest that waits, as the hub takes it."""
    found = list(several)
    for reply in replies:
        moment = reply["created_at"]
        waiting = [n for n, one in enumerate(found) if one.stage is Stage.OPEN and one.came <= moment]
        if waiting:
            number = min(waiting, key=lambda n: (found[n].kind != "recall", n))
            stage = Stage.AGREED if reply["code"] == AGREED else Stage.DECLINED
            found[number] = replace(found[number], stage=stage, answered_at=moment)
    return found
