"""What commands say: the one place where text goes to a terminal, a pipe or a file; and their exit codes.

Whatever an agency, a file or a server wrote is shown and never obeyed: control characters are escaped here, for every
command. A terminal that is not UTF-8 gets what it can show, never an error. stdout is data, stderr is for people.
"""

from __future__ import annotations

import codecs
import contextlib
import errno
import io
import json
import os
import re
import shutil
import sys
import unicodedata
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axis.core import saying
from axis.core.saying import plain as plain  # noqa: PLC0414  commands know it from here
from axis.errors import AxisError, Fault, Problem, unusable
from axis.remedies import SAID, remedy
from axis.texts import language, text

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence

    from axis.errors import Language

LANG: Language = language()
# Exit codes. 2 is click's for wrong usage; the rest by the class of the error (axis/errors.py).
DONE, UNEXPECTED, USAGE, REFUSED, UNAVAILABLE, MISCONFIGURED, CORRUPTED = range(7)
INCIDENTS = "incidents"  # the folder in a home where traces of our own bugs are kept
KEPT, LARGEST = 20, 256 * 1024  # of those files, and bytes of each
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS}
_TYPED = {Fault.AGENCY_UNKNOWN, Fault.PACKET_ORGAN}
_GAP = 2  # columns between two cells of a table
_GAPS = re.compile(r"( +)")
_ALIKE = str.maketrans("đĐ«»“”‘’–—…→", 'dD""""\'\'--.>')


def fit_the_terminal() -> None:
    """From here on stdout and stderr show what their encoding cannot as nearly as it can: ``ế`` as ``ê`` or ``e``."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            handler = f"axis.near.{stream.encoding}"  # the error itself may say "charmap" for any table
            codecs.register_error(handler, partial(_near, stream.encoding))
            stream.reconfigure(errors=handler)


def _near(encoding: str, error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    wanted = error.object[error.start : error.end]
    return "".join(_nearest(character, encoding) for character in wanted), error.end


def _nearest(character: str, encoding: str) -> str:
    """`character` in what `encoding` has: with as many of its marks as it knows, a letter like it, or escaped."""
    pieces = unicodedata.normalize("NFD", character.translate(_ALIKE))
    base, marks = pieces[0], pieces[1:]
    found = base if _has(encoding, base) else ascii(base)[1:-1]
    # First the mark that makes a letter of this encoding: of ậ the circumflex (â), then the dot.
    for mark in sorted(marks, key=lambda one: not _has(encoding, unicodedata.normalize("NFC", base + one))):
        together = unicodedata.normalize("NFC", found + mark)
        if _has(encoding, together):
            found = together
        elif _has(encoding, mark):
            found += mark
    return found


def _has(encoding: str, characters: str) -> bool:
    try:
        characters.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def say(value: object = "", *, err: bool = False) -> None:
    """A text of one or several lines, to stdout or stderr, each as :func:`plain` makes it."""
    click.echo("\n".join(plain(line) for line in str(value).expandtabs().split("\n")), err=err)


def word(key: str, /, **facts: Any) -> str:
    """See :func:`axis.core.saying.word`, in the language that this process speaks; so the next ones."""
    return saying.word(key, LANG, **facts)


def note(key: str, /, **facts: Any) -> None:
    """The text of `key` on stderr, for people."""
    say(word(key, **facts), err=True)


def local(moment: str | None) -> str:
    """See :func:`axis.core.saying.local`."""
    return saying.local(moment, LANG)


def label(group: str, name: str) -> str:
    """See :func:`axis.core.saying.label`."""
    return saying.label(group, name, LANG)


def fields(value: Mapping[str, Any]) -> None:
    """An object for people: a line for each of its values, with what it is called."""
    for key, entry in value.items():
        for one in entry if isinstance(entry, list) else [entry]:
            shown = facts(one) if isinstance(one, dict) else shown_value(key, one)
            if shown:
                say(f"{label('field', key)}: {plain(shown)}")


def facts(detail: Mapping[str, Any]) -> str:
    """See :func:`axis.core.saying.facts`."""
    return saying.facts(detail, LANG)


def shown_value(key: str, value: Any) -> str:
    """See :func:`axis.core.saying.shown_value`."""
    return saying.shown_value(key, value, LANG)


def data(value: object) -> None:
    """One line of JSON on stdout; in ASCII where the terminal is not UTF-8, so that nothing is changed."""
    encoding = codecs.lookup(getattr(sys.stdout, "encoding", None) or "utf-8").name
    click.echo(json.dumps(value, ensure_ascii=encoding != "utf-8"))


def raw(value: str) -> None:
    """A text in a machine's format on stdout, as it is: whoever made it has quoted what it holds."""
    click.echo(value, nl=False)


