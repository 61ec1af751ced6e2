"""What people read is written as their language writes it; what machines read stays as it is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from string import Formatter

import pytest
from lxml import etree

from axis import spoken, texts
from axis.commands import console
from axis.core import saying, xml
from axis.errors import Fault, Problem, Rejected

SIZES = Problem(Fault.XML_TOO_BIG, expected="57671680", got="70000000")


def test_sizes_are_said_in_megabytes_and_kept_in_bytes() -> None:
    assert SIZES.text("vi") == "Tệp quá lớn: 66,8 MB, tối đa 55 MB."
    assert SIZES.text("en") == "Too big: 66.8 MB, at most 55 MB."
    assert (SIZES.as_json()["got"], SIZES.as_json()["expected"]) == ("70000000", "57671680")
    assert "9 entries" in Problem(Fault.PARCEL_LIMIT, got="9 entries", expected="5").text("en")
    assert Problem(Fault.PACKET_VALUE, got="123456", expected="x").text("vi").startswith("Giá trị «123456»")
    assert [spoken.size(n, vietnamese=True) for n in (0, 1023, 2048, 5 << 20)] == [
        "0 byte",
        "1023 byte",
        "2 KB",
        "5 MB",
    ]


@pytest.mark.parametrize(
    ("name", "said"),
    [("Subject", "trích yếu (Subject)"), ("To", "nơi nhận (To)"), ("CodeNumber", "số văn bản (CodeNumber)")],
)
def test_a_clerk_reads_the_vietnamese_name_of_what_is_missing(name: str, said: str) -> None:
    assert Problem(Fault.PACKET_MISSING, expected=name).text("vi") == f"Thiếu {said}."
    assert Problem(Fault.PACKET_MISSING, expected=name).text("en") == f"{name} is missing."
    repeated = Problem(Fault.PACKET_REPEATED, got=name).text("vi")
    assert repeated == f"{said[0].upper()}{said[1:]} xuất hiện nhiều lần."


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"%PDF-1.7\n%\xe2\xe3", "PDF"),
        (b"PK\x03\x04", "DOCX, XLSX, ZIP"),
        (b"\xd0\xcf\x11\xe0\xa1", "DOC, XLS"),
        (b"{\\rtf1", "RTF"),
        (b"\xff\xd8\xff\xe0", "JPEG"),
    ],
)
def test_a_file_of_another_kind_is_called_by_its_name(data: bytes, kind: str) -> None:
    with pytest.raises(Rejected) as refused:
        xml.parse(data)
    assert refused.value.problems[0].text("vi") == f"Đây không phải gói edXML (có vẻ là {kind})."


@pytest.mark.parametrize(
    "data",
    [
        *(
            b"",
            b"text",
            b"<a><b></a>",
            b"<a>",
            b"<a",
            b"<a b></a>",
            b"<a b=c/>",
            b"<a b='1' b='2'/>",
            b"<a>&nobody;</a>",
        ),
        *(b"<a>& </a>", b"<a>&b</a>", b"<a/><b/>", b"<p:a/>", b"<a p:b='1'/>", b"<a>\x0b</a>", b"<a>&#0;</a>"),
        *(b"<a>]]></a>", b"<a b='<'/>", b"<a><!-- </a>", b"<a><![CDATA[ </a>", b"<1/>", b" <?xml version='1.0'?><a/>"),
    ],
)
def test_what_libxml2_says_is_said_in_vietnamese(data: bytes) -> None:
    with pytest.raises(etree.XMLSyntaxError) as error:
        etree.fromstring(data)
    sentence = str(error.value.msg)
    said = Problem(Fault.XML_SYNTAX, got=sentence).text("vi")
    assert sentence not in said, f"in English: {sentence}"
    assert said != "XML sai cú pháp: ?."


def test_numbers_and_days_are_written_as_the_language_does_and_times_keep_their_offset() -> None:
    assert texts.text("queue.count", "vi", count=1234567) == "1.234.567 mục."
    assert texts.text("queue.count", "en", count=1234567) == "1,234,567 in all."
    assert texts.text("doctor.calendar.found", "vi", year=2026).endswith("năm 2026")
    assert texts.percent(0.125, "vi") == "12,5 %"
    assert texts.moment("2026-11-26 10:00:00 +07:00", "vi") == "26/11/2026 10:00:00 +07:00"
    ended = Problem(Fault.AGENCY_ENDED, got="H22", expected="2026-11-27 01:43")
    assert "27/11/2026 01:43 (giờ Việt Nam)" in ended.text("vi")
    assert "2026-11-27 01:43 (Viet Nam time)" in ended.text("en")
    assert texts.moment("2026-11-26 10:00:00 +07:00", "en") == "2026-11-26 10:00:00 +07:00"


def test_each_name_of_a_value_has_both_languages() -> None:
    for key, (vi, en) in texts.TEXTS.items():
        if key.startswith(("field.", "kind.", "use.", "outcome.", "action.")):
            assert vi and en, key  # noqa: PT018


def test_every_text_can_be_filled_whatever_its_facts_are_called() -> None:
    """A fact called as a parameter of what fills it was an unexpected error."""
    for key, both in texts.TEXTS.items():
        named = {name.split(".")[0].split("[")[0] for one in both for _, name, _, _ in Formatter().parse(one) if name}
        facts: dict[str, object] = dict.fromkeys(named | {"key", "lang"}, 1)
        assert console.word(key, **facts) == saying.word(key, console.LANG, **facts)
        assert texts.text(key, "en", **facts)


# A command in a text, as far as it can be told from the words around it.
_WORD = r"(?:--?[a-z-]+|\{\w+(?::\w+)?\}|[A-Z][\w./:-]*|\"[^\"]*\"|[\w./…-]+)"
_COMMAND = re.compile(rf"(?:axis [a-z-]+|unzip -p|(?:thêm|add) --\w+)(?: {_WORD})*")
# What is put in as several words, quoted where it is made; what is no command; agencies by number.
_AS_THEY_ARE = {"{which}", "{axis_id}", "{codes}", "{manual}"}


def test_what_is_put_into_a_command_is_put_in_as_a_shell_reads_it() -> None:
    every = [("", one) for fault in Fault for one in fault.value[1:]]
    every += [(key, one) for key, both in texts.TEXTS.items() for one in both]
    for key, said in every:
        for command in _COMMAND.findall(said):
            bare = set(re.findall(r"\{\w+\}", command)) - _AS_THEY_ARE
            assert not bare, f"{key}: {command}"
    facts = {"reference": "abc/a/b c", "home": "Dữ liệu/H"}
    for lang in ("vi", "en"):
        said = texts.text("write.next", "vi" if lang == "vi" else "en", **facts)
        assert shlex.split(said.partition("axis ")[2]) == ["trace", "abc/a/b c", "--home", "Dữ liệu/H"]
    lost = Problem(Fault.HOME_MISSING, got="a b").text("vi")
    assert "axis init --home 'a b'" in lost


def test_what_says_the_same_of_several_is_said_once() -> None:
    recalled = [("DOCUMENT_RECALLED", f"Văn bản đã được yêu cầu thu hồi ở {one}.", "x") for one in ("H01", "H29.4")]
    other = ("PACKET_MISSING", "Thiếu trích yếu (Subject).", "y")
    assert saying.together([recalled[0], other, recalled[1]]) == [
        ([0, 2], "Văn bản đã được yêu cầu thu hồi ở H01, H29.4."),
        ([1], "Thiếu trích yếu (Subject)."),
    ]
    unlike = [("PACKET_VALUE", "Giá trị a, cần b.", ""), ("PACKET_VALUE", "Giá trị c, cần d.", "")]
    assert [said for _, said in saying.together(unlike)] == [one[1] for one in unlike]
    assert saying.together([]) == []


def test_many_problems_of_one_kind_are_one_line_each_with_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    unknown = [Problem(Fault.AGENCY_UNKNOWN, str(n), got=f"Q{n}", line=n) for n in (2, 5)]
    console.show_error(Rejected(*unknown), "vi", as_json=False, near={"Q2": [("G22", "Văn phòng Chính phủ")]})
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "AGENCY_UNKNOWN dòng 2, dòng 5: Cơ quan «Q2, Q5» không có trong danh bạ. [người gõ lệnh sửa]"
    assert "Q2" in said[2]
    assert "G22 (Văn phòng Chính phủ)" in said[2]
    parcel = Problem(Fault.AGENCY_UNKNOWN, "From/OrganId", got="Q1")
    console.show_error(Rejected(parcel), "vi", as_json=False)
    assert capsys.readouterr().err.splitlines()[0].endswith("[nơi gửi xử lý]")


def test_a_report_without_a_median_or_a_ratio_says_no_empty_words() -> None:
    leg = {"ratio": 0.5, "median_s": None}
    value = {
        "total": {"documents": 1, "handed_over": 1, "rejected": 0, "legs": {"reception": leg, "processing": leg}},
        "ratios": {"pooled": None, "mean": None, "agencies": 0},
        "change": {key: {"share": None} for key in ("documents", "handed_over")},
        "before": {"documents": 0, "handed_over": 0},
    }
    said = saying.report_sentences(value, "vi")
    assert said[-2:] == ["Tiếp nhận (03 hoặc 02): 50,0 % đúng hạn.", "Xử lý xong (06): 50,0 % đúng hạn."]
    assert not [one for one in said if "  " in one or ": ," in one or " ." in one]


@pytest.mark.parametrize(
    ("code", "got", "said"),
    [
        ("PACKET_ATTACHMENTS", "'rong.pdf' is empty", "tệp «rong.pdf» rỗng"),
        ("PACKET_ATTACHMENTS", "no attachment for '1'", "mục «1» không có tệp đính kèm"),
        (
            "PACKET_ATTACHMENTS",
            "'a' in the manifest is 'b' in the attachment",
            "danh mục ghi «a», tệp đính kèm ghi «b»",
        ),
        ("PACKET_ATTACHMENTS", "'{0}' is empty", "tệp «{0}» rỗng"),
        ("PACKET_NOT_CANONICAL", "byte 17", "byte thứ 17"),
    ],
)
def test_what_is_wrong_with_attachments_is_said_in_vietnamese(code: str, got: str, said: str) -> None:
    problem = Problem(Fault[code], got=got)
    assert problem.text("vi").endswith(f": {said}.")
    assert problem.text("en").endswith(f": {got}.")


def test_every_phrase_about_attachments_has_its_vietnamese() -> None:
    source = (Path(__file__).parents[2] / "axis/core/edxml/attachments.py").read_text("utf-8")
    written = re.findall(r"_unpaired\(f?\"([^\"]+)\"", source) + re.findall(r"BadZipFile\(f?\"([^\"]+)\"", source)
    assert len(written) > 7
    for one in written:
        got = re.sub(r"\{[^}]*\}", "1", one)
        for fault in ("PACKET_ATTACHMENTS", "ATT_ARCHIVE"):
            assert spoken.facts(fault, {"got": got}, vietnamese=True)["got"] != got, one
