"""One-stop systems and the portal over the axis, as their clients call it: an application through all ten statuses between
a province, a ministry and the portal, with payment and post; whatever is not allowed has its code; no citizen is noted."""

from __future__ import annotations

import http.server
import json
import logging
import threading
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from axis import bootstrap, config, fronts
from axis.adapters import systems
from axis.adapters.dvcqg import fetch as fetching
from axis.adapters.dvcqg.fetch import fetch
from axis.adapters.dvcqg.server import SENDING
from axis.adapters.dvcqg.sessions import EACH, SESSION, Sessions
from axis.adapters.spool.selection import Selection
from axis.adapters.spool.store import open_spool
from axis.adapters.systems import System
from axis.core.applications.status import AT_THE_COUNTER, MOVES, Status
from axis.infra.record import tables
from axis.services.operate import types
from axis.services.questions import metrics
from axis.trials import demo_dossier
from axis.trials.applications import as_sent, february
from tests import make_stories
from tests.line import Line, rest, small_home
from tests.served import ServedLine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from axis.services.agency.adapter import Agency
    from axis.services.hub.worker import Hub
    from axis.trials.demo_scenes import Scene
    from tests.servers import PostgreSql, RabbitMq

SHIPPED = Path(__file__).parents[2] / "schemas" / "documents"
PORTAL, PROVINCE, MINISTRY = "G22", "H20", "G15"
CODES = (PORTAL, PROVINCE, MINISTRY, "H41")
CITIZEN = "Nguyễn Thị Không Ai Biết"
NUMBER = "H20.14-200203-0000001"
PROCEDURES = (
    "MaTTHC,TenTTHC,MaLinhVuc,TenLinhVuc,MaCoQuan\n1.001612,Cấp phiếu,TP,Tư pháp,G15\n1.2,Khác,KH,Kế hoạch,H20\n"
)


@dataclass
class Served:
    line: Line
    hub: Hub
    agencies: list[Agency]
    port: int

    def post(self, path: str, value: Any) -> dict[str, Any]:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def log_in(self, code: str) -> str:
        answer = self.post(
            "/dvcqg/login", {"username": f"SYS.{code}", "password": f"secret {code}", "dstcode": "VN:GOV:G22:dvcqg"}
        )
        assert answer["error_code"] == "0", answer
        return str(answer["session"])

    def call(self, code: str, service: str, *records: Any, unit: str = "", **more: Any) -> dict[str, Any]:
        asked = {
            "session": self.log_in(code),
            "madonvi": unit or code,
            "service": service,
            "data": list(records),
            **more,
        }
        answer = self.post("/dvcqg", asked)
        if service in SENDING and any(one["error_code"] == "0" for one in answer.get("result", ())):
            self.rest()
        return answer

    def rest(self) -> None:
        if isinstance(self.line, ServedLine):
            self.line.run()
        else:
            rest(self.hub, self.agencies, self.line.clock)

    def status(self, code: str, number: str = NUMBER) -> str:
        known = open_spool(self.line.path / "agencies" / code / "spool").application(number)
        return known.status if known is not None else ""

    def said(self, code: str, folder: str = "inbox") -> list[str]:
        rows = open_spool(self.line.path / "agencies" / code / "spool").received(Selection(folders=(folder,)))
        return [row["subject"] for row in rows]


@contextmanager
def serving(line: Line) -> Iterator[Served]:
    (line.path / "procedures.csv").write_text(PROCEDURES, "utf-8")
    line.configure(
        adapter=config.Adapter(settle_seconds=0.0, agencies={code: {"kind": "spool"} for code in CODES}),
        server=config.Server("127.0.0.1:0", webhook_networks=("127.0.0.0/8",)),
        portal=config.Portal(PORTAL, "procedures.csv"),
    )
    home = bootstrap.open_home(line.path)
    with bootstrap.registrar(home) as registrar:  # so that the hub follows the applications, too
        for name in ("mcdt_dt", "dvcqg_progress", "dvcqg_correction"):
            types.add(registrar, types.read(SHIPPED / name / "1"), "", line.clock())
    for code in CODES:
        systems.add_system(bootstrap.systems_file(home), f"SYS.{code}", code, f"secret {code}")
    with ExitStack() as stack:
        hub, agencies = stack.enter_context(line.parts())
        port = stack.enter_context(fronts.front(home, agencies))
        yield Served(line, hub, agencies, port)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving(small_home(tmp_path / "home", CODES)) as opened:
        yield opened


