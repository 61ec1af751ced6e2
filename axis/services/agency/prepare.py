"""What the agency's system gets of a received thing, written out of its sight."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from axis.core import parcel, receipt
from axis.core.agency import files, statuses
from axis.core.instant import from_text
from axis.core.types.kind import OF_DOCUMENTS
from axis.errors import Fault, Problem, Rejected
from axis.services.agency.verify import verify_mail, verify_receipt, word

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from axis.core.agency.files import LocalFile, Names
    from axis.core.receipt import Receipt
    from axis.infra.database import Row
    from axis.infra.journal.journals import Journals
    from axis.infra.journal.reading import JournalReader
    from axis.services.agency.adapter import Agency
    from axis.services.agency.mail import Mail


@dataclass
class Known:
    """What the journals know about the mail of a sweep."""

    here: set[tuple[str, str]]  # (agency, id) and (agency, content digest) of mail that is here
    sent: Mapping[tuple[str, str], list[Row]]  # what was sent, by (agency, content digest)


def know(journals: Journals, mail: Sequence[Mail]) -> Known:
    """What the journals know about this mail, of several agencies; asked once for all."""
    ids = [(one.agency.code, one.identifier) for one in mail]
    contents = [(one.agency.code, one.facts["content_digest"]) for one in mail if one.facts.get("content_digest")]
    said = [
        (one.agency.code, one.said.subject.content_digest)
        for one in mail
        if one.kind == "receipt" and one.said is not None and one.said.subject.content_digest
    ]
    return Known(journals.have(ids) | journals.have_content(contents), journals.outgoing_by_content(said))


def prepare(agency: Agency, reader: JournalReader, row: Row) -> Names:
    """Write the files of a received row out of sight; their names, in the order in which they are shown."""
    made = _files(agency, reader, row)
    agency.adapter.prepare(made)
    return [(file.folder, file.name) for file in made]


def files_of(agency: Agency, mail: Mail, known: Known) -> list[LocalFile]:
    """The files of mail that was verified just now, and is not kept yet."""
    assert mail.said is not None  # noqa: S101  what is not held was read, or its A.1 was
    if mail.opened is not None:
        traced = mail.facts.get("traceparent", "")
        return files.of_document(mail.identifier, mail.body, mail.opened, mail.said, traced)
    originals = known.sent.get((agency.code, mail.said.subject.content_digest), [])
    return _receipt_files(agency, mail.said, mail.body, originals, partial(_organs_of, agency))


def _organs_of(agency: Agency, document_id: str) -> list[tuple[str, str]]:
    with agency.journal.reading() as reader:
        return reader.organs_of(document_id)


def _files(agency: Agency, reader: JournalReader, row: Row) -> list[LocalFile]:
    """What is in the journal is verified once more, as of its acceptance."""
    body = reader.payload(row["body_digest"])
    if row["kind"] == "receipt":
        return _read_receipt_files(agency, reader, row, body)
    try:
        given = word(agency, reader.payload(row["proof_digest"]), row["proof_digest"])
        opened, accepted, _ = verify_mail(agency, body, given, row["body_digest"])
    except Rejected as error:
        if error.fault is Fault.RECEIPT_INVALID or error.fault in OF_DOCUMENTS:
            raise
        raise Rejected(Problem(Fault.DELIVERY_INVALID, got=str(error))) from None
    return files.of_document(str(row["id"]), body, opened, accepted, row["facts"].get("traceparent", ""))


def _read_receipt_files(agency: Agency, reader: JournalReader, row: Row, body: bytes) -> list[LocalFile]:
    proof = reader.payload(row["proof_digest"])
    if proof:  # it may have been held before it could be verified
        said = verify_receipt(agency, body, proof, from_text(row["received_at"]))
    else:
        said = receipt.read(parcel.peek(body)[1], _signer(agency, body))
    originals = reader.outgoing_by_content(said.subject.content_digest)
    return _receipt_files(agency, said, body, originals, reader.organs_of)


def _signer(agency: Agency, body: bytes) -> str:
    """Who signed a receipt that was verified when it was taken."""
    return agency.registry().owner(parcel.peek_signature(body).certificate)


def _receipt_files(
    agency: Agency,
    said: Receipt,
    body: bytes,
    originals: Sequence[Row],
    organs_of: Callable[[str], list[tuple[str, str]]],
) -> list[LocalFile]:
    """The receipt, and the status packets that it means of what was sent as `originals`."""
    own = [files.of_receipt(said, body, [row["source_digest"] for row in originals])]
    if not originals:
        return own
    facts, registry = originals[0]["facts"], agency.registry()
    meant = statuses.meant(said, facts.get("organs", ()), registry)
    if not meant:
        return own
    if any(not one.organs for one in meant):  # an update has added it
        added = organs_of(originals[0]["document_id"])
        meant = [one.of(added, registry) for one in meant]
    return own + statuses.packets(said, meant, facts, registry)
