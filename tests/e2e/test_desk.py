"""The questions that come by telephone: each is answered by one command, in words that a page has in both languages, with
an answer that a program reads. One home has everything that may be asked about."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest
from click.testing import CliRunner, Result

from axis import cli, config
from axis.adapters.folder import FolderAdapter
from axis.core.instant import from_text
from axis.errors import Fault, Problem, Rejected
from axis.infra import embedded
from axis.services.hub import admit
from tests import pages
from tests.e2e.test_status import USAGE
from tests.line import Line, document, recall, small_home, status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from axis.adapters.base import LocalFile

Objects = list[dict[str, Any]]
DOCS = Path(__file__).parent.parent.parent / "docs"
MODULES = [
    name.stem
    for name in (Path(cli.__file__).parent / "commands").glob("*.py")
    if re.search(r"\b(LANG|now)\b", name.read_text("utf-8"))
]


@dataclass(frozen=True)
class Question:
    """What is asked, by which command, how that ends, and whether the answer is right. `own`: asked in the sender's own
    home, or at another moment than soon afterwards. The page is called after the name."""

    name: str
    command: str
    is_answered: Callable[[Objects], bool]
    code: int = 0
    own: bool = False
    at: str = ""  # asked at this moment


def causes(objects: Objects) -> dict[str, tuple[str, str]]:
    return {one["recipient"]: (one["cause"], one["actor"]) for one in objects[0]["why"]}


def documents(objects: Objects) -> list[str]:
    return [one["code"] for one in objects if "code" in one]


SUSPENDED = ("suspended", "operator")
QUESTIONS = [
    Question(
        "where", "trace 1/tn-g22", lambda o: o[0]["document"]["code"] == "1/TN-G22" and causes(o)["H41"] == SUSPENDED
    ),
    Question(
        "where_exactly",
        "trace 1/TN",
        lambda o: [row["code"] for row in o[0]["candidates"]] == ["1/TN-G22"] and "error" in o[1],
        code=3,
    ),
    Question(
        "why",
        "why 1/TN-G22 --to H41",
        lambda o: causes(o) == {"H41": SUSPENDED} and o[0]["why"][0]["facts"]["reason"] == "chuyển trụ sở",
    ),
    Question(
        "refused",
        "trace 55/TN-G22",
        lambda o: [r["code"] for r in o[0]["refused"][0]["reasons"]] == ["STATUS_UNKNOWN_DOCUMENT"] and len(o) == 1,
        code=3,
    ),
    Question(
        "refused_here",
        "trace 8/TN-G06",
        lambda o: (
            [(one["where"], one["reasons"][0]["code"]) for one in o[0]["elsewhere"]] == [("invalid", "PACKET_DATE")]
        ),
        code=3,
    ),
    Question(
        "put_aside",
        "trace 9/TN-G06",
        lambda o: [(one["where"], one["fault"]) for one in o[0]["elsewhere"]] == [("quarantine", "QUARANTINED")],
        code=3,
    ),
    Question(
        "not_collected",
        "trace 12/TN-G18",
        lambda o: [(one["where"], one["file"]) for one in o[0]["elsewhere"]] == [("outbox", "late.edxml")],
        code=3,
    ),
    Question(
        "stuck",
        "status --agencies",
        lambda o: (
            {(row["agency"], row["cause"]) for row in o[0]["causes"] if row["verdict"] != "good"}
            == {("H41", "suspended"), ("G06", "quarantine")}
            or {row["agency"] for row in o[0]["causes"]} >= {"H41", "G18"}
        ),
    ),
    Question(
        "stuck_documents",
        "list --state trouble",
        lambda o: documents(o) == ["1/TN-G22"] and o[0]["recipients"][0]["cause"] == "refused",
    ),
    Question(
        "silent",
        "status --agencies",
        lambda o: {one["code"] for one in o[0]["agencies"] if one["is_silent"]} == {"G18", "H29"},
    ),
    Question("yesterday", "list --from H41 --date yesterday", lambda o: documents(o) == ["7/TN-H41"]),
    Question(
        "figures",
        "report 2026-Q4 --by agency",
        lambda o: (
            {row["key"]: row["documents"] for row in o[0]["rows"] if row["documents"]} == {"G22": 5, "H41": 1}
            and o[0]["ratios"] == {"pooled": 1.0, "mean": 1.0, "agencies": 2}
        ),
    ),
    Question(
        "well",
        "doctor",
        lambda o: (
            {one["check"] for one in o if one["verdict"] == "warn"}
            == {"suspended", "quarantine", "dead_letters", "failed_files"}
        ),
    ),
    Question(
        "certificates",
        "agency list --expiring 30d",
        lambda o: len(o) == 5 and all(one["days_left"] == 13 for one in o),
        at="2031-11-09T03:00:00.000Z",
    ),
    Question(
        "who",
        "audit list --agency H41",
        lambda o: (
            [(one["user"], one["kind"], one["reason"], one["outcome"]) for one in o]
            == [("quantri", "agency suspend", "chuyển trụ sở", "done")]
        ),
    ),
    Question(
        "again",
        "resend --since 2026-11-01 --dry-run",
        lambda o: (
            [(one["document_id"].rpartition(",")[2], one["recipient"], one["cause"]) for one in o[:-1]]
            == [("1/TN-G22", "G18", "queued"), ("14/TN-G22", "G18", "queued")]
        ),
    ),
    Question(
        "dead_letters",
        "queue list --kind dead_letter",
        lambda o: [(one["sender"], one["agency"], one["cause"]) for one in o] == [("G22", "G18", "put_aside")],
    ),
    Question(
        "own_where",
        "trace 1/TN-G22",
        lambda o: (
            {name: cause for name, (cause, _) in causes(o).items()}
            == {"H29": "own.to.refused", "G06": "own.to.arrived", "G18": "own.to.queued", "H41": "own.to.leaving"}
        ),
        own=True,
    ),
    Question(
        "own_refused",
        "why 13/TN-G22",
        lambda o: (
            [one["cause"] for one in o[0]["why"]] == ["own.refused"] and o[0]["findings"][0]["code"] == "AGENCY_UNKNOWN"
        ),
        own=True,
    ),
]


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """Yesterday H41 sent one to G22. Today H41 is suspended; G22's circular no. 1: G06 has it, H29's system refuses it,
    H41 is suspended, G18 is away; no. 3 is taken back; no. 14 to G18 is a dead letter; a status about no. 55, which
    there is not, is refused by the hub; G06's no. 8 and G22's no. 13 by their adapters; G06's no. 9 breaks the hub, and
    G18's no. 12 lies in its outbox."""
    with pytest.MonkeyPatch.context() as patch:
        line = small_home(tmp_path_factory.mktemp("desk") / "home")
        prepare, judge = FolderAdapter.prepare, admit.admission.judge

        def some_refuse(self: FolderAdapter, files: Sequence[LocalFile]) -> None:
            if self.agency == "H29" and files[0].folder == "inbox":
                raise Rejected(Problem(Fault.DELIVERY_INVALID, got="no"))
            prepare(self, files)

        def broken(parcel: Any, *arguments: Any, **named: Any) -> Any:
            if b"poison" in parcel.content:
                raise RuntimeError
            return judge(parcel, *arguments, **named)

        class Then(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> datetime:
                return line.clock.now.astimezone(tz)

        patch.setattr(FolderAdapter, "prepare", some_refuse)
        patch.setattr(admit.admission, "judge", broken)
        patch.setattr("axis.services.operate.acts.datetime", Then)
        patch.setattr("axis.infra.acts.who", lambda: {"user": "quantri", "login": ""})
        speak(patch, "vi", line)
        line.drop("H41", document(7, sender="H41", to=("G22",), subject="Báo cáo quý III"), "own.edxml")
        line.run(patience=timedelta(minutes=1))
        line.clock.now += timedelta(days=1)
        assert run(line.path, "agency suspend H41 --reason 'chuyển trụ sở'").exit_code == 0
        for dropped in (
            [
                ("G22", document(1, to=("G06", "H29", "H41", "G18"), subject="Về việc nghỉ Tết Dương lịch")),
                ("G22", document(2, to=("G06",), priority=2, subject="Họp khẩn về phòng chống bão")),
                ("G22", document(3, to=("G06",), subject="Điều động cán bộ")),
                ("G22", document(21, to=("G06",)).replace(b"TN-G22", "QĐ-TTg".encode())),
                ("G22", document(13, to=("H98",), subject="Gửi nhầm mã")),
                ("G06", document(8, sender="G06", to=("G22",), issued="2026/13/45")),
                ("H29", status("03", 55, sender="H29")),
            ],
            [("G22", recall(3, to=("G06",)))],
            [("G06", document(9, sender="G06", to=("G22",), subject="poison"))],
            [("G22", document(14, to=("G18",), subject="Mời họp"))],
        ):
            line.clock.now += timedelta(minutes=1)
            for number, (sender, data) in enumerate(dropped):
                line.drop(sender, data, f"{line.clock.now:%M}-{number}.edxml")
            line.run(patience=timedelta(minutes=30), before=partial(_without, "G18"))
        with line.parts() as (hub, _), hub.store.database.begin() as connection:
            of_g18 = embedded.queue_message.c.queue.like("axis.to.G18%")
            last = connection.execute(embedded.queue_message.select().where(of_g18)).mappings().all()[-1]
            put_aside = embedded.queue_message.update().where(embedded.queue_message.c.id == last["id"])
            connection.execute(put_aside.values(queue="axis.dead"))
        line.drop("G18", document(12, sender="G18", to=("G22",)), "late.edxml")
        moment = (line.clock.now - timedelta(seconds=30)).timestamp()
        os.utime(line.folder("G18", "outbox") / "late.edxml", (moment, moment))
        line.clock.now += timedelta(minutes=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("axis.services.questions.gather.shutil.disk_usage", lambda _path: USAGE)
        patch.setattr("axis.infra.record.health.sqlite3.sqlite_version", "3.40.1")
        yield line


def _without(code: str, _hub: Any, agencies: list[Any]) -> None:
    agencies[:] = [one for one in agencies if one.code != code]


@pytest.fixture(scope="module")
def own(line: Line) -> Line:
    """G22's own home, as its operator sees it: the same journals, without the hub's record."""
    target = line.path.parent / "own"
    shutil.copytree(line.path, target)
    found, settings = Line(target), config.load(target)
    installation = settings.installation._replace(role="agency", agencies=("G22",))
    found.configure(installation=installation, broker=settings.broker._replace(kind="amqp", url="amqp://x"))
    return found


def speak(patch: pytest.MonkeyPatch, language: str, line: Line, at: str = "") -> None:
    """Every command speaks this language, and asks the line's clock what time it is."""
    for name in MODULES:
        module = import_module(f"axis.commands.{name}")
        for what, value in (("LANG", language), ("now", lambda: from_text(at) if at else line.clock.now)):
            if what in vars(module):
                patch.setattr(module, what, value)


def run(home: Path, command: str, *more: str) -> Result:
    return CliRunner().invoke(
        cli.main, [*shlex.split(command), *more, "--home", str(home)], prog_name="axis", catch_exceptions=False
    )


def masked(text: str) -> str:
    """Ids and digests are other ones in each run: each is told by a number of its own, as long as it is."""
    seen: dict[str, str] = {}

    def number(found: re.Match[str]) -> str:
        one = found[0]
        if one not in seen:
            told = str(len(seen) + 1)
            seen[one] = re.sub(r"[0-9a-f]", "0", one)[: -len(told)] + told
        return seen[one]

    text = re.sub(r"\bdead-[0-9a-f]{3,}", lambda found: "dead-" + "0" * (len(found[0]) - 5), text)
    return re.sub(r"\b(?=[0-9a-f-]*\d)[0-9a-f]{8}(?:[0-9a-f-]*[0-9a-f])?\b", number, text)


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("asked", QUESTIONS, ids=[one.name for one in QUESTIONS])
def test_each_question_is_answered_by_one_command(
    line: Line, own: Line, asked: Question, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    speak(monkeypatch, language, line, asked.at)
    home = own.path if asked.own else line.path
    done = run(home, asked.command)
    assert done.exit_code == asked.code, done.output
    pages.check(f"desk_{asked.name}", language, masked(done.stdout + done.stderr))
    if language == "vi":
        found = run(home, asked.command, "--json")
        assert found.exit_code == asked.code
        assert asked.is_answered([json.loads(one) for one in found.stdout.splitlines()]), found.stdout


def signature(command: str) -> tuple[str, ...]:
    """Which command it is, with the names of its options."""
    group: click.Command | None = cli.main
    found = []
    for word in shlex.split(command):
        if (
            isinstance(group, click.Group) and (group := group.get_command(click.Context(group), word)) is not None
        ) or word.startswith("--"):
            found.append(word)
    return tuple(found)


def test_the_page_of_faults_has_every_question_with_its_command() -> None:
    for language in ("vi", "en"):
        table = (DOCS / f"faults.{language}.md").read_text("utf-8").partition("|---|---|\n")[2].partition("\n\n")[0]
        listed = {signature(one) for one in re.findall(r"`axis ([^`]+)`", table)}
        assert listed == {signature(one.command) for one in QUESTIONS if not one.own}, language
        assert len(table.splitlines()) >= 12


# -- What a person types ------------------------------------------------------------------------------------------------


def candidates(done: Result) -> list[str]:
    assert done.exit_code == 3, done.output
    return [row["code"] for row in json.loads(done.stdout.splitlines()[0])["candidates"]]


@pytest.mark.parametrize("whose", ["the hub's record", "an agency's journal"])
def test_case_accents_and_barred_letters_do_not_matter(line: Line, own: Line, whose: str) -> None:
    ask = partial(run, line.path if whose == "the hub's record" else own.path)
    about = {
        json.loads(ask(command, "--json").stdout)["document"]["axis_id"]
        for command in ("trace 21/QĐ-TTg", "trace 21/qđ-ttg", "trace 21/QD-TTG", "why 21/Qð-ttg", "why ' 21/qđ-TTG '")
    }
    assert len(about) == 1
    assert candidates(ask("trace 'NGHI tet duong'", "--json")) == ["1/TN-G22"]
    assert candidates(ask("trace 'nghỉ tết dương lịch'", "--json")) == ["1/TN-G22"]
    assert candidates(ask("trace 21/QĐ", "--json")) == ["21/QĐ-TTg"]
    assert candidates(ask("trace 1/TN-G2", "--json")) == ["1/TN-G22"]
    found = json.loads(ask("trace 1/TN-G22", "--json").stdout)["document"]
    for typed in (found["axis_id"], found["axis_id"].upper(), found["content_digest"], found["content_digest"][:8]):
        assert json.loads(ask(f"trace {typed}", "--json").stdout)["document"]["code"] == "1/TN-G22"
    assert ask("trace 1/TN-G22 --from G22 --date 2026-11-24").exit_code == 0
    assert ask("trace 1/TN-G22 --from H41", "--json").exit_code == 3
    assert ask("trace 1/TN-G22 --date 2026-11-23", "--json").exit_code == 3
    assert ask("why 1/TN-G22 --to G22").exit_code == 2


def test_a_refused_number_is_found_in_small_letters_and_narrowed_like_any_other(line: Line) -> None:
    assert json.loads(run(line.path, "trace 55/tn-g22", "--json").stdout)["refused"][0]["sender"] == "H29"
    for name in ("12/tn-g18", "9/TN-g06", "8/tn-G06", "G06,2026/11/23,9/TN-G06"):
        (found,) = json.loads(run(line.path, f"trace {name}", "--json").stdout)["elsewhere"]
        assert found["sender"] in {"G18", "G06"}
        assert run(line.path, f"trace {name} --from G22", "--json").stdout.count("NOT_FOUND") == 1


def test_each_submission_about_a_document_is_a_time_line_of_its_own(
    line: Line, own: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    speak(monkeypatch, "en", line)
    for home in (line.path, own.path):
        value = json.loads(run(home, "trace 3/TN-G22", "--json").stdout)
        assert [one["kind"] for one in value["submissions"]] == ["new", "recall"]
        shown = run(home, "trace 3/TN-G22").stdout
        assert re.findall(r"^(\w+) of G22, ", shown, re.MULTILINE) == ["new", "recall"]


def test_a_document_is_followed_until_everybody_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = small_home(tmp_path / "home")
    line.drop("G22", document(1, to=("G06",)))
    line.without("G06")
    speak(monkeypatch, "en", line)
    monkeypatch.setattr("time.sleep", lambda _seconds: line.run())
    *first, last = [json.loads(one) for one in run(line.path, "trace 1/TN-G22 --follow", "--json").stdout.splitlines()]
    assert first[0]["deliveries"][0]["state"] == "QUEUED"
    events = [*first[1:], last]
    assert ("delivery.handed_over", "G06") in {(one["event"], one["recipient"]) for one in events}
    assert not {one["event"] for one in events} & {one["event"] for one in first[0]["events"]} - {"delivery.status"}
    shown = run(line.path, "trace 1/TN-G22 --follow").stdout
    assert shown.rstrip().splitlines()[-2].startswith("· The system of G06 has it")
