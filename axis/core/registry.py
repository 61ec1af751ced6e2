"""The registry: who the members are, which keys are theirs, since when and until when.

A registry is one immutable value with a version; it travels as ``registry.xml`` in a parcel signed by the
hub. Every question is asked *as of* a moment, so that what was accepted under an old state of things stays
explainable under it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Literal
from xml.sax.saxutils import quoteattr

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from axis.core import organ, parcel, signature, xml
from axis.core.instant import VIETNAM, from_text, to_text, whole
from axis.errors import Fault, Rejected, rejected

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from lxml.etree import _Element

NAMESPACE = "urn:axis:registry:1"
HUB = "HUB"  # the hub's code in the registry and in the subject of its certificate; no agency code looks so
Use = Literal["sign", "tls", "encrypt", "person"]
Standing = Literal["active", "suspended", "closed"]
# By the registry's kinds. The 22 ministries are those with a minister; bodies attached to the Government are apart.
GROUPS: dict[str, tuple[str, ...]] = {
    "@all": (),
    "@ministries": ("ministry", "ministerial_level"),
    "@provinces": ("province", "centrally_run_city"),
}


@dataclass(frozen=True)
class Certificate:
    """A member's certificate in the registry; `revoked_at` closes it from that moment on.

    ``sign`` and ``tls`` are the agency's own; ``encrypt`` is what others seal to it with; ``person`` is that of one of
    its people, named `holder`, who signs for himself and never for the agency. (Why one of the last two was revoked
    stands in the ledger alone.)"""

    der: bytes
    use: Use = "sign"
    revoked_at: datetime | None = None
    reason: str = ""
    holder: str = ""

    @cached_property
    def x509(self) -> x509.Certificate:
        """The parsed certificate."""
        return x509.load_der_x509_certificate(self.der)

    @cached_property
    def digest(self) -> str:
        """Hex SHA-256 of the DER bytes."""
        return hashlib.sha256(self.der).hexdigest()


@dataclass(frozen=True)
class Member:
    """An agency on the axis. Closed from `valid_until` on; `successor` then takes its mail."""

    code: str
    name_vi: str
    name_en: str = ""
    kind: str = ""
    aliases: tuple[str, ...] = ()
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    successor: str = ""
    suspensions: tuple[tuple[datetime, datetime | None], ...] = ()
    certificates: tuple[Certificate, ...] = ()

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        # It goes over every certificate, and what is known of a member or a registry is looked up by it.
        return hash((self.code, self.certificates))

    def standing(self, at: datetime) -> Standing:
        """``active``, ``suspended`` or ``closed`` at the moment `at`."""
        if (self.valid_until and at >= self.valid_until) or (self.valid_from and at < self.valid_from):
            return "closed"
        if any(start <= at and (end is None or at < end) for start, end in self.suspensions):
            return "suspended"
        return "active"

    @property
    def ended(self) -> str:
        """When it is closed, in Việt Nam's time, as faults say it: 2025-07-01 00:00; "" where it is not."""
        return f"{self.valid_until.astimezone(VIETNAM):%Y-%m-%d %H:%M}" if self.valid_until is not None else ""

    def belongs_to(self, group: str) -> bool:
        """Whether it is one of a group of :data:`GROUPS`."""
        return not GROUPS[group] or self.kind in GROUPS[group]

    @property
    def signs_until(self) -> datetime | None:
        """When the last of its signing certificates that were not revoked ends; None where it has none."""
        held = [one for one in self.certificates if one.use == "sign" and one.revoked_at is None]
        return max((one.x509.not_valid_after_utc for one in held), default=None)


