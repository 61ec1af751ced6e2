"""What is refused, with A.2: by its signature, its sender, its packet, its addresses; and refused again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from axis.core import parcel
from axis.services.operate import registry as members
from tests import pki
from tests.golden.case import group
from tests.golden.world import START, Mail, signer_of
from tests.line import document

if TYPE_CHECKING:
    from tests.golden.world import World

refusals = group("refusals")


def altered(mail: Mail, label: str, old: bytes, new: bytes) -> Mail:
    """Bytes that were never signed so."""
    assert old in mail.body
    return replace(mail, label=label, body=mail.body.replace(old, new))


@refusals
def no_parcel_at_all(w: World) -> None:
    w.send(Mail("rubbish", "G22", b"no parcel"))


@refusals
def nothing(w: World) -> None:
    w.send(Mail("nothing", "G22", b""))


@refusals
def a_parcel_cut_short(w: World) -> None:
    good = w.packet("document", "G22", document(1))
    w.send(replace(good, label="cut", body=good.body[:-100]))


@refusals
def altered_content_with_its_checksum_wrong(w: World) -> None:
    w.send(altered(w.packet("document", "G22", document(1)), "altered", b"<edXML:Subject>V/v", b"<edXML:Subject>v/v"))


@refusals
def a_key_that_the_registry_does_not_know(w: World) -> None:
    good = w.packet("document", "G22", document(1))
    content = parcel.peek(good.body)[1]
    body = parcel.build(parcel.DOCUMENT, content, (b"%PDF-1.4 noi dung",), pki.impostor(), START)
    w.send(Mail("impostor's", "G22", body))


@refusals
def a_key_that_was_revoked(w: World) -> None:
    w.revoke("G22")
    w.wait(minutes=1)
    w.send(w.packet("document", "G22", document(1)))
    w.send(w.packet("document", "G22", document(1)))


@refusals
def anothers_parcel_in_ones_own_queue(w: World) -> None:
    w.send(w.packet("document", "G22", document(1), queue="G06"))


@refusals
def anothers_document_under_ones_own_key(w: World) -> None:
    w.send(w.packet("document", "G06", document(1, sender="G22")))


@refusals
def signed_in_the_future(w: World) -> None:
    good = w.packet("document", "G22", document(1))
    body = parcel.build(
        parcel.DOCUMENT,
        parcel.peek(good.body)[1],
        (b"%PDF-1.4 noi dung",),
        signer_of("G22"),
        START + timedelta(hours=1),
    )
    w.send(Mail("early", "G22", body))
    w.wait(minutes=58)
    w.send(Mail("early", "G22", body))


@refusals
def a_suspended_sender_and_the_same_when_it_is_resumed(w: World) -> None:
    w.suspend("G22")
    w.send(w.packet("document", "G22", document(1)))
    w.resume("G22")
    w.send(w.packet("document", "G22", document(1)))


@refusals
def a_closed_sender(w: World) -> None:
    w.end("G22", "G18")
    w.send(w.packet("document", "G22", document(1)))


@refusals
def a_recipient_that_nobody_knows(w: World) -> None:
    w.send(w.packet("document", "G22", document(1, to=("H41", "A99"))))


@refusals
def a_recipient_that_is_known_later(w: World) -> None:
    w.send(w.packet("document", "G22", document(1, to=("A99",))))
    w.change_registry(lambda registrar, now: members.add_alias(registrar, "H41", "A99", "thử", now))
    w.send(w.packet("document", "G22", document(1, to=("A99",))))


@refusals
def a_malformed_and_a_repeated_recipient(w: World) -> None:
    w.send(w.packet("document", "G22", document(1, to=("H41", "!", "H41"))))


@refusals
def a_packet_without_a_subject(w: World) -> None:
    w.send(w.packet("document", "G22", document(1, subject="")))


@refusals
def a_packet_with_many_faults(w: World) -> None:
    w.send(w.packet("document", "G22", document(1, to=tuple(f"x{n}" for n in range(120)))))


@refusals
def a_packet_in_another_than_the_one_form(w: World) -> None:
    good = parcel.peek(w.packet("document", "G22", document(1)).body)[1]
    body = parcel.build(parcel.DOCUMENT, good.replace(b"?>", b"?>\n\n", 1), (), signer_of("G22"), START)
    w.send(Mail("other form", "G22", body))


@refusals
def no_xml(w: World) -> None:
    w.send(Mail("no xml", "G22", parcel.build(parcel.DOCUMENT, b"no xml", (), signer_of("G22"), START)))


@refusals
def a_parcel_that_is_no_document(w: World) -> None:
    w.send(Mail("registry", "G22", parcel.build(parcel.REGISTRY, b"<registry/>", (), signer_of("G22"), START)))


@refusals
def an_attachment_missing(w: World) -> None:
    good = parcel.peek(w.packet("document", "G22", document(1)).body)[1]
    w.send(Mail("without", "G22", parcel.build(parcel.DOCUMENT, good, (), signer_of("G22"), START)))


@refusals
def the_same_bytes_again(w: World) -> None:
    bad = w.packet("bad", "G22", document(1, subject=""))
    w.send(bad)
    w.send(bad)


@refusals
def the_same_bytes_twice_at_once(w: World) -> None:
    bad = w.packet("bad", "G22", document(1, subject=""))
    w.send(bad, bad)


@refusals
def the_same_content_in_another_parcel(w: World) -> None:
    w.send(w.packet("bad", "G22", document(1, subject="")))
    w.send(w.packet("signed again", "G22", document(1, subject=""), salt=1))


@refusals
def what_may_be_accepted_later_again(w: World) -> None:
    one = w.packet("document", "G22", document(1, to=("A99",)))
    w.send(one)
    w.send(one)


@refusals
def the_same_rubbish_from_two(w: World) -> None:
    w.send(Mail("rubbish", "G22", b"no parcel"), Mail("rubbish", "G06", b"no parcel"))


@refusals
def good_and_bad_together(w: World) -> None:
    w.send(
        w.packet("bad", "G22", document(1, subject="")),
        w.packet("document", "G22", document(1)),
        Mail("rubbish", "G06", b"no parcel"),
        w.packet("second", "G06", document(2, sender="G06")),
        w.packet("bad", "G22", document(1, subject="")),
    )


@refusals
def to_an_agency_that_is_closed_and_followed(w: World) -> None:
    w.suspend("G22")
    w.send(w.packet("document", "G22", document(1)))
    w.end("G22", "G18")
    w.settle()
