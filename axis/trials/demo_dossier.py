"""The story of one application over the axis: a one-stop system, the ministry that resolves it, the portal, a payment
platform and the post are simulated, each with the faults that clients of the portal are known to have."""

from __future__ import annotations

import uuid
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx

from axis import bootstrap, config, fronts
from axis.adapters import systems
from axis.adapters.spool.selection import Selection
from axis.adapters.spool.store import open_spool
from axis.core.applications.status import Status
from axis.core.figures import Span, period
from axis.core.instant import VIETNAM
from axis.errors import Fault, Problem, Unavailable
from axis.services import run as loops
from axis.services.operate import provision
from axis.services.questions import dossiers
from axis.trials.applications import as_sent, february
from axis.trials.demo_scenes import Scene

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

Sentence = dict[str, str]  # by language
PORTAL, PROVINCE, MINISTRY = "G22", "H20", "G15"
UNIT = "H20.14"  # the one-stop desk
CODES = (PORTAL, PROVINCE, MINISTRY)


@dataclass
class Client:
    """A system as the portal's clients are written: it keeps its session until it is told that it is over."""

    http: httpx.Client
    agency: str
    secret: str
    unit: str = ""
    session: str = "expired"  # of its last run
    log_ins: int = 0
    refused: list[str] = field(default_factory=list)

    def call(self, service: str, record: Mapping[str, Any]) -> tuple[str, Sentence]:
        """(code, sentence) of the answer; the code is "" where it was taken."""
        asked = {"madonvi": self.unit or self.agency, "service": service, "data": [record]}
        answer = self._post("/dvcqg", {"session": self.session, **asked})
        if answer.get("code") == Fault.PORTAL_SESSION.code:
            self.log_in()
            answer = self._post("/dvcqg", {"session": self.session, **asked})
        told = answer["result"][0] if answer.get("result") else answer
        if told["code"]:
            self.refused.append(told["code"])
        return told["code"], {"vi": told.get("message", ""), "en": told.get("message_en", "")}

    def log_in(self) -> None:
        """A new session."""
        given = {"username": f"SYS.{self.agency}", "password": self.secret, "dstcode": f"VN:GOV:{PORTAL}:dvcqg"}
        self.session = str(self._post("/dvcqg/login", given).get("session", ""))
        self.log_ins += 1

    def _post(self, path: str, value: Mapping[str, Any]) -> dict[str, Any]:
        return dict(self.http.post(path, json=value).json())


class Payments:
    """A payment platform: it answers pending first, and its order numbers come from a clock that everybody shares."""

    def __init__(self) -> None:
        self._answered: dict[str, int] = {}
        self.numbers = 0

    def order(self, *, again: bool = False) -> str:
        """A number for an order; `again`: the one before, once more."""
        self.numbers += not again
        return f"TT-{self.numbers:06}"

    def answer(self, order: str, amount: int, at: datetime) -> dict[str, Any]:
        """What it says of an order when it is asked."""
        self._answered[order] = self._answered.get(order, 0) + 1
        if self._answered[order] == 1:
            return {"MaTraCuuTT": order, "error_code": "1", "message": "Đang chờ ngân hàng"}
        return {
            "MaTraCuuTT": order,
            "error_code": "0",
            "SoTien": str(amount),
            "MaNganHang": "VCB",
            "KenhThanhToan": "BANK",
            "ThoiDiemThanhToan": _text(at),
            "MaGiaoDich": f"FT{order}",
            "BienLai": {"SoBienLai": "0000001", "NgayBienLai": _text(at)},
        }


class Post:
    """The post: it gives a waybill some time after it was asked for one."""

    def waybill(self, order: str) -> str:
        """Its own number of an order."""
        return f"EB{uuid.uuid5(uuid.NAMESPACE_URL, order).int % 10**9:09}VN"


