"""The server that the VXP client SDK (2.0.0, 2.0.1) of agencies' document systems speaks to, unchanged.

Every request is signed by HMAC-SHA256 over a JSON of its parameters, which stand in headers; only what is signed
counts. Every answer is HTTP 200 with ASCII JSON and never a null: the SDK throws the rest away. docs/adapters.md tells
the facts that this rests on.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from axis.adapters.mailbox import RETRY_AFTER, submit
from axis.adapters.spool import Selection
from axis.adapters.systems import System
from axis.core import organ, tracing
from axis.core.instant import VIETNAM, from_text, to_text
from axis.errors import AxisError, Fault, Rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from axis.adapters.mailbox import Mailbox
    from axis.adapters.spool import Row
    from axis.core.registry import Member, Registry

log = logging.getLogger("axis.vxp")
PREFIX = "xroadvnpt-"
MAX_BODY = 64 * 1024  # bytes of every request but sendEdoc
MAX_UNITS = 200_000  # of one agency: the whole country has fewer
MAX_DRAIN = 200_000_000  # bytes that are read and thrown away of a request that is refused
DRAIN = 60  # seconds for that
REPEATED = timedelta(minutes=10)  # the same signature on what changes something, within this time, is a repeat
BLOCK = 3 * 64 * 1024  # bytes of a packet encoded at once: a multiple of three has no padding
# Codes as a provincial gateway to the running axis gives them: clients may know their meaning.
INVALID_FILE, WRONG_SYSTEM, NO_RECEIVER, NO_SENDER, SYSTEM_ERROR, NOT_STANDARD = "10", "15", "18", "19", "20", "22"
_CONTENT = {"sendEdoc": "application/octet-stream"}  # of every other operation application/json
# What an operation is asked with, as the SDK does: any one of each group. An object of the SDK keeps what it was given,
# so more may stand there; but a head that was made for something else has not all of it.
_LISTING, _FETCHING = (("servicetype",), ("messagetype",)), (("docId", "docid"), ("filePath",))
_OWN: dict[str, tuple[tuple[str, ...], ...]] = {
    "sendEdoc": (("from",), ("servicetype",), ("messagetype",), ("hash-file",)),
    "getSentEdocList": _LISTING,
    "getReceivedEdocList": _LISTING,
    "getEdoc": _FETCHING,
    "downloadEdoc": _FETCHING,
    "updateStatus": (("docid", "docId"), ("status",)),
    "deleteAgency": (("AgencyCode",),),
}
# The body of registerAgency is not signed, and it has no parameters of its own. The SDK calls it from another object
# than the documents' operations: what belongs to those never stands in its head.
_DOCUMENTS = frozenset({"servicetype", "messagetype", "docId", "docid", "filePath", "status", "hash-file", "to"})
_DOCUMENTS |= {"fromDate", "toDate", "pageIndex", "pageSize"}
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\t": "\\t", "\b": "\\b", "\n": "\\n", "\r": "\\r", "\f": "\\f"}
_ESCAPES |= {"\u2028": "\\u2028", "\u2029": "\\u2029"}


class Refusal(Exception):
    """FAIL with a code and a sentence."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


# -- The signature ---------------------------------------------------------------------------------------------


def file_hash(digest: bytes) -> str:
    """SHA-256 as the SDK writes it: hex without the leading zero of each byte."""
    return "".join(f"{byte:x}" for byte in digest)


def canonical(pairs: Iterable[tuple[str, str]]) -> bytes:
    """The JSON that the SDK signs: no spaces, its own escapes, everything else as it is."""
    return ("{" + ",".join(f"{_quoted(name)}:{_quoted(value)}" for name, value in pairs) + "}").encode()


def _quoted(text: str) -> str:
    return '"' + "".join(_ESCAPES.get(c) or (f"\\u{ord(c):04x}" if c < " " else c) for c in text) + '"'


