"""Who published comes first: while adapters of the version before still use the one intake exchange, a CC header reaches
every agency's queue. On a live broker, with its users' rights as ``axis broker setup`` gives them then."""

from __future__ import annotations

import hashlib
import time
import uuid
from typing import TYPE_CHECKING, Any

import pika
import pytest

from axis import bootstrap
from axis.core import edxml, parcel, receipt
from axis.core.hub import refusals
from axis.core.registry import HUB
from axis.errors import Fault, Rejected
from axis.infra import keystore
from axis.infra.amqp.broker import AmqpBroker
from axis.infra.database import Database
from axis.infra.record import ledger, search
from axis.services import run as loops
from axis.services.hub import admit
from axis.services.operate import dead_ends
from axis.services.questions.dead_ends import listed
from tests.e2e.test_broker_setup import Site
from tests.line import Clock, document

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from axis.services.hub.worker import Hub
    from tests.servers import RabbitMq

pytestmark = [pytest.mark.amqp, pytest.mark.timeout(120)]


class Meanwhile:
    """A hub of this version, and agencies whose rights reach the old exchange as well."""

    def __init__(self, folder: Path, node: RabbitMq) -> None:
        self.site = Site(folder, node)
        assert self.site.axis("broker", "setup", "--passwords", str(folder / "urls"), "--keep-guest").exit_code == 0
        self.urls = {code: (folder / "urls" / code).read_text("utf-8").strip() for code in ("G22", "H41", "hub")}
        home = bootstrap.open_home(self.site.home)
        self.database = Database(home.config.database_url(home.path))
        self.broker = AmqpBroker(self.urls["hub"], user_id=None)
        self.broker.declare(["G22", "H41", "G06"])
        self.hub: Hub = bootstrap.hub_part(home, self.database, self.broker)
        self.clock = Clock()
        self.asking = pika.BlockingConnection(pika.URLParameters(node.url(self.site.vhost))).channel()

    def publish(self, user: str, body: bytes, exchange: str, key: str, **more: Any) -> None:
        """As `user` could with any AMQP client."""
        headers: dict[str, Any] = {"size": len(body), "proof": 0, "part": 1, "parts": 1}
        headers |= {"sha256": hashlib.sha256(body).hexdigest(), **more.pop("headers", {})}
        name = more.pop("name", user)
        properties = pika.BasicProperties(message_id=uuid.uuid4().hex, user_id=name, headers=headers, **more)
        connection = pika.BlockingConnection(pika.URLParameters(self.urls[user]))
        channel = connection.channel()
        channel.confirm_delivery()
        channel.basic_publish(exchange, key, body, properties, mandatory=True)
        connection.close()

    def work(self, messages: int) -> None:
        """Until the hub has taken so many messages and has nothing more to do."""
        end = time.monotonic() + 30
        while messages > 0:
            assert time.monotonic() < end
            messages -= admit.step(self.hub, self.clock(), timeout=1)
        while loops.hub_round(self.hub, self.clock()):
            pass

    def mail(self, code: str) -> list[receipt.Receipt]:
        """The receipts that wait for an agency."""
        found = []
        while (got := self.asking.basic_get(f"axis.to.{code}", auto_ack=True))[0] is not None:
            size = got[1].headers["size"]
            found.append(receipt.read(parcel.peek(got[2][:size])[1], HUB))
        return found

    def signed(self, signer: str, sender: str, number: int = 1) -> bytes:
        """A document From `sender`, signed by `signer`."""
        converted = edxml.convert(document(number, sender, ("G06",)))
        key = keystore.load_signer(self.site.home / "keys", signer)
        return parcel.build(parcel.DOCUMENT, converted.document, converted.attachments, key, self.clock())

    def put_aside(self) -> dict[str, list[str]]:
        """Codes of what is in quarantine, by agency."""
        with self.hub.store.reading() as reader:
            rows = listed(reader)
        found: dict[str, list[str]] = {}
        for one in rows:
            found.setdefault(str(one["agency"]), []).append(str(one["code"]))
        return found


@pytest.fixture
def meanwhile(managed_rabbitmq: RabbitMq, tmp_path: Path) -> Iterator[Meanwhile]:
    made = Meanwhile(tmp_path, managed_rabbitmq)
    yield made
    made.broker.close()
    made.database.close()


