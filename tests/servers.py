"""A private RabbitMQ node and a private PostgreSQL, for tests and for trying the served installation.

    python tests/servers.py run -- COMMAND…

starts both, sets AXIS_AMQP_URL and AXIS_DATABASE_URL, runs COMMAND, stops both and returns its exit code.

Both run on free ports of 127.0.0.1 with their data in a temporary folder, under a node name, cookie and port
mapper of their own. A server that was not started here is never touched, also not the one that Debian's
package may have started at its installation. They trust everyone who can reach the port: for tests only.
"""

from __future__ import annotations

import base64
import concurrent.futures
import contextlib
import hashlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from axis.infra.database import Database
from axis.infra.record import tables
from axis.trials import servers
from axis.trials.rabbitmq import RabbitMq
from axis.trials.servers import BROWSER, NoServerError, ensure_installed, free_ports
from axis.trials.servers import LastWill as _LastWill

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class PostgreSql(servers.PostgreSql):
    """As the program's own, with records that are ready made."""

    _made_record = ""

    def record(self, name: str) -> str:
        """Make a database with the tables of a hub's record, a copy of one, which takes a quarter of the time; its URL."""
        if not self._made_record:
            self._made_record = self.database("record")
            database = Database(self._made_record)
            database.create(tables.TABLES)
            database.close()
        return self.copy(self._made_record, name)


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


class OpenSsh:
    """A private OpenSSH server with SFTP alone, for the current user with one key; a context manager."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="axis-sshd-"))
        (self.port,) = free_ports(1)
        self.user = pwd.getpwuid(os.geteuid()).pw_name
        for name in ("host", "client", "stranger"):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / name)]
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


AXE = ("axe-core", "4.14.1", "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c")


def axe() -> str:
    """The program that looks a page over for whoever cannot see it, or uses no mouse: exactly these bytes, from npm,
    kept beside the environment's own files. Raises NoServerError where it cannot be had."""
    name, version, digest = AXE
    kept = Path(sys.prefix) / f"{name}-{version}.js"
    if not kept.exists():
        if shutil.which("npm") is None:
            raise NoServerError(f"no npm, which brings {name}")
        with tempfile.TemporaryDirectory(prefix="axis-axe-") as folder:
            packed = ["npm", "pack", "--silent", f"{name}@{version}"]
            done = subprocess.run(packed, cwd=folder, capture_output=True, text=True, check=False)
            if done.returncode:
                raise NoServerError(f"'{' '.join(packed)}' failed: {done.stderr.strip()[-300:]}")
            with tarfile.open(Path(folder) / f"{name}-{version}.tgz") as archive:
                content = archive.extractfile("package/axe.min.js").read()  # type: ignore[union-attr]
        _check(content, digest)
        kept.write_bytes(content)
    content = kept.read_bytes()
    _check(content, digest)
    return content.decode("utf-8")


def _check(content: bytes, digest: str) -> None:
    if (found := hashlib.sha256(content).hexdigest()) != digest:
        raise NoServerError(f"{AXE[0]} {AXE[1]} has other bytes: {found}")


class Chromium:
    """Debian's Chromium without a window, driven by its chromedriver over W3C WebDriver; a context manager. `scripts`:
    whether pages may run any."""

    def __init__(self, *, scripts: bool = True, size: tuple[int, int] = (1200, 900)) -> None:
        self.scripts, self.size = scripts, size

    def __enter__(self) -> Chromium:
        (port,) = free_ports(1)
        self._folder = tempfile.mkdtemp(prefix="axis-chromium-")
        self._driver = subprocess.Popen(
            ["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._will = _LastWill('kill "$1" 2>/dev/null', self._driver.pid)
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120)
        self._session = ""
        try:
            end = time.monotonic() + 30
            while True:
                with contextlib.suppress(httpx.TransportError):
                    if self._client.get("/status").json()["value"]["ready"]:
                        break
                if time.monotonic() > end:
                    raise NoServerError("chromedriver did not start")
                time.sleep(0.1)
            arguments = [
                *("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage"),
                *(f"--user-data-dir={self._folder}", f"--window-size={self.size[0]},{self.size[1]}"),
            ]
            options: dict[str, object] = {"args": arguments}
            if not self.scripts:
                options["prefs"] = {"profile.managed_default_content_settings.javascript": 2}
            wanted = {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}}
            self._session = f"/session/{self._post('/session', wanted)['sessionId']}"
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(httpx.HTTPError):
            if self._session:
                self._client.delete(self._session)
        self._client.close()
        self._driver.kill()
        self._driver.wait(10)
        self._will.revoke()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _post(self, path: str, value: object) -> Any:
        answer = self._client.post(path, json=value).json()["value"]
        if isinstance(answer, dict) and "error" in answer:
            raise AssertionError(f"{answer['error']}: {answer['message'][:500]}")
        return answer

    def open(self, url: str) -> None:
        """Go to a page."""
        self._post(f"{self._session}/url", {"url": url})

    def run(self, script: str, *arguments: object, later: bool = False) -> Any:
        """What a script answers there; `later`: by calling its last argument."""
        path = f"{self._session}/execute/{'async' if later else 'sync'}"
        return self._post(path, {"script": script, "args": list(arguments)})

    def media(self, name: str, value: str) -> None:
        """What the page is told of its reader's wishes, as ``prefers-color-scheme``, ``dark``; "print" for ``type``."""
        features = [] if name == "type" else [{"name": name, "value": value}]
        given = {"media": value if name == "type" else "", "features": features}
        self._post(f"{self._session}/goog/cdp/execute", {"cmd": "Emulation.setEmulatedMedia", "params": given})

    def press(self, *keys: str) -> None:
        """Keys, one after the other."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._post(f"{self._session}/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    @property
    def source(self) -> str:
        """The page as it stands."""
        return str(self._client.get(f"{self._session}/source").json()["value"])

    def picture(self) -> bytes:
        """A PNG of what is to be seen."""
        return base64.b64decode(self._client.get(f"{self._session}/screenshot").json()["value"])


@contextlib.contextmanager
def both() -> Iterator[tuple[RabbitMq, PostgreSql]]:
    """Both servers, stopped and deleted at the end."""
    with PostgreSql() as postgresql, RabbitMq() as rabbitmq:
        yield rabbitmq, postgresql


def main(arguments: Sequence[str]) -> int:
    """``install``, or ``run -- COMMAND…``; the command's exit code, 2 for wrong usage, 4 when the servers cannot
    be had."""
    if list(arguments) == ["install"]:
        for install in (ensure_installed, lambda: ensure_installed(tuple(BROWSER)), axe):
            try:
                install()
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
