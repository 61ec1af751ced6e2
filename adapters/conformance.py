"""The adapter contract as checks that anybody can run on an adapter of their own: ``axis conformance``.

Each check is one promise of adapters/base.py, tried on a fresh agency with what goes wrong in real life: deaths in
between, repeats, lost answers, withdrawals, huge files. Who writes an adapter also writes a :class:`System`, which
plays the document system behind it.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from axis.adapters.base import About, Adapter, LocalFile, Place
from axis.adapters.folder import FOLDERS, FolderAdapter
from axis.adapters.spool import SpoolAdapter
from axis.adapters.spool.selection import Selection
from axis.errors import Fault, Misconfigured, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from axis.adapters.base import Folder

VERSION = "1"  # of the checks; a report of another one says nothing about these
HUGE = 30_000_000  # bytes
MANY = 300  # documents


class System(Protocol):
    """An agency's own document system, played by a test: made with a folder that is its own; `adapter` is the adapter
    under test, connected to it. An object made later with the same folder is the same system after a restart."""

    adapter: Adapter

    def send(self, packet: bytes, name: str) -> None:
        """A clerk sends this packet; `name` is what :meth:`told` is asked by."""

    def mail(self) -> dict[str, bytes]:
        """The packets that it sees and has not taken, by any name."""

    def take(self, name: str) -> None:
        """It has this one durably, and is done with it."""

    def told(self, name: str) -> str:
        """What it was told about what it sent: ``accepted``, ``refused``, or nothing so far."""


class Failed(Exception):
    """The adapter has not kept this promise."""


@dataclass(frozen=True)
class Outcome:
    """One check's result; `why` is empty when it passed."""

    name: str
    why: str


# -- What is handed over in the checks -------------------------------------------------------------------------


@dataclass(frozen=True)
class _Mail:
    """A document for the agency."""

    number: int
    content: bytes = b"<edXML/>"
    about: About = field(init=False)

    def __post_init__(self) -> None:
        ref = f"01920000-0000-7000-8000-{self.number:012d}"
        code = f"{self.number}/VPCP-KSTT"
        about = About(ref, "new", "G22", ("H41",), f"G22,2026/11/23,{code}", code, "V/v tiếng Việt")
        object.__setattr__(self, "about", about)

    @property
    def files(self) -> list[LocalFile]:
        ref = self.about.ref
        return [
            LocalFile("inbox", f"{ref}.asice", b"PK" + self.content, self.about),
            LocalFile("inbox", f"{ref}.edxml", self.content, self.about),
        ]

    @property
    def names(self) -> list[tuple[Folder, str]]:
        return [(file.folder, file.name) for file in self.files]


def _packet(number: int) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<edXML number="{number}">tiếng Việt</edXML>\n'.encode()


def _require(holds: bool, why: str) -> None:
    if not holds:
        raise Failed(why)


def _collected(system: System) -> list[tuple[str, str, bytes]]:
    """What is collected, once it has settled: a folder is looked at twice."""
    list(system.adapter.collect())
    return [(source.ref, source.digest, source.read()) for source in system.adapter.collect()]


def _shown(system: System, mail: _Mail) -> bool:
    system.adapter.prepare(mail.files)
    return system.adapter.complete(mail.names)


# -- The checks: each is a sentence ----------------------------------------------------------------------------


def _it_says_that_it_can_work(make: Callable[[], System]) -> None:
    make().adapter.check()


def _what_is_sent_is_collected_byte_for_byte_under_its_digest(make: Callable[[], System]) -> None:
    system, packet = make(), _packet(1)
    _require(_collected(system) == [], "something is collected that nobody has sent")
    system.send(packet, "a")
    found = _collected(system)
    _require(len(found) == 1, f"{len(found)} packets are collected of one")
    _require(found[0][2] == packet, "its bytes have changed")
    _require(found[0][1] == hashlib.sha256(packet).hexdigest(), "its digest is not the SHA-256 of its bytes")


