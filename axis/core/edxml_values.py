"""How names and values are written in edXML: tolerant in, one form out."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING

from lxml import etree

from axis.core import xml
from axis.core.edxml_grammar import LEGACY_NAMESPACE, NAMESPACE
from axis.core.instant import VIETNAM

if TYPE_CHECKING:
    from lxml.etree import _Element

    from axis.core.edxml_grammar import Element

BLANKS = " \t\r\n"  # XML's white space
BASE64 = frozenset({"ContentTransferEncoded", "X509Certificate", "SignatureValue"})  # of any length
_OURS = (f"{{{NAMESPACE}}}", f"{{{LEGACY_NAMESPACE}}}")
_NO_NAMESPACE = etree.XPath("boolean(descendant-or-self::*[namespace-uri()=''])")


def local_name(element: _Element) -> str:
    """The local name of an element that is ours by namespace; "" for a foreign one."""
    tag = element.tag
    if not isinstance(tag, str) or tag[0] != "{":
        return tag if isinstance(tag, str) else ""
    for ours in _OURS:
        if tag.startswith(ours):
            return tag[len(ours) :]
    return ""


def raw_of(element: _Element) -> str:
    """Exclusive canonical XML of `element`. What is in no namespace is read as ours, here as everywhere."""
    raw = etree.tostring(element, method="c14n", exclusive=True, with_tail=False)
    if _NO_NAMESPACE(element):
        ours = xml.parse(f'<w xmlns="{NAMESPACE}">'.encode() + raw + b"</w>", free_text=BASE64)[0]
        for inner in ours.iter():  # below an element of another namespace, which xmlns="" had ended
            if isinstance(inner.tag, str) and inner.tag[0] != "{":
                inner.tag = f"{{{NAMESPACE}}}{inner.tag}"
        raw = etree.tostring(ours, method="c14n", exclusive=True)
    return raw.decode()


def clean(text: str | None) -> str:
    """`text` without XML's white space around it; "" for none."""
    return (text or "").strip(BLANKS)


_DATES = (
    re.compile(r"(?P<y>\d{4})[/-](?P<m>\d{1,2})[/-](?P<d>\d{1,2})(?:[T ].*)?", re.ASCII),
    re.compile(r"(?P<d>\d{1,2})[/-](?P<m>\d{1,2})[/-](?P<y>\d{4})(?:[T ].*)?", re.ASCII),
)
_STAMP = re.compile(
    r"(?P<date>\d{1,4}[/-]\d{1,2}[/-]\d{1,4})"
    r"(?:[T ](?P<time>\d{1,2}:\d{2}(?::\d{2})?)(?:\.\d+)?(?P<zone>Z|[+-]\d\d:?\d\d)?)?",
    re.ASCII,
)
_DAY = re.compile(r"\d{4}/\d\d/\d\d", re.ASCII)
_MOMENT = re.compile(r"\d{4}/\d\d/\d\d (?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,6}", re.ASCII)
_PREFIXES = re.compile(r"(?:cid:)*")


def is_day(text: str) -> bool:
    """Whether `text` is a day in the canonical form, ``yyyy/MM/dd``."""
    try:
        return bool(_DAY.fullmatch(text)) and date(int(text[:4]), int(text[5:7]), int(text[8:])).year >= 1000
    except ValueError:
        return False


def is_timestamp(text: str) -> bool:
    """Whether `text` is a moment in the canonical form, ``yyyy/MM/dd HH:mm:ss``."""
    return bool(_MOMENT.fullmatch(text)) and is_day(text[:10])


def normal(text: str, spec: Element) -> str:
    """`text` in the canonical form of its type; unchanged where it cannot be read (check() says so)."""
    if is_timestamp(text) if spec.type == "timestamp" else spec.type == "date" and is_day(text):
        return text
    if spec.type == "number" and _INTEGER.fullmatch(text):
        return str(int(text))  # 01 is 1 to every client: it must not be another kind of packet here
    if spec.type == "date":
        # A stamp with a zone names a moment, and the day of it is the one in Viet Nam.
        found = day_of(timestamp_of(text).partition(" ")[0] or text)
        return found.strftime("%Y/%m/%d") if found else text
    if spec.type == "timestamp":
        return timestamp_of(text) or text
    if spec.name == "ContentId":
        return "cid:" + bare_id(text)
    return text


def day_of(text: str) -> date | None:
    """The day that ``yyyy/MM/dd`` or ``dd/MM/yyyy`` names, also with dashes; a time after it is left out."""
    for form in _DATES:
        if match := form.fullmatch(text):
            try:
                found = date(int(match["y"]), int(match["m"]), int(match["d"]))
            except ValueError:
                return None
            return found if found.year >= 1000 else None
    return None


def timestamp_of(text: str) -> str:
    """``yyyy/MM/dd HH:mm:ss`` in Viet Nam time, which is meant where no zone is named; "" for what is no moment."""
    match = _STAMP.fullmatch(text)
    day = day_of(match["date"]) if match else None
    if match is None or day is None:
        return ""
    clock = match["time"] or "00:00:00"
    clock += ":00" if clock.count(":") == 1 else ""
    try:
        moment = datetime.strptime(f"{day.isoformat()} {clock}", "%Y-%m-%d %H:%M:%S").replace(tzinfo=VIETNAM)
        if zone := match["zone"]:
            offset = "+00:00" if zone == "Z" else zone if ":" in zone else f"{zone[:3]}:{zone[3:]}"
            moment = datetime.fromisoformat(f"{moment:%Y-%m-%dT%H:%M:%S}{offset}").astimezone(VIETNAM)
    except (ValueError, OverflowError):
        return ""
    return moment.strftime("%Y/%m/%d %H:%M:%S")


def bare_id(text: str) -> str:
    """The id without ``cid:``, of which the client library adds one at each turn."""
    return _PREFIXES.sub("", text, count=1)
