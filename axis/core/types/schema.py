"""The schema of a document type: what can be judged in bounded time, compiled once, and asked about one attachment.

A schema is written by somebody, and its documents by anybody: neither may cost more than its size. So each is a list of
what is allowed. JSON Schema (2020-12) without references outside itself, without recursion, with patterns of a linear
engine; XML Schema without imports, groups, identity constraints, and with tame patterns. What is found never quotes
what a document says: it goes into receipts, logs and the ledger, and may be personal.
"""

from __future__ import annotations

import json
import math
import re
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

import jsonschema_rs
from lxml import etree

from axis.core import xml
from axis.errors import Fault, Problem, Rejected, rejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lxml.etree import _Element

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32  # of a schema, with what it refers to, and of a document
MAX_NODES = 5_000  # of a schema, where each reference counts for what it refers to
MAX_PATTERN = 200  # characters
MAX_PATTERN_BYTES = 100_000  # of a compiled one
MAX_DOCUMENT = 2_000_000  # bytes of the judged attachment,
MAX_VALUES = 50_000  # and values in it
MAX_FINDINGS = 20  # of one document
MAX_OCCURS = 1_000  # of an XML particle, with those around it
FORMATS = ("date", "date-time", "time", "duration", "email", "uuid", "uri", "ipv4", "ipv6")
_DIALECT = "https://json-schema.org/draft/2020-12/schema"

Value = Any  # of JSON


class Schema(Protocol):
    """A compiled schema."""

    def read(self, data: bytes) -> Any:
        """The document in `data`. Raises :class:`Rejected` TYPE_UNREADABLE."""

    def judge(self, document: Any, name: str) -> list[Problem]:
        """What is wrong with a document that was read, of the attachment `name`: TYPE_CONTENT each, MAX_FINDINGS at
        most."""

    def at(self, document: Any, path: str) -> str | None:
        """The value at a path, as text; None where there is none, or more than a value."""


# -- JSON ----------------------------------------------------------------------------------------------------------

_TEXTS = {"$id", "$comment", "title", "description", "examples", "default", "deprecated", "readOnly", "writeOnly"}
_FREE = {"enum", "const", "required", "dependentRequired", "type", "uniqueItems"}
_NUMBERS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
_COUNTS = {f"{least}{what}" for least in ("min", "max") for what in ("Length", "Items", "Properties", "Contains")}
_PLAIN = _TEXTS | _FREE | _NUMBERS | _COUNTS | {"$schema", "format", "pattern", "$ref"}
_ONE = {"additionalProperties", "items", "contains", "propertyNames", "not", "if", "then", "else"}
_LISTED = {"allOf", "anyOf", "oneOf", "prefixItems"}
_NAMED = {"properties", "patternProperties", "$defs", "dependentSchemas"}
_REF = re.compile(r"#/\$defs/([A-Za-z0-9_.-]{1,100})")
_LINEAR = jsonschema_rs.RegexOptions(size_limit=MAX_PATTERN_BYTES, dfa_size_limit=10 * MAX_PATTERN_BYTES)


class JsonSchema:
    """See :class:`Schema`."""

    def __init__(self, data: bytes, file: str) -> None:
        """Raises :class:`Rejected` with everything that is wrong with the schema: TYPE_SCHEMA, TYPE_LIMIT."""
        if len(data) > MAX_BYTES:
            raise rejected(Fault.TYPE_LIMIT, f"{len(data)} B", f"{MAX_BYTES} B", file)
        try:
            found = _parsed(data)
        except ValueError as error:
            raise rejected(Fault.TYPE_SCHEMA, str(error)[:200], "JSON", file) from None
        if not isinstance(found, dict):
            raise rejected(Fault.TYPE_SCHEMA, type(found).__name__, "object", file)
        check = _SchemaCheck(found, file)
        check.walk(found, "", 0)
        if not check.problems:
            check.measure()
        if check.problems:
            raise Rejected(*check.problems)
        faults = islice(_validator({"$ref": _DIALECT}).iter_errors(found), MAX_FINDINGS)
        if problems := [Problem(Fault.TYPE_SCHEMA, f"{file}#{_where(one)}", got=_first_line(one)) for one in faults]:
            raise Rejected(*problems)
        try:
            self._validator = _validator({name: value for name, value in found.items() if name != "$id"})
        except Exception as error:  # noqa: BLE001  the library names many faults of a schema, all mean this
            raise rejected(Fault.TYPE_SCHEMA, _first_line(error), _DIALECT, file) from None

    def read(self, data: bytes) -> Value:
        """See :class:`Schema`."""
        _check_size(data)
        try:
            found = _parsed(data)
        except ValueError as error:
            raise rejected(Fault.TYPE_UNREADABLE, str(error)[:100], "JSON") from None
        values, depth = _measured(found)
        if depth > MAX_DEPTH or values > MAX_VALUES:
            raise rejected(Fault.TYPE_UNREADABLE, f"{values} / {depth}", f"≤ {MAX_VALUES} / {MAX_DEPTH}")
        return found

    def judge(self, document: Value, name: str) -> list[Problem]:
        """See :class:`Schema`."""
        found = []
        for error in self._validator.iter_errors(document):
            said = error.kind.as_dict()
            # What was not expected is the document's own word; the rest is the schema's.
            known = [value for key, value in said.items() if key not in {"unexpected", "context"}]
            expected = ", ".join(json.dumps(one, ensure_ascii=False, default=str) for one in known)
            found.append(Problem(Fault.TYPE_CONTENT, f"{name}#{_where(error)}", expected[:200] or "-", error.kind.name))
            if len(found) == MAX_FINDINGS:
                break
        return found

    def at(self, document: Value, path: str) -> str | None:
        """See :class:`Schema`."""
        found = document
        for part in path.split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, dict) and name in found:
                found = found[name]
            elif isinstance(found, list) and name.isascii() and name.isdigit() and int(name) < len(found):
                found = found[int(name)]
            else:
                return None
        if isinstance(found, bool):
            return "true" if found else "false"
        return str(found) if isinstance(found, (str, int, float)) else None


