"""What was refused says at its agency's own desk why, and what helps: of what it has sent and of what has come to it."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from axis import cli, config, desks
from axis.adapters.folder import FolderAdapter
from axis.errors import Fault, Problem, Rejected
from axis.home import open_home
from tests.line import Line, document, recall, small_home, status, update
from tests.webdesk import desk_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from axis.adapters.base import LocalFile


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Line:
    """G22 has used no. 1 for two documents, updated no. 2, which was given back, and sent a packet without a day; the
    system of G06 does not take no. 3."""
    line = small_home(tmp_path_factory.mktemp("refused") / "home", codes=("G22", "H41", "G06"))
    prepare = FolderAdapter.prepare

    def some_refuse(self: FolderAdapter, files: Sequence[LocalFile]) -> None:
        if self.agency == "G06" and files[0].folder == "inbox":
            raise Rejected(Problem(Fault.DELIVERY_INVALID, got="no"))
        prepare(self, files)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FolderAdapter, "prepare", some_refuse)
        for dropped in (
            ("G22", document(1)),
            ("G22", document(2)),
            ("G22", document(3, to=("G06",))),
            ("G22", document(4, issued="2026/13/45")),
            ("G22", document(1, content=b"%PDF-1.4 khac")),
            ("G22", recall(2)),
            ("H41", status("15", 2)),
            ("G22", update(2)),
        ):
            line.drop(*dropped)
            line.run()
    return line


@pytest.fixture
def opened(line: Line) -> Iterator[desks.Desks]:
    with desks.opened(open_home(line.path)) as found:
        yield found


def test_each_says_why_with_its_code_and_what_helps(opened: desks.Desks, line: Line) -> None:
    browser = desk_of(opened, line, "G22")
    page = browser.get("/refusals").text
    for said in (
        "Số, ký hiệu này (DocumentId) đã gửi với nội dung khác",
        "Văn bản khác: số khác (DocumentId mới)",
        "Văn bản đã được yêu cầu thu hồi ở H41",
        "Gửi một văn bản mới, không sửa văn bản đã thu hồi",
        "PACKET_DATE",
    ):
        assert said in page, said
    assert "cùng DocumentId" not in page, "none of these can be sent again so"
    assert "giữ nguyên DocumentId" not in page
    wanted = {"DUP_CONFLICT", "DOCUMENT_RECALLED", "PACKET_DATE"}
    assert {row["code"] for row in csv.DictReader(io.StringIO(browser.get("/refusals.csv").text))} == wanted
    rows = json.loads(browser.get("/refusals.json").text)
    assert {row["code"] for row in rows} == wanted
    assert all(row["findings"][0]["todo_vi"] for row in rows)


def test_what_the_recipients_own_system_has_refused_is_no_refusal_of_the_hubs(opened: desks.Desks, line: Line) -> None:
    browser = desk_of(opened, line, "G06")
    (row,) = json.loads(browser.get("/refusals.json").text)
    assert (row["code"], row["cause"]) == ("DELIVERY_INVALID", "own.not_taken")
    for page in (browser.get("/refusals"), browser.get("/document", ref="3/TN-G22")):
        assert "(E.2)" in page.text
        assert "A.2" not in page.text
        assert "DELIVERY_INVALID" in page.text
    assert "hệ thống từ chối (E.2) 1" in browser.get("/status").text


def test_commands_in_its_own_home_give_the_same_advice(line: Line, tmp_path: Path) -> None:
    own = line.copy(tmp_path / "own")
    settings = config.load(own.path)
    installation = settings.installation._replace(role="agency", agencies=("G22",))
    own.configure(installation=installation, broker=settings.broker._replace(kind="amqp", url="amqp://x"))

    def told(*words: str) -> list[dict[str, Any]]:
        found = CliRunner().invoke(cli.main, [*words, "--home", str(own.path), "--json"])
        return [json.loads(one) for one in found.stdout.splitlines()]

    rows = [one for one in told("list", "--state", "trouble", "--kind", "all") if "code" in one]
    assert {one["findings"][0]["code"] for one in rows} == {"DUP_CONFLICT", "DOCUMENT_RECALLED", "PACKET_DATE"}
    (said,) = told("why", "4/TN-G22")
    assert [one["facts"]["reasons"] for one in said["why"]] == ["PACKET_DATE"]
    assert [one["code"] for one in said["findings"]] == ["PACKET_DATE"]


def test_who_looks_for_a_refused_document_at_the_hub_is_told_the_same(opened: desks.Desks, line: Line) -> None:
    line.drop("G22", update(9))
    line.run()
    page = desk_of(opened, line, "").get("/", q="9/TN-G22").text
    assert "DOCUMENT_UNKNOWN" in page
    assert "giữ nguyên DocumentId" in page
    found = CliRunner().invoke(cli.main, ["trace", "9/TN-G22", "--home", str(line.path)])
    assert "DOCUMENT_UNKNOWN" in found.stdout
    assert "→ The sender: " in found.stdout
