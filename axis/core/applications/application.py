"""What is known of an application, and what may be said of it next.

Only what decides and counts is kept here: a number, a service, agencies, times, the status. Whose application it is,
and what they wrote, stays in the parcel.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from axis.core.applications.status import AT_THE_COUNTER, FINAL, INITIAL, MOVES, Status
from axis.core.edxml.opencps import NUMBER
from axis.core.instant import VIETNAM
from axis.errors import Fault, Problem, Rejected

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_TIME = "%Y%m%d%H%M%S"
_NUMBER_IS = "H20.14-210315-0007"
_AMOUNT = re.compile(r"[0-9]{1,13}")
_TIME_IS = "yyyyMMddHHmmss"


@dataclass(frozen=True, slots=True)
class Application:
    """An application as it stands. `receiver` and `resolver` are OrganIds, and a record need not name the `resolver`;
    `by_post`: handed in through the post."""

    number: str
    service: str
    receiver: str
    resolver: str
    status: Status
    received_at: datetime
    due_at: datetime
    changed_at: datetime
    closed_at: datetime | None = None  # processed, withdrawn, stopped or not accepted
    on_line: bool = False
    by_post: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """One step that is reported (CapNhatTienDoHoSoMC)."""

    number: str
    status: Status
    at: datetime


@dataclass(frozen=True, slots=True)
class Correction:
    """A status that was set by mistake, and the right one."""

    number: str
    wrong: Status
    right: Status
    at: datetime
    reason: str


# -- Reading ---------------------------------------------------------------------------------------------------------


class Fields:
    """A JSON object's fields, read strictly; what is wrong with them is collected. No value of a field that may be a
    person's is ever quoted."""

    def __init__(self, value: object) -> None:
        self._value: Mapping[str, Any] = value if isinstance(value, dict) else {}
        self.problems: list[Problem] = []

    def text(self, name: str, *, required: bool = True) -> str:
        """A text, without the blanks around it."""
        value = self._value.get(name, "")
        if isinstance(value, bool) or not isinstance(value, (str, int)) or len(str(value)) > 4000:
            self._wrong(name, "a text", type(value).__name__)
            return ""
        if required and not str(value).strip():
            self.problems.append(Problem(Fault.PACKET_MISSING, name, name))
        return str(value).strip()

    def number(self) -> str:
        """MaHoSo."""
        value = self.text("MaHoSo")
        if value and NUMBER.fullmatch(value) is None:
            self._wrong("MaHoSo", _NUMBER_IS, value[:40])
        return value

    def code(self, name: str, known: Collection[str], *, required: bool = True) -> str:
        """One of these codes."""
        value = self.text(name, required=required)
        if value and value not in known:
            self._wrong(name, ", ".join(known), value[:20])
            return ""
        return value

    def time(self, name: str) -> datetime:
        """A moment of Viet Nam; any, where a finding says that there is none."""
        if not self._value.get(name):
            self.text(name)
        return self.maybe_time(name) or datetime.min.replace(tzinfo=VIETNAM)

    def maybe_time(self, name: str) -> datetime | None:
        """A moment of Viet Nam, or nothing."""
        value = self.text(name, required=False)
        if not value:
            return None
        try:
            if len(value) != 14 or not value.isascii() or not value.isdigit():
                raise ValueError
            return datetime.strptime(value, _TIME).replace(tzinfo=VIETNAM)
        except ValueError:
            self.problems.append(Problem(Fault.PACKET_DATE, name, _TIME_IS, value[:20]))
            return None

    def amount(self, name: str) -> int:
        """An amount in đồng."""
        value = self.text(name)
        if value and _AMOUNT.fullmatch(value) is None:
            self._wrong(name, "0 … 9999999999999", value[:20])
            return 0
        return int(value or 0)

    def has(self, name: str) -> bool:
        """Whether anything stands there."""
        return bool(self._value.get(name))

    def inner(self, name: str) -> Fields:
        """The object of this name; an empty one where there is none. Its findings are its own."""
        return Fields(self._value.get(name))

    def each(self, name: str, most: int = 200) -> list[Fields]:
        """The objects of a list."""
        value = self._value.get(name) or []
        if not isinstance(value, list) or len(value) > most:
            self._wrong(name, f"a list of at most {most}", "")
            return []
        return [Fields(one) for one in value]

    def _wrong(self, name: str, expected: str, got: str) -> None:
        self.problems.append(Problem(Fault.PACKET_VALUE, name, expected, got))

    def refuse(self) -> None:
        """Raise :class:`Rejected` with every finding, where there is one."""
        if self.problems:
            raise Rejected(*self.problems)


