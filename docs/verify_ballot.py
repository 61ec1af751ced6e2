#!/usr/bin/env python3
"""Count a ballot of the Government's members again, from its parcels alone, with nothing of the axis' own program.

    python verify_ballot.py FOLDER --hub hub.pem

FOLDER has, as `axis ballot verify BALLOT --keep FOLDER` writes them:

    registry.asice                             the registry, signed by the hub
    ballot.asice   ballot.accepted.asice       what was asked, and the hub's word when it accepted that (A.1)
    result.asice   result.accepted.asice       what was published, with the closing and every vote in it
    own-*.asice    own-*.accepted.asice        votes that you have sent yourself, if you want to know whether they count

`hub.pem` is the hub's certificate, received with enrolment: the only thing that is believed without proof. Needs the
`cryptography` package. Prints what was counted; ends with 0 if the published result follows from the votes, with 6 and
each difference if it does not, with 3 if there is nothing to count.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import json
import re
import sys
import xml.etree.ElementTree as ET
import zipfile
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding

DS, XADES = "http://www.w3.org/2000/09/xmldsig#", "http://uri.etsi.org/01903/v1.3.2#"
EDXML = "{http://www.mic.gov.vn/TBT/QCVN_102_2016}"
REGISTRY, RECEIPT = "{urn:axis:registry:1}", "{urn:axis:receipt:1}"
CURVES: dict[str, tuple[int, hashes.HashAlgorithm]] = {
    "secp256r1": (32, hashes.SHA256()),
    "secp384r1": (48, hashes.SHA384()),
}


class Bad(Exception):
    """Something is not what it is given for."""


def bad(why: str) -> NoReturn:
    """Raise it."""
    raise Bad(why)


def sha(data: bytes) -> str:
    """Hex SHA-256."""
    return hashlib.sha256(data).hexdigest()


def moment(text: str) -> datetime:
    """A moment as text."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


# -- Parcels: ASiC-E with one XAdES signature --------------------------------------------------------------------------


class Parcel:
    """A parcel whose signature is right for the certificate in it; whose that is, the registry says."""

    def __init__(self, data: bytes) -> None:
        self.digest = sha(data)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if len(set(names)) != len(names):
                bad("an entry twice")
            self.entries = {name: archive.read(name) for name in names}
        text = self.entries["META-INF/signatures.xml"].decode()
        info = _part(text, "ds:SignedInfo", "ds", DS)
        properties = _part(text, "xades:SignedProperties", "xades", XADES)
        references = re.findall(r'URI="([^"]*)">.*?<ds:DigestValue>([^<]*)</ds:DigestValue>', info)
        listed = {uri: base64.b64decode(value) for uri, value in references}
        if listed.pop("#sp", b"") != hashlib.sha256(properties.encode()).digest():
            bad("the signed properties were changed")
        self.data = [n for n in names if n != "mimetype" and not n.startswith("META-INF/")]
        if sorted(listed) != sorted(self.data) or len(references) != len(listed) + 1:
            bad("the signature is not over all files")
        for name, digest in listed.items():
            if hashlib.sha256(self.entries[name]).digest() != digest:
                bad(f"{name} was changed")
        self.certificate = base64.b64decode(_value(text, "ds:X509Certificate"))
        if (
            base64.b64decode(_value(properties, 'ds:DigestValue xmlns:ds="' + DS + '"', "ds:DigestValue"))
            != hashlib.sha256(self.certificate).digest()
        ):
            bad("another certificate than the one that is signed")
        self.signed_at = moment(_value(properties, "xades:SigningTime"))
        _verify(self.certificate, base64.b64decode(_value(text, "ds:SignatureValue")), info.encode())

    @property
    def content_digest(self) -> str:
        """What receipts name the content by."""
        lines = "".join(f"{sha(self.entries[name])}  {name}\n" for name in self.data)
        return sha(lines.encode())


def _part(text: str, tag: str, prefix: str, namespace: str) -> str:
    """An element in its canonical form: as it stands there, with the one namespace that it uses."""
    found = re.findall(rf"<{tag}[ >].*?</{tag}>", text, re.DOTALL)
    if len(found) != 1:
        bad(f"{len(found)} × {tag}")
    return str(found[0]).replace(f"<{tag}", f'<{tag} xmlns:{prefix}="{namespace}"', 1)


def _value(text: str, tag: str, end: str = "") -> str:
    found = re.findall(rf"<{re.escape(tag)}>([^<]*)</{end or tag}>", text)
    if len(found) != 1:
        bad(f"{len(found)} × {tag}")
    return str(found[0])


