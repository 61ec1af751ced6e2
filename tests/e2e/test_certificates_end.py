"""Certificates that end are seen in time, agencies are found by name, and a code with a slip in it is met with a hint."""

from __future__ import annotations

import json
import logging
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner, Result

from axis import cli
from axis.core.registry import HUB
from axis.errors import AxisError, Fault
from axis.home import open_home, reading_registry
from axis.infra import keystore
from axis.monitoring import Watch
from axis.services.operate.alarms import FILE, Alarms
from tests import own
from tests.line import Line, document, small_home

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 26, 3, tzinfo=UTC)


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Line:
    return small_home(tmp_path_factory.mktemp("ends") / "home")


def run(line: Line, *words: str) -> Result:
    return CliRunner().invoke(cli.main, [*words, "--home", str(line.path)])


def listed(line: Line, *words: str) -> list[str]:
    done = run(line, "agency", "list", "--json", *words)
    assert done.exit_code == 0, done.output
    return [json.loads(one)["code"] for one in done.stdout.splitlines()]


def test_the_agencies_whose_certificates_end_soon_are_listed_the_first_to_end_first(line: Line) -> None:
    with reading_registry(open_home(line.path)) as registry:
        ends = {one.code: one.signs_until for one in registry.agencies}
    days = [(end - datetime.now(UTC)).days for end in ends.values() if end is not None]
    assert listed(line, "--expiring", f"{min(days) - 2}d") == []
    everybody = listed(line, "--expiring", f"{max(days) + 2}")
    assert sorted(everybody) == sorted(ends)
    assert [ends[code] for code in everybody] == sorted(end for end in ends.values() if end is not None)
    row = json.loads(run(line, "agency", "list", "--json", "--expiring", "99999d").stdout.splitlines()[0])
    assert row["days_left"] in days
    assert row["ends_at"]
    for bad in ("soon", "-1d", "30 d", "", "٣٠"):
        assert run(line, "agency", "list", "--expiring", bad).exit_code == 2, bad


def test_the_example_of_its_help_runs(line: Line) -> None:
    group = cli.main.get_command(click.Context(cli.main), "agency")
    assert isinstance(group, click.Group)
    (example,) = [one.strip() for one in (group.commands["list"].epilog or "").splitlines() if "axis " in one]
    assert run(line, *example.split()[1:]).exit_code == 0


def test_agencies_are_found_by_name_without_accents(line: Line) -> None:
    assert listed(line, "van", "phong", "chinh", "phu") == ["G22"]
    assert listed(line, "VĂN PHÒNG CHÍNH PHỦ") == ["G22"]
    assert listed(line, "không có ai tên thế này") == []


def test_a_code_that_is_nobodys_is_met_with_whom_may_have_been_meant(line: Line) -> None:
    for words in (["agency", "show", "H42"], ["agency", "suspend", "H42"]):
        said = run(line, *words)
        assert said.exit_code == 3
        assert "H41 (" in said.output
        as_json = run(line, *words, "--json")
        error = next(json.loads(one) for one in as_json.stdout.splitlines() if '"error"' in one)
        assert error["error"][0]["code"] == "AGENCY_UNKNOWN"
        assert "H41" in error["did_you_mean"]
    assert "did_you_mean" not in run(line, "trace", "nothing of the kind", "--json").stdout


def test_an_alarm_is_given_once_for_each_threshold_also_over_restarts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "axis")
    ends = {"H41": NOW + timedelta(days=61), "keys/HUB.pem": NOW + timedelta(days=4000)}
    for day in range(65):
        for hour in (0, 6):  # each time another process
            Alarms(tmp_path, lambda: ends).turn(NOW + timedelta(days=day, hours=hour))
    said = [
        (one.levelname, one.getMessage().split(": ")[0].removeprefix("the certificate of ")) for one in caplog.records
    ]
    assert said == [
        ("WARNING", "H41 ends within 60 days"),
        ("WARNING", "H41 ends within 30 days"),
        ("WARNING", "H41 ends within 7 days"),
        ("ERROR", "H41 ends within 1 days"),
        ("ERROR", "H41 has ended"),
    ]


