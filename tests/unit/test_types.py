"""A document type is a folder: what it says of a document, what is wrong with a folder, and what no schema may cost."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from axis import schemas
from axis.core.registry import Member
from axis.core.types import kind as kinds
from axis.core.types import typeset
from axis.core.types.kind import Header, Party
from axis.core.types.schema import MAX_DEPTH, MAX_DOCUMENT, MAX_TEXT, MAX_VALUES, JsonSchema, XmlSchema
from axis.errors import Fault, Problem, Rejected

SHIPPED = Path(schemas.__file__).parent / "documents"
OURS = Path(__file__).parent.parent / "data" / "types"
FOLDERS = sorted(path for root in (SHIPPED, OURS) for path in root.glob("*/*") if path.is_dir())
PERMIT, NOTICE = OURS / "test_permit" / "1", OURS / "test_notice" / "1"
NOW = datetime(2026, 11, 26, tzinfo=UTC)
PROVINCE, MINISTRY = (
    Party("H29", Member("H29", "Tỉnh", kind="province")),
    Party("G06", Member("G06", "Bộ", kind="ministry")),
)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def content(**changes: Any) -> bytes:
    found = json.loads((PERMIT / "examples" / "valid" / "filed.json").read_text("utf-8"))
    return json.dumps(found | changes).encode()


def judged(data: bytes, header: Header | None = None) -> list[tuple[str, str]]:
    header = header or Header(PROVINCE, (MINISTRY,), ("a.pdf", "permit.json"))
    contents = [data if name == "permit.json" else b"%PDF" for name in header.attachments or ()]
    return [(one.fault.code, one.path) for one in kinds.judge(kinds.read(files(PERMIT)), header, contents)]


def faults(error: pytest.ExceptionInfo[Rejected]) -> list[tuple[str, str]]:
    return [(one.fault.code, one.path) for one in error.value.problems]


# -- Folders --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_types_folder_is_good_and_each_example_is_what_its_name_says(folder: Path) -> None:
    kind = kinds.read(files(folder))
    assert (kind.name.lower(), str(kind.version)) == (folder.parent.name, folder.name)
    valid, invalid = (files(folder / "examples" / name) for name in ("valid", "invalid"))
    assert valid
    assert invalid
    assert kinds.check_examples(kind, valid, invalid) == []


def test_an_example_that_is_not_what_its_name_says_is_found() -> None:
    good, bad = (PERMIT / "examples" / "valid" / "filed.json").read_bytes(), content(state="9")
    found = kinds.check_examples(kinds.read(files(PERMIT)), {"a.json": bad}, {"TYPE_CONTENT-b.json": good})
    assert [(one.fault, one.path, one.got) for one in found] == [
        (Fault.TYPE_EXAMPLE, "valid/a.json", "TYPE_STATE"),
        (Fault.TYPE_EXAMPLE, "invalid/TYPE_CONTENT-b.json", "-"),
    ]


def test_all_faults_of_a_folder_are_told_at_once() -> None:
    manifest = (PERMIT / "manifest.toml").read_text("utf-8")
    for old, new in (
        ('"TEST_PERMIT"', '"test permit"'),
        ("version = 1", "version = 0"),
        ('en = "Test permit"', 'english = "Test permit"'),
        ('"@ministries"', '"@ministers"'),
        ("at_least = 1", 'at_least = "one"'),
        ('process = "5wd"', 'process = "5 days"\nanswer = "1h"'),
        ('2 = ["3", "4"]', '2 = ["3", "5"]'),
        ("personal = true", 'personal = "yes"'),
        ('path = "/permit/number"', 'path = "permit"'),
    ):
        assert old in manifest
        manifest = manifest.replace(old, new)
    schema = b'{"type": "object", "requierd": [], "properties": {"a": {"$ref": "https://example.org/s"}}}'
    with pytest.raises(Rejected) as error:
        kinds.read({"manifest.toml": manifest.encode(), "schema.json": schema})
    assert sorted(faults(error)) == sorted(
        [
            ("TYPE_MANIFEST", "application_type"),
            ("TYPE_MANIFEST", "version"),
            ("TYPE_MANIFEST", "title.en"),
            ("TYPE_MANIFEST", "title.english"),
            ("TYPE_MANIFEST", "parties.recipients[0]"),
            ("TYPE_MANIFEST", "required[0].at_least"),
            ("TYPE_MANIFEST", "deadlines.process"),
            ("TYPE_MANIFEST", "deadlines.answer"),
            ("TYPE_MANIFEST", "states.moves.2"),
            ("TYPE_MANIFEST", "show[0].path"),
            ("TYPE_MANIFEST", "show[1].personal"),
            ("TYPE_SCHEMA", "schema.json#/requierd"),
            ("TYPE_SCHEMA", "schema.json#/properties/a/$ref"),
        ]
    )


@pytest.mark.parametrize(
    "manifest", [b"", b"a = ", b"\xff", b"[" * 30_000, b"x = 1\n" * 20_000, b"title = 1\nshow = 2\nstates = 3"]
)
def test_what_is_no_manifest_is_refused_by_the_catalogue(manifest: bytes) -> None:
    with pytest.raises(Rejected) as error:
        kinds.read({"manifest.toml": manifest})
    assert {code for code, _ in faults(error)} <= {"TYPE_MANIFEST", "TYPE_SCHEMA", "TYPE_LIMIT"}


# -- Documents ------------------------------------------------------------------------------------------------------


def test_a_document_is_judged_by_its_parties_its_attachments_and_its_content() -> None:
    assert judged(content()) == []
    assert judged(content(state="9")) == [("TYPE_STATE", "permit.json#/state")]
    assert judged(content(permit={"number": "x"})) == [("TYPE_CONTENT", "permit.json#/permit/number")]
    assert judged(content(permit={"number": "1/GP", "issued": "hôm qua"})) == [
        ("TYPE_CONTENT", "permit.json#/permit/issued")
    ]
    assert judged(b"{") == [("TYPE_UNREADABLE", "permit.json")]
    foreign = Header(MINISTRY, (MINISTRY, PROVINCE), ("permit.json",))
    assert judged(content(), foreign) == [
        ("TYPE_PARTY", "From/OrganId"),
        ("TYPE_PARTY", "To[2]/OrganId"),
        ("TYPE_ATTACHMENT", "*.pdf"),
    ]
    assert judged(content(), Header(PROVINCE, (MINISTRY,), ("a.pdf",))) == [("TYPE_ATTACHMENT", "permit.json")]
    twice = Header(PROVINCE, (MINISTRY,), ("a.pdf", "permit.json", "permit.json"))
    assert judged(content(), twice) == [("TYPE_ATTACHMENT", "permit.json")]
    assert judged(b"", Header(PROVINCE, (PROVINCE,), None)) == [("TYPE_PARTY", "To[1]/OrganId")]


def test_what_is_found_never_quotes_what_a_document_says() -> None:
    secret = "Nguyen Van Kin"
    for data in (
        content(applicant={"name": [secret]}),
        content(permit={"number": secret}),
        content(**{secret: 1}),
        content(state=secret),
        b'{"' + secret.encode() + b'": 1, "' + secret.encode() + b'": 2}',
        b'{"a": ' + secret.encode(),
    ):
        kind = kinds.read(files(PERMIT))
        found = kinds.judge(kind, Header(PROVINCE, (MINISTRY,), ("a.pdf", "permit.json")), [b"", data])
        assert found
        assert secret not in repr(found)
    notice = kinds.read(files(NOTICE))
    text = f'<notice xmlns="urn:test:notice"><about/><day>{secret}</day></notice>'.encode()
    (one,) = kinds.judge(notice, Header(PROVINCE, (MINISTRY,), ("notice.xml",)), [text])
    assert (one.fault, secret in repr(one)) == (Fault.TYPE_CONTENT, False)


def test_the_fields_to_show_and_the_business_object_are_read_personal_ones_marked() -> None:
    found = kinds.examine(
        kinds.read(files(PERMIT)), Header(PROVINCE, (MINISTRY,), ("permit.json", "a.pdf")), [content(), b""]
    )
    assert [(one.words.en, one.value, one.personal) for one in found.shown] == [
        ("Permit", "12/GP", False),
        ("Applicant", "Nguyễn Văn Thử", True),
    ]
    assert (found.key, found.state) == ("12/GP", "1")
    example = (NOTICE / "examples" / "valid" / "one.xml").read_bytes()
    shown = kinds.examine(kinds.read(files(NOTICE)), Header(PROVINCE, (MINISTRY,), ("notice.xml",)), [example]).shown
    assert [one.value for one in shown] == ["Nghỉ lễ"]


def test_a_business_object_moves_as_its_type_allows() -> None:
    kind = kinds.read(files(PERMIT))

    def move(before: str, after: str) -> Problem | None:
        return kinds.move(kind, before, after)

    assert all(move(*step) is None for step in pairwise(["", "1", "2", "2", "3"]))
    for before, after in (("", "2"), ("1", "3"), ("3", "1"), ("4", "2"), ("1", "9")):
        found = move(before, after)
        assert found is not None
        assert (found.fault, found.path) == (Fault.TYPE_MOVE, "TEST_PERMIT")
    assert kinds.move(kinds.read(files(NOTICE)), "a", "b") is None, "a type without states has no moves"


# -- What no schema may cost ----------------------------------------------------------------------------------------


def chain(length: int) -> dict[str, Any]:
    """Each definition refers to the next twice: 2^length comparisons."""
    parts = {str(n): {"allOf": [{"$ref": f"#/$defs/{n + 1}"}] * 2} for n in range(length)}
    return {"$ref": "#/$defs/0", "$defs": parts | {str(length): {"type": "string"}}}


def deep(levels: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(levels):
        found = {"items": found}
    return found


HOSTILE = {
    "another file": ({"$ref": "other.json"}, "TYPE_SCHEMA"),
    "another host": ({"properties": {"a": {"$ref": "http://127.0.0.1:1/s"}}}, "TYPE_SCHEMA"),
    "a file of this machine": ({"allOf": [{"$ref": "file:///etc/passwd"}]}, "TYPE_SCHEMA"),
    "another base": ({"properties": {"a": {"$id": "http://x.y/"}}}, "TYPE_SCHEMA"),
    "another dialect": ({"$schema": "http://json-schema.org/draft-04/schema#"}, "TYPE_SCHEMA"),
    "a dynamic reference": ({"$dynamicRef": "#a"}, "TYPE_SCHEMA"),
    "itself": ({"$ref": "#/$defs/a", "$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}}, "TYPE_SCHEMA"),
    "itself, seen by nobody": ({"$defs": {"a": {"not": {"$ref": "#/$defs/a"}}}}, "TYPE_SCHEMA"),
    "what is not there": ({"$ref": "#/$defs/a"}, "TYPE_SCHEMA"),
    "doubling": (chain(20), "TYPE_LIMIT"),
    "a long chain": (chain(200), "TYPE_LIMIT"),
    "too deep": (deep(MAX_DEPTH + 2), "TYPE_LIMIT"),
    "too large": ({"enum": ["x" * 300_000]}, "TYPE_LIMIT"),
    "looking back": ({"pattern": r"(a)\1"}, "TYPE_SCHEMA"),
    "a huge pattern": ({"pattern": "(a{1000}){1000}"}, "TYPE_SCHEMA"),
    "a long pattern": ({"patternProperties": {"a" * 300: {}}}, "TYPE_LIMIT"),
    "a format that nobody checks": ({"format": "cccd"}, "TYPE_SCHEMA"),
    "a misspelt word": ({"propertys": {}}, "TYPE_SCHEMA"),
    "what costs more than it looks": ({"unevaluatedProperties": False}, "TYPE_SCHEMA"),
    "no schema at all": ({"type": "objekt", "required": "x"}, "TYPE_SCHEMA"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_schema_is_refused(name: str) -> None:
    schema, code = HOSTILE[name]
    with pytest.raises(Rejected) as error:
        JsonSchema(json.dumps(schema).encode(), "schema.json")
    assert {one for one, _ in faults(error)} == {code}


@pytest.mark.parametrize("data", [b"", b"[]", b'{"a": 1, "a": 2}', b'{"a": NaN}', b"[" * 100_000, b'{"a": "\\ud800"}'])
def test_what_is_no_schema_is_refused(data: bytes) -> None:
    with pytest.raises(Rejected) as error:
        JsonSchema(data, "schema.json")
    assert error.value.fault is Fault.TYPE_SCHEMA


def test_a_pattern_that_would_take_for_ever_elsewhere_takes_none_of_it_here() -> None:
    schema = JsonSchema(rb'{"pattern": "^(a+)+$", "items": {"pattern": "^(a|a)*(b|c)*d$"}}', "schema.json")
    long = "a" * 100_000
    assert [one.got for one in schema.judge(schema.read(json.dumps(long + "!").encode()), "x")] == ["pattern"]
    assert len(schema.judge(schema.read(json.dumps([long, long]).encode()), "x")) == 2


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 40 + b"]" * 40,
        b"[" * 100_000,
        b"[" + b"1," * MAX_VALUES + b"1]",
        b'"' + b"x" * MAX_DOCUMENT + b'"',
        b'{"a": 1e999}',
        b'{"a": Infinity}',
        b"1" * 5_000,
        b'"\\ud800"',
        b'\xff"',
    ],
    ids=["deep", "very deep", "many", "large", "beyond numbers", "infinity", "digits", "half a letter", "no text"],
)
def test_a_hostile_document_is_refused_before_it_is_judged(data: bytes) -> None:
    with pytest.raises(Rejected) as error:
        JsonSchema(b"{}", "schema.json").read(data)
    assert error.value.fault is Fault.TYPE_UNREADABLE


def xsd(inside: str, types: str = "") -> bytes:
    return (
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="a">'
        f"<xs:complexType><xs:sequence>{inside}</xs:sequence></xs:complexType></xs:element>{types}</xs:schema>"
    ).encode()


def pattern(text: str) -> bytes:
    kind = (
        f'<xs:simpleType><xs:restriction base="xs:string"><xs:pattern value="{text}"/></xs:restriction></xs:simpleType>'
    )
    return xsd(f'<xs:element name="b">{kind}</xs:element>')


HOSTILE_XSD = {
    "an import": xsd("", '<xs:import schemaLocation="file:///etc/passwd"/>'),
    "an include": xsd("", '<xs:include schemaLocation="http://127.0.0.1:1/s.xsd"/>'),
    "a redefinition": xsd("", '<xs:redefine schemaLocation="x.xsd"/>'),
    "a document type": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>' + xsd("&b;"),
    "a group": xsd('<xs:group ref="g"/>', '<xs:group name="g"><xs:sequence/></xs:group>'),
    "a key": xsd("", '<xs:key name="k"><xs:selector xpath=".//b"/><xs:field xpath="@c"/></xs:key>'),
    "a pattern in a pattern": pattern("(a+)+b"),
    "a choice without end": pattern("(a|aa)*b"),
    "many repetitions": pattern("a*a*a*a*b"),
    "a large count": pattern("a{99999}"),
    "many elements": xsd('<xs:element name="b" maxOccurs="100000"/>'),
    "many of many": xsd(
        '<xs:sequence maxOccurs="900"><xs:sequence maxOccurs="900"><xs:element name="b"/></xs:sequence></xs:sequence>'
    ),
    "no schema": b"<a/>",
    "no XML": b"{}",
    "a wrong schema": xsd('<xs:element name="b" type="nothing"/>'),
}


@pytest.mark.parametrize("name", HOSTILE_XSD)
def test_a_hostile_xml_schema_is_refused(name: str) -> None:
    with pytest.raises(Rejected) as error:
        XmlSchema(HOSTILE_XSD[name], "schema.xsd")
    assert {code for code, _ in faults(error)} <= {"TYPE_SCHEMA", "TYPE_LIMIT"}


def test_libxml2_gives_up_on_a_pattern_before_it_takes_long() -> None:
    schema = XmlSchema(pattern("a*a{0,100}a{0,100}b"), "schema.xsd")
    found = schema.judge(schema.read(b"<a><b>" + b"a" * MAX_TEXT + b"</b></a>"), "x")
    assert [(one.fault, one.got) for one in found] == [(Fault.TYPE_CONTENT, "xs:pattern")]
    with pytest.raises(Rejected):
        schema.read(b"<a><b>" + b"a" * (MAX_TEXT + 1) + b"</b></a>")


def test_what_schemas_need_is_allowed() -> None:
    XmlSchema(pattern(r"[0-9]{1,9}(\.[0-9]+)?/[A-Z]{2}"), "schema.xsd")
    XmlSchema(xsd('<xs:element name="b" type="xs:string" maxOccurs="500"/>'), "schema.xsd")
    JsonSchema(json.dumps(chain(5)).encode(), "schema.json")
    JsonSchema(json.dumps(deep(MAX_DEPTH)).encode(), "schema.json")


# -- The set --------------------------------------------------------------------------------------------------------


def a_set() -> typeset.Types:
    empty = typeset.Types("an axis", 0, NOW, ())
    return empty.with_type(files(NOTICE), 2, NOW).with_type(files(PERMIT), 3, NOW)


def a_second(**schema: Any) -> dict[str, bytes]:
    manifest = (PERMIT / "manifest.toml").read_bytes().replace(b"version = 1", b"version = 2")
    return {"manifest.toml": manifest, "schema.json": json.dumps(schema).encode()}


def test_a_set_is_written_in_one_form_and_its_examples_do_not_travel() -> None:
    found = a_set()
    assert typeset.read(typeset.write(found)) == found
    assert [name for one in found.published for name, _ in one.files] == [
        *("manifest.toml", "schema.xsd"),
        *("manifest.toml", "schema.json"),
    ]
    for old, new in ((b' since="3"', b' since="03"'), (b"<type ", b"<type  "), (b'name="TEST_NOTICE"', b'name="a b"')):
        with pytest.raises(Rejected) as error:
            typeset.read(typeset.write(found).replace(old, new))
        assert error.value.fault is Fault.TYPE_SET


def test_the_same_type_once_more_changes_nothing_and_another_content_is_another_version() -> None:
    found = a_set()
    assert found.with_type(files(PERMIT), 4, NOW) is found
    with pytest.raises(Rejected) as error:
        found.with_type(files(PERMIT) | {"schema.json": b"{}"}, 4, NOW)
    assert error.value.fault is Fault.TYPE_EXISTS
    both = found.with_type(a_second(), 5, NOW)
    assert [(one.version, one.since) for one in both.named("TEST_PERMIT")] == [(2, 5), (1, 3)]


def test_what_was_good_under_a_registry_version_stays_known_by_it() -> None:
    found = a_set().with_type(a_second(), 5, NOW).without("TEST_PERMIT", 1, 7, NOW)
    versions = {at: [one.version for one in found.named("TEST_PERMIT", at)] for at in (2, 3, 4, 5, 6, 7, None)}
    assert versions == {2: [], 3: [1], 4: [1], 5: [2, 1], 6: [2, 1], 7: [2], None: [2]}
    assert typeset.read(typeset.write(found)) == found
    with pytest.raises(Rejected) as error:
        found.without("TEST_PERMIT", 9, 8, NOW)
    assert error.value.fault is Fault.NOT_FOUND
