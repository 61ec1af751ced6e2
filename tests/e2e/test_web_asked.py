"""At its own desk an agency sees what it was asked about the documents that it has: recalls and updates, why, and what its
clerk has answered; on every page, and in what it takes out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from axis import cli, desks
from axis.home import open_home
from tests.line import Line, document, recall, small_home, status, update
from tests.webdesk import Browser, desk_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WHY = "Sai thẩm quyền <b>"


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Line:
    """H41 has no. 1, which was asked back, no. 2, which was updated, no. 3, which it has given back, and no. 4; no. 5 was
    taken back before it saw it. G06 has no. 1 and was not asked."""
    line = small_home(tmp_path_factory.mktemp("asked") / "home", codes=("G22", "H41", "G06"))
    for number in (1, 2, 3, 4):
        line.drop("G22", document(number, to=("H41", "G06") if number == 1 else ("H41",)), f"{number}.edxml")
    line.run()
    line.drop("G22", document(5, to=("H41",)), "5.edxml")
    line.without("H41")
    line.drop("G22", recall(5), "6.edxml")
    line.without("H41")
    line.drop("G22", recall(1, reason=WHY.replace("<", "&lt;")), "r.edxml")
    line.drop("G22", update(2), "u.edxml")
    line.drop("G22", recall(3, reason="Nhầm"), "r3.edxml")
    line.run()
    line.drop("H41", status("15", 3), "s.edxml")
    line.drop("H41", status("03", 4), "s4.edxml")
    line.run()
    return line


@pytest.fixture
def opened(line: Line) -> Iterator[desks.Desks]:
    with desks.opened(open_home(line.path)) as found:
        yield found


def rows(browser: Browser, page: str, **fields: object) -> dict[tuple[str, str], dict[str, Any]]:
    found = json.loads(browser.get(f"{page}.json", **fields).text)["documents"]
    return {(row["code"], row["kind"]): row for row in found}


def causes(browser: Browser, reference: str) -> dict[str, tuple[str, str]]:
    value = json.loads(browser.get("/document.json", ref=reference).text)
    return {one["recipient"]: (one["cause"], one["actor"]) for one in value["why"]}


def test_its_document_says_that_it_is_asked_back_why_and_who_has_to_answer(opened: desks.Desks, line: Line) -> None:
    h41 = desk_of(opened, line, "H41")
    assert causes(h41, "1/TN-G22") == {"H41": ("own.recall_asked", "recipient")}
    assert causes(h41, "2/TN-G22") == {"H41": ("own.update_asked", "recipient")}
    assert causes(h41, "3/TN-G22") == {"H41": ("own.given_back", "nobody")}
    assert causes(h41, "4/TN-G22") == {"H41": ("own.reported", "nobody")}
    page = h41.get("/document", ref="1/TN-G22").text
    assert "H41 đã có; G22 yêu cầu thu hồi lúc" in page
    assert "đồng ý (15) hoặc từ chối (16)" in page
    assert "chờ nơi nhận trả lời" in page
    assert page.count("Sai thẩm quyền &lt;b&gt;") == 2, "in the sentence and in the table of what was asked"
    assert "văn bản mới của H41" not in page
    assert "thu hồi của G22" in page
    value = json.loads(h41.get("/document.json", ref="2/TN-G22").text)
    assert [(one["kind"], one["reason"], one["units"][0]["stage"]) for one in value["changes"]] == [
        ("update", "Sửa", "OPEN")
    ]
    assert causes(desk_of(opened, line, "G06"), "1/TN-G22") == {"G06": ("own.handed_over", "nobody")}, "not asked"


def test_its_inbox_has_recalls_and_updates_and_each_is_read(opened: desks.Desks, line: Line) -> None:
    h41 = desk_of(opened, line, "H41")
    found = rows(h41, "/inbox")
    assert set(found) == {
        *((f"{number}/TN-G22", "new") for number in (1, 2, 3, 4)),
        *(("1/TN-G22", "recall"), ("2/TN-G22", "update"), ("3/TN-G22", "recall")),
    }
    assert found["1/TN-G22", "recall"]["recipients"][0]["cause"] == "own.recall_asked"
    assert found["1/TN-G22", "new"]["recipients"][0]["cause"] == "own.recall_asked"
    assert found["3/TN-G22", "recall"]["recipients"][0]["cause"] == "own.given_back"
    assert found["4/TN-G22", "new"]["recipients"][0]["cause"] == "own.handed_over"
    assert set(rows(h41, "/inbox", kind="recall")) == {("1/TN-G22", "recall"), ("3/TN-G22", "recall")}
    assert h41.get("/inbox", kind="status").status == 400
    text = h41.get("/inbox").text
    assert text.count("[thu hồi]") == 2
    assert text.count("[cập nhật]") == 1
    asked_back = h41.get("/letter", ref=found["1/TN-G22", "recall"]["axis_id"])
    assert asked_back.status == 200
    assert "[thu hồi]" in asked_back.text
    assert "Sai thẩm quyền &lt;b&gt;" in asked_back.text
    assert "Sửa" in h41.get("/letter", ref=found["2/TN-G22", "update"]["axis_id"]).text
    whole = h41.get("/letter", ref=found["1/TN-G22", "new"]["axis_id"]).text
    assert "Yêu cầu thu hồi của G22" in whole
    assert found["1/TN-G22", "recall"]["axis_id"] in whole, "a link to it"
    for row in found.values():
        assert desk_of(opened, line, "G06").get("/letter", ref=row["axis_id"]).status == (
            200 if row["code"] == "1/TN-G22" and row["kind"] == "new" else 404
        )


def test_a_recall_that_nobody_has_answered_is_something_to_look_at(opened: desks.Desks, line: Line) -> None:
    def waits(code: str) -> list[tuple[str, str, int]]:
        value = json.loads(desk_of(opened, line, code).get("/status.json").text)
        return [(one["cause"], one["actor"], one["count"]) for one in value["causes"] if one["verdict"] == "warn"]

    assert waits("H41") == [("own.recall_asked", "recipient", 1)]
    assert waits("G06") == []
    assert "Không có việc nào cần xem" not in desk_of(opened, line, "H41").get("/status").text


def run(line: Line, *words: str | Path) -> str:
    found = CliRunner().invoke(cli.main, [*map(str, words), "--home", str(line.path)])
    assert found.exit_code == 0, found.output
    return found.stdout


def test_what_is_taken_out_and_what_commands_say_tell_of_it_too(line: Line, tmp_path: Path) -> None:
    run(line, "inbox", "1/TN-G22", "--as", "H41", "-o", tmp_path / "1")
    page = (tmp_path / "1" / "thong-tin.html").read_text("utf-8")
    assert "Yêu cầu thu hồi của G22" in page
    assert "Sai thẩm quyền &lt;b&gt;" in page
    run(line, "inbox", "4/TN-G22", "--as", "H41", "-o", tmp_path / "4")
    assert "Sau đó" not in (tmp_path / "4" / "thong-tin.html").read_text("utf-8")
    said = run(line, "why", "1/TN-G22")
    assert "its sender asks for it back" in said
    assert "Sai thẩm quyền <b>" in said
    assert "Sửa" in run(line, "why", "2/TN-G22")
    assert "Reason given" not in run(line, "why", "4/TN-G22")
    listed = run(line, "inbox", "--as", "H41")
    assert listed.count("recall unanswered") == 2
    (change,) = json.loads(run(line, "trace", "1/TN-G22", "--json"))["changes"]
    assert (change["reason"], change["units"][0]["reason"]) == (WHY, "")
