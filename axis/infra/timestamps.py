"""Time-stamps of a third party (RFC 3161): the one module that has the library for them, and asks the service."""

from __future__ import annotations

import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cryptography import x509

from axis import extras
from axis.errors import Fault, Misconfigured, Problem, Rejected, Unavailable, rejected, unusable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

TIMEOUT = 20.0  # seconds
MAX_REPLY = 256 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class Service:
    """Where time-stamps are asked for, and whose are believed: `authority` is its own certificate (PEM), with those
    that it was issued by."""

    url: str
    authority: bytes

    def ask(self, data: bytes) -> bytes:
        """The service's whole reply about `data`, not looked at. Raises :class:`Unavailable` TSA_AWAY."""
        request = urllib.request.Request(  # noqa: S310  the scheme was checked
            self.url, question(data), {"Content-Type": "application/timestamp-query"}
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
                return bytes(answer.read(MAX_REPLY + 1))
        except (OSError, urllib.error.URLError) as error:
            raise Unavailable(Problem(Fault.TSA_AWAY, got=f"{self.url}: {error}"[:200])) from None


def service(url: str, certificate: Path) -> Service:
    """Raises :class:`Misconfigured`: CONFIG_INVALID, FILE_UNUSABLE, EXTRA_MISSING."""
    if urlsplit(url).scheme not in {"http", "https"}:
        raise Misconfigured(Problem(Fault.CONFIG_INVALID, "timestamps.url", "http or https", url))
    try:
        authority = certificate.read_bytes()
        x509.load_pem_x509_certificates(authority)
    except OSError as error:
        raise unusable(certificate, error) from None
    except ValueError as error:
        got = f"{certificate}: {error}"[:200]
        raise Misconfigured(Problem(Fault.CONFIG_INVALID, "timestamps.certificate_file", "PEM", got)) from None
    question(b"is the library there")
    return Service(url, authority)


def question(data: bytes) -> bytes:
    """The request about `data`: by SHA-256, with the certificate asked for. Raises EXTRA_MISSING."""
    with extras.needed():
        from rfc3161_client import HashAlgorithm, TimestampRequestBuilder
    asked = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256).nonce(nonce=True).build()
    return bytes(asked.as_bytes())


def stamped(reply: bytes, data: bytes, authorities: Sequence[bytes]) -> tuple[datetime, str]:
    """The time that `reply` says of `data`, and who says it: one whose own certificate, good at that time, is among the
    `authorities` (PEM); it may have ended since.

    Raises :class:`~axis.errors.Rejected`: TSA_REPLY_MALFORMED, TSA_REFUSED, TSA_REPLY_DIFFERS."""
    with extras.needed():
        from rfc3161_client import VerifierBuilder, decode_timestamp_response
    if len(reply) > MAX_REPLY:
        raise rejected(Fault.TSA_REPLY_MALFORMED, f"{len(reply)} bytes")
    try:
        found = decode_timestamp_response(reply)
        status = found.status
        if status != 0:
            raise rejected(Fault.TSA_REFUSED, f"{status} {', '.join(found.status_string)}"[:200])
        if found.as_bytes() != reply:
            raise rejected(Fault.TSA_REPLY_MALFORMED, "not in its one form")
        certificates = [one for data in authorities for one in x509.load_pem_x509_certificates(data)]
        (signer,) = found.signed_data.signer_infos
        own = next(
            (c for c in certificates if (c.issuer, c.serial_number) == (signer.issuer, signer.serial_number)), None
        )
        at: datetime = found.tst_info.gen_time
    except Rejected:
        raise
    except Exception as error:  # noqa: BLE001  the library names many faults of foreign bytes, all mean this
        raise rejected(Fault.TSA_REPLY_MALFORMED, f"{type(error).__name__} {error}"[:200]) from None
    if own is None or not own.not_valid_before_utc <= at <= own.not_valid_after_utc:
        raise rejected(Fault.TSA_REPLY_DIFFERS, "signed by nobody who is trusted, or not in his time")
    try:
        VerifierBuilder(tsa_certificate=own, roots=certificates).build().verify_message(found, data)
    except Exception as error:  # noqa: BLE001  as above
        raise rejected(Fault.TSA_REPLY_DIFFERS, f"{type(error).__name__} {error}"[:200]) from None
    return at, own.subject.rfc4514_string()
