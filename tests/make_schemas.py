"""Writes the XSDs of edXML from the one table of its elements: ``python tests/make_schemas.py``.

A test compares the files in schemas/ with what this gives.
"""

from __future__ import annotations

from pathlib import Path

from axis.core.edxml import NAMESPACE, grammar
from axis.core.edxml.grammar import Element

FOLDER = Path(__file__).parent.parent / "schemas" / "edxml" / "1"


def schema(root: Element, title: str, *, attachments: bool) -> str:
    """The XSD of the canonical form whose envelope is `root`."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<!-- {title}. Generated from axis/core/edxml/grammar.py by tests/make_schemas.py.",
        "     Describes the canonical form; elements that the standard does not know are left out before validation. -->",
        f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="{NAMESPACE}" targetNamespace="{NAMESPACE}"',
        '           elementFormDefault="qualified" version="1">',
        '  <xs:element name="edXML">',
        "    <xs:complexType>",
        "      <xs:sequence>",
        *_element(root, 4),
        *(_ATTACHMENTS if attachments else ()),
        "      </xs:sequence>",
        "    </xs:complexType>",
        "  </xs:element>",
        "</xs:schema>",
    ]
    return "\n".join(lines) + "\n"


# base64 is typed as a string: as xs:base64Binary validation takes twenty times as long, and it is checked
# where it is decoded.
_ATTACHMENTS = (
    '        <xs:element name="AttachmentEncoded" minOccurs="0">',
    "          <xs:complexType>",
    "            <xs:sequence>",
    '              <xs:element name="Attachment" minOccurs="0" maxOccurs="unbounded">',
    "                <xs:complexType>",
    "                  <xs:sequence>",
    '                    <xs:element name="ContentId" type="xs:string"/>',
    '                    <xs:element name="AttachmentName" type="xs:string"/>',
    '                    <xs:element name="Description" type="xs:string" minOccurs="0"/>',
    '                    <xs:element name="ContentType" type="xs:string"/>',
    '                    <xs:element name="ContentTransferEncoded" type="xs:string"/>',
    "                  </xs:sequence>",
    "                </xs:complexType>",
    "              </xs:element>",
    "            </xs:sequence>",
    "          </xs:complexType>",
    "        </xs:element>",
)


def _element(element: Element, depth: int) -> list[str]:
    indent = "  " * depth
    least = "" if element.required else ' minOccurs="0"'
    most = ' maxOccurs="unbounded"' if element.many else ""
    if not element.children:
        kind, facets = _simple(element)
        head = f'{indent}<xs:element name="{element.name}"{least}{most}'
        if not facets:
            return [f'{head} type="xs:{kind}"/>']
        return [
            f"{head}>",
            f'{indent}  <xs:simpleType><xs:restriction base="xs:{kind}">{facets}</xs:restriction></xs:simpleType>',
            f"{indent}</xs:element>",
        ]
    lines = [
        f'{indent}<xs:element name="{element.name}"{least}{most}>',
        f"{indent}  <xs:complexType>",
        f"{indent}    <xs:sequence>",
    ]
    for child in element.children:
        lines += _element(child, depth + 3)
    lines.append(f"{indent}    </xs:sequence>")
    if element.name == "edXMLManifest":
        lines.append(f'{indent}    <xs:attribute name="version" use="required" fixed="1.0"/>')
    return [*lines, f"{indent}  </xs:complexType>", f"{indent}</xs:element>"]


def _simple(element: Element) -> tuple[str, str]:
    """(base type, facets): only what is an error when broken."""
    if not element.hard:
        return "string", ""
    if element.name == "SteeringType":
        return "integer", ""
    if element.type == "number":
        return "integer", f'<xs:minInclusive value="{element.low}"/><xs:maxInclusive value="{element.high}"/>'
    if element.type == "date":
        return "string", '<xs:pattern value="\\d{4}/\\d{2}/\\d{2}"/>'
    if element.type == "timestamp":
        return "string", '<xs:pattern value="\\d{4}/\\d{2}/\\d{2} \\d{2}:\\d{2}:\\d{2}"/>'
    if element.name == "StatusCode":
        return "string", "".join(
            f'<xs:enumeration value="{code}"/>' for code in ("01", "02", "03", "04", "05", "06", "13", "15", "16")
        )
    return "string", f'<xs:minLength value="1"/><xs:maxLength value="{element.limit}"/>'


def files() -> dict[Path, str]:
    """Every generated file with its text."""
    return {
        FOLDER / "document.xsd": schema(grammar.DOCUMENT, "edXML document packet", attachments=True),
        FOLDER / "status.xsd": schema(grammar.STATUS, "edXML status packet", attachments=False),
    }


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text, "utf-8")