def several(codes: Sequence[str], most: int = 10) -> str:
    """So many of these, and whether there are more."""
    return ", ".join([*codes[:most], *(["…"] if len(codes) > most else [])])


def room() -> int:
    """The columns of the terminal; 0 where stdout is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0


def cut(value: str, width: int) -> str:
    """`value` in at most `width` columns, with a … where something is left out."""
    if columns_of(value) <= width:
        return value
    kept, left = "", width - 1
    for character in value:
        left -= _columns(character)
        if left < 0:
            break
        kept += character
    return kept.rstrip() + "…"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Container[int] = ()) -> None:
    """A table on stdout: a row is a line, or several where the terminal is too narrow. In a pipe or a file a row is
    always one line, so that grep finds the whole of it. `right`: columns of numbers, which end at the right."""
    cells = [[*map(plain, row)] for row in rows]
    every = [[*columns], *cells]
    widths = [max(columns_of(row[at]) for row in every) for at in range(len(columns))]
    wide = room() or sum(widths) + _GAP * len(columns)
    left = wide - _GAP * (len(columns) - 1)
    while sum(widths) > left and max(widths) > 1:  # the widest gives way, down to the next one
        widest = max(widths)
        many, next_one = widths.count(widest), max((width for width in widths if width < widest), default=1)
        least = max(next_one, widest - -(-(sum(widths) - left) // many), 1)
        widths = [min(width, least) for width in widths]
    for number, row in enumerate(every):
        folded = [_fold(cell, width) for cell, width in zip(row, widths, strict=True)]
        for at in range(max(map(len, folded))):
            parts = [lines[at] if at < len(lines) else "" for lines in folded]
            gaps = [" " * (width - columns_of(part)) for part, width in zip(parts, widths, strict=True)]
            both = enumerate(zip(parts, gaps, strict=True))
            shown = [gap + part if at in right else part + gap for at, (part, gap) in both]
            line = (" " * _GAP).join(shown).rstrip()
            click.echo(click.style(line, bold=True) if number == 0 and not os.environ.get("NO_COLOR") else line)


def columns_of(text: str) -> int:
    """The columns of a terminal that `text` takes."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def _fold(cell: str, width: int) -> list[str]:
    """`cell` in lines of at most this width, between words where that is possible."""
    if columns_of(cell) <= width:
        return [cell]
    lines = [""]
    for word_or_gap in _GAPS.split(cell):
        if columns_of(lines[-1] + word_or_gap) <= width:
            lines[-1] += word_or_gap
        elif not word_or_gap.isspace():
            lines.append("")
            for character in word_or_gap:
                if lines[-1] and columns_of(lines[-1]) + _columns(character) > width:
                    lines.append("")
                lines[-1] += character
    return [line.rstrip() for line in lines if line.strip()]


def findings(problems: Sequence[Problem]) -> None:
    """A table of what is wrong with a packet."""
    rows = [(p.fault.code, word(p.severity), plain(p.path), str(p.line or ""), plain(p.text(LANG))) for p in problems]
    columns = ["Code" if LANG == "en" else "Mã", *(word(f"column.{c}") for c in ("severity", "path", "line", "text"))]
    table(columns, rows)


