"""What a document type says of itself in its ``manifest.toml``: read whole, all its faults told at once."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from axis.core.hub import terms
from axis.core.registry import GROUPS
from axis.errors import Fault, Problem, Rejected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from axis.core.hub.terms import Rule

FILE = "manifest.toml"
MAX_BYTES = 64 * 1024
MAX_LISTED = 100  # parties, further attachments, states
MAX_SHOWN = 20  # fields that are shown: they are kept with each document
NAME = re.compile(r"[A-Z][A-Z0-9_]{0,99}")
POINTER = re.compile(r"(?:/[^/\x00-\x1f]{1,100}){1,8}")
_FORMAT = re.compile("json|xml")
_ATTACHMENT = re.compile(r"[^/\\*?\[\]\x00-\x1f]{1,100}")
_PATTERN = re.compile(r"[^/\\\x00-\x1f]{1,100}")
_PARTY = re.compile("|".join((r"\*", *GROUPS, r"[A-Z0-9][A-Za-z0-9.]{0,34}")))
_RETENTION = re.compile(r"law|[1-9][0-9]{0,3}[dmy]")
_FOLLOW = re.compile("moves|all")
_STATE = re.compile(r"[^\s\x00-\x1f]{1,40}")
_WORDS = re.compile(r"[^\x00-\x1f]{1,200}")
# The legs of a delivery that a manifest may set a time for: those that are known when it is accepted.
_LEGS = {"handover": terms.Leg.HANDOVER, "process": terms.Leg.PROCESSING}

Format = Literal["json", "xml"]


@dataclass(frozen=True, slots=True)
class Words:
    """The same in both languages."""

    vi: str
    en: str


@dataclass(frozen=True, slots=True)
class Required:
    """Further attachments that there have to be: at least so many with a name like this."""

    name: str
    at_least: int
    words: Words


@dataclass(frozen=True, slots=True)
class Show:
    """A field that is shown of a document; a personal one only by the agencies that have the document."""

    path: str
    words: Words
    personal: bool


@dataclass(frozen=True, slots=True)
class States:
    """The states of the business object that documents of this type speak of, and its legal moves.

    `object`: what several types call the objects that they speak of; "": the type's own. `follow`: what the hub
    refuses, "" nothing, "moves" what no move leads to, "all" also a beginning elsewhere than in an initial state.
    `leaves`: where a correction names the state that it leads out of; it leads anywhere."""

    field: str
    key: str
    initial: tuple[str, ...]
    final: tuple[str, ...]
    moves: Mapping[str, tuple[str, ...]]
    names: Mapping[str, Words]
    object: str = ""
    follow: str = ""
    leaves: str = ""

    @property
    def known(self) -> frozenset[str]:
        """Every state that there is."""
        return frozenset((*self.initial, *self.final, *self.moves, *self.names))


@dataclass(frozen=True, slots=True)
class Manifest:
    """A document type, but for its schema."""

    name: str
    version: int
    format: Format
    attachment: str  # the name of the one that the schema judges
    title: Words
    retention: str = "law"
    senders: tuple[str, ...] = ("*",)
    recipients: tuple[str, ...] = ("*",)
    required: tuple[Required, ...] = ()
    deadlines: tuple[Rule, ...] = ()
    states: States | None = None
    show: tuple[Show, ...] = field(default=())


def read(data: bytes) -> Manifest:
    """The manifest in `data`. Raises :class:`Rejected` with all that is wrong with it: TYPE_MANIFEST, TYPE_LIMIT."""
    if len(data) > MAX_BYTES:
        raise Rejected(Problem(Fault.TYPE_LIMIT, FILE, f"{MAX_BYTES} B", f"{len(data)} B"))
    try:
        table = tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise Rejected(Problem(Fault.TYPE_MANIFEST, FILE, "TOML", str(error)[:200])) from None
    problems: list[Problem] = []
    top = _Table(table, "", problems)
    form = top.text("format", _FORMAT, "json | xml")
    found = Manifest(
        name=top.text("application_type", NAME, "A-Z 0-9 _"),
        version=top.whole("version", 1, 9999),
        format="xml" if form == "xml" else "json",
        attachment=top.text("attachment", _ATTACHMENT, "ballot.json"),
        title=top.table("title").words(),
        retention=top.text("retention", _RETENTION, "law | 90d | 18m | 70y", "law"),
        **_parties(top.table("parties", optional=True)),
        required=tuple(_required(one) for one in top.tables("required")),
        deadlines=_deadlines(top.table("deadlines", optional=True)),
        states=_states(top.table("states")) if "states" in table else None,
        show=tuple(_show(one) for one in top.tables("show", MAX_SHOWN)),
    )
    top.end()
    if problems:
        raise Rejected(*problems)
    return found


class _Table:
    """A table of the manifest. What is asked of it is taken out; what is wrong is noted, and a stand-in given."""

    def __init__(self, given: object, path: str, problems: list[Problem]) -> None:
        self.path, self.problems = path, problems
        self.left: dict[str, Any] = dict(given) if isinstance(given, dict) else {}
        if not isinstance(given, dict):
            self.wrong("", "[table]", given)

    def wrong(self, name: str, expected: str, got: object) -> None:
        where = ".".join(part for part in (self.path, name) if part) or FILE
        self.problems.append(Problem(Fault.TYPE_MANIFEST, where, expected, "-" if got is None else str(got)[:100]))

    def text(self, name: str, form: re.Pattern[str], expected: str, default: str = "") -> str:
        value = self.left.pop(name, default or None)
        if isinstance(value, str) and form.fullmatch(value):
            return value
        self.wrong(name, expected, value)
        return default

    def maybe(self, name: str, form: re.Pattern[str], expected: str) -> str:
        return self.text(name, form, expected) if name in self.left else ""

    def whole(self, name: str, low: int, high: int, default: int | None = None) -> int:
        value = self.left.pop(name, default)
        if type(value) is int and low <= value <= high:
            return value
        self.wrong(name, f"{low} … {high}", value)
        return low

    def flag(self, name: str) -> bool:
        value = self.left.pop(name, False)
        if type(value) is not bool:
            self.wrong(name, "true | false", value)
        return value is True

    def texts(self, name: str, form: re.Pattern[str], expected: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        value = self.left.pop(name, list(default))
        if not isinstance(value, list) or len(value) > MAX_LISTED:
            self.wrong(name, f"[{expected}]", value)
            return default
        for at, one in enumerate(value):
            if not isinstance(one, str) or not form.fullmatch(one):
                self.wrong(f"{name}[{at}]", expected, one)
        return tuple(one for one in value if isinstance(one, str))

    def words(self) -> Words:
        found = Words(self.text("vi", _WORDS, "vi"), self.text("en", _WORDS, "en"))
        self.end()
        return found

    def table(self, name: str, *, optional: bool = False) -> _Table:
        return _Table(self.left.pop(name, {} if optional else None), _below(self.path, name), self.problems)

    def tables(self, name: str, most: int = MAX_LISTED) -> list[_Table]:
        value = self.left.pop(name, [])
        if not isinstance(value, list) or len(value) > most:
            self.wrong(name, f"[[{name}]] (≤ {most})", value)
            return []
        return [_Table(one, f"{_below(self.path, name)}[{at}]", self.problems) for at, one in enumerate(value)]

    def end(self) -> None:
        for name in self.left:
            self.wrong(name[:100], "-", name)


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _parties(table: _Table) -> dict[str, Any]:
    found = {name: table.texts(name, _PARTY, "G22 | @ministries | *", ("*",)) for name in ("senders", "recipients")}
    for name, listed in found.items():
        if not listed:
            table.wrong(name, "G22 | @ministries | *", "[]")
    table.end()
    return found


def _required(table: _Table) -> Required:
    found = table.text("name", _PATTERN, "*.pdf"), table.whole("at_least", 1, 100, 1)
    return Required(*found, table.words())


def _show(table: _Table) -> Show:
    path, personal = table.text("path", POINTER, "/subject"), table.flag("personal")
    return Show(path, table.words(), personal)


def _deadlines(table: _Table) -> tuple[Rule, ...]:
    found = []
    for name, leg in _LEGS.items():
        if name not in table.left:
            continue
        value = table.left.pop(name)
        try:
            found.append(terms.read_rule(f"{leg.value} {value}"))
        except ValueError:
            table.wrong(name, "4h | 4wh | 5wd", value)
    for name in table.left:
        table.wrong(name[:100], " | ".join(_LEGS), name)
    return tuple(found)


def _states(table: _Table) -> States:
    moves, names = table.table("moves", optional=True), table.table("names", optional=True)
    found = States(
        field=table.text("field", POINTER, "/status"),
        key=table.text("key", POINTER, "/code"),
        initial=table.texts("initial", _STATE, '"1"'),
        final=table.texts("final", _STATE, '"9"'),
        moves={name: moves.texts(name, _STATE, '"2"') for name in list(moves.left)[:MAX_LISTED]},
        names={name: names.table(name).words() for name in list(names.left)[:MAX_LISTED]},
        object=table.maybe("object", NAME, "A-Z 0-9 _"),
        follow=table.maybe("follow", _FOLLOW, "moves | all"),
        leaves=table.maybe("leaves", POINTER, "/status_before"),
    )
    for one in (table, moves, names):
        one.end()
    if not found.initial:
        table.wrong("initial", '["1"]', "[]")
    for start, targets in found.moves.items():
        for target in targets:
            if target not in found.known:
                moves.wrong(start, ", ".join(sorted(found.known)), target)
    return found
