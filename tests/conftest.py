"""Servers for the tests: given by the environment, or started privately, once for the session.

AXIS_TEST_AMQP_URL and AXIS_TEST_DATABASE_URL name servers that may be used (and are emptied of what tests
leave). Without them both are started here, where Debian's packages are or can be installed. Where neither
is possible the tests that need them are skipped, with one line that says so; with CI=true they fail.

What tests write lies in memory where there is room for it and TMPDIR does not say where else: thousands of small
databases would be flushed to the disk, and no test loses the power of the machine. What is flushed is seen from the calls.
"""

from __future__ import annotations

import gc
import itertools
import logging
import os
import shutil
import sys
import tempfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pika
import pytest
import sqlalchemy as sa

from axis.core.message import Route
from axis.trials.servers import BROWSER
from tests import sample
from tests.dealing import dealt
from tests.forked import Forked
from tests.servers import NoServerError, OpenSsh, PostgreSql, RabbitMq, axe, ensure_installed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Whoever makes a client for HTTP reads all authorities of the world first, fifteen milliseconds each time; the tests need none.
if own := os.environ.get("SSL_CERT_FILE"):  # by which pip, which some tests run, may know who answers it
    os.environ.setdefault("PIP_CERT", own)
os.environ["SSL_CERT_FILE"] = str(Path(__file__).parent / "data" / "nobody.pem")
_counter = itertools.count(1)
_missing: dict[str, str] = {}

# A server given from outside has one virtual host for all tests: they use these codes, so that it can be cleaned.
CODES = ("G22", "H29", "H29.10", "A41")


def _not_to_be_had(server: str, reason: object) -> None:
    """Skip, or fail where a green run must mean that everything ran."""
    _missing[server] = str(reason)
    if os.environ.get("CI", "").lower() in {"1", "true", "yes"}:
        pytest.fail(f"CI=true and no {server}: {reason}", pytrace=False)
    pytest.skip(f"no {server}")


def _in_memory(place: Path = Path("/dev/shm")) -> Path | None:
    """The folder in which the temporary files of this run lie, with all that it starts; None where they lie elsewhere.

    It is deleted when all has passed, otherwise by the next run from this checkout.
    """
    prefix = f"axis-suite-{zlib.crc32(__file__.encode()):08x}-"
    try:
        room = os.statvfs(place)
    except OSError:
        return None
    usable = os.access(place, os.W_OK | os.X_OK) and not room.f_flag & os.ST_NOEXEC
    if "TMPDIR" in os.environ or not usable or room.f_bavail * room.f_frsize < 4 * 2**30:
        return None
    for left in place.glob(f"{prefix}*"):
        if not Path("/proc", left.name.split("-")[3]).exists():
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-", dir=place))
    folder.chmod(0o755)  # some of what is started is another user
    os.environ["TMPDIR"] = str(folder)
    tempfile.tempdir = None
    return folder


_memory = _in_memory()
_ended: list[int] = []


def pytest_sessionstart() -> None:
    gc.disable()


def pytest_collection_finish() -> None:
    """The program and thousands of tests are there until the end: garbage is not looked for among them again and again,
    and no more often than in the program at work."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    gc.enable()


def pytest_sessionfinish(exitstatus: int) -> None:
    """What pytest looks for at the end, garbage that complains, is found the first time, not the fifth."""
    _ended.append(int(exitstatus))
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    if _memory is not None and _ended == [0]:
        shutil.rmtree(_memory, ignore_errors=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of the items with the mark ``part(share)`` every `share`-th is run; ``of="served"``: of those with this parameter."""
    kept = [item for item in items if _is_kept(item)]
    if len(kept) < len(items):
        config.hook.pytest_deselected(items=list({*items} - {*kept}))
    workers = getattr(config, "workerinput", {"workercount": 1})["workercount"]
    items[:] = dealt(kept, lambda item: item.path, _wants, workers, _broker) if workers > 1 else kept


def _wants(item: pytest.Item) -> float:
    """The seconds that a test asks for, where those that all have are not enough for it."""
    mark = item.get_closest_marker("timeout")
    return float(mark.args[0]) if mark is not None else 0.0


def _broker(item: pytest.Item) -> str | None:
    """The broker that a test has of this session, where it has one; of those who need no more than any, a half each has one."""
    fixtures = {*getattr(item, "fixturenames", ())}
    if "managed_rabbitmq" in fixtures:
        return "with its API"
    if item.get_closest_marker("amqp") is None or not fixtures & {"rabbitmq", "place", "amqp_place", "line"}:
        return None
    return f"one {zlib.crc32(item.path.name.encode()) % 2}"


def _is_kept(item: pytest.Item) -> bool:
    if (mark := item.get_closest_marker("part")) is None:
        return True
    parameters = (
        item.callspec.params.values() if isinstance(item, pytest.Function) and hasattr(item, "callspec") else ()
    )
    if mark.kwargs and mark.kwargs["of"] not in parameters:
        return True
    return sample.is_tried(zlib.crc32(item.name.encode()), *mark.args)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if {"failed", "error"} & {kind for kind, reports in terminalreporter.stats.items() if reports}:
        terminalreporter.write_line(f"AXIS_SAMPLE={sample.SEED} tries the same parts of the sweeps again")
    for server, reason in _missing.items():
        terminalreporter.write_line(f"*** NOT TESTED with {server}: {reason} ***", red=True, bold=True)