@contextmanager
def bar(title: str, total: int, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A progress bar on a terminal; nothing when piped, or with --json."""
    if quiet or not sys.stderr.isatty():
        yield lambda _done: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task(title, total=total)
        yield lambda done: progress.update(task, completed=done)


def show_error(
    error: AxisError,
    language: Language,
    *,
    as_json: bool,
    near: Mapping[str, Sequence[tuple[str, str]]] | None = None,
) -> None:
    """Each problem with its code, its sentence, who acts, what there is to do; `near`: by an unknown code the (code,
    name) of agencies that may have been meant."""
    near = near or {}
    if as_json:
        codes = dict.fromkeys(code for found in near.values() for code, _ in found)
        meant = {"did_you_mean": list(codes)} if codes else {}
        data({"error": [problem.as_json(language) for problem in error.problems], **meant})
        return
    every = error.problems
    for at, said in saying.together([(one.fault.code, one.text(language), "") for one in every]):
        fault = every[at[0]].fault
        places = [place for place in dict.fromkeys(_place(every[one], language) for one in at) if place]
        # A code that is nobody's was typed by whoever is asking: no document is at fault.
        typed = fault in _TYPED and all(every[one].path == "" or every[one].line for one in at)
        acts = text("acts.typed" if typed else f"acts.{fault.actor.value}", language)
        where = f" {plain(', '.join(places))}" if places else ""
        say(f"{fault.code}{where}: {plain(said)} [{acts}]", err=True)
        if fault not in SAID:
            say(f"  → {remedy(fault, language)}", err=True)
    suggest(near)


def _place(problem: Problem, language: Language) -> str:
    """Where it is, unless its sentence says so."""
    if "{path}" in problem.fault.value[2]:
        return ""
    if problem.line is not None and problem.path == str(problem.line):
        return text("at.line", language, line=str(problem.line))
    return problem.path


def suggest(near: Mapping[str, Sequence[tuple[str, str]]]) -> None:
    """Which agencies may have been meant, by what was written."""
    for got, found in near.items():
        names = ", ".join(f"{code} ({name})" for code, name in found)
        note("agency.near", got=got, names=names)


def trouble(error: OSError) -> AxisError | None:
    """What an error of the system means to the operator: the file that cannot be used, or stdout that is full. None for
    what is no file's trouble."""
    if error.filename is not None:
        return unusable(os.fsdecode(error.filename), error)
    return unusable("stdout", error) if error.errno in _FULL else None


def give_up_stdout() -> None:
    """Nobody reads it, or it is full: what is still in its buffer goes nowhere, in silence."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Ended(SystemExit):
    """A command ends that has said itself what is wrong, by these codes: they are noted with what it did."""

    def __init__(self, status: int, codes: Iterable[str] = ()) -> None:
        super().__init__(status)
        self.codes = tuple(dict.fromkeys(codes))


def show_crash(error: Exception, home: Path | None, language: Language, *, as_json: bool) -> None:
    """Our own bug: its trace goes into a file, and the file is named."""
    import uuid

    incident = uuid.uuid4().hex[:12]
    log = _keep_trace(error, incident, home)
    if as_json:
        said = Problem(Fault.INTERNAL, got=incident).as_json(language)
        data({"error": [{**said, "incident": incident, "log": str(log)}]})
    say(text("crash", language, incident=incident, log=log), err=True)


def _keep_trace(error: Exception, incident: str, home: Path | None) -> Path:
    import tempfile
    import traceback

    trace = "".join(traceback.format_exception(error)).encode(errors="backslashreplace")[-LARGEST:]
    places = [Path(tempfile.gettempdir())]
    if home is not None and home.is_dir():
        places.insert(0, home / INCIDENTS)
    for place in places:
        log = place / f"axis-{incident}.log"
        with contextlib.suppress(OSError):
            place.mkdir(mode=0o700, exist_ok=True)
            with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
                handle.write(trace)
            if place.name == INCIDENTS:
                _drop_oldest(place)
            return log
    return Path(os.devnull)


def _drop_oldest(place: Path) -> None:
    found = sorted(place.glob("axis-*.log"), key=lambda path: path.stat().st_mtime)
    for path in found[:-KEPT]:
        path.unlink(missing_ok=True)