class Files(http.server.BaseHTTPRequestHandler):
    """A document store: counts what it is asked for."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/don.pdf")
            self.end_headers()
            return
        content = b"%PDF-1.4 " + b"x" * (5000 if self.path == "/large" else 10)
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: Any) -> None:
        """Nothing."""


@pytest.fixture
def store() -> Iterator[tuple[str, list[str]]]:
    handler = type("Handler", (Files,), {"asked": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", handler.asked  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def record(status: str = "1", **more: Any) -> dict[str, Any]:
    one = next(february(1))
    made = as_sent(one, Status(status), CITIZEN) | {"MaHoSo": NUMBER, "MaTTHC": "1.001612", "MaDonViXuLy": MINISTRY}
    return made | {"NgayTiepNhan": "20200203083000", "NgayHenTra": "20200210170000"} | more


def step(status: str, hour: int, **more: Any) -> dict[str, Any]:
    at = f"202002{3 + hour // 24:02}{hour % 24:02}0000"
    made = {
        "MaHoSo": NUMBER,
        "NguoiXuLy": "Trần Thị B",
        "ThoiDiemXuLy": at,
        "NoiDungXuLy": "Xử lý",
        "TrangThai": status,
    }
    return made | more


def codes(answer: dict[str, Any]) -> list[str]:
    return [one["code"] for one in answer["result"]]


def test_an_application_goes_through_all_ten_statuses_with_payment_and_post_and_no_citizen_is_noted(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    through_all_ten(served, caplog)


@pytest.mark.amqp
@pytest.mark.postgres
@pytest.mark.timeout(400)
def test_it_does_so_over_rabbitmq_and_postgresql(
    tmp_path: Path,
    rabbitmq: RabbitMq,
    postgres: PostgreSql,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    url = postgres.record(f"dossier{time.monotonic_ns()}")
    monkeypatch.setenv("AXIS_DATABASE_URL", url)
    with ServedLine(tmp_path / "home", rabbitmq, url, CODES) as line, serving(line) as opened:
        through_all_ten(opened, caplog)


def through_all_ten(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    """Between province, ministry and portal; at each step what is not allowed then is tried, too."""
    caplog.set_level(logging.DEBUG)
    unit = "H20.14"
    assert served.call(PROVINCE, "DongBoHoSoMC", record(), unit=unit)["error_code"] == "0"
    assert [served.status(code) for code in CODES] == ["1", "1", "1", ""]
    before = Status.REGISTERED
    for hour, status in enumerate(map(Status, ("2", "5", "4", "6", "4", "9", "10")), 9):
        nothing_illegal_is_done(served, NUMBER, before, hour)
        speaker = PROVINCE if status in AT_THE_COUNTER else MINISTRY
        done = served.call(speaker, "CapNhatTienDoHoSoMC", step(status, hour), unit=OWN[speaker])
        before = status
        assert done["error_code"] == "0", done
        assert [served.status(code) for code in CODES] == [status, status, status, ""]
        if status == "6":
            pay(served)
    nothing_illegal_is_done(served, NUMBER, before, 18)
    for number, end in enumerate((("3",), ("2", "7"), ("2", "8")), 2):
        ends_otherwise(served, f"H20.14-200203-{number:07}", end)
    posted = {
        "MaHoSo": NUMBER,
        "orderNumber": f"{NUMBER}__1",
        "postalServiceName": "VNPost",
        "postalAddress": "Số 1",
        "postalCityCode": "87",
        "postalTelNo": "0900000000",
        "receiverName": CITIZEN,
        "govAgencyCode": unit,
    }
    early = served.call(
        PROVINCE, "BuuChinhTraKetQua", posted | {"TrangThai": "2", "ThoiDiem": "20200204090000"}, unit=unit
    )
    assert codes(early) == ["POSTAL_WAYBILL"], "said before the post has answered"
    for number, more in enumerate(
        ({"TrangThai": "1"}, {"TrangThai": "2", "MaVanDon": "EB1VN"}, {"TrangThai": "3", "MaVanDon": "EB1VN"})
    ):
        done = served.call(
            PROVINCE, "BuuChinhTraKetQua", posted | more | {"ThoiDiem": f"2020020410000{number}"}, unit=unit
        )
        assert done["error_code"] == "0", done
    found = served.call(PORTAL, "TraCuuHoSo", MaHoSo=NUMBER)["result"][0]
    assert (found["TrangThaiHoSo"], found["MaDonViTiepNhan"], found["MaDonViXuLy"]) == ("10", unit, MINISTRY)
    assert [(one["SuKien"], one["NganHang"]) for one in found["DanhSachSuKien"]] == [("paid", "VCB"), ("returned", "")]
    with served.hub.store.reading() as reader:
        standing = reader.connection.execute(sa.select(tables.standing.c.owner, tables.standing.c.state)).all()
    assert sorted(map(tuple, standing)) == [(PROVINCE, one) for one in ("10", "3", "7", "8")]
    _nobody_is_named(served, caplog)


OWN = {PROVINCE: "H20.14", MINISTRY: MINISTRY}


def nothing_illegal_is_done(served: Served, number: str, before: str, hour: int) -> None:
    """Every move that the table does not have is refused, and everybody's record stays as it is."""
    for illegal in (one for one in Status if one != before and one not in MOVES[Status(before)]):
        speaker = PROVINCE if illegal in AT_THE_COUNTER else MINISTRY
        wrong = step(illegal, hour, MaHoSo=number)
        assert codes(served.call(speaker, "CapNhatTienDoHoSoMC", wrong, unit=OWN[speaker])) == ["APPLICATION_MOVE"]
    assert {served.status(code, number) for code in CODES[:3]} == {before}


