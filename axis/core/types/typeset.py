"""The set of document types of an installation: one value, signed by the hub, beside the registry on the same road.

A message that brings a registry has the set as its second part, which a program without types does not look at. A type
is good from the registry version on that came with it: what the hub accepted is judged by the recipients as of the
registry version that its A.1 names, whatever was added since.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

from axis.core import parcel, xml
from axis.core.edxml import Kind
from axis.core.instant import from_text, to_text, whole
from axis.core.registry import HUB, HubOnly
from axis.core.types import kind as kinds
from axis.core.types.manifest import NAME
from axis.errors import Fault, Problem, Rejected, rejected

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from lxml.etree import _Element

    from axis.core.edxml import Packet
    from axis.core.hub.terms import Rule
    from axis.core.registry import Certificate, Registry
    from axis.core.types.kind import DocumentType, Shown, Told

NAMESPACE = "urn:axis:types:1"
MAX_BYTES = 8_000_000  # of a set: it goes to every agency
MAX_VERSIONS = 10  # of one type that stand beside each other
MAX_TYPES = 500
# What travels of a type's folder; its examples do not.
TRAVELS = ("manifest.toml", *kinds.FILES.values())


@dataclass(frozen=True)
class Published:
    """One version of a type in the set: good from registry version `since` on, up to `until` (None: to this day)."""

    name: str
    version: int
    since: int
    files: tuple[tuple[str, bytes], ...]
    until: int | None = None

    @cached_property
    def kind(self) -> DocumentType:
        """The type itself, made when it is first needed. Raises :class:`Rejected` where this program cannot use it."""
        return kinds.read(dict(self.files))

    def is_good(self, registry_version: int | None) -> bool:
        """Whether it is judged by under this version of the registry; None: the newest."""
        if registry_version is None:
            return self.until is None
        return self.since <= registry_version and (self.until is None or registry_version < self.until)


@dataclass(frozen=True)
class Types:
    """The set as one registry version has it."""

    installation: str
    registry: int
    issued_at: datetime
    published: tuple[Published, ...]

    @cached_property
    def _by_name(self) -> dict[str, tuple[Published, ...]]:
        newest = sorted(self.published, key=lambda one: -one.version)
        return {name: tuple(one for one in newest if one.name == name) for name in {one.name for one in newest}}

    def named(self, name: str, registry_version: int | None = None) -> tuple[Published, ...]:
        """The versions of a type that are good then, the newest first; () for an unknown one."""
        return tuple(one for one in self._by_name.get(name, ()) if one.is_good(registry_version))

    def with_type(self, files: Mapping[str, bytes], registry: int, at: datetime) -> Types:
        """The next set, that comes with registry version `registry`, with this type in it; this one where it has the
        same already. Raises :class:`Rejected` with all that is wrong with the type, TYPE_EXISTS, TYPE_LIMIT."""
        made = kinds.read(files)
        travels = tuple((name, files[name]) for name in TRAVELS if name in files)
        beside = self._by_name.get(made.name, ())
        if (there := next((one for one in beside if one.version == made.version), None)) is not None:
            if there.files == travels and there.until is None:
                return self
            raise rejected(Fault.TYPE_EXISTS, f"{made.name} {made.version}", there.version + 1)
        if len(beside) >= MAX_VERSIONS or len(self.published) >= MAX_TYPES:
            raise rejected(Fault.TYPE_LIMIT, len(beside) + 1, MAX_VERSIONS, made.name)
        added = (*self.published, Published(made.name, made.version, registry, travels))
        found = replace(self, registry=registry, issued_at=whole(at), published=_ordered(added))
        if (size := len(write(found))) > MAX_BYTES:
            raise rejected(Fault.TYPE_LIMIT, f"{size} B", f"{MAX_BYTES} B", made.name)
        return found

    def without(self, name: str, version: int, registry: int, at: datetime) -> Types:
        """The next set, in which this version is good no more; this one where it is not already. Raises
        :class:`Rejected` NOT_FOUND."""
        there = next((one for one in self._by_name.get(name, ()) if one.version == version), None)
        if there is None:
            raise rejected(Fault.NOT_FOUND, f"{name} {version}")
        if there.until is not None:
            return self
        kept = tuple(replace(one, until=registry) if one is there else one for one in self.published)
        return replace(self, registry=registry, issued_at=whole(at), published=kept)


@dataclass(frozen=True)
class Typed:
    """A document of a known type, as judged."""

    name: str
    version: int
    findings: tuple[Problem, ...]
    shown: tuple[Shown, ...] = ()
    deadlines: tuple[Rule, ...] = ()
    told: Told | None = None  # of a business object that the hub follows

    @property
    def fields(self) -> list[tuple[str, str, str]]:
        """(what it is called in Vietnamese, in English, value) of the fields that are kept and shown with the document:
        never a personal one."""
        return [(one.words.vi, one.words.en, one.value) for one in self.shown if not one.personal]

    @property
    def known(self) -> dict[str, Any]:
        """What an agency's journal keeps of it."""
        return {"name": self.name, "version": self.version, "shown": self.fields}


