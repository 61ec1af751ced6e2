"""``axis demo``: the whole thing on real packets, told scene by scene."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axis.commands import console
from axis.commands.console import CORRUPTED, LANG, word
from axis.commands.options import command, common
from axis.texts import moment as as_written
from axis.texts import text

if TYPE_CHECKING:
    from collections.abc import Callable

    from axis.errors import Language
    from axis.trials.demo_scenes import Scene

# What may be tried in a home that is kept, in this order; each with a text of why, demo.try.NAME.
TRY = {
    "trace": "{axis} trace {recalled} --home {home}",
    "board": "{axis} board {circular} --home {home}",
    "suspend": '{axis} agency suspend {suspended} --reason "thử" --home {home}',
    "send": "{axis} send {home}/{packet} --from G22 --home {home}",
    "why": "{axis} why {number} --home {home}",
    "resume": "{axis} agency resume {suspended} --home {home}",
    "run": "{axis} run --until-idle --home {home}",
    "report": "{axis} report --span day --home {home}",
    "verify": "{axis} verify {home}/{receipt} --trust {home}/pki/ca.pem",
    "doctor": "{axis} doctor --home {home}",
}

STORIES = ("exchange", "dossier", "ecabinet")


@command("help.demo", "axis demo --home axis-demo", changes=True)
@click.option(
    "--documents",
    type=click.IntRange(3),
    default=200,
    show_default=True,
    help=word("help.demo.documents"),
)
@click.option(
    "--broker",
    type=click.Choice(["embedded", "amqp"]),
    default="embedded",
    show_default=True,
    help=word("help.init.broker"),
)
@click.option(
    "--story",
    type=click.Choice(STORIES),
    default="exchange",
    show_default=True,
    help=word("help.demo.story"),
)
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), help=word("help.demo.home"))
@common
def demo(documents: int, broker: str, story: str, home: Path | None, as_json: bool) -> None:
    """The whole thing."""
    import tempfile

    if story == "ecabinet":
        _tell_ballot(home, as_json)
        return

    from axis.trials import demo

    if story == "dossier":
        _dossier(home, as_json=as_json)
        return
    with tempfile.TemporaryDirectory(prefix="axis-demo-") as temporary:
        place = home or Path(temporary) / "home"
        if sys.stderr.isatty() and not as_json:
            console.note("demo.setup", agencies=95, documents=documents)
        told: list[Scene] = []
        shown = demo.Shown(
            bar=lambda key, total: console.bar(word(key), total, quiet=as_json),
            tell=told.append if as_json else _teller(place),
        )
        result = demo.perform(place, documents, broker, home is not None, shown)
    if as_json:
        for scene in told:
            console.data({"scene": scene.name, **scene.facts, **_to_try(place, scene)})
        console.data(result)
    else:
        console.say(word("demo.summary") + ":")
        for key, entry in result.items():
            console.say(f"  {word(f'demo.{key}'):14} {entry}")
        if home is None:
            console.say(word("demo.keep"))
        elif broker == "amqp":
            console.say(word("demo.record_gone", home=home))
    lost, duplicates = result["lost"], result["duplicates"]
    if lost or duplicates or result["handed_over"] != result["deliveries"]:
        console.note("demo.bad", lost=lost, duplicates=duplicates)
        sys.exit(CORRUPTED)


def _tell_ballot(home: Path | None, as_json: bool) -> None:
    """The story of a ballot."""
    import tempfile

    from axis.trials import ecabinet

    def tell(scene: Scene) -> None:
        if as_json:
            console.data({"scene": scene.name, **scene.facts})
            return
        for line in ballot_lines(scene, LANG):
            console.say(line)
        console.say()

    with tempfile.TemporaryDirectory(prefix="axis-demo-") as temporary:
        place = home or Path(temporary) / "home"
        summary = ecabinet.perform(place, tell)
    if as_json:
        console.data(summary)
    elif home is not None:
        console.say(word("ecabinet.try", id=ecabinet.ID, home=shlex.quote(str(home)), axis=_program()))


def _dossier(home: Path | None, *, as_json: bool) -> None:
    """The story of one application."""
    import tempfile

    from axis.trials import demo_dossier

    count = 0

    def tell(scene: Scene) -> None:
        nonlocal count
        count += 1
        if as_json:
            console.data({"scene": scene.name, **scene.facts})
            return
        for line in dossier_lines(count, scene, LANG):
            console.say(line)
        console.say()

    with tempfile.TemporaryDirectory(prefix="axis-demo-") as temporary:
        result = demo_dossier.perform(home or Path(temporary) / "home", tell)
    if as_json:
        console.data(result)
    elif home is not None:
        console.say(word("dossier.left", home=home))


def ballot_lines(scene: Scene, language: Language) -> list[str]:
    """A scene of the ballot's story, as it is told."""
    from axis.core.instant import from_text, local

    said = dict(scene.facts)
    if scene.name == "counted":
        said["counts"] = {text(f"ecabinet.option.{code}", language): n for code, n in said["counts"].items()}
        said["decided"] = text(f"ecabinet.option.{said['decided']}", language) if said["decided"] else "-"
        said["by"] = text(f"ecabinet.by.{said['by']}", language)
    facts = {name: _spoken(value) for name, value in said.items()}
    moments = {name for name in facts if name.endswith("_at")}
    facts |= {name: as_written(local(from_text(facts[name])), language) for name in moments}
    return text(f"ecabinet.told.{scene.name}", language, **facts).split("\n")


