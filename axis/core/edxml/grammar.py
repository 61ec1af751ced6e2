"""The elements of edXML (QCVN 102:2016/BTTTT, amendment 1:2022), once: order, number, type, length.

This one table drives reading, writing and checking; the XSDs in schemas/edxml are generated from it (a test
compares). The order is the one that the client library in use writes.

A limit is *hard* (an error when broken) where NĐ 30/2020 Annex VI or TT 01/2022 states it or a client breaks
on it; otherwise it is a warning.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from axis.errors import Fault, rejected

if TYPE_CHECKING:
    from collections import Counter

NAMESPACE = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
LEGACY_NAMESPACE = "http://www.e-doc.vn/Schema/"
MAX_SAME = 1000  # of one element in one place: 95 members and many of their units; to all 120,000 units is no packet
MAX_NAME = 200  # characters of an attachment's name
EXTRA_NAMESPACE = "urn:axis:edxml:1"
EXTRA = f"{{{EXTRA_NAMESPACE}}}Attachment"  # in a Reference: what its Attachment says beside the standard's elements

Type = Literal["text", "date", "timestamp", "number", "flag", "organ", "group"]


@dataclass(frozen=True)
class Element:
    """A known element. `limit` is a length in characters; `low` and `high` bound a number."""

    name: str
    children: tuple[Element, ...] = ()
    type: Type = "text"
    many: bool = False
    required: bool = False
    limit: int = 0
    hard: bool = False
    low: int | None = None
    high: int | None = None
    by_name: dict[str, Element] = field(init=False, compare=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.by_name.update({child.name: child for child in self.children})

    @cached_property
    def has_form(self) -> bool:
        """Whether its value can be written in more ways than one (core/edxml/values.py: normal)."""
        return self.type in {"number", "date", "timestamp"} or self.name == "ContentId"

    @cached_property
    def item(self) -> Element | None:
        """The one element that this one is a list of, if it is a list of values."""
        only = self.children[0] if len(self.children) == 1 else None
        return only if only and only.many and not only.children else None


def _t(name: str, limit: int = 0, *, hard: bool = False, required: bool = False, many: bool = False) -> Element:
    return Element(name, limit=limit, hard=hard, required=required, many=many)


def _n(name: str, low: int, high: int, *, hard: bool = False, required: bool = False) -> Element:
    return Element(name, type="number", low=low, high=high, hard=hard, required=required)


def _g(name: str, *children: Element, many: bool = False, required: bool = False) -> Element:
    return Element(name, children, "group", many, required)


def _date(name: str, *, required: bool = False) -> Element:
    return Element(name, type="date", hard=True, limit=10, required=required)


def _organ_id(*, required: bool = True, many: bool = False) -> Element:
    """Hard where it is needed to deliver or to act; in a note about the past a machine may have written anything."""
    return Element("OrganId", type="organ", limit=35, hard=required, required=required, many=many)


def _flag(name: str) -> Element:
    return Element(name, type="flag")


def _agency(name: str, *, many: bool = False) -> Element:
    return _g(
        name,
        _organ_id(),
        _t("OrganizationInCharge", 200),
        _t("OrganName", 200, hard=True),
        _t("OrganAdd", 250),
        _t("Email", 100),
        _t("Telephone", 20),
        _t("Fax", 20),
        _t("Website", 100),
        many=many,
        required=True,
    )


def _staff() -> Element:
    return _g(
        "StaffInfo",
        _t("Department", 250),
        _t("DepartmentId", 100),
        _t("Staff", 100),
        _t("StaffId", 100),
        _t("Email", 100),
        _t("Mobile", 20),
    )


def _response_for(*, many: bool, required: bool) -> Element:
    return _g(
        "ResponseFor",
        _organ_id(required=required),
        _t("Code", 45),
        _t("DocumentId", 200, hard=True, required=required),
        _date("PromulgationDate"),
        many=many,
        required=required,
    )


DOCUMENT_HEADER = _g(
    "MessageHeader",
    _agency("From"),
    _agency("To", many=True),
    _t("DocumentId", 200, hard=True, required=True),
    _g(
        "Code",
        _t("CodeNumber", 11, hard=True, required=True),
        _t("CodeNotation", 30, hard=True, required=True),
        required=True,
    ),
    _g("PromulgationInfo", _t("Place", 50), _date("PromulgationDate", required=True), required=True),
    _g("DocumentType", _n("Type", 0, 99), _n("TypeDetail", -1, 99), _t("TypeName", 100, hard=True)),
    _t("Subject", 500, hard=True, required=True),
    _t("Content", 500),
    _g("SignerInfo", _t("Competence", 100), _t("Position", 100, hard=True), _t("FullName", 50, hard=True)),
    _date("DueDate"),
    _g(
        "OtherInfo",
        _n("Priority", 0, 4, hard=True),
        _t("SphereOfPromulgation", 100),
        _t("TyperNotation", 10),
        _n("PromulgationAmount", 0, 999, hard=True),
        _n("PageAmount", 0, 999, hard=True),
        _t("Direction", 10),
        _g("ReplyFors", _t("ReplyFor", 250, many=True)),
        _t("ReferenceCodes", 500),
        _g("Appendixes", _t("Appendix", 250, many=True)),
    ),
    _response_for(many=True, required=False),
    _n("SteeringType", 0, 3, hard=True),
    _g("ResponseForTask", _t("TaskCode", 200, many=True)),
    _t("ApplicationType", 100),
    _g("ToPlaces", _t("Place", 150, many=True)),
    required=True,
)
BUSSINESS = _g(
    "Bussiness",
    _t("DocumentId", 200, hard=True),
    _n("BussinessDocType", 0, 3, hard=True, required=True),
    _t("BussinessDocReason", 500),
    _flag("Paper"),
    _g(
        "BussinessDocumentInfo",
        _flag("DocumentInfo"),
        _flag("DocumentReceiver"),
        _g("ReceiverList", _g("Receiver", _flag("ReceiverType"), _organ_id(), many=True)),
    ),
    _g(
        "ReplacementInfoList",
        _g(
            "ReplacementInfo",
            _t("DocumentId", 200, hard=True, required=True),
            _g("OrganIdList", _organ_id(many=True)),
            many=True,
        ),
    ),
    _staff(),
    required=True,
)
TRACE_HEADER_LIST = _g(
    "TraceHeaderList",
    BUSSINESS,
    _g(
        "TraceHeader",
        _organ_id(required=False),
        Element("Timestamp", type="timestamp", limit=19),
        many=True,
    ),
    required=True,
)
MANIFEST = _g(
    "edXMLManifest",
    _g(
        "Reference",
        _t("ContentId", 200, hard=True, required=True),
        _t("ContentType", 100),
        _t("Description", 500),
        _t("AttachmentName", MAX_NAME, hard=True, required=True),
        many=True,
    ),
    required=True,
)
DOCUMENT = _g(
    "edXMLEnvelope",
    _g("edXMLHeader", DOCUMENT_HEADER, TRACE_HEADER_LIST, required=True),
    _g("edXMLBody", MANIFEST, required=True),
    required=True,
)
STATUS = _g(
    "edXMLEnvelope",
    _g(
        "edXMLHeader",
        _g(
            "MessageHeader",
            _agency("From"),
            _response_for(many=False, required=True),
            _staff(),
            _t("StatusCode", 2, hard=True, required=True),
            _t("Description", 500),
            Element("Timestamp", type="timestamp", limit=19, hard=True, required=True),
            required=True,
        ),
        required=True,
    ),
    required=True,
)


def _names(spec: Element) -> set[str]:
    return {spec.name}.union(*(_names(child) for child in spec.children))


# By the whole tag, in the namespace that all but the oldest software writes: the local names of all that is known.
NAMES = {f"{{{NAMESPACE}}}{name}": name for name in _names(DOCUMENT) | _names(STATUS)}


def bounded(counted: Counter[str], name: str, path: str, line: int | None) -> None:
    """Count one more `name` in one place. Raises :class:`Rejected` PACKET_TOO_MANY over MAX_SAME; "?" stands for all
    that the standard does not know."""
    counted[name] += 1
    if counted[name] > MAX_SAME:
        raise rejected(Fault.PACKET_TOO_MANY, name, MAX_SAME, path, line)


def limit(*path: str) -> int:
    """How long the value at `path` below MessageHeader may be."""
    spec = DOCUMENT_HEADER
    for name in path:
        spec = spec.by_name[name]
    return spec.limit


def below(path: str, spec: Element) -> str:
    """`path` with `spec` below it. A path begins under MessageHeader, or with TraceHeaderList or edXMLManifest."""
    if spec.name in {"edXMLHeader", "edXMLBody", "MessageHeader"}:
        return ""
    return f"{path}/{spec.name}" if path else spec.name
