"""What was dropped into the agencies' outboxes, and what became of it: a ledger that knows nothing of axis."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import json
import time
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as Xml

from tests.line import document

if TYPE_CHECKING:
    from collections.abc import Container, Iterator


@dataclass
class Letter:
    """One document of the campaign, or the recall of one, as its sender knows it."""

    number: int
    sender: str
    recipients: tuple[str, ...]
    is_recall: bool = False
    accepted: bool = False  # its sender holds an A.1
    answered: set[str] = field(default_factory=set)  # recipients whose E.1 the sender holds
    withdrawn: set[str] = field(
        default_factory=set
    )  # for which the sender holds W.1: they never saw it, and never will
    too_late: set[str] = field(default_factory=set)  # of a recall: for which the sender holds W.2, a clerk is asked
    is_put_off: bool = False  # it waits for minutes, since before a restore

    @property
    def is_done(self) -> bool:
        """Every recipient has it and has said so, or was spared it."""
        return all(self.is_done_at(one) for one in self.recipients)

    def is_done_at(self, recipient: str) -> bool:
        """As :attr:`is_done`, of one."""
        asked = recipient in self.too_late or not self.is_recall
        return recipient in self.withdrawn or (recipient in self.answered and asked)


class Ledger:
    """Digests submitted against digests and receipts found."""

    def __init__(self, folders: dict[str, Path]) -> None:
        self.folders = folders
        self.letters: dict[str, Letter] = {}  # by the attachment's SHA-256
        self.by_document: dict[tuple[str, bool], str] = {}  # (DocumentId, whether the recall of it) → digest
        self.arrived: Counter[tuple[str, str]] = Counter()  # (recipient, digest)
        self.taken_in: Counter[str] = Counter()  # by recipient
        self.open: Counter[str] = Counter()  # documents not done, by sender
        self.put_off: Counter[str] = Counter()  # those of them that wait since before a restore
        self.false_receipts: list[str] = []
        self.strangers: list[str] = []
        self.refused: list[str] = []
        self.skewed: list[tuple[str, str]] = []  # (sender, file) refused because the adapter's clock was wrong
        self.done = 0
        self._since: dict[str, list[Heard]] = {}  # what senders have heard since a copy was made
        self._put_back: dict[str, Container[str]] = {}
        # What a journal that is lost alone knew to be shown: (recipient, digest) → the receipt that had not gone out.
        self.unheard: dict[tuple[str, str], str] = {}

    def drop(
        self, number: int, sender: str, recipients: tuple[str, ...], content: bytes, *, is_recall: bool = False
    ) -> None:
        """Give the sender's system one document to send, or the recall of that number."""
        digest = hashlib.sha256(content).hexdigest()
        self.letters[digest] = Letter(number, sender, recipients, is_recall)
        identifier = f"{sender},2026/11/23,{number}/TN-{sender}"
        self.by_document[identifier, is_recall] = digest
        self.open[sender] += 1
        outbox, name = self.folders[sender] / "outbox", f"{number}{'-recall' * is_recall}"
        temporary = outbox / f".{name}"
        asked = RECALL.format(identifier) if is_recall else "<BussinessDocType>0</BussinessDocType>"
        temporary.write_bytes(document(number, sender=sender, to=recipients, content=content, bussiness=asked))
        temporary.rename(outbox / f"{name}.edxml")

    def look(self) -> None:
        """Take away everything that lies in the agencies' folders, and count it. Receipts are read first: what they
        say must be true when they are seen."""
        for code in list(self._put_back):
            self._forget(code, self._put_back[code])
            del self._put_back[code]
        handed: list[tuple[str, Said]] = []
        for code, folder in self.folders.items():
            for path in (folder / "receipts").glob("*.asice"):
                if any(f".{event}." in path.name for event in ("A.1", "E.1", "W.1", "W.2")):
                    handed.append((code, _receipt(path)))
                path.unlink()
            for name in ("status", "sent"):
                for path in (folder / name).glob("[!.]*"):
                    path.unlink()
            for path in (folder / "failed").glob("*.error.json"):
                text = path.read_text("utf-8")
                if {(one["code"], one.get("retry")) for one in json.loads(text)["findings"]} == {("CLOCK_SKEW", True)}:
                    self.skewed.append((code, path.name.removesuffix(".error.json")))
                else:
                    self.refused.append(f"{code}/{path.name}: {text[:600]}")
                path.unlink()
        for code, folder in self.folders.items():
            for path in (folder / "inbox").glob("[!.]*.edxml"):
                for digest in attachments(path.read_bytes()):
                    self.arrived[code, digest] += 1
                    self.taken_in[code] += 1
                    if digest not in self.letters:
                        self.strangers.append(f"{code}/{path.name}")
                path.unlink()
                path.with_suffix(".asice").unlink(missing_ok=True)
        for sender, said in handed:
            self._note(sender, said)

    def put_off_what_is_open(self) -> None:
        """A restore makes what is on its way wait for minutes."""
        for letter in self.letters.values():
            if not letter.is_done and not letter.is_put_off:
                letter.is_put_off = True
                self.put_off[letter.sender] += 1

    def put_again(self, wrong: Container[str]) -> int:
        """A clerk sends what was refused for the adapter's clock once more, when it is right again; how much."""
        ready = [(code, name) for code, name in self.skewed if code not in wrong]
        for code, name in ready:
            self.skewed.remove((code, name))
            (self.folders[code] / "failed" / name).rename(self.folders[code] / "outbox" / name)
        return len(ready)

    def _note(self, sender: str, said: Said) -> None:
        """What a receipt has said to this sender."""
        digest = self.by_document.get((said.document_id, said.is_recall), "")
        letter = self.letters.get(digest)
        if letter is None or letter.sender != sender:
            self.false_receipts.append(f"{sender}: a receipt about what it never sent: {said}")
            return
        letters = [letter]
        if letter.is_recall:  # its W.1 is about the document, too
            letters.append(self.letters[self.by_document[said.document_id, False]])
        before = sum(one.is_done for one in letters)
        news: list[tuple[set[str], Letter]] = []
        for event, recipient in said.statements:
            if event == "A.1":
                letter.accepted = True
            elif event == "E.1" and not self.arrived[recipient, digest]:
                self.false_receipts.append(f"{sender}: E.1 {recipient} {said.document_id}")
            elif event == "E.1":
                news.append((letter.answered, letter))
            elif event == "W.1":
                news += [(one.withdrawn, one) for one in letters]
            elif event == "W.2":
                news.append((letter.too_late, letter))
            for heard, one in news:
                if recipient not in heard and sender in self._since:
                    self._since[sender].append(Heard(said.digest, heard, recipient, one))
                heard.add(recipient)
            news.clear()
        more = sum(one.is_done for one in letters) - before
        self.done += more
        self.open[sender] -= more
        for one in letters:
            if one.is_put_off and one.is_done:
                one.is_put_off = False
                self.put_off[sender] -= 1

    def is_copied(self, sender: str) -> None:
        """A copy of this sender's home is made."""
        self._since[sender] = []

    def is_put_back(self, sender: str, known: Container[str]) -> None:
        """And was put back, and knows these receipts (SHA-256): its system has lost what it has heard beside them, and
        has to hear it again. Called by another than who looks: it is over with the next look."""
        self._put_back[sender] = known
        while sender in self._put_back:
            time.sleep(0.05)

    def _forget(self, sender: str, known: Container[str]) -> None:
        lost = [one for one in self._since.pop(sender) if one.receipt not in known]
        letters = {id(one.letter): one.letter for one in lost}.values()
        before = sum(one.is_done for one in letters)
        for one in lost:
            one.by.discard(one.recipient)
        less = before - sum(one.is_done for one in letters)
        self.done -= less
        self.open[sender] += less

    def withdrawn_and_shown(self) -> list[str]:
        """Documents of which a signed W.1 says that the recipient never saw them, and which the recipient has."""
        return [
            f"{one.sender}: W.1 {recipient} {one.number}, which was shown"
            for digest, one in self.letters.items()
            for recipient in one.withdrawn
            if not one.is_recall and self.arrived[recipient, digest]
        ]

    def recalled(self) -> Counter[str]:
        """What became of recalls, one for each recipient."""
        recalls = [one for one in self.letters.values() if one.is_recall]
        return Counter(
            withdrawn=sum(len(one.withdrawn) for one in recalls),
            asked=sum(len(one.too_late - one.withdrawn) for one in recalls),
        )

    def findings(self, heard: Container[str] = ()) -> list[str]:
        """Everything that the verdict counts, in words."""
        shown = self._known_to_a_lost_journal(heard)
        found = [*self.false_receipts, *self.withdrawn_and_shown(), *self.strangers, *self.refused]
        for digest, one in self.letters.items():
            what = f"{one.sender} {'recall of ' * one.is_recall}{one.number}"
            for to in one.recipients:
                count = self.arrived[to, digest]
                if count > 1 and (to, digest) not in shown:
                    found.append(f"{what}: arrived {count} times at {to}")
                if not one.is_done_at(to):
                    said = [name for name in ("answered", "withdrawn", "too_late") if to in getattr(one, name)]
                    found.append(f"{what}: arrived {count} times at {to}; accepted {one.accepted}, {said}")
        return found

    def _known_to_a_lost_journal(self, heard: Container[str]) -> set[tuple[str, str]]:
        return {one for one, receipt in self.unheard.items() if receipt not in heard}

    def verdict(self, heard: Container[str] = ()) -> dict[str, int]:
        """lost (never arrived, nor withdrawn), doubled, false_receipts, stuck (arrived or withdrawn, but its sender has
        no word of it; refused). Not doubled is what only a journal that was lost knew to be shown: no receipt of it is
        among those that the hub has `heard`."""
        wanted = [(digest, one, recipient) for digest, one in self.letters.items() for recipient in one.recipients]
        shown = self._known_to_a_lost_journal(heard)
        missing = [
            one for digest, one, to in wanted if not self.arrived[to, digest] and not one.is_done_at(to)
        ]  # of a recall the document is looked at: that it was not decided is said by `stuck`
        return {
            "lost": sum(not one.is_recall for one in missing),
            "doubled": sum(count > 1 and one not in shown for one, count in self.arrived.items()) + len(self.strangers),
            "false_receipts": len(self.false_receipts) + len(self.withdrawn_and_shown()),
            "stuck": sum(self.arrived[to, digest] > 0 and not one.is_done_at(to) for digest, one, to in wanted)
            + sum(one.is_recall for one in missing)
            + len(self.refused)
            + len(self.skewed),
        }


