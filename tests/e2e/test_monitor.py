"""What a running process tells of itself: /metrics, /healthz, /readyz. It tells the truth, to whom it may."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from axis import bootstrap, config, monitoring
from axis.adapters.monitor import Health, Monitor
from axis.errors import Fault, Misconfigured, Problem, Unavailable
from axis.monitoring import LATE, Probe, Watch, watching
from axis.services import pulse, run
from axis.services.questions import ready
from tests.e2e.test_served_line import Served, stop, wait_for
from tests.line import Line, document, small_home

if TYPE_CHECKING:
    from collections.abc import Iterator

    from axis.core.metrics import Sample
    from tests.servers import PostgreSql, RabbitMq

_AT = re.compile(r"Monitored at (\S+):")


def figures(url: str) -> dict[tuple[str, ...], float]:
    """(name, label values in the order of the labels' names…) to value."""
    found = {}
    for family in text_string_to_metric_families(httpx.get(url + "/metrics").raise_for_status().text):
        for one in family.samples:
            found[one.name, *(value for _, value in sorted(one.labels.items()))] = one.value
    return found


@contextmanager
def at_work(line: Line) -> Iterator[tuple[str, str]]:
    """An embedded home in a process of its own: the addresses of its monitor and of its adapters' server."""
    log = line.path.parent / "run.log"
    command = [sys.executable, "-P", "-m", "axis", "run", "--home", str(line.path)]
    with log.open("ab") as file:
        process = subprocess.Popen(command, env={**os.environ, "AXIS_LANG": "en"}, stderr=file)
    try:
        wait_for(lambda: len(re.findall(r"127\.0\.0\.1:\d+", log.read_text("utf-8"))) == 2)
        said = log.read_text("utf-8")
        monitor = _AT.search(said)
        assert monitor, said
        (other,) = set(re.findall(r"127\.0\.0\.1:\d+", said)) - {monitor[1]}
        yield f"http://{monitor[1]}", f"http://{other}"
    finally:
        stop(process)
    assert process.returncode == 0, log.read_text("utf-8")


def test_a_home_at_work_tells_what_it_has_done_and_that_it_is_well(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    line.configure(
        monitor=config.Monitor("127.0.0.1:0"),
        server=config.Server("127.0.0.1:0"),
        adapter=config.Adapter(settle_seconds=0.0, agencies={"G18": {"kind": "spool"}}),
    )
    line.drop("G22", document(1, to=("H41", "G06")))
    with at_work(line) as (url, front):
        wait_for(lambda: len(line.files("G22", "status", "*.01.*")) == 2)
        wait_for(lambda: httpx.get(url + "/readyz").status_code == 200)
        assert httpx.get(url + "/healthz").json() == {"status": "ok"}
        assert httpx.get(url + "/readyz").json()["checks"] == {"loop": "ok", "disk": "ok", "database": "ok"}
        # The server in front of the agencies' systems says no more than whether.
        assert (httpx.get(front + "/healthz").status_code, httpx.get(front + "/healthz").json()) == (
            200,
            {"status": "ok"},
        )
        assert httpx.get(front + "/readyz").json() == {"status": "ready", "failed": []}
        assert httpx.get(front + "/metrics").json()["status"] == "FAIL"  # VXP's own answer to what it does not know
        time.sleep(monitoring.FIGURES_FRESH)
        found = figures(url)
    assert found["axis_ledger_entries_total", "submission.accepted"] == 1
    assert found["axis_ledger_entries_total", "delivery.handed_over"] == 2
    assert found["axis_journal_entries_total", "G22", "source.pending"] == 1
    assert found["axis_journal_entries_total", "H41", "document.handed_over"] == 1
    assert found["axis_part_up", "hub"] == found["axis_part_up", "H41"] == found["axis_agency_system_up", "G18"] == 1
    assert found["axis_ready", "database"] == found["axis_ready", "disk"] == found["axis_ready", "loop"] == 1
    assert found["axis_outbox_due",] == 0
    assert found["axis_agencies", "active"] == 5
    assert found["axis_certificate_end_timestamp_seconds", "H41"] > time.time()
    assert found["axis_http_answers_total", "health", "2xx"] == 3
    assert found["axis_loop_rounds_total",] >= 1
    assert abs(found["axis_loop_last_round_timestamp_seconds",] - time.time()) < 60
    assert found["process_resident_memory_bytes",] > 0


def test_a_process_tells_nothing_where_nobody_asked_for_it(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    with watching(bootstrap.open_home(line.path), is_hub=True) as (_, port):
        assert port == 0


@pytest.mark.amqp
@pytest.mark.postgres
@pytest.mark.timeout(240)
def test_readiness_names_the_broker_or_the_database_that_is_away_and_liveness_stays(
    rabbitmq: RabbitMq, postgres: PostgreSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AXIS_DATABASE_URL", "")  # put back at the end
    monkeypatch.setenv("AXIS_LANG", "en")
    with TemporaryDirectory(prefix="axis-monitor-") as folder, ExitStack() as stack:
        served = Served(Path(folder), rabbitmq, postgres, stack)
        urls = {}
        for user, home in (("HUB", served.home), ("H41", served.folder / "H41")):
            settings = config.load(home)._replace(monitor=config.Monitor("127.0.0.1:0"))
            (home / config.FILE).write_text(config.render(settings), "utf-8")
            words = ("hub",) if user == "HUB" else ("adapter", "run", user)
            served.start(*words, home=home, user=user, wall=False)
            wait_for(lambda user=user: _AT.search(served.log(user)))
            urls[user] = f"http://{_AT.search(served.log(user))[1]}"  # type: ignore[index]

        def failed(user: str) -> list[str]:
            said = httpx.get(urls[user] + "/readyz", timeout=20)
            assert (said.status_code == 200) is (said.json()["failed"] == [])
            return sorted(set(said.json()["failed"]))

        for user in urls:
            wait_for(lambda user=user: failed(user) == [])
        rabbitmq.stop()
        for user, url in urls.items():
            wait_for(lambda user=user: failed(user) == ["broker"])
            assert Fault.BROKER_DOWN.code in httpx.get(url + "/readyz").json()["checks"]["broker"]
            assert httpx.get(url + "/healthz").status_code == 200
            assert figures(url)["axis_ready", "broker"] == 0
        rabbitmq.start()
        for user in urls:
            wait_for(lambda user=user: failed(user) == [], 90)
        postgres.stop()
        wait_for(lambda: failed("HUB") == ["database"])
        assert Fault.STORE_DOWN.code in httpx.get(urls["HUB"] + "/readyz").json()["checks"]["database"]
        assert httpx.get(urls["HUB"] + "/healthz").status_code == 200
        assert failed("H41") == []
        assert ("axis_outbox_due",) not in figures(urls["HUB"]), "what is not known is not told"
        postgres.start()
        wait_for(lambda: failed("HUB") == [], 90)


# -- Its parts ----------------------------------------------------------------------------------------------------


class Said:
    def __init__(self, wrong: str = "", **checks: str) -> None:
        self.wrong, self.checks = wrong, checks

    def health(self) -> str:
        return self.wrong

    def ready(self) -> dict[str, str]:
        return self.checks

    def samples(self) -> list[Sample]:
        return []


def asked(app: Any, path: str, client: str = "127.0.0.1", method: str = "GET") -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, client=(client, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as http:
            return await http.request(method, path)

    return asyncio.run(ask())


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz", "/"])
def test_who_is_elsewhere_hears_nothing_unless_its_network_is_named(path: str) -> None:
    closed, opened = Monitor(Said()), Monitor(Said(), ("10.20.5.0/24", "fd00::/16"))
    for client in ("192.0.2.1", "10.20.5.7", "::ffff:10.20.5.7", "2001:db8::1", "fd00::1"):
        assert asked(closed, path, client).status_code == 403
    wanted = 404 if path == "/" else 200
    for client in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
        assert asked(closed, path, client).status_code == wanted
    for client, status in (
        ("10.20.5.7", wanted),
        ("::ffff:10.20.5.7", wanted),
        ("fd00::1", wanted),
        ("10.20.6.1", 403),
    ):
        assert asked(opened, path, client).status_code == status, client


def test_it_is_asked_and_never_told() -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert asked(Monitor(Said()), "/healthz", method=method).status_code == 405


def test_what_is_wrong_is_told_in_full_to_the_monitor_and_by_name_to_others() -> None:
    wrong = Said("no round for 300 s", loop="no round for 300 s", broker="AXIS-X: amqp://u@h", disk="")
    assert asked(Monitor(wrong), "/healthz").json() == {"status": "stalled", "why": "no round for 300 s"}
    told = asked(Monitor(wrong), "/readyz")
    assert told.status_code == 503
    assert told.json()["checks"] == {"loop": "no round for 300 s", "broker": "AXIS-X: amqp://u@h", "disk": "ok"}
    for path in ("/healthz", "/readyz"):
        short = asked(Health(wrong), path)
        assert short.status_code == 503
        assert "AXIS-X" not in short.text
    assert asked(Health(wrong), "/readyz").json() == {"status": "not ready", "failed": ["broker", "loop"]}


def test_nobody_is_listened_to_from_elsewhere_in_the_clear(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    line.configure(monitor=config.Monitor("0.0.0.0:0", ("10.0.0.0/8",)))
    with (
        pytest.raises(Misconfigured) as caught,
        watching(bootstrap.open_home(line.path), is_hub=True),
    ):
        pass
    assert caught.value.problems[0].path == "monitor.listen"


def test_a_loop_that_stands_still_is_no_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = small_home(tmp_path / "home")
    watch = Watch(bootstrap.open_home(line.path), is_hub=True)
    assert watch.health() == ""
    assert watch.ready()["loop"] == "starting"
    with line.parts() as (hub, agencies):
        run.rounds(hub, agencies, stopped=lambda: watch.pulse.rounds > 0, pulse=watch.pulse)
        assert (watch.health(), watch.ready()["loop"]) == ("", "")
    monkeypatch.setattr(pulse, "STALLED", 0.0)
    assert watch.health().startswith("no round for")
    assert watch.ready()["loop"].startswith("no round for")
    watch.close()


def test_a_question_that_is_never_answered_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitoring, "PATIENCE", 0.05)
    never, asked_often = threading.Event(), []

    def ask() -> str:
        asked_often.append(1)
        never.wait(60)
        return ""

    probe = Probe(ask, late=LATE, failed=str, fresh=0.0)
    assert [probe() for _ in range(20)] == [LATE] * 20
    assert len(asked_often) == 1, "one thread waits, however many ask"
    never.set()
    wait_for(lambda: probe() == "")
    probe.close()


def test_a_question_that_breaks_is_an_answer() -> None:
    def ask() -> str:
        raise OSError(5, "Input/output error")

    probe = Probe(ask, late=LATE, failed=str, fresh=0.0)
    assert "Input/output error" in probe()
    probe.close()


class _Part:
    def __init__(self, error: Unavailable | None) -> None:
        self.name, self.agency, self.error, self.worked = "x", None, error, True


@pytest.mark.parametrize(
    ("faults", "is_down"),
    [
        ([None], False),
        ([Fault.BROKER_DOWN], True),
        ([Fault.BROKER_DOWN, None], False),
        ([Fault.BROKER_DOWN, Fault.BROKER_CONFIG], True),
        ([Fault.STORE_DOWN], False),
    ],
)
def test_the_broker_is_away_when_none_of_the_parts_can_work_with_it(faults: list[Fault | None], is_down: bool) -> None:
    import socket

    one = pulse.Pulse()
    one.begin([_Part(Unavailable(Problem(fault)) if fault else None) for fault in faults])
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert bool(ready.broker([server.getsockname()[:2]], one)) is is_down
        nobody = ("127.0.0.1", 9)
        assert bool(ready.broker([nobody, server.getsockname()[:2]], one)) is is_down, "one of several is enough"
    assert ready.broker([nobody], one)


def test_a_disk_without_room_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ready.disk(tmp_path) == ""
    monkeypatch.setattr(ready, "FULL", 2**62)
    assert "MiB free" in ready.disk(tmp_path)


def test_what_is_rolled_back_was_not_counted(tmp_path: Path) -> None:
    from axis import counting
    from axis.core.ledger import Entry
    from axis.infra.record import ledger
    from tests.line import Clock

    line = small_home(tmp_path / "home")
    before = dict(counting.ledger_entries)
    with line.parts() as (hub, _):
        with pytest.raises(ZeroDivisionError), hub.store.transaction() as tx:
            ledger.enter(tx, Entry(Clock().now, "HUB", "a.trial"))
            raise ZeroDivisionError
        assert counting.ledger_entries["a.trial"] == before.get("a.trial", 0)
