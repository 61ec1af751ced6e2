"""Every certificate that we make passes the strictest verifiers there are: OpenSSL's strict mode and Python 3.13's."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from axis import cli, config
from axis.infra import keystore
from axis.services.operate import provision

if TYPE_CHECKING:
    from pathlib import Path

    from axis.core.signature import KeySigner

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("certificates") / "home"
    settings = config.Config(config.Installation("a"), broker=config.Broker("amqp"))
    rows = [row for row in provision.catalogue() if row["code"] in {"G22", "H41"}]
    provision.create_home(made, settings, "p256", NOW, rows=rows, tls_hosts=("localhost", "127.0.0.1"))
    return made


def strict(authority: Path, certificate: Path, purpose: str) -> str:
    """What ``openssl verify -x509_strict`` says; "" when it is content."""
    command = ["openssl", "verify", "-x509_strict", "-CAfile", str(authority), *purpose.split(), str(certificate)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def connect(server: Path, client: Path) -> str:
    """A TLS connection as strict as Python 3.13's default, certificates of two homes; "" or what went wrong."""
    inside = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    inside.load_cert_chain(server / "tls/broker.pem", server / "tls/broker.key")
    inside.load_verify_locations(server / "tls/ca.pem")
    inside.verify_mode = ssl.CERT_REQUIRED
    inside.verify_flags |= ssl.VERIFY_X509_STRICT
    outside = ssl.create_default_context(cafile=str(client / "tls/ca.pem"))
    outside.verify_flags |= ssl.VERIFY_X509_STRICT
    outside.load_cert_chain(client / "tls/G22.pem", client / "tls/G22.key")
    trouble: list[str] = []

    def serve(listening: socket.socket) -> None:
        try:
            with inside.wrap_socket(listening.accept()[0], server_side=True) as line:
                line.recv(1)
        except OSError as error:
            trouble.append(f"server: {error}")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        try:
            plain = socket.create_connection(listening.getsockname())
            with outside.wrap_socket(plain, server_hostname="localhost") as line:
                line.send(b"x")
        except OSError as error:
            trouble.append(f"client: {error}")
        thread.join(10)
    return "; ".join(trouble)


@pytest.mark.parametrize("key_type", ["p256", "rsa"])
def test_certificates_for_signing_pass(home: Path, tmp_path: Path, key_type: keystore.KeyType) -> None:
    authority = keystore.load_signer(home / "pki", "ca")
    made = keystore.new_member(authority, "H29.10", "Sở Tư pháp", key_type, NOW)
    keystore.save_signer(tmp_path, "H29.10", made)
    for certificate in (tmp_path / "H29.10.pem", home / "pki" / "hub.pem", home / "keys" / "G22.pem"):
        assert strict(home / "pki/ca.pem", certificate, "") == ""


def test_certificates_for_tls_pass_and_so_does_a_connection(home: Path) -> None:
    assert strict(home / "tls/ca.pem", home / "tls/broker.pem", "-purpose sslserver -verify_hostname localhost") == ""
    for user in ("hub", "G22"):
        assert strict(home / "tls/ca.pem", home / f"tls/{user}.pem", "-purpose sslclient") == ""
    assert connect(home, home) == ""


def as_earlier(signer: KeySigner, authority: KeySigner) -> KeySigner:
    """The same certificate without key identifiers, as an earlier version has made it."""
    old = signer.certificate
    builder = x509.CertificateBuilder(old.issuer, old.subject, old.public_key(), old.serial_number)
    builder = builder.not_valid_before(old.not_valid_before_utc).not_valid_after(old.not_valid_after_utc)
    for one in old.extensions:
        if not isinstance(one.value, x509.SubjectKeyIdentifier | x509.AuthorityKeyIdentifier):
            builder = builder.add_extension(one.value, one.critical)
    return keystore.KeySigner(signer.key, builder.sign(authority.key, hashes.SHA256()))


def test_a_home_of_an_earlier_version_gets_its_certificates_reissued_for_the_same_keys(
    home: Path, tmp_path: Path
) -> None:
    earlier, agency = tmp_path / "earlier", tmp_path / "agency"
    shutil.copytree(home, earlier)
    authority = keystore.load_signer(home / "tls", "ca")
    for name in ("ca", "broker", "hub", "G22", "H41"):
        made = as_earlier(keystore.load_signer(home / "tls", name), authority)
        (earlier / "tls" / f"{name}.pem").write_bytes(made.certificate.public_bytes(Encoding.PEM))
    shutil.copytree(earlier, agency)
    assert connect(earlier, agency), "the strictest verifier refuses what the earlier version has made"
    keys = {path.name: path.read_bytes() for path in (earlier / "tls").glob("*.key")}
    done = CliRunner().invoke(cli.main, ["broker", "reissue", "--json", "--home", str(earlier)])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert sorted(told["files"]) == sorted(path.name for path in (earlier / "tls").glob("*.pem"))
    assert {path.name: path.read_bytes() for path in (earlier / "tls").glob("*.key")} == keys
    for name in ("ca.pem", "G22.pem"):  # what is sent to the agency
        shutil.copyfile(earlier / "tls" / name, agency / "tls" / name)
    assert connect(earlier, agency) == ""
    broker = x509.load_pem_x509_certificate((earlier / "tls/broker.pem").read_bytes())
    assert keystore.hosts_of(broker) == ["localhost", "127.0.0.1"]
