"""What each page shows: a template's name and its values, asked for at a desk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from axis import texts
from axis.core import agencies, figures, saying
from axis.core.instant import from_text, to_text
from axis.errors import AxisError, Fault, rejected
from axis.services.operate.registry import describe
from axis.services.questions import types as kinds
from axis.services.questions import viewed
from axis.services.questions.trace import NotTheOne
from axis.web import asked as filters
from axis.web.chart import chart
from axis.web.desk import MOST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from axis.core.registry import Member
    from axis.core.types.typeset import Types
    from axis.errors import Language
    from axis.infra.record.figures import By
    from axis.web.asked import Query
    from axis.web.counted import Counted
    from axis.web.desk import Desk

SHOWN = 20  # of what is like what was asked for
EVENTS = 500  # of a time-line, the last ones; the rest by the command
STATUS = 10.0  # seconds for which one count of what waits serves everybody
ENDING = 60  # days before a certificate's end from which on it is said
_ORDER = ("failed", "refused", "suspended", "waiting", "late", "handed_over", "recalled")
_ABOUT = ("axis_id", "document_id", "code", "subject", "kind", "priority", "sender", "received_at")
_CERTIFICATE = ("use", "sha256", "not_before", "not_after", "revoked_at", "reason")
_STANDING = ("recipient", "cause", "is_trouble", "actor", "since", "until")


@dataclass(frozen=True)
class Visit:
    """One look at the desk."""

    desk: Desk
    asked: Query
    lang: Language
    now: datetime
    counted: Counted

    def word(self, key: str, /, **facts: Any) -> str:
        """A text in the visitor's language."""
        return saying.word(key, self.lang, **facts)

    @cached_property
    def members(self) -> Mapping[str, Member]:
        """The agencies by code, read once for a page; none where no registry was installed yet."""
        try:
            return self.desk.registry().by_code
        except AxisError:
            return {}

    @cached_property
    def types(self) -> Types | None:
        """The document types, read once for a page."""
        return self.desk.types()


@dataclass(frozen=True)
class Page:
    """`rows`: what an export has, a list of cells for each line with the names first; `value`: the same for programs.
    `to`: where to go instead."""

    template: str
    values: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    rows: Sequence[Sequence[object]] = ()
    value: object = None
    to: str = ""


def search(visit: Visit) -> Page:
    """The first page; with a reference the document that it names, or what may have been meant."""
    reference = visit.asked["q"]
    if not reference:
        return Page("search")
    try:
        found = visit.desk.traced(reference, filters.narrowed(visit.desk, visit.asked, visit.now), visit.now)
    except NotTheOne as error:
        return _not_the_one(visit, reference, error)
    axis_id = found["document"]["axis_id"]
    fields = {"ref": axis_id or reference, "lang": visit.asked["lang"]}
    return Page("search", to=filters.address("/document", fields))


def _not_the_one(visit: Visit, reference: str, error: NotTheOne) -> Page:
    names = ("axis_id", "sender", "code", "received_at", "subject", "kind")
    candidates = [{name: row[name] for name in names} for row in error.candidates]
    refused = visit.desk.refused(error) if error.refused else []
    values = {
        "reference": reference,
        "candidates": candidates[:SHOWN],
        "is_more": len(candidates) > SHOWN,
        "refused": refused,
        "several": error.fault is Fault.AMBIGUOUS,
    }
    several = values["several"] or candidates or refused
    return Page("search", values, 200 if several else 404, value={"candidates": candidates, "refused": refused})


def document(visit: Visit) -> Page:
    """One document: where it is and why, in the words of `axis why`; recipients, trouble first; the time-line."""
    reference = _reference(visit)
    try:
        value = visit.desk.traced(reference, filters.narrowed(visit.desk, visit.asked, visit.now), visit.now)
    except NotTheOne as error:
        return _not_the_one(visit, reference, error)
    _title_type(visit, value["document"])
    causes = {one["recipient"]: one["cause"] for one in value["why"]}
    order = list(causes)
    rows = sorted(value["deliveries"], key=lambda one: order.index(one["recipient"]))
    for one in rows:
        business = one["business_status"]
        one["said"] = saying.label("business", business, visit.lang)
        one["cause"] = causes[one["recipient"]]
        one["name"] = _name(visit, one["recipient"])
    sentences = [(one, *saying.sentences(one, visit.lang)) for one in value["why"]]
    exported = [[one["recipient"], one["name"], one["cause"], one["updated_at"], one["attempts"]] for one in rows]
    return Page(
        "document",
        {
            "about": value["document"],
            "why": sentences,
            "findings": value.get("findings", []),
            "deliveries": rows,
            "changes": [(change, unit) for change in value["changes"] for unit in change["units"]],
            "lines": _time_line(value["events"][-EVENTS:], value["submissions"]),
            "events_left": max(0, len(value["events"]) - EVENTS),
        },
        rows=[["recipient", "name", "cause", "since", "attempts"], *exported],
        value=value,
    )


