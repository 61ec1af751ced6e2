"""``axis broker setup`` and ``check`` on a live broker with its management API; suspension that reaches the broker."""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from axis import bootstrap, cli, config
from axis.core.message import agency_routes
from axis.errors import Fault, Unavailable
from axis.infra.amqp.broker import AmqpBroker
from axis.services import run as loops
from axis.services.operate import provision
from tests.line import Clock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from click.testing import Result

    from tests.servers import RabbitMq

pytestmark = [pytest.mark.amqp, pytest.mark.timeout(180)]


class Site:
    """A home whose broker is a fresh virtual host of a managed node."""

    def __init__(self, folder: Path, node: RabbitMq, rows: Sequence[dict[str, str]] = (), database: str = "") -> None:
        self.node = node
        self.vhost = f"site{uuid.uuid4().hex[:8]}"
        self.home = folder / "home"
        self.environment = {
            "AXIS_AMQP_URL": node.url(self.vhost),
            "AXIS_MANAGEMENT_URL": node.management_url,
            "AXIS_LANG": "en",
        }
        settings = config.Config(
            config.Installation(str(uuid.uuid4())),
            config.Store("postgresql") if database else config.Store(),
            config.Broker("amqp"),
            adapter=config.Adapter(settle_seconds=0.1),
        )
        rows = rows or [row for row in provision.catalogue() if row["code"] in {"G22", "H41", "G06"}]
        with pytest.MonkeyPatch.context() as patch:
            if database:
                self.environment["AXIS_DATABASE_URL"] = database
                patch.setenv("AXIS_DATABASE_URL", database)
            provision.create_home(self.home, settings, "p256", Clock().now, rows=rows)

    def axis(self, *arguments: str) -> Result:
        return CliRunner().invoke(
            cli.main, [*arguments, "--home", str(self.home)], env=self.environment, catch_exceptions=False
        )

    def findings(self, *arguments: str) -> list[dict[str, Any]]:
        result = self.axis("broker", *(arguments or ("check",)), "--json", "--keep-guest")
        return [json.loads(line) for line in result.stdout.splitlines()]

    def ask(self, method: str, *path: str, **body: Any) -> Any:
        opened = bootstrap.open_home(self.home)
        from axis.infra.amqp.management import Management

        at = Management(self.environment["AXIS_MANAGEMENT_URL"], self.vhost)
        assert opened.config.broker.kind == "amqp"
        return getattr(at, method)(*path, body=body) if method in {"put", "post"} else getattr(at, method)(*path)


@pytest.fixture
def site(managed_rabbitmq: RabbitMq, tmp_path: Path) -> Site:
    return Site(tmp_path, managed_rabbitmq)


def test_an_empty_broker_is_set_up_by_one_command_and_the_second_time_nothing_is_to_be_done(site: Site) -> None:
    assert site.findings()[0]["code"] == "BROKER_MISSING"
    first = site.axis("broker", "setup", "--keep-guest")
    assert first.exit_code == 0, first.output
    assert "things were changed" in first.output
    second = site.axis("broker", "setup", "--keep-guest")
    assert (second.exit_code, "; 0 things were changed" in second.output) == (0, True), second.output
    assert site.findings() == []
    names = {queue["name"] for queue in site.ask("get", "queues", site.vhost)}
    assert {"axis.dead", "axis.to.H41", "axis.to.H41.urgent", "axis.from.G22"} <= names
    assert len(names) == 3 * 4 + 1


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        (("permissions", "{v}", "H41"), {"configure": ".*", "write": ".*", "read": ".*"}, "right H41"),
        (("topic-permissions", "{v}", "H41"), {"exchange": "axis.in", "write": ".*", "read": ".*"}, "routing key H41"),
        (("users", "H41"), {"password_hash": "", "tags": "administrator"}, "user H41"),
        (("user-limits", "H41", "max-connections"), {"value": 100000}, "limit H41"),
    ],
    ids=["permission", "topic permission", "tag", "limit"],
)
def test_a_right_that_was_widened_is_found_and_taken_back(
    site: Site, path: tuple[str, ...], body: dict[str, Any], says: str
) -> None:
    site.axis("broker", "setup", "--keep-guest")
    site.ask("put", *(part.replace("{v}", site.vhost) for part in path), **body)
    (found,) = site.findings()
    assert (found["code"], found["path"].startswith(says)) == ("BROKER_DIFFERS", True), found
    assert site.axis("broker", "setup", "--keep-guest").exit_code == 0
    assert site.findings() == []