def test_what_an_agency_puts_into_anothers_queue_is_answered_to_nobody_and_counted_as_its_own(
    meanwhile: Meanwhile,
) -> None:
    """Junk, the other's draft signed by the publisher, a bad receipt, the other's own parcel once more."""
    accepted = meanwhile.signed("H41", "H41", 1)
    meanwhile.publish("H41", accepted, "axis.in", "H41")  # an adapter of the version before
    meanwhile.work(1)
    assert "A.1" in [one.statements[0].event.code for one in meanwhile.mail("H41")]
    bad = parcel.build(
        parcel.RECEIPT, b"<x/>", (), keystore.load_signer(meanwhile.site.home / "keys", "G22"), meanwhile.clock()
    )
    things = [b"junk", meanwhile.signed("G22", "H41", 2), bad, accepted]
    for header in ("CC", "BCC"):
        for thing in things:
            meanwhile.publish("G22", thing, "axis.in", "G22", headers={header: ["H41"]})
    meanwhile.work(2 * 2 * len(things))
    assert meanwhile.mail("H41") == []
    kept = meanwhile.put_aside()
    assert set(kept) == {"G22"}
    assert kept["G22"].count("PUBLISHER_OTHER") == 2 * len(things)
    with meanwhile.hub.store.reading() as reader:
        assert (
            len(
                search.deliveries(
                    reader, search.submissions(reader, "H41", "H41,2026/11/23,1/TN-H41", ("new",))[0]["axis_id"]
                )
            )
            == 1
        )
        assert search.refusals(reader, "H41") == []


def test_a_message_without_a_publisher_is_nobodys_and_cannot_be_returned(meanwhile: Meanwhile) -> None:
    parcel_of_h41 = meanwhile.signed("H41", "H41")
    meanwhile.publish("G22", parcel_of_h41, "axis.in", "G22", headers={"CC": ["H41.urgent"]}, name=None)
    meanwhile.work(2)
    assert meanwhile.mail("H41") == []
    assert meanwhile.put_aside() == {"": ["PUBLISHER_OTHER"]}
    with meanwhile.hub.store.reading() as reader:
        (one,) = listed(reader)
    for act, fault in (("return", Fault.AGENCY_UNKNOWN), ("retry", Fault.QUARANTINED)):
        with pytest.raises(Rejected) as raised:
            dead_ends.choose(meanwhile.hub, act, str(one["id"]), "thử", meanwhile.clock())
        assert raised.value.fault is fault
    dead_ends.choose(meanwhile.hub, "drop", str(one["id"]), "thử", meanwhile.clock())


def test_the_same_message_over_and_over_fills_neither_record_nor_quarantine(
    meanwhile: Meanwhile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "MAX_QUARANTINED", 3)
    for number in range(6):
        meanwhile.publish("G22", b"junk%d" % number, "axis.in", "G22", headers={"CC": ["H41"]})
    meanwhile.work(12)
    assert len(meanwhile.put_aside()["G22"]) == 3
    with meanwhile.hub.store.reading() as reader:
        entries = [entry for _, entry in ledger.entries(reader, [""]) if entry.event == "message.put_aside"]
    assert len(entries) == 3


def test_malformed_messages_are_counted_against_the_allowance_of_who_published_them(meanwhile: Meanwhile) -> None:
    meanwhile.hub.rate_limits.documents_per_second = 0.5  # five at once, and a batch
    for _ in range(8):
        meanwhile.publish("G22", b"x", "axis.in", "G22", headers={"size": 99, "CC": ["H41"]})
    meanwhile.work(16)
    end = time.monotonic() + 30
    while meanwhile.broker.dead_depth() != 16:  # the broker moves them in its own time
        assert time.monotonic() < end
        time.sleep(0.05)
    assert meanwhile.hub.rate_limits.used_up(meanwhile.clock()) == {"G22"}


def test_the_old_exchange_is_closed_when_all_have_moved_and_stays_closed(meanwhile: Meanwhile) -> None:
    setup = ("broker", "setup", "--keep-guest")
    assert meanwhile.site.axis(*setup).exit_code == 0
    meanwhile.publish("H41", meanwhile.signed("H41", "H41"), "axis.in", "H41")
    meanwhile.publish("H41", meanwhile.signed("H41", "H41", 2), "axis.in.H41", "H41")
    meanwhile.work(2)
    events = [one.statements[0].event.code for one in meanwhile.mail("H41")]
    assert events.count("A.1") == 2, "an adapter of either version"
    assert meanwhile.site.axis(*setup, "--close-old").exit_code == 0
    for again in ("", "set up again", "set up again after all rights were taken away for a time"):
        if "rights" in again:
            for code in ("G22", "H41", "G06"):
                meanwhile.site.ask("delete", "permissions", meanwhile.site.vhost, code)
        if again:
            assert meanwhile.site.axis(*setup).exit_code == 0
        with pytest.raises(pika.exceptions.ChannelClosedByBroker) as refused:
            meanwhile.publish("H41", b"x", "axis.in", "H41")
        assert refused.value.reply_code == 403
    assert meanwhile.site.findings() == []
