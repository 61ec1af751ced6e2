"""A private RabbitMQ node and a private PostgreSQL, for tests and for trying the served installation.

    python tests/servers.py run -- COMMAND…

starts both, sets AXIS_AMQP_URL and AXIS_DATABASE_URL, runs COMMAND, stops both and returns its exit code.

Both run on free ports of 127.0.0.1 with their data in a temporary folder, under a node name, cookie and port
mapper of their own. A server that was not started here is never touched, also not the one that Debian's
package may have started at its installation. They trust everyone who can reach the port: for tests only.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import glob
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType

PACKAGES = {
    "rabbitmq-server": "/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server",
    "postgresql": "/usr/lib/postgresql/*/bin/initdb",
    "xmlsec1": "/usr/bin/xmlsec1",
    "unzip": "/usr/bin/unzip",
    "strace": "/usr/bin/strace",
    "openssh-server": "/usr/sbin/sshd",
}


CONFIG = Path(__file__).parent.parent / "config"  # what production uses; the rest here is for one machine in a hurry


class NoServerError(Exception):
    """A server cannot be had here; the text says why."""


def ensure_installed(packages: Sequence[str] = tuple(PACKAGES)) -> None:
    """Install Debian's packages where they are missing. Raises NoServerError if that is not possible."""
    missing = [name for name in packages if not glob.glob(PACKAGES[name])]
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
    """Ports of 127.0.0.1 that nobody listens on now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


class _LastWill:
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
        self._shell.kill()
        self._shell.communicate()


class RabbitMq:
    """One RabbitMQ node of our own. A context manager, or start() and remove()."""

    def __init__(
        self, config: str = "", plugins: Sequence[str] = (), *, cookie: str = "", mapper: int = 0, number: int = 1
    ) -> None:
        """`config` is added to rabbitmq.conf, `plugins` are enabled. Nodes of a cluster share `cookie` and the port
        `mapper`, and differ in `number`."""
        ensure_installed(["rabbitmq-server"])
        self._sbin = Path(sorted(glob.glob(PACKAGES["rabbitmq-server"]))[-1]).parent
        self.folder = Path(tempfile.mkdtemp(prefix="axis-rabbitmq-"))
        self.port, distribution, own_mapper, self._management = free_ports(4)
        mapper = mapper or own_mapper
        self.node = f"axis{os.getpid()}x{mapper}n{number}@localhost"
        self._cookie = cookie or secrets.token_hex(16)
        self._process: subprocess.Popen[bytes] | None = None
        self._will: _LastWill | None = None
        d = self.folder
        for name in ("mnesia", "log", "home"):
            (d / name).mkdir()
        cookie = d / "home" / ".erlang.cookie"
        cookie.write_text(self._cookie)
        cookie.chmod(0o400)
        (d / "enabled_plugins").write_text(f"[{','.join(plugins)}].")
        (d / "env.conf").touch()
        managed = "rabbitmq_management" in plugins
        (d / "rabbitmq.conf").write_text(
            (CONFIG / "rabbitmq.conf").read_text("utf-8")
            + f"listeners.tcp.1 = 127.0.0.1:{self.port}\nlog.file.level = info\ndisk_free_limit.absolute = 50MB\n"
            + (f"management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {self._management}\n" if managed else "")
            + f"{config}\n"
        )
        self.environment = os.environ | {
            "HOME": str(d / "home"),
            "LANG": "C.UTF-8",
            "ERL_EPMD_PORT": str(mapper),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": str(d / "mnesia"),
            "RABBITMQ_LOG_BASE": str(d / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(d / "enabled_plugins"),
            "RABBITMQ_CONF_ENV_FILE": str(d / "env.conf"),
            "RABBITMQ_CONFIG_FILE": str(d / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(d / "advanced.config"),
            "RABBITMQ_PID_FILE": str(d / "pid"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(d / "generated"),
        }

    def __enter__(self) -> RabbitMq:
        try:
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def url(self, vhost: str = "%2F", user: str = "guest", password: str = "guest") -> str:
        """AMQP URL of a virtual host."""
        return f"amqp://{user}:{password}@127.0.0.1:{self.port}/{vhost}"

    @property
    def management_url(self) -> str:
        """URL of the HTTP API, where the plugin rabbitmq_management is enabled."""
        return f"http://guest:guest@127.0.0.1:{self._management}"

    def start(self) -> None:
        """Start the node, or start it again with the data it has. Returns when it takes connections."""
        log = (self.folder / "out.log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [str(self._sbin / "rabbitmq-server")],
                env=self.environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        script = 'kill -9 "-$1"; sleep 1; epmd -kill; rm -rf "$2"'
        self._will = _LastWill(script, self._process.pid, self.folder, environment=self.environment)
        limit = time.monotonic() + 90
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() > limit:
                self.kill()
                text = (self.folder / "out.log").read_text(errors="replace")[-2000:]
                raise NoServerError(f"RabbitMQ did not start:\n{text}")
            time.sleep(0.1)

    @property
    def is_running(self) -> bool:
        """Its process lives."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Stop the node in order; its data stay."""
        if self._process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(
                [str(self._sbin / "rabbitmqctl"), "-n", self.node, "shutdown"],
                env=self.environment,
                cwd=self.folder,
                capture_output=True,
                timeout=60,
                check=False,
            )
            self._process.wait(15)
        self.kill()

    def kill(self) -> None:
        """SIGKILL the node (its whole process group); its data stay."""
        self.signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait(15)
        self._process = None
        if self._will is not None:
            self._will.revoke()
        self._will = None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the node's processes, for instance SIGSTOP and SIGCONT."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def remove(self) -> None:
        """Kill the node and its port mapper, delete the data. For a node that nobody needs any more."""
        self.kill()
        for _ in range(50):  # it refuses until it has noticed that the node is gone
            done = subprocess.run(["epmd", "-kill"], env=self.environment, capture_output=True, text=True, check=False)
            if "not allowed" not in done.stdout + done.stderr:
                break
            time.sleep(0.1)
        shutil.rmtree(self.folder, ignore_errors=True)

    def evaluate(self, erlang: str) -> str:
        """Have the node evaluate Erlang; what it answers. A hundred times quicker than rabbitmqctl."""
        done = subprocess.run(
            ["erl_call", "-sname", self.node, "-c", self._cookie, "-e"],
            input=erlang + ".\n",
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode or not done.stdout.startswith("{ok,"):
            raise RuntimeError(f"{erlang}: {done.stdout} {done.stderr}")
        return done.stdout[5:-1].strip()

    def vhost(self, name: str) -> str:
        """Make a fresh virtual host; its URL, for a user who may do everything there."""
        self.evaluate(
            f'rabbit_vhost:add(<<"{name}">>, <<"tests">>), '
            f'rabbit_auth_backend_internal:set_permissions(<<"guest">>, <<"{name}">>, '
            '<<".*">>, <<".*">>, <<".*">>, <<"tests">>)'
        )
        return self.url(name)

    def drop_vhost(self, name: str) -> None:
        """Delete a virtual host with all that is in it."""
        self.evaluate(f'rabbit_vhost:delete(<<"{name}">>, <<"tests">>)')

    def add_agency(self, vhost: str, code: str, *, moved: bool = True) -> str:
        """A broker user as each agency has one; its URL. Rights: its own exchange, queues and lock, and nothing else.
        Not `moved`: also the exchange that adapters of the version before publish into."""
        own = re.escape(code)
        write = rf"^axis\.in\.{own}$" if moved else rf"^axis\.in(\.{own})?$"
        rights = (rf"^axis\.lock\.{own}$", write, rf"^axis\.to\.{own}(\.urgent)?$")
        return self._add_user(
            vhost, code, rights, {"axis.in": "^$" if moved else rf"^{own}(\.urgent)?$", "axis.out": "^$"}
        )

    def add_hub(self, vhost: str) -> str:
        """The hub's broker user; its URL."""
        return self._add_user(vhost, "hub", (r"^axis\.", r"^(axis\..*|amq\.default)$", r"^axis\."), {})

    def add_postman(self, vhost: str) -> str:
        """A broker user who may take anybody's mail and put it back in anybody's name; its URL."""
        url = self._add_user(vhost, "postman", (".*", ".*", ".*"), {})
        self.evaluate('rabbit_auth_backend_internal:set_tags(<<"postman">>, [impersonator], <<"tests">>)')
        return url

    def _add_user(self, vhost: str, name: str, rights: tuple[str, str, str], keys: dict[str, str]) -> str:
        def text(value: str) -> str:
            return '<<"' + value.replace("\\", "\\\\") + '">>'

        acting = '<<"tests">>'
        configure, write, read = map(text, rights)
        steps = [
            f"catch rabbit_auth_backend_internal:add_user({text(name)}, {text('secret')}, {acting})",
            # Users are the node's, not the host's: another test may have given this one a password of its own.
            f"rabbit_auth_backend_internal:change_password({text(name)}, {text('secret')}, {acting})",
            f"rabbit_auth_backend_internal:set_permissions({text(name)}, {text(vhost)}, {configure}, {write}, {read}, {acting})",
        ]
        steps += [
            f'rabbit_auth_backend_internal:set_topic_permissions({text(name)}, {text(vhost)}, {text(exchange)}, {text(key)}, <<"^$">>, {acting})'
            for exchange, key in keys.items()
        ]
        self.evaluate(", ".join(steps))
        return self.url(vhost, name, "secret")

    def answers(self) -> bool:
        """It takes connections."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as one:
                one.settimeout(5)
                one.sendall(b"AMQP\x00\x00\x09\x01")
                return len(one.recv(8)) > 0
        except OSError:
            return False


def _is_alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


class RabbitCluster:
    """Three nodes of our own on this machine. A context manager.

    A node cut off from the other two stops serving until it sees one of them again (pause_minority).
    """

    def __init__(self) -> None:
        (mapper,) = free_ports(1)
        cookie = secrets.token_hex(16)
        names = [f"axis{os.getpid()}x{mapper}n{number}@localhost" for number in (1, 2, 3)]
        config = (
            "cluster_formation.peer_discovery_backend = classic_config\ncluster_partition_handling = pause_minority\n"
        )
        config += "".join(f"cluster_formation.classic_config.nodes.{n} = {name}\n" for n, name in enumerate(names, 1))
        self.nodes = [RabbitMq(config, cookie=cookie, mapper=mapper, number=number) for number in (1, 2, 3)]

    def __enter__(self) -> RabbitCluster:
        try:
            self.start(self.nodes)
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def start(self, nodes: Sequence[RabbitMq]) -> None:
        """Start these, together: each waits for the others."""
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(RabbitMq.start, nodes))

    def remove(self) -> None:
        """Kill the nodes, delete the data."""
        for node in self.nodes:
            node.kill()
        for node in self.nodes:
            node.remove()

    def vhost(self, name: str) -> str:
        """Make a fresh virtual host; its URLs, for a user who may do everything there."""
        self.nodes[0].vhost(name)
        return ",".join(node.url(name) for node in self.nodes)

    def add_agency(self, vhost: str, code: str) -> str:
        """A broker user as each agency has one; its URLs."""
        self.nodes[0].add_agency(vhost, code)
        return self._urls(vhost, code)

    def add_hub(self, vhost: str) -> str:
        """The hub's broker user; its URLs."""
        self.nodes[0].add_hub(vhost)
        return self._urls(vhost, "hub")

    def add_postman(self, vhost: str) -> str:
        """See :meth:`RabbitMq.add_postman`."""
        self.nodes[0].add_postman(vhost)
        return self._urls(vhost, "postman")

    def _urls(self, vhost: str, user: str) -> str:
        # Not everybody first to the same node.
        first = zlib.crc32(user.encode()) % len(self.nodes)
        turned = self.nodes[first:] + self.nodes[:first]
        return ",".join(node.url(vhost, user, "secret") for node in turned)

    def members(self, vhost: str, queue: str) -> int:
        """How many nodes hold the queue."""
        return int(
            self.nodes[0].evaluate(
                f'{{ok, Q}} = rabbit_amqqueue:lookup({{resource, <<"{vhost}">>, queue, <<"{queue}">>}}), '
                "length(maps:get(nodes, amqqueue:get_type_state(Q)))"
            )
        )

    def leader(self, vhost: str, queue: str) -> RabbitMq:
        """The node that leads the queue."""
        name = next(node for node in self.nodes if node.is_running).evaluate(
            f'{{ok, Q}} = rabbit_amqqueue:lookup({{resource, <<"{vhost}">>, queue, <<"{queue}">>}}), '
            "element(2, amqqueue:get_pid(Q))"
        )
        return next(node for node in self.nodes if node.node in name)

    def partition(self, node: RabbitMq) -> None:
        """Cut `node` off from the other two: it knows no cookie that they would take, and they none for it."""
        others = ", ".join(f"'{other.node}'" for other in self.nodes if other is not node)
        node.evaluate(f"[begin erlang:set_cookie(N, nobody), erlang:disconnect_node(N) end || N <- [{others}]]")

    def heal(self, node: RabbitMq) -> None:
        """End the partition; the node comes back by itself."""
        others = ", ".join(f"'{other.node}'" for other in self.nodes if other is not node)
        node.evaluate(f"[begin erlang:set_cookie(N, erlang:get_cookie()), net_adm:ping(N) end || N <- [{others}]]")


class PostgreSql:
    """One PostgreSQL server of our own. A context manager, or start() and remove()."""

    def __init__(self, options: str = "") -> None:
        """`options` are added to the server's command line, for instance ``-c fsync=off``."""
        ensure_installed(["postgresql"])
        self._bin = Path(
            sorted(glob.glob(PACKAGES["postgresql"]), key=lambda path: int(Path(path).parts[4]))[-1]
        ).parent
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
        self._will: _LastWill | None = None

    def __enter__(self) -> PostgreSql:
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
        self._will = _LastWill(script, self.folder)
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
        pid = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
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
        self._run("pg_dump", *self._where, "--format=custom", "--file", dump, name)
        return dump

    def restore(self, name: str, dump: Path) -> None:
        """Put a database back to a backup; who was connected is so no more."""
        self._run("dropdb", *self._where, "--force", name)
        self._run("createdb", *self._where, name)
        self._run("pg_restore", *self._where, "--exit-on-error", "--dbname", name, dump)

    @property
    def _where(self) -> tuple[str, ...]:
        return ("-h", "127.0.0.1", "-p", str(self.port), "-U", "axis")

    def _run(self, program: str, *arguments: object) -> None:
        # Not captured by a pipe: the server would inherit it, and whoever reads it waits for the server's end.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(
                [*self._as, str(self._bin / program), *map(str, arguments)],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=120,
                check=False,
            )
            if done.returncode:
                output.seek(0)
                raise NoServerError(f"{program} failed: {output.read().decode(errors='replace')[-1000:]}")


