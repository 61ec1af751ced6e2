"""The chart of a report: drawn by hand, with its words in it, for pages that load nothing and run nothing."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from axis.texts import number, percent, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from axis.errors import Language

SHOWN = 40  # bars; the table has every row
_PARTS = (("on_time", "#2e7d4f"), ("late", "#c77f1a"), ("overdue", "#b3261e"), ("open", "#8a8f98"))


def chart(rows: Sequence[dict[str, Any]], lang: Language) -> str:
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