@dataclass(frozen=True)
class Registry:
    """One version of the registry. Members are in order of code; the hub is a member with code ``HUB``.

    `resend_from`: the hub's record was restored from a backup of that moment; whoever sent something that was accepted
    since sends it again.
    """

    installation: str
    version: int
    issued_at: datetime
    members: tuple[Member, ...]
    resend_from: datetime | None = None

    @cached_property
    def by_code(self) -> dict[str, Member]:
        """Members by code, with the normalised aliases."""
        found = {alias: m for m in self.members for alias in m.aliases}
        return found | {m.code: m for m in self.members}

    @cached_property
    def _by_certificate(self) -> dict[str, tuple[Member, Certificate]]:
        """One that stands there several times is what says most: an entry that signs nothing hides no certificate, and
        a revoked one is not good because it is listed once more."""
        found: dict[str, tuple[Member, Certificate]] = {}
        for member in self.members:
            for one in member.certificates:
                held = found.get(one.digest)
                if held is None or _weight(one) > _weight(held[1]):
                    found[one.digest] = member, one
        return found

    @cached_property
    def agencies(self) -> tuple[Member, ...]:
        """All members but the hub."""
        return tuple(m for m in self.members if m.code != HUB)

    def member_for(self, organ_id: str) -> Member:
        """The member that `organ_id` sends and receives through: itself or the nearest registered one above.

        Old 13-character codes are read by their groups. Raises :class:`Rejected`: PACKET_ORGAN for
        a malformed code, AGENCY_UNKNOWN when nothing above it is registered.
        """
        if organ_id in self.by_code and organ_id != HUB:
            return self.by_code[organ_id]
        try:
            candidates = organ.ancestors(organ.normalise(organ_id))
        except ValueError:
            raise rejected(Fault.PACKET_ORGAN, organ_id) from None
        for code in candidates:
            if code in self.by_code:
                return self.by_code[code]
        raise rejected(Fault.AGENCY_UNKNOWN, organ_id)

    def canonical(self, organ_id: str) -> str:
        """`organ_id` in the one spelling: an alias as its member's code, an old form by its groups. Raises
        :class:`Rejected` PACKET_ORGAN for a malformed code."""
        if organ_id in self.by_code:
            return self.by_code[organ_id].code
        try:
            return organ.normalise(organ_id)
        except ValueError:
            raise rejected(Fault.PACKET_ORGAN, organ_id) from None

    def speaks_for(self, reporter: str, unit: str) -> bool:
        """Whether what `reporter` says of a document counts for `unit`, which it was addressed to: the same in any
        spelling, one above or below it, or somebody of another member, its successor."""
        one, other = self.canonical(reporter), self.canonical(unit)
        in_line = one in organ.ancestors(other) or other in organ.ancestors(one)
        return in_line or self.member_for(one) != self.member_for(other)

    def open_successor(self, code: str, at: datetime) -> str:
        """`code`, or the member that has its mail at `at` if it is closed then; `code` if there is none."""
        member, seen = self.by_code[code], {code}
        while member.standing(at) == "closed" and member.successor in self.by_code and member.successor not in seen:
            member = self.by_code[member.successor]
            seen.add(member.code)
        return code if member.standing(at) == "closed" else member.code

    def is_reached(self, organ_id: str, code: str, at: datetime) -> bool:
        """Whether what is addressed to `organ_id` comes to agency `code`: its member, or who has its member's mail."""
        try:
            own = self.member_for(organ_id).code
        except Rejected:
            return False
        return code in {own, self.open_successor(own, at)}

    def predecessors(self, code: str, at: datetime) -> list[str]:
        """The closed members whose mail `code` has at `at`, and whose documents it answers for."""
        return [m.code for m in self._succeeded if m.code != code and self.open_successor(m.code, at) == code]

    @cached_property
    def succeeded(self) -> tuple[str, ...]:
        """The members that have a successor, closed already or not."""
        return tuple(m.code for m in self._succeeded)

    @cached_property
    def _succeeded(self) -> tuple[Member, ...]:
        return tuple(m for m in self.agencies if m.successor)

    def author(self, document_id: str, sender: str, at: datetime) -> str:
        """Whose document `sender` means: its own, or that of a closed agency that it has succeeded at `at`, which the
        DocumentId begins with."""
        code = self.named_by(document_id)
        return code if code and code != sender and self.open_successor(code, at) == sender else sender

    def named_by(self, document_id: str) -> str:
        """The member that a DocumentId begins with; "" for none."""
        try:
            return self.member_for(document_id.partition(",")[0]).code
        except Rejected:
            return ""

    def certificate(self, der: bytes, at: datetime) -> tuple[str, x509.Certificate]:
        """See :class:`axis.core.parcel.Trust`: the registry's own copy of the certificate, good at `at`."""
        member, certificate = self._held(der)
        if certificate.use != "sign":
            raise rejected(Fault.KEY_ROLE, f"{certificate.use}, {member.code}", "sign")
        _check_good(certificate, member.code, at)
        return member.code, certificate.x509

    def owner(self, der: bytes) -> str:
        """Whose certificate this is, good or not: of what was verified before. Raises :class:`Rejected` SIG_SIGNER."""
        return self._held(der)[0].code

    def revoked_at(self, der: bytes) -> datetime | None:
        """Since when this certificate is revoked, as far as this version knows. Raises :class:`Rejected` SIG_SIGNER."""
        return self._held(der)[1].revoked_at

    def _held(self, der: bytes) -> tuple[Member, Certificate]:
        found = self._by_certificate.get(hashlib.sha256(der).hexdigest())
        if found is None:
            raise rejected(Fault.SIG_SIGNER, _subject(der))
        return found

    def person(self, der: bytes, at: datetime) -> tuple[str, Certificate]:
        """The agency and the entry of a person's certificate, good at `at`. Raises :class:`Rejected` PERSON_UNKNOWN,
        KEY_*."""
        member, certificate = self._by_certificate.get(hashlib.sha256(der).hexdigest(), (None, None))
        if member is None or certificate is None or certificate.use != "person":
            raise rejected(Fault.PERSON_UNKNOWN, _subject(der))
        _check_good(certificate, member.code, at)
        return member.code, certificate

    def persons(self) -> dict[str, list[tuple[str, Certificate]]]:
        """(agency, certificate) of each person, in the order in which they were issued."""
        found: dict[str, list[tuple[str, Certificate]]] = {}
        for member in self.members:
            for one in member.certificates:
                if one.use == "person":
                    found.setdefault(one.holder, []).append((member.code, one))
        return found

    def sealed_to(self, code: str, at: datetime) -> Certificate:
        """What is sealed to agency `code` is sealed with this: its newest good certificate for that. Raises
        :class:`Rejected` AGENCY_UNKNOWN, SEAL_MISSING."""
        if code not in self.by_code:
            raise rejected(Fault.AGENCY_UNKNOWN, code)
        for one in reversed(self.by_code[code].certificates):
            is_over = one.revoked_at is not None and at >= one.revoked_at
            if one.use == "encrypt" and not is_over and at <= one.x509.not_valid_after_utc:
                return one
        raise rejected(Fault.SEAL_MISSING, code)

    def lost_between(self, since: datetime, until: datetime) -> bool:
        """Whether any certificate for signing has stopped being good after `since`, up to `until`."""
        return bisect_right(self._ends, since) < bisect_right(self._ends, until)

    @cached_property
    def _ends(self) -> list[datetime]:
        held = [c for m in self.members for c in m.certificates if c.use == "sign"]
        return sorted(min(c.revoked_at or c.x509.not_valid_after_utc, c.x509.not_valid_after_utc) for c in held)

    def changed(self, member: Member, at: datetime) -> Registry:
        """The next version, with `member` added or put in the place of the one with its code."""
        members = {m.code: m for m in self.members} | {member.code: member}
        return replace(
            self,
            version=self.version + 1,
            issued_at=whole(at),
            members=tuple(members[code] for code in sorted(members)),
        )