class _SchemaCheck:
    """A look at a whole schema before it is compiled: what it may not hold, and what it comes to."""

    def __init__(self, root: dict[str, Any], file: str) -> None:
        self.file = file
        defs = root.get("$defs")
        self.defs: dict[str, Any] = defs if isinstance(defs, dict) else {}
        self.root = root
        self.problems: list[Problem] = []

    def wrong(self, path: str, got: object, expected: object = "-", fault: Fault = Fault.TYPE_SCHEMA) -> None:
        if len(self.problems) < MAX_FINDINGS:
            self.problems.append(Problem(fault, f"{self.file}#{path}", str(expected), str(got)[:100]))

    def walk(self, schema: Value, path: str, depth: int) -> None:
        """Note what may not be there, in this schema and below it."""
        if isinstance(schema, bool):
            return
        if not isinstance(schema, dict):
            self.wrong(path, type(schema).__name__, "object | true | false")
            return
        if depth > MAX_DEPTH:
            self.wrong(path, f"> {MAX_DEPTH}", MAX_DEPTH, Fault.TYPE_LIMIT)
            return
        for word, value in schema.items():
            where = f"{path}/{_escaped(word)}"
            if word in _PLAIN:
                self._plain(word, value, where, is_root=not path)
            elif word not in _ONE | _LISTED | _NAMED:
                self.wrong(where, word)
        for below, where in self.below(schema, path):
            self.walk(below, where, depth + 1)

    def below(self, schema: dict[str, Any], path: str) -> Iterator[tuple[Value, str]]:
        """The schemas that stand in this one, and where."""
        for word, value in schema.items():
            where = f"{path}/{_escaped(word)}"
            if word in _ONE:
                yield value, where
            elif word in _LISTED and isinstance(value, list):
                yield from ((one, f"{where}/{at}") for at, one in enumerate(value))
            elif word in _NAMED and isinstance(value, dict):
                yield from ((one, f"{where}/{_escaped(name)}") for name, one in value.items())
            if word == "patternProperties" and isinstance(value, dict):
                for name in value:
                    self._pattern(name, where)

    def _plain(self, word: str, value: Value, where: str, *, is_root: bool) -> None:
        if word == "$schema" and value != _DIALECT:
            self.wrong(where, value, _DIALECT)
        elif word in {"$id", "$schema"} and not is_root:
            self.wrong(where, value)
        elif word == "$ref":
            named = _REF.fullmatch(value) if isinstance(value, str) else None
            if named is None or named[1] not in self.defs:
                self.wrong(where, value, ", ".join(f"#/$defs/{one}" for one in self.defs)[:200] or "#/$defs/…")
        elif word == "format" and value not in FORMATS:
            self.wrong(where, value, ", ".join(FORMATS))
        elif word == "pattern":
            self._pattern(value, where)

    def _pattern(self, pattern: Value, where: str) -> None:
        if not isinstance(pattern, str) or len(pattern) > MAX_PATTERN:
            self.wrong(where, f"{len(str(pattern))}", MAX_PATTERN, Fault.TYPE_LIMIT)
            return
        try:
            _validator({"pattern": pattern})
        except Exception:  # noqa: BLE001  too large, not linear, or no pattern at all
            self.wrong(where, pattern)

    def measure(self) -> None:
        """Note where it refers to itself, or comes to more than it looks."""
        known: dict[str, tuple[int, int]] = {}

        def size(schema: Value, way: tuple[str, ...], depth: int) -> tuple[int, int]:
            """(nodes, depth) with everything that it refers to."""
            if not isinstance(schema, dict) or self.problems:
                return 1, 0
            parts = [one for one, where in self.below(schema, "") if not where.startswith("/$defs/")]
            nodes, deep = 1, 0
            for one in parts:
                more, below = size(one, way, depth + 1)
                nodes, deep = nodes + more, max(deep, below + 1)
            if "$ref" in schema:
                name = schema["$ref"].removeprefix("#/$defs/")
                if name in way:
                    self.wrong(f"/$defs/{_escaped(name)}", "→ ".join([*way, name]))
                    return nodes, deep
                if depth + len(way) > 2 * MAX_DEPTH:
                    self.wrong("", f"> {MAX_DEPTH}", MAX_DEPTH, Fault.TYPE_LIMIT)
                    return nodes, deep
                if name not in known:
                    known[name] = size(self.defs[name], (*way, name), depth + 1)
                nodes, deep = nodes + known[name][0], max(deep, known[name][1])
            return nodes, deep

        nodes, deep = size(self.root, (), 0)
        for name, one in self.defs.items():
            known.setdefault(name, size(one, (name,), 0))
        if not self.problems and (nodes > MAX_NODES or deep > MAX_DEPTH):
            self.wrong("", f"{nodes} / {deep}", f"{MAX_NODES} / {MAX_DEPTH}", Fault.TYPE_LIMIT)


