"""What the record's codes, moments and facts are called, in either language: the words that commands and pages share.
Pure.

Whatever an agency wrote is one fact on one line: :func:`plain` shows its control characters and obeys none.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from axis.errors import Fault
from axis.remedies import remedy
from axis.texts import TEXTS, day, duration, number, percent, text
from axis.texts import moment as as_written

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from axis.errors import Language

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
# Of which values there are words, and under what name.
_VALUES = {"kind": "kind", "standing": "standing", "leg": "leg", "outcome": "outcome", "outcomes": "state"}
_VALUES |= {"demand": "demand", "stage": "stage", "state": "state", "use": "use", "action": "action"}
# Under the DocumentId of what was refused for these nothing is accepted any more.
_USED_UP = {Fault.DUP_CONFLICT, Fault.DOCUMENT_RECALLED}
_PIECES = re.compile(r"\w+(?:[./-]\w+)*|\s+|.", re.DOTALL)  # a code is one, with its dots
WORDS = 3  # reasons that a report shows


def plain(value: object) -> str:
    """One fact for people: control characters are shown, not obeyed; a line end too, which would forge a line."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(value))


def cell(value: object) -> str:
    """A value for a table of numbers, on one line; a spreadsheet takes what begins with one of these for a formula."""
    said = plain(value)
    return f"'{said}" if said[:1] in {"=", "+", "-", "@"} else said


def word(key: str, lang: Language, /, **facts: Any) -> str:
    """The text of `key`. A fact is one fact: a line end in it forges none."""
    return text(key, lang, **{name: plain(one) if isinstance(one, str) else one for name, one in facts.items()})


def local(moment: str | None, lang: Language) -> str:
    """A moment of the record as people of this country read it; "" for none."""
    from axis.core.instant import from_text
    from axis.core.instant import local as in_viet_nam

    return as_written(in_viet_nam(from_text(moment)), lang) if moment else ""


def label(group: str, name: str, lang: Language) -> str:
    """What `name` is called; itself where nobody has named it."""
    return word(f"{group}.{name}", lang) if f"{group}.{name}" in TEXTS else name


def facts(detail: Mapping[str, Any], lang: Language) -> str:
    """Several facts on one line, each with what it is called."""
    shown = [(label("field", key, lang), shown_value(key, one, lang)) for key, one in detail.items()]
    return "; ".join(f"{name}: {one}" for name, one in shown if one)