def _weight(one: Certificate) -> tuple[bool, bool]:
    return one.use != "tls", one.revoked_at is not None


def _check_good(certificate: Certificate, code: str, at: datetime) -> None:
    if certificate.revoked_at and at >= certificate.revoked_at:
        raise rejected(Fault.KEY_REVOKED, to_text(certificate.revoked_at), code)
    parcel.check_validity(certificate.x509, at)


@dataclass(frozen=True)
class HubOnly:
    """Trust in one hub certificate, received with enrolment: enough to read the first registry."""

    hub: Certificate

    def certificate(self, der: bytes, at: datetime) -> tuple[str, x509.Certificate]:
        """See :class:`axis.core.parcel.Trust`."""
        if der != self.hub.der:
            raise rejected(Fault.SIG_SIGNER, _subject(der))
        parcel.check_validity(self.hub.x509, at)
        return HUB, self.hub.x509


@dataclass(frozen=True)
class AuthorityOnly:
    """Trust in a CA alone, for an outsider without the registry. It cannot know about revocation."""

    authority: x509.Certificate

    def certificate(self, der: bytes, at: datetime) -> tuple[str, x509.Certificate]:
        """The code from the certificate's subject, if the CA issued it for signing and it was valid at `at`."""
        try:
            certificate = x509.load_der_x509_certificate(der)
            certificate.verify_directly_issued_by(self.authority)
            code = str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
        except Exception:  # noqa: BLE001  the library names many faults of a foreign certificate, all mean this
            raise rejected(Fault.SIG_SIGNER, _subject(der)) from None
        check_use(certificate)
        parcel.check_validity(self.authority, at)
        parcel.check_validity(certificate, at)
        return code, certificate


