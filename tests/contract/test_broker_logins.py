"""Who logs in at RabbitMQ, and what the broker itself refuses whom."""

from __future__ import annotations

import contextlib
import ipaddress
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from axis.core.message import Route, agency_routes
from axis.errors import AxisError, Fault, Misconfigured, Unavailable
from axis.infra.amqp.broker import AmqpBroker
from tests.contract.brokers import (
    CONFIRMED,
    FAILED,
    FROM_G22,
    FROM_H29,
    TO_H29,
    AmqpPlace,
    amqp_only,
    eventually,
    ids,
    message,
    messages,
    take,
    take_all,
)
from tests.servers import RabbitMq, free_ports


@amqp_only
def test_the_broker_itself_refuses_what_an_agency_must_not_do(
    amqp_place: AmqpPlace, served: AmqpBroker, node: RabbitMq
) -> None:
    """Whoever leaves out our own checks still meets the broker's: 403 and 406 close the channel, not the day."""
    vhost = urlsplit(amqp_place.url).path[1:]
    agency = node.add_agency(vhost, "G22")
    unchecked = amqp_place.open(None, url=agency)
    assert unchecked.publish([message(FROM_H29)]) == [FAILED]
    assert unchecked.publish([message(TO_H29)]) == [FAILED]
    assert unchecked.publish([message(FROM_G22)]) == [CONFIRMED]
    forged = amqp_place.open("H29", url=agency.replace("/" + vhost, "/" + vhost + "?"))
    assert forged.publish([message(FROM_H29)]) == [FAILED]
    for route in (FROM_G22, TO_H29):
        with pytest.raises(Misconfigured):
            take(unchecked, [route])
    impostor = amqp_place.open("G22", url=node.add_hub(vhost))  # may write everywhere, but not under this name
    assert impostor.publish([message(FROM_G22)]) == [FAILED]
    assert [one.route for one in take_all(served, 1)] == [FROM_G22]


@amqp_only
def test_a_code_in_a_pattern_means_itself_only(amqp_place: AmqpPlace, node: RabbitMq) -> None:
    amqp_place.open().declare(["H29.10", "H29"])
    agency = node.add_agency(urlsplit(amqp_place.url).path[1:], "H29.10")
    lookalike = amqp_place.open(None, url=agency)
    assert lookalike.publish([message(Route("in", "H29x10"))]) == [FAILED]
    assert lookalike.publish([message(Route("in", "H29"))]) == [FAILED]
    assert lookalike.publish([message(Route("in", "H29.10", urgent=True))]) == [CONFIRMED]


