"""A private RabbitMQ node, for tests and measurements.

It has a node name, a cookie and a port mapper of its own; see :mod:`axis.trials.servers`.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from axis.trials.servers import CONFIG, LastWill, NoServerError, ensure_installed, free_ports, installed

if TYPE_CHECKING:
    from collections.abc import Sequence

_NOT_CONNECTED = "failed to connect to node"  # what erl_call says


class RabbitMq:
    """One RabbitMQ node of our own. A context manager, or start() and remove()."""

    def __init__(
        self, config: str = "", plugins: Sequence[str] = (), *, cookie: str = "", mapper: int = 0, number: int = 1
    ) -> None:
        """`config` is added to rabbitmq.conf, `plugins` are enabled. Nodes of a cluster share `cookie` and the port
        `mapper`, and differ in `number`."""
        ensure_installed(["rabbitmq-server"])
        self._sbin = installed("rabbitmq-server")[-1].parent
        self.folder = Path(tempfile.mkdtemp(prefix="axis-rabbitmq-"))
        self.port, distribution, own_mapper, self._management = free_ports(4)
        mapper = mapper or own_mapper
        self.node = f"axis{os.getpid()}x{mapper}n{number}@localhost"
        self._cookie = cookie or secrets.token_hex(16)
        self._process: subprocess.Popen[bytes] | None = None
        self._will: LastWill | None = None
        d = self.folder
        for name in ("mnesia", "log", "home"):
            (d / name).mkdir()
        secret = d / "home" / ".erlang.cookie"
        secret.write_text(self._cookie)
        secret.chmod(0o400)
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

    def url(self, vhost: str = "%2F", user: str = "guest", password: str = "guest") -> str:  # noqa: S107
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
        self._will = LastWill(script, self._process.pid, self.folder, environment=self.environment)
        limit = time.monotonic() + 240  # one that dies is noticed at once, and others may have the cores
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() > limit:
                self.kill()
                text = (self.folder / "out.log").read_text(errors="replace")[-2000:]
                raise NoServerError(f"RabbitMQ did not start:\n{text}")
            time.sleep(0.1)

    @property
    def version(self) -> str:
        """Its version's number."""
        return self._sbin.parent.name.rpartition("-")[2]

    @property
    def pid(self) -> int:
        """The process under which all of the node's are; 0 when it does not run."""
        return self._process.pid if self._process is not None else 0

    @property
    def is_running(self) -> bool:
        """Its process lives."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Stop the node in order; its data stay."""
        if self._process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.evaluate("spawn(fun rabbit:stop_and_halt/0)")  # as rabbitmqctl does, without an Erlang of its own
            self._process.wait(60)
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
        """Have the node evaluate Erlang; what it answers. Far quicker than rabbitmqctl. Where its port mapper
        has gone nothing was evaluated: there is another one within seconds, and the node is asked again."""
        limit = time.monotonic() + 60
        while True:
            done = subprocess.run(
                ["erl_call", "-sname", self.node, "-c", self._cookie, "-e"],
                input=erlang + ".\n",
                env=self.environment,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            if done.returncode == 0 and done.stdout.startswith("{ok,"):
                return done.stdout[5:-1].strip()
            if _NOT_CONNECTED not in done.stderr or not self.is_running or time.monotonic() > limit:
                raise RuntimeError(f"{erlang}: {done.stdout} {done.stderr}")
            subprocess.run(["epmd", "-daemon"], env=self.environment, capture_output=True, check=False)
            time.sleep(0.5)

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
        user, where, steps = text(name), text(vhost), "rabbit_auth_backend_internal"
        done = [
            f"catch {steps}:add_user({user}, {text('secret')}, {acting})",
            # Users are the node's, not the host's: another test may have given this one a password of its own.
            f"{steps}:change_password({user}, {text('secret')}, {acting})",
            f"{steps}:set_permissions({user}, {where}, {configure}, {write}, {read}, {acting})",
        ]
        done += [
            f'{steps}:set_topic_permissions({user}, {where}, {text(exchange)}, {text(key)}, <<"^$">>, {acting})'
            for exchange, key in keys.items()
        ]
        self.evaluate(", ".join(done))
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
