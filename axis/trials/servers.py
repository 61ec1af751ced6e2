"""A private PostgreSQL, and what private servers share: for tests and measurements.

They run on free ports of 127.0.0.1 with their data in a temporary folder. A server that was not started here is never
touched, also not the one that Debian's package may have started at its installation. They trust everyone who can reach
the port.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

PACKAGES = {
    "rabbitmq-server": "/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server",
    "postgresql": "/usr/lib/postgresql/*/bin/initdb",
    "xmlsec1": "/usr/bin/xmlsec1",
    "unzip": "/usr/bin/unzip",
    "strace": "/usr/bin/strace",
    "openssh-server": "/usr/sbin/sshd",
}
BROWSER = {"chromium": "/usr/bin/chromium", "chromium-driver": "/usr/bin/chromedriver"}  # large, and asked for apart


CONFIG = Path(__file__).parent.parent / "config"  # what production uses; the rest is for one machine in a hurry

_NUMBER = re.compile(r"\d+")
_EPHEMERAL, _LOWEST = Path("/proc/sys/net/ipv4/ip_local_port_range"), 10_000

LONG = 1800.0  # seconds for a copy of a large database on a busy machine


class NoServerError(Exception):
    """A server cannot be had here; the text says why."""


def installed(package: str) -> list[Path]:
    """Where the named package of Debian has put its program, the newest version last."""
    found = Path("/").glob((PACKAGES | BROWSER)[package].lstrip("/"))
    return sorted(found, key=lambda path: [int(number) for number in _NUMBER.findall(str(path))])


def ensure_installed(packages: Sequence[str] = tuple(PACKAGES)) -> None:
    """Install Debian's packages where they are missing. Raises NoServerError if that is not possible."""
    missing = [name for name in packages if not installed(name)]
    if not missing:
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise NoServerError(f"not installed: {', '.join(missing)}; 'apt-get install {' '.join(missing)}' as root")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for command in (
        ["apt-get", "update", "-q"],
        ["apt-get", "install", "-q", "-y", "--no-install-recommends", *missing],
    ):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NoServerError(f"'{' '.join(command)}' failed: {done.stderr.strip()[-500:]}")


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on now, and that the kernel gives to no outgoing connection: one of those
    would lie on the port of a server that is started again. Raises NoServerError where there are none."""
    try:
        low, high = map(int, _EPHEMERAL.read_text().split())
    except (OSError, ValueError):
        low, high = 32768, 60999
    others = [port for port in range(_LOWEST, 65536) if not low <= port <= high]
    with contextlib.ExitStack() as stack:
        found: list[int] = []
        for port in random.SystemRandom().sample(others, len(others)):
            if len(found) == count:
                break
            one = stack.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                one.bind(("127.0.0.1", port))
                found.append(port)
    if len(found) < count:
        raise NoServerError(f"{count} free ports outside of {low}-{high}")
    return found


class LastWill:
    """A shell script that is run when this process ends without having revoked it, however it ends.

    A test run that is killed, also by its own time limit, runs no teardown; the server would stay.
    The shell waits for the end of its input, a pipe that only this process holds open.
    """

    def __init__(self, script: str, *arguments: object, environment: Mapping[str, str] | None = None) -> None:
        self._shell = subprocess.Popen(
            ["sh", "-c", f"read _; {script}", "sh", *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd="/",
            start_new_session=True,
        )

    def revoke(self) -> None:
        """Never run the script."""
        self._shell.kill()
        self._shell.communicate()


def _is_alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


class PostgreSql:
    """One PostgreSQL server of our own. A context manager, or start() and remove()."""

    def __init__(self, options: str = "") -> None:
        """`options` are added to the server's command line, for instance ``-c fsync=off``."""
        ensure_installed(["postgresql"])
        self._bin = installed("postgresql")[-1].parent
        self.folder = Path(tempfile.mkdtemp(prefix="axis-postgresql-"))
        (self.port,) = free_ports(1)
        self._options = options
        self._as: list[str] = []
        self.owner = os.geteuid(), os.getegid()  # of its files
        if os.geteuid() == 0:  # the server refuses root
            user = pwd.getpwnam("postgres")
            self.owner = user.pw_uid, user.pw_gid
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self._as = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        self._made = False
        self._will: LastWill | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.remove()

    def url(self, database: str = "axis") -> str:
        """SQLAlchemy URL of a database."""
        return f"postgresql+psycopg://axis@127.0.0.1:{self.port}/{database}"

    @property
    def version(self) -> str:
        """Its version's number."""
        done = subprocess.run([str(self._bin / "postgres"), "--version"], capture_output=True, text=True, check=False)
        return done.stdout.partition(")")[2].split(" (")[0].strip() or done.stdout.strip()

    @property
    def pid(self) -> int:
        """The process whose children all others of the server are."""
        return int((self.folder / "data" / "postmaster.pid").read_text().split()[0])

    def start(self) -> None:
        """Start the server, or start it again with the data it has."""
        data = self.folder / "data"
        if not self._made:
            self._run(
                "initdb", "-D", data, "-U", "axis", "-A", "trust", "--data-checksums", "-E", "UTF8", "--locale=C.UTF-8"
            )
            shipped = "".join(f"{line}\n" for line in (CONFIG / "postgresql.conf").read_text("utf-8").splitlines())
            with (data / "postgresql.auto.conf").open("a") as settings:
                settings.write(shipped + "shared_buffers = 64MB\n")
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 {self._options}"
        self._run("pg_ctl", "-D", data, "-l", self.folder / "log", "-w", "-t", "60", "-o", options, "start")
        script = 'kill -QUIT "$(head -1 "$1/data/postmaster.pid")"; sleep 1; rm -rf "$1"'
        self._will = LastWill(script, self.folder)
        if not self._made:
            self.database("axis")
            self._made = True

    def stop(self, mode: str = "fast") -> None:
        """Stop the server; its data stay. Mode ``immediate`` is what a crash looks like."""
        if (self.folder / "data" / "postmaster.pid").exists():
            self._run("pg_ctl", "-D", self.folder / "data", "-m", mode, "-w", "stop")
        if self._will is not None:
            self._will.revoke()
        self._will = None

    def kill(self) -> None:
        """SIGKILL the server, with every process of it; its data stay."""
        pid = self.pid
        os.kill(pid, signal.SIGSTOP)  # or it would start new ones in place of those that die
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        for one in [*children, pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        for one in [*children, pid]:  # they hold the shared memory that the next one wants
            while _is_alive(one):
                time.sleep(0.01)
        # Nobody may have taken note of its death yet: the next one would take it for alive.
        for lock in (self.folder / "data" / "postmaster.pid", self.folder / f".s.PGSQL.{self.port}.lock"):
            lock.unlink(missing_ok=True)
        if self._will is not None:
            self._will.revoke()
        self._will = None

    def remove(self) -> None:
        """Stop the server and delete the data."""
        with contextlib.suppress(NoServerError):
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def database(self, name: str) -> str:
        """Make a fresh database; its URL."""
        self._run("createdb", *self._where, name)
        return self.url(name)

    def copy(self, url: str, suffix: str) -> str:
        """A copy of a database that nobody is connected to; its URL."""
        name = url.rpartition("/")[2]
        self._run("createdb", *self._where, "--template", name, f"{name}_{suffix}")
        return self.url(f"{name}_{suffix}")

    def dump(self, name: str) -> Path:
        """A backup of a database, as docs/operations.md makes it."""
        dump = self.folder / f"{name}.dump"
        self._run("pg_dump", *self._where, "--format=custom", "--file", dump, name, within=LONG)
        return dump

    def restore(self, name: str, dump: Path) -> None:
        """Put a database back to a backup; who was connected is so no more."""
        self._run("dropdb", *self._where, "--force", name)
        self._run("createdb", *self._where, name)
        self._run("pg_restore", *self._where, "--exit-on-error", "--dbname", name, dump, within=LONG)

    def archive(self) -> Path:
        """From the next start on every finished piece of the log is copied here; see docs/operations.md."""
        folder = self.folder / "wal"
        folder.mkdir()
        os.chown(folder, *self.owner)
        command = f"test ! -f {folder}/%f && cp %p {folder}/.%f && mv {folder}/.%f {folder}/%f"
        self._options += f" -c archive_mode=on -c archive_timeout=60 -c 'archive_command={command}'"
        return folder

    def base_backup(self) -> Path:
        """A copy of the whole server while it runs, as docs/operations.md makes it."""
        backup = self.folder / "base"
        self._run("pg_basebackup", *self._where, "-D", backup, "-X", "none", "-c", "fast", "--no-sync", within=LONG)
        return backup

    def recover(self, backup: Path, wal: Path, until: str) -> None:
        """The server, which is stopped, is what it was at this moment: from a base backup and what was archived."""
        data = self.folder / "data"
        data.rename(self.folder / "lost")
        backup.rename(data)
        with (data / "postgresql.auto.conf").open("a") as settings:
            settings.write(f"restore_command = 'cp {wal}/%f %p'\nrecovery_target_time = '{until}'\n")
            settings.write("recovery_target_action = 'promote'\n")
        (data / "recovery.signal").touch()
        for name in ("recovery.signal", "postgresql.auto.conf"):
            os.chown(data / name, *self.owner)
        self.start()

    def ask(self, query: str, database: str = "axis") -> str:
        """The answer of `psql`."""
        command = [str(self._bin / "psql"), *self._where, "-d", database, "-Atc", query]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    @property
    def _where(self) -> tuple[str, ...]:
        return ("-h", "127.0.0.1", "-p", str(self.port), "-U", "axis")

    def _run(self, program: str, *arguments: object, within: float = 120) -> None:
        # Not captured by a pipe: the server would inherit it, and whoever reads it waits for the server's end.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(
                [*self._as, str(self._bin / program), *map(str, arguments)],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=within,
                check=False,
            )
            if done.returncode:
                output.seek(0)
                raise NoServerError(f"{program} failed: {output.read().decode(errors='replace')[-1000:]}")