def check_use(certificate: x509.Certificate) -> None:
    """Raise KEY_ROLE unless `certificate` is an end entity's, for signing documents (not CA, not TLS)."""
    subject = certificate.subject.rfc4514_string()
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        basic = [e.value for e in certificate.extensions if isinstance(e.value, x509.BasicConstraints)]
        extended = [e.value for e in certificate.extensions if isinstance(e.value, x509.ExtendedKeyUsage)]
    except (x509.ExtensionNotFound, ValueError):
        raise rejected(Fault.KEY_ROLE, subject, "sign") from None
    tls = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH}
    if not usage.content_commitment or any(b.ca for b in basic) or any(tls & set(e) for e in extended):
        raise rejected(Fault.KEY_ROLE, subject, "sign")


@lru_cache(maxsize=8)
def signing_certificate(certificate: x509.Certificate) -> Certificate:
    """The registry's entry for `certificate`, which must be fit to sign.

    Raises :class:`Rejected`: KEY_ROLE, SIG_WEAK_KEY, SIG_ALG.
    """
    check_use(certificate)
    signature.algorithm_of(certificate.public_key())
    return Certificate(certificate.public_bytes(Encoding.DER))


def write(registry: Registry) -> bytes:
    """registry.xml: one encoding for each value. XSD: schemas/registry/1.

    Raises :class:`Rejected` REGISTRY_INVALID for a character that XML cannot carry: no agency could read it.
    """
    restored = f' resend-from="{to_text(registry.resend_from)}"' if registry.resend_from else ""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<registry xmlns="{NAMESPACE}" installation={quoteattr(registry.installation)} '
        f'version="{registry.version}" issued="{to_text(registry.issued_at)}"{restored}>',
    ]
    for member in registry.members:
        lines += _member_lines(member)
    text = "\n".join([*lines, "</registry>"]) + "\n"
    if bad := xml.NOT_TEXT.search(text):
        raise rejected(Fault.REGISTRY_INVALID, f"character {bad[0]!r}")
    return text.encode()


def read(data: bytes) -> Registry:
    """The registry in `data`. Raises :class:`Rejected` REGISTRY_INVALID unless writing it again gives `data`."""
    root = xml.parse(data, max_bytes=20_000_000)
    try:
        registry = Registry(
            xml.attribute(root, "installation"),
            int(xml.attribute(root, "version")),
            from_text(xml.attribute(root, "issued")),
            tuple(_member(child) for child in root),
            _moment(root, "resend-from"),
        )
    except (ValueError, KeyError, IndexError) as error:
        raise rejected(Fault.REGISTRY_INVALID, f"{type(error).__name__} {str(error)[:100]}") from None
    codes = {member.code for member in registry.members}
    if registry.version < 1 or len(codes) < len(registry.members) or write(registry) != data:
        raise rejected(Fault.REGISTRY_INVALID, "not in the one allowed form")
    return registry


@lru_cache(maxsize=8)
def read_registry(data: bytes, hub: Certificate) -> Registry:
    """The registry in a parcel signed by `hub`. Raises :class:`axis.errors.Rejected`.

    Judged at its own signing time: a registry stays readable when the hub's certificate has run out since.
    """
    moment = parcel.peek_signature(data).signing_time
    verified = parcel.verify(data, HubOnly(hub), moment)
    if verified.main != parcel.REGISTRY:
        raise rejected(Fault.REGISTRY_INVALID, verified.main)
    return read(verified.content)