def perform(place: Path, tell: Callable[[Scene], None]) -> dict[str, Any]:
    """Play the story in a new home at `place`; its summary. Refusals are told in both languages. What is told was found
    in answers and records, never assumed. Raises the axis' errors."""
    settings = config.Config(
        config.Installation(str(uuid.uuid4())),
        adapter=config.Adapter(settle_seconds=0.0, agencies={code: {"kind": "spool"} for code in CODES}),
        hub=config.Hub(consignment_after=0.0),
        server=config.Server("127.0.0.1:0"),
        log=config.Log(level="error"),
        portal=config.Portal(PORTAL),
    )
    rows = [row for row in provision.catalogue() if row["code"] in CODES]
    provision.create_home(place, settings, "p256", datetime.now(UTC), rows=rows)
    home = bootstrap.open_home(place)
    secrets = {code: systems.add_system(bootstrap.systems_file(home), f"SYS.{code}", code) for code in CODES}
    with ExitStack() as stack:
        hub, agencies = stack.enter_context(bootstrap.embedded_parts(home))
        port = stack.enter_context(fronts.front(home, agencies))
        units = {PROVINCE: UNIT}
        http = stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False))
        clients = {code: Client(http, code, secrets[code], units.get(code, "")) for code in CODES}

        def settle() -> None:
            loops.rounds(hub, agencies, stopped=lambda: False, until_idle=True)
            for code in CODES:  # each system fetches its mail, and says that it has it: E.1
                spool = open_spool(place / "agencies" / code / "spool")
                for row in spool.received(Selection(folders=("inbox",))):
                    spool.acknowledge(row["id"], "done")

        for scene in _scenes(place, clients, settle):
            tell(scene)
        spools = {code: place / "agencies" / code / "spool" for code in CODES}
        month = period(Span.MONTH, datetime.now(VIETNAM).date())
        registry = agencies[0].registry()
        found = dossiers.report(hub.store, registry, spools, month, "ministry", datetime.now(UTC), PORTAL)
        names = ("received", "early", "on_time", "late", "returned", "paid")
        figures = {name: found["total"][name] for name in names}
        tell(Scene("figures", {**figures, "banks": ", ".join(found["banks"])}))
        return {
            "statuses": _statuses(place),
            "refused": sorted(one for client in clients.values() for one in client.refused),
            "log_ins": sum(client.log_ins for client in clients.values()),
            "broken": found["broken"],
            **figures,
        }


def _scenes(place: Path, clients: Mapping[str, Client], settle: Callable[[], None]) -> Iterator[Scene]:
    desk, ministry, portal = clients[PROVINCE], clients[MINISTRY], clients[PORTAL]
    begun = datetime.now(VIETNAM).replace(microsecond=0) - timedelta(hours=1)
    number = f"{UNIT}-{begun:%y%m%d}-0000001"
    due = begun + timedelta(days=3)
    at = _minutes(begun)
    application = replace(next(february(1)), number=number, received_at=begun, due_at=due, by_post=False)
    record = as_sent(application, Status.REGISTERED) | {"MaDonViXuLy": MINISTRY, "TenTTHC": "Cấp phiếu lý lịch tư pháp"}
    payments, post = Payments(), Post()

    def sent(client: Client, service: str, value: Mapping[str, Any]) -> tuple[str, Sentence]:
        code, sentence = client.call(service, value)
        settle()
        return code, sentence

    def step(client: Client, status: str) -> tuple[str, Sentence]:
        made = {"MaHoSo": number, "NguoiXuLy": "Cán bộ một cửa", "NoiDungXuLy": "Xử lý", "TrangThai": status}
        return sent(client, "CapNhatTienDoHoSoMC", made | {"ThoiDiemXuLy": _text(next(at))})

    sent(desk, "DongBoHoSoMC", record)
    yield Scene("registered", {"number": number, "known": " · ".join(_known(place, number)), "log_ins": desk.log_ins})
    code, sentence = step(desk, "10")
    yield Scene("illegal", {"code": code, "sentence": sentence})
    for client, status in ((desk, "2"), (ministry, "4")):
        step(client, status)
    moved = record | {"TrangThaiHoSo": "4", "NgayHenTra": _text(due + timedelta(days=5))}
    code, sentence = sent(ministry, "DongBoHoSoMC", moved)
    sent(ministry, "DongBoHoSoMC", moved | {"TrangThaiHoSo": "5"})
    noted = open_spool(place / "agencies" / PORTAL / "spool").application(number)
    new = noted.due_at.astimezone(VIETNAM).strftime("%d/%m/%Y") if noted is not None else ""
    yield Scene("due", {"code": code, "sentence": sentence, "due": new})
    for status in ("4", "6"):
        step(ministry, status)
    yield Scene("paid", _pay(number, ministry, portal, payments, sent, next(at)))
    for client, status in ((ministry, "4"), (ministry, "9"), (desk, "10")):
        step(client, status)
    order = f"{number}__0001"
    parcel = {
        "MaHoSo": number,
        "orderNumber": order,
        "postalServiceName": "VNPost",
        "postalAddress": "Số 1",
        "postalCityCode": "87",
        "postalTelNo": "0900000000",
        "receiverName": "Người nhận",
        "govAgencyCode": UNIT,
    }
    code, sentence = sent(desk, "BuuChinhTraKetQua", parcel | {"TrangThai": "2", "ThoiDiem": _text(next(at))})
    waybill = post.waybill(order)
    for status in ("1", "2", "3"):
        answered = {"MaVanDon": waybill} if status > "1" else {}
        sent(desk, "BuuChinhTraKetQua", parcel | answered | {"TrangThai": status, "ThoiDiem": _text(next(at))})
    yield Scene("posted", {"code": code, "sentence": sentence, "waybill": waybill})
    if (states := set(_statuses(place).values())) != {Status.RETURNED.value}:
        raise Unavailable(Problem(Fault.INTERNAL, got=f"the application stands at {sorted(states)}"))
    yield Scene("returned", {"known": " · ".join(_known(place, number))})


