"""The scenes of the demo. Each is done by the line itself, and told by its record and by signed receipts that were
verified: what is said of a scene was found, never assumed."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from axis import bootstrap
from axis.core import edxml, parcel, receipt
from axis.core.edxml import Organ, ResponseFor
from axis.core.instant import VIETNAM, to_text
from axis.errors import Fault, Problem, Unavailable
from axis.services.questions import board, trace
from axis.trials import demo_documents
from axis.trials.demo_documents import CIRCULAR, LETTER, RECIPIENT, SENDER, SMALL, Letter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from axis.core.registry import Registry
    from axis.home import Home
    from axis.infra.record.store import HubStore

NOBODY = "H99"  # no agency has this code
MENDED, AWAY, SLOW = "H25", "H26", "H29"  # who gets the mended letter; whose adapter stands still; who has it already
ANOTHER = "H42"  # what an altered receipt says instead of the recipient
REASON = "Ban hành nhầm"
SIGNED_PROPERTIES = "http://uri.etsi.org/01903/v1.3.2#:SignedProperties"  # whose Id xmlsec1 has to be told of
NEXT = "next.edxml"  # in a home that is kept: a packet that the reader may send


@dataclass(frozen=True)
class Scene:
    """One thing that happened: `facts` for its texts, ``demo.scene.NAME``, as they can be written in JSON."""

    name: str
    facts: dict[str, Any]


class Line(Protocol):
    """The line on which the scenes are played, embedded or served."""

    @property
    def home(self) -> Home:
        """Where it is."""

    def folder(self, code: str, name: str) -> Path:
        """A folder of an agency."""

    def settle(self, done: Callable[[], bool], away: str = "") -> None:
        """Let it work until `done()`, while the adapter of agency `away` stands still. Raises :class:`Unavailable`
        where it does not come to that."""


@dataclass(frozen=True)
class Signed:
    """One statement of a receipt that was verified."""

    event: str
    signer: str
    time: str
    recipient: str
    reasons: tuple[dict[str, str], ...]
    path: Path


class Stage:
    """What the scenes have in common: the line, its record, the registry, the clock."""

    def __init__(self, line: Line, record: HubStore, registry: Registry, now: Callable[[], datetime], seed: int):
        self.line, self.record, self.registry, self.now, self.seed = line, record, registry, now, seed
        self.names = {member.code: member.name_vi for member in registry.agencies}

    def drop(self, code: str, name: str, data: bytes) -> None:
        """Put a file into an agency's outbox, whole at once, as its document system does."""
        outbox = self.line.folder(code, "outbox")
        (outbox / f".{name}").write_bytes(data)
        (outbox / f".{name}").rename(outbox / name)

    def packet(self, letter: Letter, recalling: str = "") -> bytes:
        """The packet of a letter, or one that takes it back."""
        names = {NOBODY: "UBND tỉnh (gõ nhầm mã)", **self.names}
        return demo_documents.packet(letter, names, self.now(), self.seed, recalling)

    def asked(self, letter: Letter) -> dict[str, Any]:
        """What the record has of it, as ``axis trace --json``."""
        return trace.trace(self.record, letter.document_id)

    def state(self, letter: Letter, code: str) -> str:
        """Of its delivery to `code`; "" while there is none."""
        try:
            deliveries = self.asked(letter)["deliveries"]
        except trace.NotTheOne:
            return ""
        return next((str(one["state"]) for one in deliveries if one["recipient"] == code), "")

    def receipts(self, letter: Letter) -> list[Signed]:
        """Every statement that its sender holds about it, each receipt verified with the registry's keys."""
        found = []
        for path in sorted(self.line.folder(letter.sender, "receipts").rglob("*.asice")):
            data = path.read_bytes()
            if path.name.startswith(".") or letter.document_id.encode() not in parcel.peek(data)[1]:
                continue
            opened = parcel.verify(data, self.registry, self.now())
            for one in receipt.of(opened).statements:
                reasons = tuple({"code": r.code, "vi": r.text_vi, "en": r.text_en} for r in one.reasons)
                found.append(Signed(one.event.code, opened.signer, to_text(one.time), one.recipient, reasons, path))
        return found

    def said(self, letter: Letter, event: str, recipient: str = "") -> Signed:
        """The statement of this event about it. Raises :class:`Unavailable` where nobody holds one."""
        for one in self.receipts(letter):
            if one.event == event and recipient in {"", one.recipient}:
                return one
        raise Unavailable(Problem(Fault.NOT_FOUND, got=f"{event} {letter.code}"))

    def has(self, letter: Letter, event: str) -> bool:
        """Whether its sender holds such a statement."""
        return any(one.event == event for one in self.receipts(letter))

    def arrived(self, letter: Letter, code: str) -> list[Path]:
        """The files in the inbox of `code` that have the letter's own attachment, byte for byte."""
        wanted = hashlib.sha256(demo_documents.attachment(letter, self.seed)).hexdigest()
        found = []
        for path in sorted(self.line.folder(code, "inbox").glob("[!.]*.edxml")):
            if wanted in demo_documents.attachments_of(path):
                found.append(path)
        return found

    def shown(self, path: Path) -> str:
        """A path as it stands in the home."""
        return str(path.relative_to(self.line.home.path))


