"""What is raised: a problem, which is a fault of the catalogue (axis/faults.py) and its facts; the four exceptions.

A :class:`Problem` is a code plus facts, never a finished sentence, so that it can be shown in any
language and compared in tests. The exceptions are distinguished by what the *caller* does with them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from axis.faults import Actor, Fault, Language
from axis.remedies import remedy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = [
    "Actor",
    "AxisError",
    "Corrupted",
    "Fault",
    "Language",
    "Misconfigured",
    "Problem",
    "Rejected",
    "Severity",
    "Unavailable",
    "away",
    "capped",
    "problems_of",
    "rejected",
    "unusable",
]

MAX_FACT = 500  # characters of a finding's path, and of what was expected and found
MAX_PROBLEMS = 100  # that are told of one thing
Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding: a fault, where, and the facts of its sentence.

    `path` is the canonical path of an element (``MessageHeader/Code/CodeNumber``) or a file's name;
    `line` the line in the source, where known. `expected` and `got` are short texts: what is longer is cut, for a
    finding is recorded, signed and answered, and quotes what anybody wrote.
    """

    fault: Fault
    path: str = ""
    expected: str = ""
    got: str = ""
    line: int | None = None
    severity: Severity = "error"
    retry: bool = field(default=False)  # refused on circumstances: the same thing may be accepted later

    def __post_init__(self) -> None:
        for name in ("path", "expected", "got"):
            if len(value := getattr(self, name)) > MAX_FACT:
                object.__setattr__(self, name, value[: MAX_FACT - 1] + "…")

    def text(self, language: Language = "en") -> str:
        """The catalogue's sentence with this problem's facts."""
        return self.fault.sentence(language, {"path": self.path, "expected": self.expected, "got": self.got})

    def as_json(self, language: Language = "en") -> dict[str, Any]:
        """Stable keys for ``--json`` and ``error.json`` (docs/error.schema.json)."""
        return {
            "code": self.fault.code,
            "severity": self.severity,
            "path": self.path,
            "line": self.line,
            "expected": self.expected,
            "got": self.got,
            "text": self.text(language),
            "text_vi": self.text("vi"),
            "actor": self.fault.actor.value,
            "retry": self.retry,
            "todo": remedy(self.fault, language),
            "todo_vi": remedy(self.fault, "vi"),
        }


def capped(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """The first MAX_PROBLEMS findings, errors before warnings, and how many more there are: a packet can have a
    hundred thousand things wrong with it, and what is said of it is recorded, signed and answered."""
    if len(problems) <= MAX_PROBLEMS:
        return tuple(problems)
    ordered = sorted(problems, key=lambda p: p.severity != "error")
    more = len(problems) - MAX_PROBLEMS + 1
    rest = Problem(Fault.MORE_FINDINGS, got=str(more), severity="warning")
    return (*ordered[: MAX_PROBLEMS - 1], rest)


class AxisError(Exception):
    """Base of the four. Never raised itself. Carries one or more problems and an exit code."""

    exit_code: ClassVar[int] = 1

    def __init__(self, *problems: Problem) -> None:
        if type(self) is AxisError or not problems:
            msg = "raise one of the four subclasses, with at least one problem"
            raise TypeError(msg)
        self.problems = capped(problems)
        super().__init__("; ".join(p.text() for p in self.problems))

    @property
    def fault(self) -> Fault:
        """The first problem's fault."""
        return self.problems[0].fault


class Rejected(AxisError):
    """This document is at fault: record it, refuse it, do not try again."""

    exit_code = 3


class Unavailable(AxisError):
    """The world is at fault: try again later."""

    exit_code = 4


class Misconfigured(AxisError):
    """The operator must act before anything can go on."""

    exit_code = 5


class Corrupted(AxisError):
    """Evidence or storage disagrees with itself: stop loudly, touch nothing."""

    exit_code = 6


def unusable(path: object, error: OSError) -> Misconfigured:
    """A file or folder that the operator has to mend, with the system's word for what is wrong with it."""
    return Misconfigured(Problem(Fault.FILE_UNUSABLE, str(path), got=error.strerror or type(error).__name__))


def away(error: Exception) -> Unavailable:
    """An agency's own system, or its disk, is not to be had now: what Python says of it."""
    return Unavailable(Problem(Fault.ADAPTER_AWAY, got=f"{type(error).__name__}: {error}"[:300]))


def problems_of(steps: Iterable[Callable[[], object]]) -> list[Problem]:
    """What each of these meets, tried by itself."""
    found: list[Problem] = []
    for step in steps:
        try:
            step()
        except AxisError as error:
            found.extend(error.problems)
    return found


def rejected(
    fault: Fault, got: object = "", expected: object = "", path: str = "", line: int | None = None
) -> Rejected:
    """A :class:`Rejected` with one problem; saves a line at every check."""
    return Rejected(Problem(fault, path, str(expected), str(got), line))
