"""Would the suite notice? Each of these faults is planted into a copy of the source, and the test that must catch it
is run there and must fail. A fault whose place has changed fails here too, so the list stays true.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.forked import Forked

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent.parent
SWEEP = "tests/failure/test_crash_sweep.py::test_a_death_at_every_boundary"
ONE_SWEEP = f"{SWEEP}[one recipient, files stay]"
RECEIPT_SWEEP = (
    f"{SWEEP.partition('::')[0]}::test_a_receipt_that_its_adapter_has_forgotten_survives_a_death_at_every_boundary"
)
OWED = f"{SWEEP.partition('::')[0]}::test_what_is_owed_is_told_by_a_hub_that_starts_when_its_time_has_come"
DRAFT = "tests/hub/test_draft.py"
TAKEN_SWEEP = f"{SWEEP}[one recipient, files are taken away before the restart]"


@dataclass(frozen=True)
class Fault:
    """`before` in `file` becomes `after`; `test` must fail then."""

    name: str
    file: str
    before: str
    after: str
    test: str


FAULTS = [
    Fault(
        "the hub acknowledges before its commit",
        "axis/services/hub/admit.py",
        '            crashpoints.reached("H02")\n',
        "            hub.broker.ack(fresh)\n",
        RECEIPT_SWEEP,
    ),
    Fault(
        "an adapter acknowledges before its commit",
        "axis/services/sweep.py",
        "        self._keep(working, judged, showing, gathered)\n        self._acknowledge(judged)\n",
        "        self._acknowledge(judged)\n        self._keep(working, judged, showing, gathered)\n",
        ONE_SWEEP,
    ),
    Fault(
        "the hub marks an outbox row before it is published",
        "axis/services/hub/relay.py",
        '        crashpoints.reached("R03")\n',
        "        with hub.store.transaction() as early:\n            early.sent([one.row for one in claim.due])\n",
        ONE_SWEEP,
    ),
    Fault(
        "an adapter publishes a receipt that it has not noted",
        "axis/infra/journal/incoming.py",
        "        if digest:\n            self._post(digest, to_text(confirm_by or now))\n",
        "        if digest and confirm_by is None:\n            self._post(digest, to_text(now))\n",
        ONE_SWEEP,
    ),
    Fault(
        "a number that a row had is given to another",
        "axis/infra/journal/tables.py",
        '    sa.Index("posted_body", "body_digest"),\n    sqlite_autoincrement=True,\n',
        '    sa.Index("posted_body", "body_digest"),\n',
        "tests/e2e/test_posted.py",
    ),
    Fault(
        "what a home was to be told is lost with the record",
        "axis/core/homes.py",
        '        follows = hello.follows or (hello.instance if hello.since else "")\n',
        "        follows = hello.follows\n",
        "tests/e2e/test_restored_home.py::test_what_a_home_was_to_be_told_and_the_record_has_lost_it_is_told_again",
    ),
    Fault(
        "what came again after a home was put back counts as never shown",
        "axis/services/agency/withdraw.py",
        "            known = Seen.MAY_HAVE_IT\n",
        "            pass\n",
        "tests/e2e/test_restored_recalls.py",
    ),
    Fault(
        "the receipt E.1 is kept before the document is shown",
        "axis/services/agency/mail.py",
        "        if self.names and self.is_new:\n",
        "        if self.names and self.is_new:\n"
        "            from axis.services.agency.outcome import finish\n"
        "            finish(self.agency, tx, self.row, None, self.entry.time, self.said)\n",
        ONE_SWEEP,
    ),
    Fault(
        "the document is shown before the journal knows of it",
        "axis/services/agency/hand_over.py",
        "                self.agency.adapter.prepare(made)\n",
        "                self.agency.adapter.prepare(made)\n"
        "                self.agency.adapter.complete([(f.folder, f.name) for f in made])\n",
        TAKEN_SWEEP,
    ),
    Fault(
        "SELECT, then INSERT",
        "axis/infra/database.py",
        "    statement = _inserting(connection.dialect.name, table).values(row).on_conflict_do_nothing().returning(sa.literal(1))\n",
        "    same = sa.and_(*(table.c[c.name] == row[c.name] for c in table.primary_key if c.name in row))\n"
        "    if connection.execute(sa.select(sa.literal(1)).select_from(table).where(same)).first():\n        return False\n"
        "    statement = _inserting(connection.dialect.name, table).values(row).returning(sa.literal(1))\n",
        "tests/contract/test_store.py::test_of_two_workers_that_take_one_key_at_once_one_gets_it_and_the_other_is_told",
    ),
    Fault(
        "two workers claim the same outbox rows",
        "axis/infra/record/outbox.py",
        '_POSTGRESQL.format(lock="FOR UPDATE SKIP LOCKED")',
        '_POSTGRESQL.format(lock="")',
        "tests/contract/test_store.py::test_what_one_worker_has_claimed_another_passes_over",
    ),
    Fault(
        "documents are read and not locked",
        "axis/infra/record/query.py",
        'lock="FOR UPDATE OF t"',
        'lock=""',
        "tests/contract/test_store.py::test_two_workers_with_the_same_documents_in_any_order_wait_for_each_other",
    ),
    Fault(
        "a lease that was lost is still used",
        "axis/infra/record/lease.py",
        "    is_free = sa.or_(lease.c.holder == holder, lease.c.until <= to_text(now))\n",
        "    is_free = sa.true()\n",
        "tests/contract/test_store.py::test_a_duty_is_held_by_one_worker_and_each_change_of_holder_has_a_higher_token",
    ),
    Fault(
        "publishing without `mandatory`",
        "axis/infra/amqp/publish.py",
        "                mandatory=True,\n",
        "                mandatory=False,\n",
        "tests/contract/test_broker.py -k returned",
    ),
    Fault(
        "what was returned counts as confirmed",
        "axis/infra/amqp/publish.py",
        "self._answer(sequence, Outcome.RETURNED if returned else outcome)",
        "self._answer(sequence, outcome)",
        "tests/contract/test_broker.py -k returned",
    ),
    Fault(
        "a document that comes once more is handed over once more",
        "axis/infra/journal/incoming.py",
        'self.release(identifier, "doubted", state)',
        'self.release(identifier, "handed_over", state)',
        "tests/e2e/test_reconcile.py::test_a_receipt_that_the_hub_has_lost_is_given_again_byte_for_byte",
    ),
    Fault(
        "the broker's word on who published is not asked for",
        "axis/services/hub/admit.py",
        "    if message.user_id is None and not hub.user_id_required:\n",
        "    if message.user_id is None:\n",
        "tests/security/test_one_sender.py::test_a_parcel_is_believed_only_where_the_broker_says_who_published_it",
    ),
    Fault(
        "a hub that has begun to publish still withdraws by itself",
        "axis/core/hub/recalls.py",
        "    return original.tried or",
        "    return original.state is State.QUEUED or",
        "tests/e2e/changes/test_recalls.py::test_a_hub_that_died_while_publishing_leaves_the_recall_to_the_recipient",
    ),
    Fault(
        "the hand-over does not look whether the document was withdrawn meanwhile",
        "axis/infra/journal/incoming.py",
        'incoming.c.id == identifier, incoming.c.state == "received")',
        "incoming.c.id == identifier)",
        "tests/failure/test_races.py::test_of_a_recall_and_a_hand_over_exactly_one_comes_first[threads]",
    ),
    Fault(
        "a change without its entry",
        "axis/core/hub/consignment.py",
        "        entered = draft.enter(entry)\n        state = lifecycle.move",
        "        from axis.core.hub.change import Entered as Named\n"
        "        entered = Named(entry.digest)\n        state = lifecycle.move",
        ONE_SWEEP,
    ),
    Fault(
        "what names no entry of its decision is sealed",
        "axis/core/hub/seal.py",
        "        if change.entry is not None and change.entry not in entered:\n",
        "        if change.entry is not None and not entered:\n",
        f"{DRAFT}::test_a_change_that_names_an_entry_of_no_decision_is_not_sealed",
    ),
    Fault(
        "a receipt is sealed before what it quotes",
        "axis/core/hub/seal.py",
        "    for one in changes.receipts:\n",
        "    for one in reversed(changes.receipts):\n",
        "tests/e2e/test_board.py::test_a_certificate_names_the_receipt_of_what_was_withdrawn_at_the_hub",
    ),
    Fault(
        "a rule changes a document that was not locked",
        "axis/core/hub/draft.py",
        "        if document not in self._locked:\n",
        "        if document is None:\n",
        f"{DRAFT}::test_a_document_that_is_not_locked_is_not_changed",
    ),
    Fault(
        "a document is written that was not locked",
        "axis/infra/record/changes.py",
        "        if document not in self._sealed.locked:\n",
        "        if document is None:\n",
        "tests/contract/test_record_changes.py"
        "::test_a_change_of_a_document_that_is_not_locked_is_refused_before_anything_is_written",
    ),
    Fault(
        "who is owed a D.1 is known to the process alone",
        "axis/services/hub/deadlines.py",
        "agenda.owed(reader, None if at_once else now, BATCH)",
        "agenda.owed(reader, None, BATCH) if at_once else []",
        OWED,
    ),
    Fault(
        "when D.1 is due is not kept",
        "axis/core/hub/draft.py",
        "            owes_at=debt[2],\n",
        '            owes_at="",\n',
        OWED,
    ),
    Fault(
        "D.1 is told and stays owed",
        "axis/core/hub/consignment.py",
        'replace(one, consigned_at="", consigned_entry="", owes_at="")',
        "replace(one)",
        OWED,
    ),
]


def given(fault: Fault, request: pytest.FixtureRequest) -> dict[str, str]:
    """A virtual host or a database of this worker's servers, as tests take them from outside: where the test kills none,
    to start its own would take longer than the test."""
    name = f"planted{time.monotonic_ns()}"
    if fault.test.startswith("tests/contract/test_broker"):
        return {"AXIS_TEST_AMQP_URL": request.getfixturevalue("rabbitmq").vhost(name)}
    if fault.test.startswith("tests/contract/"):
        return {"AXIS_TEST_DATABASE_URL": request.getfixturevalue("postgres").database(name)}
    return {}


# What others have written, which a copy of the source loads as well; of the source itself nothing.
LOADED = (
    *("pytest", "pytest_timeout", "hypothesis", "httpx", "pika", "lxml.etree", "cryptography.x509", "click.testing"),
    *("sqlalchemy.dialects.sqlite", "sqlalchemy.dialects.postgresql", "psycopg", "alembic.command", "rich.console"),
)


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source, beside the copies that share its files: none of them is written into."""
    folder = tmp_path_factory.mktemp("source")
    for name in ("axis", "adapters", "schemas", "config", "tests"):
        shutil.copytree(ROOT / name, folder / name, symlinks=True)
    for name in ("cli.py", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """``pytest``, in a process that knows nothing of the program yet."""
    with Forked(tmp_path_factory.mktemp("planted") / "bin", "pytest", LOADED) as forked:
        yield forked.folder / "pytest"


@pytest.mark.amqp
@pytest.mark.postgres
@pytest.mark.timeout(300)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_planted_fault_is_caught(
    fault: Fault, tmp_path: Path, request: pytest.FixtureRequest, apart: Path, copied: Path
) -> None:
    stale = f"{Path(fault.file).stem}.*.pyc"  # what else was compiled is as good beside the copy
    ignored = shutil.ignore_patterns(stale)
    shutil.copytree(copied, tmp_path, ignore=ignored, symlinks=True, copy_function=os.link, dirs_exist_ok=True)
    path = tmp_path / fault.file
    source = path.read_text("utf-8")
    assert source.count(fault.before) == 1, "the place of this fault has changed"
    path.unlink()  # the others have the same file
    path.write_text(source.replace(fault.before, fault.after), "utf-8")
    # importlib mode puts nothing in the path; the copy must come before the installed package.
    # Sweeps go on to where the fault is found, and of pytest's plugins only that is loaded which the tests have need of.
    environment = {
        **given(fault, request),
        **os.environ,
        "PYTHONPATH": str(tmp_path),
        "AXIS_SWEEP": "full",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    test, _, chosen = fault.test.partition(" -k ")
    command = [
        str(apart),
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        "-p",
        "pytest_timeout",
        test,
        *(["-k", chosen] if chosen else []),
    ]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, f"not caught:\n{done.stdout[-2000:]}{done.stderr[-500:]}"
    assert "failed" in done.stdout or "error" in done.stdout
