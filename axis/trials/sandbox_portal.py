"""The other side of an application in a sandbox: who resolves it, the portal with its payment platform, and the citizen
who rates it are played, so that one one-stop system is tried alone."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from axis.adapters.dvcqg import records
from axis.core.applications.status import Status
from axis.core.edxml import Organ, opencps
from axis.core.instant import VIETNAM
from axis.errors import Rejected

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from axis.core.edxml import Packet

PORTAL = "G22"


class PortalPeers:
    """What they know: who resolves which application, and what was resolved."""

    def __init__(self) -> None:
        self._resolvers: dict[str, str] = {}
        self._resolved: set[str] = set()

    def answers(
        self, code: str, packet: Packet, attachments: Sequence[bytes], now: datetime
    ) -> Iterator[tuple[str, bytes, str]]:
        """(name, packet, what that means: a key of texts) of each thing that the peer `code` does about a packet:

        * it resolves what was accepted, in two steps, where it is named as the resolver
        * the portal says of a payment that it is pending, then that it was made
        * the citizen rates what has come to its end
        """
        kind, said = packet.header.value("ApplicationType"), _record(packet, attachments)
        number, to = str(said.get("MaHoSo", "")), packet.sender.organ_id
        status = said.get("TrangThaiHoSo") or said.get("TrangThai")
        if kind == records.APPLICATION:
            self._resolvers[number] = str(said.get("MaDonViXuLy", ""))
        made: list[tuple[str, dict[str, Any], str]] = []
        if kind in {records.APPLICATION, records.PROGRESS} and status == Status.ACCEPTED:
            if self._resolvers.get(number) == code and number not in self._resolved:
                self._resolved.add(number)
                by = {"NguoiXuLy": "Cán bộ mô phỏng", "NoiDungXuLy": "Xử lý"}
                for after in (Status.PROCESSING, Status.PROCESSED):
                    made.append((records.PROGRESS, {**by, "TrangThai": after.value}, f"sandbox.dossier.{after.value}"))
        elif code == PORTAL and kind == records.REQUEST:
            fees = said.get("PhiLePhi") or []
            order = {"MaTraCuuTT": said.get("MaTraCuuTT", "")}
            paid: dict[str, Any] = {
                "error_code": "0",
                "MaNganHang": "VCB",
                "KenhThanhToan": "BANK",
                "MaGiaoDich": "FT0001",
            }
            paid |= {"SoTien": str(sum(int(one["SoTien"]) for one in fees)), "ThoiDiemThanhToan": _text(now)}
            paid["BienLai"] = {"SoBienLai": "0000001", "NgayBienLai": _text(now)}
            made.append((records.ANSWER, {**order, "error_code": "1"}, "sandbox.dossier.pending"))
            made.append((records.ANSWER, {**order, **paid}, "sandbox.dossier.paid"))
        elif code == PORTAL and kind == records.PROGRESS and status == Status.RETURNED:
            rated: dict[str, Any] = {
                "votingCode": "VOTE_01",
                "subject": "Thái độ phục vụ",
                "choices": ["veryGood", "good", "bad"],
            }
            rated |= {"selected": "good", "commentable": True, "className": "dossier", "classPK": number}
            made.append((records.RATING, {**rated, "govAgencyCode": to, "domainCode": "KH"}, "sandbox.dossier.rated"))
        for place, (of, record, text) in enumerate(made):
            at = now + timedelta(seconds=place)
            moment = (
                {"ThoiDiemXuLy" if of == records.PROGRESS else "ThoiDiem": _text(at)} if of != records.ANSWER else {}
            )
            content = json.dumps({"MaHoSo": number, **record, **moment}, ensure_ascii=False).encode()
            parties = [Organ(one, f"Nơi nhận {one}") for one in dict.fromkeys((to, PORTAL)) if one != code]
            files = {records.ATTACHMENTS[of]: content}
            sender = Organ(code, f"Cơ quan mô phỏng {code}")
            data = opencps.application_packet(sender, parties, of, number, "Thử nghiệm", at, files)
            yield f"{now:%H%M%S%f}-{place}-{text.rpartition('.')[2]}.edxml", data, text


def _record(packet: Packet, attachments: Sequence[bytes]) -> dict[str, Any]:
    wanted = records.ATTACHMENTS.get(packet.header.value("ApplicationType"), "")
    names = [info.name for info in packet.attachments]
    if wanted not in names:
        return {}
    try:
        found = records.read(attachments[names.index(wanted)])
    except Rejected:
        return {}
    return found if isinstance(found, dict) else {}


def _text(moment: datetime) -> str:
    return moment.astimezone(VIETNAM).strftime("%Y%m%d%H%M%S")
