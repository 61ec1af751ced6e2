"""A short form of the night of 30 June 2025 (tests/failure/night.py), of a few agencies, and its tables."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from axis import bootstrap, cli
from axis.core import succession_plan
from axis.core.hub import succession
from axis.home import open_home, reading_registry
from axis.services.operate import registry as members
from axis.services.send import expand
from tests.failure.night import PROVINCES, TABLES, Night, run, table
from tests.line import Line, document, small_home

if TYPE_CHECKING:
    from axis.core.hub.dossier import Delivery
    from axis.core.hub.draft import Draft

SHORT = ("G22", "H22", "H60", "H09", "H29", "G05", "G12")  # three that close, and who follows them
TABLE = TABLES / "provinces.csv"
pytestmark = pytest.mark.timeout(600)


def content(number: int) -> bytes:
    return b"%%PDF circular %d" % number


def circular(line: Line, number: int, to: tuple[str, ...], sender: str = "G22") -> None:
    line.drop(sender, document(number, sender=sender, to=to, content=content(number)), f"{number}.edxml")


def test_the_night_loses_and_doubles_nothing_and_each_delivery_has_one_owner(tmp_path: Path) -> None:
    night = run(tmp_path, SHORT, seed=2025, deaths=1, gone=("H22", "H29"))
    found = night.figures()
    assert found.is_well, found.text(night)
    assert night.deaths > 2, found.text(night)


def test_one_letter_that_is_forgotten_when_it_changes_hands_stands_in_the_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_on = succession._hand_on

    def forgets(draft: Draft, delivery: Delivery) -> None:
        with pytest.MonkeyPatch.context() as patch:
            if delivery.recipient == "H22":
                patch.setattr(draft, "send", lambda *_, **__: None)
            hand_on(draft, delivery)

    monkeypatch.setattr(succession, "_hand_on", forgets)
    night = Night(small_home(tmp_path / "home", codes=SHORT), SHORT, Random(1))
    provinces = table("provinces", SHORT)
    night.letters(provinces)
    night.go(("H22", "H09"))
    night.change(provinces, timedelta(0))
    night.go(("H22", "H09"))
    night.go()
    found = night.figures()
    assert (found.lost, found.unowned, found.doubled) == (1, 1, 0), found.text(night)
    assert not found.is_well


def test_a_rehearsal_tells_and_changes_nothing_and_a_bad_table_is_refused_whole(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home", codes=("G22", *PROVINCES))

    def apply(table: Path, *more: str) -> tuple[int, list[dict[str, object]]]:
        words = ["agency", "apply", str(table), "--home", str(line.path), "--json", *more]
        found = CliRunner().invoke(cli.main, words, catch_exceptions=False)
        return found.exit_code, [json.loads(one) for one in found.stdout.splitlines()]

    at = ("--at", "2030-07-01 00:00")
    code, (said,) = apply(TABLE, *at, "--rehearse")
    assert (code, said["registry"], said["changed"], said["changes"]) == (0, 2, True, {"close": 29})
    bad = tmp_path / "bad.csv"
    bad.write_text(TABLE.read_text() + "close,H01,H97\n")
    code, (error,) = apply(bad, *at)
    assert code == 3
    assert "H97" in json.dumps(error)
    code, (said,) = apply(TABLE, *at, "--reason", "Nghị quyết 202/2025/QH15")
    assert (said["registry"], said["changed"]) == (2, True), "neither the rehearsal nor the bad table has made one"
    code, (said,) = apply(TABLE, *at)
    assert (said["registry"], said["changed"]) == (2, False)
    with reading_registry(open_home(line.path)) as registry:
        assert len(expand(registry, "G22", ["@provinces"], datetime(2030, 7, 2, tzinfo=UTC))) == 34


def test_the_ministries_of_1_march_are_merged_renamed_and_get_what_the_old_ones_were_sent(tmp_path: Path) -> None:
    table = succession_plan.read((TABLE.parent / "ministries.csv").read_bytes())
    codes = ("G04", "G05", "G06", "G07", "G09", "G10", "G12", "G13", "G14", "G17", "G21", "G22", "G24")
    line, others = small_home(tmp_path / "home", codes=codes), tuple(code for code in codes if code != "G22")
    circular(line, 1, others)
    line.without("G05", "G12")
    with bootstrap.registrar(open_home(line.path)) as registrar:
        members.apply(registrar, table, line.clock(), "hợp nhất", line.clock())
    circular(line, 2, others)
    line.without("G05")
    line.run()
    gone = {row.code for row in table if row.change == "close"}
    digests = [hashlib.sha256(content(number)).hexdigest() for number in (1, 2)]
    came = {code: [line.attachments(code).count(digest) for digest in digests] for code in others}
    assert came == {code: [int(code != "G05"), int(code not in gone)] for code in others}, "G05 was away: G12 has both"
    with reading_registry(open_home(line.path)) as registry:
        assert registry.by_code["G10"].name_vi == "Bộ Nông nghiệp và Môi trường"
        assert expand(registry, "G22", ["@ministries"], line.clock()) == ["G06", "G09", "G10", "G12", "G17", "G21"]
    line.check_ledger()
