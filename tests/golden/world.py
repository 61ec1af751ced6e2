"""A hub with agencies that a case plays: what they put into their queues, and what the hub does of it.

Everything goes in as parcels in the agencies' queues, and comes out as rows of tables and parcels in queues. A case is a
function that takes a :class:`World`; its messages may be given to the hub in other batches than it gives them
(:attr:`World.arrange`)."""

from __future__ import annotations

import atexit
import hashlib
import shutil
import sqlite3
import uuid
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from axis import bootstrap, config
from axis.core import edxml, parcel, receipt
from axis.core.instant import whole
from axis.core.message import Delivered, Message, Route
from axis.core.receipt import Event, Receipt, Statement, Subject
from axis.errors import Fault, Problem
from axis.infra import keystore
from axis.services.operate import registry as members
from tests import line
from tests.golden.queues import Queues
from tests.golden.step import HubUnderTest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from types import TracebackType

    from axis.core.message import Outcome
    from axis.core.signature import Signer
    from axis.services.operate.registry import Registrar

GIVE_UP = 3  # attempts until D.2
START = line.Clock().now
EVENTS = {event.code: event for event in Event}
MEMORY = Path("/dev/shm")


@dataclass(frozen=True)
class Mail:
    """What an agency puts into its queue. `documents`: of what it speaks; two with none in common may change places."""

    label: str
    code: str  # the agency in whose queue it lies
    body: bytes
    documents: frozenset[str] = frozenset()
    publisher: str | None = ""  # by the broker's word; "": the agency itself
    trouble: str = ""
    redelivered: bool = False
    origin: str = ""


def together(mails: Sequence[Mail]) -> list[list[Mail]]:
    """One batch."""
    return [list(mails)]


def one_by_one(mails: Sequence[Mail]) -> list[list[Mail]]:
    """Each alone."""
    return [[one] for one in mails]


@cache
def _template() -> Path:
    """A home that has told every agency its registry."""
    made = line._template(line.CODES, GIVE_UP)
    folder = Path(mkdtemp(prefix="axis-golden-", dir=MEMORY if MEMORY.is_dir() else None))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    home = folder / "home"
    home.mkdir()
    for name in ("keys", "pki", "axis.db-segments"):
        shutil.copytree(made / name, home / name)
    for path in made.iterdir():
        if path.is_file():
            shutil.copy2(path, home / path.name)
    hub = HubUnderTest(home, Queues())
    now = START
    while hub.round(now):
        now += timedelta(milliseconds=1)
    hub.close()
    return home


@cache
def signer_of(code: str) -> Signer:
    """The key of an agency, or of the hub, at the beginning."""
    return keystore.load_signer(_template() / "keys", code)


@cache
def parcel_of(code: str, data: bytes, at: datetime, salt: int = 0) -> tuple[bytes, frozenset[str]]:
    """(the parcel that an agency's adapter makes of a packet, the documents that it speaks of); `salt`: of the same
    packet another parcel."""
    made = edxml.convert(data)
    body = parcel.build(parcel.DOCUMENT, made.document, made.attachments, signer_of(code), at)
    packet = made.packet
    named = {packet.target, *(identifier for identifier, _ in packet.replaced)} if packet is not None else set()
    return body, frozenset(named)


