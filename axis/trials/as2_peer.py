"""Run by the measurement in an environment of its own, where pyas2lib is installed: what the same payload costs there.

    python as2_peer.py FILE COUNT

Prints a JSON object: CPU ms for each message of build, verify, signed MDN and MDN verify; RSA-2048, SHA-256. The file
is sent as it is, and what is not named here is as the library has it by default: certificates are validated. What it
costs depends on the file: with the attachment's base64 in lines of 76 characters a seventh more; for as many bytes that
are no text, a third more.
"""

from __future__ import annotations

import datetime
import json
import re
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def two_digit_versions() -> Iterator[None]:
    """Within: oscrypto, which pyas2lib builds on, recognises an OpenSSL 3.0.10 or later. The release that registries
    have looks for one digit in each place, and refuses to be imported."""
    search = re.search

    def wider(pattern: Any, *arguments: Any, **more: Any) -> Any:
        if isinstance(pattern, str):
            pattern = pattern.replace(r"\d\.\d\.\d[a-z]*", r"\d+\.\d+\.\d+[a-z]*")
        return search(pattern, *arguments, **more)

    re.search = wider
    try:
        yield
    finally:
        re.search = search


def identity(name: str) -> tuple[bytes, bytes]:
    """(key and certificate, certificate) in PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    form = serialization.PrivateFormat.PKCS8
    secret = key.private_bytes(serialization.Encoding.PEM, form, serialization.BestAvailableEncryption(b"secret"))
    return secret + public, public


def main(payload: bytes, count: int) -> dict[str, Any]:
    """Exchange `payload` `count` times."""
    with two_digit_versions():
        import pyas2lib
        from pyas2lib import as2

    (ours, our_certificate), (theirs, their_certificate) = identity("sender"), identity("recipient")
    sender = as2.Organization(as2_name="sender", sign_key=ours, sign_key_pass="secret")  # noqa: S106
    recipient = as2.Organization(as2_name="recipient", sign_key=theirs, sign_key_pass="secret")  # noqa: S106
    to = as2.Partner(
        as2_name="recipient",
        verify_cert=their_certificate,
        sign=True,
        digest_alg="sha256",
        mdn_mode="SYNC",
        mdn_digest_alg="sha256",
    )
    from_ = as2.Partner(as2_name="sender", verify_cert=our_certificate, sign=True)
    taken: dict[str, list[int]] = {"build": [], "verify_and_mdn": [], "mdn_verify": []}
    for _ in range(count + 1):  # the first one imports
        marks = [time.process_time_ns()]
        message = as2.Message(sender=sender, receiver=to)
        message.build(payload, filename="packet.edxml", content_type="application/xml")
        marks.append(time.process_time_ns())
        received = as2.Message()
        status, error, mdn = received.parse(
            message.headers_str + b"\r\n" + message.content,
            find_org_cb=lambda _name: recipient,
            find_partner_cb=lambda _name: from_,
        )
        marks.append(time.process_time_ns())
        answer = as2.Mdn()
        said, why = answer.parse(mdn.headers_str + b"\r\n" + mdn.content, lambda _id, _to, sent=message: sent)
        marks.append(time.process_time_ns())
        if status != "processed" or said != "processed":
            raise SystemExit(f"{status} {error} {said} {why}")
        for name, begun, ended in zip(taken, marks, marks[1:], strict=False):
            taken[name].append(ended - begun)
    parts = {name: round(sum(times[1:]) / count / 1e6, 2) for name, times in taken.items()}
    return {"version": str(getattr(pyas2lib, "__version__", "")), "ms": round(sum(parts.values()), 2), **parts}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]).read_bytes(), int(sys.argv[2]))) + "\n")