class OpenSsh:
    """A private OpenSSH server with SFTP alone, for the current user with one key; a context manager."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="axis-sshd-"))
        (self.port,) = free_ports(1)
        self.user = pwd.getpwuid(os.geteuid()).pw_name
        for name in ("host", "client", "stranger"):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / name]
            subprocess.run(command, check=True, capture_output=True)
        shutil.copy(self.folder / "client.pub", self.folder / "authorized")
        (self.folder / "config").write_text(
            f"ListenAddress 127.0.0.1\nPort {self.port}\nHostKey {self.folder}/host\nPidFile {self.folder}/pid\n"
            f"AuthorizedKeysFile {self.folder}/authorized\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n"
            "PermitRootLogin prohibit-password\nSubsystem sftp internal-sftp\nForceCommand internal-sftp\n"
        )
        self._process: subprocess.Popen[bytes] | None = None
        self._will: _LastWill | None = None

    @property
    def host_key(self) -> str:
        """As a line of known_hosts has it: kind and key."""
        return " ".join((self.folder / "host.pub").read_text().split()[:2])

    def __enter__(self) -> OpenSsh:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        """Start it and wait until it listens."""
        with contextlib.suppress(OSError):
            Path("/run/sshd").mkdir(mode=0o755)  # for its unprivileged half
        log = (self.folder / "log").open("ab")
        command = ["/usr/sbin/sshd", "-D", "-e", "-f", str(self.folder / "config")]
        self._process = subprocess.Popen(command, stdout=log, stderr=log)
        self._will = _LastWill('kill "$1" 2>/dev/null', self._process.pid)
        end = time.monotonic() + 10
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            if self._process.poll() is not None or time.monotonic() > end:
                raise NoServerError(f"sshd did not start: {(self.folder / 'log').read_text()[-500:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop it, and the connections that it serves."""
        if self._process is None:
            return
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        for pid in [*children, str(self._process.pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        self._process.wait(10)
        self._process = None
        if self._will is not None:
            self._will.revoke()


@contextlib.contextmanager
def both() -> Iterator[tuple[RabbitMq, PostgreSql]]:
    """Both servers, stopped and deleted at the end."""
    with PostgreSql() as postgresql, RabbitMq() as rabbitmq:
        yield rabbitmq, postgresql


def main(arguments: Sequence[str]) -> int:
    """``install``, or ``run -- COMMAND…``; the command's exit code, 2 for wrong usage, 4 when the servers cannot
    be had."""
    if list(arguments) == ["install"]:
        try:
            ensure_installed()
        except NoServerError as error:
            print(f"*** NOT EVERYTHING WILL BE TESTED: {error} ***", file=sys.stderr)
        return 0
    if len(arguments) < 3 or list(arguments[:2]) != ["run", "--"]:
        print(__doc__, file=sys.stderr)
        return 2
    # Ended from outside, the servers end as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with both() as (rabbitmq, postgresql):
            urls = {"AXIS_AMQP_URL": rabbitmq.url(), "AXIS_DATABASE_URL": postgresql.url()}
            return subprocess.run(list(arguments[2:]), env=os.environ | urls, check=False).returncode
    except NoServerError as error:
        print(f"no servers: {error}", file=sys.stderr)
        return 4


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
