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
from axis.core.instant import whole
from axis.core.registry import HUB, Member, write
from axis.errors import Fault, Problem, Rejected, capped

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
    """The rows of a CSV table with some of COLUMNS. Raises :class:`Rejected`, with what is wrong of its form."""
    try:
        text = data.decode("utf-8-sig")
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        names = [name or "" for name in reader.fieldnames or ()]
        if unknown := [name for name in names if name not in COLUMNS]:
            raise Rejected(Problem(Fault.PACKET_VALUE, "1", ", ".join(COLUMNS), ", ".join(unknown)))
        if missing := [name for name in COLUMNS[:2] if name not in names]:
            raise Rejected(Problem(Fault.PACKET_MISSING, "1", ", ".join(missing)))
        found = []
        for given in reader:
            if None in given or None in given.values():
                raise Rejected(Problem(Fault.PACKET_VALUE, str(reader.line_num), f"{len(names)} columns", "?"))
            values = {str(name): str(value).strip() for name, value in given.items()}
            found.append(Row(reader.line_num, **values))
            if len(found) > MAX_ROWS:
                raise Rejected(Problem(Fault.PACKET_TOO_MANY, str(reader.line_num), str(MAX_ROWS), "change"))
    except (UnicodeDecodeError, csv.Error) as error:
        raise Rejected(Problem(Fault.PACKET_VALUE, "", "CSV, UTF-8", str(error)[:80])) from None
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
            problem = Problem(Fault.PACKET_REPEATED, str(row.line), got=row.code)
        if problem is not None:
            problems.append(problem)
            continue
        if row.change == "close":
            closing[row.code] = row
        members[row.code] = _changed(members.get(row.code), row, at)
    taken: dict[str, str] = {}
    for member in members.values():
        for alias in member.aliases:
            if taken.setdefault(alias, member.code) != member.code or (alias in members and alias != member.code):
                problems.append(Problem(Fault.AGENCY_UNKNOWN, member.code, taken[alias], alias))
    problems += [one for row in closing.values() if (one := _goes_nowhere(row, members, at)) is not None]
    if problems:
        raise Rejected(*capped(problems))
    following = tuple(members[code] for code in sorted(members))
    if following == registry.members:
        return registry
    made = replace(registry, version=registry.version + 1, issued_at=whole(now), members=following)
    write(made)  # a name that XML cannot carry is found before anything is signed
    return made


def _wrong(row: Row, members: dict[str, Member], at: datetime, now: datetime) -> Problem | None:
    where, known = str(row.line), row.code in members and row.code != HUB
    if row.change not in CHANGES:
        return Problem(Fault.PACKET_VALUE, where, " | ".join(CHANGES), row.change)
    if row.change in AT_ONCE and at > now:
        return Problem(Fault.PACKET_VALUE, where, f"--at {whole(now):%Y-%m-%d}", f"{row.change} {row.code}")
    if row.change == "new":
        if not organ.is_valid(row.code) or row.code != organ.normalise(row.code):
            return Problem(Fault.PACKET_ORGAN, where, got=row.code)
        if not row.name_vi:
            return Problem(Fault.PACKET_MISSING, where, "name_vi")
        same = members.get(row.code)
        if same is not None and (same.name_vi, same.name_en, same.kind) != (row.name_vi, row.name_en, row.kind):
            return Problem(Fault.HOME_EXISTS, where, got=row.code)
    elif not known:
        return Problem(Fault.AGENCY_UNKNOWN, where, got=row.code)
    if row.change in {"new", "rename"} and row.kind not in KINDS:
        return Problem(Fault.PACKET_VALUE, where, ", ".join(filter(None, KINDS)), row.kind)
    if row.change == "rename" and not (row.name_vi or row.name_en or row.kind):
        return Problem(Fault.PACKET_MISSING, where, "name_vi, name_en, kind")
    if row.change == "alias" and not organ.is_valid(row.alias):
        return Problem(Fault.PACKET_ORGAN, where, got=row.alias)
    return None


def _changed(member: Member | None, row: Row, at: datetime) -> Member:
    if member is None:
        return Member(row.code, row.name_vi, row.name_en, row.kind, valid_from=whole(at))
    if row.change == "close":
        return replace(member, valid_until=whole(at), successor=row.successor)
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
        if member is None or following == HUB or following in seen:
            return Problem(Fault.AGENCY_UNKNOWN, str(row.line), got=row.successor)
        if member.standing(whole(at)) != "closed":
            return None
        seen.add(following)
        following = member.successor
    return Problem(Fault.AGENCY_CLOSED, str(row.line), "-", row.successor) if row.successor else None
