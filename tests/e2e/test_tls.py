"""Client certificates end to end: made by ``axis init``, the only way into a broker that takes EXTERNAL alone."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pika
import pytest
import yaml
from click.testing import CliRunner

from axis import cli
from axis.core.message import Message, Outcome, Route
from axis.errors import AxisError
from axis.infra import keystore
from axis.infra.amqp.broker import AmqpBroker
from axis.services.operate import provision
from tests.e2e.test_served_line import stop, wait_for
from tests.line import Line, document
from tests.servers import RabbitMq, free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.testing import Result

    from tests.servers import PostgreSql

CONFIG = Path(__file__).parent.parent.parent / "config"
COMPOSED: dict[str, Any] = yaml.safe_load((CONFIG / "compose.yaml").read_text("utf-8"))

pytestmark = [pytest.mark.amqp, pytest.mark.postgres, pytest.mark.timeout(240)]


class Secured:
    """A home made with --tls, and a broker that uses its certificates."""

    def __init__(self, folder: Path, postgres: PostgreSql, stack: ExitStack) -> None:
        self.folder, self.stack, self.home = folder, stack, folder / "home"
        (self.port,) = free_ports(1)
        self.environment = {
            "AXIS_AMQP_URL": f"amqps://127.0.0.1:{self.port}/axis",
            "AXIS_DATABASE_URL": postgres.database(f"tls{self.port}"),
            "AXIS_LANG": "en",
        }
        rows = [row for row in provision.catalogue() if row["code"] in {"G22", "H41"}]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(provision, "catalogue", lambda: rows)
            made = self.composed("init", "--test-keys")
        assert made.exit_code == 0, made.output
        with (self.home / "axis.toml").open("a") as settings:
            settings.write("\n[adapter]\nsettle_seconds = 0.1\n")
        self.node = stack.enter_context(
            RabbitMq(
                self.secured_as_shipped(),
                ["rabbitmq_management", "rabbitmq_auth_mechanism_ssl"],
            )
        )
        self.environment["AXIS_MANAGEMENT_URL"] = self.node.management_url
        set_up = self.composed("setup", "--keep-guest")
        assert set_up.exit_code == 0, set_up.output

    def axis(self, *arguments: str) -> Result:
        return CliRunner().invoke(
            cli.main, [*arguments, "--home", str(self.home)], env=self.environment, catch_exceptions=False
        )

    def composed(self, service: str, *more: str) -> Result:
        """The command of a service of config/compose.yaml, on this home; this machine stands for all its names."""
        here = {"rabbitmq": "127.0.0.1", "${AXIS_BROKER_HOST:?}": "localhost"}
        command = [here.get(one, one) for one in COMPOSED["services"][service]["command"]]
        place = command.index("--home")
        assert command[place + 1] == "/var/lib/axis/hub"
        del command[place : place + 2]
        return self.axis(*command, *more)

    def secured_as_shipped(self) -> str:
        """The broker's settings for TLS, with this home's certificates and ports of this machine's."""
        text = (CONFIG / "rabbitmq-tls.conf").read_text("utf-8")
        text = text.replace("/etc/rabbitmq/tls/", f"{self.home}/tls/")
        text = text.replace("listeners.ssl.1 = 5671", f"listeners.ssl.1 = 127.0.0.1:{self.port}")
        left_out = ("listeners.tcp", "management.tcp")  # the test's own login and questions
        return "".join(f"{line}\n" for line in text.splitlines() if not line.startswith(left_out))

    def start(self, home: Path, *arguments: str) -> None:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "axis", *arguments, "--home", str(home)],
            env={**os.environ, **self.environment},
        )
        self.stack.callback(stop, process)

    def broker(self, user: str, *, tls: Path | None = None, user_id: str = "", ca: Path | None = None) -> AmqpBroker:
        folder = tls or self.home / "tls"
        return AmqpBroker(
            self.environment["AXIS_AMQP_URL"],
            user_id=user_id or user,
            ca_file=str(ca or self.home / "tls" / "ca.pem"),
            certificate_file=str(folder / f"{user}.pem"),
            key_file=str(folder / f"{user}.key"),
            connect_timeout=3,
        )


