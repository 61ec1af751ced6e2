"""Each check of the doctor: its fault is planted, found, and named with what mends it."""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import Encoding

from axis import bootstrap, cli, config, texts
from axis.core import doctor
from axis.core.doctor import Verdict
from axis.core.instant import to_text
from axis.core.registry import HUB
from axis.gathering import gather
from axis.home import open_home, reading_registry
from axis.infra import keystore
from axis.infra.database import Database
from axis.services.operate import broker_setup, provision
from axis.services.operate import registry as registries
from tests.line import Line, document, small_home

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers import RabbitMq

NOW = datetime(2026, 11, 25, 3, tzinfo=UTC)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Line:
    """A home that works, with one document on its way to an agency that is away."""
    line = small_home(tmp_path_factory.mktemp("doctor") / "home")
    line.drop("G22", document(1, to=("H41", "G06")))
    line.run()
    return line


@pytest.fixture
def home(sound: Line, tmp_path: Path) -> Path:
    shutil.copytree(sound.path, tmp_path / "home")
    return tmp_path / "home"


def found(home: Path, now: datetime = NOW) -> dict[str, doctor.Finding]:
    return {one.check: one for one in doctor.examine(gather(home, now))}


def change(home: Path, text: str, **values: Any) -> None:
    database = Database(f"sqlite:///{home / 'axis.db'}")
    with database.begin() as connection:
        connection.execute(sa.text(text), values)
    database.close()


def settings(home: Path, old: str, new: str) -> None:
    file = home / config.FILE
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def test_a_home_that_works_has_nothing_wrong(sound: Line) -> None:
    findings = found(sound.path)
    assert {name: one.facts for name, one in findings.items() if one.is_trouble} == {}
    assert len(findings) >= 30


# -- Faults of a home on this machine: (check, how it is planted, its verdict) --------------------------------------


