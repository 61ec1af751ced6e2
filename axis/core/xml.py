"""The one way XML is parsed here. Decides on the bytes first, then lets libxml2 read them.

No other module makes a parser. libxml2 keeps an unresolved entity and goes on, so the DOCTYPE itself is
what is refused; a byte order mark or another encoding reads differently in different parsers, so only
plain UTF-8 gets to libxml2 at all.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lxml import etree

from axis.errors import Fault, rejected

if TYPE_CHECKING:
    from lxml.etree import _Element

MAX_BYTES = 96 * 1024 * 1024  # a 50 MB attachment is 67 MB of base64, and there may be some more beside it
MAX_DEPTH = 64  # edXML needs 9, a packet's own signature a few more
MAX_ATTRIBUTES = 32  # XLink-happy senders use 6
MAX_TEXT = 1_000_000  # characters in one element, but for base64 content

_DECLARATION = re.compile(
    rb"""<\?xml\s+version\s*=\s*(?:"1\.0"|'1\.0')"""
    rb"""(?:\s+encoding\s*=\s*(?:"([A-Za-z0-9._-]+)"|'([A-Za-z0-9._-]+)'))?"""
    rb"""(?:\s+standalone\s*=\s*(?:"(?:yes|no)"|'(?:yes|no)'))?\s*\?>"""
)
_FORBIDDEN_CHARACTER = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_XINCLUDE = "http://www.w3.org/2001/XInclude"


def parse(data: bytes, *, max_bytes: int = MAX_BYTES, free_text: frozenset[str] = frozenset()) -> _Element:
    """The root element of `data`, comments removed and CDATA read as text.

    `free_text` names (by local name) the elements whose text may be longer than MAX_TEXT characters.

    Raises :class:`Rejected` with an XML_* code for everything that is not plain, small, well-formed UTF-8
    XML 1.0 without DOCTYPE and processing instructions; never another exception.
    """
    _judge_bytes(data, max_bytes)
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
        line = error.lineno
        raise rejected(Fault.XML_SYNTAX, str(error.msg)[:200], line=line) from None
    except (ValueError, MemoryError, RecursionError) as error:
        raise rejected(Fault.XML_SYNTAX, type(error).__name__) from None
    _judge_tree(root, free_text)
    return root


def _judge_bytes(data: bytes, max_bytes: int) -> None:
    if len(data) > max_bytes:
        raise rejected(Fault.XML_TOO_BIG, len(data), max_bytes)
    if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")):
        raise rejected(Fault.XML_BOM)
    if data.startswith(b"<?xml") and data[5:6] in b" \t\r\n":
        declaration = _DECLARATION.match(data)
        if declaration is None:
            raise rejected(Fault.XML_DECL, data[:80].split(b"?>")[0].decode("ascii", "replace"))
        encoding = declaration.group(1) or declaration.group(2) or b"UTF-8"
        if encoding.upper() not in {b"UTF-8", b"UTF8"}:
            raise rejected(Fault.XML_DECL, encoding.decode("ascii"), "UTF-8")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise rejected(Fault.XML_NOT_UTF8, error.start) from None
    if forbidden := _FORBIDDEN_CHARACTER.search(text):
        raise rejected(Fault.XML_NOT_UTF8, forbidden.start())
    # A '<!DOCTYPE' inside a comment, CDATA or text would be harmless; nobody has a reason to write one.
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise rejected(Fault.XML_DTD)


def _judge_tree(root: _Element, free_text: frozenset[str]) -> None:
    if root.getprevious() is not None or root.getnext() is not None:
        raise rejected(Fault.XML_PI)
    depth = 0
    for event, element in etree.iterwalk(root, events=("start", "end", "pi")):
        if event == "pi":
            raise rejected(Fault.XML_PI, line=element.sourceline)
        if event == "end":
            depth -= 1
            continue
        depth += 1
        if depth > MAX_DEPTH:
            raise rejected(Fault.XML_DEPTH, depth, MAX_DEPTH, line=element.sourceline)
        if len(element.attrib) > MAX_ATTRIBUTES:
            raise rejected(Fault.XML_ATTRS, len(element.attrib), MAX_ATTRIBUTES, line=element.sourceline)
        name = etree.QName(element)
        if name.namespace == _XINCLUDE:
            raise rejected(Fault.XML_XINCLUDE, line=element.sourceline)
        for uri in element.nsmap.values():
            if ":" not in uri:
                raise rejected(Fault.XML_NS_RELATIVE, uri, line=element.sourceline)
        if element.text and len(element.text) > MAX_TEXT and name.localname not in free_text:
            raise rejected(
                Fault.XML_TOO_BIG, len(element.text), MAX_TEXT, path=name.localname, line=element.sourceline
            )
