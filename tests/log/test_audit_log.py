"""``axis audit verify|head|prove|export``: what holds is said, what does not is named, and anybody can check it."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from axis import cli
from axis.core.ledger import Entry
from axis.core.log import checkpoint, note, tiles
from axis.infra.record import ledger
from axis.services.hub import log
from tests.line import Line, document, small_home

if TYPE_CHECKING:
    from click.testing import Result

    from axis.services.hub.worker import Hub

CORRUPT = 6


@pytest.fixture(scope="module")
def _kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    line = small_home(tmp_path_factory.mktemp("log") / "home")
    line.drop("G22", document(1))
    line.run()
    with line.parts() as (hub, _):
        fill(hub, line, 600)
    return line.path


@pytest.fixture
def line(_kept: Path, tmp_path: Path) -> Line:
    return Line(_kept).copy(tmp_path / "home")


def fill(hub: Hub, line: Line, count: int) -> None:
    with hub.store.transaction() as tx:
        entries = [Entry(line.clock(), "HUB", "test", "", "", {"n": n}) for n in range(count)]
        ledger.append(tx, entries, hub.sequencer(line.clock()))
    hub.begin_round(line.clock())
    hub.link(line.clock())
    line.clock.now += timedelta(seconds=2)
    while log.step(hub, line.clock()):
        line.clock.now += timedelta(seconds=2)


def axis(line: Line, *words: str) -> Result:
    return CliRunner().invoke(cli.main, [*words, "--home", str(line.path), "--lang", "en"])


def change(line: Line, *statements: str) -> None:
    with line.parts() as (hub, _), hub.store.transaction() as tx:
        for one in statements:
            tx.connection.exec_driver_sql(one)


def rewrite(line: Line, begin: int) -> None:
    """As one with the database in hand: from this entry on every digest and link is computed again."""
    with line.parts() as (hub, _), hub.store.transaction() as tx:
        rows = tx.connection.exec_driver_sql("SELECT position, canonical, link FROM ledger ORDER BY position").all()
        previous = rows[begin - 2].link
        for row in rows[begin - 1 :]:
            text = row.canonical.replace('"n":', '"m":')
            digest = hashlib.sha256(text.encode()).hexdigest()
            previous = hashlib.sha256(f"{previous}\n{row.position}\n{digest}\n".encode()).hexdigest()
            tx.connection.exec_driver_sql(
                "UPDATE ledger SET canonical = ?, digest = ?, link = ? WHERE position = ?",
                (text, digest, previous, row.position),
            )


def test_a_ledger_that_holds_is_said_to_and_only_what_came_since_is_computed_again(line: Line) -> None:
    first = axis(line, "audit", "verify", "--json")
    assert first.exit_code == 0, first.output
    said = json.loads(first.output)
    assert said["entries"] == said["logged"] > 600
    with line.parts() as (hub, _):
        fill(hub, line, 40)
    again = json.loads(axis(line, "audit", "verify", "--since-last", "--json").output)
    assert (again["from"], again["entries"]) == (said["entries"], said["entries"] + 40)
    assert "The ledger holds" in axis(line, "audit", "verify").output


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE ledger SET canonical = replace(canonical, 'n', 'N') WHERE position = 300", 300),
        ("UPDATE ledger SET digest = replace(digest, substr(digest, 1, 1), 'z') WHERE position = 300", 300),
        ("UPDATE ledger SET salt = substr(salt, 3) WHERE position = 300", 300),
        ("UPDATE ledger SET salt = 'no salt' WHERE position = 300", 300),
        ("UPDATE ledger SET axis_id = 'another' WHERE position = 300", 300),
        ("DELETE FROM ledger WHERE position = 300", 300),
        ("UPDATE log_tile SET hashes = zeroblob(width * 32) WHERE level = 0 AND number = 1", 257),
        ("DELETE FROM log_tile WHERE level = 0 AND number = 1", 257),
        ("UPDATE log_tile SET hashes = zeroblob(width * 32) WHERE level = 1", 1),
        ("DELETE FROM ledger WHERE position = (SELECT max(position) FROM ledger)", None),
        ("UPDATE log_head SET checkpoint = replace(checkpoint, 'axis', 'axiz')", None),
    ],
)
def test_what_was_altered_is_named(line: Line, statement: str, named: int | None) -> None:
    change(line, statement)
    found = axis(line, "audit", "verify")
    assert found.exit_code == CORRUPT, found.output
    assert named is None or f"at position {named}" in found.output


def test_a_ledger_that_was_rewritten_with_fresh_links_does_not_hold_any_more(line: Line) -> None:
    """Before there was a log this ran on as if nothing had happened."""
    rewrite(line, 400)
    found = axis(line, "audit", "verify")
    assert found.exit_code == CORRUPT
    assert "at position 400" in found.output


def test_a_proof_is_checked_without_anybody_elses_help(line: Line, tmp_path: Path) -> None:
    place = tmp_path / "proofs"
    assert axis(line, "audit", "prove", "1/TN-G22", "-o", str(place)).exit_code == 0
    proofs = sorted(place.glob("*.tlog-proof"))
    assert len(proofs) >= 3
    for path in proofs:
        head, _, signed = path.read_text("utf-8").partition("\n\n")
        lines = head.split("\n")
        index, hashes = int(lines[1].split()[1]), [base64.b64decode(one) for one in lines[2:]]
        salt, entry = bytes.fromhex(path.with_suffix(".salt").read_text()), path.with_suffix(".json").read_bytes()
        assert "1/TN-G22" in entry.decode() or json.loads(entry)["axis_id"]
        node = hashlib.sha256(b"\x00" + hashlib.sha256(salt + entry).digest()).digest()
        size, root = int(signed.split("\n")[1]), base64.b64decode(signed.split("\n")[2])
        last = size - 1
        for other in hashes:
            if index & 1 or index == last:
                node = hashlib.sha256(b"\x01" + other + node).digest()
                while not index & 1 and index:
                    index, last = index >> 1, last >> 1
            else:
                node = hashlib.sha256(b"\x01" + node + other).digest()
            index, last = index >> 1, last >> 1
        assert node == root
        key = note.verifier_key((place / "log.vkey").read_text("utf-8").strip())
        assert checkpoint.opened(signed.encode(), key)[0].root == root


@pytest.mark.parametrize("form", ["tiles", "jsonl"])
def test_all_of_it_is_written_out_for_a_mirror_once(line: Line, tmp_path: Path, form: str) -> None:
    place = tmp_path / "log"
    done = axis(line, "audit", "export", "-o", str(place), "--format", form, "--json")
    assert done.exit_code == 0, done.output
    entries = json.loads(done.output)["entries"]
    if form == "jsonl":
        lines = [json.loads(one) for one in place.read_text("ascii").splitlines()]
        assert [one["position"] for one in lines] == list(range(1, entries + 1))
        assert all(hashlib.sha256(one["entry"].encode()).hexdigest() == one["digest"] for one in lines)
    else:
        found = checkpoint.read(note.read((place / "checkpoint").read_bytes()).text)
        node = tiles.reader(found.size, lambda tile: (place / tile.path).read_bytes())
        from axis.core.log.merkle import span_hash

        assert span_hash((0, found.size), node) == found.root
        data = (place / "tile" / "entries" / "000").read_bytes()
        assert len(tiles.entries(data)) == tiles.WIDTH
    assert axis(line, "audit", "export", "-o", str(place), "--format", form).exit_code == 2


def test_the_head_is_shown_with_the_key_to_check_it(line: Line) -> None:
    said = json.loads(axis(line, "audit", "head", "--json").output)
    found, _ = checkpoint.opened(said["checkpoint"].encode(), note.verifier_key(said["key"]))
    assert (found.size, found.origin) == (said["size"], said["origin"])


def test_a_record_that_was_put_back_begins_another_log(line: Line, tmp_path: Path) -> None:
    """Of one size of one log there is one root: what stood in the lost part is not replaced in silence."""
    before = json.loads(axis(line, "audit", "head", "--json").output)
    older = line.copy(tmp_path / "older")
    with line.parts() as (hub, _):
        fill(hub, line, 50)
    (older.path / "hub.mark").write_bytes((line.path / "hub.mark").read_bytes())
    done = axis(older, "reconcile", "--restored")
    assert done.exit_code == 0, done.output
    with older.parts() as (hub, _):
        older.clock.now += timedelta(minutes=1)
        fill(hub, older, 1)
    after = json.loads(axis(older, "audit", "head", "--json").output)
    assert after["origin"] != before["origin"]
    assert after["size"] > before["size"]
    assert axis(older, "audit", "verify").exit_code == 0