def shown_value(key: str, value: Any, lang: Language) -> str:
    """One value as people read it: a moment at +07:00, a code by its words; "" for none."""
    if value in ("", None, [], {}):
        return ""
    if isinstance(value, bool):
        return word("yes" if value else "no", lang)
    if isinstance(value, list):
        return ", ".join(shown_value(key, one, lang) for one in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {shown_value(key, one, lang)}" for name, one in value.items())
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        return local(value, lang)
    if isinstance(value, str) and key in _VALUES:
        head, _, rest = value.partition(" ")
        return f"{label(_VALUES[key], head, lang)} {rest}".rstrip()
    return str(value)


def sentences(one: Mapping[str, Any], lang: Language) -> tuple[str, str]:
    """(where it is and why, what happens next and who has to do what) of one cause of
    :mod:`axis.services.questions.why`."""
    known = dict(one["facts"])
    heard = known.get("heard", "")
    known["heard"] = word("why.heard", lang, at=local(heard, lang)) if heard else word("why.never", lang)
    known["todo"] = remedies(known.get("reasons", "").split(", "), lang)
    known["reasons"] = known.get("reasons") or "-"
    said = known.get("reason", "")
    known["because"] = word("why.because", lang, reason=said) if said else ""
    known |= {"since": local(one["since"], lang), "until": local(one["until"], lang) or word("why.no_term", lang)}
    return word(f"why.{one['cause']}", lang, **known), word(f"why.{one['cause']}.next", lang, **known)


def remedies(codes: Iterable[str], lang: Language) -> str:
    """What there is to do about what was refused for these faults, each sentence once."""
    known = [fault for code in codes if (fault := Fault.__members__.get(code)) is not None]
    if not known:
        return word("why.own.mend", lang)
    found = [remedy(fault, lang) for fault in known]
    return " ".join(dict.fromkeys(found if _USED_UP & set(known) else [*found, word("why.own.same_id", lang)]))


def asked(one: Mapping[str, Any], lang: Language) -> str:
    """What was asked about a document, by whom, when and why, and how it stands."""
    because = word("why.because", lang, reason=one["reason"]) if one["reason"] else ""
    known = {"kind": label("change", one["kind"], lang), "sender": one["sender"], "at": local(one["at"], lang)}
    return word("asked.one", lang, **known, because=because, stage=label("stage", one["stage"], lang))


def explained(item: Mapping[str, Any], lang: Language, *, many: bool = False) -> tuple[str, str]:
    """(what has happened, what there is to do about it) of a dead end. `many`: of all that have its code."""
    cause = f"queue.why.{item['cause']}"
    next_step = f"{cause}.next" if f"{cause}.next" in TEXTS else "queue.next"
    which = f"--code {item['code']}" if many else item["id"]
    known = {**item, "agency": item["agency"] or "?", "sender": item["sender"] or "?"}
    known["queue"] = item.get("queue") or "?"
    said = word(f"{cause}.many" if many and f"{cause}.many" in TEXTS else cause, lang, **known)
    return said, word(next_step, lang, **known, which=which)


def together(findings: Sequence[tuple[str, str, str]]) -> list[tuple[list[int], str]]:
    """Findings (code, sentence, what there is to do) as they are told to people: those that say the same of several are
    one, "recalled from H01, H02". Each with the places of what is told by it, in the order of their first."""
    groups: dict[tuple[str, str, int], list[int]] = {}
    words = [_PIECES.findall(sentence) for _, sentence, _ in findings]
    for at, (code, _, todo) in enumerate(findings):
        groups.setdefault((code, todo, len(words[at])), []).append(at)
    found = []
    for group in groups.values():
        differ = {n for n, column in enumerate(zip(*(words[at] for at in group), strict=True)) if len(set(column)) > 1}
        if len(differ) > 1:
            found += [([at], findings[at][1]) for at in group]
            continue
        said = list(words[group[0]])
        for n in differ:
            said[n] = ", ".join(dict.fromkeys(words[at][n] for at in group))
        found.append((group, "".join(said)))
    return sorted(found, key=lambda one: one[0][0])


def report_title(value: Mapping[str, Any], lang: Language) -> str:
    """What period a report is of, and how far that has come."""
    since, until = first_day(value["period"]["since"], lang), last_day(value["period"]["before"], lang)
    found = word("report.title", lang, since=since, until=until)
    return found if value["period"]["is_over"] else f"{found} {word('report.so_far', lang)}"


def report_key(by: str, row: Mapping[str, Any], lang: Language) -> str:
    """What a row of a report is called."""
    if by == "kind" and "name" in row:
        return word(f"report.kind.{row['key']}", lang)
    if by == "type" and "name" in row:
        return str(row["name" if lang == "vi" else "name_en"]) or word("type.plain", lang)
    return str(row["key"])


def report_sentences(value: Mapping[str, Any], lang: Language) -> list[str]:
    """What the figures of a report come to, in words."""
    whole, ratios = value["total"], value["ratios"]
    shares = {name: percent(ratios[name], lang) for name in ("pooled", "mean")}
    lines = []
    if ratios["pooled"] is not None:
        key = "report.ratios" if ratios["mean"] is not None else "report.ratio.pooled"
        lines.append(word(key, lang, **shares, agencies=number(ratios["agencies"], lang)))
    for name in ("documents", "handed_over"):
        change, before = value["change"][name], value["before"][name]
        known = {"count": number(whole[name], lang), "before": number(before, lang)}
        if change["share"] is None:
            lines.append(word(f"report.first.{name}", lang, **known))
        else:
            direction = "grew" if change["growth"] >= 0 else "shrank"
            by = word(f"report.{direction}", lang, by=percent(abs(change["growth"]), lang))
            share = percent(change["share"], lang)
            lines.append(word(f"report.change.{name}", lang, share=share, by=by, **known))
    if whole["rejected"]:
        reasons = ", ".join(f"{code}: {number(n, lang)}" for code, n in list(whole["reasons"].items())[:WORDS])
        lines.append(word("report.rejected", lang, count=number(whole["rejected"], lang), reasons=reasons))
    for leg in ("reception", "processing"):
        found = whole["legs"][leg]
        if found["ratio"] is not None:
            known = {"ratio": percent(found["ratio"], lang), "median": duration(found["median_s"], lang)}
            key = f"report.leg.{leg}" if found["median_s"] is not None else f"report.leg.{leg}.bare"
            lines.append(word(key, lang, **known))
    return lines


def first_day(moment: str, lang: Language) -> str:
    """The day of a moment, as people write it."""
    from axis.core.instant import VIETNAM, from_text

    return day(from_text(moment).astimezone(VIETNAM).date().isoformat(), lang)


def last_day(moment: str, lang: Language) -> str:
    """The last day before `moment`: of a period that ends at midnight the day before."""
    from axis.core.instant import from_text, to_text

    return first_day(to_text(from_text(moment) - timedelta(milliseconds=1)), lang)
