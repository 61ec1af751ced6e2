"""The night of 30 June 2025, and the ministries' of 1 March before it: 63 provinces become 34 while mail is on its way, the
process dies at its crash points and is started again, and adapters are away, some for good.

    python -m tests.failure.night [--seed 2025]

What became of each letter is counted by the SHA-256 of its attachment, from the folders of all agencies; who owns each
delivery is asked of the record.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import signal
import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, get_args

from axis import bootstrap, crashpoints
from axis.core import succession_plan
from axis.core.hub.lifecycle import State
from axis.home import open_home, reading_registry
from axis.services.hub import take_back
from axis.services.operate import registry as members
from axis.services.operate.provision import catalogue
from axis.services.send import expand
from tests.line import Line, document, rest, small_home

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from axis.core.succession_plan import Row

TABLES = Path(__file__).parent.parent / "data" / "changes"
KINDS = {row["code"]: row["kind"] for row in catalogue()}
PROVINCES = tuple(code for code, kind in KINDS.items() if kind in {"province", "centrally_run_city"})
SENDER = "G22"
POINTS = sorted({*get_args(crashpoints.Point)} - {"C08", "H04", "X03", "X04", "W01", "W02"})


def table(name: str, codes: Iterable[str] = KINDS) -> list[Row]:
    """The changes of tests/data/changes/NAME.csv that are about these agencies alone."""
    there = set(codes)
    rows = succession_plan.read((TABLES / f"{name}.csv").read_bytes())
    return [row for row in rows if row.code in there and row.successor in {"", *there}]


@dataclass
class Night:
    """One line of agencies, and what was written to whom."""

    line: Line
    codes: tuple[str, ...]
    chance: random.Random
    sent: dict[int, tuple[str, ...]] = field(default_factory=dict)  # number → the codes that it was addressed to
    following: dict[str, str] = field(default_factory=dict)
    deaths: int = 0
    absences: int = 0
    by_officer: int = 0

    def write(self, *to: str) -> None:
        """A letter to these, by the codes of before."""
        number = len(self.sent) + 1
        self.sent[number] = to
        self.line.drop(SENDER, document(number, to=to, content=_content(number)), f"{number}.edxml")

    def letters(self, rows: Sequence[Row]) -> None:
        """A circular to all, and a letter to each of those that close."""
        self.write(*(code for code in self.codes if code != SENDER))
        for row in rows:
            if row.change == "close":
                self.write(row.code)

    def go(self, away: Sequence[str] = (), point: str = "") -> None:
        """A process of hub and adapters without those that are `away`, until nothing is due, or it dies at `point`."""
        self.absences += len(away)
        child = os.fork()
        if not child:  # pragma: no cover  it ends by a signal, or without a word
            code = 1
            try:
                crashpoints.arm(point)
                with self.line.parts() as (hub, agencies):
                    agencies[:] = [one for one in agencies if one.code not in away]
                    rest(hub, agencies, self.line.clock, timedelta(minutes=10))
                code = 0
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        died = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        if not died and os.waitstatus_to_exitcode(status):
            raise RuntimeError(f"a process ended with {os.waitstatus_to_exitcode(status)}")
        self.deaths += died
        self.line.clock.now += timedelta(minutes=11)

    def dies(self, times: int, away: Sequence[str]) -> None:
        """Processes that die somewhere, one after the other."""
        for _ in range(times):
            self.go(away, f"{self.chance.choice(POINTS)}:{self.chance.randint(1, 4)}")

    def change(self, rows: Sequence[Row], later: timedelta) -> None:
        """One signed version for all of these, which holds from then on."""
        self.following |= {row.code: row.successor for row in rows if row.change == "close"}
        with bootstrap.registrar(open_home(self.line.path)) as registrar:
            clock = self.line.clock
            members.apply(registrar, list(rows), clock() + later, "Nghị quyết 202/2025/QH15", clock())

    def officer(self, codes: Iterable[str]) -> None:
        """Of what adapters that are gone may have had an officer says that it moves on."""
        with self.line.parts() as (hub, _):
            for code in codes:
                moved = list(take_back.move_on(hub, code, "máy cũ đã thu hồi", self.line.clock()))
                self.by_officer += len(moved)

    def figures(self) -> Figures:
        """What became of all of it."""
        lying = Counter((code, digest) for code in self.codes for digest in self.line.attachments(code))
        found, owners = Figures(letters=len(self.sent)), 0
        for number, to in self.sent.items():
            digest = hashlib.sha256(_content(number)).hexdigest()
            there = {code: lying[code, digest] for code in self.codes if lying[code, digest]}
            found.doubled += sum(count - 1 for count in there.values())
            if len(to) == 1:
                found.doubled += max(0, len(there) - 1)
            found.lost += sum(not there.get(code, 0) and not there.get(self.heir(code), 0) for code in to)
            found.astray += len(set(there) - {one for code in to for one in (code, self.heir(code))})
            parts = self.line.trace(f"{number}/TN-{SENDER}")["deliveries"]
            owned = Counter(unit for one in parts if one["state"] == State.HANDED_OVER for unit in one["units"])
            owners += sum(owned[code] == 1 for code in to)
            found.deliveries += len(to)
        found.unowned = found.deliveries - owners
        self.line.check_ledger()
        with reading_registry(open_home(self.line.path)) as registry:
            found.provinces = len(expand(registry, SENDER, ["@provinces"], self.line.clock()))
        return found

    def heir(self, code: str) -> str:
        """Who has its mail when all is over."""
        while code in self.following:
            code = self.following[code]
        return code


@dataclass
class Figures:
    """The line that is told."""

    letters: int
    deliveries: int = 0
    lost: int = 0
    doubled: int = 0
    astray: int = 0
    unowned: int = 0
    provinces: int = 0

    @property
    def is_well(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.lost or self.doubled or self.astray or self.unowned)

    def text(self, night: Night) -> str:
        """One line."""
        return (
            f"night: {len(night.codes)} agencies, {self.letters} letters to {self.deliveries} addressees, "
            f"{night.deaths} deaths, {night.absences} times an adapter away, {night.by_officer} moved by an officer's "
            f"word: {self.lost} lost, {self.doubled} doubled, {self.astray} astray, {self.unowned} without one owner, "
            f"@provinces = {self.provinces}"
        )


def run(place: Path, codes: tuple[str, ...], *, seed: int, deaths: int, gone: Sequence[str]) -> Night:
    """Both days, in one home. `deaths`: in each of the six phases; `gone`: adapters that never work again from the
    evening on, and come up once all is over."""
    night = Night(small_home(place / "home", codes=codes), codes, random.Random(seed))
    ministries, provinces = table("ministries", codes), table("provinces", codes)
    closing = [row.code for row in (*ministries, *provinces) if row.change == "close"]

    def away() -> list[str]:
        return sorted(
            {*night.chance.sample(codes[1:], len(codes) // 6), *night.chance.sample(closing, len(closing) // 3)}
        )

    night.letters(ministries)
    night.dies(deaths, away())
    night.change(ministries, timedelta(0))  # 1 March
    night.letters(ministries)
    night.dies(deaths, away())
    night.go()
    night.letters(provinces)
    night.dies(deaths, [*away(), *gone])  # the evening of 30 June
    night.change(provinces, timedelta(hours=1))
    night.letters(provinces)
    night.dies(deaths, [*away(), *gone])
    night.line.clock.now += timedelta(hours=1)  # midnight
    night.letters(provinces)
    night.dies(deaths, [*away(), *gone])
    night.go(gone)
    night.officer([code for code in gone if code in night.following])
    night.go(gone)
    night.dies(deaths, ())
    night.go()  # who was gone for good is there again
    return night


def main() -> None:
    """The whole night, of all agencies; 1 where something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.failure.night")
    parser.add_argument("--seed", type=int, default=2025)
    parser.add_argument("--deaths", type=int, default=5)
    given = parser.parse_args()
    with TemporaryDirectory(prefix="axis-night-") as place:
        codes = (SENDER, *(code for code in KINDS if code != SENDER))
        night = run(Path(place), codes, seed=given.seed, deaths=given.deaths, gone=("H22", "H09", "H33", "H63"))
        found = night.figures()
    sys.stdout.write(f"{found.text(night)}\n")
    sys.exit(0 if found.is_well and found.provinces == 34 else 1)


def _content(number: int) -> bytes:
    return b"%%PDF circular %d" % number


if __name__ == "__main__":
    main()