def ends_otherwise(served: Served, number: str, statuses: tuple[str, ...]) -> None:
    """Not accepted, withdrawn or stopped: from there it goes nowhere."""
    registered = record(MaHoSo=number)
    assert served.call(PROVINCE, "DongBoHoSoMC", registered, unit=OWN[PROVINCE])["error_code"] == "0"
    for hour, status in enumerate(map(Status, statuses), 9):
        speaker = PROVINCE if status in AT_THE_COUNTER else MINISTRY
        done = served.call(speaker, "CapNhatTienDoHoSoMC", step(status, hour, MaHoSo=number), unit=OWN[speaker])
        assert done["error_code"] == "0", done
    nothing_illegal_is_done(served, number, statuses[-1], 12)


def pay(served: Served) -> None:
    """The ministry asks, the payment platform answers through the portal's owner: pending, then paid."""
    asked = {
        "MaHoSo": NUMBER,
        "MaTraCuuTT": "TT1",
        "MaDichVu": "1",
        "MaTTHC": "1.001612",
        "MaDonVi": MINISTRY,
        "PhiLePhi": [{"MaPhiLePhi": "LP", "SoTien": "200000"}],
        "TKThuHuong": "1",
        "MaNHThuHuong": "VCB",
        "TenTKThuHuong": "Bộ Tư pháp",
        "NoiDungThanhToan": "Lệ phí",
        "HoTenNguoiNop": CITIZEN,
    }
    assert served.call(MINISTRY, "YeuCauThanhToan", asked)["error_code"] == "0"
    again = asked | {"PhiLePhi": [{"MaPhiLePhi": "LP", "SoTien": "1"}]}
    assert codes(served.call(MINISTRY, "YeuCauThanhToan", again)) == ["PAYMENT_REPEATED"]
    pending = {"MaHoSo": NUMBER, "MaTraCuuTT": "TT1", "error_code": "1"}
    paid = pending | {
        "error_code": "0",
        "SoTien": "200000",
        "MaNganHang": "VCB",
        "KenhThanhToan": "BANK",
        "ThoiDiemThanhToan": "20200203140000",
        "MaGiaoDich": "FT1",
        "BienLai": {"SoBienLai": "7", "NgayBienLai": "20200203140100"},
    }
    assert codes(served.call(MINISTRY, "KetQuaThanhToan", paid)) == ["APPLICATION_PARTY"], (
        "only the portal's owner says"
    )
    assert codes(served.call(PORTAL, "KetQuaThanhToan", paid | {"SoTien": "1"})) == ["PAYMENT_MISMATCH"]
    for answer in (pending, paid, paid):
        assert served.call(PORTAL, "KetQuaThanhToan", answer)["error_code"] == "0"