def _validator(schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(
        schema,
        validate_formats=True,
        ignore_unknown_formats=False,
        retriever=_nothing,
        pattern_options=_LINEAR,
        mask="…",
    )


def _nothing(uri: str) -> Any:
    """Nothing outside is read, whatever a schema says."""
    raise ValueError(uri)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _where(error: jsonschema_rs.ValidationError) -> str:
    return "".join(f"/{_escaped(part)}" for part in error.instance_path)


def _check_size(data: bytes) -> None:
    if len(data) > MAX_DOCUMENT:
        raise rejected(Fault.TYPE_UNREADABLE, f"{len(data)} B", f"≤ {MAX_DOCUMENT} B")


def _parsed(data: bytes) -> Value:
    """JSON that every reader reads alike: UTF-8, no name twice, no number beyond numbers. Raises ValueError, which
    never quotes a value."""
    try:
        found = json.loads(
            data.decode("utf-8"), object_pairs_hook=_once_each, parse_constant=_no_number, parse_float=_number
        )
        if b"\\ud" in data.lower():
            json.dumps(found, ensure_ascii=False).encode("utf-8")
    except UnicodeError:
        raise ValueError("UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg}: {error.lineno}:{error.colno}") from None
    except RecursionError:
        raise ValueError("depth") from None
    return found


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("the same name twice in one object")
    return found


def _no_number(text: str) -> float:
    raise ValueError(text)


def _number(text: str) -> float:
    found = float(text)
    if not math.isfinite(found):
        raise ValueError("a number beyond numbers")
    return found


def _measured(document: Value) -> tuple[int, int]:
    """(values, depth) of a document; no further than is allowed."""
    level, count, depth = [document], 1, 0
    while level and depth <= MAX_DEPTH and count <= MAX_VALUES:
        below: list[Any] = []
        for one in level:
            if isinstance(one, (dict, list)):
                below.extend(one.values() if isinstance(one, dict) else one)
        count, depth, level = count + len(below), depth + bool(below), below
    return count, depth


def _escaped(part: object) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")


# -- XML -----------------------------------------------------------------------------------------------------------

_XSD = "{http://www.w3.org/2001/XMLSchema}"
_ALLOWED = frozenset(
    _XSD + name
    for name in (
        *("schema", "element", "attribute", "complexType", "simpleType", "sequence", "choice", "all"),
        *("simpleContent", "complexContent", "restriction", "extension", "annotation", "documentation", "appinfo"),
        *("enumeration", "pattern", "length", "minLength", "maxLength", "whiteSpace", "totalDigits", "fractionDigits"),
        *("minInclusive", "maxInclusive", "minExclusive", "maxExclusive"),
    )
)
_NUMBER, _COUNTED = re.compile(r"\d+"), re.compile(r"\{[^{}]*\}")
_CLASSES = re.compile(r"\\.|\[(?:\\.|[^\[\]\\])*\]")
# libxml2 tries one way after the other: each thing that may be repeated multiplies the ways. What of each there may be.
_REPEATED_GROUP = re.compile(r"\)[*+{]")
_TAME = ((re.compile(r"[*+]|\{\d+,\}"), 1), (re.compile(r"\{\d+,\d+\}"), 2), (re.compile(r"\?"), 5))
MAX_COUNT = 100  # of what is repeated in a pattern
MAX_TEXT = 10_000  # characters of one text of an XML document


class XmlSchema:
    """See :class:`Schema`. libxml2 decides; what it says of values is not told."""

    def __init__(self, data: bytes, file: str) -> None:
        """Raises :class:`Rejected` with everything that is wrong with the schema: TYPE_SCHEMA, TYPE_LIMIT."""
        try:
            root = xml.parse(data, max_bytes=MAX_BYTES)
        except Rejected as error:
            raise rejected(Fault.TYPE_SCHEMA, error.problems[0].text(), "XML", file, error.problems[0].line) from None
        problems = [Problem(Fault.TYPE_SCHEMA, file, "xs:schema", str(root.tag))] if root.tag != _XSD + "schema" else []
        problems += [one for element in root.iter() for one in _wrong_in(element, file)][:MAX_FINDINGS]
        count = sum(1 for _ in root.iter())
        if count > MAX_NODES:
            problems.append(Problem(Fault.TYPE_LIMIT, file, str(MAX_NODES), str(count)))
        if problems:
            raise Rejected(*problems)
        try:
            self._schema = etree.XMLSchema(root)
        except etree.XMLSchemaParseError as error:
            raise rejected(Fault.TYPE_SCHEMA, _first_line(error), "XML Schema 1.0", file) from None

    def read(self, data: bytes) -> _Element:
        """See :class:`Schema`."""
        _check_size(data)
        try:
            root = xml.parse(data, max_bytes=MAX_DOCUMENT)
        except Rejected as error:
            raise rejected(Fault.TYPE_UNREADABLE, error.fault.code, "XML", line=error.problems[0].line) from None
        if (count := sum(1 for _ in root.iter())) > MAX_VALUES:
            raise rejected(Fault.TYPE_UNREADABLE, count, f"≤ {MAX_VALUES}")
        texts = (text for one in root.iter() for text in (one.text, one.tail, *one.attrib.values()))
        if (longest := max((len(text) for text in texts if text), default=0)) > MAX_TEXT:
            raise rejected(Fault.TYPE_UNREADABLE, longest, f"≤ {MAX_TEXT}")
        return root

    def judge(self, document: _Element, name: str) -> list[Problem]:
        """See :class:`Schema`."""
        try:
            if self._schema.validate(document):
                return []
        except etree.XMLSchemaValidateError:  # libxml2 has tried ten million ways and given up
            return [Problem(Fault.TYPE_CONTENT, name, "-", "xs:pattern")]
        log: Iterable[Any] = self._schema.error_log  # type: ignore[assignment]  # its stubs know no way through it
        said = dict.fromkeys((str(one.path or ""), str(one.type_name), int(one.line)) for one in log)
        return [
            Problem(Fault.TYPE_CONTENT, f"{name}#{path}", "-", kind.removeprefix("SCHEMAV_"), line)
            for path, kind, line in list(said)[:MAX_FINDINGS]
        ]

    def at(self, document: _Element, path: str) -> str | None:
        """See :class:`Schema`. Elements by their local names, the root's first; the first of each name counts."""
        first, *rest = path.split("/")[1:]
        found: _Element | None = document if etree.QName(document).localname == first else None
        for name in rest:
            if found is None:
                return None
            found = next((one for one in found if etree.QName(one).localname == name), None)
        return None if found is None or len(found) else (found.text or "").strip()


def _wrong_in(element: _Element, file: str) -> Iterator[Problem]:
    line = xml.line_of(element)
    if element.tag not in _ALLOWED:
        yield Problem(Fault.TYPE_SCHEMA, file, "-", etree.QName(element).localname, line)
    if element.tag == _XSD + "pattern" and not _is_tame(str(element.get("value", ""))):
        yield Problem(Fault.TYPE_SCHEMA, file, "-", str(element.get("value", ""))[:100], line)
    if element.tag not in {_XSD + "element", _XSD + "sequence", _XSD + "choice", _XSD + "all"}:
        return
    times = math.prod(_times(one) for one in (element, *element.iterancestors()))
    if times > MAX_OCCURS:
        yield Problem(Fault.TYPE_LIMIT, file, str(MAX_OCCURS), str(times), line)


def _times(element: _Element) -> int:
    """How often a particle is written out when the schema is compiled."""
    texts = [str(element.get(bound, "1")).strip() for bound in ("minOccurs", "maxOccurs")]
    return max(1, *(int(text[:9]) for text in texts if text.isascii() and text.isdigit()))


def _is_tame(pattern: str) -> bool:
    """Whether no text makes matching it long."""
    if len(pattern) > MAX_PATTERN:
        return False
    plain = _CLASSES.sub("c", pattern)
    counts = _NUMBER.findall("".join(_COUNTED.findall(plain)))
    if any(len(one) > 3 or int(one) > MAX_COUNT for one in counts):
        return False
    return not _REPEATED_GROUP.search(plain) and all(len(form.findall(plain)) <= most for form, most in _TAME)
