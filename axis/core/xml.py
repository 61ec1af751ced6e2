"""The one way XML is parsed here. Decides on the bytes first, then lets libxml2 read them.

No other module makes a parser. libxml2 keeps an unresolved entity and goes on, so the DOCTYPE itself is
what is refused; a byte order mark or another encoding reads differently in different parsers, so only
plain UTF-8 gets to libxml2 at all.
"""

from __future__ import annotations

import re
from codecs import utf_8_decode
from typing import TYPE_CHECKING
from xml.sax import saxutils

from lxml import etree

from axis import counting
from axis.errors import Fault, rejected

if TYPE_CHECKING:
    from lxml.etree import _Element

MAX_BYTES = 96 * 1024 * 1024  # a 50 MB attachment is 67 MB of base64, and there may be some more beside it
MAX_DEPTH = 64  # edXML needs 9, a packet's own signature a few more
MAX_ATTRIBUTES = 32  # XLink-happy senders use 6
MAX_TEXT = 1_000_000  # characters in one text or attribute, but for base64 content
# A tree takes up to 40 times the bytes it is read from: what fills the memory is not parsed. A packet to a thousand
# agencies with a thousand of everything else has half as many tags.
MAX_TAGS = 150_000
MAX_EQUALS = 150_000  # each attribute has one; base64 has two at most, a text a few

_DECLARATION = re.compile(
    rb"""<\?xml\s+version\s*=\s*(?:"1\.0"|'1\.0')"""
    rb"""(?:\s+encoding\s*=\s*(?:"([A-Za-z0-9._-]+)"|'([A-Za-z0-9._-]+)'))?"""
    rb"""(?:\s+standalone\s*=\s*(?:"(?:yes|no)"|'(?:yes|no)'))?\s*\?>"""
)
_MARKUP = re.compile("[&<>\r]")
NOT_TEXT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what no XML 1.0 can carry
_INCLUDE = "{http://www.w3.org/2001/XInclude}*"
# Compiled once: asking libxml2 is ten times quicker than walking the tree from Python.
_TOO_DEEP = etree.XPath("/*" + "/*" * MAX_DEPTH)
_MANY_ATTRIBUTES = etree.XPath(f"/descendant::*[@*[{MAX_ATTRIBUTES + 1}]]")
_INSTRUCTIONS = etree.XPath("//processing-instruction()")
_PIECE = 16_384  # bytes looked at as text at once: the text of the whole would take twice its bytes
_DOCUMENT_TYPE = (b"<!DOCTYPE", b"<!ENTITY")
# What a clerk may take for a packet, by its first bytes.
_OTHER_FILES = {
    b"%PDF": "PDF",
    b"PK\x03\x04": "DOCX, XLSX, ZIP",
    b"\xd0\xcf\x11\xe0": "DOC, XLS",
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG": "PNG",
    b"II*\x00": "TIFF",
    b"{\\rtf": "RTF",
}


def escape(value: str) -> str:
    """`value` as character data that reads back as it was; a bare CR would come back as a line feed."""
    return saxutils.escape(value, {"\r": "&#13;"}) if _MARKUP.search(value) else value


def parse(data: bytes, *, max_bytes: int = MAX_BYTES, free_text: frozenset[str] = frozenset()) -> _Element:
    """The root element of `data`, comments removed and CDATA read as text.

    `free_text` names (by local name) the elements whose own text may be longer than MAX_TEXT characters.

    Raises :class:`Rejected` with an XML_* code for everything that is not plain, small, well-formed UTF-8
    XML 1.0 without DOCTYPE and processing instructions; never another exception.
    """
    counting.done.parses += 1
    instructions = _judge_bytes(data, max_bytes)
    # A parser each time: lxml's parsers keep the last document's dictionary and are not re-entrant.
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=True,  # text over 10 MB; our own byte, depth and text limits bound it
        remove_comments=True,  # so that a value split by a comment is one text
        remove_pis=False,
        strip_cdata=True,
        remove_blank_text=False,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        if "depth" in str(error.msg):
            raise rejected(Fault.XML_DEPTH, "> 2048", MAX_DEPTH, line=error.lineno) from None
        raise rejected(Fault.XML_SYNTAX, str(error.msg)[:200], line=error.lineno) from None
    except (ValueError, MemoryError, RecursionError) as error:
        raise rejected(Fault.XML_SYNTAX, type(error).__name__) from None
    _judge_tree(root, data, free_text, instructions=instructions)
    return root