@pytest.fixture(scope="module")
def secured(postgres: PostgreSql) -> Iterator[Secured]:
    with TemporaryDirectory(prefix="axis-tls-") as folder, ExitStack() as stack:
        yield Secured(Path(folder), postgres, stack)


def test_a_document_travels_between_agencies_that_log_in_by_certificate_only(secured: Secured) -> None:
    for name in ("ca.key", "broker.key", "hub.key", "H41.key"):
        assert (secured.home / "tls" / name).stat().st_mode & 0o777 == 0o600
    lines = {}
    for code in ("G22", "H41"):
        assert secured.axis("agency", "export", code, "--to", str(secured.folder / code)).exit_code == 0
        assert sorted(p.name for p in (secured.folder / code / "tls").iterdir()) == [
            f"{code}.key",
            f"{code}.pem",
            "ca.pem",
        ]
        lines[code] = Line(secured.folder / code)
    secured.start(secured.home, "hub")
    for code in ("G22", "H41"):
        secured.start(secured.folder / code, "adapter", "run", code)
    lines["G22"].drop("G22", document())
    wait_for(lambda: [*lines["G22"].folder("G22", "status").rglob("[!.]*.01.*")])  # by day
    assert len(lines["H41"].attachments("H41")) == 1


def test_who_has_no_certificate_of_this_ca_does_not_get_in(secured: Secured, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    stranger = keystore.new_authority(now, "Axis test TLS CA")  # the right name, another key
    keystore.save_signer(tmp_path, "H41", keystore.new_tls(stranger, "H41", now))
    authority = keystore.load_signer(secured.home / "tls", "ca")
    old = now - timedelta(days=365 * 5 + 10)
    keystore.save_signer(tmp_path, "G22", keystore.new_tls(authority, "G22", old))  # expired
    shared = keystore.load_signer(secured.home / "keys", "H41")  # the key that signs documents
    keystore.save_signer(tmp_path, "signing", shared)
    for user in ("H41", "G22", "signing"):
        broker = secured.broker(user, tls=tmp_path, user_id="H41")
        with pytest.raises(AxisError):
            broker.depth(Route("out", "H41"))
        broker.close()
    nobody = AmqpBroker(
        secured.environment["AXIS_AMQP_URL"],
        user_id="H41",
        ca_file=str(secured.home / "tls" / "ca.pem"),
        connect_timeout=3,
    )
    with pytest.raises(AxisError):
        nobody.depth(Route("out", "H41"))
    nobody.close()


def test_a_broker_with_a_certificate_of_another_ca_is_not_believed(secured: Secured, tmp_path: Path) -> None:
    keystore.save_signer(tmp_path, "other", keystore.new_authority(datetime.now(UTC), "Axis test TLS CA"))
    broker = secured.broker("H41", ca=tmp_path / "other.pem")
    with pytest.raises(AxisError) as caught:
        broker.depth(Route("out", "H41"))
    assert caught.value.fault.code == "BROKER_CONFIG"
    broker.close()


def test_a_password_and_an_old_tls_are_refused(secured: Secured) -> None:
    with pytest.raises(pika.exceptions.AMQPConnectionError):
        pika.BlockingConnection(pika.URLParameters(secured.node.url("axis")))  # PLAIN, guest, on the plain port
    context = ssl.create_default_context(cafile=str(secured.home / "tls" / "ca.pem"))
    context.load_cert_chain(secured.home / "tls" / "H41.pem", secured.home / "tls" / "H41.key")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    import socket

    with socket.create_connection(("127.0.0.1", secured.port), 5) as plain, pytest.raises(OSError):
        context.wrap_socket(plain, server_hostname="127.0.0.1")


def test_one_agencys_certificate_gives_nothing_under_anothers_name(secured: Secured) -> None:
    forged = secured.broker("G22", user_id="H41")
    message = Message("m", Route("in", "H41"), b"x")
    assert forged.publish([message]) == [Outcome.FAILED]
    forged.close()


def test_a_tls_certificate_signs_nothing(secured: Secured) -> None:
    from axis.core.registry import signing_certificate
    from axis.errors import Rejected

    with pytest.raises(Rejected) as caught:
        signing_certificate(keystore.load_certificate(secured.home / "tls" / "H41.pem"))
    assert caught.value.fault.code == "KEY_ROLE"