RECALL = (
    "<DocumentId>{}</DocumentId><BussinessDocType>1</BussinessDocType><BussinessDocReason>Nhầm</BussinessDocReason>"
)


@dataclass(frozen=True)
class Said:
    """What a receipt says: about which document or recall, and (event, recipient) each."""

    document_id: str
    is_recall: bool
    statements: tuple[tuple[str, str], ...]
    digest: str  # SHA-256 of the receipt


@dataclass(frozen=True)
class Heard:
    """What a sender has heard by a receipt: `recipient` was added to `by`, one of the letter's."""

    receipt: str
    by: set[str]
    recipient: str
    letter: Letter


def _receipt(path: Path) -> Said:
    """A receipt, read without any of axis' code."""
    data = path.read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as container:
        root = Xml.fromstring(container.read("receipt.xml"))
    about, *statements = root
    said = tuple((one.attrib["code"], one.get("recipient", "")) for one in statements)
    return Said(about.text or "", about.get("kind") == "recall", said, hashlib.sha256(data).hexdigest())


def attachments(packet: bytes) -> Iterator[str]:
    """SHA-256 of each attachment of an edXML packet, read without any of axis' code."""
    for element in Xml.fromstring(packet).iter():
        if element.tag.rpartition("}")[2] == "ContentTransferEncoded":
            try:
                yield hashlib.sha256(base64.b64decode("".join((element.text or "").split()))).hexdigest()
            except binascii.Error:
                yield "unreadable"
