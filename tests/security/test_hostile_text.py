"""No text makes the program slow: every pattern that it has, and the reading of whole packets, take time that grows
with the text and no faster. Never seconds: how the time grows when the text is doubled."""

from __future__ import annotations

import ast
import gc
import importlib
import pkgutil
import re
import time
from collections import defaultdict
from functools import cache
from pathlib import Path
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as sre_parser  # type: ignore[attr-defined]
from typing import TYPE_CHECKING, Any

import pytest

import axis
from axis import adapters
from axis.core import edxml
from axis.core.edxml import grammar
from axis.errors import MAX_PROBLEMS, Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from axis.core.edxml.grammar import Element

ROOT = Path(__file__).parent.parent.parent
MEASURABLE = 0.002  # seconds of this process: below it a doubling says nothing


def growth(run: Callable[[int], Callable[[], object]], first: int, last: int) -> float:
    """How many times as long four times the text takes, where it takes long enough to tell; 0 where it never does."""
    size = first
    while size * 4 <= last:
        if (once := cost(run(size))) > MEASURABLE:
            return cost(run(size * 4)) / once
        size *= 2
    return 0.0


def grows(run: Callable[[int], Callable[[], object]], first: int, last: int) -> bool:
    """Whether it takes more than in proportion: nearer to 16 times as long than to 4. Three times: what else the machine
    does may disturb one; what is slow is slow each time."""
    return all(growth(run, first, last) > 8 for _ in range(3))


def cost(work: Callable[[], object]) -> float:
    """The least of three: what else the machine does only adds to it."""
    found = []
    gc.disable()  # it goes through all that a run of the suite holds, whatever is measured
    try:
        for _ in range(3):
            start = time.process_time()
            work()
            found.append(time.process_time() - start)
    finally:
        gc.enable()
    return min(found)


# -- Patterns ------------------------------------------------------------------------------------------------------


def modules() -> list[Any]:
    """Every module of the program."""
    found = [importlib.import_module("axis.cli"), importlib.import_module("axis.schemas")]
    for package in (axis, adapters):
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations." not in info.name:  # run once, by the operator, on its own words
                found.append(importlib.import_module(info.name))
    return found


def patterns() -> dict[str, re.Pattern[Any]]:
    """Every compiled pattern that a module holds, also in a list or a table."""

    def within(value: object) -> Iterator[re.Pattern[Any]]:
        if isinstance(value, re.Pattern):
            yield value
        elif isinstance(value, (list, tuple, set, frozenset)):
            for one in value:
                yield from within(one)
        elif isinstance(value, dict):
            for one in value.values():
                yield from within(one)

    return {
        f"{module.__name__}.{name}: {pattern.pattern!r}": pattern
        for module in modules()
        for name, value in vars(module).items()
        for pattern in within(value)
    }


def sample(items: Any) -> str:
    """The shortest text that these items of a parsed pattern match, as far as can be told."""
    return "".join(_piece(op, value) for op, value in items)


def _piece(op: Any, value: Any) -> str:
    if op is sre.LITERAL:
        return chr(value)
    if op is sre.NOT_LITERAL:
        return "~" if value != ord("~") else "-"
    if op is sre.ANY:
        return "x"
    if op is sre.IN:
        return _of_class(value)
    if op in {sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT}:
        return sample(value[2]) * max(value[0], 0)
    if op is sre.SUBPATTERN:
        return sample(value[3])
    if op is sre.BRANCH:
        return sample(value[1][0])
    return ""


_CLASSES = {sre.CATEGORY_SPACE: " ", sre.CATEGORY_DIGIT: "0", sre.CATEGORY_WORD: "a"}


def _of_class(members: Any) -> str:
    op, value = members[0]
    if op is sre.NEGATE:
        banned = sample([m for m in members[1:] if m[0] is sre.LITERAL])
        return next(c for c in "~ax0 " if c not in banned)
    if op is sre.RANGE:
        return chr(value[0])
    return _CLASSES.get(value, "~") if op is sre.CATEGORY else chr(value)