@pytest.fixture(autouse=True)
def _log_as_before() -> None:
    """A command that has run in this process has set up the log for itself, perhaps while a home was prepared for a
    whole file; each test hears everything again."""
    log = logging.getLogger("axis")
    log.propagate, log.handlers[:] = True, []
    log.setLevel(logging.NOTSET)


def _constants() -> dict[str, dict[str, object]]:
    """The numbers and words in capitals of each module of the program, by module."""
    plain = (bool, int, float, str, bytes, tuple)
    return {
        name: {key: value for key, value in vars(module).items() if key.isupper() and isinstance(value, plain)}
        for name, module in list(sys.modules.items())
        if name.startswith("axis.")
    }


@pytest.fixture(autouse=True, scope="module")
def _constants_stay() -> Iterator[None]:
    """A test that changes a limit changes it back: those that follow in this process would fail now and then."""
    before = _constants()
    yield
    after = _constants()
    assert {name: after.get(name) for name in before} == before


def _told() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("AXIS_")}


@pytest.fixture(autouse=True, scope="module")
def _environment_stays() -> Iterator[None]:
    """A test that tells the program something by the environment takes it back: those that follow in this process would
    ask a database that is gone."""
    before = _told()
    yield
    assert _told() == before


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[RabbitMq]:
    """A private RabbitMQ node that a test may also stop, kill and start."""
    try:
        ensure_installed(["rabbitmq-server"])
    except NoServerError as error:
        _not_to_be_had("RabbitMQ", error)
    with RabbitMq() as node:
        yield node


@pytest.fixture(scope="session")
def managed_rabbitmq() -> Iterator[RabbitMq]:
    """Another private node, with the management API."""
    try:
        ensure_installed(["rabbitmq-server"])
    except NoServerError as error:
        _not_to_be_had("RabbitMQ", error)
    with RabbitMq("channel_max = 200", ["rabbitmq_management"]) as node:
        yield node


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgreSql]:
    """A private PostgreSQL server that a test may also stop and start."""
    try:
        ensure_installed(["postgresql"])
    except NoServerError as error:
        _not_to_be_had("PostgreSQL", error)
    with PostgreSql() as server:
        yield server


@pytest.fixture(scope="session")
def program() -> Iterator[str]:
    """``axis``, for who starts many: a process of its own for each, which need not load the program first."""
    with tempfile.TemporaryDirectory(prefix="axis-forked-") as folder, Forked(Path(folder) / "bin") as made:
        yield str(made.folder / made.name)


@pytest.fixture(scope="session")
def openssh() -> Iterator[OpenSsh]:
    """A private OpenSSH server that a test may also stop and start."""
    try:
        ensure_installed(["openssh-server"])
    except NoServerError as error:
        _not_to_be_had("OpenSSH", error)
    with OpenSsh() as server:
        yield server


@pytest.fixture(scope="session")
def axe_source() -> str:
    """The program that looks pages over; skipped where there is no browser for it, or it cannot be had."""
    try:
        ensure_installed(tuple(BROWSER))
        return axe()
    except NoServerError as error:
        _not_to_be_had("chromium", error)
        raise AssertionError from error


@pytest.fixture
def amqp_vhost(request: pytest.FixtureRequest) -> Iterator[str]:
    """URL of an empty virtual host, for a user who may do everything in it."""
    if given := os.environ.get("AXIS_TEST_AMQP_URL"):
        _empty(given)
        yield given
        _empty(given)
        return
    node: RabbitMq = request.getfixturevalue("rabbitmq")
    name = f"test{next(_counter)}"
    yield node.vhost(name)
    node.drop_vhost(name)


def _empty(url: str) -> None:
    """Delete what tests make. A server that was named but does not answer is an error, not a reason to skip."""
    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    for code in CODES:
        for direction in ("in", "out"):
            for urgent in (True, False):
                channel.queue_delete(Route(direction, code, urgent).queue)
    for queue in ("axis.dead", "axis.remake.x"):
        channel.queue_delete(queue)
    for exchange in ("axis.in", "axis.out", *(Route("in", code).exchange for code in CODES)):
        channel.exchange_delete(exchange)
    connection.close()


BOTH = ("sqlite", pytest.param("postgres", marks=pytest.mark.postgres))


@pytest.fixture(params=BOTH)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """SQLAlchemy URL of a database in which nothing is kept yet, once SQLite and once PostgreSQL."""
    yield from _database(request, tmp_path, PostgreSql.record)


@pytest.fixture(params=BOTH)
def bare_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """As database_url, of one without any table."""
    yield from _database(request, tmp_path, PostgreSql.database)


def _database(request: pytest.FixtureRequest, tmp_path: Path, made: Callable[[PostgreSql, str], str]) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'axis.db'}"
    elif given := os.environ.get("AXIS_TEST_DATABASE_URL"):
        yield from _fresh_schema(given)
    else:
        yield made(request.getfixturevalue("postgres"), f"test{next(_counter)}")


def _fresh_schema(url: str) -> Iterator[str]:
    """A schema of its own in a database given from outside, dropped afterwards."""
    name = f"axis_test_{os.getpid()}_{next(_counter)}"
    parsed = sa.make_url(url).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(parsed, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {name}")
    try:
        yield parsed.update_query_dict({"options": f"-csearch_path={name}"}).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP SCHEMA {name} CASCADE")
        engine.dispose()
