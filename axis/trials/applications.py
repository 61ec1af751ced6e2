"""A record of applications that nobody ever made: as the published figures of 2020 would have come out of one.

Published were thousands with one decimal and shares; the record has whole applications whose sums, rounded, are those.
Where two published figures cannot both be true the record follows the counts, never the percentage.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from axis.core.applications.application import Application
from axis.core.applications.figures import Event, Happened
from axis.core.applications.status import Status
from axis.core.instant import VIETNAM

if TYPE_CHECKING:
    from collections.abc import Iterator

HANOI, HO_CHI_MINH, QUANG_NINH, NGHE_AN = "H26", "H29", "H49", "H41"
CITIES = ("H13", "H17", "H24", HANOI, HO_CHI_MINH)
PROVINCES = tuple(f"H{n:02}" for n in range(1, 64))
FINES, FEE, BIRTHS, RECORDS = "traffic-fines", "registration-fee", "birth-registration", "criminal-records"
LAUNCH, MORE, NATIONWIDE = date(2019, 12, 9), date(2020, 3, 13), date(2020, 6, 1)
BANKS = (
    *("BIDV", "VBA", "TCB", "MB", "ACB", "VPB", "SHB", "STB", "EIB", "HDB", "TPB", "VIB", "MSB", "OCB", "SCB"),
    *("SEAB", "LPB", "ABB", "BAB", "NAB", "NCB", "PVB", "SGB", "VAB", "VCCB", "KLB", "BVB", "PGB", "GPB", "DOB"),
)  # through VNPT Pay
POSTAL_2019 = 14_505_494
COLLECTED_SHARE = 0.15  # published to four digits as exactly this: a share, not a count


@dataclass(frozen=True)
class Record:
    """Applications, each so many times; what happened besides; who offers what since when; what is offered at all."""

    applications: tuple[tuple[Application, int], ...]
    events: tuple[Event, ...]
    offers: dict[tuple[str, str], date]
    services: dict[str, int]  # services at level 3 or 4: of ministries, of localities
    members: tuple[str, ...]  # that exchange documents


def record_of_2020(members: tuple[str, ...]) -> Record:
    """The record; `members` are the codes of those on the axis."""
    known = [*_hanoi(), *_ho_chi_minh(), *_two_provinces(), *_used("G12", 1046), *_used("H63", 11_415)]
    return Record(
        tuple(known),
        (*_postal(), *_paid()),
        _offers(),
        {"ministries": 1736, "localities": 49_412},
        members,
    )


# -- Applications --------------------------------------------------------------------------------------------------


def _made(
    resolver: str,
    received: date,
    closed: date | None,
    *,
    in_time: int = 3,
    status: Status = Status.RETURNED,
    name: str = "1.001",
) -> Application:
    """`in_time`: days that were left when it was resolved; less than none: it was late."""
    begun = datetime(received.year, received.month, received.day, 9, tzinfo=VIETNAM)
    ended = datetime(closed.year, closed.month, closed.day, 10, tzinfo=VIETNAM) if closed else None
    due = (ended or datetime(2020, 12, 31, tzinfo=VIETNAM)) + timedelta(days=in_time)
    state = status if ended else Status.PROCESSING
    return Application("", name, resolver, resolver, state, begun, due, ended or begun, ended)


# (month received, month it came to its end or 0, how many in time, how many late)
_HANOI = (
    (1, 1, 131_875, 212),
    (1, 2, 325, 0),
    (2, 2, 223_783, 310),
    (2, 3, 11_213, 0),
    (3, 3, 237_379, 428),
    (3, 4, 11_833, 0),
    (4, 4, 29_526, 66),
)
_HANOI_OPEN, _HANOI_WITHDRAWN = 11_462, 500


def _hanoi() -> Iterator[tuple[Application, int]]:
    """1 January to 28 April 2020: 658,912 received, 645,934 resolved in time."""
    for received, closed, in_time, late in _HANOI:
        first, last = date(2020, received, 6), date(2020, closed, 24)
        early = in_time * 2 // 5
        yield _made(HANOI, first, last), early
        yield _made(HANOI, first, last, in_time=0), in_time - early
        if late:
            yield _made(HANOI, first, last, in_time=-2), late
    yield _made(HANOI, date(2020, 4, 20), None), _HANOI_OPEN
    yield _made(HANOI, date(2020, 3, 9), date(2020, 3, 20), status=Status.WITHDRAWN), _HANOI_WITHDRAWN


_DEPARTMENTS = (
    (f"{HO_CHI_MINH}.10", 9000, 1000),
    (f"{HO_CHI_MINH}.11", 8600, 1400),
    (f"{HO_CHI_MINH}.12", 32_220, 6092),
)
_HO_CHI_MINH_RECEIVED = 151_618


def _ho_chi_minh() -> Iterator[tuple[Application, int]]:
    """151,618 received, 58,312 resolved by three departments: on average 86.7 % in time, together 85.4 %."""
    first, last = date(2020, 2, 3), date(2020, 3, 2)
    for unit, in_time, late in _DEPARTMENTS:
        yield _made(unit, first, last, in_time=0), in_time
        yield _made(unit, first, last, in_time=-2), late
    resolved = sum(in_time + late for _, in_time, late in _DEPARTMENTS)
    yield _made(_DEPARTMENTS[-1][0], date(2020, 4, 1), None), _HO_CHI_MINH_RECEIVED - resolved


def _two_provinces() -> Iterator[tuple[Application, int]]:
    first, last = date(2020, 2, 3), date(2020, 3, 2)
    for code, in_time, late, still_open in ((QUANG_NINH, 176_118, 902, 4184), (NGHE_AN, 65_631, 1100, 14_483)):
        yield _made(code, first, last, in_time=0), in_time
        yield _made(code, first, last, in_time=-2), late
        yield _made(code, first, None), still_open


def _used(code: str, services: int) -> Iterator[tuple[Application, int]]:
    """One application for each of so many services, in the autumn, when nothing else is counted."""
    for number in range(services):
        yield _made(code, date(2020, 10, 1), date(2020, 10, 5), name=f"{code}.{number:06}"), 1


# -- The post, the banks, the services -----------------------------------------------------------------------------


def _postal() -> Iterator[Event]:
    collected = round(POSTAL_2019 * COLLECTED_SHARE)
    yield Event("post", "2019-12", Happened.COLLECTED, count=collected)
    yield Event("post", "2019-12", Happened.RETURNED, count=POSTAL_2019 - collected)


def _paid() -> Iterator[Event]:
    for bank in ("VCB", "CTG", "MOMO", *BANKS):
        yield Event("paid", "2020-05", Happened.PAID, bank, 100)


def _offers() -> dict[tuple[str, str], date]:
    """Eight groups of services at the launch, eleven more since March; four of them grow from place to place."""
    found: dict[tuple[str, str], date] = {}
    for number in range(1, 16):
        found |= {(f"service-{number:02}", code): LAUNCH if number <= 7 else MORE for code in ("G12", "G18")}
    for service, codes, since in (
        (RECORDS, PROVINCES[:58], LAUNCH),
        (BIRTHS, PROVINCES[:45], MORE),
        (FINES, CITIES, MORE),
        (FEE, (HANOI, HO_CHI_MINH), MORE),
    ):
        found |= {(service, code): since for code in codes}
    for service in (FINES, FEE):
        for code in PROVINCES:
            found.setdefault((service, code), NATIONWIDE)
    return found


# -- One by one ----------------------------------------------------------------------------------------------------

_NAMES = ("Nguyễn Văn An", "Trần Thị Bình", "Lê Hoàng Cúc", "Phạm Minh Dũng", "Vũ Thu Hà", "Đặng Quốc Khánh")


def february(count: int = 100_000, seed: int = 2020) -> Iterator[Application]:
    """`count` of the applications that Hà Nội received in February 2020, one by one, in the shares of the record: the
    same for the same seed."""
    chance = random.Random(seed)  # noqa: S311  a reproducible record
    ends = [(closed, in_time, late) for received, closed, in_time, late in _HANOI if received == 2]
    weighted = [(closed, True, in_time) for closed, in_time, _ in ends] + [
        (closed, False, late) for closed, _, late in ends
    ]
    for number in range(1, count + 1):
        ((closed, in_time, _),) = chance.choices(weighted, [weight for *_, weight in weighted])
        day = 1 + number * 28 // (count + 1)
        begun = datetime(2020, 2, min(day, 28), 8, tzinfo=VIETNAM) + timedelta(minutes=chance.randrange(540))
        ended = datetime(2020, closed, 28 if closed == 2 else 15, 10, tzinfo=VIETNAM)
        ended = max(begun + timedelta(minutes=30), ended - timedelta(days=chance.randrange(28) if closed == 2 else 0))
        ended = min(ended, datetime(2020, 2, 29, 20, tzinfo=VIETNAM)) if closed == 2 else ended
        due = ended + timedelta(days=chance.choice((0, 0, 0, 2, 3))) if in_time else ended - timedelta(days=1)
        yield Application(
            f"{HANOI}.{chance.randrange(10, 40)}-2002{begun.day:02}-{number:07}",
            f"1.{chance.randrange(1000, 1200):06}",
            HANOI,
            HANOI,
            Status.RETURNED,
            begun.astimezone(UTC),
            due.astimezone(UTC),
            ended.astimezone(UTC),
            ended.astimezone(UTC),
            on_line=chance.random() < 0.3,
            by_post=chance.random() < 0.1,
        )


def as_sent(one: Application, status: Status = Status.ACCEPTED, name: str = "") -> dict[str, Any]:
    """The record of DongBoHoSoMC by which the application is told of, with an invented citizen."""
    chance = random.Random(one.number)  # noqa: S311
    text = {
        moment: value.astimezone(VIETNAM).strftime("%Y%m%d%H%M%S")
        for moment, value in (("NgayTiepNhan", one.received_at), ("NgayHenTra", one.due_at))
    }
    return {
        "MaHoSo": one.number,
        "MaTTHC": one.service,
        "TenTTHC": f"Thủ tục {one.service}",
        "MaLinhVuc": "TP",
        "TenLinhVuc": "Tư pháp",
        "LoaiDoiTuong": "0",
        "MaDoiTuong": f"{chance.randrange(10**11, 10**12)}",
        "ChuHoSo": name or chance.choice(_NAMES),
        "Email": "",
        "SoDienThoai": f"09{chance.randrange(10**8):08}",
        "TrichYeuHoSo": f"Thủ tục {one.service}",
        **text,
        "TrangThaiHoSo": status.value,
        "HinhThuc": "1" if one.by_post else "0",
        "DonViXuLy": "Sở Tư pháp",
    }