def signed_parameters(headers: Sequence[tuple[bytes, bytes]], systems: Mapping[str, System]) -> dict[str, str]:
    """The parameters of a request, from its signed JSON alone, by exact case. Raises :class:`Refusal`."""
    found = {name.decode("latin-1").lower(): value.strip() for name, value in headers}
    system = systems.get(found.get(f"{PREFIX}systemid", b"").decode("utf-8", "replace"))
    sign = found.get(f"{PREFIX}sign-header", b"")
    mac = found.get(f"{PREFIX}hash-header", b"").lower()
    # An unknown system takes as long as a wrong secret.
    key = system.secret.encode() if system is not None else b"unknown"
    # Some clients send characters up to U+00FF as single bytes of what they signed as UTF-8.
    texts = {sign, sign.decode("latin-1").encode()}
    texts = {one for one in texts if hmac.compare_digest(hmac.new(key, one, hashlib.sha256).hexdigest().encode(), mac)}
    if not texts or system is None:
        raise Refusal(WRONG_SYSTEM, "system or secret wrong")
    (text,) = texts
    try:
        pairs = json.loads(text, object_pairs_hook=list)
        names = [name for name, _ in pairs]
        listed = found[f"{PREFIX}sign-header-key"].decode("latin-1").split(";")
        good = canonical(pairs) == text and names == [f"XroadVnpt-{name}" for name in listed]
        parameters = {str(name).removeprefix("XroadVnpt-"): str(value) for name, value in pairs}
        good = good and len(parameters) == len(pairs)
        good = good and parameters.get("systemid", "").encode() == found[f"{PREFIX}systemid"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        good = False
    if not good:
        raise Refusal(WRONG_SYSTEM, "the signed parameters are not in the form of the SDK")
    return parameters


def demand_own(operation: str, parameters: Mapping[str, str]) -> None:
    """The parameters are those of a request for `operation`. Raises :class:`Refusal` where they are not: the signature
    does not say what it was given for, and a head that was overheard must not serve for anything else."""
    missing = [" or ".join(group) for group in _OWN.get(operation, ()) if not any(parameters.get(n) for n in group)]
    content = parameters.get("Content-Type", "").partition(";")[0].strip().lower()
    if content != _CONTENT.get(operation, "application/json"):
        missing.append(f"Content-Type {_CONTENT.get(operation, 'application/json')}")
    if missing:
        raise Refusal(SYSTEM_ERROR, f"parameters of {operation} are missing: {', '.join(missing)}")
    if operation == "registerAgency" and (foreign := sorted(_DOCUMENTS & set(parameters))):
        raise Refusal(SYSTEM_ERROR, f"no parameters of {operation}: {', '.join(foreign)}")


# -- The server ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Call:
    """A verified request."""

    systemid: str
    mailbox: Mailbox
    parameters: dict[str, str]
    signature: str
    body: bytes


class Vxp:
    """The ASGI application. `systems` is asked at each request: a new one is known at once."""

    def __init__(self, systems: Callable[[], Mapping[str, System]], mailboxes: Mapping[str, Mailbox]) -> None:
        self._systems = systems
        self._mailboxes = mailboxes
        self._operations: dict[str, Callable[[_Call], Response]] = {
            "getAgenciesList": self._agencies,
            "getAgenciesListQD20": self._agencies,
            "getSynchronizeUnit": self._units,
            "registerAgency": self._register,
            "deleteAgency": self._delete,
            "getSentEdocList": self._sent,
            "getReceivedEdocList": self._received,
            "countReceiveEdoc": self._count_edoc,
            "countReceiveStatus": self._count_status,
            "getEdoc": self._get,
            "downloadEdoc": self._download,
            "updateStatus": self._update,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See :class:`Vxp`."""
        from starlette.requests import ClientDisconnect, Request

        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        operation = scope["path"].rstrip("/").rpartition("/")[2]
        try:
            response = await self._answer(request, operation)
        except Refusal as refusal:
            await _drain(request)
            response = _refused(operation, refusal.code, str(refusal))
        except ClientDisconnect:  # it was not there for the end: nothing was done, and nobody reads an answer
            log.info("%s: the client went away in the middle", operation)
            return
        except (AxisError, OSError) as error:  # the disk is full, or a file is not as it must be
            log.warning("%s: %s", operation, error)
            await _drain(request)
            response = _refused(operation, SYSTEM_ERROR, "temporarily not available; try again later")
            response.headers["Retry-After"] = RETRY_AFTER
        except Exception:
            log.exception("%s", operation)
            response = _refused(operation, SYSTEM_ERROR, "internal error")
        await response(scope, receive, send)

    async def _answer(self, request: Request, operation: str) -> Response:
        if operation not in self._operations and operation != "sendEdoc":
            raise Refusal(SYSTEM_ERROR, "no such operation")
        systems = await run_in_threadpool(self._systems)
        parameters = signed_parameters(request.headers.raw, systems)
        demand_own(operation, parameters)
        systemid = parameters["systemid"]
        mailbox = self._mailboxes.get(systems[systemid].agency)
        if mailbox is None:
            raise Refusal(NO_SENDER, f"agency {systems[systemid].agency} is not served here")
        signature = request.headers.get(f"{PREFIX}hash-header", "").lower()
        if operation == "sendEdoc":
            return await self._send(request, _Call(systemid, mailbox, parameters, signature, b""))
        body = await _read(request, MAX_BODY)
        call = _Call(systemid, mailbox, parameters, signature, body)
        if operation in {"registerAgency", "deleteAgency", "updateStatus"}:
            return await mailbox.aside(self._once, operation, call)
        return await mailbox.aside(self._operations[operation], call)

    def _once(self, operation: str, call: _Call) -> Response:
        """What changes something: a repeat has the answer that the first had."""
        now = datetime.now(UTC)
        # The body of registerAgency is not signed: another one is another request.
        request = f"{call.systemid}/{operation}/{call.signature}/{hashlib.sha256(call.body).hexdigest()}"
        work = self._operations[operation]
        return _json(call.mailbox.spool.once(request, now - REPEATED, lambda: bytes(work(call).body).decode()))

    # -- Sending -----------------------------------------------------------------------------------------------

    async def _send(self, request: Request, call: _Call) -> Response:
        spool = call.mailbox.spool
        with spool.upload() as upload:
            try:
                async for chunk in request.stream():
                    if chunk:
                        await call.mailbox.aside(upload.write, chunk)
            except Rejected as error:
                raise Refusal(INVALID_FILE, str(error)) from None
            said = call.parameters.get("hash-file", "").lower()
            whole = upload.digest()
            upload.cut(b"\r\n")  # the SDK ends the packet with a line break that it does not digest
            cut = upload.digest()
            if said in {file_hash(whole), whole.hex()} and whole != cut:
                upload.write(b"\r\n")
            elif said not in {file_hash(cut), cut.hex()}:
                raise Refusal(INVALID_FILE, "hash-file is not that of the file")
            try:
                traced = tracing.of_headers(request.headers.getlist("traceparent"))
                row = await call.mailbox.aside(submit, call.mailbox, upload, traceparent=traced)
            except Rejected as error:
                first = error.problems[0].fault
                code = {Fault.AUTHZ_MISMATCH: NO_SENDER, Fault.AGENCY_UNKNOWN: NO_RECEIVER}.get(first, NOT_STANDARD)
                raise Refusal(code, str(error)) from None
        return _envelope(DocId=row["id"], ErrorDesc=_said(row))

    def _sent(self, call: _Call) -> Response:
        wanted = _listed(call)
        kinds = ("status",) if wanted.folders == ("status",) else ("new", "recall", "update", "replace")
        rows = call.mailbox.spool.sent(Selection(kinds=kinds, since=wanted.since, until=wanted.until, limit=100_000))
        named = call.parameters.get("docId", "")
        if any(row["id"] == named for row in rows):  # it may be left over from a fetch
            rows = [row for row in rows if row["id"] == named]
        registry = call.mailbox.registry()
        found = [line for row in rows for line in _sent_lines(row, registry)]
        return _envelope(data=_page(found, call))

    # -- Receiving ---------------------------------------------------------------------------------------------

    def _received(self, call: _Call) -> Response:
        return _envelope(data=_page(_received_lines(call), call))

    def _count_edoc(self, call: _Call) -> Response:
        return _envelope(count=len(_received_lines(call, "edoc")))

    def _count_status(self, call: _Call) -> Response:
        return _envelope(count=len(_received_lines(call, "status")))

    def _get(self, call: _Call) -> Response:
        path = self._packet(call)
        size = path.stat().st_size
        head = b'{"status":"OK","ErrorCode":"0","ErrorDesc":"","data":"'
        length = len(head) + 4 * ((size + 2) // 3) + 2
        headers = {"Content-Length": str(length)}
        return StreamingResponse(_encoded(path, head), media_type="application/json", headers=headers)

    def _download(self, call: _Call) -> Response:
        path = self._packet(call)
        headers = {"Content-Length": str(path.stat().st_size)}
        return StreamingResponse(_blocks(path), media_type="application/octet-stream", headers=headers)

    def _packet(self, call: _Call) -> Path:
        identifier = call.parameters.get("docId") or call.parameters.get("docid", "")
        for row in call.mailbox.spool.received(Selection(folders=("inbox", "status")), identifier or "-"):
            path = call.mailbox.spool.path(row)
            if path is not None and path.exists():
                return path
        raise Refusal(SYSTEM_ERROR, "no such document")

    def _update(self, call: _Call) -> Response:
        state = call.parameters.get("status", "").lower()
        if state not in {"done", "fail", "processing"}:
            raise Refusal(SYSTEM_ERROR, "status is done, fail or processing")
        identifier = call.parameters.get("docid") or call.parameters.get("docId", "")
        reason = call.parameters.get("description", "")
        try:
            row = call.mailbox.spool.acknowledge(identifier, state, reason)
        except Rejected as error:
            raise Refusal(SYSTEM_ERROR, str(error)) from None
        if row is None:
            raise Refusal(SYSTEM_ERROR, "no such document")
        return _envelope()

    # -- Agencies ----------------------------------------------------------------------------------------------

    def _agencies(self, call: _Call) -> Response:
        keep = ("id", "pid", "code", "name", "mail", "oldCode", "code102")
        rows = self._catalogue(call.mailbox.registry())
        return _envelope(data=[{key: row[key] for key in keep if key in row} for row in rows if not row["deleted"]])

    def _units(self, call: _Call) -> Response:
        return _envelope(data=self._catalogue(call.mailbox.registry()))

    def _catalogue(self, registry: Registry) -> list[dict[str, Any]]:
        """Every agency, and every unit that was registered here."""
        now = datetime.now(UTC)
        rows = [_agency_line(one, now, registry.issued_at) for one in registry.agencies]
        for mailbox in self._mailboxes.values():
            for one in mailbox.spool.units():
                facts = {name: one["facts"][name] for name in ("mail",) if one["facts"].get(name)}
                rows.append(
                    {
                        "id": _number(one["code"]),
                        "pid": _number(mailbox.agency),
                        "code": one["code"],
                        "name": one["facts"].get("name") or one["code"],
                        **facts,
                        "centerCode": mailbox.agency,
                        "version": one["version"],
                        "deleted": one["deleted"],
                        "modifyDate": _vietnam(one["modified_at"]),
                        "isAgency": False,
                    }
                )
        return rows

    def _register(self, call: _Call) -> Response:
        try:
            facts = json.loads(call.body)
            code, name = str(facts["code"]), str(facts["name"])
        except (ValueError, KeyError, TypeError, RecursionError):
            raise Refusal(NOT_STANDARD, "a JSON object with code and name") from None
        self._own(call, code)
        if call.mailbox.spool.has_units(MAX_UNITS):
            raise Refusal(SYSTEM_ERROR, f"{MAX_UNITS} units are registered already")
        kept = {key: str(facts[key])[:500] for key in ("mail", "mobile", "fax", "pcode", "pid") if facts.get(key)}
        call.mailbox.spool.register(code, {"name": name[:500], **kept})
        return _envelope()

    def _delete(self, call: _Call) -> Response:
        code = call.parameters.get("AgencyCode", "")
        self._own(call, code)
        call.mailbox.spool.unregister(code)
        return _envelope()

    def _own(self, call: _Call, code: str) -> None:
        """A system registers units below its own agency, and nobody else's."""
        registry = call.mailbox.registry()
        if not organ.is_valid(code) or registry.canonical(code) in registry.by_code:
            raise Refusal(NO_SENDER, "not the code of a unit")
        try:
            if registry.member_for(code).code == call.mailbox.agency:
                return
        except Rejected:
            pass
        raise Refusal(NO_SENDER, f"not a unit of {call.mailbox.agency}")


# -- Lists -----------------------------------------------------------------------------------------------------


def _listed(call: _Call, messagetype: str = "") -> Selection:
    """What a list of received mail shows: what is not done yet, of one kind, from one day in Viet Nam to another."""
    wanted = messagetype or call.parameters["messagetype"].lower()
    if wanted not in {"edoc", "status"}:
        raise Refusal(SYSTEM_ERROR, "messagetype is edoc or status")
    folders = ("status",) if wanted == "status" else ("inbox",)
    return Selection(
        folders,
        states=("initial", "processing"),
        since=_day(call, "fromDate"),
        until=_day(call, "toDate", timedelta(days=1)),
        limit=100_000,
    )


def _day(call: _Call, name: str, later: timedelta = timedelta(0)) -> str:
    """The beginning of this day in Viet Nam, or `later`, as the spool has its times; "" where none is given, or it lies
    outside all time."""
    text = call.parameters.get(name, "")
    if not text:
        return ""
    try:
        return to_text(datetime.strptime(text, "%Y/%m/%d").replace(tzinfo=VIETNAM) + later)
    except OverflowError:
        return ""
    except ValueError:
        raise Refusal(SYSTEM_ERROR, f"{name} is yyyy/MM/dd") from None


def _page(rows: list[dict[str, Any]], call: _Call) -> list[dict[str, Any]]:
    """Page `pageIndex` (the first is 1; 0 is the first too) of `pageSize` rows; all where no size is given."""
    try:
        size, index = int(call.parameters.get("pageSize", "0")), int(call.parameters.get("pageIndex", "1"))
    except ValueError:
        raise Refusal(SYSTEM_ERROR, "pageIndex and pageSize are numbers") from None
    if size < 1:
        return rows
    first = (max(index, 1) - 1) * size
    return rows[first : first + size]


def _sent_lines(row: Row, registry: Registry) -> Iterator[dict[str, Any]]:
    state = {"accepted": "done", "refused": "fail"}.get(row["state"], "initial")
    said = _said(row)
    for organ_id in row["recipients"]:
        outcome = row["outcomes"].get(_member(organ_id, registry), {})
        event = outcome.get("event", "")
        yield {
            "serviceType": "eDoc",
            "messageType": "status" if row["kind"] == "status" else "edoc",
            "senderDocId": row["id"],
            "fromCode": row["sender"],
            "toCode": organ_id,
            "title": row["subject"],
            "notation": row["code"],
            "sentTime": _vietnam(row["created_at"]),
            **({"receivedTime": _vietnam(outcome["time"])} if event == "E.1" else {}),
            "sendStatus": state,
            "sendStatusDesc": said,
            "receiveStatus": {"E.1": "done", "E.2": "fail", "D.2": "fail"}.get(event, "initial"),
            "receiveStatusDesc": event,
        }


def _said(row: Row) -> str:
    """What is to be said about a submission: why it was refused, or what of it was not taken over as it was."""
    findings = row["report"].get("findings", [])
    return "; ".join(str(one.get("text_vi") or one.get("text", "")) for one in findings)[:1000]


def _received_lines(call: _Call, messagetype: str = "") -> list[dict[str, Any]]:
    """What waits: a line for each OrganId of this agency that a packet is addressed to, as the sender spells it. They
    are one packet under one docId: whichever unit's software fetches it, the agency's system has it."""
    agency, registry, now = call.mailbox.agency, call.mailbox.registry(), datetime.now(UTC)
    found = []
    for row in call.mailbox.spool.received(_listed(call, messagetype)):
        here = [one for one in row["recipients"] if registry.is_reached(one, agency, now)]
        found += [_received_line(row, organ_id) for organ_id in here or [agency]]
    return found


def _received_line(row: Row, organ_id: str) -> dict[str, Any]:
    return {
        "docId": row["id"],
        "serviceType": "eDoc",
        "messageType": "status" if row["folder"] == "status" else "edoc",
        "created_time": _vietnam(row["created_at"]),
        "updated_time": _vietnam(row["updated_at"]),
        "from": row["sender"],
        "to": organ_id,
        "status": row["state"],
        "status_desc": row["reason"],
    }


def _member(organ_id: str, registry: Registry) -> str:
    """The agency that this code belongs to; "" where the registry knows none any more."""
    try:
        return registry.member_for(organ_id).code
    except Rejected:
        return ""


def _number(code: str) -> str:
    """The number of an agency or unit in the catalogue: clients keep it, so it depends on nothing but the code. Of 52
    bits: whole in every language, and in a country of 120,000 codes hardly two have the same."""
    return str(int(hashlib.sha256(code.encode()).hexdigest()[:13], 16))


def _agency_line(member: Member, now: datetime, changed: datetime) -> dict[str, Any]:
    old = next((alias for alias in member.aliases), "")
    return {
        "id": _number(member.code),
        "pid": "0",
        "code": member.code,
        "name": member.name_vi,
        **({"oldCode": old} if old else {}),
        "code102": f"000.00.00.{member.code}" if len(member.code) == 3 else member.code,
        "centerCode": member.code,
        "version": 1,
        "deleted": member.standing(now) == "closed",
        "modifyDate": _vietnam(to_text(changed)),
        "isAgency": True,
    }


def _vietnam(moment: str) -> str:
    return from_text(moment).astimezone(VIETNAM).strftime("%Y/%m/%d %H:%M:%S")


# -- Bytes in and out ------------------------------------------------------------------------------------------


async def _read(request: Request, limit: int) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise Refusal(SYSTEM_ERROR, "the request is too large")
    return body


async def _drain(request: Request) -> None:
    """Read on until the client is done: it gives its caller nothing where the answer comes before."""
    from starlette.requests import ClientDisconnect

    left = MAX_DRAIN
    try:
        async with asyncio.timeout(DRAIN):
            async for chunk in request.stream():
                left -= len(chunk)
                if left < 0:
                    return
    except (ClientDisconnect, RuntimeError, TimeoutError):  # it is gone, or everything was read; or it is too slow
        return


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as handle:
        while block := handle.read(BLOCK):
            yield block


def _encoded(path: Path, head: bytes) -> Iterator[bytes]:
    yield head
    for block in _blocks(path):
        yield base64.b64encode(block)
    yield b'"}'


def _envelope(**more: object) -> Response:
    return _json(json.dumps({"status": "OK", "ErrorCode": "0", "ErrorDesc": "", **more}))


def _refused(operation: str, code: str, text: str) -> Response:
    if operation == "downloadEdoc":  # whatever comes is saved as the file
        return Response(b"", media_type="application/octet-stream")
    return _json(json.dumps({"status": "FAIL", "ErrorCode": code, "ErrorDesc": text[:1000], "DocId": "", "data": ""}))


def _json(text: str) -> Response:
    return Response(text, media_type="application/json")
