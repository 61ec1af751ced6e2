"""A machine that does what happens in a day, in any order: documents, recalls, updates, reports, adapters that are away,
processes that start again, a clock that moves. A small model says what must be true in between and in the end."""

from __future__ import annotations

import hashlib
import tempfile
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from axis.services import run as loops
from tests.line import Line, document, recall, small_home, status, update

if TYPE_CHECKING:
    from axis.services.agency.adapter import Agency
    from axis.services.hub.worker import Hub

RECIPIENTS = ("H41", "G06")
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None


class Life(RuleBasedStateMachine):
    """One sender, two recipients. The model: what was put down, and what each clerk saw."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.line: Line
        self.hub: Hub
        self.agencies: dict[str, Agency] = {}
        self.sent: dict[int, tuple[str, ...]] = {}  # document number → recipients
        self.recalled: dict[int, set[str]] = {}
        self.updated: dict[int, int] = {}
        self.seen: dict[tuple[str, int], str] = {}  # (recipient, number) → axis id, once its file was there
        self.files = 0

    @initialize()
    def begin(self) -> None:
        folder = self.stack.enter_context(tempfile.TemporaryDirectory(prefix="axis-life-", dir=MEMORY))
        self.line = small_home(Path(folder) / "home", codes=("G22", *RECIPIENTS))
        self.parts = ExitStack()
        self.open()

    def open(self) -> None:
        hub, agencies = self.parts.enter_context(self.line.parts())
        self.hub, self.agencies = hub, {one.code: one for one in agencies}

    def put(self, data: bytes) -> None:
        self.files += 1
        self.line.drop("G22", data, f"{self.files}.edxml")

    @rule(to=st.sampled_from([("H41",), ("G06",), RECIPIENTS]))
    def document(self, to: tuple[str, ...]) -> None:
        number = len(self.sent) + 1
        self.sent[number] = to
        self.put(document(number, to=to, content=b"document %d" % number))

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def recall(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.sent)))
        to = data.draw(st.sampled_from([(code,) for code in self.sent[number]] + [self.sent[number]]))
        self.recalled.setdefault(number, set()).update(to)
        self.put(recall(number, to=to, reason=f"lý do {self.files}"))

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def update(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.sent)))
        self.updated[number] = self.updated.get(number, 0) + 1
        self.put(update(number, to=self.sent[number], content=b"version %d" % self.files))

    @precondition(lambda self: self.seen)
    @rule(data=st.data(), code=st.sampled_from(["03", "05", "06", "15", "16"]))
    def report(self, data: st.DataObject, code: str) -> None:
        recipient, number = data.draw(st.sampled_from(sorted(self.seen)))
        self.files += 1
        self.line.drop(recipient, status(code, number, recipient, description="lý do"), f"{self.files}.edxml")

    @rule(away=st.sampled_from([(), ("H41",), RECIPIENTS]), times=st.integers(1, 3))
    def everybody_works(self, away: tuple[str, ...], times: int) -> None:
        for _ in range(times):
            loops.hub_round(self.hub, self.line.clock())
            for code, agency in self.agencies.items():
                if code not in away:
                    loops.agency_round(agency, self.line.clock())

    @rule(times=st.integers(1, 4))
    def hub_works(self, times: int) -> None:
        for _ in range(times):
            loops.hub_round(self.hub, self.line.clock())

    @rule(code=st.sampled_from(["G22", *RECIPIENTS]))
    def adapter_works(self, code: str) -> None:
        loops.agency_round(self.agencies[code], self.line.clock())

    @rule()
    def everything_starts_again(self) -> None:
        self.parts.close()
        self.parts = ExitStack()
        self.open()

    @rule(minutes=st.integers(1, 3000))
    def time_passes(self, minutes: int) -> None:
        self.line.clock.now += timedelta(minutes=minutes)

    @invariant()
    def what_is_signed_is_true(self) -> None:
        if not self.agencies:
            return
        self.look()
        withdrawn, handed = self.statements()
        for key in withdrawn:
            assert key not in self.seen, f"{key} was withdrawn for certain, and is there"
        for key in handed:
            assert key in self.seen, f"{key} was handed over, and is not there"

    def look(self) -> None:
        """What the recipients' clerks can see."""
        wanted = {hashlib.sha256(b"document %d" % n).hexdigest(): n for n in self.sent}
        for code in RECIPIENTS:
            for digest in self.line.attachments(code):
                if digest in wanted:
                    self.seen.setdefault((code, wanted[digest]), digest)

    def statements(self) -> tuple[set[tuple[str, int]], set[tuple[str, int]]]:
        withdrawn: set[tuple[str, int]] = set()
        handed: set[tuple[str, int]] = set()
        for held in self.line.receipts("G22").values():
            number = int(held.subject.document_id.rpartition(",")[2].partition("/")[0])
            for statement in held.statements:
                if statement.event.code == "W.1":
                    withdrawn.add((statement.recipient, number))
                if statement.event.code == "E.1" and held.subject.kind == "new":
                    handed.add((statement.recipient, number))
        return withdrawn, handed

    def teardown(self) -> None:
        try:
            if self.agencies:
                self.comes_to_rest()
        finally:
            self.parts.close() if self.agencies else None
            self.stack.close()

    def comes_to_rest(self) -> None:
        self.parts.close()
        self.line.run()
        self.look()
        withdrawn, handed = self.statements()
        for number, recipients in self.sent.items():
            about = self.line.trace(f"G22,2026/11/23,{number}/TN-G22")
            states = {d["recipient"]: d["state"] for d in about["deliveries"]}
            assert set(states) == set(recipients)
            stages: dict[str, list[Any]] = {}
            for change in about["changes"]:
                for unit in change["units"]:
                    if unit["demand"] == "recall":
                        stages.setdefault(unit["recipient"], []).append(unit["stage"])
            for recipient in recipients:
                key = (recipient, number)
                assert states[recipient] in {"HANDED_OVER", "RECALLED"}
                assert (states[recipient] == "HANDED_OVER") is (key in self.seen) is (key in handed)
                assert (states[recipient] == "RECALLED") is (key in withdrawn)
                asked = recipient in self.recalled.get(number, set())
                assert bool(stages.get(recipient)) is asked, "every recall is decided, and none that nobody asked for"
                assert "PENDING" not in stages.get(recipient, [])
                assert ("WITHDRAWN" in stages.get(recipient, [])) is (states[recipient] == "RECALLED")
            for recipient in RECIPIENTS:
                copies = self.line.attachments(recipient).count(hashlib.sha256(b"document %d" % number).hexdigest())
                assert copies <= 1
        self.line.check_ledger()


Life.TestCase.settings = settings(
    max_examples=20,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
TestLife = Life.TestCase
