"""Many changes of the registry read from one table, and the one version that they make: which agencies close and who
succeeds them, which are new, renamed, or known by another code as well.

A closing and a new agency have their moment, which every adapter keeps. A name, a kind, an alias hold from the version
that says it: programs of before know no later one."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from axis.core import organ
from axis.core.instant import VIETNAM, whole
from axis.core.registry import HUB, Member, write
from axis.errors import Fault, Problem, Rejected, capped, rejected

if TYPE_CHECKING:
    from datetime import datetime

    from axis.core.registry import Registry

COLUMNS = ("change", "code", "successor", "name_vi", "name_en", "kind", "alias")
CHANGES = ("close", "new", "rename", "alias")
AT_ONCE = ("rename", "alias")  # see above
MAX_ROWS = 2000
KINDS = (
    *("ministry", "ministerial_level", "government_attached", "province", "centrally_run_city"),
    *("party", "other_pm_established", ""),
)


@dataclass(frozen=True)
class Row:
    """One change, and the line that says it."""

    line: int
    change: str
    code: str
    successor: str = ""
    name_vi: str = ""
    name_en: str = ""
    kind: str = ""
    alias: str = ""


def read(data: bytes) -> list[Row]:
    """The rows of a CSV table with some of COLUMNS, with semicolons where its first line has no comma: so a spreadsheet
    with Vietnamese settings saves it. Raises :class:`Rejected`, with what is wrong of its form."""
    try:
        text = data.decode("utf-8-sig")
        first = text.partition("\n")[0]
        between = ";" if ";" in first and "," not in first else ","
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True, delimiter=between)
        names = [name or "" for name in reader.fieldnames or ()]
        missing = [name for name in COLUMNS[:2] if name not in names]
        if missing or len(set(names)) < len(names) or not set(names) <= set(COLUMNS):
            raise rejected(Fault.TABLE_INVALID, ", ".join(names)[:120], ", ".join(COLUMNS), "1")
        found = []
        for given in reader:
            if None in given or None in given.values():
                got = ", ".join(str(one) for one in given.values() if one is not None)
                raise rejected(Fault.TABLE_INVALID, got[:120], ", ".join(names), str(reader.line_num))
            values = {str(name): str(value).strip() for name, value in given.items()}
            found.append(Row(reader.line_num, **values))
            if len(found) > MAX_ROWS:
                raise rejected(Fault.TABLE_INVALID, str(len(found)), f"≤ {MAX_ROWS}", str(reader.line_num))
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise rejected(Fault.TABLE_INVALID, data[error.start : error.end].hex(), "CSV, UTF-8", str(line)) from None
    except csv.Error:
        raise rejected(Fault.TABLE_INVALID, "…", "CSV, UTF-8", str(reader.line_num)) from None
    return found


def plan(registry: Registry, rows: list[Row], at: datetime, now: datetime) -> Registry:
    """The next version, with all of these changes; `registry` itself where they change nothing. Raises
    :class:`Rejected` with everything that is wrong, each with its line."""
    problems: list[Problem] = []
    members = {one.code: one for one in registry.members}
    closing: dict[str, Row] = {}
    for row in rows:
        problem = _wrong(row, members, at, now)
        if problem is None and row.change == "close" and row.code in closing:
            problem = Problem(Fault.TABLE_INVALID, str(row.line), str(closing[row.code].line), f"close {row.code}")
        if problem is not None:
            problems.append(problem)
            continue
        try:
            members[row.code] = _changed(members.get(row.code), row, at, now)
        except Rejected as error:
            problems += [replace(one, path=str(row.line)) for one in error.problems]
            continue
        if row.change == "close":
            closing[row.code] = row
    taken: dict[str, str] = {}
    lines = {row.alias: str(row.line) for row in rows if row.change == "alias"}
    for member in members.values():
        for alias in member.aliases:
            owner = alias if alias in members else taken.setdefault(alias, member.code)
            if owner != member.code:
                problems.append(Problem(Fault.ALIAS_TAKEN, lines.get(alias, member.code), owner, alias))
    problems += [one for row in closing.values() if (one := _goes_nowhere(row, members, at)) is not None]
    if problems:
        raise Rejected(*capped([_in_line(one) for one in sorted(problems, key=_line)]))
    following = tuple(members[code] for code in sorted(members))
    if following == registry.members:
        return registry
    made = replace(registry, version=registry.version + 1, issued_at=whole(now), members=following)
    write(made)  # what XML cannot carry, and no row has shown, is found before anything is signed
    return made


def _line(one: Problem) -> int:
    """The line that a problem is about; what is of none comes last."""
    return int(one.path) if one.path.isdecimal() else MAX_ROWS * MAX_ROWS


def _in_line(one: Problem) -> Problem:
    return replace(one, line=int(one.path)) if one.path.isdecimal() else one


def closed(member: Member, successor: str, at: datetime, now: datetime) -> Member:
    """`member` closed from `at` on. One that is closed stays so, since when it is: closing it again changes nothing but
    that a successor may be named where there was none. Raises :class:`Rejected` AGENCY_ENDED for another successor, or
    a moment that is to come."""
    if member.valid_until is None or member.valid_until > now:
        return replace(member, valid_until=whole(at), successor=successor)
    if at > now or (successor and member.successor not in {"", successor}):
        raise rejected(Fault.AGENCY_ENDED, member.code, member.ended)
    return replace(member, successor=successor or member.successor)


def _wrong(row: Row, members: dict[str, Member], at: datetime, now: datetime) -> Problem | None:
    where, known = str(row.line), row.code in members and row.code != HUB
    if row.change not in CHANGES:
        return Problem(Fault.TABLE_INVALID, where, " | ".join(CHANGES), row.change)
    if row.change == "new":
        if not organ.is_valid(row.code) or row.code != organ.normalise(row.code):
            return Problem(Fault.PACKET_ORGAN, where, got=row.code)
        if not row.name_vi:
            return Problem(Fault.TABLE_INVALID, where, "name_vi", f"new {row.code}")
        same = members.get(row.code)
        if same is not None and (same.name_vi, same.name_en, same.kind) != (row.name_vi, row.name_en, row.kind):
            return Problem(Fault.ALIAS_TAKEN, where, same.name_vi, row.code)
    elif not known:
        return Problem(Fault.AGENCY_UNKNOWN, where, got=row.code)
    if row.change in AT_ONCE and at > now:
        return Problem(
            Fault.TABLE_INVALID, where, f"--at {now.astimezone(VIETNAM):%Y-%m-%d}", f"{row.change} {row.code}"
        )
    if row.change in {"new", "rename"} and row.kind not in KINDS:
        return Problem(Fault.TABLE_INVALID, where, ", ".join(filter(None, KINDS)), row.kind)
    if row.change == "rename" and not (row.name_vi or row.name_en or row.kind):
        return Problem(Fault.TABLE_INVALID, where, "name_vi, name_en, kind", f"rename {row.code}")
    if strange := next((one for one in (row.name_vi, row.name_en) if not one.isprintable()), ""):
        return Problem(Fault.TABLE_INVALID, where, "name_vi, name_en", repr(strange))
    if row.change == "alias" and not organ.is_valid(row.alias):
        return Problem(Fault.PACKET_ORGAN, where, got=row.alias)
    return None


def _changed(member: Member | None, row: Row, at: datetime, now: datetime) -> Member:
    if member is None:
        return Member(row.code, row.name_vi, row.name_en, row.kind, valid_from=whole(at))
    if row.change == "close":
        return closed(member, row.successor, at, now)
    if row.change == "rename":
        names = {name: getattr(row, name) for name in ("name_vi", "name_en", "kind") if getattr(row, name)}
        return replace(member, **names)
    if row.change == "alias" and row.alias not in member.aliases:
        return replace(member, aliases=(*member.aliases, row.alias))
    return member


def _goes_nowhere(row: Row, members: dict[str, Member], at: datetime) -> Problem | None:
    """Whether what goes to this agency would come back to itself, or to one that nobody knows or that is closed."""
    following, seen = row.successor, {row.code}
    while following:
        member = members.get(following)
        if following in seen:
            return Problem(Fault.SUCCESSOR_CIRCLE, str(row.line), got=row.successor)
        if member is None or following == HUB:
            return Problem(Fault.AGENCY_UNKNOWN, str(row.line), got=row.successor)
        if member.standing(whole(at)) != "closed":
            return None
        seen.add(following)
        following = member.successor
    return Problem(Fault.AGENCY_CLOSED, str(row.line), "-", row.successor) if row.successor else None
