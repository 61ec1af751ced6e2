"""What ``axis bench`` says is what happened: every document once, every receipt verified, a record that holds."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from axis import cli
from axis.core import edxml
from axis.core.registry import Member
from axis.core.types import kind as kinds
from axis.infra.database import Database
from axis.infra.record import ledger, tables
from axis.infra.record.store import HubStore
from axis.trials import bench as trial
from axis.trials import bench_dossiers, bench_fill, bench_plan, bench_process, bench_year
from axis.trials.applications import february
from tests.line import small_home

if TYPE_CHECKING:
    from typing import Any

    from tests.servers import PostgreSql, RabbitMq

WANTED = {
    "mode", "size", "recipients", "documents", "seconds", "cpu_ms", "floor_ms", "sql", "commits", "flushes", "parses",
    "verifications", "latency_ms", "rss_mb", "peer_ms", "lost", "doubled",
}  # fmt: skip


def bench(*arguments: str) -> dict[str, Any]:
    """The last line of ``axis bench --json``."""
    done = CliRunner().invoke(cli.main, ["bench", "--json", *arguments])
    assert done.exit_code == 0, (done.output, done.stderr, done.exception)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def check(found: dict[str, Any], deliveries: int) -> None:
    assert set(found) >= WANTED
    assert (found["lost"], found["doubled"], found["receipts_verified"]) == (0, 0, deliveries)
    assert found["cpu_ms"]["all"] > 0
    assert found["floor_ms"] > 0
    assert found["sql"] > 0
    assert found["commits"] > 0
    assert found["parses"] > 0
    assert found["verifications"] >= 2 + found["recipients"]  # by the hub, the sender and each recipient
    assert found["signatures"] >= 2  # the document and its receipts
    for leg in ("acceptance", "inbox", "receipt"):
        assert 0 < found["latency_ms"][leg]["p50"] <= found["latency_ms"][leg]["p99"]
    assert all(found["calibration"][when]["loop_ms"] > 0 for when in ("before", "after"))


def test_an_embedded_line_is_measured_to_the_last_receipt() -> None:
    found = bench("--documents", "4", "--agencies", "3", "--recipients", "2", "--size", "5KB")
    check(found, deliveries=8)
    assert set(found["rss_mb"]) == {"line"}
    assert found["cpu_ms"]["hub"] is found["sql_hub"] is None  # one process does everything


def test_applications_of_a_city_go_through_the_line_with_their_progress_and_each_has_its_cost() -> None:
    found = bench("--scenario", "dossiers", "--documents", "3")
    assert (found["applications"], found["documents"], found["lost"], found["doubled"]) == (3, 12, 0, 0)
    assert found["cpu_ms_an_application_all"] > found["cpu_ms_a_document_all"] > 0


def test_the_packets_of_an_application_are_judged_by_their_types_and_move_as_those_allow() -> None:
    folder = Path(__file__).parent.parent.parent / "schemas" / "documents"
    types = {
        kind.name: kind
        for name in bench_dossiers.TYPES
        for kind in [kinds.read({p.name: p.read_bytes() for p in (folder / name / "1").iterdir() if p.is_file()})]
    }
    for one in february(200):
        state = ""
        for name, record, packet in bench_dossiers.packets(one):
            assert edxml.convert(packet).problems == ()
            said = kinds.Header(*_parties(), (types[name].manifest.attachment,))
            judged = kinds.examine(types[name], said, [record])
            assert (judged.findings, judged.key) == ((), one.number)
            assert kinds.move(types[name], state, judged.state) is None
            state = judged.state
        assert state == "10"


def _parties() -> tuple[kinds.Party, tuple[kinds.Party, ...]]:
    sender, recipient = Member("H26", "Hà Nội"), Member("G22", "Văn phòng Chính phủ")
    return kinds.Party("H26", sender), (kinds.Party("G22", recipient),)


@pytest.mark.timeout(300)
@pytest.mark.amqp
@pytest.mark.postgres
def test_a_served_line_is_measured_process_by_process(rabbitmq: RabbitMq, postgres: PostgreSql) -> None:
    rabbitmq.vhost("bench-given")
    given = ["--broker", rabbitmq.url("bench-given"), "--database", postgres.database("bench_given")]
    more = ["--documents", "3", "--recipients", "2", "--size", "5KB", "--pace", "10", "--fill", "300"]
    found = bench("--mode", "served", *more, *given)
    rabbitmq.drop_vhost("bench-given")
    check(found, deliveries=6)
    # Who serves on the ports that were given is looked at too.
    assert set(found["rss_mb"]) == {"hub", "sender", "recipient", "rabbitmq", "postgresql"}
    assert all(found["rss_mb"].values())
    assert 0 < found["sql_hub"] < found["sql"]
    parts = [found["cpu_ms"][name] for name in ("hub", "adapters", "rabbitmq", "postgresql")]
    assert found["cpu_ms"]["all"] == pytest.approx(sum(parts), abs=0.01)
    assert found["postgresql"]["commits"] > 0
    assert found["filled"] == 300


@pytest.mark.usefixtures("rabbitmq", "postgres")  # where they cannot be had this is skipped
@pytest.mark.amqp
@pytest.mark.postgres
def test_private_servers_run_while_they_are_needed() -> None:
    asked = trial.Asked(bench_plan.Shape("served", 5000, 1, 1, 2))
    with trial.servers(asked) as servers:
        assert servers is not None
        pids = servers.pids()
        assert all(bench_process.cpu_ms([pid]) > 0 for pid in pids.values() if pid)
        assert None not in pids.values()
        url, users = servers.fresh(["G22", "H41"])
        assert "G22" in users["G22"]  # each has a user of its own, and the right to nothing else
        assert Database(url).version() == ""
    end = time.monotonic() + 30
    while any(bench_process.cpu_ms([pid]) for pid in pids.values() if pid):
        assert time.monotonic() < end
        time.sleep(0.1)


def test_what_does_not_go_together_is_said_in_a_sentence() -> None:
    for wrong in (["--size", "much"], ["--recipients", "3", "--agencies", "3"], ["--broker", "amqp://x"]):
        done = CliRunner().invoke(cli.main, ["bench", *wrong])
        assert done.exit_code == 2
        assert "Traceback" not in done.output


def filled(path: Path, count: int) -> str:
    home = small_home(path / "home", codes=("G22", "H41", "H29"))
    url = f"sqlite:///{home.path / 'axis.db'}"
    bench_fill.fill(url, count, ["G22", "H41", "H29"], 7, datetime(2026, 11, 23, 3, tzinfo=UTC))
    return url


def test_a_filled_record_holds_every_check(tmp_path: Path) -> None:
    """Because a measurement on a record that no hub would have left measures nothing."""
    url = filled(tmp_path, 1500)
    database = Database(url)
    with HubStore(database).reading() as reader:
        entries, _ = ledger.check(reader)
        assert not ledger.standing(reader).is_unlinked
        count = lambda query: reader.connection.execute(sa.text(query)).scalar_one()  # noqa: E731
        assert entries == count("SELECT count(*) FROM ledger") > 5 * 1400
        states = dict(reader.connection.execute(sa.text("SELECT state, count(*) FROM delivery GROUP BY state")).all())
        assert set(states) == {"HANDED_OVER", "QUEUED", "ACCEPTED", "REFUSED", "FAILED", "RECALLED"}
        assert count("SELECT count(*) FROM outbox") == states["ACCEPTED"]
        assert count("SELECT count(*) FROM refusal") > 0
        assert count("SELECT count(*) FROM delivery WHERE axis_id NOT IN (SELECT axis_id FROM submission)") == 0
        stray = (
            "SELECT count(*) FROM delivery d LEFT JOIN document w ON w.sender = d.owner AND w.document_id = d.document_id "
            "LEFT JOIN submission s ON s.axis_id = d.axis_id AND s.owner = d.owner AND s.document_id = d.document_id "
            "WHERE w.sender IS NULL OR s.axis_id IS NULL"
        )
        assert count(stray) == 0, "each delivery says whose document it is about"
        reporters = "(SELECT count(*) FROM business_status b WHERE b.delivery_id = d.id)"
        assert count(f"SELECT count(*) FROM delivery d WHERE d.reporters <> {reporters}") == 0
        for column in tables.PAYLOAD_REFERENCES:  # whatever is named is there
            named, table = column.name, column.table.name
            missing = (
                f"SELECT count(*) FROM {table} WHERE {named} <> '' AND {named} NOT IN (SELECT digest FROM payload)"
            )
            assert count(missing) == 0, f"{table}.{named}"
        for row in reader.connection.execute(sa.text("SELECT digest FROM payload LIMIT 50")):
            assert reader.payload(row.digest)
        late = "SELECT count(*) FROM deadline WHERE next_at <> '' AND next_at < '2026-11-23'"
        assert count(late) == 0  # nothing of it is work for the hub that is measured
    database.close()


def test_a_simulated_year_ends_what_is_over_and_tells_what_it_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_year, "DAYS", 73)
    monkeypatch.setattr(bench_year, "LAST", 30)
    asked = trial.Asked(bench_plan.Shape("embedded", 5000, 1, 1, 95), fill=146)
    found = bench_year.perform(asked, trial.Stage(lambda _key, **_facts: None))
    assert (found["documents"], found["documents_a_day"]) == (146, 2)
    assert found["a_large_night"]["parcels_ended"] > 100
    assert found["growth"]["day_73_mb"]["payload"] > 0.5
    assert found["files"]["sent/"] == 0