def _pay(
    number: str,
    ministry: Client,
    portal: Client,
    payments: Payments,
    sent: Callable[[Client, str, Mapping[str, Any]], tuple[str, Sentence]],
    at: datetime,
) -> dict[str, Any]:
    """The ministry asks, with a number that another request has already; the platform answers through the portal."""
    asked = {
        "MaHoSo": number,
        "MaDichVu": "1",
        "MaTTHC": "1.001012",
        "MaDonVi": MINISTRY,
        "TKThuHuong": "0011000000001",
        "MaNHThuHuong": "VCB",
        "TenTKThuHuong": "Bộ Tư pháp",
        "NoiDungThanhToan": "Lệ phí",
    }

    def fees(amount: int, order: str) -> dict[str, Any]:
        return asked | {"MaTraCuuTT": order, "PhiLePhi": [{"MaPhiLePhi": "LP01", "SoTien": str(amount)}]}

    first = payments.order()
    sent(ministry, "YeuCauThanhToan", fees(100_000, first))
    code, sentence = sent(ministry, "YeuCauThanhToan", fees(200_000, payments.order(again=True)))
    order = payments.order()
    sent(ministry, "YeuCauThanhToan", fees(200_000, order))
    for _ in range(2):
        sent(portal, "KetQuaThanhToan", {"MaHoSo": number, **payments.answer(order, 200_000, at)})
    return {"code": code, "sentence": sentence, "order": order, "amount": 200_000, "bank": "VCB"}


def _known(place: Path, number: str) -> list[str]:
    """``G22: 2`` for each agency that knows the application."""
    known = {code: open_spool(place / "agencies" / code / "spool").application(number) for code in CODES}
    return [f"{code}: {one.status}" for code, one in known.items() if one is not None]


def _statuses(place: Path) -> dict[str, str]:
    found = {}
    for code in CODES:
        spool = open_spool(place / "agencies" / code / "spool")
        found[code] = next((one.status.value for one in spool.applications(1)), "")
    return found


def _minutes(begun: datetime) -> Iterator[datetime]:
    """One moment after the other, a minute apart."""
    while True:
        begun += timedelta(minutes=1)
        yield begun


def _text(moment: datetime) -> str:
    return moment.astimezone(VIETNAM).strftime("%Y%m%d%H%M%S")