def of_document(
    types: Types | None,
    packet: Packet,
    registry: Registry,
    attachments: Sequence[bytes | memoryview],
    *,
    at: int | None = None,
    is_hub: bool = False,
    refuses_unknown: bool = False,
) -> Typed | None:
    """What its type says of a document, by the types that were good under registry version `at` (None: now). None for
    what has no type, and for an unknown one, which is a plain document unless that is refused.

    Versions of one type stand beside each other: the newest that has nothing against it counts; where each has, what
    the newest has found. A version that this program cannot use, of a newer one's making, says nothing to an agency;
    the hub takes nothing that it cannot judge.
    """
    if (types is None and not refuses_unknown) or packet.kind in {Kind.STATUS, Kind.RECALL}:
        return None
    name = packet.header.value("ApplicationType")
    if not name:
        return None
    found = types.named(name, at) if types is not None else ()
    if not found:
        unknown = Problem(Fault.TYPE_UNKNOWN, "ApplicationType", got=name)
        return Typed(name, 0, (unknown,)) if refuses_unknown else None
    content = packet.kind is not Kind.UPDATE or packet.changes_content
    header = kinds.header_of(packet, registry, content=content)
    first: Typed | None = None
    for one in found:
        try:
            judged, deadlines = kinds.examine(one.kind, header, attachments), one.kind.manifest.deadlines
            told = kinds.told(one.kind, judged)
            typed = Typed(name, one.version, judged.findings, judged.shown, deadlines, told)
        except Rejected as error:
            typed = Typed(name, one.version, error.problems if is_hub else ())
        if not typed.findings:
            return typed
        first = first or typed
    return first


def write(types: Types) -> bytes:
    """types.xml: one encoding for each value. XSD: schemas/types/1."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<types xmlns="{NAMESPACE}" installation={quoteattr(types.installation)} registry="{types.registry}" '
        f'issued="{to_text(types.issued_at)}">',
    ]
    for one in types.published:
        until = f' until="{one.until}"' if one.until is not None else ""
        lines.append(f'  <type name="{one.name}" version="{one.version}" since="{one.since}"{until}>')
        lines += [f'    <file name="{name}">{base64.b64encode(data).decode()}</file>' for name, data in one.files]
        lines.append("  </type>")
    return ("\n".join([*lines, "</types>"]) + "\n").encode()


def read(data: bytes) -> Types:
    """The set in `data`. Raises :class:`Rejected` TYPE_SET unless writing it again gives `data`. The types themselves
    are not made."""
    root = xml.parse(data, max_bytes=2 * MAX_BYTES, free_text=frozenset({"file"}))
    try:
        types = Types(
            xml.attribute(root, "installation"),
            int(xml.attribute(root, "registry")),
            from_text(xml.attribute(root, "issued")),
            tuple(_published(child) for child in root),
        )
    except (ValueError, KeyError) as error:
        raise rejected(Fault.TYPE_SET, f"{type(error).__name__} {str(error)[:100]}") from None
    if not types.published or types.published != _ordered(types.published) or write(types) != data:
        raise rejected(Fault.TYPE_SET, "not in the one allowed form")
    return types


@lru_cache(maxsize=4)
def read_types(data: bytes, hubs: tuple[Certificate, ...]) -> Types:
    """The set in a parcel signed by one of the hub's certificates `hubs`, as of its signing. Raises
    :class:`Rejected`."""
    said = parcel.peek_signature(data)
    moment, by = said.signing_time, next((one for one in hubs if one.der == said.certificate), None)
    if by is None or (by.revoked_at is not None and moment >= by.revoked_at):
        raise rejected(Fault.SIG_SIGNER, HUB)
    verified = parcel.verify(data, HubOnly(by), moment)
    if verified.main != parcel.TYPES:
        raise rejected(Fault.TYPE_SET, verified.main)
    return read(verified.content)


def _published(element: _Element) -> Published:
    name, until = xml.attribute(element, "name"), element.get("until")
    if not NAME.fullmatch(name):
        raise ValueError(name[:40])
    files = tuple(
        (xml.attribute(child, "name"), base64.b64decode(child.text or "", validate=True)) for child in element
    )
    if [one for one, _ in files] != [one for one in TRAVELS if one in dict(files)]:
        raise ValueError(", ".join(one[:40] for one, _ in files))
    numbers = int(xml.attribute(element, "version")), int(xml.attribute(element, "since"))
    return Published(name, *numbers, files, int(until) if until is not None else None)


def _ordered(published: Sequence[Published]) -> tuple[Published, ...]:
    return tuple(sorted(published, key=lambda one: (one.name, one.version)))