def _time_line(
    events: Sequence[Mapping[str, Any]], submissions: Sequence[Mapping[str, Any]]
) -> list[tuple[Mapping[str, Any] | None, list[Mapping[str, Any]]]]:
    """Of the document, and apart of each recall, update and status about it."""
    known: dict[str, Mapping[str, Any] | None] = {one["axis_id"]: one for one in submissions}
    known[""] = None
    found = [
        (one, [event for event in events if (event["axis_id"] if event["axis_id"] in known else "") == axis_id])
        for axis_id, one in known.items()
    ]
    return [(one, rows) for one, rows in found if rows]


def documents(visit: Visit) -> Page:
    """Documents that fit a filter."""
    return _list(visit, "documents", filters.listed(visit.desk, visit.asked, visit.now))


def inbox(visit: Visit) -> Page:
    """What has come to an agency's own home, to be read."""
    return _list(visit, "inbox", filters.listed(visit.desk, visit.asked, visit.now, viewed.RECEIVED))


def _list(visit: Visit, template: str, asked: filters.Listed) -> Page:
    found = visit.desk.page(asked.direction, asked.wanted, asked.states, asked.after, asked.limit, visit.now)
    for row in found.rows:
        _title_type(visit, row)
    exported = [
        [*(row[name] for name in _ABOUT), *(one.get(name, "") for name in _STANDING)]
        for row in found.rows
        for one in row["recipients"] or [{}]
    ]
    shown = {"shown": len(found.rows), "next": found.after or None, "is_short": found.is_short}
    return Page(
        template,
        {
            "rows": found.rows,
            "direction": asked.direction,
            "after": found.after,
            "is_short": found.is_short,
            "kinds": filters.INBOX if template == "inbox" else filters.KINDS,
            "limits": filters.LIMITS,
            "limit": asked.limit,
        },
        rows=[[*_ABOUT, *_STANDING], *exported],
        value={"documents": found.rows, "page": shown},
    )


def board(visit: Visit) -> Page:
    """Who has a document, who waits."""
    reference = _reference(visit)
    try:
        value = visit.desk.board(reference, filters.narrowed(visit.desk, visit.asked, visit.now), visit.now)
    except NotTheOne as error:
        return _not_the_one(visit, reference, error)
    rows = sorted(
        value["recipients"], key=lambda one: (not one["overdue"], _ORDER.index(one["standing"]), one["recipient"])
    )
    names = ("recipient", "name", "standing", "since", "receipt", "next_deadline")
    exported = [[*(one[name] for name in names), " ".join(one["overdue"]), " ".join(one["asked"])] for one in rows]
    values = {"about": value["document"], "rows": rows, "totals": value["totals"], "certificate": value["certificate"]}
    return Page("board", values, rows=[[*names, "overdue", "asked"], *exported], value=value)


def status(visit: Visit) -> Page:
    """How things stand."""
    value = visit.desk.status(visit.now, partial(visit.counted.of, kept=STATUS))
    if value is None:
        return Page("counting", status=202)
    causes = [{**one, "age": _age(visit, one["oldest"])} for one in value["causes"]]
    causes.sort(key=lambda one: ("bad", "warn", "good").index(one["verdict"]))
    names = ("agency", "cause", "verdict", "actor", "count", "oldest")
    given = {"causes": causes, "today": value["today"], "agencies": value.get("agencies", [])}
    given["is_more"] = value.get("is_more", False)
    exported = [[one[name] for name in names] for one in causes]
    return Page("status", given, rows=[names, *exported], value=value)


def reports(visit: Visit) -> Page:
    """The figures of a period, counted beside the page."""
    desk, now = visit.desk, visit.now
    by: By = filters.one_of(visit.asked, "by", filters.BY, "agency")  # type: ignore[assignment]
    asked = filters.span(visit.asked, now)
    key = (desk.code, asked, by)
    value = visit.counted.of(key, lambda: desk.report(asked, by, now))
    given: dict[str, Any] = {"by_": filters.BY, "by": by, "spans": filters.PERIODS, "value": value}
    if value is None:
        return Page("reports", given, 202)
    shown = [{**row, "key": saying.report_key(by, row, visit.lang)} for row in value["rows"]]
    given |= {
        "title": saying.report_title(value, visit.lang),
        "sentences": saying.report_sentences(value, visit.lang),
        "chart": chart(shown, visit.lang),
        "rows": shown,
        "numbers": figures.shown(value),
    }
    exported = [
        [
            row["key"],
            row["name"],
            *(row[name] for name in figures.REPORTED),
            "" if row["ratio"] is None else row["ratio"],
        ]
        for row in (*value["rows"], {"key": "*", "name": "", **value["total"]})
    ]
    return Page("reports", given, rows=[[by, "name", *figures.REPORTED, "ratio"], *exported], value=value)


