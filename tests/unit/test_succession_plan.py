"""Many changes of the registry in one version: all of them, or everything that is wrong with them, line by line."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from axis.core import registry as trust
from axis.core.instant import whole
from axis.core.registry import Member, Registry
from axis.core.succession_plan import plan, read
from axis.errors import Rejected
from axis.services.operate.provision import catalogue
from tests.pki import NOW

DATA = Path(__file__).parent.parent / "data" / "changes"
MIDNIGHT = NOW + timedelta(days=30)


@pytest.fixture
def registry() -> Registry:
    made = [Member(one["code"], one["name_vi"], one["name_en"], one["kind"]) for one in catalogue()]
    return Registry("x", 7, NOW, tuple(sorted(made, key=lambda one: one.code)))


def table(*rows: str) -> bytes:
    return "\n".join(("change,code,successor,name_vi,name_en,kind,alias", *rows)).encode()


def faults(registry: Registry, *rows: str, at: object = None) -> list[tuple[str, str]]:
    with pytest.raises(Rejected) as caught:
        plan(registry, read(table(*rows)), at or MIDNIGHT, NOW)  # type: ignore[arg-type]
    return [(one.path, one.fault.code) for one in caught.value.problems]


def members(registry: Registry, group: str, at: object) -> int:
    return sum(one.belongs_to(group) and one.standing(at) != "closed" for one in registry.agencies)  # type: ignore[arg-type]


def test_63_provinces_become_34_at_midnight_in_one_version(registry: Registry) -> None:
    made = plan(registry, read((DATA / "provinces.csv").read_bytes()), MIDNIGHT, NOW)
    assert made.version == 8
    assert [members(made, "@provinces", MIDNIGHT - timedelta(seconds=1)), members(made, "@provinces", MIDNIGHT)] == [
        63,
        34,
    ]
    closed = [one for one in made.agencies if one.standing(MIDNIGHT) == "closed"]
    assert len(closed) == 29
    assert all(made.by_code[made.open_successor(one.code, MIDNIGHT)].standing(MIDNIGHT) == "active" for one in closed)
    assert trust.read(trust.write(made)) == made, "as every adapter of before reads it"


def test_ministries_are_merged_and_renamed(registry: Registry) -> None:
    made = plan(registry, read((DATA / "ministries.csv").read_bytes()), NOW, NOW)
    assert made.by_code["G10"].name_vi == "Bộ Nông nghiệp và Môi trường"
    assert made.by_code["G21"].kind == "ministry"
    assert members(registry, "@ministries", NOW) - members(made, "@ministries", NOW) == 5
    assert made.open_successor("G05", NOW) == made.open_successor("G24", NOW) == "G12"


def test_the_same_table_once_more_changes_nothing(registry: Registry) -> None:
    rows = read((DATA / "provinces.csv").read_bytes())
    made = plan(registry, rows, MIDNIGHT, NOW)
    assert plan(made, rows, MIDNIGHT, NOW) is made


def test_a_new_agency_is_open_from_its_moment_and_has_no_certificate(registry: Registry) -> None:
    made = plan(
        registry, read(table("new,H99,,UBND tỉnh Mới,New Province,province,", "close,H01,H99,,,,")), MIDNIGHT, NOW
    )
    new = made.by_code["H99"]
    assert (new.standing(NOW), new.standing(MIDNIGHT), new.certificates) == ("closed", "active", ())
    assert new.valid_from == whole(MIDNIGHT)
    assert made.open_successor("H01", MIDNIGHT) == "H99"


def test_a_unit_goes_to_another_agency_by_an_alias(registry: Registry) -> None:
    made = plan(registry, read(table("alias,H29,,,,,H06.12")), NOW, NOW)
    assert (made.member_for("H06.12").code, made.member_for("H06.13").code) == ("H29", "H06")


def test_everything_wrong_is_told_at_once_with_its_line(registry: Registry) -> None:
    found = faults(
        registry,
        "close,H98,H01,,,,",
        "open,H01,,,,,",
        "close,H01,H97,,,,",
        "close,H02,H05,,,,",
        "close,H02,H03,,,,",
        "new,h 1,,X,,province,",
        "new,H01,,Another,,province,",
        "rename,H03,,X,,,",
        "alias,H04,,,,,no code",
        "close,H05,H02,,,,",
    )
    assert [int(line) for line, _ in found] == sorted(int(line) for line, _ in found), "in the order of the lines"
    assert {
        ("2", "AGENCY_UNKNOWN"),
        ("3", "TABLE_INVALID"),
        ("4", "AGENCY_UNKNOWN"),
        ("6", "TABLE_INVALID"),
        ("7", "PACKET_ORGAN"),
        ("8", "ALIAS_TAKEN"),
        ("9", "TABLE_INVALID"),
        ("10", "TABLE_INVALID"),
        ("5", "SUCCESSOR_CIRCLE"),
        ("11", "SUCCESSOR_CIRCLE"),
    } == set(found)


def test_an_alias_of_two_is_none(registry: Registry) -> None:
    assert faults(registry, "alias,H01,,,,,H06.1", "alias,H02,,,,,H06.1", "alias,H03,,,,,H04", at=NOW) == [
        ("3", "ALIAS_TAKEN"),
        ("4", "ALIAS_TAKEN"),
    ]


def test_a_chain_ends_at_somebody_who_is_there(registry: Registry) -> None:
    made = plan(registry, read(table("close,H01,H02,,,,", "close,H02,H03,,,,")), MIDNIGHT, NOW)
    assert made.open_successor("H01", MIDNIGHT) == "H03"
    assert faults(registry, "close,H01,H02,,,,", "close,H02,,,,,") == [("2", "AGENCY_CLOSED")]


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe",
        b"change,code,colour\n",
        b"code\nH01\n",
        b"change,code\nclose\n",
        b'change,code\n"close,H01',
        b"change,code\n\x00,a",
        b"change,code,code\nclose,H01,H02\n",
        b"change;code,successor\nclose;H01\n",
        "change,code\nrename,H01".encode("utf-16"),
        b"change,code,name_vi\nrename,H01,a\x1b[31mred\n",
        b"",
    ],
)
def test_what_is_no_such_table_is_refused_in_words(data: bytes, registry: Registry) -> None:
    with pytest.raises(Rejected) as caught:
        plan(registry, read(data), NOW, NOW)
    (problem,) = caught.value.problems
    assert problem.fault.code == "TABLE_INVALID"
    assert problem.path.isdecimal(), "the line"
    assert "codec" not in problem.text("vi")


def test_one_that_is_closed_stays_closed_since_when_it_is(registry: Registry) -> None:
    first = plan(registry, read(table("close,H01,H02,,,,")), NOW, NOW)
    later = NOW + timedelta(days=1)
    assert plan(first, read(table("close,H01,H02,,,,")), later, later) is first, "once more, at another moment"
    assert plan(first, read(table("close,H01,,,,,")), later, later) is first, "its successor is not forgotten"
    for at, successor in ((MIDNIGHT, "H02"), (later, "H03")):  # opened again until then; another successor
        with pytest.raises(Rejected) as caught:
            plan(first, read(table(f"close,H01,{successor},,,,")), at, later)
        (problem,) = caught.value.problems
        assert (problem.fault.code, problem.path, problem.got) == ("AGENCY_ENDED", "2", "H01")
    bare = plan(registry, read(table("close,H04,,,,,")), NOW, NOW)
    named = plan(bare, read(table("close,H04,H05,,,,")), later, later)
    assert (named.by_code["H04"].successor, named.by_code["H04"].valid_until) == ("H05", whole(NOW))
    moved = plan(
        plan(registry, read(table("close,H01,H02,,,,")), MIDNIGHT, NOW), read(table("close,H01,H03,,,,")), NOW, NOW
    )
    assert moved.by_code["H01"].successor == "H03", "what is to come may be changed"


def test_what_nobody_knows_is_said_before_what_holds_at_once(registry: Registry) -> None:
    found = faults(registry, "rename,Q1,,X,,,", "alias,Q2,,,,,H06.1", "rename,H01,,X,,,")
    assert found == [("2", "AGENCY_UNKNOWN"), ("3", "AGENCY_UNKNOWN"), ("4", "TABLE_INVALID")]


def test_a_table_is_taken_as_a_spreadsheet_with_vietnamese_settings_saves_it() -> None:
    saved = "\ufeffchange;code;successor;name_vi\r\nclose;H01;H02;\r\nrename;H03;;Sở A, B\r\n".encode()
    assert [(row.line, row.change, row.code, row.successor, row.name_vi) for row in read(saved)] == [
        (2, "close", "H01", "H02", ""),
        (3, "rename", "H03", "", "Sở A, B"),
    ]


def test_what_holds_at_once_is_given_the_day_of_viet_nam(registry: Registry) -> None:
    late = NOW.replace(hour=20)
    with pytest.raises(Rejected) as caught:
        plan(registry, read(table("rename,H01,,X,,,")), late + timedelta(days=3), late)
    (problem,) = caught.value.problems
    assert (problem.expected, problem.line) == (f"--at {late + timedelta(days=1):%Y-%m-%d}", 2)
