"""A document type: a manifest and a schema, and what they say of a document. Pure.

``ApplicationType`` of a packet names a type; the attachment that the manifest names says the rest. What is found is the
same wherever it is judged: at its sender, at the hub, at its recipients.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import TYPE_CHECKING

from axis.core.types import manifest as manifests
from axis.errors import Fault, Problem, Rejected

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from axis.core.edxml import Packet
    from axis.core.registry import Member, Registry
    from axis.core.types.manifest import Manifest
    from axis.core.types.schema import Schema

FILES = {"json": "schema.json", "xml": "schema.xsd"}
# What a type finds in a document.
OF_DOCUMENTS = frozenset(
    {
        *(Fault.TYPE_PARTY, Fault.TYPE_ATTACHMENT, Fault.TYPE_UNREADABLE, Fault.TYPE_CONTENT, Fault.TYPE_STATE),
        *(Fault.TYPE_MOVE, Fault.TYPE_BEFORE),
    }
)
MAX_SHOWN = 200  # characters of a field that is shown


@dataclass(frozen=True)
class Party:
    """Somebody that a document is from or goes to: by its OrganId, and the member that it belongs to."""

    organ_id: str
    member: Member

    def is_one_of(self, listed: Sequence[str]) -> bool:
        """Whether a manifest's list of parties has it: by ``*``, its group, its own code or its member's."""
        return any(
            one in {"*", self.organ_id, self.member.code} or (one.startswith("@") and self.member.belongs_to(one))
            for one in listed
        )


@dataclass(frozen=True)
class Header:
    """What a packet says beside its attachments. `attachments`: their names, in order; None: they are not judged."""

    sender: Party
    recipients: tuple[Party, ...]
    attachments: tuple[str, ...] | None


@dataclass(frozen=True)
class Shown:
    """A field of a document, to be shown."""

    words: manifests.Words
    value: str
    personal: bool


@dataclass(frozen=True)
class Judgement:
    """What a type says of one document."""

    findings: tuple[Problem, ...]
    shown: tuple[Shown, ...] = ()
    key: str = ""  # of the business object that it speaks of, where the type has states
    state: str = ""
    leaves: str = ""  # the state that a correction leads out of


@dataclass(frozen=True)
class Told:
    """What a document of a type that the hub follows says of a business object: where that stands now."""

    kind: DocumentType
    key: str
    state: str
    leaves: str = ""

    @property
    def object(self) -> tuple[str, str]:
        """What it is known by: what its kind of object is called, and the digest of its key, which may be personal."""
        states = self.kind.manifest.states
        name = states.object if states is not None else ""
        return f"object {name or self.kind.name}", sha256(self.key.encode("utf-8", "surrogatepass")).hexdigest()

    def judge(self, before: str, *, is_known: bool) -> Problem | None:
        """What is wrong with it where the object stands in `before`; one that is not known may be anywhere, unless its
        type follows all of it."""
        states = self.kind.manifest.states
        if not is_known and (states is None or states.follow != "all"):
            return None
        return move(self.kind, before, self.state, self.leaves)


@dataclass(frozen=True)
class DocumentType:
    """One version of a type, that can be used."""

    manifest: Manifest
    schema: Schema

    @property
    def name(self) -> str:
        """Its ApplicationType."""
        return self.manifest.name

    @property
    def version(self) -> int:
        """Which of the versions of this name it is."""
        return self.manifest.version


def read(files: Mapping[str, bytes]) -> DocumentType:
    """The type in these files, by name. Raises :class:`Rejected` with all its faults: TYPE_MANIFEST, TYPE_SCHEMA,
    TYPE_LIMIT."""
    from axis.core.types import schema as schemas

    problems: list[Problem] = []
    manifest = schema = None
    try:
        if manifests.FILE not in files:
            raise Rejected(Problem(Fault.TYPE_MANIFEST, manifests.FILE, manifests.FILE, "-"))
        manifest = manifests.read(files[manifests.FILE])
    except Rejected as error:
        problems += error.problems
    forms = [form for form, name in FILES.items() if name in files]
    form = manifest.format if manifest is not None else forms[0] if len(forms) == 1 else ""
    if form:
        name = FILES[form]
        try:
            if name not in files:
                raise Rejected(Problem(Fault.TYPE_SCHEMA, name, name, "-"))
            schema = (schemas.JsonSchema if form == "json" else schemas.XmlSchema)(files[name], name)
        except Rejected as error:
            problems += error.problems
    if manifest is None or schema is None or problems:
        raise Rejected(*problems or [Problem(Fault.TYPE_SCHEMA, " | ".join(FILES.values()), "1", str(len(forms)))])
    return DocumentType(manifest, schema)


def judge(kind: DocumentType, header: Header, attachments: Sequence[bytes | memoryview]) -> tuple[Problem, ...]:
    """What is wrong with a document of this type; its attachments are in the order of their names. No finding quotes
    what the document says.

      1 who may send it, and to whom it goes   TYPE_PARTY
      2 the attachment that is judged          TYPE_ATTACHMENT
      3 the further ones                       TYPE_ATTACHMENT
      4 what it holds                          TYPE_UNREADABLE, TYPE_CONTENT
      5 the state that it names                TYPE_STATE
    """
    return examine(kind, header, attachments).findings


def examine(kind: DocumentType, header: Header, attachments: Sequence[bytes | memoryview]) -> Judgement:
    """:func:`judge`, and what else the type says of the document."""
    manifest = kind.manifest
    found: list[Problem] = []
    if not header.sender.is_one_of(manifest.senders):  # 1
        found.append(_party(manifest, "From/OrganId", header.sender, manifest.senders))
    for number, party in enumerate(header.recipients, 1):
        if not party.is_one_of(manifest.recipients):
            found.append(_party(manifest, f"To[{number}]/OrganId", party, manifest.recipients))
    names = header.attachments
    if names is None:
        return Judgement(tuple(found))
    chosen = [content for name, content in zip(names, attachments, strict=True) if name == manifest.attachment]
    if len(chosen) != 1:  # 2
        found.append(Problem(Fault.TYPE_ATTACHMENT, manifest.attachment, "1", str(len(chosen))))
    for wanted in manifest.required:  # 3
        count = sum(fnmatchcase(name, wanted.name) for name in names if name != manifest.attachment)
        if count < wanted.at_least:
            found.append(Problem(Fault.TYPE_ATTACHMENT, wanted.name, str(wanted.at_least), str(count)))
    if len(chosen) != 1:
        return Judgement(tuple(found))
    return _content(kind, bytes(chosen[0]), found)


def _party(manifest: Manifest, path: str, party: Party, allowed: Sequence[str]) -> Problem:
    return Problem(Fault.TYPE_PARTY, path, ", ".join(allowed), f"{party.organ_id} ({manifest.name})")


def _content(kind: DocumentType, data: bytes, found: list[Problem]) -> Judgement:
    manifest, schema, name = kind.manifest, kind.schema, kind.manifest.attachment
    try:
        document = schema.read(data)  # 4
    except Rejected as error:
        found += [replace(problem, path=name) for problem in error.problems]
        return Judgement(tuple(found))
    found += schema.judge(document, name)
    key = state = leaves = ""
    if manifest.states is not None:
        key = schema.at(document, manifest.states.key) or ""
        state = schema.at(document, manifest.states.field) or ""
        if manifest.states.leaves:
            leaves = schema.at(document, manifest.states.leaves) or ""
        if state not in manifest.states.known:  # 5
            known = ", ".join(sorted(manifest.states.known))
            found.append(Problem(Fault.TYPE_STATE, f"{name}#{manifest.states.field}", known, manifest.name))
    values = ((show, schema.at(document, show.path)) for show in manifest.show)
    shown = tuple(Shown(show.words, value[:MAX_SHOWN], show.personal) for show, value in values if value)
    return Judgement(tuple(found), shown, key, state, leaves)


def check_examples(kind: DocumentType, valid: Mapping[str, bytes], invalid: Mapping[str, bytes]) -> list[Problem]:
    """What is wrong with the examples of a type, contents by file name: TYPE_EXAMPLE. An invalid one's name begins with
    the code that is to be found, as in ``TYPE_CONTENT-no-name.json``."""
    problems = []
    for name, data in sorted(valid.items()):
        if codes := _codes(kind, data):
            problems.append(Problem(Fault.TYPE_EXAMPLE, f"valid/{name}", "-", ", ".join(codes)))
    for name, data in sorted(invalid.items()):
        if (wanted := name.partition("-")[0]) not in (codes := _codes(kind, data)):
            problems.append(Problem(Fault.TYPE_EXAMPLE, f"invalid/{name}", wanted, ", ".join(codes) or "-"))
    return problems


def _codes(kind: DocumentType, data: bytes) -> list[str]:
    return list(dict.fromkeys(problem.fault.code for problem in _content(kind, data, []).findings))


def move(kind: DocumentType, before: str, after: str, leaves: str = "") -> Problem | None:
    """What is wrong with a business object's step from the state `before` ("" for none yet) to `after`: TYPE_MOVE,
    TYPE_BEFORE; None for a legal one. The same state once more is none. A correction says that it `leaves` a state, and
    leads anywhere if the object stands in that."""
    states = kind.manifest.states
    if states is None or before == after:
        return None
    if states.leaves and before:
        return None if leaves == before else Problem(Fault.TYPE_BEFORE, kind.name, before, leaves[:40] or "-")
    legal = states.moves.get(before, ()) if before else states.initial
    if after in legal:
        return None
    return Problem(Fault.TYPE_MOVE, kind.name, ", ".join(legal) or "-", f"{before or '-'} → {after or '-'}")


def told(kind: DocumentType, judged: Judgement) -> Told | None:
    """What the hub follows of a document that was judged so; None where its type does not ask for that."""
    if kind.manifest.states is None or not kind.manifest.states.follow or not judged.key:
        return None
    return Told(kind, judged.key, judged.state, judged.leaves)


def header_of(packet: Packet, registry: Registry, *, content: bool) -> Header:
    """What `packet` says beside its attachments, which are judged where it brings `content`. Raises :class:`Rejected`
    AGENCY_UNKNOWN, PACKET_ORGAN."""

    def party(organ_id: str) -> Party:
        return Party(organ_id, registry.member_for(organ_id))

    names = tuple(info.name for info in packet.attachments) if content else None
    return Header(party(packet.sender.organ_id), tuple(party(one.organ_id) for one in packet.organs), names)