def _nobody_is_named(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the ledger, nor what the record shows of documents, nor logs and metrics name the citizen, the telephone
    or the identity number; the recipient's own parcel does."""
    sent = record()
    secrets = [sent["ChuHoSo"], sent["MaDoiTuong"], sent["SoDienThoai"]]
    with served.hub.store.reading() as reader:
        ledger = "".join(reader.connection.execute(sa.select(tables.ledger_entry.c.canonical)).scalars())
        shown = str(reader.connection.execute(sa.select(tables.submission)).mappings().all())
    samples = metrics.of_record(served.hub.store, served.agencies[0].registry(), served.line.clock.now)
    told = ledger + shown + caplog.text + str(served.said(PORTAL) + served.said(MINISTRY)) + str(samples)
    assert NUMBER in told
    assert [one for one in secrets if one in told] == []
    packets = [
        path.read_bytes() for path in (served.line.path / "agencies" / MINISTRY / "spool" / "in").glob("*.edxml")
    ]
    assert len(packets) > 5


def test_whoever_does_not_log_in_or_speaks_for_others_is_refused(served: Served) -> None:
    wrong = served.post("/dvcqg/login", {"username": "SYS.H20", "password": "secret G22", "dstcode": ""})
    assert (wrong["error_code"], wrong["code"]) == ("-1", "API_UNAUTHORIZED")
    call = {"session": "x", "madonvi": "H20", "service": "DongBoHoSoMC", "data": [record()]}
    assert served.post("/dvcqg", call)["code"] == "PORTAL_SESSION"
    session = served.log_in("H41")
    assert served.post("/dvcqg", call | {"session": session})["code"] == "AUTHZ_MISMATCH"
    assert served.post("/dvcqg", call | {"session": session, "service": "Xoa"})["code"] == "PORTAL_SERVICE"
    assert served.post("/dvcqg", call | {"session": session, "madonvi": "H41", "data": []})["code"] == "PACKET_VALUE"
    for nonsense in (b"", b"[", b"[]", b'{"session": {}}', b"[" * 100_000):
        assert served.post("/dvcqg", nonsense)["error_code"] == "-1"
    served.call(PROVINCE, "DongBoHoSoMC", record())
    assert served.call("H41", "TraCuuHoSo", MaHoSo=NUMBER)["code"] == "APPLICATION_UNKNOWN", "it is none of H41's"
    assert codes(served.call("H41", "CapNhatTienDoHoSoMC", step("2", 9))) == ["APPLICATION_UNKNOWN"]


def test_a_record_that_is_sent_again_is_one_document_and_a_wrong_one_keeps_no_other_back(served: Served) -> None:
    other = record() | {"MaHoSo": "H20.14-200203-0000002"}
    answer = served.call(PROVINCE, "DongBoHoSoMC", record(), record("9") | {"MaHoSo": "H20-200203-3"}, other)
    assert codes(answer) == ["", "APPLICATION_MOVE", ""]
    assert answer["error_code"] == "-1"
    assert len(served.said(PORTAL)) == 2
    assert codes(served.call(PROVINCE, "DongBoHoSoMC", record())) == [""]
    assert len(served.said(PORTAL)) == 2


def test_what_the_recipients_own_record_contradicts_is_refused_there(served: Served) -> None:
    served.call(PROVINCE, "DongBoHoSoMC", record("2", MaDonViXuLy=""))
    mine = open_spool(served.line.path / "agencies" / PROVINCE / "spool")
    known = mine.application(NUMBER)
    assert known is not None
    portal = open_spool(served.line.path / "agencies" / PORTAL / "spool")
    portal.note_applications([type(known)(**{**_fields(known), "status": Status.STOPPED})])
    assert codes(served.call(PROVINCE, "CapNhatTienDoHoSoMC", step("4", 9))) == [""]
    assert served.status(PORTAL) == "8", "what is stopped there is not processed"
    outcomes = [row["outcomes"] for row in mine.sent(Selection())]
    assert outcomes[-1][PORTAL]["event"] == "E.2"


def test_an_illegal_step_that_its_senders_own_record_allows_is_refused_by_the_hub_and_moves_nobody(
    served: Served,
) -> None:
    served.call(PROVINCE, "DongBoHoSoMC", record("2", MaDonViXuLy=""))
    mine = open_spool(served.line.path / "agencies" / PROVINCE / "spool")
    known = mine.application(NUMBER)
    assert known is not None
    mine.note_applications([replace(known, status=Status.PROCESSED)])
    assert codes(served.call(PROVINCE, "CapNhatTienDoHoSoMC", step("10", 9))) == [""]
    (row,) = [one for one in mine.sent(Selection()) if one["state"] == "refused"]
    (found,) = row["report"]["findings"]
    assert (found["code"], "2 → 10" in str(found)) == ("TYPE_MOVE", True)
    assert served.status(PORTAL) == "2"


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


def test_files_are_fetched_once_and_frozen_into_the_parcel(served: Served, store: tuple[str, list[str]]) -> None:
    url, asked = store
    papers = [
        {"TenTepDinhKem": "don.pdf", "DuongDanTaiTepTin": f"{url}/don.pdf", "IsDeleted": "False"},
        {"TenTepDinhKem": "cu.pdf", "DuongDanTaiTepTin": f"{url}/cu.pdf", "IsDeleted": "True"},
    ]
    assert codes(served.call(PROVINCE, "DongBoHoSoMC", record("2", MaDonViXuLy="", TaiLieuNop=papers))) == [""]
    assert codes(served.call(PROVINCE, "DongBoHoSoMC", record("2", MaDonViXuLy="", TaiLieuNop=papers, GhiChu="x"))) == [
        ""
    ]
    assert asked == ["/don.pdf"]
    letter = {
        "SoKyHieu": "1/TXL",
        "NgayKy": "20200209160000",
        "NguoiKy": "Lê Văn C",
        "LyDo": "Chờ",
        "TenTep": "xin-loi.pdf",
    }
    later = {"NgayHenTra": "20200217170000", "ThuXinLoi": letter, "MaDonViXuLy": ""}
    assert codes(served.call(PROVINCE, "DongBoHoSoMC", record("2", **later))) == ["APPLICATION_DUE"]
    signed = [{"TenTepDinhKem": "xin-loi.pdf", "DuongDanTaiTepTin": f"{url}/xin-loi.pdf"}]
    assert codes(served.call(PROVINCE, "DongBoHoSoMC", record("2", **later, TaiLieuNop=signed))) == [""]
    gone = [{"TenTepDinhKem": "a.pdf", "DuongDanTaiTepTin": f"{url}/moved"}]
    refused = served.call(PROVINCE, "DongBoHoSoMC", record("2", **later, TaiLieuNop=gone))
    assert codes(refused) == ["APPLICATION_FILE"]
    assert refused["result"][0]["findings"][0]["path"] == "TaiLieuNop[1]"


def test_no_url_leads_where_only_this_machine_can_look(store: tuple[str, list[str]]) -> None:
    url, asked = store
    here = ("127.0.0.0/8",)
    assert fetch(f"{url}/don.pdf", here).startswith(b"%PDF")
    port = url.rpartition(":")[2]
    for bad in (
        f"{url}/don.pdf",
        f"http://localhost:{port}/don.pdf",
        f"https://127.0.0.1:{port}/",
        "https://169.254.169.254/latest",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://10.0.0.1/",
        "http://8.8.8.8/plain",
        "file:///etc/passwd",
        "ftp://example.vn/x",
        "https://a:b@example.vn/",
        "https://",
        "x" * 3000,
        "https://\udce4/",
    ):
        with pytest.raises(OSError, match=r"."):
            fetch(bad)
    with pytest.raises(OSError, match="more than 100"):
        fetch(f"{url}/large", here, 100)
    with pytest.raises(OSError, match="HTTP 302"):
        fetch(f"{url}/moved", here)
    assert "/moved" in asked
    assert fetching.MAX_FILE < 50_000_000


def test_a_session_ends_with_its_time_its_system_and_its_turn() -> None:
    now = datetime(2026, 11, 26, tzinfo=UTC)
    known = {"S": System("H20", "geheim"), "T": System("G15", "x")}
    sessions = Sessions()
    assert sessions.log_in(known, "S", "wrong", now) == sessions.log_in(known, "U", "geheim", now) == ""
    first = sessions.log_in(known, "S", "geheim", now)
    assert sessions.session(known, first, now + SESSION - timedelta(seconds=1)) is not None
    assert sessions.session(known, first, now + SESSION) is None
    assert sessions.session({}, first, now) is None, "its system was taken back"
    assert sessions.session({"S": System("H41", "geheim")}, first, now) is None
    others = [sessions.log_in(known, "S", "geheim", now) for _ in range(EACH)]
    assert sessions.session(known, first, now) is None
    assert sessions.session(known, others[-1], now) is not None


def test_a_question_goes_to_whose_it_is_and_its_answer_comes_back_and_no_citizen_is_noted(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    asked = {"HOIDAPID": "7", "MaLinhVuc": "TP", "NOIDUNG": "Mất bao lâu?", "MADONVI": MINISTRY, "HOTEN": CITIZEN}
    for _ in range(2):
        assert codes(served.call(PORTAL, "DongBoHoiDap", asked)) == [""]
    assert len(served.said(MINISTRY)) == 1, "sent again it is the same"

    def known(code: str, service: str = "LayDanhSachHoiDapGuiTuDVCQG") -> list[tuple[str, str]]:
        return [(one["NOIDUNG"], one["NOIDUNGTRALOI"]) for one in served.call(code, service)["result"]]

    assert [known(code) for code in CODES] == [[("Mất bao lâu?", "")], [], [("Mất bao lâu?", "")], []]
    answer = {"HOIDAPID": "7", "MADONVI": MINISTRY, "NGUOITRALOI": "Trần Thị B", "NOIDUNGTRALOI": "Mười ngày."}
    assert codes(served.call(PROVINCE, "DongBoKetQuaHoiDapGuiTuDVCQG", answer)) == ["NOT_FOUND"]
    assert codes(served.call(MINISTRY, "DongBoKetQuaHoiDapGuiTuDVCQG", answer | {"NOIDUNGTRALOI": ""})) == [
        "PACKET_MISSING"
    ]
    assert codes(served.call(MINISTRY, "DongBoKetQuaHoiDapGuiTuDVCQG", answer)) == [""]
    assert known(PORTAL) == known(MINISTRY) == [("Mất bao lâu?", "Mười ngày.")]
    own = {"HOIDAPID": "7", "NOIDUNG": "Ở đâu?", "MADONVI": PROVINCE, "NOIDUNGTRALOI": "Bộ phận một cửa."}
    assert codes(served.call(PROVINCE, "DongBoHoiDap", own | {"NOIDUNGTRALOI": ""})) == ["PACKET_MISSING"]
    assert codes(served.call(PROVINCE, "DongBoHoiDap", own | {"MADONVI": MINISTRY})) == ["APPLICATION_PARTY"]
    assert codes(served.call(PROVINCE, "DongBoHoiDap", own)) == [""]
    assert known(PORTAL, "LayDanhSachHoiDapBoCoQuan") == [("Ở đâu?", "Bộ phận một cửa.")]
    with served.hub.store.reading() as reader:
        ledger = "".join(reader.connection.execute(sa.select(tables.ledger_entry.c.canonical)).scalars())
        shown = str(reader.connection.execute(sa.select(tables.submission)).mappings().all())
    told = ledger + shown + caplog.text + str(served.said(MINISTRY))
    assert [one for one in (CITIZEN, "Mất bao lâu?", "Trần Thị B") if one in told] == []


def test_the_catalogues_are_asked_as_at_the_portal(served: Served) -> None:
    asked = {
        name: served.call(PROVINCE, name)["result"]
        for name in ("LayDanhSachTTHC", "LayDanhMucLinhVuc", "LayDanhMucCoQuan")
    }
    assert [one["MaTTHC"] for one in asked["LayDanhSachTTHC"]] == ["1.001612", "1.2"]
    assert asked["LayDanhMucLinhVuc"] == [
        {"MaLinhVuc": "KH", "TenLinhVuc": "Kế hoạch"},
        {"MaLinhVuc": "TP", "TenLinhVuc": "Tư pháp"},
    ]
    assert {one["MADONVI"] for one in asked["LayDanhMucCoQuan"]} == set(CODES)
    one = served.call(PROVINCE, "LayThuTuc", maTTHC="1.2")["result"]
    assert [row["TenTTHC"] for row in one] == ["Khác"]
    assert served.call(PROVINCE, "LayThuTuc")["code"] == "PACKET_MISSING"


def test_the_demo_tells_the_story_of_one_application_with_the_faults_of_the_portals_clients(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    told: list[Scene] = []
    result = demo_dossier.perform(tmp_path / "home", told.append)
    assert [one.name for one in told] == ["registered", "illegal", "due", "paid", "posted", "returned", "figures"]
    assert result["statuses"] == {PORTAL: "10", PROVINCE: "10", MINISTRY: "10"}
    refusals = ["APPLICATION_DUE", "APPLICATION_MOVE", "PAYMENT_REPEATED", "POSTAL_WAYBILL"]
    assert (result["refused"], result["log_ins"], result["broken"]) == (refusals, 3, [])
    assert [result[name] for name in ("received", "early", "returned", "paid")] == [1, 1, 1, 1]
    citizen = as_sent(replace(next(february(1)), number=told[0].facts["number"]))
    with bootstrap.reading(bootstrap.open_home(tmp_path / "home")) as record, record.reading() as reader:
        ledger = "".join(reader.connection.execute(sa.select(tables.ledger_entry.c.canonical)).scalars())
        with bootstrap.reading_registry(bootstrap.open_home(tmp_path / "home")) as registry:
            samples = str(metrics.of_record(record, registry, datetime.now(UTC)))
    assert told[0].facts["number"] in ledger
    everywhere = ledger + samples + caplog.text + str(told)
    assert [one for one in ("ChuHoSo", "MaDoiTuong", "SoDienThoai") if citizen[one] in everywhere] == []
    for language in make_stories.LANGUAGES:
        drawn, lines = make_stories.file("dossier", language).read_text("utf-8"), make_stories.dossier(told, language)
        assert make_stories.said(drawn) == make_stories.said(make_stories.svg(lines))
        assert "{" not in "".join(lines)