def _what_is_sent_is_collected_until_it_is_answered_also_after_a_restart(make: Callable[[], System]) -> None:
    system = make()
    system.send(_packet(1), "a")
    refs = [one[0] for one in _collected(system)]
    for again in (system, make()):
        _require([one[0] for one in _collected(again)] == refs, "it was given once, and forgotten before the answer")
    _require(make().told("a") == "", "it was told an answer that nobody gave")


def _what_was_accepted_is_told_and_not_collected_again(make: Callable[[], System]) -> None:
    system = make()
    system.send(_packet(1), "a")
    ((ref, _, _),) = _collected(system)
    for _ in range(2):  # the second is the same answer, after a lost acknowledgement
        system.adapter.accepted(ref)
    _require(system.told("a") == "accepted", "its system was not told")
    _require(_collected(system) == [], "it is collected again")
    _require(_collected(make()) == [], "it is collected again after a restart")


def _what_was_refused_is_told_with_the_report_and_may_be_sent_again(make: Callable[[], System]) -> None:
    system = make()
    system.send(_packet(1), "a")
    ((ref, _, _),) = _collected(system)
    report = json.dumps({"findings": [{"code": "AGENCY_UNKNOWN", "text_vi": "Không có cơ quan H99."}]}).encode()
    for _ in range(2):
        system.adapter.refused(ref, report)
    _require(system.told("a") == "refused", "its system was not told")
    _require(_collected(system) == [], "it is collected again, though nobody has sent it again")
    system.send(_packet(1), "b")
    _require(len(_collected(system)) == 1, "a corrected packet is not collected")


def _several_are_collected_in_order_and_answered_each_for_itself(make: Callable[[], System]) -> None:
    system = make()
    for number in range(1, 6):
        system.send(_packet(number), f"{number}")
    found = _collected(system)
    _require([one[2] for one in found] == [_packet(n) for n in range(1, 6)], "not all, or in another order")
    system.adapter.accepted(found[2][0])
    _require([one[2] for one in _collected(system)] == [_packet(n) for n in (1, 2, 4, 5)], "another one was answered")


def _nothing_is_seen_before_it_is_complete_also_after_a_restart(make: Callable[[], System]) -> None:
    system, mail = make(), _Mail(1)
    system.adapter.prepare(mail.files)
    _require(system.mail() == {}, "it is seen before the axis has recorded that it may be")
    _require(make().mail() == {}, "it is seen after a death in between")
    system.adapter.prepare(mail.files)
    _require(system.mail() == {}, "it is seen when it is prepared once more")


def _what_was_prepared_survives_a_death_and_is_shown_whole(make: Callable[[], System]) -> None:
    system, mail = make(), _Mail(1, "<edXML>Nghệ An</edXML>".encode())
    system.adapter.prepare(mail.files)
    again = make()
    again.adapter.complete(mail.names)
    seen = list(again.mail().values())
    _require(seen == [mail.content], "what was prepared before the death is not there, or not whole")
    _require(list(make().mail().values()) == [mail.content], "it is gone after a restart")


def _what_is_completed_twice_is_seen_once(make: Callable[[], System]) -> None:
    system, mail = make(), _Mail(1)
    _shown(system, mail)
    system.adapter.complete(mail.names)
    make().adapter.complete(mail.names)
    _require(len(make().mail()) == 1, f"it is seen {len(make().mail())} times")


def _what_the_system_has_taken_never_comes_back(make: Callable[[], System]) -> None:
    system, mail = make(), _Mail(1)
    _shown(system, mail)
    for name in system.mail():
        system.take(name)
    for again in (system, make()):  # the axis died before it recorded that it was shown
        again.adapter.complete(mail.names)
        _require(again.mail() == {}, "it is seen a second time: a clerk would deal with it twice")


def _what_was_withdrawn_is_never_seen(make: Callable[[], System]) -> None:
    system, mail = make(), _Mail(1)
    system.adapter.discard(mail.names)  # of what was never prepared: no error
    system.adapter.prepare(mail.files)
    system.adapter.discard(mail.names)
    system.adapter.discard(mail.names)
    system.adapter.complete(mail.names)
    _require(system.mail() == {}, "it is seen after a certain withdrawal")
    _require(make().mail() == {}, "it is seen after a restart")