def _judge_bytes(data: bytes, max_bytes: int) -> bool:
    """Refuse what need not be parsed for that. Whether there may be instructions in it."""
    if len(data) > max_bytes:
        raise rejected(Fault.XML_TOO_BIG, len(data), max_bytes)
    if kind := next((kind for magic, kind in _OTHER_FILES.items() if data.startswith(magic)), ""):
        raise rejected(Fault.XML_NONE, kind)
    if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")):
        raise rejected(Fault.XML_BOM)
    declared = 0
    if data.startswith(b"<?xml") and data[5:6] in b" \t\r\n":
        declaration = _DECLARATION.match(data)
        if declaration is None:
            raise rejected(Fault.XML_DECL, data[:80].split(b"?>")[0].decode("ascii", "replace"))
        encoding = declaration.group(1) or declaration.group(2) or b"UTF-8"
        if encoding.upper() not in {b"UTF-8", b"UTF8"}:
            raise rejected(Fault.XML_DECL, encoding.decode("ascii"), "UTF-8")
        declared = 1  # <?xml-stylesheet … ?> is no declaration
    _judge_text(data)
    # UTF-16 and UTF-32 without a mark look like this; libxml2 would guess them, and read what is not seen here.
    if (nul := data.find(b"\0")) >= 0:
        raise rejected(Fault.XML_NOT_UTF8, nul)
    tags, document_type, instructions = _marks(data)
    # A '<!DOCTYPE' inside a comment or CDATA would be harmless; nobody has a reason to write one.
    if document_type:
        raise rejected(Fault.XML_DTD)
    if tags > MAX_TAGS:
        raise rejected(Fault.XML_ELEMENTS, tags, MAX_TAGS)
    if len(data) > MAX_EQUALS and (signs := data.count(b"=")) > MAX_EQUALS:
        raise rejected(Fault.XML_ATTRS, signs, MAX_EQUALS)
    return instructions > declared


def _marks(data: bytes) -> tuple[int, bool, int]:
    """(how many "<", whether there is a "<!DOCTYPE" or "<!ENTITY", how many "<?")."""
    tags = instructions = 0
    if len(data) > _PIECE:
        # One search for one byte, and a look at what stands behind it: each search for a word through a hundred
        # thousand characters of base64 costs as much as parsing them.
        at = data.find(b"<")
        while at >= 0 and tags <= MAX_TAGS:
            tags += 1
            if data[at + 1 : at + 2] in b"!?":
                if data.startswith(_DOCUMENT_TYPE, at):
                    return tags, True, instructions
                instructions += data.startswith(b"<?", at)
            at = data.find(b"<", at + 1)
        if at < 0:
            return tags, False, instructions
    return data.count(b"<"), any(word in data for word in _DOCUMENT_TYPE), data.count(b"<?")


def _judge_text(data: bytes) -> None:
    at = 0
    while at < len(data):
        piece = data[at : at + _PIECE]
        if piece.isascii():
            at += len(piece)
            continue
        try:
            at += utf_8_decode(piece, "strict", at + len(piece) == len(data))[1]
        except UnicodeDecodeError as error:
            raise rejected(Fault.XML_NOT_UTF8, at + error.start) from None


def _found(path: etree.XPath, root: _Element) -> list[_Element]:
    result = path(root)
    return [node for node in result if isinstance(node, etree._Element)] if isinstance(result, list) else []


def _judge_tree(root: _Element, data: bytes, free_text: frozenset[str], *, instructions: bool) -> None:
    if instructions:
        around = [*_found(_INSTRUCTIONS, root), *root.itersiblings(), *root.itersiblings(preceding=True)]
        if any(isinstance(node, etree._ProcessingInstruction) for node in around):
            raise rejected(Fault.XML_PI, line=line_of(around[0]))
    if deep := _found(_TOO_DEEP, root):
        raise rejected(Fault.XML_DEPTH, f"> {MAX_DEPTH}", MAX_DEPTH, line=line_of(deep[0]))
    if many := _found(_MANY_ATTRIBUTES, root):
        raise rejected(Fault.XML_ATTRS, len(many[0].attrib), MAX_ATTRIBUTES, line=line_of(many[0]))
    # Asked of the tree: a text may quote what an element must not be. xmlns="" takes a namespace away and names none.
    for _, (_, uri) in etree.iterwalk(root, events=("start-ns",)):
        if uri and ":" not in uri:
            raise rejected(Fault.XML_NS_RELATIVE, uri[:80])
    if (include := next(root.iter(_INCLUDE), None)) is not None:
        raise rejected(Fault.XML_XINCLUDE, line=line_of(include))
    if len(data) > MAX_TEXT:
        for element in root.iter():
            name = etree.QName(element).localname
            texts = ["" if name in free_text else element.text, element.tail, *element.values()]
            longest = max(len(text or "") for text in texts)
            if longest > MAX_TEXT:
                raise rejected(Fault.XML_TOO_BIG, longest, MAX_TEXT, name, line_of(element))


def attribute(element: _Element, name: str) -> str:
    """An attribute that has to be there. Raises KeyError."""
    value = element.get(name)
    if value is None:
        raise KeyError(name)
    return str(value)


def line_of(element: object) -> int | None:
    """The line an element stood on in its source, where known."""
    line = getattr(element, "sourceline", None)
    return line if isinstance(line, int) else None
