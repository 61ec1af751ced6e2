"""A short form of the night of 30 June 2025: 63 provinces become 34 while mail is on its way, adapters are away, and the
process dies. Counted by digest, from the recipients' folders."""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from axis import bootstrap, cli
from axis.adapters.folder import FolderAdapter
from axis.core import succession_plan
from axis.core.hub.lifecycle import State
from axis.home import open_home, reading_registry
from axis.services import run as loops
from axis.services.hub import admit
from axis.services.operate import registry as members
from axis.services.operate.provision import catalogue
from axis.services.send import expand
from tests.line import Line, document, small_home

TABLE = Path(__file__).parent.parent / "data" / "changes" / "provinces.csv"
PROVINCES = tuple(row["code"] for row in catalogue() if row["kind"] in {"province", "centrally_run_city"})
pytestmark = pytest.mark.timeout(600)


class Death(BaseException):
    """The process died."""


def rows() -> list[succession_plan.Row]:
    return succession_plan.read(TABLE.read_bytes())


def content(number: int) -> bytes:
    return b"%%PDF circular %d" % number


def circular(line: Line, number: int, to: tuple[str, ...], sender: str = "G22") -> None:
    line.drop(sender, document(number, sender=sender, to=to, content=content(number)), f"{number}.edxml")


def arrived(line: Line, number: int) -> Counter[str]:
    """How often the circular lies in whose inbox."""
    digest = hashlib.sha256(content(number)).hexdigest()
    return Counter({code: count for code in PROVINCES if (count := line.attachments(code).count(digest))})


def test_the_night_loses_and_doubles_nothing_and_each_delivery_has_one_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = small_home(tmp_path / "home", codes=("G22", *PROVINCES))
    away = ("H22", "H09", "H06", "H29", "H33")  # of those that close, and of those that follow
    circular(line, 1, PROVINCES)
    line.without(*away)

    circular(line, 2, PROVINCES)
    with line.parts() as (hub, agencies):  # accepted, and published to nobody
        for _ in range(4):
            loops.agency_round(next(one for one in agencies if one.code == "G22"), line.clock())
            admit.step(hub, line.clock(), 0)
    midnight = line.clock() + timedelta(hours=1)
    with bootstrap.registrar(open_home(line.path)) as registrar:
        flying = members.changing_hands(registrar, rows())
        before = registrar.registry().version
        changed = members.apply(registrar, rows(), midnight, "Nghị quyết 202/2025/QH15", line.clock())
    assert changed.version == before + 1
    assert len(flying) == 29
    assert sum(one["fresh"] for one in flying) == 29, "the second circular was published to nobody yet"
    assert sum(one["tried"] for one in flying) == len([code for code in away if code in {r.code for r in rows()}])
    line.clock.now = midnight + timedelta(minutes=1)
    complete, count = FolderAdapter.complete, [0]

    def dies(self: FolderAdapter, names: object) -> bool:
        count[0] += 1
        if count[0] == 7:
            raise Death
        return complete(self, names)  # type: ignore[arg-type]

    circular(line, 3, PROVINCES)
    with monkeypatch.context() as patch:
        patch.setattr(FolderAdapter, "complete", dies)
        with pytest.raises(Death):
            line.without(*away)
    line.without("H29", "H33")
    line.run()

    following = {row.code: row.successor for row in rows()}
    open_ones = set(PROVINCES) - set(following)
    assert arrived(line, 1) == Counter(dict.fromkeys(PROVINCES, 1)), "what was published before stays where it was"
    for number in (2, 3):
        assert arrived(line, number) == Counter(dict.fromkeys(open_ones, 1)), (
            "to the old codes and their successors once"
        )
    with reading_registry(open_home(line.path)) as registry:
        assert len(expand(registry, "G22", ["@provinces"], line.clock())) == 34
    for number in (1, 2, 3):
        found = line.trace(f"{number}/TN-G22")["deliveries"]
        owners = Counter(unit for one in found if one["state"] == State.HANDED_OVER for unit in one["units"])
        assert owners == Counter(dict.fromkeys(PROVINCES, 1)), "one owner for each that was addressed"
    line.check_ledger()
    found = [arrived(line, number) for number in (1, 2, 3)]
    wanted = [set(PROVINCES), open_ones, open_ones]
    lost = sum(len(set(whose) - set(there)) for whose, there in zip(wanted, found, strict=True))
    doubled = sum(sum(there.values()) - len(there) for there in found)
    sys.stdout.write(
        f"night: {sum(map(len, wanted))} wanted, {lost} lost, {doubled} doubled, @provinces = {len(open_ones)}\n"
    )


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
    assert came == {code: [1, 0] if code in gone else [1, 1] for code in others}
    with reading_registry(open_home(line.path)) as registry:
        assert registry.by_code["G10"].name_vi == "Bộ Nông nghiệp và Môi trường"
        assert expand(registry, "G22", ["@ministries"], line.clock()) == ["G06", "G09", "G10", "G12", "G17", "G21"]
    line.check_ledger()
