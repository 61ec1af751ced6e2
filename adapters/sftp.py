"""The folder adapter's folders on an SFTP server: a drop box for an agency that has nothing but that.

Options in ``[adapter.agencies.CODE]``: `host`, `port` (22), `user`, `root` (where outbox/, inbox/ and the others are),
`key_file` (relative to the home's folder of the agency; 0600), `host_key` (a line as in known_hosts: the server is
believed by it alone), and those of the folder adapter. The server must know posix-rename@openssh.com; with
fsync@openssh.com what it has taken is on its disk for good, without it the server's word is all there is.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import posixpath
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import asyncssh

from axis.adapters.folder import FolderAdapter
from axis.adapters.tree import Entry
from axis.config import require_private
from axis.core import xml
from axis.errors import Fault, Misconfigured, Problem, Unavailable, away

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine, Mapping
    from pathlib import Path

    from axis.adapters.base import Place
    from axis.adapters.bell import Bell

T = TypeVar("T")
TIMEOUT = 30.0  # seconds for one question
CONNECT = 10.0  # seconds
# A server that does not answer takes at most a tenth of the time that all agencies of a process share: after a wait of
# SLOW seconds or more it is left alone for REST times as long, LONGEST_REST seconds at most.
SLOW, REST, LONGEST_REST = 1.0, 9, 300.0
SLICE = 0.2  # seconds after which who waits asks whether that still makes sense
BLOCK = 256 * 1024  # bytes


class SftpAdapter(FolderAdapter):
    """See the module: the folder adapter with its folders elsewhere."""

    OPTIONS: ClassVar[Mapping[str, type]] = {
        **FolderAdapter.OPTIONS,
        "host": str,
        "port": int,
        "user": str,
        "root": str,
        "host_key": str,
        "key_file": str,
    }

    def __init__(self, place: Place) -> None:
        super().__init__(place, RemoteTree(place.folder, place.options, place.bell))


class RemoteTree:
    """See :class:`axis.adapters.tree.Tree`: files on an SFTP server, over one connection that is made again when it is
    gone.

    Raises Unavailable ADAPTER_AWAY while the server is away, Misconfigured for options that cannot work."""

    def __init__(self, folder: Path, options: Any, bell: Bell | None = None) -> None:
        self._bell = bell
        try:
            self._where = (str(options["host"]), int(options.get("port", 22)))
            self._user, self._root = str(options["user"]), str(options.get("root", "."))
            self._host_key = str(options["host_key"])
            self._key = folder / str(options["key_file"])
        except (KeyError, ValueError) as error:
            raise Misconfigured(Problem(Fault.CONFIG_INVALID, "adapter.agencies", _NEEDED, str(error))) from None
        self._loop = _loop()
        self._connection: asyncssh.SSHClientConnection | None = None
        self._sftp: asyncssh.SFTPClient | None = None
        self._away: tuple[float, Problem] | None = None  # until when it is not asked, and why

    def check(self, folder: str) -> bool:
        """See :class:`Tree`."""
        probe = self._path(f"{folder}/.axis-check")

        async def ask(sftp: asyncssh.SFTPClient) -> bool:
            try:
                async with sftp.open(probe, "wb"):
                    pass
                await sftp.remove(probe)
            except asyncssh.SFTPError:
                return False
            return True

        return self._do(ask)

    def entries(self, folder: str) -> list[Entry]:
        """See :class:`Tree`."""
        return [one for one in self.everything(folder) if one.is_file]

    def everything(self, folder: str, known: Collection[str] = ()) -> list[Entry]:
        """See :class:`Tree`: one listing has all that there is to see, and tells no more than the second."""

        async def ask(sftp: asyncssh.SFTPClient) -> list[Entry]:
            listed = [one for one in await sftp.readdir(self._path(folder)) if str(one.filename) not in {".", ".."}]
            return [_entry(str(one.filename), one.attrs) for one in listed]

        return [] if known else self._do(ask)

    def look(self, path: str) -> Entry:
        """See :class:`Tree`."""

        async def ask(sftp: asyncssh.SFTPClient) -> Entry:
            return _entry(posixpath.basename(path), await sftp.lstat(self._path(path)))

        return self._do(ask)

    def read(self, path: str) -> bytes:
        """See :class:`Tree`."""

        async def ask(sftp: asyncssh.SFTPClient) -> bytes:
            status = await sftp.lstat(self._path(path))
            if status.type != asyncssh.FILEXFER_TYPE_REGULAR:
                raise OSError(f"{path}: not a regular file")
            size = status.size or 0
            if size > xml.MAX_BYTES:
                raise OSError(f"{path}: {size} bytes")
            async with sftp.open(self._path(path), "rb") as file:
                content = await file.read(size + 1)  # no more, while somebody writes on
            return content if isinstance(content, bytes) else content.encode()

        return self._do(ask)

    def write(self, path: str, content: bytes, *, later: bool = False) -> None:
        """See :class:`Tree`."""

        async def ask(sftp: asyncssh.SFTPClient) -> None:
            async with await self._new(sftp, self._path(path)) as file:
                for at in range(0, len(content), BLOCK):
                    await file.write(content[at : at + BLOCK])
                await _fsync(file)

        self._do(ask)

    def rename(self, path: str, to: str) -> None:
        """See :class:`Tree`."""
        self._do(lambda sftp: sftp.posix_rename(self._path(path), self._path(to)))

    def remove(self, path: str) -> None:
        """See :class:`Tree`."""

        async def ask(sftp: asyncssh.SFTPClient) -> None:
            try:
                await sftp.remove(self._path(path))
            except asyncssh.SFTPNoSuchFile:
                return

        self._do(ask)

    def make(self, folder: str) -> None:
        """See :class:`Tree`."""

        async def ask(sftp: asyncssh.SFTPClient) -> None:
            await sftp.makedirs(self._path(folder), exist_ok=True)
            if (await sftp.lstat(self._path(folder))).type != asyncssh.FILEXFER_TYPE_DIRECTORY:
                raise OSError(f"{folder}: not a folder")

        self._do(ask)

    def folders(self, folder: str) -> list[str]:
        """See :class:`Tree`."""

        async def ask(sftp: asyncssh.SFTPClient) -> list[str]:
            listed = await sftp.readdir(self._path(folder))
            found = [one for one in listed if one.attrs.type == asyncssh.FILEXFER_TYPE_DIRECTORY]
            return [str(one.filename) for one in found]

        return self._do(ask)

    def remove_folder(self, folder: str) -> None:
        """See :class:`Tree`. Of one that is not empty servers say nothing but that it failed."""

        async def ask(sftp: asyncssh.SFTPClient) -> None:
            with suppress(asyncssh.SFTPNoSuchFile, asyncssh.SFTPFailure):
                await sftp.rmdir(self._path(folder))

        self._do(ask)

    def sync(self, folder: str) -> None:
        """Names are the server's to keep: SFTP has no word for it."""

    def changed(self, folder: str) -> None:
        """See :class:`Tree`: only a listing tells."""

    def _path(self, name: str) -> str:
        return posixpath.join(self._root, name)

    @staticmethod
    async def _new(sftp: asyncssh.SFTPClient, path: str) -> asyncssh.SFTPClientFile:
        """A file of our own, to write; what lay there is removed, not written through."""
        try:
            return await sftp.open(path, "xb")
        except asyncssh.SFTPError as error:
            try:
                await sftp.remove(path)
            except asyncssh.SFTPNoSuchFile:
                raise error from None  # nothing lay there
            return await sftp.open(path, "xb")

    def _do(self, ask: Callable[[asyncssh.SFTPClient], Coroutine[Any, Any, T]]) -> T:
        """Ask over the connection, unless the server has just not answered."""
        began = time.monotonic()
        if self._away is not None and began < self._away[0]:
            raise Unavailable(self._away[1])
        try:
            done = self._asked(ask)
        except Unavailable as error:
            waited = time.monotonic() - began
            if waited >= SLOW:
                self._away = (time.monotonic() + min(REST * waited, LONGEST_REST), error.problems[0])
            raise
        self._away = None
        return done

    def _asked(self, ask: Callable[[asyncssh.SFTPClient], Coroutine[Any, Any, T]]) -> T:
        """Over the connection; once more over a new one if that one had died meanwhile."""
        for attempt in (1, 2):
            try:
                return self._wait(ask(self._connected()))
            except asyncssh.SFTPNoSuchFile as error:
                raise FileNotFoundError(str(error)) from None
            except (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, ConnectionError, TimeoutError) as error:
                self._drop()
                if attempt == 2 or isinstance(error, TimeoutError):
                    raise away(error) from error
            except asyncssh.SFTPError as error:
                raise OSError(f"{error.code}: {error.reason}") from error
        raise AssertionError

    def _connected(self) -> asyncssh.SFTPClient:
        if self._sftp is None:
            self._sftp = self._wait(self._connect())
        return self._sftp

    async def _connect(self) -> asyncssh.SFTPClient:
        host, port = self._where
        try:
            require_private(self._key)
        except OSError:
            raise Misconfigured(Problem(Fault.KEY_FILE_MISSING, got=str(self._key))) from None
        try:
            known = asyncssh.import_known_hosts(f"[{host}]:{port} {self._host_key}\n{host} {self._host_key}\n")
            self._connection = await asyncio.wait_for(
                asyncssh.connect(
                    host,
                    port,
                    username=self._user,
                    client_keys=[os.fspath(self._key)],
                    known_hosts=known,
                    agent_path=None,
                    config=None,
                    preferred_auth="publickey",
                    keepalive_interval=30,
                ),
                CONNECT,
            )
            return await self._connection.start_sftp_client()
        except asyncssh.HostKeyNotVerifiable as error:
            problem = Problem(Fault.CONFIG_INVALID, "host_key", "the key of the server", f"another: {error.reason}")
            raise Misconfigured(problem) from None
        except asyncssh.PermissionDenied as error:
            problem = Problem(Fault.CONFIG_INVALID, "user, key_file", "a login that the server takes", error.reason)
            raise Misconfigured(problem) from None
        except (asyncssh.KeyImportError, ValueError) as error:
            raise Misconfigured(Problem(Fault.CONFIG_INVALID, "key_file, host_key", "keys", str(error))) from None
        except (OSError, asyncssh.Error, TimeoutError) as error:
            raise away(error) from error

    def _wait(self, asked: Coroutine[Any, Any, T]) -> T:
        """What the server answers. A process that is to stop waits no longer."""
        future = asyncio.run_coroutine_threadsafe(asked, self._loop)
        end = time.monotonic() + TIMEOUT * 4
        while True:
            done, _ = concurrent.futures.wait([future], SLICE)
            if done:
                return future.result()
            if time.monotonic() > end or (self._bell is not None and self._bell.is_over()):
                future.cancel()
                raise TimeoutError

    def _drop(self) -> None:
        connection, self._connection, self._sftp = self._connection, None, None
        if connection is not None:
            self._loop.call_soon_threadsafe(connection.abort)


_NEEDED = "host, user, key_file, host_key"
_lock = threading.Lock()
_running: list[asyncio.AbstractEventLoop] = []


def _loop() -> asyncio.AbstractEventLoop:
    """The one loop of this process that talks to SFTP servers, in a thread of its own."""
    with _lock:
        if not _running:
            loop = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="sftp", daemon=True).start()
            _running.append(loop)
        return _running[0]


async def _fsync(file: Any) -> None:
    try:
        await file.fsync()
    except asyncssh.SFTPOpUnsupported:
        return


def _entry(name: str, attributes: asyncssh.SFTPAttrs) -> Entry:
    seconds = attributes.mtime or 0
    return Entry(name, attributes.size or 0, seconds * 10**9 + (attributes.mtime_ns or 0))
