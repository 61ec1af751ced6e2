"""What of a request is signed, and whether it is: only that counts."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from axis.adapters.vxp.refusal import SYSTEM_ERROR, WRONG_SYSTEM, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from axis.adapters.mailbox import Mailbox
    from axis.adapters.systems import System

PREFIX = "xroadvnpt-"
_CONTENT = {"sendEdoc": "application/octet-stream"}  # of every other operation application/json
# What an operation is asked with, as the SDK does: any one of each group. An object of the SDK keeps what it was given,
# so more may stand there; but a head that was made for something else has not all of it.
_LISTING, _FETCHING = (("servicetype",), ("messagetype",)), (("docId", "docid"), ("filePath",))
_OWN: dict[str, tuple[tuple[str, ...], ...]] = {
    "sendEdoc": (("from",), ("servicetype",), ("messagetype",), ("hash-file",)),
    "getSentEdocList": _LISTING,
    "getReceivedEdocList": _LISTING,
    "getEdoc": _FETCHING,
    "downloadEdoc": _FETCHING,
    "updateStatus": (("docid", "docId"), ("status",)),
    "deleteAgency": (("AgencyCode",),),
}
# The body of registerAgency is not signed, and it has no parameters of its own. The SDK calls it from another object
# than the documents' operations: what belongs to those never stands in its head.
_DOCUMENTS = frozenset({"servicetype", "messagetype", "docId", "docid", "filePath", "status", "hash-file", "to"})
_DOCUMENTS |= {"fromDate", "toDate", "pageIndex", "pageSize"}
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\t": "\\t", "\b": "\\b", "\n": "\\n", "\r": "\\r", "\f": "\\f"}
_ESCAPES |= {"\u2028": "\\u2028", "\u2029": "\\u2029"}


@dataclass(frozen=True)
class Call:
    """A verified request."""

    systemid: str
    mailbox: Mailbox
    parameters: dict[str, str]
    signature: str
    body: bytes


def file_hash(digest: bytes) -> str:
    """SHA-256 as the SDK writes it: hex without the leading zero of each byte."""
    return "".join(f"{byte:x}" for byte in digest)


def canonical(pairs: Iterable[tuple[str, str]]) -> bytes:
    """The JSON that the SDK signs: no spaces, its own escapes, everything else as it is."""
    return ("{" + ",".join(f"{_quoted(name)}:{_quoted(value)}" for name, value in pairs) + "}").encode()


def _quoted(text: str) -> str:
    return '"' + "".join(_ESCAPES.get(c) or (f"\\u{ord(c):04x}" if c < " " else c) for c in text) + '"'


def signed_parameters(headers: Sequence[tuple[bytes, bytes]], systems: Mapping[str, System]) -> dict[str, str]:
    """The parameters of a request, from its signed JSON alone, by exact case. Raises :class:`Refusal`."""
    found = {name.decode("latin-1").lower(): value.strip() for name, value in headers}
    system = systems.get(found.get(f"{PREFIX}systemid", b"").decode("utf-8", "replace"))
    sign = found.get(f"{PREFIX}sign-header", b"")
    mac = found.get(f"{PREFIX}hash-header", b"").lower()
    # An unknown system takes as long as a wrong secret.
    key = system.secret.encode() if system is not None else b"unknown"
    # Some clients send characters up to U+00FF as single bytes of what they signed as UTF-8.
    texts = {sign, sign.decode("latin-1").encode()}
    texts = {one for one in texts if hmac.compare_digest(hmac.new(key, one, hashlib.sha256).hexdigest().encode(), mac)}
    if not texts or system is None:
        raise Refusal(WRONG_SYSTEM, "system or secret wrong")
    (text,) = texts
    try:
        pairs = json.loads(text, object_pairs_hook=list)
        names = [name for name, _ in pairs]
        listed = found[f"{PREFIX}sign-header-key"].decode("latin-1").split(";")
        good = canonical(pairs) == text and names == [f"XroadVnpt-{name}" for name in listed]
        parameters = {str(name).removeprefix("XroadVnpt-"): str(value) for name, value in pairs}
        good = good and len(parameters) == len(pairs)
        good = good and parameters.get("systemid", "").encode() == found[f"{PREFIX}systemid"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        good = False
    if not good:
        raise Refusal(WRONG_SYSTEM, "the signed parameters are not in the form of the SDK")
    return parameters


def demand_own(operation: str, parameters: Mapping[str, str]) -> None:
    """The parameters are those of a request for `operation`. Raises :class:`Refusal` where they are not: the signature
    does not say what it was given for, and a head that was overheard must not serve for anything else."""
    missing = [" or ".join(group) for group in _OWN.get(operation, ()) if not any(parameters.get(n) for n in group)]
    content = parameters.get("Content-Type", "").partition(";")[0].strip().lower()
    if content != _CONTENT.get(operation, "application/json"):
        missing.append(f"Content-Type {_CONTENT.get(operation, 'application/json')}")
    if missing:
        raise Refusal(SYSTEM_ERROR, f"parameters of {operation} are missing: {', '.join(missing)}")
    if operation == "registerAgency" and (foreign := sorted(_DOCUMENTS & set(parameters))):
        raise Refusal(SYSTEM_ERROR, f"no parameters of {operation}: {', '.join(foreign)}")
