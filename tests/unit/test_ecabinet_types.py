"""The folders of e-Cabinet's document types: their examples are what their names say, and what the program writes is
what their schemas describe."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from axis.core.ballot import recount, values
from axis.core.ballot.ballot import read_ballot, read_closing, read_opening
from axis.core.ballot.packet import TYPES
from axis.core.ballot.vote import read_cover
from axis.errors import Rejected
from tests import ballots

DOCUMENTS = Path(__file__).parent.parent.parent / "schemas" / "documents"
FOLDERS = sorted(path for path in DOCUMENTS.glob("ecabinet_*/1"))
EXAMPLES = sorted(path for folder in FOLDERS for path in folder.glob("examples/*/*.json"))


def judge(folder: Path, data: bytes) -> str:
    """The code of what is wrong with an attachment; "" where nothing is."""
    try:
        document = json.loads(data)
    except ValueError:
        return "TYPE_UNREADABLE"
    schema = json.loads((folder / "schema.json").read_text("utf-8"))
    return "" if jsonschema_rs.validator_for(schema).is_valid(document) else "TYPE_CONTENT"


def manifest(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "manifest.toml").read_text("utf-8"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: f"{p.parts[-5]}/{p.name}")
def test_an_example_is_what_its_name_says(path: Path) -> None:
    expected = "" if path.parent.name == "valid" else path.name.partition("-")[0]
    assert judge(path.parents[2], path.read_bytes()) == expected


def test_each_type_has_a_folder_that_names_it_in_both_languages() -> None:
    named = {manifest(folder)["application_type"]: manifest(folder) for folder in FOLDERS}
    assert {one.application for one in TYPES} <= set(named)
    assert {f"ECABINET_{one}" for one in ("MEETING", "PAPER", "CONCLUSION")} <= set(named)
    for folder in FOLDERS:
        said = manifest(folder)
        assert said["application_type"].lower() == folder.parent.name
        assert all(said["title"][language] for language in ("vi", "en"))


@pytest.mark.parametrize(
    ("name", "read"),
    [("ballot", read_ballot), ("vote", read_cover), ("closing", read_closing), ("opening", read_opening)],
)
def test_the_program_reads_what_the_schema_allows_and_no_more(name: str, read: Any) -> None:
    for path in EXAMPLES:
        if path.parts[-5] != f"ecabinet_{name}":
            continue
        if path.parent.name == "valid":
            read(path.read_bytes())
        else:
            with pytest.raises(Rejected):
                read(path.read_bytes())


def test_what_the_program_writes_is_what_the_schemas_describe() -> None:
    story = ballots.play([ballots.vote(ballots.ballot(), "ct@H41", delegate="tt@G06")])
    registry = ballots.keys().registry
    closing = recount.open_arrived(story.closing, registry)
    result = recount.open_arrived(story.result, registry)
    vote = recount.open_arrived(recount.read_votes(closing.files["votes.json"])[0], registry)
    asked = recount.open_arrived(story.asked, registry)
    for one, name in ((asked, "ballot"), (vote, "vote"), (closing, "closing"), (result, "result")):
        folder = DOCUMENTS / f"ecabinet_{name}" / "1"
        assert one.application == manifest(folder)["application_type"]
        assert judge(folder, one.files[manifest(folder)["attachment"]]) == ""
        for further in manifest(folder).get("required", ()):
            assert further["name"] in one.files
    opening = {"ballot": story.ballot.digest, "closing": story.closed.digest, "inner": values.digest(b"")}
    assert judge(DOCUMENTS / "ecabinet_opening" / "1", values.written(opening)) == ""
