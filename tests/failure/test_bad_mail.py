"""What comes from the broker and is not what the hub has accepted: bad mail, never a bad document."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from axis import bootstrap
from axis.core import parcel
from axis.core.message import Message, Route
from axis.services.agency import take
from axis.services.operate import provision
from axis.services.operate import registry as members
from tests.line import Line, document, small_home

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from axis.services.agency.adapter import Agency
    from axis.services.hub.worker import Hub


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return small_home(tmp_path / "home", codes=("G22", "H41", "G06"))


def intercept(line: Line, change: Callable[[Message, Agency], bytes]) -> None:
    """The true mail of H41, with other bytes before it."""
    with line.parts() as (hub, agencies):
        (h41,) = [one for one in agencies if one.code == "H41"]
        taken = h41.broker.receive([Route("out", "H41")], limit=10, max_bytes=10**8, timeout=0)
        (mail,) = [d.message for d in taken if d.message.proof]
        h41.broker.ack(taken)
        body = change(mail, h41)
        hub.broker.publish([Message("other", mail.route, body, mail.proof), replace(mail, id="true")])


def rubbish(_mail: Message, _agency: Agency) -> bytes:
    return b"rubbish"


def cut(mail: Message, _agency: Agency) -> bytes:
    return mail.body[:-1]


def another_document(mail: Message, agency: Agency) -> bytes:
    at = parcel.peek_signature(mail.body).signing_time
    return parcel.build(parcel.DOCUMENT, parcel.peek(mail.body)[1] + b"\n", (), agency.signer, at)


def a_broken_signature(mail: Message, _agency: Agency) -> bytes:
    """One character of the signature's value is another, in a container that is whole."""
    entries = [(name, bytes(content)) for name, content in parcel._read_container(mail.body)]
    name, signatures = entries[-1]
    start = signatures.index(b">", signatures.index(b"SignatureValue")) + 1
    other = b"A" if signatures[start : start + 1] != b"A" else b"B"
    entries[-1] = (name, signatures[:start] + other + signatures[start + 1 :])
    return b"".join(parcel._container(entries))


@pytest.mark.parametrize("change", [rubbish, cut, another_document, a_broken_signature])
def test_other_bytes_beside_a_true_acceptance_are_set_aside_and_the_document_arrives(
    line: Line, change: Callable[[Message, Agency], bytes]
) -> None:
    line.drop("G22", document(1))
    line.without("H41")
    intercept(line, change)
    line.run()
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}
    assert line.events("G22") == ["A.1", "D.1 H41", "E.1 H41"]
    with line.parts() as (hub, _):
        assert hub.broker.dead_depth() == 1


def test_nor_are_they_held_in_its_place_until_the_registry_has_come(line: Line) -> None:
    with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar:
        members.add_alias(registrar, "G06", "G99", "thử", line.clock())
    line.drop("G22", document(1))

    def later(_hub: Hub, agencies: list[Agency]) -> None:
        agencies[:] = [one for one in agencies if one.code != "H41"]

    line.run(before=later)
    with line.parts() as (hub, agencies):
        (h41,) = [one for one in agencies if one.code == "H41"]
        (urgent,) = h41.broker.receive([Route("out", "H41", urgent=True)], limit=9, max_bytes=10**8, timeout=0)
        h41.broker.ack([urgent])
    intercept(line, rubbish)
    with line.parts() as (hub, agencies):
        (h41,) = [one for one in agencies if one.code == "H41"]
        take.take(h41, line.clock())  # the registry that A.1 names is still on its way
        hub.broker.publish([urgent.message])
    line.run()
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}
    assert line.events("G22") == ["A.1", "D.1 H41", "E.1 H41"]


@pytest.mark.parametrize("together", [True, False])
def test_another_registry_of_the_same_version_is_an_alarm(
    line: Line,
    caplog: pytest.LogCaptureFixture,
    together: bool,
) -> None:
    with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar:
        now = registrar.registry()
        one, other = (
            provision.sign_registry(
                replace(now, version=now.version + 1, resend_from=moment), registrar.signer, line.clock()
            )
            for moment in (None, now.issued_at)
        )
    with line.parts() as (hub, agencies):
        (h41,) = [one for one in agencies if one.code == "H41"]
        messages = [Message(name, Route("out", "H41", urgent=True), body) for name, body in (("1", one), ("2", other))]
        for batch in [messages] if together else [messages[:1], messages[1:]]:
            hub.broker.publish(batch)
            take.take(h41, line.clock())
        assert f"another version {now.version + 1}" in caplog.text
        assert hub.broker.dead_depth() == 1
        with h41.journal.reading() as reader:
            assert reader.registry() == (now.version + 1, one)
        hub.broker.publish([replace(messages[0], id="again")])
        take.take(h41, line.clock())
        assert hub.broker.dead_depth() == 1, "the same one again is no news"