def play(stage: Stage, letters: Sequence[Letter], death: Mapping[str, Any], tell: Callable[[Scene], None]) -> None:
    """All scenes in order; the first three have happened already among `letters`."""
    last = len(letters)
    wrong = Letter(last + 1, SENDER, (NOBODY,), SMALL, 0)
    good = replace(wrong, recipients=(MENDED,))
    in_time, too_late = (Letter(last + n, SENDER, (code,), SMALL, 0) for n, code in ((2, AWAY), (3, SLOW)))
    tell(_letter(stage, letters[LETTER - 1]))
    tell(_circular(stage, letters[CIRCULAR - 1]))
    tell(Scene("death", dict(death)))

    # One agency's adapter stands still meanwhile: what is for it waits.
    name = f"{wrong.number:05}.edxml"
    for one in (wrong, in_time, too_late):
        stage.drop(SENDER, f"{one.number:05}.edxml", stage.packet(one))
    failed = stage.line.folder(SENDER, "failed")
    stage.line.settle(
        lambda: (
            bool(list(failed.rglob(f"{name}.error.json")))
            and stage.state(in_time, AWAY) == "QUEUED"
            and stage.state(too_late, SLOW) == "HANDED_OVER"
        ),
        AWAY,
    )
    refused = _refusal(stage, wrong, next(failed.rglob(f"{name}.error.json")))
    shown = stage.said(too_late, "E.1", SLOW)
    stage.drop(SENDER, f"{good.number:05}-mended.edxml", stage.packet(good))
    for one in (in_time, too_late):
        stage.drop(SENDER, f"{one.number:05}-recall.edxml", stage.packet(one, REASON))
    stage.line.settle(
        lambda: stage.state(good, MENDED) == "HANDED_OVER" and stage.has(too_late, "W.2"),
        AWAY,
    )
    tell(Scene("refusal", refused | _mending(stage, good)))

    # It works again, and finds the letter and its recall; the other agency's clerk answers.
    late = stage.said(too_late, "W.2")
    stage.drop(SLOW, f"{too_late.number:05}-15.edxml", _agreement(stage, too_late))
    stage.line.settle(lambda: stage.has(in_time, "W.1") and _stage_of(stage, too_late) == "AGREED")
    tell(_in_time(stage, in_time))
    facts = {"code": too_late.code, "recipient": SLOW, "handed_over_at": shown.time, "signer": late.signer}
    answered = {"too_late_at": late.time, "stage": _stage_of(stage, too_late), "reason": late.reasons[0]}
    tell(Scene("too_late", facts | answered))
    tell(check(stage.line.home.path, stage.said(letters[LETTER - 1], "E.1").path))


def leave(stage: Stage, letters: Sequence[Letter]) -> Scene:
    """Put a packet for the reader to send into the home, :data:`NEXT`, and name what may be asked about there."""
    last = len(letters)
    letter = Letter(last + 4, SENDER, (RECIPIENT, AWAY), SMALL, 0)
    (stage.line.home.path / NEXT).write_bytes(stage.packet(letter))
    receipt_of_the_first = stage.shown(stage.said(letters[LETTER - 1], "E.1").path)
    facts = {"packet": NEXT, "number": letter.code, "suspended": AWAY, "receipt": receipt_of_the_first}
    return Scene("next", facts | {"circular": letters[CIRCULAR - 1].code, "recalled": f"{last + 3}/TL-{SENDER}"})


