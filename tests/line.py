"""A small axis for tests: a real embedded home with a few agencies, run to rest under a clock of the test's own."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from axis import bootstrap, config
from axis.core import edxml, parcel, receipt
from axis.infra import payloads
from axis.infra.database import Database
from axis.infra.record import ledger
from axis.services import run as loops
from axis.services.operate import provision
from axis.services.questions import trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from axis.services.agency.adapter import Agency
    from axis.services.hub.worker import Hub

NS = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
CODES = ("G22", "H41", "G06", "H29", "G18")
_SMALL = payloads.SMALL


# Statements are compiled once for the whole session, not once for each of the thousands of SQLite databases. The dialect
# is part of what a compiled statement is found by.
_make_database = Database.__init__


def _share_compiled_statements(self: Database, *arguments: Any, **named: Any) -> None:
    _make_database(self, *arguments, **named)
    if self.is_sqlite:
        for engine in (self._writer, self._reader):
            engine.dialect, engine._compiled_cache = _SHARED.dialect, _SHARED._compiled_cache


_SHARED = sa.create_engine("sqlite://")
with _SHARED.connect():  # a dialect knows its server from its own engine's first connection
    pass
Database.__init__ = _share_compiled_statements  # type: ignore[method-assign]


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now


@cache
def _template(codes: tuple[str, ...], give_up: int) -> Path:
    """A home made once for a test session and copied for each test."""
    folder = Path(mkdtemp(prefix="axis-test-"))
    rows = [row for row in provision.catalogue() if row["code"] in codes]
    settings = config.Config(
        config.Installation(str(uuid.UUID(int=1))),
        hub=config.Hub(give_up),
        adapter=config.Adapter(settle_seconds=0.0),
        log=config.Log(level="error"),
    )
    small, payloads.SMALL = (
        payloads.SMALL,
        _SMALL,
    )  # the same for every test, whatever the one that is first has changed
    try:
        provision.create_home(folder / "home", settings, "p256", Clock().now, rows=rows)
    finally:
        payloads.SMALL = small
    return folder / "home"


@cache
def _content(folder: Path) -> list[tuple[str, int, bytes | None]]:
    """What lies in a folder, in order: name, permissions, bytes; None: a folder."""
    found = ((str(one.relative_to(folder)), one.stat().st_mode & 0o777, one) for one in sorted(folder.rglob("*")))
    return [(name, mode, one.read_bytes() if one.is_file() else None) for name, mode, one in found]


def small_home(path: Path, codes: tuple[str, ...] = CODES, give_up: int = 30) -> Line:
    """A fresh line at `path`."""
    template = _template(codes, give_up)
    path.mkdir(template.stat().st_mode & 0o777, parents=True)
    for name, mode, content in _content(template):
        if content is None:
            os.mkdir(f"{path}/{name}", mode)
            continue
        descriptor = os.open(f"{path}/{name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            file.write(content)
    return Line(path)


class Line:
    """A home, and what tests do with it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = Clock()

    def copy(self, path: Path) -> Line:
        """A line at `path` that is where this one is; this one is closed."""
        shutil.copytree(self.path, path)
        line = Line(path)
        line.clock.now = self.clock.now
        return line

    def folder(self, code: str, name: str) -> Path:
        """One of an agency's folders."""
        return self.path / "agencies" / code / name

    def files(self, code: str, name: str, pattern: str = "*") -> list[str]:
        """The visible files of a folder, by name."""
        return sorted(p.name for p in self.folder(code, name).glob(pattern) if not p.name.startswith("."))

    def drop(self, code: str, data: bytes, name: str = "a.edxml") -> None:
        """What a document system does: write aside, rename into outbox/."""
        temporary = self.folder(code, "outbox") / f".{name}"
        temporary.write_bytes(data)
        temporary.rename(self.folder(code, "outbox") / name)

    @contextmanager
    def parts(self) -> Iterator[tuple[Hub, list[Agency]]]:
        """The line's hub and adapters, opened."""
        with bootstrap.embedded_parts(bootstrap.open_home(self.path)) as opened:
            yield opened

    def run(
        self, *, patience: timedelta = timedelta(days=30), before: Callable[[Hub, list[Agency]], None] | None = None
    ) -> None:
        """Run until nothing waits any more; where something waits for a time, the clock jumps there."""
        with self.parts() as (hub, agencies):
            if before is not None:
                before(hub, agencies)
            rest(hub, agencies, self.clock, patience)

    def trace(self, reference: str) -> dict[str, Any]:
        """As ``axis trace --json``."""
        with bootstrap.reading(bootstrap.open_home(self.path)) as record:
            return trace.trace(record, reference)

    def states(self, reference: str) -> dict[str, str]:
        """Delivery states by recipient."""
        return {d["recipient"]: d["state"] for d in self.trace(reference)["deliveries"]}

    def receipts(self, code: str) -> dict[str, receipt.Receipt]:
        """What lies in an agency's receipts/, by file name (signatures are checked by the adapter)."""
        found = {}
        for name in self.files(code, "receipts"):
            data = (self.folder(code, "receipts") / name).read_bytes()
            _, content = parcel.peek(data)
            issuer = content.split(b'issuer="')[1].split(b'"')[0].decode()
            found[name] = receipt.read(content, issuer)
        return found

    def events(self, code: str) -> list[str]:
        """Receipt codes held by an agency, sorted, one for each statement; certificates of distribution apart."""
        said = [s for r in self.receipts(code).values() for s in r.statements if s.event.code != "S.1"]
        return sorted(f"{s.event.code} {s.recipient}".strip() for s in said)

    def attachments(self, code: str) -> list[str]:
        """SHA-256 of every attachment in an agency's inbox."""
        found = []
        for name in self.files(code, "inbox", "*.edxml"):
            converted = edxml.convert((self.folder(code, "inbox") / name).read_bytes())
            found += [hashlib.sha256(content).hexdigest() for content in converted.attachments]
        return found

    def restart(self) -> None:
        """What is opened next is new, as after a death: here it always is."""

    def without(self, *codes: str) -> None:
        """Run to rest while the adapters of these are away."""
        self.run(before=lambda _hub, agencies: _leave_out(agencies, codes))

    def statuses(self, code: str) -> list[str]:
        """``code sender``: the status packets in an agency's status/, sorted."""
        found = []
        for name in self.files(code, "status", "*.edxml"):
            packet = edxml.convert((self.folder(code, "status") / name).read_bytes()).packet
            assert packet is not None
            found.append(f"{packet.status_code} {packet.sender.organ_id}")
        return sorted(found)

    def kinds(self, code: str) -> list[str]:
        """The kinds of the packets in an agency's inbox, in order of arrival."""
        found = []
        for name in self.files(code, "inbox", "*.edxml"):
            packet = edxml.convert((self.folder(code, "inbox") / name).read_bytes()).packet
            assert packet is not None
            found.append(packet.kind.value)
        return found

    def stages(self, reference: str) -> dict[str, list[str]]:
        """What was asked about a document: ``demand stage`` by unit, in order."""
        found: dict[str, list[str]] = {}
        for change in self.trace(reference)["changes"]:
            for one in change["units"]:
                found.setdefault(one["unit"], []).append(f"{one['demand']} {one['stage']}")
        return found

    def error(self, code: str, name: str = "a.edxml") -> dict[str, Any]:
        """An ``error.json``."""
        value: dict[str, Any] = json.loads((self.folder(code, "failed") / f"{name}.error.json").read_text("utf-8"))
        return value

    def check_ledger(self) -> int:
        """Every entry is linked and every link is right; how many."""
        with bootstrap.reading(bootstrap.open_home(self.path)) as record, record.reading() as reader:
            return ledger.check(reader)[0]

    def configure(self, **sections: Any) -> None:
        """Change the home's settings."""
        changed = config.load(self.path)._replace(**sections)
        (self.path / config.FILE).write_text(config.render(changed), "utf-8")