def read_application(value: object, receiver: str) -> Application:
    """The application that a record of DongBoHoSoMC tells of; `receiver` has sent it. Raises :class:`Rejected` with
    every finding: PACKET_MISSING, PACKET_VALUE, PACKET_DATE."""
    fields = Fields(value)
    number, service = fields.number(), fields.text("MaTTHC")
    status = fields.code("TrangThaiHoSo", tuple(Status))
    channel = fields.code("HinhThuc", ("0", "1"))
    resolver = fields.text("MaDonViXuLy", required=False)
    received, due = fields.time("NgayTiepNhan"), fields.time("NgayHenTra")
    processed, returned = fields.maybe_time("NgayKetThucXuLy"), fields.maybe_time("NgayTra")
    fields.refuse()
    found = Status(status)
    closed = processed or returned if found in {Status.PROCESSED, Status.RETURNED} else None
    changed = max(one for one in (received, processed, returned) if one is not None)
    return Application(
        number,
        service,
        receiver,
        resolver,
        found,
        received,
        due,
        changed,
        closed,
        on_line=found is Status.REGISTERED,
        by_post=channel == "1",
    )


def apology(value: object) -> str:
    """The name of the attached letter of apology (thư xin lỗi) that an application's record names; "" for none. Raises
    :class:`Rejected` where it is not whole: without who signed it and when there is no apology."""
    fields = Fields(value)
    if not fields.has("ThuXinLoi"):
        return ""
    letter = fields.inner("ThuXinLoi")
    name = letter.text("TenTep")
    for one in ("SoKyHieu", "NguoiKy", "LyDo"):
        letter.text(one)
    letter.time("NgayKy")
    letter.refuse()
    return name


def read_progress(value: object) -> Progress:
    """A record of CapNhatTienDoHoSoMC. Raises :class:`Rejected` with every finding."""
    fields = Fields(value)
    number, status = fields.number(), fields.code("TrangThai", tuple(Status))
    at = fields.time("ThoiDiemXuLy")
    for name in ("NguoiXuLy", "NoiDungXuLy"):
        fields.text(name)
    fields.refuse()
    return Progress(number, Status(status), at)


def read_correction(value: object) -> Correction:
    """A correction. Raises :class:`Rejected` with every finding."""
    fields = Fields(value)
    number = fields.number()
    wrong, right = (fields.code(name, tuple(Status)) for name in ("TrangThaiCu", "TrangThaiMoi"))
    at, reason = fields.time("ThoiDiem"), fields.text("LyDo")
    fields.text("NguoiDinhChinh")
    fields.refuse()
    return Correction(number, Status(wrong), Status(right), at, reason)


# -- What may follow -------------------------------------------------------------------------------------------------


def synchronise(
    known: Application | None, said: Application, by: str, letter: str = "", files: Collection[str] = ()
) -> Application:
    """The application after `by` has sent its whole record. Raises :class:`Rejected` with every finding.

    1. A new one begins as registered (on line) or accepted (at the counter): APPLICATION_MOVE. Who sends it is its
       receiver, and its resolver where no other is named.
    2. Of a known one only these two send a record: APPLICATION_PARTY.
    3. Another status is a legal move, and `by` may say it: APPLICATION_MOVE, APPLICATION_PARTY.
    4. When the citizen was told to come stays, unless papers were missing, or a signed apology, named `letter`, lies
       among `files`: APPLICATION_DUE.
    5. Service and time of reception stay for good: APPLICATION_FIXED.
    """
    if known is None:
        if said.status not in INITIAL:
            raise Rejected(_move("—", said.status, INITIAL))
        return replace(said, receiver=by, resolver=said.resolver or by, closed_at=None)
    if not any(speaks_for(by, one) for one in (known.receiver, known.resolver)):
        raise Rejected(_party(known, by, "madonvi"))
    problems = [] if said.status == known.status else _moved(known, said.status, by)
    if said.due_at != known.due_at:
        paused = Status.SUPPLEMENT in {said.status, known.status}
        if not paused and (not letter or letter not in files):
            problems.append(Problem(Fault.APPLICATION_DUE, "NgayHenTra", _shown(known.due_at), _shown(said.due_at)))
    if said.service != known.service:
        problems.append(Problem(Fault.APPLICATION_FIXED, "MaTTHC", known.service, said.service))
    if said.received_at != known.received_at:
        expected, got = (_shown(one.received_at) for one in (known, said))
        problems.append(Problem(Fault.APPLICATION_FIXED, "NgayTiepNhan", expected, got))
    if problems:
        raise Rejected(*problems)
    at = max(known.changed_at, said.changed_at)
    changed = known if said.status == known.status else _at(known, said.status, said.closed_at or at)
    resolver = said.resolver or known.resolver
    return replace(changed, due_at=said.due_at, resolver=resolver, changed_at=at, by_post=known.by_post or said.by_post)