def _letter(stage: Stage, letter: Letter) -> Scene:
    accepted, handed = stage.said(letter, "A.1"), stage.said(letter, "E.1")
    (path,) = stage.arrived(letter, RECIPIENT)
    facts = {
        "code": letter.code,
        "sender": letter.sender,
        "recipient": RECIPIENT,
        "accepted_at": accepted.time,
        "accepted_by": accepted.signer,
        "handed_over_at": handed.time,
        "handed_over_by": handed.signer,
        "file": stage.shown(path),
        "receipt": stage.shown(handed.path),
        "digest": hashlib.sha256(demo_documents.attachment(letter, stage.seed)).hexdigest(),
    }
    return Scene("letter", facts)


def _circular(stage: Stage, letter: Letter) -> Scene:
    value = board.board(stage.record, stage.registry, letter.document_id, stage.now())
    states = [one["standing"] for one in value["recipients"]]
    certificate = stage.said(letter, "S.1")
    facts = {
        "code": letter.code,
        "sender": letter.sender,
        "recipients": len(states),
        "handed_over": states.count("handed_over"),
        "signer": certificate.signer,
        "receipt": stage.shown(certificate.path),
    }
    return Scene("circular", facts)


def _refusal(stage: Stage, letter: Letter, report: Path) -> dict[str, Any]:
    refused = stage.said(letter, "A.2")
    facts = {"code": letter.code, "file": stage.shown(report), "signer": refused.signer, "refused_at": refused.time}
    return facts | {"fault": refused.reasons[0]["code"], "reason": refused.reasons[0]}


def _mending(stage: Stage, letter: Letter) -> dict[str, Any]:
    accepted, handed = stage.said(letter, "A.1"), stage.said(letter, "E.1")
    facts = {"document_id": letter.document_id, "recipient": MENDED, "accepted_at": accepted.time}
    return facts | {"handed_over_at": handed.time, "mended_by": handed.signer}


def _agreement(stage: Stage, letter: Letter) -> bytes:
    day = stage.now().astimezone(VIETNAM).strftime("%Y/%m/%d")
    about = ResponseFor(letter.sender, letter.code, letter.document_id, day)
    return edxml.status_packet(Organ(SLOW, stage.names[SLOW]), about, "15", stage.now(), "Đồng ý thu hồi")


def _stage_of(stage: Stage, letter: Letter) -> str:
    """How far the recall of it is."""
    changes = stage.asked(letter)["changes"]
    return str(changes[0]["units"][0]["stage"]) if changes and changes[0]["units"] else ""


def _in_time(stage: Stage, letter: Letter) -> Scene:
    withdrawn = stage.said(letter, "W.1")
    facts = {
        "code": letter.code,
        "recipient": AWAY,
        "signer": withdrawn.signer,
        "withdrawn_at": withdrawn.time,
        "state": stage.state(letter, AWAY),
        "in_inbox": len(stage.arrived(letter, AWAY)),
        "reason": REASON,
    }
    return Scene("in_time", facts)


def check(home: Path, path: Path) -> Scene:
    """A receipt, tried by a tool that knows nothing of this program: as it is, and with another recipient in it."""
    tool = "xmlsec1" if shutil.which("xmlsec1") else ""
    facts: dict[str, Any] = {"receipt": str(path.relative_to(home)), "tool": tool}
    if tool:
        facts["good"], facts["altered"] = (_xmlsec1(path, home / "pki" / "ca.pem", alter) for alter in (False, True))
    return Scene("check", facts)


def _xmlsec1(path: Path, authority: Path, alter: bool) -> bool:
    import zipfile

    with tempfile.TemporaryDirectory(prefix="axis-demo-") as folder:
        with zipfile.ZipFile(path) as container:
            container.extractall(folder)
        said = Path(folder) / "receipt.xml"
        if alter:
            told = said.read_bytes()
            said.write_bytes(told.replace(RECIPIENT.encode(), ANOTHER.encode(), 1))
            assert said.read_bytes() != told  # noqa: S101  otherwise nothing was tried
        command = ["xmlsec1", "--verify", "--trusted-pem", str(authority.resolve())]
        command += ["--id-attr:Id", SIGNED_PROPERTIES, "META-INF/signatures.xml"]
        return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0


def open_stage(line: Line, record: HubStore, now: Callable[[], datetime], seed: int) -> Stage:
    """A stage on `line`, with the registry as it is now."""
    from axis.home import reading_registry

    with reading_registry(bootstrap.open_home(line.home.path)) as registry:
        return Stage(line, record, registry, now, seed)