def _leave_out(agencies: list[Agency], codes: tuple[str, ...]) -> None:
    agencies[:] = [one for one in agencies if one.code not in codes]


def rest(hub: Hub, agencies: list[Agency], clock: Clock, patience: timedelta = timedelta(days=30)) -> None:
    """Rounds until nothing is due; the clock jumps to what waits for a time."""
    end = clock.now + patience
    while True:
        due = loops.rounds(hub, agencies, stopped=lambda: False, until_idle=True, clock=clock)
        if trouble := next((one.trouble for one in agencies if one.trouble is not None), None):
            raise trouble
        if due is None or due > end:
            return
        clock.now = max(clock.now, due)


def document(
    number: int = 1,
    sender: str = "G22",
    to: tuple[str, ...] = ("H41",),
    content: bytes = b"%PDF-1.4 noi dung",
    subject: str = "V/v thử nghiệm",
    priority: int = 0,
    document_id: str | None = None,
    bussiness: str = "<BussinessDocType>0</BussinessDocType>",
    issued: str = "2026/11/23",
) -> bytes:
    """A good packet of a new document; with another `bussiness` of a recall, an update or a replacement."""
    recipients = "".join(f"<To><OrganId>{code}</OrganId><OrganName>Nơi nhận {code}</OrganName></To>" for code in to)
    identifier = document_id if document_id is not None else f"{sender},2026/11/23,{number}/TN-{sender}"
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<edXML xmlns="{NS}"><edXMLEnvelope><edXMLHeader><MessageHeader>
<From><OrganId>{sender}</OrganId><OrganName>Nơi gửi</OrganName></From>{recipients}
<DocumentId>{identifier}</DocumentId>
<Code><CodeNumber>{number}</CodeNumber><CodeNotation>TN-{sender.split(".", maxsplit=1)[0]}</CodeNotation></Code>
<PromulgationInfo><Place>Hà Nội</Place><PromulgationDate>{issued}</PromulgationDate></PromulgationInfo>
<DocumentType><Type>2</Type><TypeDetail>18</TypeDetail><TypeName>Công văn</TypeName></DocumentType>
<Subject>{subject}</Subject>
<SignerInfo><FullName>Nguyễn Văn An</FullName></SignerInfo>
<OtherInfo><Priority>{priority}</Priority></OtherInfo>
</MessageHeader><TraceHeaderList><TraceHeader><OrganId>{sender}</OrganId><Timestamp>2026/11/23 09:00:00</Timestamp></TraceHeader>
<Bussiness>{bussiness}</Bussiness></TraceHeaderList></edXMLHeader>
<edXMLBody><edXMLManifest version="1.0"><Reference><ContentId>cid:1</ContentId><ContentType>application/pdf</ContentType>
<AttachmentName>{number}.pdf</AttachmentName></Reference></edXMLManifest></edXMLBody></edXMLEnvelope>
<AttachmentEncoded><Attachment><ContentId>cid:1</ContentId><AttachmentName>{number}.pdf</AttachmentName>
<ContentType>application/pdf</ContentType><ContentTransferEncoded>{base64.b64encode(content).decode()}</ContentTransferEncoded>
</Attachment></AttachmentEncoded></edXML>
""".encode()


def recall(
    number: int = 1, to: tuple[str, ...] = ("H41",), sender: str = "G22", reason: str = "Ban hành nhầm", **more: Any
) -> bytes:
    """A good packet that takes document `number` back from `to`."""
    about = f"<DocumentId>{sender},2026/11/23,{number}/TN-{sender}</DocumentId>"
    why = f"<BussinessDocReason>{reason}</BussinessDocReason>" if reason else ""
    bussiness = f"{about}<BussinessDocType>1</BussinessDocType>{why}"
    return document(number, sender, to, content=b"recall", bussiness=bussiness, **more)


def update(
    number: int = 1,
    to: tuple[str, ...] = ("H41",),
    sender: str = "G22",
    content: bytes = b"%PDF-1.4 sua doi",
    changes_content: bool = True,
    add: tuple[str, ...] = (),
    remove: tuple[str, ...] = (),
    **more: Any,
) -> bytes:
    """A good packet that changes document `number`."""
    listed = "".join(
        f"<Receiver><ReceiverType>{kind}</ReceiverType><OrganId>{code}</OrganId></Receiver>"
        for kind, codes in ((1, add), (0, remove))
        for code in codes
    )
    bussiness = (
        f"<DocumentId>{sender},2026/11/23,{number}/TN-{sender}</DocumentId><BussinessDocType>2</BussinessDocType>"
        f"<BussinessDocReason>Sửa</BussinessDocReason><BussinessDocumentInfo><DocumentInfo>{int(changes_content)}"
        f"</DocumentInfo><DocumentReceiver>{int(bool(listed))}</DocumentReceiver>"
        + (f"<ReceiverList>{listed}</ReceiverList>" if listed else "")
        + "</BussinessDocumentInfo>"
    )
    return document(number, sender, to, content=content, bussiness=bussiness, **more)


def replacement(
    number: int, replaced: dict[int, tuple[str, ...]], to: tuple[str, ...] = ("H41",), sender: str = "G22", **more: Any
) -> bytes:
    """A good packet of document `number`, which takes the place of others: their numbers, with who had received them."""
    listed = "".join(
        f"<ReplacementInfo><DocumentId>{sender},2026/11/23,{old}/TN-{sender}</DocumentId><OrganIdList>"
        + "".join(f"<OrganId>{code}</OrganId>" for code in codes)
        + "</OrganIdList></ReplacementInfo>"
        for old, codes in replaced.items()
    )
    bussiness = (
        "<BussinessDocType>3</BussinessDocType><BussinessDocReason>Thay thế</BussinessDocReason>"
        f"<ReplacementInfoList>{listed}</ReplacementInfoList>"
    )
    more.setdefault("content", b"%PDF-1.4 thay the")
    return document(number, sender, to, bussiness=bussiness, **more)


def status(code: str, number: int = 1, sender: str = "H41", about: str = "G22", description: str = "") -> bytes:
    """A good status packet from `sender` about document `number` of `about`."""
    return edxml.status_packet(
        edxml.Organ(sender, "Nơi nhận"),
        edxml.ResponseFor(about, f"{number}/TN-{about}", f"{about},2026/11/23,{number}/TN-{about}", "2026/11/23"),
        code,
        datetime(2026, 11, 23, 4, 0, tzinfo=UTC),
        description,
    )