# -- XML ----------------------------------------------------------------------------------------------------


def _member_lines(member: Member) -> Iterable[str]:
    attributes = {
        "code": member.code,
        "kind": member.kind,
        "from": to_text(member.valid_from) if member.valid_from else "",
        "until": to_text(member.valid_until) if member.valid_until else "",
        "successor": member.successor,
    }
    yield f"  <member{_attributes(attributes)}>"
    yield f'    <name lang="vi">{xml.escape(member.name_vi)}</name>'
    if member.name_en:
        yield f'    <name lang="en">{xml.escape(member.name_en)}</name>'
    for alias in member.aliases:
        yield f"    <alias>{xml.escape(alias)}</alias>"
    for start, end in member.suspensions:
        yield f"    <suspension{_attributes({'from': to_text(start), 'until': to_text(end) if end else ''})}/>"
    for certificate in member.certificates:
        revoked = to_text(certificate.revoked_at) if certificate.revoked_at else ""
        use, reason = _on_the_wire(certificate)
        facts = {"use": use, "revoked": revoked, "reason": reason}
        yield f"    <certificate{_attributes(facts)}>{base64.b64encode(certificate.der).decode()}</certificate>"
    yield "  </member>"


def _attributes(values: dict[str, str]) -> str:
    return "".join(f" {name}={quoteattr(value)}" for name, value in values.items() if value)


def _member(element: _Element) -> Member:
    def named(name: str) -> list[_Element]:
        return [child for child in element if child.tag == f"{{{NAMESPACE}}}{name}"]

    names = {xml.attribute(child, "lang"): child.text or "" for child in named("name")}
    return Member(
        xml.attribute(element, "code"),
        names["vi"],
        names.get("en", ""),
        element.get("kind", ""),
        tuple(child.text or "" for child in named("alias")),
        _moment(element, "from"),
        _moment(element, "until"),
        element.get("successor", ""),
        tuple((from_text(xml.attribute(child, "from")), _moment(child, "until")) for child in named("suspension")),
        tuple(
            _certificate(
                base64.b64decode(child.text or "", validate=True),
                xml.attribute(child, "use"),
                _moment(child, "revoked"),
                child.get("reason", ""),
            )
            for child in named("certificate")
        ),
    )


# What earlier versions do not know stands as what they know and use for nothing: `tls`, with a reason of its own.
_PERSON, _SEAL = re.compile(r"person (\S+@\S+)"), "seal"


def _on_the_wire(certificate: Certificate) -> tuple[str, str]:
    if certificate.use == "person":
        return "tls", f"person {certificate.holder}"
    return ("tls", _SEAL) if certificate.use == "encrypt" else (certificate.use, certificate.reason)


def _certificate(der: bytes, use: str, revoked_at: datetime | None, reason: str) -> Certificate:
    if use == "tls" and (person := _PERSON.fullmatch(reason)):
        return Certificate(der, "person", revoked_at, holder=person[1])
    if use == "tls" and reason == _SEAL:
        return Certificate(der, "encrypt", revoked_at)
    if use == "sign":
        return Certificate(der, "sign", revoked_at, reason)
    if use == "tls":
        return Certificate(der, "tls", revoked_at, reason)
    raise ValueError(use)


def _moment(element: _Element, name: str) -> datetime | None:
    value = element.get(name)
    return from_text(str(value)) if value is not None else None


def _subject(der: bytes) -> str:
    try:
        return x509.load_der_x509_certificate(der).subject.rfc4514_string()[:200]
    except Exception:  # noqa: BLE001  it is only a name for an error, of bytes that anybody wrote
        return "unreadable certificate"


def check_authority(organ_id: str, signer: str, source: object) -> None:
    """Raise AUTHZ_MISMATCH unless `signer` may sign for `organ_id`: it is the signer or a unit below it.

    With a registry as `source` also: that has no nearer member. A CA alone knows no members.
    """
    if isinstance(source, Registry):
        allowed = source.member_for(organ_id).code == signer
    else:
        try:
            allowed = signer in organ.ancestors(organ.normalise(organ_id))
        except ValueError:
            allowed = False
    if not allowed:
        raise rejected(Fault.AUTHZ_MISMATCH, signer, organ_id, path="From/OrganId")
