"""``axis write`` and what goes with it: a clerk's words and files become a packet, judged as ``axis send`` does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from axis.core import parcel
from axis.core.edxml import MAX_ATTACHMENT, Kind, Organ, ResponseFor, read_document, status_packet
from axis.core.edxml.compose import About, Wording, compose
from axis.core.edxml.values import day_of
from axis.core.filename import apart, safe_name
from axis.core.instant import VIETNAM
from axis.errors import AxisError, Fault, rejected, unusable
from axis.services import send

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime
    from pathlib import Path

    from axis.core.readable import Readable
    from axis.core.registry import Certificate, Registry
    from axis.infra.journal.journals import Journal
    from axis.services.send import Letter


@dataclass(frozen=True)
class Known:
    """A document that is spoken of, as the journal of agency `agency` knows it: whose it is, whom it went to."""

    agency: str
    organ: Organ
    document_id: str
    number: str
    notation: str
    subject: str
    day: date | None
    type_name: str
    recipients: tuple[Organ, ...]


def organ_of(registry: Registry, organ_id: str) -> Organ:
    """An agency or unit with its name, where the registry has it under this code."""
    member = registry.by_code.get(organ_id)
    return Organ(organ_id, member.name_vi if member is not None else "")


def read_files(paths: Sequence[Path]) -> list[tuple[str, bytes]]:
    """(name, bytes) of each. Raises :class:`Rejected` ATT_TOO_BIG, PARCEL_LIMIT before any of them is read."""
    if len(paths) > parcel.MAX_ATTACHMENTS:
        raise rejected(Fault.PARCEL_LIMIT, len(paths), parcel.MAX_ATTACHMENTS)
    if (size := sum(path.stat().st_size for path in paths)) > MAX_ATTACHMENT:
        raise rejected(Fault.ATT_TOO_BIG, size, MAX_ATTACHMENT)
    return [(path.name, path.read_bytes()) for path in paths]


def keep(path: Path, data: bytes) -> None:
    """A new file. Raises :class:`Misconfigured` FILE_UNUSABLE, also where one lies there."""
    try:
        with path.open("xb") as file:
            file.write(data)
    except OSError as error:
        raise unusable(path, error) from None


def put_out(copy: Readable, folder: Path) -> list[str]:
    """A document's files into this folder, whatever lies there already stays; their names. Raises
    :class:`Misconfigured` FILE_UNUSABLE."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        names = apart([name for name, _, _ in copy.files], [one.name for one in folder.iterdir()])
    except OSError as error:
        raise unusable(folder, error) from None
    for name, (_, _, content) in zip(names, copy.files, strict=True):
        keep(folder / name, content)
    return names


def known(journals: Mapping[str, Journal], row: Mapping[str, Any]) -> Known:
    """What is known of the document in this row of :mod:`axis.services.questions.own_trace`."""
    with journals[row["agency"]].reading() as reader:
        if row["direction"] == "outgoing":
            kept = reader.outgoing(row["source_digest"])
            body = kept["parcel_digest"] if kept is not None else ""
        else:
            kept = reader.incoming(row["axis_id"])
            body = kept["body_digest"] if kept is not None else ""
        data = reader.payload_if_any(body)
        organs = reader.organs_of(row["document_id"]) if row["direction"] == "outgoing" else []
    facts: Mapping[str, Any] = kept["facts"] if kept is not None else {}
    number, _, notation = str(row["code"]).partition("/")
    given = str(facts.get("promulgation_date") or row["document_id"].partition(",")[2].partition(",")[0])
    found = Known(
        row["agency"],
        Organ(str(facts.get("organ_id") or row["document_id"].partition(",")[0])),
        str(facts.get("document_id") or row["document_id"]),
        number,
        notation,
        str(row["subject"]),
        day_of(given),
        "",
        tuple(Organ(code, name) for code, name in dict(organs or facts.get("organs", ())).items()),
    )
    return _as_written(found, data) if data else found


def _as_written(found: Known, data: bytes) -> Known:
    """The same, with what only the document itself says."""
    try:
        (_, document), *rest = parcel.peek_all(data)
        packet = read_document(document, len(rest))
    except AxisError:
        return found
    return replace(
        found,
        organ=packet.sender,
        document_id=packet.target_as_written,
        number=packet.number,
        notation=packet.notation,
        subject=packet.subject,
        day=day_of(packet.promulgation_date),
        type_name=packet.header.value("DocumentType", "TypeName"),
        recipients=found.recipients or packet.recipients,
    )


def changing(about: Known, kind: Kind, reason: str, now: datetime, **more: Any) -> Wording:
    """The words of what takes `about` back or changes it: its own header, and what is asked of whom it went to."""
    had = tuple(one.organ_id for one in about.recipients)
    asked = About(kind, about.document_id, reason, had, **more)
    return Wording(
        about.organ,
        about.recipients,
        about.number,
        about.notation,
        about.subject,
        about.day or now.astimezone(VIETNAM).date(),
        about.type_name,
        document_id=about.document_id,
        about=asked,
    )


def answers(about: Known) -> ResponseFor:
    """`about` as an answer names it."""
    day = f"{about.day:%Y/%m/%d}" if about.day else ""
    return ResponseFor(about.organ.organ_id, f"{about.number}/{about.notation}", about.document_id, day)


@dataclass(frozen=True)
class Mark:
    """What a recipient's clerk says of what has come: a business status, why, and who has done it."""

    code: str
    reason: str = ""
    staff: str = ""
    department: str = ""


def reporters(about: Known, registry: Registry, now: datetime, given: str = "") -> tuple[Organ, ...]:
    """Who reports on `about`: the unit that is `given`; for its agency each of its organs that it was addressed to, for
    the hub counts the word of each; the agency itself where it has come by another way."""
    if given and registry.canonical(given) != about.agency:
        return (organ_of(registry, given),)
    reached = [one.organ_id for one in about.recipients if registry.is_reached(one.organ_id, about.agency, now)]
    own = dict.fromkeys(one for one in reached if registry.member_for(one).code == about.agency)
    return tuple(organ_of(registry, one) for one in own or (about.agency,))


def status_letter(
    journal: Journal, hub: Certificate, sender: Organ, about: Known, said: Mark, now: datetime
) -> send.Letter:
    """The status packet in which `sender` says this of `about`, with every finding that the hub would have."""
    name = safe_name(f"{said.code}-{about.number}-{about.notation}-{sender.organ_id}", 100, "trang-thai") + ".edxml"
    more = {"staff": said.staff, "department": said.department}
    data = status_packet(sender, answers(about), said.code, now, said.reason, **more)
    return send.prepare(journal, hub, journal.agency, name, data, (), now)


def letter(
    journal: Journal,
    hub: Certificate,
    said: Wording,
    files: Sequence[tuple[str, bytes]],
    now: datetime,
) -> tuple[Letter, tuple[str, ...]]:
    """What is sent, with every finding that ``axis packet check`` and the hub would have; what its files are called."""
    composed = compose(said, files, now)
    name = f"{safe_name(f'{said.number}-{said.notation}', 100, 'van-ban')}.edxml"
    if not composed.data:
        errors = tuple(one for one in composed.problems if one.severity == "error")
        return send.Letter(name, b"", (), errors, ()), composed.names
    made = send.prepare(journal, hub, journal.agency, name, composed.data, (), now)
    every = dict.fromkeys((*composed.problems, *made.problems, *made.warnings))
    return (
        replace(
            made,
            problems=tuple(one for one in every if one.severity == "error"),
            warnings=tuple(one for one in every if one.severity == "warning"),
        ),
        composed.names,
    )