def _verify(der: bytes, value: bytes, signed: bytes) -> None:
    key = x509.load_der_x509_certificate(der).public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(value, signed, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey):
            size, digest = CURVES[key.curve.name]
            numbers = (int.from_bytes(value[:size], "big"), int.from_bytes(value[size:], "big"))
            key.verify(utils.encode_dss_signature(*numbers), signed, ec.ECDSA(digest))
        else:
            bad("a key of another kind")
    except InvalidSignature:
        bad("the signature is wrong")


# -- The registry: whose certificates are good when --------------------------------------------------------------------


class Registry:
    """Certificates by their digest: (agency, use, holder, revoked at, certificate)."""

    def __init__(self, parcel: Parcel, hub: bytes) -> None:
        if parcel.certificate != hub:
            bad("the registry is not signed by the hub")
        root = ET.fromstring(parcel.entries["registry.xml"])  # noqa: S314
        self.installation = root.get("installation", "")
        self.known: dict[str, tuple[str, str, str, str, x509.Certificate]] = {}
        for member in root.iter(f"{REGISTRY}member"):
            for one in member.iter(f"{REGISTRY}certificate"):
                der = base64.b64decode(one.text or "")
                use, _, holder = one.get("reason", "").partition(" ")  # of a person: person tv-01@G06
                use = use if one.get("use") == "tls" and use == "person" else one.get("use", "")
                said = (member.get("code", ""), use, holder, one.get("revoked", ""))
                if use in {"sign", "person"}:  # what else stands there signs nothing that is counted
                    self.known[sha(der)] = (*said, x509.load_der_x509_certificate(der))

    def who(self, der: bytes, use: str, at: datetime) -> tuple[str, str]:
        """(agency, holder) of a certificate for this use, good at this moment."""
        agency, of, holder, revoked, certificate = self.known.get(sha(der)) or bad("an unknown certificate")
        if of != use or (revoked and at >= moment(revoked)):
            bad(f"a certificate of {agency} for {of}, revoked {revoked or 'never'}")
        if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
            bad(f"a certificate of {agency} that was not valid then")
        return agency, holder


class Arrived:
    """A parcel with the hub's word when it accepted it: who published it, when, of which type, its files by name."""

    def __init__(self, data: bytes, proof: bytes, registry: Registry) -> None:
        parcel, word = Parcel(data), Parcel(proof)
        root = ET.fromstring(word.entries["receipt.xml"])  # noqa: S314
        statement, subject = root.find(f"{RECEIPT}statement"), root.find(f"{RECEIPT}submission")
        if statement is None or subject is None or statement.get("event") != "SubmissionAcceptance":
            bad("no A.1")
        self.at, self.digest = moment(statement.get("time", "")), parcel.digest
        self.sender, _ = registry.who(parcel.certificate, "sign", self.at)
        if (registry.who(word.certificate, "sign", self.at)[0], root.get("installation")) != (
            "HUB",
            registry.installation,
        ):
            bad("an A.1 that is not the hub's")
        if (subject.get("digest"), subject.get("sender")) != (parcel.content_digest, self.sender):
            bad("an A.1 about something else")
        packet = ET.fromstring(parcel.entries["document.edxml"])  # noqa: S314
        self.type = packet.findtext(f".//{EDXML}ApplicationType", "")
        names = [one.findtext(f"{EDXML}AttachmentName", "") for one in packet.iter(f"{EDXML}Reference")]
        self.files = {name: parcel.entries[f"attachments/{number}"] for number, name in enumerate(names, 1)}

    def of(self, kind: str, sender: str) -> Arrived:
        """Itself, if it is of this type and from this agency."""
        if (self.type, self.sender) != (kind, sender):
            bad(f"{self.type} of {self.sender} where {kind} of {sender} belongs")
        return self


# -- CMS SignedData of one signer, without signed attributes -----------------------------------------------------------


def tlv(data: bytes) -> list[tuple[int, bytes, bytes]]:
    """The DER values in `data`: (tag, content, whole)."""
    found, place = [], 0
    while place < len(data):
        start, tag, length = place, data[place], data[place + 1]
        place += 2
        if length & 0x80:
            octets = length & 0x7F
            length, place = int.from_bytes(data[place : place + octets], "big"), place + octets
        if place + length > len(data):
            bad("DER that is cut off")
        found.append((tag, data[place : place + length], data[start : place + length]))
        place += length
    return found


