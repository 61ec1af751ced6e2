"""A line whose agencies have homes and keys of their own: the centre's home holds none of them.

Made by the commands that people type, with `now` as the time; the homes share one embedded broker in this process, so
that no server is needed for what is about keys.
"""

from __future__ import annotations

import json
import os
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner, Result

from axis import bootstrap, cli, config
from axis.core import enrolment
from axis.infra import embedded
from axis.infra.database import Database
from axis.infra.journal import tables as journal
from axis.services.operate import provision
from tests.line import Clock, Line, rest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest

    from axis.core.registry import Registry
    from axis.services.agency.adapter import Agency
    from axis.services.hub.worker import Hub

CODES = ("G22", "H41", "G06")


def few(patch: pytest.MonkeyPatch, codes: tuple[str, ...] = CODES) -> None:
    """Homes that are made from now on have these agencies alone."""
    rows = [row for row in provision.catalogue() if row["code"] in codes]
    patch.setattr(provision, "catalogue", lambda: rows)


def run(*words: str | Path, officers: bool = True) -> Result:
    """A command, in English; at the centre with the keys that its officers have, if they are there."""
    keys = [key for one in words if isinstance(one, Path) for key in sorted((one.parent / "officers").glob("*"))]
    env = {"AXIS_OFFICER_KEY": os.pathsep.join(map(str, dict.fromkeys(keys)))} if keys and officers else {}
    return CliRunner().invoke(cli.main, [*map(str, words), "--lang", "en"], env=env)


def done(*words: str | Path) -> dict[str, Any]:
    """What a command that ends well says with ``--json``."""
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    value: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return value


def request(home: Path, code: str, *more: str) -> tuple[Path, str]:
    """(the file, what is read over the telephone)."""
    said = done("agency", "request", "--code", code, "--home", home, *more)
    return Path(said["file"]), said["fingerprint"]


def admit(hub: Path, file: Path, told: str, target: Path, *more: str | Path) -> dict[str, Any]:
    return done("agency", "admit", file, "--fingerprint", told, "--to", target, "--home", hub, *more)


def ceremony(hub: Path, home: Path, code: str) -> None:
    """Request, admit, enrol."""
    file, told = request(home, code)
    enrolled = home.parent / f"{code}.enrolment"
    said = admit(hub, file, told, enrolled)
    done("agency", "enrol", enrolled, "--fingerprint", said["fingerprint"], "--home", home)


class Own(Line):
    """See the module; `path` is the folder with the homes ``hub``, ``G22``, …"""

    def __init__(self, path: Path, codes: tuple[str, ...] = CODES) -> None:
        super().__init__(path / "hub")
        self.root, self.codes = path, codes
        self.clock = Clock()
        self.clock.now = datetime.now(UTC)

    def folder(self, code: str, name: str) -> Path:
        return self.root / code / "agencies" / code / name

    @contextmanager
    def parts(self) -> Iterator[tuple[Hub, list[Agency]]]:
        with ExitStack() as stack:
            home = bootstrap.open_home(self.path)
            line = Database(f"sqlite:///{self.path / 'axis.db'}")
            stack.callback(line.close)
            line.create([*embedded.TABLES])
            broker = embedded.EmbeddedBroker(line, None)
            embedded.EmbeddedBroker.free_leases(line)
            broker.declare(self.codes)
            hub, agencies = bootstrap.hub_part(home, line, broker), []
            for code in self.codes:
                own = Database(f"sqlite:///{self.root / code / 'axis.db'}")
                stack.callback(own.close)
                own.create(journal.TABLES)
                there = bootstrap.open_home(self.root / code)
                agencies.append(bootstrap.agency_part(there, own, partial(embedded.EmbeddedBroker, line, code), code))
            yield hub, agencies

    def run(self, *, before: Callable[[Hub, list[Agency]], None] | None = None, **_: Any) -> None:
        self.clock.now = max(self.clock.now, datetime.now(UTC))
        with self.parts() as (hub, agencies):
            if before is not None:
                before(hub, agencies)
            rest(hub, agencies, self.clock)

    def installed(self, code: str) -> Registry:
        """The registry that an agency's home goes by."""
        with bootstrap.reading_registry(bootstrap.open_home(self.root / code)) as registry:
            return registry


def make(path: Path, patch: pytest.MonkeyPatch, *registrars: str | Path) -> Own:
    """A centre without any agency's key, and agencies that have enrolled; its two officers have their keys outside."""
    few(patch)
    path.mkdir(exist_ok=True)
    hub, officers = path / "hub", list[str | Path]()
    for name in ("Anna", "Bình"):
        certificate = done("officer", "key", "--name", name, "--to", path / "officers" / name)["certificate"]
        officers += ["--officer", certificate]
    made = done("init", "--home", hub, "--broker", "amqp", *officers, *registrars)
    assert made["test_keys"] is False
    Line(hub).configure(folders=config.Folders(), adapter=config.Adapter(settle_seconds=0.0))
    for code in CODES:
        ceremony(hub, path / code, code)
    return Own(path)


def told(file: Path) -> str:
    """What somebody reads over the telephone of a file."""
    return enrolment.fingerprint(file.read_bytes())