def _certificates(folder: Path, *names: str) -> None:
    """ca.pem, and for each name a certificate and key that it signed; one is for the server."""
    now = datetime.now(UTC)

    def make(name: str, issuer: str, issuer_key: ec.EllipticCurvePrivateKey | None) -> ec.EllipticCurvePrivateKey:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        builder = x509.CertificateBuilder(
            x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]),
            subject,
            key.public_key(),
            x509.random_serial_number(),
            now - timedelta(days=1),
            now + timedelta(days=1),
        ).add_extension(x509.BasicConstraints(ca=issuer_key is None, path_length=None), critical=True)
        own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        signing = x509.AuthorityKeyIdentifier.from_issuer_public_key((issuer_key or key).public_key())
        builder = builder.add_extension(own, critical=False).add_extension(signing, critical=False)  # from 3.13 on
        if issuer_key is None:
            no = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False)
            no |= dict.fromkeys(("digital_signature", "encipher_only", "decipher_only"), False)
            usage = x509.KeyUsage(key_cert_sign=True, crl_sign=True, **no)
            builder = builder.add_extension(usage, critical=True)
        if name == "server":
            address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
            builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
        certificate = builder.sign(issuer_key or key, hashes.SHA256())
        (folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        pem, pkcs8, plain = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        (folder / f"{name}.key").write_bytes(key.private_bytes(pem, pkcs8, plain))
        return key

    ca_key = make("ca", "ca", None)
    for name in names:
        make(name, "ca", ca_key)


@amqp_only
def test_an_agency_logs_in_by_its_certificate_and_by_nothing_else(rabbitmq: RabbitMq, tmp_path: Path) -> None:
    ours, foreign = tmp_path / "ours", tmp_path / "foreign"
    for folder, names in ((ours, ("server", "hub", "G22", "nobody")), (foreign, ("G22",))):
        folder.mkdir()
        _certificates(folder, *names)
    (port,) = free_ports(1)
    config = f"""
listeners.ssl.1 = 127.0.0.1:{port}
ssl_options.cacertfile = {ours}/ca.pem
ssl_options.certfile = {ours}/server.pem
ssl_options.keyfile = {ours}/server.key
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
ssl_options.depth = 2
auth_mechanisms.1 = EXTERNAL
ssl_cert_login_from = common_name
"""
    url = f"amqps://127.0.0.1:{port}/axis"

    def files(name: str, folder: Path = ours) -> dict[str, Any]:
        return {"certificate_file": f"{folder}/{name}.pem", "key_file": f"{folder}/{name}.key"}

    del rabbitmq  # only asked for so that this test is skipped, or fails, like the others
    with RabbitMq(config, ["rabbitmq_auth_mechanism_ssl"]) as node:
        node.vhost("axis")
        node.add_hub("axis")
        node.add_agency("axis", "G22")
        hub = AmqpBroker(url, user_id=None, ca_file=f"{ours}/ca.pem", **files("hub"))
        hub.declare(["G22", "H29"])
        hub.check()
        agency = AmqpBroker(url, user_id="G22", ca_file=f"{ours}/ca.pem", **files("G22"))
        sent = message(body=os.urandom(300_000))
        assert agency.publish([sent]) == [CONFIRMED]
        assert [(one.id, one.user_id) for one in take_all(hub, 1)] == [(sent.id, "G22")]
        # reading pauses and goes on over TLS as well
        many = [message(Route("out", "G22"), os.urandom(200_000)) for _ in range(30)]
        assert hub.publish(many) == [CONFIRMED] * 30
        agency.close()
        slow = AmqpBroker(
            url, user_id="G22", prefetch=30, buffer_bytes=500_000, ca_file=f"{ours}/ca.pem", **files("G22")
        )
        assert ids(take_all(slow, 30, agency_routes("G22"))) == ids(many)
        slow.close()
        hub.close()
        refused: list[tuple[dict[str, Any], type[AxisError]]] = [
            ({"ca_file": f"{ours}/ca.pem", **files("nobody")}, Misconfigured),  # no such user
            ({"ca_file": f"{foreign}/ca.pem", **files("G22")}, Misconfigured),  # the server is not the axis
            ({"ca_file": f"{ours}/ca.pem", **files("G22", foreign)}, Unavailable),  # another CA's certificate
            ({"ca_file": f"{ours}/ca.pem"}, AxisError),  # none
        ]
        for options, error in refused:
            broker = AmqpBroker(url, user_id="G22", connect_timeout=1, **options)
            with pytest.raises(error):
                broker.publish([message()])
    for at, ca_file, fault in (
        (url, f"{ours}/missing.pem", Fault.KEY_FILE_MISSING),
        (url, f"{ours}/server.key", Fault.BROKER_CONFIG),
        (url.replace("amqps", "amqp"), f"{ours}/ca.pem", Fault.BROKER_CONFIG),
    ):
        with pytest.raises(Misconfigured) as raised:
            AmqpBroker(at, user_id="G22", ca_file=ca_file)
        assert raised.value.fault is fault


@amqp_only
def test_an_agency_is_read_by_one_adapter_at_a_time_and_the_other_is_told(
    amqp_place: AmqpPlace, served: AmqpBroker, node: RabbitMq
) -> None:
    agency = node.add_agency(urlsplit(amqp_place.url).path[1:], "H29")
    routes = agency_routes("H29")
    first = amqp_place.open("H29", url=agency, alone=True)
    copy = amqp_place.open("H29", url=agency, alone=True)
    served.publish([message(TO_H29)])
    assert len(take_all(first, 1, routes)) == 1
    served.publish(messages(3, TO_H29))
    for _ in range(2):
        with pytest.raises(Unavailable) as raised:
            take(copy, routes)
        assert raised.value.fault is Fault.ADAPTER_TWICE
        assert raised.value.problems[0].got == "H29"
    assert len(take_all(first, 3, routes)) == 3
    line = first._lines["consume"]
    transport: Any = line.connection.__dict__["_transport"]
    transport._sock.shutdown(2)  # its connection is lost; it comes back and has its lock again
    eventually(lambda: line.ended is not None)
    eventually(lambda: _is_served(first, routes))
    with pytest.raises(Unavailable):
        take(copy, routes)
    first.close()
    eventually(lambda: _is_served(copy, routes))


def _is_served(broker: AmqpBroker, routes: list[Route]) -> bool:
    with contextlib.suppress(Unavailable):
        take(broker, routes, wait=0)
        return True
    return False
