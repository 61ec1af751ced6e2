"""What an address asks for: every filter stands in the URL, so that a page can be kept, sent and opened again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from axis.core.figures import Span, period, read_period
from axis.core.instant import VIETNAM
from axis.errors import Fault, rejected
from axis.infra.record.find import Narrowed
from axis.infra.record.listing import Wanted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from axis.core.figures import Period
    from axis.errors import Language
    from axis.web.desk import Desk

MAX_FIELDS = 20  # of an address of the web desk
MAX_VALUE = 500  # characters of each
INBOX = ("mail", "document", "update", "recall")  # what is to be read
KINDS = ("document", "new", "replace", "update", "recall", "status", "all")
LIMITS = (20, 50, 100, 200)
BY = ("agency", "unit", "kind", "priority", "day", "month", "type")
PERIODS = tuple(one.value for one in Span if one is not Span.FREE)
DAYS = {"today": 0, "hôm nay": 0, "yesterday": 1, "hôm qua": 1}
_PLACE = re.compile(r"[0-9a-f~:.TZ-]{1,200}")


@dataclass(frozen=True)
class Query:
    """The fields of an address, each once; what is empty is not there."""

    path: str
    fields: dict[str, str]

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, "")

    def with_(self, path: str = "", **fields: object) -> str:
        """The address with other fields, the rest as it is; "" takes one out."""
        return address(path or self.path, self.fields | {name: str(value) for name, value in fields.items()})


def address(path: str, fields: dict[str, str]) -> str:
    """An address of the desk, without fields that are empty."""
    given = urlencode({name: value for name, value in fields.items() if value})
    return f"{path}?{given}" if given else path


def query(path: str, text: str) -> Query:
    """What stands behind the question mark. Raises :class:`Rejected` WEB_FIELD for too much."""
    try:
        pairs = parse_qsl(text, max_num_fields=MAX_FIELDS, errors="strict", encoding="utf-8")
    except ValueError:
        raise rejected(Fault.WEB_FIELD, "?") from None
    found = {name: value.strip() for name, value in pairs if value.strip()}
    for name, value in found.items():
        if len(value) > MAX_VALUE or "\0" in value:
            raise rejected(Fault.WEB_FIELD, name)
    return Query(path, found)


def language(asked: Query, accepted: str, otherwise: Language) -> Language:
    """As the address says, else what the browser would like most of what there is."""
    if asked["lang"] in {"vi", "en"}:
        return "vi" if asked["lang"] == "vi" else "en"
    weighed = []
    for number, one in enumerate(accepted[:MAX_VALUE].split(",")):
        name, _, weight = one.strip().lower().partition(";q=")
        if name[:2] in {"vi", "en"}:
            weighed.append((-_weight(weight), number, name[:2]))
    return "vi" if weighed and min(weighed)[2] == "vi" else "en" if weighed else otherwise


def _weight(text: str) -> float:
    try:
        return float(text or 1)
    except ValueError:
        return 0.0


def one_of(asked: Query, name: str, known: Sequence[str], otherwise: str) -> str:
    """A field that is one of these. Raises :class:`Rejected` WEB_FIELD."""
    value = asked[name] or otherwise
    if value not in known:
        raise rejected(Fault.WEB_FIELD, name)
    return value


def day(asked: Query, now: datetime) -> Period | None:
    """The period of the field `date`. Raises :class:`Rejected` WEB_FIELD."""
    if not (text := asked["date"]):
        return None
    try:
        if (back := DAYS.get(text.lower())) is not None:
            return period(Span.DAY, now.astimezone(VIETNAM).date() - timedelta(days=back))
        return read_period(text)
    except (ValueError, OverflowError):
        raise rejected(Fault.WEB_FIELD, "date") from None


def span(asked: Query, now: datetime) -> Period:
    """The period of a report: `period`, else the running `span`. Raises :class:`Rejected` WEB_FIELD."""
    try:
        if text := asked["period"]:
            return read_period(text)
        kind = one_of(asked, "span", PERIODS, Span.MONTH.value)
        return period(Span(kind), now.astimezone(VIETNAM).date())
    except (ValueError, OverflowError):
        raise rejected(Fault.WEB_FIELD, "period") from None


def narrowed(desk: Desk, asked: Query, now: datetime) -> Narrowed | None:
    """What tells documents of one number apart."""
    when = day(asked, now)
    sender = desk.registry().member_for(asked["from"]).code if asked["from"] else ""
    if not sender and when is None:
        return None
    return Narrowed(sender, when.since if when else None, when.before if when else None)


@dataclass(frozen=True)
class Listed:
    """A list: which, of what, from where on."""

    direction: str
    wanted: Wanted
    states: tuple[str, ...]
    after: str
    limit: int


def listed(desk: Desk, asked: Query, now: datetime, direction: str = "") -> Listed:
    """What list an address asks for. Raises :class:`Rejected`: WEB_FIELD, PACKET_ORGAN, AGENCY_UNKNOWN."""
    registry, when = desk.registry, day(asked, now)
    kinds = INBOX if direction else KINDS
    if not direction and desk.directions:
        direction = one_of(asked, "way", desk.directions, desk.directions[0])
    after = asked["after"]
    if after and not _PLACE.fullmatch(after):
        raise rejected(Fault.WEB_FIELD, "after")
    state = asked["state"]
    if state and state not in desk.states:
        raise rejected(Fault.WEB_FIELD, "state")
    try:
        priority, limit = int(asked["priority"] or 0), int(asked["limit"] or LIMITS[0])
    except ValueError:
        raise rejected(Fault.WEB_FIELD, "priority, limit") from None
    if not (0 <= priority <= 9 and 1 <= limit <= LIMITS[-1]):
        raise rejected(Fault.WEB_FIELD, "priority, limit")
    to = registry().member_for(asked["to"]).code if asked["to"] else ""
    wanted = Wanted(
        registry().member_for(asked["from"]).code if asked["from"] else "",
        (to,) if to else (),
        (),
        one_of(asked, "kind", kinds, kinds[0]),  # type: ignore[arg-type]
        when.since if when else None,
        when.before if when else None,
        priority,
        asked["words"],
        type=asked["type"].upper(),
    )
    return Listed(direction, wanted, (state,) if state else (), after, limit)
