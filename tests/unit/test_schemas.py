"""The schemas that others build on: generated from the one table, and agreeing with the checks."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from axis import schemas
from axis.core import edxml
from tests import make_schemas

ROOT = Path(schemas.__file__).parent
EXAMPLES = ROOT / "edxml" / "1" / "examples"
PACKETS = Path(__file__).parent.parent / "data" / "packets"
VALID = sorted((EXAMPLES / "valid").glob("*.edxml"))
INVALID = sorted((EXAMPLES / "invalid").glob("*.edxml"))


def schema_of(path: Path) -> str:
    return "edxml-status" if "status-" in path.stem else "edxml-document"


def test_there_are_examples_of_both_kinds_and_all_business() -> None:
    assert len(VALID) >= 8
    assert len(INVALID) >= 15
    packets = [edxml.convert(path.read_bytes()).packet for path in VALID]
    assert {packet.kind for packet in packets if packet} == set(edxml.Kind)


@pytest.mark.parametrize("path", make_schemas.files(), ids=lambda path: path.name)
def test_a_generated_schema_is_what_is_checked_in(path: Path) -> None:
    assert path.read_text("utf-8") == make_schemas.files()[path]


@pytest.mark.parametrize("name", schemas.SCHEMAS)
def test_each_schema_compiles_in_both_engines(name: str) -> None:
    import xmlschema

    assert schemas.validator(name) is schemas.validator(name)
    assert xmlschema.XMLSchema10(str(schemas.path(name))).version == "1"


def test_every_schema_file_has_a_name() -> None:
    assert {ROOT / path for path in schemas.SCHEMAS.values()} == {
        file for file in ROOT.rglob("*.xsd") if not file.is_relative_to(ROOT / "documents")
    }


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_a_valid_example_is_canonical_valid_and_without_findings(path: Path) -> None:
    data = path.read_bytes()
    result = edxml.convert(data)
    assert result.problems == ()
    assert result.packet is not None
    assert schemas.validator(schema_of(path)).validate(etree.fromstring(data))
    assert schemas.explain(schema_of(path), data) == []
    # An example shows the canonical form, so it must be it (one may leave out AttachmentEncoded).
    whole = edxml.write_packet(result.document, result.packet, result.attachments)
    assert data in (whole, result.document)


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_an_invalid_example_is_refused_by_the_schema_and_for_the_reason_in_its_name(path: Path) -> None:
    data = path.read_bytes()
    result = edxml.convert(data)
    assert [p.fault.code for p in result.problems if p.severity == "error"] == [path.stem.partition("-")[0]]
    assert not schemas.validator(schema_of(path)).validate(etree.fromstring(data))
    explained = schemas.explain(schema_of(path), data)
    assert explained
    assert all(where and reason for where, reason in explained)


@pytest.mark.parametrize("path", sorted(PACKETS.glob("*.edxml")), ids=lambda path: path.stem)
def test_the_canonical_form_of_the_client_librarys_packets_is_valid(path: Path) -> None:
    result = edxml.convert(path.read_bytes())
    assert result.packet is not None
    root = etree.fromstring(result.document)
    for signature in root.findall(f".//{{{edxml.NAMESPACE}}}Signature"):
        parent = signature.getparent()
        assert parent is not None
        parent.remove(signature)
    name = "edxml-status" if result.packet.kind is edxml.Kind.STATUS else "edxml-document"
    assert schemas.validator(name).validate(root), schemas.validator(name).error_log
