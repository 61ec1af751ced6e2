"""What is measured has one name and one meaning; what config/ asks Prometheus for is exported."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from axis.adapters import monitor
from axis.core.metrics import METRICS, OF_THE_PROCESS, Sample, by_metric

CONFIG = Path(__file__).parent.parent.parent / "config"
RULES, DASHBOARD = CONFIG / "prometheus-rules.yml", CONFIG / "grafana-dashboard.json"
_NAME = re.compile(r"\b(?:axis|process)_[a-z_]+\b")
KNOWN = {*METRICS, *OF_THE_PROCESS}


def exported(*samples: Sample) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(monitor.text(samples)[0].decode()):
        for one in family.samples:
            found.setdefault(one.name, {})[tuple(sorted(one.labels.items()))] = one.value
    return found


def test_every_name_says_what_it_is_and_is_read_by_prometheus_own_parser() -> None:
    found = exported(*(Sample(one.name, 3, tuple("x" for _ in one.labels)) for one in METRICS.values()))
    for name, metric in METRICS.items():
        assert name.startswith("axis_")
        assert name.endswith("_total") == (metric.kind == "counter"), name
        assert metric.help.endswith("."), name
        assert found[name] == {tuple(sorted((label, "x") for label in metric.labels)): 3.0}
    assert set(found) - set(METRICS) == set(OF_THE_PROCESS)


def test_a_hostile_label_stays_one_value() -> None:
    hostile = 'a"} 1\naxis_ready{what="broker'
    assert exported(Sample("axis_ready", 0, (hostile,)))["axis_ready"] == {(("what", hostile),): 0.0}


def test_openmetrics_is_answered_where_it_is_asked_for() -> None:
    body, content_type = monitor.text(
        [Sample("axis_ready", 1, ("disk",))], "application/openmetrics-text; version=1.0.0"
    )
    assert content_type.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")


def test_a_name_that_is_not_in_the_table_and_labels_that_are_missing_are_our_own_bugs() -> None:
    with pytest.raises(KeyError):
        by_metric([Sample("axis_unheard_of", 1)])
    with pytest.raises(ValueError, match="labels"):
        by_metric([Sample("axis_ready", 1)])


def expressions() -> dict[str, str]:
    """Every question to Prometheus in config/, by where it stands."""
    found = {}
    for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"]:
        for rule in group["rules"]:
            found[f"rule {rule['alert']}"] = rule["expr"]
    for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"]:
        for target in panel.get("targets", ()):
            found[f"panel {panel['title']} {target['refId']}"] = target["expr"]
    return found


@pytest.mark.parametrize("where", expressions())
def test_every_name_that_alarms_and_dashboard_ask_for_is_exported(where: str) -> None:
    text = expressions()[where]
    named = set(_NAME.findall(re.sub(r'"[^"]*"', '""', text)))
    assert named or text == 'up{job="axis"} == 0', text
    assert named <= KNOWN, named - KNOWN
    for name, inside in re.findall(r"(axis_[a-z_]+)\{([^}]*)\}", text):
        assert set(re.findall(r"(\w+)\s*[=!]", inside)) <= {*METRICS[name].labels, "job", "instance"}, text
    for by in re.findall(r"by\s*\(([^)]*)\)", text):
        labels = {label for name in named if name in METRICS for label in METRICS[name].labels}
        assert {one.strip() for one in by.split(",")} <= labels | {"job", "instance"}, text


def test_a_planted_name_is_noticed() -> None:
    assert not set(_NAME.findall("rate(axis_documents_total[5m])")) <= KNOWN


def test_every_alarm_says_in_both_languages_what_it_means_and_how_grave_it_is() -> None:
    rules = [rule for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"] for rule in group["rules"]]
    assert len(rules) >= 10
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert set(rule["annotations"]) == {"summary", "summary_vi", "mend"}
        assert rule["annotations"]["mend"].startswith("axis "), rule["alert"]


def test_promtool_takes_the_rules_where_it_is_installed() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool here")
    subprocess.run([promtool, "check", "rules", str(RULES)], check=True)


def test_the_dashboard_has_a_place_and_a_name_for_each_panel() -> None:
    board = json.loads(DASHBOARD.read_text("utf-8"))
    panels = board["panels"]
    assert board["title"]
    assert board["uid"]
    assert len({one["id"] for one in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for one in panels:
        place = one["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, one["title"]
        taken |= cells
