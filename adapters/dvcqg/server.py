"""The ASGI application: a system logs in, and calls one service after the other by JSON, as at the portal.

    POST /dvcqg/login    {"username", "password", "dstcode"}                  -> {"error_code": "0", "session"}
    POST /dvcqg          {"session", "madonvi", "service", "data": [...]}     -> {"error_code": "0", "result": [...]}

Every answer is HTTP 200 with ``error_code`` 0 or -1, as the portal's clients expect it; ``code`` is of the catalogue.
"""

from __future__ import annotations

import csv
import hashlib
import json
import logging
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from axis.adapters.dvcqg import records
from axis.adapters.dvcqg.fetch import MAX_FILE, fetch
from axis.adapters.dvcqg.records import ATTACHMENTS, Sent
from axis.adapters.dvcqg.sessions import Sessions
from axis.adapters.mailbox import submit
from axis.core.applications.application import Fields
from axis.core.edxml import Organ, opencps
from axis.core.instant import VIETNAM, from_text
from axis.errors import AxisError, Fault, Misconfigured, Problem, Rejected, rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from axis.adapters.dvcqg.records import Judged
    from axis.adapters.dvcqg.sessions import Session
    from axis.adapters.mailbox import Mailbox
    from axis.adapters.systems import System
    from axis.config import Portal
    from axis.core.applications.application import Application

log = logging.getLogger("axis.dvcqg")
MAX_BODY = 2_000_000  # bytes of a request
MAX_RECORDS = 100  # of one request
MAX_FILES = 50  # that one record names
MAX_ALL = 40_000_000  # bytes of all files of a record
_PLACES = (
    ("TaiLieuNop", "TenTepDinhKem", "DuongDanTaiTepTin"),
    ("DanhSachGiayToKetQua", "TenGiayTo", "DuongDanTepTinKetQua"),
)  # a record's lists of files: the name, and where it lies
SENDING = {
    "DongBoHoSoMC": records.APPLICATION,
    "CapNhatTienDoHoSoMC": records.PROGRESS,
    "DinhChinhHoSoMC": records.CORRECTION,
    "YeuCauThanhToan": records.REQUEST,
    "KetQuaThanhToan": records.ANSWER,
    "BuuChinhThuGom": records.COLLECTION,
    "BuuChinhTraKetQua": records.RETURN,
    "DanhGia": records.RATING,
    "DongBoHoiDap": records.QUESTION,
    "DongBoKetQuaHoiDapGuiTuDVCQG": records.REPLY,
}
_QUESTIONS = {"LayDanhSachHoiDapGuiTuDVCQG": True, "LayDanhSachHoiDapBoCoQuan": False}  # whether the portal has asked
ASKING = (*_QUESTIONS, "TraCuuHoSo", "LayThuTuc", "LayDanhSachTTHC", "LayDanhMucLinhVuc", "LayDanhMucCoQuan")
PROCEDURE = ("MaTTHC", "TenTTHC", "MaLinhVuc", "TenLinhVuc", "MaCoQuan")

_WANTED = {"MaTTHC": "maTTHC", "MaLinhVuc": "maLinhVuc", "MaCoQuan": "maCoQuan"}


def portal(
    home: Path, settings: Portal, systems: Callable[[], Mapping[str, System]], mailboxes: Mapping[str, Mailbox]
) -> Dvcqg | None:
    """The application for a home with these settings; None where nobody runs a portal. Raises :class:`Misconfigured`
    CONFIG_INVALID for a file of procedures that cannot be read."""
    if not settings.owner:
        return None
    procedures = read_procedures(home / settings.procedures_file) if settings.procedures_file else ()
    return Dvcqg(systems, mailboxes, settings.owner, procedures)