@pytest.mark.parametrize(
    ("queue", "arguments", "says"),
    [
        ("axis.to.H41", {"x-queue-type": "classic"}, "x-queue-type=quorum"),
        ("axis.to.H41", {"x-queue-type": "quorum"}, "x-dead-letter-routing-key=axis.dead"),
        ("axis.dead", {"x-queue-type": "classic"}, "x-queue-type=quorum"),
    ],
    ids=["no quorum", "no dead-letter target", "the dead letters' queue no quorum"],
)
def test_a_queue_with_other_arguments_is_found_and_left_to_a_person(
    site: Site, queue: str, arguments: dict[str, Any], says: str
) -> None:
    site.axis("broker", "setup", "--keep-guest")
    site.ask("delete", "queues", site.vhost, queue)
    site.ask("put", "queues", site.vhost, queue, durable=True, arguments=arguments)
    found = [one for one in site.findings() if one["code"] == "BROKER_DIFFERS"]
    assert says in {one["expected"] for one in found}
    again = site.axis("broker", "setup", "--keep-guest")
    assert again.exit_code == 3
    assert "--remake" in again.output
    # The hub does not start on it either, and says which queue and what to do.
    start = site.axis("hub")
    assert start.exit_code == 5
    assert f"queue {queue}" in start.output
    assert "axis broker setup --remake" in start.output
    assert "PRECONDITION_FAILED" not in start.output


def test_an_agency_that_has_left_and_guest_have_no_rights(site: Site) -> None:
    site.axis("broker", "setup", "--keep-guest")
    site.ask("put", "users", "stranger", password="x", tags="")
    site.ask("put", "permissions", site.vhost, "stranger", configure=".*", write=".*", read=".*")
    (found,) = site.findings()
    assert found["path"] == "right stranger"
    assert any(
        one.get("path") == "user guest"
        for one in map(json.loads, site.axis("broker", "check", "--json").stdout.splitlines())
    )
    site.axis("broker", "setup", "--keep-guest")
    assert site.findings() == []
    site.ask("delete", "users", "stranger")


def test_without_a_management_url_the_command_says_what_to_set(site: Site) -> None:
    site.environment["AXIS_MANAGEMENT_URL"] = ""
    result = site.axis("broker", "check")
    assert (result.exit_code, "AXIS_MANAGEMENT_URL" in result.output) == (2, True)


def test_a_wrong_password_and_a_dead_port_are_clear_and_never_show_the_password(site: Site) -> None:
    site.environment["AXIS_MANAGEMENT_URL"] = site.node.management_url.replace("guest:guest", "guest:secret-word")
    wrong = site.axis("broker", "check")
    assert (wrong.exit_code, "BROKER_CONFIG" in wrong.output) == (5, True)
    site.environment["AXIS_MANAGEMENT_URL"] = "http://guest:secret-word@127.0.0.1:1"
    away = site.axis("broker", "check")
    assert (away.exit_code, "BROKER_DOWN" in away.output) == (4, True)
    assert "secret-word" not in wrong.output + away.output


def test_two_adapters_of_one_agency_are_shown_to_the_administrator_with_their_places(
    site: Site, tmp_path: Path
) -> None:
    urls = tmp_path / "urls"
    assert site.axis("broker", "setup", "--keep-guest", "--passwords", str(urls)).exit_code == 0
    url = (urls / "H41").read_text("utf-8").strip()
    first, copy = (AmqpBroker(url, user_id="H41", name="H41", alone=True) for _ in range(2))
    routes = agency_routes("H41")
    first.receive(routes, limit=1, max_bytes=1, timeout=0)
    part = loops._Part("H41", copy.close, None)
    with pytest.raises(Unavailable) as refused:
        copy.receive(routes, limit=1, max_bytes=1, timeout=0)
    part.went_wrong(refused.value)
    assert part.error is not None
    assert part.error.fault is Fault.ADAPTER_TWICE, "its operator is told, and it keeps trying"
    end = time.monotonic() + 20
    while not (found := site.findings()):
        assert time.monotonic() < end, "the administrator is not told"
        time.sleep(0.2)
    assert [(one["code"], one["path"]) for one in found] == [("BROKER_TWICE", "H41")]
    assert found[0]["got"].count("127.0.0.1:") == 2
    first.close()
    copy.close()
