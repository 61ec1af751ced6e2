"""The lists that a client is shown: its mail in both directions, and the catalogue of agencies and units."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from axis.adapters.spool.selection import Selection
from axis.adapters.vxp.refusal import SYSTEM_ERROR, Refusal
from axis.core.instant import VIETNAM, from_text, to_text
from axis.errors import Rejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from axis.adapters.mailbox import Mailbox
    from axis.adapters.spool.tables import Row
    from axis.adapters.vxp.signature import Call
    from axis.core.registry import Member, Registry


def listed(call: Call, messagetype: str = "") -> Selection:
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


def _day(call: Call, name: str, later: timedelta = timedelta(0)) -> str:
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


def page(rows: list[dict[str, Any]], call: Call) -> list[dict[str, Any]]:
    """Page `pageIndex` (the first is 1; 0 is the first too) of `pageSize` rows; all where no size is given."""
    try:
        size, index = int(call.parameters.get("pageSize", "0")), int(call.parameters.get("pageIndex", "1"))
    except ValueError:
        raise Refusal(SYSTEM_ERROR, "pageIndex and pageSize are numbers") from None
    if size < 1:
        return rows
    first = (max(index, 1) - 1) * size
    return rows[first : first + size]


def sent_lines(row: Row, registry: Registry) -> Iterator[dict[str, Any]]:
    """What was sent: a line for each OrganId that it is addressed to, with how far it is there."""
    state = {"accepted": "done", "refused": "fail"}.get(row["state"], "initial")
    said = what_is_said(row)
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


def what_is_said(row: Row) -> str:
    """What is to be said about a submission: why it was refused, or what of it was not taken over as it was."""
    findings = row["report"].get("findings", [])
    return "; ".join(str(one.get("text_vi") or one.get("text", "")) for one in findings)[:1000]


def received_lines(call: Call, messagetype: str = "") -> list[dict[str, Any]]:
    """What waits: a line for each OrganId of this agency that a packet is addressed to, as the sender spells it. They
    are one packet under one docId: whichever unit's software fetches it, the agency's system has it."""
    agency, registry, now = call.mailbox.agency, call.mailbox.registry(), datetime.now(UTC)
    found = []
    for row in call.mailbox.spool.received(listed(call, messagetype)):
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


def catalogue(registry: Registry, mailboxes: Iterable[Mailbox]) -> list[dict[str, Any]]:
    """Every agency, and every unit that was registered here."""
    now = datetime.now(UTC)
    rows = [_agency_line(one, now, registry.issued_at) for one in registry.agencies]
    for mailbox in mailboxes:
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
