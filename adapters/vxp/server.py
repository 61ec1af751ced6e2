"""The ASGI application: each operation that a client may ask for, and how bytes come in and go out."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from axis.adapters.mailbox import RETRY_AFTER, submit
from axis.adapters.spool.selection import Selection
from axis.adapters.vxp.lists import catalogue, listed, page, received_lines, sent_lines, what_is_said
from axis.adapters.vxp.refusal import INVALID_FILE, NO_RECEIVER, NO_SENDER, NOT_STANDARD, SYSTEM_ERROR, Refusal
from axis.adapters.vxp.signature import PREFIX, Call, demand_own, file_hash, signed_parameters
from axis.core import organ, tracing
from axis.errors import AxisError, Fault, Rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from axis.adapters.mailbox import Mailbox
    from axis.adapters.systems import System

log = logging.getLogger("axis.vxp")
MAX_BODY = 64 * 1024  # bytes of every request but sendEdoc
MAX_UNITS = 200_000  # of one agency: the whole country has fewer
MAX_DRAIN = 200_000_000  # bytes that are read and thrown away of a request that is refused
DRAIN = 60  # seconds for that
REPEATED = timedelta(minutes=10)  # the same signature on what changes something, within this time, is a repeat
BLOCK = 3 * 64 * 1024  # bytes of a packet encoded at once: a multiple of three has no padding


class Vxp:
    """The ASGI application. `systems` is asked at each request: a new one is known at once."""

    def __init__(self, systems: Callable[[], Mapping[str, System]], mailboxes: Mapping[str, Mailbox]) -> None:
        self._systems = systems
        self._mailboxes = mailboxes
        self._operations: dict[str, Callable[[Call], Response]] = {
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
            return await self._send(request, Call(systemid, mailbox, parameters, signature, b""))
        body = await _read(request, MAX_BODY)
        call = Call(systemid, mailbox, parameters, signature, body)
        if operation in {"registerAgency", "deleteAgency", "updateStatus"}:
            return await mailbox.aside(self._once, operation, call)
        return await mailbox.aside(self._operations[operation], call)

    def _once(self, operation: str, call: Call) -> Response:
        """What changes something: a repeat has the answer that the first had."""
        now = datetime.now(UTC)
        # The body of registerAgency is not signed: another one is another request.
        request = f"{call.systemid}/{operation}/{call.signature}/{hashlib.sha256(call.body).hexdigest()}"
        work = self._operations[operation]
        return _json(call.mailbox.spool.once(request, now - REPEATED, lambda: bytes(work(call).body).decode()))

    # -- Sending -----------------------------------------------------------------------------------------------

    async def _send(self, request: Request, call: Call) -> Response:
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
        return _envelope(DocId=row["id"], ErrorDesc=what_is_said(row))

    def _sent(self, call: Call) -> Response:
        wanted = listed(call)
        kinds = ("status",) if wanted.folders == ("status",) else ("new", "recall", "update", "replace")
        rows = call.mailbox.spool.sent(Selection(kinds=kinds, since=wanted.since, until=wanted.until, limit=100_000))
        named = call.parameters.get("docId", "")
        if any(row["id"] == named for row in rows):  # it may be left over from a fetch
            rows = [row for row in rows if row["id"] == named]
        registry = call.mailbox.registry()
        found = [line for row in rows for line in sent_lines(row, registry)]
        return _envelope(data=page(found, call))

    # -- Receiving ---------------------------------------------------------------------------------------------

    def _received(self, call: Call) -> Response:
        return _envelope(data=page(received_lines(call), call))

    def _count_edoc(self, call: Call) -> Response:
        return _envelope(count=len(received_lines(call, "edoc")))

    def _count_status(self, call: Call) -> Response:
        return _envelope(count=len(received_lines(call, "status")))

    def _get(self, call: Call) -> Response:
        path = self._packet(call)
        size = path.stat().st_size
        head = b'{"status":"OK","ErrorCode":"0","ErrorDesc":"","data":"'
        length = len(head) + 4 * ((size + 2) // 3) + 2
        headers = {"Content-Length": str(length)}
        return StreamingResponse(_encoded(path, head), media_type="application/json", headers=headers)

    def _download(self, call: Call) -> Response:
        path = self._packet(call)
        headers = {"Content-Length": str(path.stat().st_size)}
        return StreamingResponse(_blocks(path), media_type="application/octet-stream", headers=headers)

    def _packet(self, call: Call) -> Path:
        identifier = call.parameters.get("docId") or call.parameters.get("docid", "")
        for row in call.mailbox.spool.received(Selection(folders=("inbox", "status")), identifier or "-"):
            path = call.mailbox.spool.path(row)
            if path is not None and path.exists():
                return path
        raise Refusal(SYSTEM_ERROR, "no such document")

    def _update(self, call: Call) -> Response:
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

    def _agencies(self, call: Call) -> Response:
        keep = ("id", "pid", "code", "name", "mail", "oldCode", "code102")
        rows = catalogue(call.mailbox.registry(), self._mailboxes.values())
        return _envelope(data=[{key: row[key] for key in keep if key in row} for row in rows if not row["deleted"]])

    def _units(self, call: Call) -> Response:
        return _envelope(data=catalogue(call.mailbox.registry(), self._mailboxes.values()))

    def _register(self, call: Call) -> Response:
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

    def _delete(self, call: Call) -> Response:
        code = call.parameters.get("AgencyCode", "")
        self._own(call, code)
        call.mailbox.spool.unregister(code)
        return _envelope()

    def _own(self, call: Call, code: str) -> None:
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
