"""The parcel: an ASiC-E container (ETSI EN 319 162-1) of one fixed form. Build it, open it, verify it.

The container has exactly one encoding for given files, certificate, time and signature value; the verifier
reads the input strictly, and its last step compares every byte with that encoding.

The content digest can be made with standard tools after ``unzip``:
``sha256sum document.edxml attachments/1 attachments/2 | sha256sum``.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import InitVar, dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

from axis import counting
from axis.core import signature as xades
from axis.core.signature import DataFile, Signature, Signer
from axis.errors import Fault, Rejected, rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from cryptography import x509

Made = TypeVar("Made")
MEDIA_TYPE = "application/vnd.etsi.asic-e+zip"
DOCUMENT, RECEIPT, REGISTRY = "document.edxml", "receipt.xml", "registry.xml"
CONFORMANCE = "conformance.xml"  # a test report; it never travels
TYPES = "types.xml"  # the document types (axis/core/types), beside a registry
HOME = "home.xml"  # what the hub says to an adapter about its home (axis/core/homes.py)
EVIDENCE = "evidence.xml"  # a document with all that proves what became of it (axis/core/evidence); it never travels
MAX_BYTES = 60 * 1024 * 1024  # one broker message of at most 64 MiB: the parcel, and the A.1 beside it
MAX_ATTACHMENTS = 100  # of one parcel
MAX_EVIDENCE, MAX_PARTS = MAX_BYTES + 20 * 1024 * 1024, 1000  # the same of evidence: a parcel, and what is about it
# What :func:`verify` finds that says nothing of the content: another key, or the same at another time, would pass.
CIRCUMSTANCES = frozenset({Fault.SIG_SIGNER, Fault.KEY_EXPIRED, Fault.KEY_REVOKED})
# What it finds in bytes that were never signed so. Who has somebody's word that the parcel was good holds another one.
ALTERED = frozenset(
    {
        Fault.PARCEL_LIMIT,
        Fault.PARCEL_ZIP,
        Fault.PARCEL_TYPE,
        Fault.PARCEL_COVERAGE,
        Fault.PARCEL_NOT_CANONICAL,
        Fault.SIG_COUNT,
        Fault.SIG_SHAPE,
        Fault.SIG_REF,
        Fault.SIG_DIGEST,
        Fault.SIG_VALUE,
    }
)
_MIMETYPE, _MANIFEST, _SIGNATURES = "mimetype", "META-INF/manifest.xml", "META-INF/signatures.xml"

# Fixed header fields: version 2.0, UTF-8 names, stored, 1980-01-01 00:00.
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_VERSION, _FLAGS, _STORED, _TIME, _DATE = 20, 0x0800, 0, 0, 0x0021


class Trust(Protocol):
    """Where the verifier finds keys: the registry (or, for an outsider, a CA)."""

    def certificate(self, der: bytes, at: datetime) -> tuple[str, x509.Certificate]:
        """(owner's code, the trusted certificate equal to `der`), good for signing at `at`.

        Raises :class:`Rejected`: SIG_SIGNER, KEY_EXPIRED, KEY_REVOKED, KEY_ROLE.
        """


_VERIFIER = object()


@dataclass(frozen=True)
class Parcel:
    """A verified parcel: what the application reads is exactly what was signed.

    Only :func:`verify` makes one; whoever has one need not ask again whether its bytes are good. `signer` is the code
    of the key's owner (an agency, or ``HUB``) to whoever was asked for trust.
    """

    signer: str
    signing_time: datetime
    main: str
    content: bytes  # of `main`
    attachments: tuple[bytes | memoryview, ...]  # where they stand in the container: 50 MB are not held twice
    content_digest: str
    certificate: bytes = field(repr=False)  # DER
    made_by: InitVar[object] = None
    _made: dict[object, object] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self, made_by: object) -> None:
        if made_by is not _VERIFIER:
            raise TypeError("only verify() makes a Parcel")

    @cached_property
    def kind(self) -> str:
        """``document``, ``receipt``, ``registry``, ``evidence`` …"""
        return self.main.split(".")[0]

    def once(self, read: Callable[[Parcel], Made]) -> Made:
        """What `read` makes of it, made once for this value. `read` is pure and looks at nothing else; what it raises
        is raised each time."""
        if read not in self._made:
            self._made[read] = read(self)
        return cast("Made", self._made[read])

    def has_made(self, read: Callable[[Parcel], object]) -> bool:
        """Whether :meth:`once` has made it already."""
        return read in self._made

    def signed_for(self, signer: str) -> Parcel:
        """The same parcel to somebody who knows the owner of its key as `signer`."""
        return self if signer == self.signer else replace(self, signer=signer, made_by=_VERIFIER)


class Known:
    """Parcels that were verified in this process, by the SHA-256 of their bytes, the latest of them up to `max_bytes`.

    What is remembered is the mathematics: that these bytes are one whole parcel, signed by that certificate, and what
    was read in it. Whether the certificate is good is asked each time (:func:`verify`). Where hub and adapters share a
    process they share one of these, larger than what is under way between them at a time; one thread uses it.
    """

    _EACH = 4_000  # bytes of memory that any parcel takes
    _READ = 30  # times its bytes: what is read in a document

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes, self._bytes = max_bytes, 0
        self._held: dict[str, tuple[Parcel, int]] = {}

    def __len__(self) -> int:
        return len(self._held)

    def get(self, digest: str) -> Parcel | None:
        """The parcel whose bytes have this hex SHA-256, if it is remembered."""
        held = self._held.pop(digest, None)
        if held is None:
            return None
        self._held[digest] = held  # the last one asked for is the last to go
        return held[0]

    def keep(self, digest: str, parcel: Parcel) -> None:
        """Remember `parcel`, and forget the longest unused ones for it. One that is too large is not remembered."""
        cost = self._EACH + sum(map(len, parcel.attachments)) + len(parcel.content) * (1 + self._READ)
        if digest in self._held or cost > self._max_bytes:
            return
        self._held[digest] = (parcel, cost)
        self._bytes += cost
        while self._bytes > self._max_bytes and self._held:
            _, freed = self._held.pop(next(iter(self._held)))
            self._bytes -= freed


@dataclass(frozen=True, slots=True)
class Built:
    """A parcel as :func:`built` made it: its bytes, and the content digest that they have."""

    data: bytes = field(repr=False)
    content_digest: str


def content_digest(files: Sequence[DataFile]) -> str:
    """Hex SHA-256 over the lines that ``sha256sum`` prints for the data files, in order."""
    return hashlib.sha256("".join(f"{f.digest.hex()}  {f.name}\n" for f in files).encode()).hexdigest()


def build(main: str, content: bytes, attachments: Sequence[bytes], signer: Signer, at: datetime) -> bytes:
    """A signed parcel of `content` named `main` and its attachments, SigningTime `at` (UTC, whole seconds).

    Raises :class:`Rejected` (PARCEL_LIMIT, SIG_*) when no verifier would accept the result.
    """
    return built(main, content, attachments, signer, at).data


def built(main: str, content: bytes, attachments: Sequence[bytes], signer: Signer, at: datetime) -> Built:
    """As :func:`build`, for who wants to know the content digest too: everything is hashed for it already."""
    named = [(main, content), *((f"attachments/{n}", a) for n, a in enumerate(attachments, 1))]
    files = _data_files(named)
    signatures = xades.sign(files, signer, at)
    container = b"".join(_container([*_fixed_entries(named, files), (_SIGNATURES, signatures)]))
    size, count = (MAX_EVIDENCE, MAX_PARTS) if main == EVIDENCE else (MAX_BYTES, MAX_ATTACHMENTS)
    if len(container) > size or len(attachments) > count:
        found = f"{len(container)} B, {len(attachments)} attachments"
        raise rejected(Fault.PARCEL_LIMIT, found, f"{size} B, {count}")
    return Built(container, content_digest(files))


def digest_of(main: str, content: bytes, attachments: Sequence[bytes]) -> str:
    """The content digest that a parcel of these files has."""
    return content_digest(
        _data_files([(main, content), *((f"attachments/{n}", a) for n, a in enumerate(attachments, 1))])
    )


def verify(data: bytes, trust: Trust, at: datetime, *, known: Known | None = None, digest: str = "") -> Parcel:
    """Open `data` and check everything, with keys as `trust` knows them at the moment `at`.

    What `known` remembers of these very bytes is not computed again; `trust` is asked all the same. `digest` is their
    hex SHA-256, where it has been computed of these bytes in this process; what somebody claims it to be is none.

    The closed verification, in this order; the numbers stand at each step below:
      1 size                                              PARCEL_LIMIT
      2 container read strictly, expected entries         PARCEL_ZIP, PARCEL_LIMIT
      3 mimetype                                          PARCEL_TYPE
      4 signatures.xml: one signature, free values        SIG_COUNT, SIG_SHAPE, SIG_ALG
      5 references cover exactly the data files           PARCEL_COVERAGE, SIG_REF
      6 certificate: the registry's, good at `at`         SIG_SIGNER, KEY_*
      7 digests, algorithm, key strength, value           SIG_DIGEST, SIG_ALG, SIG_WEAK_KEY, SIG_VALUE
      8 certificate also valid when it says it signed     KEY_EXPIRED
      9 everything built again equals the input           PARCEL_NOT_CANONICAL

    Raises :class:`Rejected`, and nothing else, for whatever bytes it is given.

    A good parcel is found good a quicker way, by building it again from what it is made of (:func:`_verify_quickly`);
    what is not goes through all the steps, for the reason.
    """
    if known is not None:
        digest = digest or hashlib.sha256(data).hexdigest()
        if (held := known.get(digest)) is not None:
            counting.done.remembered += 1
            signer, certificate = trust.certificate(held.certificate, at)
            check_validity(certificate, held.signing_time)
            return held.signed_for(signer)
    counting.done.verifications += 1
    opened = _verify_quickly(data, trust, at) or _verify_closely(data, trust, at)
    if known is not None:
        known.keep(digest, opened)
    return opened


def _verify_closely(data: bytes, trust: Trust, at: datetime) -> Parcel:
    """Step by step: see :func:`verify`."""
    # 1 size
    if len(data) > _max_bytes(data):
        raise rejected(Fault.PARCEL_LIMIT, f"{len(data)} B", f"{_max_bytes(data)} B")
    # 2 container
    entries = _read_container(data)
    named, signatures = _expected_entries(entries)
    # 3 mimetype
    if entries[0][1] != MEDIA_TYPE.encode():
        raise rejected(Fault.PARCEL_TYPE)
    # 4 the free values of the signature
    signature = xades.read(signatures)
    # 5 coverage
    files = _data_files(named)
    _check_coverage(files, signatures)
    # 6 the key is the registry's
    signer, certificate = trust.certificate(signature.certificate, at)
    # 7 digests and value
    xades.verify(files, signature, certificate)
    # 8 nobody signs with a key before or after its time
    check_validity(certificate, signature.signing_time)
    # 9 there is one encoding only
    again = [*_fixed_entries(named, files), (_SIGNATURES, xades.render(files, signature))]
    _compare(data, entries, again)
    return _opened(signer, signature.signing_time, signature.certificate, named, files)


def _verify_quickly(data: bytes, trust: Trust, at: datetime) -> Parcel | None:
    """The parcel in `data` where each byte is the one that :func:`build` would put there for these files, certificate,
    time and value, and all that needs more than bytes is good too. None, and no reason, for everything else.

    Contents are looked at for their checksum and digest alone, once: they stand where they stand.
    """
    if len(data) > _max_bytes(data) or (found := _places(data)) is None:
        return None
    named, starts = found
    signatures = data[starts[-1] : starts[-1] + len(named.pop()[1])]
    if len(signatures) > xades.MAX_BYTES or (seen := xades.glance(signatures)) is None:
        return None
    try:
        signer, certificate = trust.certificate(seen.certificate, at)
        check_validity(certificate, seen.signing_time)
        # Without mimetype and manifest, which stand there only if they are equal to these.
        named = named[1:-1]
        files = _data_files(named)
        signed, again = xades.written_again(files, seen, certificate)
        if again != signatures:
            return None
        position = 0
        for piece in _container([*_fixed_entries(named, files), (_SIGNATURES, again)]):
            if not isinstance(piece, memoryview) and not data.startswith(piece, position):
                return None
            position += len(piece)
        if position != len(data):
            return None
        xades.check_value(certificate, seen.value, signed)
    except Rejected:
        return None
    return _opened(signer, seen.signing_time, seen.certificate, named, files)


def _opened(
    signer: str, signing_time: datetime, certificate: bytes, named: Sequence[Named], files: Sequence[DataFile]
) -> Parcel:
    return Parcel(
        signer,
        signing_time,
        files[0].name,
        bytes(named[0][1]),
        tuple(content for _, content in named[1:]),
        content_digest(files),
        certificate,
        _VERIFIER,
    )


def peek(data: bytes) -> tuple[str, bytes]:
    """(main name, its bytes) of a container, **unverified**: for finding out which trust to ask, and for showing
    a parcel that was refused. Raises :class:`Rejected`."""
    (name, content), *_ = _peek(data)[0]
    return name, bytes(content)


def peek_all(data: bytes) -> list[tuple[str, bytes]]:
    """(name, bytes) of a container's document and attachments, **unverified**: for showing what was verified when it
    came. Raises :class:`Rejected`."""
    return [(name, bytes(content)) for name, content in _peek(data)[0]]


@dataclass(frozen=True, slots=True)
class Claim:
    """What a container says of itself, **unverified**."""

    main: str
    content: memoryview = field(repr=False)  # of `main`
    certificate: bytes = field(repr=False)  # DER
    signing_time: datetime


def claim(data: bytes) -> Claim | None:
    """What a container of our form says of itself, **unverified**, and not looked at for damage either: for sorting it
    and for choosing whom to trust. None where it has another form; :func:`verify` says which."""
    if len(data) > _max_bytes(data) or (found := _places(data)) is None:
        return None
    named, starts = found
    seen = xades.glance(data[starts[-1] : starts[-1] + min(len(named[-1][1]), xades.MAX_BYTES)])
    return None if seen is None else Claim(*named[1], seen.certificate, seen.signing_time)


def peek_signature(data: bytes) -> Signature:
    """The signature values of a container, **unverified**. Raises :class:`Rejected`."""
    return xades.read(_peek(data)[1])


def _peek(data: bytes) -> tuple[list[Named], bytes]:
    counting.done.peeks += 1
    if len(data) > _max_bytes(data):
        raise rejected(Fault.PARCEL_LIMIT, f"{len(data)} B", f"{_max_bytes(data)} B")
    return _expected_entries(_read_container(data))


def signed_again(data: bytes, signer: Signer, at: datetime) -> bytes | None:
    """The same files under a new signature, where it can be judged otherwise than the one they have: another key, or a
    time that has not come yet or at which the key could not sign. None where it would be no other.

    Raises :class:`Rejected` for what is no container.
    """
    named, signatures = _peek(data)
    old = xades.read(signatures)
    certificate = signer.certificate
    in_time = certificate.not_valid_before_utc <= old.signing_time <= min(at, certificate.not_valid_after_utc)
    if old.certificate == signer.der and in_time:
        return None
    (main, content), *attachments = [(name, bytes(content)) for name, content in named]
    return build(main, content, [content for _, content in attachments], signer, at)


def unverified_digest(data: bytes) -> str:
    """The content digest of a container whose signature may be bad; hex SHA-256 of the bytes if it is none.

    For naming what was refused.
    """
    try:
        named, _ = _expected_entries(_read_container(data))
    except Exception:  # noqa: BLE001  whatever it is, it needs a name
        return hashlib.sha256(data).hexdigest()
    return content_digest(_data_files(named))


def check_validity(certificate: x509.Certificate, at: datetime) -> None:
    """Raise KEY_EXPIRED unless `certificate` was valid at `at`."""
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        raise rejected(Fault.KEY_EXPIRED, at.isoformat(), certificate.subject.rfc4514_string())


# -- What the container must hold ---------------------------------------------------------------------------

Named = tuple[str, "bytes | memoryview"]
View = tuple[str, memoryview]


def _data_files(named: Sequence[Named]) -> list[DataFile]:
    return [xades.data_file(name, hashlib.sha256(content).digest()) for name, content in named]


def _fixed_entries(named: Sequence[Named], files: Sequence[DataFile]) -> list[Named]:
    manifest = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.2">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{MEDIA_TYPE}"/>'
        + "".join(
            f'<manifest:file-entry manifest:full-path="{f.name}" manifest:media-type="{f.media_type}"/>' for f in files
        )
        + "</manifest:manifest>\n"
    )
    return [(_MIMETYPE, MEDIA_TYPE.encode()), *named, (_MANIFEST, manifest.encode())]


def _are_expected(names: Sequence[str]) -> bool:
    main = names[1]
    attachments = [f"attachments/{n}" for n in range(1, len(names) - 3)]
    return (
        main in {DOCUMENT, RECEIPT, REGISTRY, TYPES, CONFORMANCE, HOME, EVIDENCE}
        and names == [_MIMETYPE, main, *attachments, _MANIFEST, _SIGNATURES]
        and (main in {DOCUMENT, EVIDENCE} or not attachments)
    )


_SECOND = _LOCAL.size + len(_MIMETYPE) + len(MEDIA_TYPE) + _LOCAL.size  # where the name of the second entry begins


def _max_bytes(data: bytes) -> int:
    return MAX_EVIDENCE if data.startswith(EVIDENCE.encode(), _SECOND) else MAX_BYTES


def _max_entries(data: bytes) -> int:
    return 4 + (MAX_PARTS if data.startswith(EVIDENCE.encode(), _SECOND) else MAX_ATTACHMENTS)


def _expected_entries(entries: Sequence[Named]) -> tuple[list[Named], bytes]:
    """(data files, signatures.xml), if the names are the expected ones in the expected order."""
    names = [name for name, _ in entries]
    count = sum(name.startswith("META-INF/signatures") for name in names)
    if count != 1:
        raise rejected(Fault.SIG_COUNT, count)
    if names[0] != _MIMETYPE:
        raise rejected(Fault.PARCEL_TYPE)
    if not _are_expected(names):
        raise rejected(Fault.PARCEL_ZIP, "entries " + ", ".join(repr(n) for n in names)[:200])
    return list(entries[1:-2]), bytes(entries[-1][1])


def _check_coverage(files: Sequence[DataFile], signatures: bytes) -> None:
    uris = xades.references(signatures)
    wanted = [*(f.name for f in files), "#sp"]
    if uris == wanted:
        return
    for uri in uris:
        if uri not in wanted:
            plain = uri.replace("/", "").replace(".", "").isalnum() and ".." not in uri and not uri.startswith("/")
            raise rejected(Fault.PARCEL_COVERAGE if plain else Fault.SIG_REF, uri[:100])
    raise rejected(Fault.PARCEL_COVERAGE, f"{len(uris)} references for {len(wanted)}")


def _compare(data: bytes, entries: Sequence[Named], again: Sequence[Named]) -> None:
    for (name, content), (_, rebuilt) in zip(entries, again, strict=True):
        if content is not rebuilt and content != rebuilt:
            raise rejected(Fault.PARCEL_NOT_CANONICAL, name, path=name)
    position, view = 0, memoryview(data)
    for chunk in _container(again):
        if view[position : position + len(chunk)] != chunk:
            raise rejected(Fault.PARCEL_NOT_CANONICAL, f"byte {position}")
        position += len(chunk)
    if position != len(data):
        raise rejected(Fault.PARCEL_NOT_CANONICAL, f"byte {position}")


# -- The container's bytes ----------------------------------------------------------------------------------


def _container(entries: Sequence[Named], checksums: Sequence[int] = ()) -> list[bytes | memoryview]:
    """The pieces of the one allowed encoding of `entries`, whose checksums somebody may have computed."""
    pieces: list[bytes | memoryview] = []
    central: list[bytes] = []
    offset = 0
    for (name, content), crc in zip(entries, checksums or [zlib.crc32(content) for _, content in entries], strict=True):
        raw, size = name.encode(), len(content)
        header = _LOCAL.pack(b"PK\x03\x04", _VERSION, _FLAGS, _STORED, _TIME, _DATE, crc, size, size, len(raw), 0) + raw
        central.append(
            _CENTRAL.pack(
                b"PK\x01\x02",
                _VERSION,
                _VERSION,
                _FLAGS,
                _STORED,
                _TIME,
                _DATE,
                crc,
                size,
                size,
                len(raw),
                0,
                0,
                0,
                0,
                0,
                offset,
            )
            + raw
        )
        pieces += [header, content]
        offset += len(header) + size
    directory = b"".join(central)
    end = _END.pack(b"PK\x05\x06", 0, 0, len(entries), len(entries), len(directory), offset, 0)
    return [*pieces, directory, end]


def _places(data: bytes) -> tuple[list[View], list[int]] | None:
    """The entries, views into `data`, and where each begins, as the headers say; judged by their names alone."""
    view, position, most = memoryview(data), 0, _max_entries(data)
    named: list[View] = []
    starts: list[int] = []
    while data.startswith(b"PK\x03\x04", position) and position + _LOCAL.size <= len(data):
        *_, size, name_length, _ = _LOCAL.unpack_from(data, position)
        start = position + _LOCAL.size + name_length
        position = start + size
        if len(named) >= most or position > len(data):
            return None
        named.append((data[start - name_length : start].decode("latin-1"), view[start:position]))
        starts.append(start)
    if len(named) < 4 or not _are_expected([name for name, _ in named]):
        return None
    return named, starts


def _read_container(data: bytes) -> list[Named]:
    """The entries of a container of exactly our form; contents are views into `data`.

    `zipfile` is not used: it reads from the end, forgives gaps and doubles, and so hides differences.
    """
    view, position, most = memoryview(data), 0, _max_entries(data)
    entries: list[Named] = []
    checksums: list[int] = []
    while data[position : position + 4] == b"PK\x03\x04":
        if len(entries) >= most:
            raise rejected(Fault.PARCEL_LIMIT, f"> {len(entries)}", f"≤ {most}")
        if position + _LOCAL.size > len(data):
            raise rejected(Fault.PARCEL_ZIP, "cut short")
        fields = _LOCAL.unpack_from(data, position)
        _, version, flags, method, time, date, crc, packed, size, name_length, extra_length = fields
        if (version, flags, method, time, date, extra_length) != (_VERSION, _FLAGS, _STORED, _TIME, _DATE, 0):
            raise rejected(Fault.PARCEL_ZIP, f"header of entry {len(entries) + 1}")
        start = position + _LOCAL.size + name_length
        if packed != size or start + size > len(data) or not 0 < name_length <= 40:
            raise rejected(Fault.PARCEL_ZIP, f"size of entry {len(entries) + 1}")
        name = data[position + _LOCAL.size : start]
        if not name.isascii() or not all(32 < c < 127 for c in name):
            raise rejected(Fault.PARCEL_ZIP, f"name of entry {len(entries) + 1}")
        content = view[start : start + size]
        if zlib.crc32(content) != crc:
            raise rejected(Fault.PARCEL_ZIP, f"CRC-32: {len(entries) + 1}")
        entries.append((name.decode("ascii"), content))
        checksums.append(crc)
        position = start + size
    if len(entries) < 4:
        raise rejected(Fault.PARCEL_ZIP, f"ZIP: {len(entries)}")
    tail = _container(entries, checksums)[-2:]
    if data[position:] != b"".join(tail):
        raise rejected(Fault.PARCEL_ZIP, "central directory")
    return entries