def heard(said: Application, by: str) -> Application:
    """An application that somebody else tells of for the first time, wherever it stands: whoever sends its record has
    received it, where nobody knows better."""
    return replace(said, receiver=by, resolver=said.resolver or by)


def speaks_for(by: str, organ_id: str) -> bool:
    """Whether `by` is this agency, or one above it."""
    return organ_id == by or organ_id.startswith(f"{by}.")


def advance(known: Application | None, step: Progress, by: str) -> Application:
    """The application after a step was reported. The same status again is one more step within it; the same step again
    is a repetition. Raises :class:`Rejected`: APPLICATION_UNKNOWN, APPLICATION_MOVE, APPLICATION_PARTY."""
    if known is None:
        raise Rejected(Problem(Fault.APPLICATION_UNKNOWN, "MaHoSo"))
    if (step.status, step.at) == (known.status, known.changed_at):
        return known
    if step.status == known.status and known.status not in FINAL:
        return replace(known, changed_at=max(known.changed_at, step.at))
    if problems := _moved(known, step.status, by):
        raise Rejected(*problems)
    return _at(known, step.status, step.at)


def correct(known: Application | None, said: Correction, by: str) -> Application:
    """The application after a correction, which alone may go where no move leads. Raises :class:`Rejected`:
    APPLICATION_UNKNOWN; APPLICATION_CORRECTION where it does not name the status as it stands, or changes nothing;
    APPLICATION_PARTY for anybody but its receiver and resolver."""
    if known is None:
        raise Rejected(Problem(Fault.APPLICATION_UNKNOWN, "MaHoSo"))
    if (said.right, said.at) == (known.status, known.changed_at):
        return known
    if said.wrong != known.status or said.right == said.wrong:
        got = f"{said.wrong} → {said.right}"
        raise Rejected(Problem(Fault.APPLICATION_CORRECTION, "TrangThaiCu", known.status.value, got))
    if not any(speaks_for(by, one) for one in (known.receiver, known.resolver)):
        raise Rejected(_party(known, by, "TrangThaiMoi"))
    return _at(replace(known, closed_at=None), said.right, said.at)


def _shown(moment: datetime) -> str:
    return moment.astimezone(VIETNAM).strftime("%d/%m/%Y %H:%M")


def _moved(known: Application, status: Status, by: str) -> list[Problem]:
    problems = []
    if status not in MOVES[known.status]:
        problems.append(_move(known.status.value, status, MOVES[known.status]))
    speaker = known.receiver if status in AT_THE_COUNTER else known.resolver
    if not speaks_for(by, speaker):
        problems.append(Problem(Fault.APPLICATION_PARTY, "TrangThaiHoSo", speaker, by))
    return problems


def _party(known: Application, by: str, path: str) -> Problem:
    expected = " / ".join(dict.fromkeys((known.receiver, known.resolver)))
    return Problem(Fault.APPLICATION_PARTY, path, expected, by)


def _move(before: str, after: Status, allowed: Collection[Status]) -> Problem:
    expected = ", ".join(sorted(allowed, key=int)) or "—"
    return Problem(Fault.APPLICATION_MOVE, "TrangThaiHoSo", expected, f"{before} → {after}")


def _at(known: Application, status: Status, at: datetime) -> Application:
    """In this status since then. What was processed stays closed when its result is returned."""
    closes = status in FINAL or status is Status.PROCESSED
    closed = known.closed_at or at if closes else None
    return replace(known, status=status, changed_at=max(known.changed_at, at), closed_at=closed)
