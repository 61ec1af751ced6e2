"""The report as one HTML page that needs nothing else: to be printed, sent, or shown at a meeting."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from axis.core import figures
from axis.texts import duration, number, percent, text
from axis.web.chart import chart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from axis.errors import Language

_STYLE = """
:root{color-scheme:light dark;--ink:#1d2129;--paper:#fff;--line:#d5d8de;--soft:#f4f5f7}
@media (prefers-color-scheme:dark){:root{--ink:#e6e8ec;--paper:#16181d;--line:#3a3f48;--soft:#20242b}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);margin:2rem auto;max-width:70rem;
padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}
table{border-collapse:collapse;width:100%}caption{text-align:left;font-weight:600;padding:.4rem 0}
th,td{padding:.25rem .5rem;border-bottom:1px solid var(--line);text-align:right;font-variant-numeric:tabular-nums}
th:first-child,td:first-child,th:nth-child(2),td:nth-child(2){text-align:left}
tfoot td{font-weight:600;background:var(--soft)}
svg{width:100%;height:auto}svg text{fill:var(--ink);font:12px system-ui,sans-serif}
@media print{body{max-width:none;margin:0}}
"""


def page(value: dict[str, Any], asked: str, heading: str, sentences: Sequence[str], lang: Language) -> str:
    """The page of this report: sentences, a chart with its words, and the whole table. Everything in it that somebody
    wrote is shown as text; it loads nothing and runs nothing."""
    rows = value["rows"]
    lines = "".join(f"<li>{escape(line)}</li>" for line in sentences)
    made = [
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{escape(heading)}</title><style>{_STYLE}</style></head><body><main>",
        f"<h1>{escape(heading)}</h1><ul>{lines}</ul>",
        chart(rows, lang),
        _table(value, lang),
        f"<p><small>{escape(text('report.page.how', lang, asked=asked))}</small></p></main></body></html>\n",
    ]
    return "".join(made)


def _table(value: dict[str, Any], lang: Language) -> str:
    numbers = figures.shown(value)
    names = [f"report.by.{value['by']}", "column.name", *(f"report.{name}" for name in numbers)]
    names += ["report.ratio", "report.median", "report.p95"]
    heads = "".join(f'<th scope="col">{escape(text(name, lang))}</th>' for name in names)
    body = "".join(_row(row, numbers, lang) for row in value["rows"])
    foot = _row({"key": text("report.all", lang), "name": "", **value["total"]}, numbers, lang)
    caption = escape(text("report.page.table", lang))
    return f"<h2>{caption}</h2><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody><tfoot>{foot}</tfoot></table>"


def _row(row: dict[str, Any], numbers: Sequence[str], lang: Language) -> str:
    leg = row["legs"]["handover"]
    cells = [str(row["key"]), str(row["name"]), *(number(row[name], lang) for name in numbers)]
    cells += [percent(row["ratio"], lang), duration(leg["median_s"], lang), duration(leg["p95_s"], lang)]
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