def pumps(items: Any, before: str = "") -> Iterator[tuple[str, str]]:
    """(what leads to a repetition, what it repeats) for each repetition anywhere in a parsed pattern."""
    for number, (op, value) in enumerate(items):
        led = before + sample(list(items)[:number])
        if op in {sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT}:
            if (body := sample(value[2])) and value[1] > 1:
                yield led, body
            yield from pumps(value[2], led)
        elif op is sre.SUBPATTERN:
            yield from pumps(value[3], led)
        elif op is sre.BRANCH:
            for branch in value[1]:
                yield from pumps(branch, led)
        elif op in {sre.ASSERT, sre.ASSERT_NOT}:
            yield from pumps(value[1], led)


def hostile(pattern: re.Pattern[Any]) -> list[tuple[str, str]]:
    """(start, piece to repeat): what this pattern waits for, at length, and not at the end."""
    source = pattern.pattern.decode("latin-1") if isinstance(pattern.pattern, bytes) else pattern.pattern
    parsed = sre_parser.parse(
        source, pattern.flags & ~re.UNICODE if isinstance(pattern.pattern, bytes) else pattern.flags
    )
    found = list(pumps(parsed))
    found += [("", led + body) for led, body in found]  # the way to it again and again
    return list(dict.fromkeys([*found, ("", " "), ("", "a"), ("", "0"), ("", sample(parsed) or "x")]))


@cache
def uses() -> dict[str, set[str]]:
    """How the program uses each name that may be a pattern's."""
    sources = [ROOT / "cli.py", *(ROOT / "axis").rglob("*.py"), *(ROOT / "adapters").rglob("*.py")]
    found = defaultdict[str, set[str]](set)
    for path in sources:
        used = re.findall(r"\b(\w+)\.(search|match|fullmatch|sub|split|finditer|findall)\(", path.read_text("utf-8"))
        for name, how in used:
            found[name].add(how)
    return found


def used_as(name: str) -> set[str]:
    """How the program uses the pattern of this name; both ways where it cannot be told."""
    return uses().get(name) or {"search", "fullmatch"}