def _what_was_shown_is_not_taken_away_again(make: Callable[[], System]) -> None:
    system, mail = make(), _Mail(1)
    _shown(system, mail)
    system.adapter.discard(mail.names)
    _require(len(system.mail()) == 1, "a clerk has seen it, and it is gone")


def _one_withdrawal_leaves_the_others_alone(make: Callable[[], System]) -> None:
    system, first, second = make(), _Mail(1, b"first"), _Mail(2, b"second")
    system.adapter.prepare(first.files)
    system.adapter.prepare(second.files)
    system.adapter.discard(first.names)
    system.adapter.complete(second.names)
    _require(list(system.mail().values()) == [b"second"], "the other document is gone, or the withdrawn one is there")


def _who_has_its_mail_says_so_once_and_until_it_is_recorded(make: Callable[[], System]) -> None:
    system, mail = make(), _Mail(1)
    has_it = _shown(system, mail)
    _require(list(system.adapter.answers()) == [], "it says that its system has what nobody has taken")
    for name in system.mail():
        system.take(name)
    said = [one.ref for one in system.adapter.answers()]
    expected = [] if has_it else [mail.about.ref]
    _require(said == expected, f"its system has taken it; it says {said}, and {expected} was to be said")
    _require([one.ref for one in make().adapter.answers()] == expected, "the answer is forgotten before it is recorded")
    for _ in range(2):
        system.adapter.answered(mail.about.ref)
    _require(list(system.adapter.answers()) == [], "it is said again after it was recorded")
    if together := getattr(system.adapter, "all_answered", None):
        others = [_Mail(2), _Mail(3)]
        for other in others:
            _shown(system, other)
        for name in system.mail():
            system.take(name)
        together([other.about.ref for other in others])
        _require(list(system.adapter.answers()) == [], "what was recorded together is said again")