class Dvcqg:
    """The ASGI application. `systems` is asked at each request; `owner` is the agency that runs the portal,
    `procedures` what there is to apply for."""

    def __init__(
        self,
        systems: Callable[[], Mapping[str, System]],
        mailboxes: Mapping[str, Mailbox],
        owner: str,
        procedures: Sequence[dict[str, str]] = (),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._systems, self._mailboxes, self._owner, self._now = systems, mailboxes, owner, now
        self._procedures = procedures
        self._sessions = Sessions()
        self._turns = {code: threading.Lock() for code in mailboxes}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See :class:`Dvcqg`."""
        from starlette.requests import ClientDisconnect, Request

        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            answer = await self._answer(request)
        except ClientDisconnect:
            return
        except Rejected as error:
            answer = refused(error)
        except (AxisError, OSError) as error:  # the disk is full, say
            log.warning("not now: %s", error)
            answer = {"error_code": "-1", "code": "", "message": "temporarily not available; try again later"}
        except Exception:
            log.exception("a request")
            answer = {"error_code": "-1", "code": Fault.INTERNAL.code, "message": "internal error"}
        await JSONResponse(answer)(scope, receive, send)

    async def _answer(self, request: Request) -> dict[str, Any]:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY:
                raise rejected(Fault.XML_TOO_BIG, len(body), MAX_BODY)
        value = records.read(body)
        if not isinstance(value, dict) or request.method != "POST":
            raise rejected(Fault.PACKET_VALUE, type(value).__name__, "POST, JSON {…}")
        systems = await run_in_threadpool(self._systems)
        if request.url.path.rstrip("/").endswith("/login"):
            token = self._log_in(systems, value)
            return {"error_code": "0", "message": "", "session": token}
        session = self._sessions.session(systems, str(value.get("session", "")), self._now())
        if session is None:
            raise Rejected(Problem(Fault.PORTAL_SESSION))
        mailbox = self._mailboxes.get(session.agency)
        if mailbox is None:
            raise rejected(Fault.AGENCY_UNKNOWN, session.agency)
        return await mailbox.aside(self._served, mailbox, session, value)

    def _log_in(self, systems: Mapping[str, System], value: dict[str, Any]) -> str:
        name, secret = str(value.get("username", ""))[:200], str(value.get("password", ""))[:1000]
        if not (token := self._sessions.log_in(systems, name, secret, self._now())):
            raise Rejected(Problem(Fault.API_UNAUTHORIZED))
        return token

    def _served(self, mailbox: Mailbox, session: Session, value: dict[str, Any]) -> dict[str, Any]:
        service = str(value.get("service", ""))[:100]
        if service in ASKING:
            return {"error_code": "0", "message": "", "result": self._asked(mailbox, service, value)}
        if service not in SENDING:
            raise rejected(Fault.PORTAL_SERVICE, service, ", ".join((*SENDING, *ASKING)))
        by = self._speaker(mailbox, value)
        given = value.get("data")
        if not isinstance(given, list) or not 0 < len(given) <= MAX_RECORDS:
            raise rejected(Fault.PACKET_VALUE, type(given).__name__, f"1 … {MAX_RECORDS}", path="data")
        results = [self._one(mailbox, SENDING[service], record, by) for record in given]
        log.info("%s: %s of %d records for %s", session.system, service, len(results), by)
        worst = next((one for one in results if one["error_code"] != "0"), results[0])
        return {"error_code": worst["error_code"], "message": worst["message"], "result": results}

    def _speaker(self, mailbox: Mailbox, value: dict[str, Any]) -> str:
        """The agency or unit that the call is for: the session's own. Raises :class:`Rejected` AUTHZ_MISMATCH."""
        registry = mailbox.registry()
        code = registry.canonical(str(value.get("madonvi", ""))[:100])
        if registry.member_for(code).code != mailbox.agency:
            raise rejected(Fault.AUTHZ_MISMATCH, code, mailbox.agency, "madonvi")
        return code

    # -- Sending ---------------------------------------------------------------------------------------------------

    def _one(self, mailbox: Mailbox, kind: str, record: Any, by: str) -> dict[str, Any]:
        name = "HOIDAPID" if kind in {records.QUESTION, records.REPLY} else "MaHoSo"
        number = Fields(record).text(name, required=False)[:60]
        try:
            self._send(mailbox, kind, record, by)
        except Rejected as error:
            return {name: number, **refused(error)}
        return {name: number, "error_code": "0", "message": "", "code": ""}

    def _send(self, mailbox: Mailbox, kind: str, record: Any, by: str) -> None:
        """Its files fetched, judged, sent, noted. Whoever has no answer sends it once more: the same record is the same
        packet."""
        spool = mailbox.spool
        with self._turns[mailbox.agency]:
            files = self._files(mailbox, record) if kind == records.APPLICATION else {}
            judged = records.judge(spool, kind, record, Sent(by, set(files), self._owner, now=self._now()))
            content = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
            whole = {ATTACHMENTS[kind]: content, **{name: one.content for name, one in files.items()}}
            self._submit(mailbox, kind, record, by, judged, whole)
            judged.note()
            for one in files.values():
                spool.note_order("file", one.digest, judged.number, {"sha256": hashlib.sha256(one.content).hexdigest()})

    def _submit(
        self, mailbox: Mailbox, kind: str, record: Any, by: str, judged: Judged, files: dict[str, bytes]
    ) -> None:
        registry = mailbox.registry()
        parties = (self._owner, *judged.parties)
        recipients: dict[str, Organ] = {}
        for code in parties:
            member = registry.member_for(code)
            if member.code != mailbox.agency:
                recipients.setdefault(member.code, Organ(registry.canonical(code), member.name_vi))
        if not recipients:
            return  # the portal's owner about an application of its own: everybody knows it
        title = Fields(record).text("TenTTHC", required=False) or judged.title
        sender = Organ(by, registry.member_for(by).name_vi)
        packet = opencps.application_packet(
            sender, list(recipients.values()), kind, judged.number, title, judged.at, files
        )
        with mailbox.spool.upload() as upload:
            upload.write(packet)
            submit(mailbox, upload)

    def _files(self, mailbox: Mailbox, record: Any) -> dict[str, _File]:
        """The files that a record names and that were not fetched for it before, by the names of their attachments.
        Raises :class:`Rejected` APPLICATION_FILE for one that cannot be fetched."""
        fields = Fields(record)
        number, found, size = fields.number(), dict[str, _File](), 0
        for place, named, url_field in _PLACES:
            for at, one in enumerate(fields.each(place), 1):
                url = one.text(url_field, required=False)
                if not url or one.text("IsDeleted", required=False).lower() == "true":
                    continue
                digest = hashlib.sha256(f"{number} {url}".encode()).hexdigest()
                if mailbox.spool.order("file", digest) is not None:
                    continue
                path = f"{place}[{at}]"
                if len(found) >= MAX_FILES:
                    raise rejected(Fault.APPLICATION_FILE, f"> {MAX_FILES}", path=path)
                try:
                    content = fetch(url, mailbox.networks, min(MAX_FILE, MAX_ALL - size))
                except OSError as error:
                    raise rejected(Fault.APPLICATION_FILE, error, path=path) from None
                size += len(content)
                name = one.text(named) or f"{len(found) + 1}"
                found[name if name not in found else f"{len(found) + 1}-{name}"] = _File(content, digest)
        fields.refuse()
        return found

    # -- Asking ----------------------------------------------------------------------------------------------------

    def _asked(self, mailbox: Mailbox, service: str, value: dict[str, Any]) -> list[dict[str, Any]]:
        if service == "TraCuuHoSo":
            number = Fields(value).number()
            known = mailbox.spool.application(number)
            if known is None:
                raise Rejected(Problem(Fault.APPLICATION_UNKNOWN, "MaHoSo"))
            return [_shown(known) | {"DanhSachSuKien": [_event(one) for one in mailbox.spool.events(number)]}]
        if service in _QUESTIONS:
            return records.listed(mailbox.spool, self._owner, of_owner=_QUESTIONS[service])
        if service == "LayDanhMucCoQuan":
            agencies = mailbox.registry().agencies
            return [{"MADONVI": one.code, "TENDONVI": one.name_vi, "CAPDONVI": one.kind} for one in agencies]
        if service == "LayDanhMucLinhVuc":
            fields = {one["MaLinhVuc"]: one["TenLinhVuc"] for one in self._procedures}
            return [{"MaLinhVuc": code, "TenLinhVuc": name} for code, name in sorted(fields.items())]
        wanted = {name: str(value[key]) for name, key in _WANTED.items() if value.get(key)}
        if service == "LayThuTuc" and "MaTTHC" not in wanted:
            raise Rejected(Problem(Fault.PACKET_MISSING, "maTTHC", "maTTHC"))
        return [one for one in self._procedures if all(one[name] == text for name, text in wanted.items())]


@dataclass(frozen=True)
class _File:
    content: bytes
    digest: str  # of application and URL: it is fetched once


def read_procedures(path: Path) -> list[dict[str, str]]:
    """The procedures in a CSV file with the columns MaTTHC, TenTTHC, MaLinhVuc, TenLinhVuc, MaCoQuan. Raises
    :class:`Misconfigured` CONFIG_INVALID."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [{name: row[name] or "" for name in PROCEDURE} for row in csv.DictReader(file)]
    except (OSError, KeyError, ValueError, csv.Error) as error:
        expected, got = ", ".join(PROCEDURE), f"{path}: {error}"
        raise Misconfigured(Problem(Fault.CONFIG_INVALID, "portal.procedures_file", expected, got)) from None
    return rows


def refused(error: Rejected) -> dict[str, Any]:
    """What a client is told: the portal's code for an error, ours, a sentence, and every finding."""
    first = error.problems[0]
    findings = [{"code": one.fault.code, "path": one.path, "message": one.text("vi")} for one in error.problems]
    said = {"message": first.text("vi"), "message_en": first.text("en")}
    return {"error_code": "-1", "code": first.fault.code, **said, "findings": findings}


def _shown(one: Application) -> dict[str, str]:
    return {
        "MaHoSo": one.number,
        "MaTTHC": one.service,
        "TrangThaiHoSo": one.status.value,
        "NgayTiepNhan": _moment(one.received_at),
        "NgayHenTra": _moment(one.due_at),
        "NgayKetThucXuLy": _moment(one.closed_at) if one.closed_at is not None else "",
        "ThoiDiemCapNhat": _moment(one.changed_at),
        "MaDonViTiepNhan": one.receiver,
        "MaDonViXuLy": one.resolver,
    }


def _event(one: dict[str, Any]) -> dict[str, str]:
    return {
        "SuKien": one["kind"],
        "Ma": one["ordered"],
        "ThoiDiem": _moment(from_text(one["at"])),
        "NganHang": one["bank"],
    }


def _moment(value: datetime) -> str:
    return value.astimezone(VIETNAM).strftime("%Y%m%d%H%M%S")