def dossier_lines(number: int, scene: Scene, language: Language) -> list[str]:
    """A scene of the application's story, as it is told."""
    facts = {name: one[language] if isinstance(one, dict) else one for name, one in scene.facts.items()}
    lines = text(f"dossier.told.{scene.name}", language, **facts).split("\n")
    return [f"{number}. {text(f'dossier.scene.{scene.name}', language)}", *(f"   {line}" for line in lines)]


def _teller(home: Path) -> Callable[[Scene], None]:
    """Tells one scene after the other, numbered."""
    count = 0

    def tell(scene: Scene) -> None:
        nonlocal count
        count += 1
        if scene.name == "next":
            console.say(word("demo.scene.next", home=home))
            for name, line in zip(TRY, _to_try(home, scene)["commands"], strict=True):
                console.say(f"  # {word(f'demo.try.{name}')}")
                console.say(f"  {line}")
        else:
            console.say(f"{count}. {word(f'demo.scene.{scene.name}')}")
            for line in _sentences(scene):
                console.say(f"   {line}")
        console.say()

    return tell


def _sentences(scene: Scene) -> list[str]:
    facts: dict[str, Any] = {
        key: console.local(entry) if key.endswith("_at") else entry for key, entry in scene.facts.items()
    }
    if isinstance(reason := facts.get("reason"), dict):
        facts["reason"] = reason[LANG]
    facts |= {"stage": word(f"stage.{facts['stage']}")} if "stage" in facts else {}
    key = f"demo.told.{scene.name}"
    if scene.name == "check":
        if not facts["tool"]:
            return word(f"{key}.missing", **facts).split("\n")
        facts |= {name: word(f"demo.verdict.{'good' if facts[name] else 'bad'}") for name in ("good", "altered")}
    return word(key, **facts).split("\n")


def _to_try(home: Path, scene: Scene) -> dict[str, list[str]]:
    """The commands of the last scene, as they can be typed here."""
    if scene.name != "next":
        return {}
    named: dict[str, Any] = {**scene.facts, "axis": _program(), "home": shlex.quote(str(home))}
    return {"commands": [line.format(**named) for line in TRY.values()]}


def _program() -> str:
    """This program, as a shell finds it from here."""
    own = Path(sys.argv[0]) if Path(sys.argv[0]).name == "axis" else Path(sys.executable).with_name("axis")
    found = shutil.which("axis")
    if found and own.exists() and Path(found).resolve() == own.resolve():
        return "axis"
    return shlex.quote(str(own)) if own.exists() else f"{shlex.quote(sys.executable)} -P -m axis"


def _spoken(value: Any) -> Any:
    """A list or counts by name as a person says them."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {count}" for name, count in value.items())
    return ", ".join(value) if isinstance(value, list) else value