class World:
    """A fresh hub, its queues, and a clock that stands still until it is moved."""

    def __init__(self, arrange: Callable[[Sequence[Mail]], list[list[Mail]]] = together) -> None:
        self.arrange = arrange
        template = _template()
        self.home = Path(mkdtemp(prefix="w", dir=template.parent))
        shutil.copytree(template, self.home, dirs_exist_ok=True)
        self.queues = Queues()
        self.now = START
        self.labels: dict[str, str] = {}  # digest of a parcel's bytes, or of its content -> what the case calls it
        self._hub: HubUnderTest | None = None
        self._handles = 0
        self._is_fresh = True

    def __enter__(self) -> World:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        shutil.rmtree(self.home, ignore_errors=True)

    # -- The hub ----------------------------------------------------------------------------------------------

    @property
    def hub(self) -> HubUnderTest:
        """The worker; opened when it is needed."""
        self._is_fresh = False
        if self._hub is None:
            self._hub = HubUnderTest(self.home, self.queues)
        return self._hub

    def close(self) -> None:
        """The worker ends; the next is a new one."""
        if self._hub is not None:
            self._hub.close()
            self._hub = None

    def once(self, begin: Callable[[World], None], *key: object) -> None:
        """What many cases begin with: done once, each message in its own order, and copied from then on. `key` tells
        what `begin` does."""
        if not self._is_fresh:
            begin(self)
            return
        if key not in _beginnings:
            arranged, self.arrange = self.arrange, together
            begin(self)
            self.arrange = arranged
            self.close()
            folder = Path(mkdtemp(prefix="begun", dir=_template().parent))
            _copy_record(self.home, folder)
            _beginnings[key] = _Beginning(folder, self.now, dict(self.labels), list(self.queues.out), self._handles)
            return
        begun = _beginnings[key]
        _copy_record(begun.folder, self.home)
        self.now, self.labels, self._handles = begun.now, dict(begun.labels), begun.handles
        self.queues.out[:] = begun.out
        self._is_fresh = False

    def tick(self) -> datetime:
        """The clock goes on by a millisecond."""
        self.now += timedelta(milliseconds=1)
        return self.now

    def settle(self) -> None:
        """Rounds until nothing is to be done now."""
        while self.hub.round(self.tick()):
            pass

    def wait(self, **time: float) -> None:
        """The time passes, and what is due then is done."""
        self.now += timedelta(**time)
        self.settle()

    def give(self, *mails: Mail) -> None:
        """Put these into their queues and let the hub take them, in the batches that are to be tried; nothing goes out
        before :meth:`settle`."""
        for one in mails:
            self.labels.setdefault(hashlib.sha256(one.body).hexdigest(), one.label)
            self.labels.setdefault(parcel.unverified_digest(one.body), one.label)
        for group in self.arrange(mails):
            for one in group:
                self._put(one)
            while self.queues.ready and self.hub.take(self.tick()):
                pass

    def send(self, *mails: Mail) -> None:
        """:meth:`give`, and :meth:`settle`."""
        self.give(*mails)
        self.settle()

    def _put(self, mail: Mail) -> None:
        self._handles += 1
        publisher = mail.code if mail.publisher == "" else mail.publisher
        message = Message(
            f"{mail.label}-{self._handles}", Route("in", mail.code), mail.body, b"", publisher, mail.origin
        )
        self.queues.ready.append(Delivered(message, mail.redelivered, self._handles, mail.trouble))

    # -- What agencies say --------------------------------------------------------------------------------------

    def packet(self, label: str, code: str, data: bytes, *, ago: float = 0, salt: int = 0, **more: str | None) -> Mail:
        """A packet, signed by `code` so many minutes ago. Another `salt`: the same in another parcel."""
        at = whole(START).replace(microsecond=0) - timedelta(minutes=ago)
        body, documents = parcel_of(code, data, at, salt)
        return Mail(label, more.pop("queue", None) or code, body, documents, **more)  # type: ignore[arg-type]

    def receipt(
        self,
        event: str,
        code: str,
        about: str,
        *,
        why: Fault | None = None,
        of: str = "",
        claims: Sequence[tuple[str, str]] = (),
        signer: Signer | None = None,
        subject: Subject | None = None,
        label: str = "",
        installation: str = "",
        **more: str | None,
    ) -> Mail:
        """What the adapter of `code` says of a parcel that it was sent, by label; the A.1 beside it has the subject.

        `of`: about the parcel as another agency was sent it; `claims`: further (event, recipient) in the same receipt.
        """
        subject = subject or self.subject_of(about, of or code)
        said = []
        for one, recipient in ((event, code), *claims):
            problem = Problem(why or (Fault.RECALL_LATE if one == "W.2" else Fault.DELIVERY_INVALID), got="01")
            reasons = () if EVENTS[one].positive else receipt.reasons([problem])
            entry = hashlib.sha256(f"{one} {recipient} {about}".encode()).hexdigest()
            said.append(Statement(str(uuid.uuid4()), EVENTS[one], whole(self.now), recipient, (), reasons, entry))
        written = Receipt(installation or INSTALLATION, code, subject, tuple(said))
        body = receipt.signed(written, signer or signer_of(code), self.now.replace(microsecond=0))
        name = label or f"{event} by {code} about {about}"
        return Mail(name, more.pop("queue", None) or code, body, frozenset({subject.document_id}), **more)  # type: ignore[arg-type]

    def subject_of(self, about: str, code: str) -> Subject:
        """What the A.1 beside the parcel with this label says that it is."""
        for message in reversed(self.queues.out):
            digest = hashlib.sha256(message.body).hexdigest()
            if message.route.code == code and message.proof and self.labels.get(digest) == about:
                content = parcel.peek(message.proof)[1]
                return receipt.read(content, "HUB").subject
        raise AssertionError(f"{code} was not sent {about}")

    def told(self, code: str, event: str, about: str) -> Subject:
        """The subject of the receipt that an agency was given about what it has sent, by label."""
        for message in self.queues.out:
            if message.route.code == code and parcel.peek(message.body)[0] == parcel.RECEIPT:
                found = receipt.claimed(parcel.peek(message.body)[1])
                if found.statements[0].event.code == event and self.labels.get(found.subject.content_digest) == about:
                    return found.subject
        raise AssertionError(f"{code} was not given {event} about {about}")

    # -- The surroundings ---------------------------------------------------------------------------------------

    def change_registry(self, change: Callable[[Registrar, datetime], object]) -> None:
        """Somebody changes the registry while the hub rests."""
        self._is_fresh = False
        self.close()
        with bootstrap.registrar(bootstrap.open_home(self.home)) as registrar:
            change(registrar, self.tick())

    def configure(self, **hub: object) -> None:
        """Other settings of the hub from now on."""
        self._is_fresh = False
        self.close()
        settings = config.load(self.home)
        changed = settings._replace(hub=settings.hub._replace(**hub))  # type: ignore[arg-type]
        (self.home / config.FILE).write_text(config.render(changed), "utf-8")

    def suspend(self, code: str) -> None:
        """Its mail waits."""
        self.change_registry(lambda registrar, now: members.suspend(registrar, code, "thử", now))

    def resume(self, code: str) -> None:
        """Its mail goes on."""
        self.change_registry(lambda registrar, now: members.resume(registrar, code, "thử", now))

    def end(self, code: str, successor: str = "") -> None:
        """It is closed from now on."""
        self.change_registry(lambda registrar, now: members.close(registrar, code, successor, "thử", now, now))

    def revoke(self, code: str) -> None:
        """Its key is revoked; it has a new one, which nobody uses here."""
        self.change_registry(lambda r, now: members.rotate(r, code, "p256", revoke=True, reason="thử", now=now))

    def publishing(self, code: str, outcome: Outcome) -> None:
        """What becomes of what is published to an agency from now on."""
        self._is_fresh = False
        self.queues.outcomes[code] = outcome

    def arrives_all_the_same(self, code: str) -> None:
        """What is published to an agency is in its queue, whatever the hub is told."""
        self._is_fresh = False
        self.queues.arriving.add(code)

    def waiting(self, code: str, messages: int) -> None:
        """So many messages wait in an agency's queue."""
        self._is_fresh = False
        self.queues.depths[code] = messages

    def sql(self, statement: str, *rows: Sequence[object]) -> None:
        """Put rows into the record that would take long to come about."""
        self._is_fresh = False
        self.close()
        with sqlite3.connect(self.home / "axis.db") as connection:
            connection.executemany(statement, rows)
        connection.close()


@dataclass(frozen=True)
class _Beginning:
    folder: Path
    now: datetime
    labels: dict[str, str]
    out: list[Message]
    handles: int


def _copy_record(source: Path, target: Path) -> None:
    for name in ("axis.db", "hub.mark"):
        shutil.copy2(source / name, target / name)
    shutil.copytree(source / "axis.db-segments", target / "axis.db-segments", dirs_exist_ok=True)


_beginnings: dict[tuple[object, ...], _Beginning] = {}
INSTALLATION = str(uuid.UUID(int=1))