def registry(visit: Visit) -> Page:
    """The agencies, and one with its certificates."""
    known = visit.desk.registry()
    if code := visit.asked["code"]:
        value = describe(known, code, visit.now)
        ends = [(one, _days(visit, one["not_after"])) for one in value["certificates"]]
        exported = [[one[name] for name in _CERTIFICATE] for one in value["certificates"]]
        return Page("agency", {"one": value, "ends": ends}, rows=[_CERTIFICATE, *exported], value=value)
    rows = []
    for member in agencies.search(known.agencies, visit.asked["words"]):
        end = member.signs_until
        rows.append(
            {
                "code": member.code,
                "name": member.name_vi,
                "name_en": member.name_en,
                "kind": member.kind,
                "standing": member.standing(visit.now),
                "ends_at": to_text(end) if end else "",
                "days_left": (end - visit.now).days if end else None,
            }
        )
    names = ("code", "name", "kind", "standing", "ends_at")
    given = {"rows": rows, "version": known.version, "ending": ENDING}
    return Page("registry", given, rows=[names, *([row[name] for name in names] for row in rows)], value=rows)


def refusals(visit: Visit) -> Page:
    """What waits for somebody: given up, put aside, dead letters; why, and what helps."""
    items = visit.desk.dead(visit.now)
    told = [(one, *_explained(visit, one)) for one in items]
    names = ("id", "what", "agency", "sender", "document_id", "axis_id", "since", "code", "cause")
    given = {"items": told, "is_full": len(items) >= MOST}
    return Page("refusals", given, rows=[names, *([one[name] for name in names] for one in items)], value=items)


def _explained(visit: Visit, item: Mapping[str, Any]) -> tuple[str, str]:
    if item["cause"].startswith("own."):  # of an agency's own home
        facts = {"recipient": item["agency"], "reasons": item["code"]}
        return saying.sentences({**item, "until": "", "facts": facts}, visit.lang)
    return saying.explained(item, visit.lang)


def letter(visit: Visit) -> Page:
    """A document that has come, to be read; its attachments to be fetched."""
    found = visit.desk.letter(_reference(visit))
    files = [(number, about, len(data)) for number, (about, data) in enumerate(found.attachments, 1)]
    facts = {**found.facts, "signing_time": to_text(found.facts["signing_time"])}
    value = {**facts, "attachments": [{"name": about.name, "size": size} for _, about, size in files]}
    return Page("letter", {"about": facts, "files": files}, value=value)


def attachment(visit: Visit) -> tuple[str, bytes]:
    """(its name as its sender wrote it, its bytes)."""
    found, number = visit.desk.letter(_reference(visit)).attachments, visit.asked["n"]
    if not (number.isascii() and number.isdigit() and len(number) < 6 and 1 <= int(number) <= len(found)):
        raise rejected(Fault.NOT_FOUND, number)
    about, data = found[int(number) - 1]
    return about.name, bytes(data)


def _reference(visit: Visit) -> str:
    if not (reference := visit.asked["ref"]):
        raise rejected(Fault.WEB_FIELD, "ref")
    return reference


def _name(visit: Visit, code: str) -> str:
    member = visit.members.get(code)
    if member is None:
        return ""
    return member.name_vi if visit.lang == "vi" else member.name_en or member.name_vi


def _title_type(visit: Visit, about: dict[str, Any]) -> None:
    """What the type of a document is called, where it has one."""
    if kind := about.get("type"):
        about["type"] = {**kind, **kinds.title(visit.types, kind["name"])}


def _age(visit: Visit, moment: str) -> str:
    seconds = int((visit.now - from_text(moment)).total_seconds()) if moment else None
    return texts.duration(max(0, seconds), visit.lang) if seconds is not None else ""


def _days(visit: Visit, moment: str) -> int:
    return (from_text(moment) - visit.now).days


# By path: what shows it, whether it may be exported, and which desks have it ("": every).
PAGES: dict[str, tuple[Callable[[Visit], Page], bool, str]] = {
    "/": (search, False, ""),
    "/documents": (documents, True, ""),
    "/document": (document, True, ""),
    "/board": (board, True, "board"),
    "/status": (status, True, ""),
    "/reports": (reports, True, "reports"),
    "/registry": (registry, True, ""),
    "/refusals": (refusals, True, ""),
    "/inbox": (inbox, True, "inbox"),
    "/letter": (letter, False, "inbox"),
}