def _rotten_page(home: Path) -> None:
    """One page of an index that nothing here reads."""
    with closing(sqlite3.connect(home / "axis.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'submission_code'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with (home / "axis.db").open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * 64)


def _short_key(home: Path) -> None:
    signer = keystore.load_signer(home / "pki", "ca")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keystore, "RSA_BITS", 2048)  # as earlier versions made them
        made = keystore.new_member(signer, "G06", "G06", "rsa", NOW - timedelta(days=1))
    for name in ("G06.key", "G06.pem"):
        (home / "keys" / name).unlink()
    keystore.save_signer(home / "keys", "G06", made)


def _other_key(home: Path) -> None:
    shutil.copy(home / "keys" / "H41.pem", home / "keys" / "G06.pem")


def _suspended(home: Path) -> None:
    with bootstrap.registrar(open_home(home)) as registrar:
        registries.suspend(registrar, "H41", "thử", NOW)


def _incident(home: Path) -> None:
    (home / "incidents").mkdir()
    (home / "incidents" / "axis-0123456789ab.log").write_text("trace")
    os.utime(home / "incidents" / "axis-0123456789ab.log", (NOW.timestamp(), NOW.timestamp()))


def _old_packet(home: Path) -> None:
    file = home / "agencies" / "H41" / "outbox" / "a.edxml"
    file.write_bytes(b"<edXML/>")
    old = NOW.timestamp() - 3600
    os.utime(file, (old, old))


def _refused_packet(home: Path) -> None:
    (home / "agencies" / "H41" / "failed" / "a.edxml.error.json").write_text("{}")


def _no_folder(home: Path) -> None:
    shutil.rmtree(home / "agencies" / "H41" / "inbox")
    (home / "agencies" / "H41" / "inbox").write_text("a file in its place")


def _quarantined(home: Path) -> None:
    row = dict.fromkeys(("message_id", "user_id", "code"), "x")
    change(
        home,
        "INSERT INTO quarantine (id, agency, message_id, user_id, body_digest, code, attempts, since) "
        "VALUES ('q1', 'H41', :message_id, :user_id, '', :code, 1, :since)",
        since=to_text(NOW),
        **row,
    )


def _stamped(home: Path, days: int) -> None:
    """The last time-stamp came from a service whose certificate ends soon."""
    authority = keystore.new_authority(NOW - timedelta(days=3650))
    own = keystore.new_member(
        authority, "TSA", "x", "p256", NOW - timedelta(days=365 * keystore.CERTIFICATE_YEARS - days)
    )
    change(
        home,
        "INSERT INTO log_stamp (log, size, note, reply, authority, stamped_at) VALUES (1, 1, x'00', x'00', :pem, :at)",
        pem=own.certificate.public_bytes(Encoding.PEM),
        at=to_text(NOW),
    )


def _restored(home: Path) -> None:
    from axis import bootstrap
    from axis.core.ledger import Entry
    from axis.infra.record import ledger, restored
    from axis.services.operate import reconcile

    entry = Entry(NOW - timedelta(days=1), HUB, restored.RESTORED)
    with bootstrap.any_hub(open_home(home)) as hub:
        with hub.store.transaction() as tx:
            ledger.enter(tx, entry)
        reconcile.ask_senders(hub, NOW)  # it comes with a registry that says so


def _contradicted(home: Path) -> None:
    from axis.infra.database import Database
    from axis.infra.journal.journals import Journal
    from axis.infra.journal.witness import Kept

    database = Database(config.load(home).database_url(home))
    with Journal(database, "H41").transaction() as tx:
        tx.keep_witness(Kept("H41", trouble="LOG_SPLIT", other=b"x"))
    database.close()


def _other_policy(home: Path) -> None:
    from axis.infra import policies
    from axis.infra.database import Database

    text = (home / "pki" / "log.policy").read_text("utf-8")
    database = Database(config.load(home).database_url(home))
    with database.begin() as connection:
        policies.note(
            connection, "HUB", text, datetime.now(UTC), before=text.replace("group agencies 3", "group agencies 4")
        )
    database.close()


HOME_FAULTS: list[tuple[str, Callable[[Path], Any], Verdict]] = [
    ("home_mode", lambda home: (home / "keys").chmod(0o755), Verdict.BAD),
    ("private_files", lambda home: (home / "keys" / "H41.key").chmod(0o644), Verdict.BAD),
    ("incidents", _incident, Verdict.WARN),
    ("settings", lambda home: (home / config.FILE).write_text("[broker]\nkind = 3\n"), Verdict.UNKNOWN),
    (
        "environment",
        lambda home: settings(home, "[installation]", '[store]\nkind = "postgresql"\n[installation]'),
        Verdict.BAD,
    ),
    (
        "public_server",
        lambda home: settings(
            home, "[installation]", '[server]\nlisten = "0.0.0.0:8080"\nplain_http = "anywhere"\n[installation]'
        ),
        Verdict.WARN,
    ),
    (
        "publishers",
        lambda home: settings(home, "[installation]", '[broker]\nkind = "amqp"\nuser_id = "optional"\n[installation]'),
        Verdict.WARN,
    ),
    (
        "calendar",
        lambda home: (
            (home / "days.csv").write_text("date,kind,name\n2025-01-01,off,Tết\n"),
            settings(home, "[installation]", '[deadlines]\ncalendar_file = "days.csv"\n[installation]'),
        ),
        Verdict.WARN,
    ),
    ("keys", _other_key, Verdict.BAD),
    ("log_key", lambda home: (home / "pki" / "log.key").unlink(), Verdict.BAD),
    ("log_key", lambda home: (home / "pki" / "log.key").chmod(0o644), Verdict.BAD),
    ("log_key", lambda home: (home / "pki" / "log.key").write_text("no key"), Verdict.BAD),
    ("weak_keys", _short_key, Verdict.WARN),
    ("own_certificates", _short_key, Verdict.BAD),
    ("registry", lambda home: change(home, "DELETE FROM payload"), Verdict.UNKNOWN),
    ("suspended", _suspended, Verdict.WARN),
    ("database", lambda home: (home / "axis.db").write_bytes(b"no database" * 1000), Verdict.UNKNOWN),
    ("schema", lambda home: change(home, "UPDATE alembic_version SET version_num = '0009'"), Verdict.BAD),
    ("damage", _rotten_page, Verdict.BAD),
    ("ledger_end", lambda home: (home / "hub.mark").write_text("999999 " + "0" * 64 + " 1 0 -\n"), Verdict.BAD),
    (
        "ledger_links",
        lambda home: change(home, "UPDATE ledger SET canonical = replace(canonical, 'HUB', 'H41')"),
        Verdict.BAD,
    ),
    (
        "ledger_places",
        lambda home: change(
            home, "UPDATE ledger SET position = NULL, link = NULL WHERE id = (SELECT max(id) FROM ledger)"
        ),
        Verdict.WARN,
    ),
    (
        "timestamps",
        lambda home: settings(home, "[installation]", '[timestamps]\nurl = "http://127.0.0.1:1/"\n[installation]'),
        Verdict.WARN,
    ),
    ("timestamps_end", lambda home: _stamped(home, days=10), Verdict.WARN),
    (
        "outbox",
        lambda home: change(
            home,
            "INSERT INTO outbox (code, urgent, message_id, body_digest, proof_digest, delivery_id, not_before, attempts, "
            "created_at) VALUES ('H41', false, 'm', '', '', '', :at, 0, :at)",
            at=to_text(NOW - timedelta(hours=1)),
        ),
        Verdict.BAD,
    ),
    ("quarantine", _quarantined, Verdict.WARN),
    ("given_up", lambda home: change(home, "UPDATE delivery SET state = 'FAILED'"), Verdict.WARN),
    (
        "overdue",
        lambda home: (
            change(home, "UPDATE delivery SET state = 'QUEUED'"),
            change(home, "UPDATE deadline SET progress = 'missed'"),
        ),
        Verdict.WARN,
    ),
    (
        "silent",
        lambda home: change(home, "UPDATE delivery SET state = 'QUEUED', updated_at = '2026-11-20T00:00:00.000Z'"),
        Verdict.WARN,
    ),
    ("restored", _restored, Verdict.WARN),
    ("witnesses", _contradicted, Verdict.BAD),
    ("witness_policy", _other_policy, Verdict.WARN),
    ("connections", _no_folder, Verdict.BAD),
    ("waiting_files", _old_packet, Verdict.BAD),
    ("failed_files", _refused_packet, Verdict.WARN),
]


@pytest.mark.parametrize(("check", "plant", "verdict"), HOME_FAULTS, ids=[one[0] for one in HOME_FAULTS])
def test_a_fault_of_a_home_is_found_and_named_with_its_mending(
    home: Path, check: str, plant: Callable[[Path], Any], verdict: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AXIS_DATABASE_URL", raising=False)
    plant(home)
    one = found(home)[check]
    assert one.verdict is verdict, one
    assert is_told(one)


def is_told(one: doctor.Finding) -> bool:
    """Whether the finding has its words in both languages, with all their facts."""
    for language in ("vi", "en"):
        for part in ("", ".found", ".means", ".mend"):
            facts = {"home": "axis-home", **one.facts}
            if part == ".found" and one.verdict is Verdict.UNKNOWN:
                assert "why" in one.facts
                continue
            said = texts.text(f"doctor.{one.check}{part}", language, **facts)  # type: ignore[arg-type]
            assert said
            assert "{" not in said
    return True


def test_certificates_are_told_60_30_7_and_1_days_before_they_end(sound: Line) -> None:
    gathered = gather(sound.path, NOW)
    ends = min(one["until"] for one in gathered["keys"]["certificates"])
    end = datetime.fromisoformat(ends)
    for days, verdict in (
        (61, Verdict.GOOD),
        (59, Verdict.WARN),
        (2, Verdict.WARN),
        (0.5, Verdict.BAD),
        (-3, Verdict.BAD),
    ):
        at = found(sound.path, end - timedelta(days=days))
        assert at["certificates"].verdict is verdict, days
        assert at["agency_certificates"].verdict is verdict, days
        assert is_told(at["certificates"])
        assert is_told(at["agency_certificates"])
    before = found(sound.path, datetime(2020, 1, 1, tzinfo=UTC))
    assert before["young_certificates"].verdict is Verdict.BAD
    assert before["clock_of_the_record"].verdict is Verdict.BAD
    assert is_told(before["young_certificates"])
    assert is_told(before["clock_of_the_record"])


# -- Faults of machines that this one cannot have: planted in what was gathered ---------------------------------------

SERVED = {
    "settings": {
        "store": "postgresql",
        "broker": "amqp",
        "user_id": "required",
        "is_served": True,
        "listen": "",
        "is_plain_anywhere": False,
        "unset": [],
    },
    "broker": {
        "version": "3.10.8",
        "alarms": [],
        "clock": to_text(NOW),
        "differences": [],
        "depth": 500,
        "queues": [
            {"agency": "H41", "kind": "to", "messages": 3, "consumers": 1},
            {"agency": "H41", "kind": "from", "messages": 1, "consumers": 1},
        ],
    },
    "dead": {"count": 0},
}
GATHERED_FAULTS: list[tuple[str, tuple[str, ...], Any, Verdict]] = [
    ("disk", ("home", "free_bytes"), 10, Verdict.BAD),
    ("program", ("program", "python"), "3.9.1", Verdict.BAD),
    ("read_only", ("database", "is_writable"), False, Verdict.BAD),
    ("durability", ("database", "durability"), {"synchronous_commit": "off", "fsync": "on"}, Verdict.BAD),
    ("clock_of_the_database", ("database", "clock"), to_text(NOW + timedelta(minutes=7)), Verdict.BAD),
    ("hubs", ("record", "leases"), [{"duty": "sequence", "holder": "w", "until": to_text(NOW)}], Verdict.WARN),
    ("centre_keys", ("registry", "made_here"), ["H41"], Verdict.WARN),
    ("registrars", ("registry", "registrars"), 0, Verdict.WARN),
    ("officers", ("registry", "officers"), {"A": "2046-01-01T00:00:00.000Z"}, Verdict.WARN),
    ("officers", ("registry", "officers"), {}, Verdict.WARN),
    ("officers", ("registry", "officers"), {"A": to_text(NOW), "B": to_text(NOW)}, Verdict.WARN),
    ("hub_recovery", ("registry", "has_recovery"), False, Verdict.WARN),
    ("hub_end", ("registry", "hub_until"), to_text(NOW + timedelta(days=59, hours=1)), Verdict.WARN),
    ("broker", ("broker",), {"error": "BROKER_DOWN: nobody answers"}, Verdict.UNKNOWN),
    ("broker_alarms", ("broker", "alarms"), ["rabbit@one: memory"], Verdict.BAD),
    ("clock_of_the_broker", ("broker", "clock"), to_text(NOW - timedelta(seconds=30)), Verdict.WARN),
    ("topology", ("broker", "differences"), ["no queue axis.to.H41"], Verdict.BAD),
    ("adapters", ("broker", "queues", 0, "consumers"), 0, Verdict.WARN),
    ("full_queues", ("broker", "queues", 0, "messages"), 450, Verdict.WARN),
    ("unread", ("broker", "queues", 1, "consumers"), 0, Verdict.BAD),
    ("dead_letters", ("dead", "count"), 2, Verdict.WARN),
    ("aside", ("witness", "aside"), [{"code": "H41", "count": 3, "bytes": 9000, "since": ""}], Verdict.WARN),
]


@pytest.fixture(scope="module")
def served(sound: Line) -> dict[str, Any]:
    """What a served installation that works would have gathered."""
    gathered = gather(sound.path, NOW) | copy.deepcopy(SERVED)
    gathered["record"]["leases"] = [{"duty": "sequence", "holder": "w", "until": to_text(NOW + timedelta(seconds=9))}]
    gathered["database"] |= {"clock": to_text(NOW), "kind": "postgresql", "check": ""}
    gathered["registry"] |= {"made_here": [], "registrars": 2, "has_recovery": True}
    gathered["registry"]["officers"] = dict.fromkeys("AB", "2046-01-01T00:00:00.000Z")
    return gathered


def test_a_served_installation_that_works_has_nothing_wrong(served: dict[str, Any]) -> None:
    assert [one for one in doctor.examine(served) if one.is_trouble] == []


@pytest.mark.parametrize(
    ("check", "path", "value", "verdict"), GATHERED_FAULTS, ids=[one[0] for one in GATHERED_FAULTS]
)
def test_a_fault_of_servers_is_found_and_named_with_its_mending(
    served: dict[str, Any], check: str, path: tuple[Any, ...], value: Any, verdict: Verdict
) -> None:
    gathered = copy.deepcopy(served)
    place = gathered
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    one = next(one for one in doctor.examine(gathered) if one.check == check)
    assert one.verdict is verdict
    assert is_told(one)


def test_every_check_has_its_planted_fault() -> None:
    others = {"certificates", "agency_certificates", "young_certificates", "clock_of_the_record"}
    planted = {one[0] for one in HOME_FAULTS} | {one[0] for one in GATHERED_FAULTS} | others
    assert {one.name for one in doctor.CHECKS} == planted


def test_a_mending_names_commands_that_there_are() -> None:
    for check in doctor.CHECKS:
        for said in texts.TEXTS[f"doctor.{check.name}.mend"]:
            for words in re.findall(r"axis((?: [a-z-]+)+)", said):
                assert _is_command(words.split()), said
            for option in re.findall(r"axis [a-z -]*(--[a-z-]+)", said):
                assert option in {"--restored", "--passwords", "--kind", "--code"}


def _is_command(words: list[str]) -> bool:
    group: click.Command | None = cli.main
    for word in words:
        if not isinstance(group, click.Group):
            return group is not None  # what follows is an argument, or the sentence
        group = group.get_command(click.Context(group), word)
    return group is not None


# -- The commands --------------------------------------------------------------------------------------------------------


def run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(cli.main, list(map(str, arguments)), catch_exceptions=False)


def test_the_doctor_says_trouble_first_with_its_mending_and_its_exit_code(home: Path) -> None:
    (home / "keys" / "H41.key").chmod(0o644)
    done = run("doctor", "--home", home)
    assert done.exit_code == 5
    assert "H41.key" in done.stdout.splitlines()[0] + done.stdout.splitlines()[3]
    assert "chmod 600" in done.stdout
    objects = [json.loads(line) for line in run("doctor", "--home", home, "--json").stdout.splitlines()]
    bad = {one["check"] for one in objects if one["verdict"] == "bad"}
    assert "private_files" in bad
    assert all({"found", "means", "mend"} <= one.keys() for one in objects if one["verdict"] != "good")


def test_what_was_gathered_here_is_analysed_elsewhere_and_holds_no_secret(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "gathered.json"
    assert run("doctor", "--home", home, "--gather", file).exit_code == 0
    assert file.stat().st_mode & 0o777 == 0o600
    text = file.read_text("utf-8")
    assert "PRIVATE KEY" not in text
    assert "1/TN-G22" not in text
    assert "Về việc" not in text
    (home / "keys" / "H41.key").chmod(0o644)  # what is here now does not matter
    elsewhere = run("doctor", "--home", tmp_path / "nowhere", "--analyse", file, "--json")
    assert "private_files" not in {
        one["check"] for line in elsewhere.stdout.splitlines() if (one := json.loads(line))["verdict"] == "bad"
    }
    assert run("doctor", "--home", home, "--gather", file).exit_code != 0  # nothing is written over


def test_what_could_not_be_found_out_is_no_good_news_whatever_else_is_only_a_warning(home: Path) -> None:
    _refused_packet(home)
    (home / "axis.db").write_bytes(b"no database" * 1000)
    assert run("doctor", "--home", home).exit_code == 5


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 2, "at": "x"}', '{"format": 1, "at": "2026"}', "no"])
def test_what_is_no_gathered_file_is_said(tmp_path: Path, content: str) -> None:
    file = tmp_path / "file.json"
    file.write_text(content)
    done = run("doctor", "--analyse", file, "--home", tmp_path)
    assert done.exit_code == 2
    assert "Traceback" not in done.output


def test_monitoring_gets_its_own_words_and_codes(home: Path) -> None:
    good = run("check", "private-files", "--home", home, "--format", "nagios")
    assert (good.exit_code, good.stdout[:8]) == (0, "AXIS OK ")
    _refused_packet(home)
    warned = run("check", "failed-files", "--home", home, "--format", "nagios")
    assert (warned.exit_code, warned.stdout[:13]) == (1, "AXIS WARNING ")
    (home / "keys" / "H41.key").chmod(0o644)
    whole = run("check", "--home", home, "--format", "prometheus")
    assert whole.exit_code == 2
    assert 'axis_check_verdict{check="private_files"} 2' in whole.stdout.splitlines()
    assert run("check", "no-such", "--home", home).exit_code == 2
    assert run("check", "private-files", "--home", home).stdout.count("\n") == 1


@pytest.mark.amqp
def test_a_live_broker_is_looked_at(
    managed_rabbitmq: RabbitMq, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vhost = "doctor"
    monkeypatch.setenv("AXIS_AMQP_URL", managed_rabbitmq.vhost(vhost))
    monkeypatch.setenv("AXIS_MANAGEMENT_URL", managed_rabbitmq.management_url)
    rows = [row for row in provision.catalogue() if row["code"] in {"G22", "H41"}]
    settings_ = config.Config(config.Installation("doctor"), broker=config.Broker("amqp"))
    provision.create_home(tmp_path / "home", settings_, "p256", NOW - timedelta(days=1), rows=rows)
    first = found(tmp_path / "home", datetime.now(UTC))
    assert first["broker"].facts["version"]
    assert first["clock_of_the_broker"].verdict is Verdict.GOOD
    assert first["topology"].verdict is Verdict.BAD
    at = bootstrap.management(open_home(tmp_path / "home"))
    assert at is not None
    with reading_registry(open_home(tmp_path / "home")) as registry:
        list(broker_setup.set_up(at, registry, datetime.now(UTC), keep_guest=True))
    assert found(tmp_path / "home", datetime.now(UTC))["topology"].verdict is Verdict.GOOD
    managed_rabbitmq.drop_vhost(vhost)