def signed_by(data: bytes, registry: Registry, at: datetime) -> tuple[bytes, str, str]:
    """The content of a SignedData, and the person who has signed it with his agency."""
    try:
        ((_, outer, _),) = tlv(data)
        (_, _, _), (_, explicit, _) = tlv(outer)
        ((_, body, _),) = tlv(explicit)
        _version, _digests, content, certificates, signers = tlv(body)
        _type, (_, wrapped, _) = tlv(content[1])
        ((_, signed, _),) = tlv(wrapped)
        ((_, _, der),) = tlv(certificates[1])
        ((_, info, _),) = tlv(signers[1])
        *_, (tag, value, _) = tlv(info)
        fields = len(tlv(info))
        key = x509.load_der_x509_certificate(der).public_key()
    except (ValueError, IndexError):
        bad("no SignedData of one signer")
    if (tag, fields) != (0x04, 5):
        bad("a SignedData of another form")
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(value, signed, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(value, signed, ec.ECDSA(hashes.SHA256()))
        else:
            bad("a key of another kind")
    except InvalidSignature:
        bad("the signature is wrong")
    agency, holder = registry.who(der, "person", at)
    return signed, holder, agency


# -- The count ---------------------------------------------------------------------------------------------------------


def load(data: bytes) -> Any:
    """JSON in which no key stands twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return dict(pairs) if len({key for key, _ in pairs}) == len(pairs) else bad("a key twice")

    return json.loads(data.decode(), object_pairs_hook=once)


def judge(
    vote: Arrived, ballot: dict[str, Any], digest: str, signed: dict[str, bytes], registry: Registry
) -> dict[str, Any]:
    """A vote's line in the result, and beside it what was answered, if it may count."""
    cover, members = load(vote.files["vote.json"]), [one["id"] for one in ballot["members"]]
    line = {"parcel": vote.digest, "vote": cover["vote"], "member": cover["member"], "delegate": "", "answers": {}}
    line |= {"accepted_at": vote.at, "verdict": "invalid"}
    if cover["ballot"] != digest or cover["member"] not in members or cover["vote"] not in signed:
        return line
    try:
        content, holder, agency = signed_by(signed[cover["vote"]], registry, vote.at)
    except Bad:
        return line | {"verdict": "forged"}
    try:
        said = load(content)
        if holder != cover["member"]:
            line["delegate"] = holder
            act = vote.files.get("delegation.p7s", b"")
            given, by, _ = signed_by(act, registry, vote.at) if sha(act) == said["act"] else bad("no delegation")
            wanted = {"ballot": digest, "member": said["member"], "delegate": holder}
            if by != said["member"] or {name: load(given)[name] for name in wanted} != wanted:
                bad("another delegation")
    except Bad:
        return line | {"verdict": "forged"}
    except (ValueError, KeyError):
        return line
    answers = {one["question"]: one for one in said["answers"]}
    allowed = {one["no"]: {option["code"]: option for option in one["options"]} for one in ballot["questions"]}
    same = (said["ballot"], said["member"], said["act"]) == (digest, cover["member"], cover.get("act", ""))
    if agency != vote.sender or not same or list(answers) != list(allowed) or len(said["answers"]) != len(answers):
        return line
    for number, one in answers.items():
        option = allowed[number].get(one["option"])
        if option is None or (option.get("needs_comment") and not one["comment"].strip()):
            return line
    return line | {"verdict": "counted", "answers": {number: one["option"] for number, one in answers.items()}}


def count(ballot: dict[str, Any], lines: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """What was decided, question by question, and who is missing. The lines get their verdicts."""
    voted: dict[str, dict[int, str]] = {}
    for line in sorted(lines, key=lambda one: (one["accepted_at"], one["parcel"])):
        if line["verdict"] == "counted" and line["accepted_at"] > moment(ballot["due_at"]):
            line["verdict"] = "late"
        elif line["verdict"] == "counted" and line["member"] in voted:
            line["verdict"] = "second"
        elif line["verdict"] == "counted":
            voted[line["member"]] = line["answers"]
    missing = [one["id"] for one in ballot["members"] if one["id"] not in voted]
    silent = len(missing) if ballot["silence"] == "agree" else 0
    decided = []
    for question in ballot["questions"]:
        number = question["no"]
        given = Counter(answers[number] for answers in voted.values())
        given["agree"] += silent
        counts = {option["code"]: given[option["code"]] for option in question["options"]}
        base = len(ballot["members"]) if ballot["rule"] == "majority_all" else len(voted) + silent
        most = max(counts.values())
        first = [code for code, votes in counts.items() if votes == most]
        chair = voted.get(ballot["chair"], {}).get(number)
        option, by = "", "none"
        if len(first) == 1 and most * 2 > base:
            option, by = first[0], "majority"
        elif len(first) == 2 and most * 4 > base and ballot["tie"] == "chair" and chair in first:
            option, by = str(chair), "chair"
        decided.append({"no": number, "counts": counts, "silent": silent, "base": base, "decided": option, "by": by})
    return decided, missing


def verify(folder: Path, hub: bytes) -> tuple[dict[str, Any], list[str]]:
    """What follows from the parcels, and where the published result says something else."""
    registry = Registry(Parcel((folder / "registry.asice").read_bytes()), hub)

    def arrived(name: str) -> Arrived:
        return Arrived(
            (folder / f"{name}.asice").read_bytes(), (folder / f"{name}.accepted.asice").read_bytes(), registry
        )

    asked = arrived("ballot")
    ballot, digest = load(asked.files["ballot.json"]), sha(asked.files["ballot.json"])
    secretariat = ballot["secretariat"]["agency"]
    asked.of("ECABINET_BALLOT", secretariat)
    result = arrived("result").of("ECABINET_RESULT", secretariat)
    closing = Arrived(result.files["closing.asice"], result.files["closing.accepted.asice"], registry)
    closing.of("ECABINET_CLOSING", secretariat)
    closed = load(closing.files["closing.json"])
    if closed["ballot"] != digest or closing.at <= moment(ballot["due_at"]):
        bad("a closing of another ballot, or before its end")
    decode = base64.b64decode
    votes = [
        Arrived(decode(one["parcel"]), decode(one["accepted"]), registry)
        for one in load(closing.files["votes.json"])["votes"]
    ]
    named = [(one["parcel"], one["sealed"], moment(one["accepted_at"])) for one in closed["received"]]
    brought = [(one.digest, sha(one.files["vote.p7m"]), one.at) for one in votes]
    covers = [load(one.files["vote.json"])["sealed"] for one in votes]
    if sorted(named) != sorted(brought) or len(set(named)) != len(named) or covers != [one[1] for one in brought]:
        bad("the closing does not bring just the votes that it names")
    opened = [decode(one["vote"]) for one in load(result.files["opened.json"])["signed"]]
    signed = {sha(one): one for one in opened}
    if signed.keys() - {load(one.files["vote.json"])["vote"] for one in votes}:
        bad("a vote that the closing does not name")
    lines = [judge(one.of("ECABINET_VOTE", one.sender), ballot, digest, signed, registry) for one in votes]
    decided, missing = count(ballot, lines)
    lines.sort(key=lambda one: (one["accepted_at"], one["parcel"]))
    said, found = load(result.files["result.json"]), []
    right = {"ballot": digest, "closing": closing.digest, "members": len(ballot["members"]), "questions": decided}
    right |= {name: ballot[name] for name in ("id", "rule", "tie", "silence", "due_at")} | {"missing": missing}
    found += [
        f"{name}: {said.get(name)!r}, right is {value!r}" for name, value in right.items() if said.get(name) != value
    ]
    shown = [
        (one["parcel"], one["vote"], one["member"], moment(one["accepted_at"]), one["verdict"], one["delegate"])
        for one in said["votes"]
    ]
    names = ("parcel", "vote", "member", "accepted_at", "verdict", "delegate")
    if shown != [tuple(one[name] for name in names) for one in lines]:
        found.append("votes: not those that the closing names, each once, with these verdicts")
    for own in sorted(folder.glob("own-*.asice")):
        if not own.name.endswith(".accepted.asice"):
            mine = arrived(own.name.removesuffix(".asice"))
            if mine.at <= moment(ballot["due_at"]) and mine.digest not in {one["parcel"] for one in lines}:
                found.append(f"votes: {own.name}, accepted in time, was dropped")
    return right | {"votes": lines}, found


def main() -> int:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--hub", type=Path, required=True)
    given = parser.parse_args()
    try:
        hub = x509.load_pem_x509_certificate(given.hub.read_bytes()).public_bytes(Encoding.DER)
        right, found = verify(given.folder, hub)
    except (Bad, ValueError, KeyError, TypeError, OSError, zipfile.BadZipFile, ET.ParseError) as error:
        print(f"nothing to count: {type(error).__name__} {error}")
        return 3
    for one in right["questions"]:
        print(f"question {one['no']}: {one['counts']} of {one['base']}: {one['decided'] or 'undecided'} ({one['by']})")
    for line in right["votes"]:
        print(f"{line['vote']} {line['member']} {line['verdict']}")
    for difference in found:
        print(f"DIFFERS {difference}")
    print(
        "the published result does not follow from the votes"
        if found
        else "the published result follows from the votes"
    )
    return 6 if found else 0


if __name__ == "__main__":
    sys.exit(main())