def slow_texts(pattern: re.Pattern[Any], used: set[str]) -> list[tuple[str, str]]:
    """The (start, piece) that make `pattern` take more than in proportion to their length."""
    end = "\x01"
    anchored = [getattr(pattern, method) for method in sorted(used & {"match", "fullmatch"})]

    def run(start: str, piece: str, size: int) -> Callable[[], object]:
        text: Any = start + piece * (size // len(piece)) + end
        if isinstance(pattern.pattern, bytes):
            text = text.encode("latin-1", "replace")
        anywhere = [pattern] if used - {"match", "fullmatch"} else []
        return lambda: ([find(text) for find in anchored], [list(one.finditer(text)) for one in anywhere])

    return [
        (start, piece)
        for start, piece in hostile(pattern)
        if grows(lambda size, s=start, p=piece: run(s, p, size), 500, 32_000)  # type: ignore[misc]
    ]


def test_a_pattern_with_two_ways_through_the_same_blanks_is_found_out() -> None:
    for slow, used in ((r"[(\[]\s*(?:độ\s+mật\s*:?\s*)?mật", "search"), (r"x*x*y", "fullmatch")):
        assert any(slow_texts(re.compile(slow), {used}) for _ in range(3)), "once at least on a machine that is busy"
    assert not slow_texts(re.compile(r"[(\[]\s*(?:độ\s+mật\s*(?::\s*)?)?mật"), {"search"})


PARTS = 4  # for workers to share; what they are is found out by the test, for every worker reads this file


@pytest.mark.parametrize("part", range(PARTS))
def test_a_pattern_takes_time_in_proportion_to_its_text(part: int) -> None:
    mine = sorted(patterns().items())[part::PARTS]
    assert len(mine) > 10
    slow = {name: slow_texts(one, used_as(name.partition(":")[0].rpartition(".")[2])) for name, one in mine}
    assert {name: texts for name, texts in slow.items() if texts} == {}


def test_every_pattern_is_a_name_in_its_module_where_the_one_above_finds_it() -> None:
    used = []
    files = [ROOT / "cli.py", *(ROOT / "axis").rglob("*.py"), *(ROOT / "adapters").rglob("*.py")]
    for path in files:
        tree = ast.parse(path.read_text("utf-8"))
        top = {id(call) for node in tree.body for call in _at_import(node)}
        for node in ast.walk(tree):
            called = node.func if isinstance(node, ast.Call) else None
            if not (
                isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.value.id == "re"
            ):
                continue
            if called.attr not in {"escape", "compile"} or (called.attr == "compile" and id(node) not in top):
                used.append(f"{path.relative_to(ROOT)}:{node.lineno} re.{called.attr}")
    assert used == []


def _at_import(node: ast.stmt) -> Iterator[ast.AST]:
    if not isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
        yield from ast.walk(node)


# -- Whole packets -------------------------------------------------------------------------------------------------

LEAVES_IN_ALL = (grammar.DOCUMENT, grammar.STATUS)


def filled(spec: Element, text: str, special: dict[str, str]) -> str:
    """The element with everything in it that the standard knows, each value `text` unless it is special."""
    if not spec.children:
        return f"<{spec.name}>{special.get(spec.name, text)}</{spec.name}>"
    inner = "".join(filled(child, text, special) for child in spec.children)
    return f"<{spec.name}>{inner}</{spec.name}>"


def packet(spec: Element, text: str) -> bytes:
    special = {"BussinessDocType": "2"} if spec is grammar.DOCUMENT else {"StatusCode": "02"}
    encoded = f"<ContentId>{text}</ContentId><AttachmentName>{text}</AttachmentName><Format>{text}</Format>"
    attachment = f"<AttachmentEncoded><Attachment>{encoded}</Attachment></AttachmentEncoded>"
    body = filled(spec, text, special) + (attachment if spec is grammar.DOCUMENT else "")
    return f'<edXML xmlns="{edxml.NAMESPACE}">{body}</edXML>'.encode()


PIECES = {
    "blanks before a marker's end": ("(độ mật", " "),
    "blanks of a marker": ("", "( mật "),
    "combining marks in the wrong order": ("a", "\u0301\u0323"),
    "combining marks": ("e", "\u0323"),
    "prefixes of an id": ("", "cid:"),
    "dots of a code": ("H41", ".A"),
    "zeros": ("", "0"),
    "a device's name": ("con", "."),
    "line ends in a name": ("", "a&#13;"),
}


@pytest.mark.parametrize("spec", LEAVES_IN_ALL, ids=["document", "status"])
@pytest.mark.parametrize("piece", PIECES.values(), ids=list(PIECES))
def test_a_packet_takes_time_in_proportion_to_its_texts(spec: Element, piece: tuple[str, str]) -> None:
    def run(size: int) -> Callable[[], object]:
        data = packet(spec, piece[0] + piece[1] * size + "x")
        return lambda: edxml.convert(data)

    assert not grows(run, 2_000, 16_000)


def test_what_is_found_in_a_long_text_is_told_in_short() -> None:
    marked = packet(grammar.DOCUMENT, "(mật)" + "x" * 50_000)
    problems = edxml.convert(marked).problems
    assert Fault.PACKET_SECRET in {p.fault for p in problems}
    assert max(len(p.got) + len(p.expected) + len(p.path) for p in problems) < 1_000


# -- Lists ---------------------------------------------------------------------------------------------------------

MANY = grammar.MAX_SAME
HEAD = "<From><OrganId>G22</OrganId></From><To><OrganId>H41</OrganId></To><DocumentId>G22,2026/11/20,1/X</DocumentId>"


def listing(header: str = "", trace: str = "", manifest: str = "", beside: str = "") -> bytes:
    """A good packet with more in it."""
    return (
        f'<edXML xmlns="{edxml.NAMESPACE}"><edXMLEnvelope><edXMLHeader><MessageHeader>{HEAD}<Code><CodeNumber>1'
        "</CodeNumber><CodeNotation>X</CodeNotation></Code><PromulgationInfo><PromulgationDate>2026/11/20"
        f"</PromulgationDate></PromulgationInfo><Subject>s</Subject>{header}</MessageHeader><TraceHeaderList><Bussiness>"
        f"<BussinessDocType>0</BussinessDocType></Bussiness>{trace}</TraceHeaderList></edXMLHeader><edXMLBody>"
        f"<edXMLManifest>{manifest}</edXMLManifest></edXMLBody></edXMLEnvelope>{beside}</edXML>"
    ).encode()


LISTS = {
    "places": lambda n: listing(header="<ToPlaces>" + "<Place>x</Place>" * n + "</ToPlaces>"),
    "recipients": lambda n: listing(header="".join(f"<To><OrganId>H41.{k}</OrganId></To>" for k in range(n - 1))),
    "recipients that are none": lambda n: listing(header="<To><OrganId>x</OrganId></To>" * (n - 1)),
    "of what belongs once": lambda n: listing(header="<ApplicationType>x</ApplicationType>" * n),
    "answered documents": lambda n: listing(header="<ResponseFor><OrganId>x</OrganId></ResponseFor>" * n),
    "hops": lambda n: listing(trace="<TraceHeader><OrganId>G22</OrganId></TraceHeader>" * n),
    "references": lambda n: listing(manifest="<Reference><ContentId>c</ContentId></Reference>" * n),
    "attachments": lambda n: listing(
        beside="<AttachmentEncoded>" + "<Attachment><ContentId>c</ContentId></Attachment>" * n + "</AttachmentEncoded>"
    ),
    "what an attachment says": lambda n: listing(
        beside="<AttachmentEncoded><Attachment>" + "<x>1</x>" * n + "</Attachment></AttachmentEncoded>"
    ),
    "unknown elements": lambda n: listing(header="<x>1</x>" * n),
    "unknown elements of no namespace": lambda n: listing(header='<x xmlns="">1</x>' * n),
    "unknown elements beside": lambda n: listing(beside="<x>1</x>" * n),
    "unknown elements beside the attachments": lambda n: listing(
        beside="<AttachmentEncoded>" + "<x>1</x>" * n + "</AttachmentEncoded>"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
def test_a_thousand_in_one_place_are_read_and_more_are_refused_as_too_many(name: str) -> None:
    assert Fault.PACKET_TOO_MANY not in {p.fault for p in edxml.convert(LISTS[name](MANY)).problems}
    refused = edxml.convert(LISTS[name](MANY + 1))
    assert refused.packet is None
    assert (refused.problems[0].fault, refused.problems[0].expected) == (Fault.PACKET_TOO_MANY, str(MANY))
    assert refused.problems[0].line


@pytest.mark.parametrize(
    "data",
    [
        LISTS["recipients that are none"](MANY),
        LISTS["unknown elements"](MANY),
        listing(header="x<ToPlaces/>" * MANY),
        listing(header='<Content a="1" b="1" c="1"/>' * MANY),
        listing(header="".join(f"<To>{'<Email>x</Email>' * 60}</To>" for _ in range(MANY - 1))),
        LISTS["references"](MANY),
    ],
)
def test_whatever_is_wrong_with_a_packet_what_is_said_of_it_is_short(data: bytes) -> None:
    converted = edxml.convert(data)
    assert 1 <= len(converted.problems) <= MAX_PROBLEMS
    assert sum(len(str(p.as_json())) for p in converted.problems) < 100_000
    if converted.packet is not None:
        assert len(edxml.check(converted.packet)) <= MAX_PROBLEMS


def test_a_fact_forges_no_line_in_what_a_command_says() -> None:
    from axis.commands import console

    hostile = "Phiếu 1\nKết quả: đồng ý\x1b[2K"
    assert "\n" not in console.word("ballot.voted", digest=hostile)
    assert "\x1b" not in console.word("ballot.voted", digest=hostile)
