"""The report as one HTML page that needs nothing else: to be printed, sent, or shown at a meeting."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from axis.texts import duration, number, percent, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from axis.errors import Language

SHOWN = 40  # bars in a chart; the table has every row
_NUMBERS = ("documents", "deliveries", "on_time", "late", "open", "overdue", "refused", "recalled", "given_up")
_PARTS = (("on_time", "#2e7d4f"), ("late", "#c77f1a"), ("overdue", "#b3261e"), ("open", "#8a8f98"))
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
        _chart(rows, lang),
        _table(value, lang),
        f"<p><small>{escape(text('report.page.how', lang, asked=asked))}</small></p></main></body></html>\n",
    ]
    return "".join(made)


def _chart(rows: Sequence[dict[str, Any]], lang: Language) -> str:
    """Deliveries of the rows with most of them, each bar in its parts."""
    shown = sorted(rows, key=lambda row: -row["deliveries"])[:SHOWN]
    largest = max((row["deliveries"] for row in shown), default=0)
    if not largest:
        return ""
    words = {name: text(f"report.{name}", lang) for name, _ in _PARTS}
    title = text("report.page.chart", lang)
    first = shown[0]
    described = text("report.page.most", lang, row=first["key"], count=number(first["deliveries"], lang))
    height = 26 + 22 * len(shown)
    parts = [
        f'<h2>{escape(title)}</h2><svg viewBox="0 0 900 {height}" role="img" aria-labelledby="c1 c2">',
        f'<title id="c1">{escape(title)}</title><desc id="c2">{escape(described)}</desc>',
    ]
    for n, (name, colour) in enumerate(_PARTS):
        parts.append(f'<rect x="{90 + n * 190}" y="2" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{107 + n * 190}" y="13">{escape(words[name])}</text>')
    for n, row in enumerate(shown):
        y, x = 26 + n * 22, 90.0
        parts.append(f'<text x="84" y="{y + 12}" text-anchor="end">{escape(str(row["key"])[:12])}</text>')
        for name, colour in _PARTS:
            width = 740 * row[name] / largest
            if row[name]:
                said = f"{row['key']} · {words[name]}: {number(row[name], lang)}"
                parts.append(
                    f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="16" fill="{colour}">'
                    f"<title>{escape(said)}</title></rect>"
                )
            x += width
        parts.append(f'<text x="{x + 6:.1f}" y="{y + 12}">{escape(percent(row["ratio"], lang))}</text>')
    return "".join(parts) + "</svg>"


def _table(value: dict[str, Any], lang: Language) -> str:
    names = [f"report.by.{value['by']}", "column.name", *(f"report.{name}" for name in _NUMBERS)]
    names += ["report.ratio", "report.median", "report.p95"]
    heads = "".join(f'<th scope="col">{escape(text(name, lang))}</th>' for name in names)
    body = "".join(_row(row, lang) for row in value["rows"])
    foot = _row({"key": text("report.all", lang), "name": "", **value["total"]}, lang)
    caption = escape(text("report.page.table", lang))
    return f"<h2>{caption}</h2><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody><tfoot>{foot}</tfoot></table>"


def _row(row: dict[str, Any], lang: Language) -> str:
    leg = row["legs"]["handover"]
    cells = [str(row["key"]), str(row["name"]), *(number(row[name], lang) for name in _NUMBERS)]
    cells += [percent(row["ratio"], lang), duration(leg["median_s"], lang), duration(leg["p95_s"], lang)]
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
