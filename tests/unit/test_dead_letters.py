"""A dead letter as it lies at the broker: what is believed of it."""

from __future__ import annotations

import hashlib

import pika

from axis.infra import dead_letters

BODY = b"a parcel"
OURS = {"size": len(BODY), "proof": 0, "sha256": hashlib.sha256(BODY).hexdigest()}


def test_who_published_a_dead_letter_is_what_the_broker_says_and_not_what_a_header_says() -> None:
    forged = pika.BasicProperties(message_id="m", headers={**OURS, "published-by": "H41"})
    assert dead_letters._read(forged, BODY).user_id is None
    checked = pika.BasicProperties(message_id="m", user_id="G22", headers={**OURS, "published-by": "H41"})
    assert dead_letters._read(checked, BODY).user_id == "G22"


def test_a_body_that_is_not_what_its_headers_say_is_foreign() -> None:
    altered = pika.BasicProperties(message_id="m", headers=OURS)
    assert dead_letters._read(altered, b"another").trouble == "foreign"
    assert dead_letters._read(altered, BODY).trouble == ""
