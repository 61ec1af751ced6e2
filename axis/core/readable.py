"""A document as a clerk without a document system wants it: a folder with its attachments as files, a page of facts,
and the receipts. Made of what has arrived, beside the packet itself and never in its place; in Vietnamese."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

from axis.core import parcel
from axis.core.edxml import Kind, read_document
from axis.core.filename import apart, ending_of, safe_name
from axis.core.instant import VIETNAM
from axis.texts import text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from axis.core.edxml import Packet

FOLDER_ROOM, FILE_ROOM = 120, 120  # bytes: both together, and where they lie, stay below the 260 characters of Windows
PAGE = "thong-tin.html"
_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:52em;margin:2em auto;padding:0 1em}h1{font-size:1.3em}"
    "dt{font-weight:bold}dd{margin:0 0 .5em}table{border-collapse:collapse}th,td{border:1px solid;padding:.3em .6em;"
    "text-align:left;vertical-align:top}code{overflow-wrap:anywhere}@media (prefers-color-scheme:dark)"
    "{body{background:#111;color:#eee}a{color:#8cf}}"
)


@dataclass(frozen=True)
class Arrived:
    """What a journal holds of a document: the parcel, the hub's acceptance, its agency's own receipt (b"" for none),
    and when it came."""

    identifier: str
    body: bytes
    acceptance: bytes
    answer: bytes
    received_at: datetime


@dataclass(frozen=True)
class Opened:
    """A document and its attachments: (the name that it came with, a safe one, bytes)."""

    packet: Packet
    attachments: tuple[tuple[str, str, bytes], ...]


@dataclass(frozen=True)
class Readable:
    """One document's folder: `names` that it may have, the best first; `files`: (name, a plainer one for systems that
    take no other, bytes). The last of its files is the sign that all are there, and whose folder it is."""

    identifier: str
    names: tuple[str, ...]
    files: tuple[tuple[str, str, bytes], ...]

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(len(content) for _, _, content in self.files)

    @property
    def sign(self) -> str:
        """The name of its last file."""
        return self.files[-1][0]


def open_parcel(body: bytes, taken: Sequence[str] = ()) -> Opened:
    """What is in a parcel that was verified when it came. Its files get names apart from each other and those `taken`.

    Raises :class:`axis.errors.Rejected` for what is none."""
    (_, document), *rest = parcel.peek_all(body)
    packet = read_document(document, len(rest))
    said = [one.name for one in packet.attachments]
    names = apart((safe_name(one, FILE_ROOM) for one in said), taken, FILE_ROOM)
    contents = [content for _, content in rest]
    return Opened(packet, tuple(zip(said, names, contents, strict=True)))


def of_document(arrived: Arrived, members: Mapping[str, str], since: Sequence[str] = ()) -> Readable:
    """The folder of a document; `members`: what agencies are called, by code; `since`: what was asked about it since,
    in words.

    Raises :class:`axis.errors.Rejected` for what is no document."""
    acceptance = f"{arrived.identifier}.A.1.asice"
    receipts = [(f"{arrived.identifier}.E.1.asice", arrived.answer), (acceptance, arrived.acceptance)]
    opened = open_parcel(arrived.body, [PAGE, *(name for name, _ in receipts)])
    packet, day = opened.packet, f"{arrived.received_at.astimezone(VIETNAM):%Y-%m-%d}"
    said = (packet.sender.organ_id, packet.code.replace("/", "-"), _title(packet))
    name = safe_name(" ".join((day, *filter(None, said))), FOLDER_ROOM)
    short = safe_name(" ".join((day, *filter(None, said))), FOLDER_ROOM - len(arrived.identifier) - 1)
    files = [(one, f"{at}{ending_of(one)}", data) for at, (_, one, data) in enumerate(opened.attachments, 1)]
    files.append((PAGE, PAGE, _page(opened, arrived, members, [one for one, data in receipts if data], since).encode()))
    files += [(one, one, data) for one, data in receipts if data]
    return Readable(
        arrived.identifier, (name, f"{short} {arrived.identifier}", f"{day} {arrived.identifier}"), tuple(files)
    )


def _title(packet: Packet) -> str:
    asked = f"[{text(f'kind.{packet.kind.value}', 'vi')}] " if packet.kind is not Kind.NEW else ""
    return f"{asked}{packet.subject}"


def _page(
    opened: Opened, arrived: Arrived, members: Mapping[str, str], receipts: Sequence[str], since: Sequence[str]
) -> str:
    """A page that needs nothing else and runs nothing; what anybody wrote is only shown."""
    packet = opened.packet
    rows = [(name, value) for name, value in _facts(packet, arrived, members) if value]
    facts = "".join(f"<dt>{text(f'readable.{name}', 'vi')}</dt><dd>{_shown(value)}</dd>\n" for name, value in rows)
    files = "".join(
        f"<tr><td>{_link(name)}</td><td>{_shown(said) if said != name else ''}</td><td>{len(data)}</td>"
        f"<td><code>{hashlib.sha256(data).hexdigest()}</code></td></tr>\n"
        for said, name, data in opened.attachments
    )
    heads = "".join(f"<th>{text(f'readable.{name}', 'vi')}</th>" for name in ("file", "called", "bytes", "digest"))
    table = f"<table><tr>{heads}</tr>\n{files}</table>" if files else f"<p>{text('readable.no_files', 'vi')}</p>"
    proofs = "".join(
        f"<li>{_link(name)}: {text('readable.' + ('answer' if '.E.1.' in name else 'acceptance'), 'vi')}</li>\n"
        for name in receipts
    )
    after = "".join(f"<li>{_shown(one)}</li>\n" for one in since)
    later = f"<h2>{text('readable.after', 'vi')}</h2>\n<ul>\n{after}</ul>\n" if after else ""
    return (
        '<!doctype html>\n<html lang="vi"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(f'{packet.code} {packet.subject}')}</title><style>{_STYLE}</style></head><body>\n"
        f"<h1>{_shown(_title(packet))}</h1>\n{later}"
        f"<dl>\n{facts}</dl>\n<h2>{text('readable.files', 'vi')}</h2>\n{table}\n"
        f"<h2>{text('readable.receipts', 'vi')}</h2>\n<ul>\n{proofs}</ul>\n"
        f"<p>{text('readable.whole', 'vi', name=arrived.identifier)}</p>\n</body></html>\n"
    )


def _facts(packet: Packet, arrived: Arrived, members: Mapping[str, str]) -> list[tuple[str, str]]:
    header, organ = packet.header, packet.sender
    called = organ.name or members.get(organ.organ_id, "")
    answered = "; ".join(f"{one.code} ({one.organ_id})" for one in packet.response_for)
    due, issued = packet.due_date, packet.promulgation_date
    came = arrived.received_at.astimezone(VIETNAM)
    return [
        ("number", packet.code),
        ("subject", packet.subject),
        ("from", f"{called} ({organ.organ_id})"),
        ("issued", "/".join(reversed(issued.split("/")))),
        ("kind", header.value("DocumentType", "TypeName")),
        ("signer", ", ".join(filter(None, (header.value("SignerInfo", n) for n in ("FullName", "Position"))))),
        ("priority", text(f"readable.priority.{packet.priority}", "vi") if packet.priority else ""),
        ("due", "/".join(reversed(due.split("/")))),
        ("to", "; ".join(one.name or members.get(one.organ_id, one.organ_id) for one in packet.recipients)),
        ("answers", answered),
        ("asked", text(f"kind.{packet.kind.value}", "vi") if packet.kind is not Kind.NEW else ""),
        ("reason", packet.bussiness_reason if packet.kind is not Kind.NEW else ""),
        ("came", f"{came:%d/%m/%Y %H:%M}"),
        ("document_id", packet.document_id),
        ("axis_id", arrived.identifier),
    ]


def _shown(value: str) -> str:
    """What anybody wrote: apart from the order of what stands around it."""
    return f"<bdi>{escape(value)}</bdi>"


def _link(name: str) -> str:
    return f'<a href="./{quote(name)}">{escape(name)}</a>'
