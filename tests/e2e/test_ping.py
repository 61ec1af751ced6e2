"""The connection between an agency and the centre, tried from either side by the processes at work: whole, and with each
leg broken in turn."""

from __future__ import annotations

import json
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from axis import bootstrap, cli
from axis.core.line import Cause, Verdict
from axis.infra.amqp.broker import AmqpBroker
from axis.infra.record import ledger
from axis.services import run as loops
from axis.services.agency import standing
from axis.services.operate import line as tests_of_lines
from tests.line import Line, small_home
from tests.served import ServedLine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers import PostgreSql, RabbitMq


@contextmanager
def at_work(line: Line, *, hub: bool = True, adapters: bool = True) -> Iterator[None]:
    """Hub and adapters, or one of them, in another thread."""
    over, began, trouble = threading.Event(), threading.Event(), list[BaseException]()

    def work() -> None:
        try:
            with ExitStack() as stack:
                if isinstance(line, ServedLine):
                    worker, agencies = line.open(stack)
                else:
                    worker, agencies = stack.enter_context(line.parts())
                folder = line.path / tests_of_lines.FOLDER

                def beside() -> None:
                    began.set()
                    asked = worker.broker, worker.signer, worker.installation, bootstrap.datetime.now(bootstrap.UTC)
                    tests_of_lines.take_asked(folder, *asked)

                loops.rounds(
                    worker if hub else None, agencies if adapters else [], stopped=over.is_set, progress=beside
                )
        except BaseException as error:
            trouble.append(error)
            began.set()

    thread = threading.Thread(target=work)
    thread.start()
    began.wait(60)
    try:
        yield
    finally:
        over.set()
        thread.join(60)
    assert trouble == []


def ping(line: Line, *words: str, **environment: str) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(cli.main, ["ping", *words, "--json", "--home", str(line.path)], env=environment)
    return done.exit_code, json.loads(done.stdout.splitlines()[0])


def legs(found: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    return [(one["from"], one["to"], one["verdict"], one.get("cause", "")) for one in found["legs"]]


WHOLE = [("hub", "broker", "good", ""), ("broker", "H41", "good", ""), ("H41", "hub", "good", "")]


def test_an_embedded_line_is_tried_by_the_process_at_work(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    code, found = ping(line, "H41")
    assert (code, found["verdict"], legs(found)) == (5, "bad", [("hub", "broker", "bad", "no_process")])
    assert "axis run" in found["legs"][0]["todo"]
    with at_work(line):
        code, found = ping(line, "H41", "--wait", "60")
        assert (code, found["verdict"], legs(found)) == (0, "good", WHOLE)
        assert all(one["ms"] >= 0 for one in found["legs"])
    with bootstrap.reading(bootstrap.open_home(line.path)) as store, store.reading() as reader:
        entries = [one for one in ledger.of_no_submission(reader, 0, 100) if one.event == "line.echoed"]
    assert [one.recipient for one in entries] == ["H41"]


def test_a_process_that_does_not_work_is_told_from_none(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    with bootstrap.lock(bootstrap.open_home(line.path)):
        assert legs(ping(line, "H41", "--wait", "0.1")[1]) == [("hub", "broker", "bad", "stands_still")]
    assert list((line.path / tests_of_lines.FOLDER).iterdir()) == [], "nothing is left to be sent later"


def test_whom_nobody_knows_and_who_is_suspended_is_said(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    code, said = ping(line, "X99")
    assert (code, said["error"][0]["code"]) == (3, "AGENCY_UNKNOWN")
    assert CliRunner().invoke(cli.main, ["ping", "--home", str(line.path)]).exit_code == 2
    suspended = ["agency", "suspend", "H41", "--reason", "moving", "--home", str(line.path)]
    assert CliRunner().invoke(cli.main, suspended).exit_code == 0
    code, found = ping(line, "H41")
    assert (code, found["verdict"], legs(found)) == (0, "unknown", [("hub", "H41", "unknown", "suspended")])


def test_a_broker_that_is_away_is_the_first_leg(tmp_path: Path) -> None:
    from axis import config

    line = small_home(tmp_path / "home", codes=("G22", "H41"))
    line.configure(installation=config.Installation("an agency", "agency", ("H41",)), broker=config.Broker("amqp"))
    code, found = ping(line, AXIS_AMQP_URL="amqp://x:x@127.0.0.1:1/%2F")
    assert (code, found["from"], legs(found)) == (5, "agency", [("H41", "broker", "bad", "broker")])
    assert "BROKER_DOWN" in found["legs"][0]["said"]
    assert found["legs"][0]["todo"]


@pytest.mark.amqp
@pytest.mark.postgres
def test_a_served_line_is_tried_from_both_sides_and_each_leg_is_named(
    tmp_path: Path, rabbitmq: RabbitMq, postgres: PostgreSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.record("ping")
    monkeypatch.setenv("AXIS_DATABASE_URL", url)
    with ServedLine(tmp_path / "home", rabbitmq, url, ("G22", "H41")) as line:
        monkeypatch.setenv("AXIS_AMQP_URL", line.urls["hub"])

        def from_agency(patience: float) -> tests_of_lines.Test:
            home = bootstrap.open_home(line.path)
            link = AmqpBroker(line.urls["H41"], user_id="H41", confirm_timeout=5)
            with bootstrap.reading_journal(home, "H41") as journal:
                try:
                    return tests_of_lines.from_agency(journal, link, "H41", patience)
                finally:
                    link.close()

        with at_work(line, adapters=False):
            code, found = ping(line, "H41")
            assert (code, legs(found)[-1]) == (0, ("broker", "H41", "unknown", "never_asked")), "it has never run"
        with at_work(line):
            code, found = ping(line, "H41", "--wait", "60")
            if legs(found)[-1][-1] == "never_asked":  # it is asking just now
                assert from_agency(60).verdict is Verdict.GOOD
                code, found = ping(line, "H41", "--wait", "60")
            assert (code, legs(found), found["clock_ms"]) == (0, WHOLE, 0)
            test = from_agency(60)
            assert [(leg.start, leg.end, leg.verdict) for leg in test.legs] == [
                ("H41", "broker", Verdict.GOOD),
                ("broker", "hub, H41", Verdict.GOOD),
            ]
            with monkeypatch.context() as patch:  # an adapter of a version that does not know the test
                patch.setattr(standing, "sent_in", lambda _: None)
                code, found = ping(line, "H41", "--wait", "2")
            assert (code, found["verdict"]) == (0, "unknown"), "no error"
            assert legs(found)[1:] == [("broker", "H41", "good", ""), ("H41", "hub", "unknown", "not_heard")]
            with line.parts() as (hub, _):
                assert hub.broker.dead_depth() == 0
            line.restart()
        code, found = ping(line, "H41", "--wait", "0.1")
        assert (code, legs(found)[1:]) == (5, [("broker", "H41", "bad", "no_reader")])
        assert "H41" in found["legs"][1]["who"]
        test = from_agency(0.1)
        assert (test.legs[1].end, test.legs[1].cause) == ("hub", Cause.NO_READER)
        with at_work(line, hub=False):  # it takes the test, and nobody takes its answer
            code, found = ping(line, "H41", "--wait", "3")
            assert (code, legs(found)[-1]) == (5, ("H41", "hub", "bad", "no_reader"))