def _a_huge_document_passes_byte_for_byte(make: Callable[[], System]) -> None:
    system = make()
    mail = _Mail(1, bytes(range(256)) * (HUGE // 256))
    _shown(system, mail)
    _require(list(system.mail().values()) == [mail.content], "a document of 30 MB is not there, or has changed")


def _many_documents_pass_each_once(make: Callable[[], System]) -> None:
    system = make()
    for number in range(1, MANY + 1):
        _shown(system, _Mail(number, b"%d" % number))
    found, expected = sorted(system.mail().values()), sorted(b"%d" % number for number in range(1, MANY + 1))
    _require(found == expected, f"{len(found)} of {MANY}, or other bytes")


CHECKS: tuple[Callable[[Callable[[], System]], None], ...] = (
    _it_says_that_it_can_work,
    _what_is_sent_is_collected_byte_for_byte_under_its_digest,
    _what_is_sent_is_collected_until_it_is_answered_also_after_a_restart,
    _what_was_accepted_is_told_and_not_collected_again,
    _what_was_refused_is_told_with_the_report_and_may_be_sent_again,
    _several_are_collected_in_order_and_answered_each_for_itself,
    _nothing_is_seen_before_it_is_complete_also_after_a_restart,
    _what_was_prepared_survives_a_death_and_is_shown_whole,
    _what_is_completed_twice_is_seen_once,
    _what_the_system_has_taken_never_comes_back,
    _what_was_withdrawn_is_never_seen,
    _what_was_shown_is_not_taken_away_again,
    _one_withdrawal_leaves_the_others_alone,
    _who_has_its_mail_says_so_once_and_until_it_is_recorded,
    _a_huge_document_passes_byte_for_byte,
    _many_documents_pass_each_once,
)


def name_of(check: Callable[..., None]) -> str:
    """A check's sentence."""
    return check.__name__.replace("_", " ").strip()


def run(driver: Callable[[Path], System]) -> Iterator[Outcome]:
    """Every check on a fresh agency; what an adapter raises is its failure, never ours."""
    for check in CHECKS:
        with tempfile.TemporaryDirectory(prefix="axis-conformance-") as folder:
            place = Path(folder) / "agency"
            try:
                check(lambda place=place: driver(place))  # type: ignore[misc]
            except Failed as failure:
                yield Outcome(name_of(check), str(failure))
            except Exception as error:  # noqa: BLE001  foreign code
                yield Outcome(name_of(check), f"{type(error).__name__}: {error}"[:300])
            else:
                yield Outcome(name_of(check), "")


def load(name: str) -> Callable[[Path], System]:
    """The driver of one of our kinds, or ``package.module:Class``. Raises :class:`Misconfigured` ADAPTER_UNKNOWN."""
    if name in DRIVERS:
        return DRIVERS[name]
    module, _, attribute = name.partition(":")
    try:
        found: Callable[[Path], System] = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        expected = ", ".join([*DRIVERS, "package.module:Class"])
        raise Misconfigured(Problem(Fault.ADAPTER_UNKNOWN, got=f"{name} ({error})", expected=expected)) from None
    return found


# -- Our own -----------------------------------------------------------------------------------------------------


class FolderSystem:
    """A document system that works with the folder adapter's folders."""

    def __init__(self, root: Path) -> None:
        self._root = root
        for name in FOLDERS:
            (root / name).mkdir(parents=True, exist_ok=True)
        self.adapter: Adapter = FolderAdapter(Place("H41", root, {"settle_seconds": 0}))

    def send(self, packet: bytes, name: str) -> None:
        """See :class:`System`."""
        temporary = self._root / "outbox" / ".new"
        temporary.write_bytes(packet)
        temporary.rename(self._root / "outbox" / f"{name}.edxml")

    def mail(self) -> dict[str, bytes]:
        """See :class:`System`."""
        found = [*(self._root / "inbox").glob("*.edxml"), *(self._root / "status").glob("*.edxml")]
        return {path.name: path.read_bytes() for path in found if not path.name.startswith(".")}

    def take(self, name: str) -> None:
        """See :class:`System`."""
        for folder in ("inbox", "status"):
            (self._root / folder / name).unlink(missing_ok=True)

    def told(self, name: str) -> str:
        """See :class:`System`."""
        if (self._root / "sent" / f"{name}.edxml").exists():
            return "accepted"
        return "refused" if (self._root / "failed" / f"{name}.edxml.error.json").exists() else ""


class SpoolSystem:
    """A document system that fetches its mail from the spool."""

    def __init__(self, root: Path) -> None:
        self._names = root / "names.json"
        own = SpoolAdapter(Place("H41", root))
        self.spool = own.spool
        self.adapter: Adapter = own

    def send(self, packet: bytes, name: str) -> None:
        """See :class:`System`."""
        about = About("", "new", "H41", ("G22",), f"H41,2026/11/23,{name}", name, "")
        with self.spool.upload() as upload:
            for at in range(0, len(packet), 1000):
                upload.write(packet[at : at + 1000])
            identifier = self.spool.submit(upload, about)["id"]
        self._names.write_text(json.dumps(self._known() | {name: identifier}), "utf-8")

    def mail(self) -> dict[str, bytes]:
        """See :class:`System`."""
        found = {}
        for row in self.spool.received(Selection(("inbox", "status"), states=("initial", "processing"))):
            path = self.spool.path(row)
            if path is not None:
                found[str(row["id"])] = path.read_bytes()
        return found

    def take(self, name: str) -> None:
        """See :class:`System`."""
        self.spool.acknowledge(name, "done")

    def told(self, name: str) -> str:
        """See :class:`System`."""
        (row,) = self.spool.sent(Selection(), self._known()[name])
        return "" if row["state"] == "pending" else str(row["state"])

    def _known(self) -> dict[str, str]:
        return json.loads(self._names.read_text("utf-8")) if self._names.exists() else {}


DRIVERS: dict[str, Callable[[Path], System]] = {"folder": FolderSystem, "spool": SpoolSystem}