def test_of_two_workers_on_one_home_one_gives_the_alarm(tmp_path: Path) -> None:
    """The second looks while the first is telling what it has found."""
    one, other = (Alarms(tmp_path, lambda: {"H41": NOW + timedelta(days=20)}) for _ in range(2))
    second, said = threading.Thread(target=other.turn, args=(NOW,)), list[str]()

    class Listening(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())
            if len(said) == 1:
                second.start()
                second.join(0.2)

    listening = Listening()
    logging.getLogger("axis.certificates").addHandler(listening)
    try:
        one.turn(NOW)
        second.join(60)
    finally:
        logging.getLogger("axis.certificates").removeHandler(listening)
    assert [text.split(": ")[0] for text in said] == ["the certificate of H41 ends within 30 days"]


def test_what_cannot_be_looked_at_keeps_no_document_back_and_is_looked_at_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> dict[str, datetime]:
        raise OSError(5, "Input/output error")

    one = Alarms(tmp_path, broken)
    one.turn(NOW)
    assert "could not be looked at" in caplog.text
    assert not (tmp_path / FILE).exists()
    (tmp_path / FILE).write_text("not a moment")
    Alarms(tmp_path, lambda: {"H41": NOW}).turn(NOW)
    assert "H41 has ended" in caplog.text


def test_the_centre_looks_at_its_own_certificates_and_the_agencies_and_an_agency_at_its_own(line: Line) -> None:
    hub, agency = (Watch(open_home(line.path), is_hub=is_hub) for is_hub in (True, False))
    assert {"G22", "H41", f"keys/{HUB}.pem", "pki/ca.pem"} <= set(hub._ends())
    assert "pki/hub.pem" not in hub._ends(), "it is the same certificate, and one alarm is enough"
    assert "keys/H41.pem" not in hub._ends()
    assert {"keys/G22.pem", "keys/H41.pem"} <= set(agency._ends())
    assert f"keys/{HUB}.pem" not in agency._ends()
    hub.beside()
    assert (line.path / FILE).exists()
    hub.close()
    agency.close()


def test_the_connections_certificates_are_told_of_in_time_and_a_command_renews_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    own.few(monkeypatch)
    monkeypatch.setenv("AXIS_AMQP_URL", "amqps://localhost")  # nobody is called
    home = tmp_path / "hub"
    own.done("init", "--home", home, "--broker", "amqp", "--tls", "localhost")
    keys = {name: keystore.load_signer(home / "tls", name) for name in ("broker", "hub")}
    end = keys["hub"].certificate.not_valid_after_utc
    caplog.set_level(logging.WARNING, "axis.certificates")
    watch = Watch(open_home(home), is_hub=True)
    try:
        for days in (59, 29, 6, 0.5):
            Alarms(home, watch._ends).turn(end - timedelta(days=days))
        told = [one.getMessage().split(": ")[0] for one in caplog.records if "tls/" in one.getMessage()]
        of_each = [f"ends within {days} days" for days in (60, 30, 7, 1)]
        for name in ("broker", "hub"):
            found = [one.removeprefix(f"the certificate of tls/{name}.pem ") for one in told if f"/{name}.pem" in one]
            assert found == of_each
        monkeypatch.setattr("axis.commands.broker.now", lambda: end - timedelta(days=30))
        own.done("broker", "reissue", "--home", home)
        assert watch._ends()["tls/hub.pem"] > end + timedelta(days=1000) < watch._ends()["tls/broker.pem"]
    finally:
        watch.close()
    for name, before in keys.items():
        same = keystore.load_signer(home / "tls", name).key
        assert same.private_numbers() == before.key.private_numbers(), "the key stays"
    own.done("broker", "reissue", "--new-keys", "--home", home)
    for name, before in keys.items():
        other = keystore.load_signer(home / "tls", name)
        assert other.key.private_numbers() != before.key.private_numbers()
        other.certificate.verify_directly_issued_by(keystore.load_certificate(home / "tls" / "ca.pem"))
        assert keystore.hosts_of(other.certificate) == keystore.hosts_of(before.certificate)


def test_the_hub_accepts_nothing_that_nobody_could_believe(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    end = keystore.load_certificate(line.path / "pki" / "hub.pem").not_valid_after_utc
    line.clock.now = end - timedelta(minutes=2)
    line.drop("G22", document())
    with pytest.raises(AxisError) as caught:
        line.run()
    assert caught.value.fault is Fault.CERTIFICATE_ENDED
    assert line.files("G22", "receipts") == []
    line.clock.now = end - timedelta(minutes=10)
    line.run(patience=timedelta(0))
    assert line.events("G22") == ["A.1", "E.1 H41"]
