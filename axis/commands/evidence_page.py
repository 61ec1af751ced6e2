"""The page of evidence: for people, to be read and printed; it loads nothing and runs nothing."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from axis import extras
from axis.core import saying
from axis.core.evidence import form
from axis.core.evidence.judge import FAILED, MISSING
from axis.core.instant import to_text
from axis.texts import event_text, text

if TYPE_CHECKING:
    from axis.core.evidence.form import Evidence
    from axis.core.evidence.judge import Judged, Step
    from axis.errors import Language

_PROVES = ("sender", "hub", "recipient", "log", "timestamp", "page")
_TIMES = {"time", "as_of", "ended"}
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#1d2129;background:#fff;margin:2rem auto;max-width:64rem;padding:0 1rem}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:1.6rem}
table{border-collapse:collapse;width:100%}th,td{padding:.25rem .5rem;border-bottom:1px solid #d5d8de;text-align:left;
vertical-align:top;overflow-wrap:anywhere}
.FAILED{color:#b3261e;font-weight:700}.PASSED{color:#1b6b3c}.MISSING{color:#6a6f78}
.qr{float:right;margin:0 0 1rem 1rem}.qr svg{width:9rem;height:9rem}
@media print{body{max-width:none;margin:0;font-size:11pt}tr{break-inside:avoid}}
"""


def sentence(step: Step, lang: Language) -> str:
    """What a step says."""
    facts = {name: _fact(name, value, lang) for name, value in step.facts.items()}
    if step.verdict == FAILED:
        return "; ".join(f"{one.fault.code}: {one.text(lang)}" for one in step.problems)
    key = f"evidence.{step.name}"
    if step.verdict == MISSING:
        key += ".ended" if step.facts.get("ended") else ".missing"
    elif step.name in {form.LOG, form.RECEIPT, form.TIMESTAMP, form.RENEWAL}:
        key += f".{step.facts['how']}"
    return text(key, lang, **facts)


def _fact(name: str, value: str, lang: Language) -> str:
    if name in _TIMES and value:
        return saying.local(value, lang)
    if name == "event" and "." in value and value[0].islower():
        return event_text(value, lang)
    return value or "-"


def code(said: Evidence) -> str:
    """The QR code of the document's digest, as SVG. Raises :class:`~axis.errors.Misconfigured` EXTRA_MISSING."""
    with extras.needed():
        import segno
    shown = f"axis {said.installation} {said.axis_id} sha256:{said.digest}"
    return str(segno.make(shown, error="m", micro=False).svg_inline(scale=3, title="QR"))


def page(found: Judged, said: Evidence, lang: Language, picture: str) -> str:
    """The page of this evidence in one language; everything that somebody wrote is shown as text."""

    def word(key: str, /, **facts: str) -> str:
        return escape(text(f"evidence.{key}", lang, **facts))

    about = {"sender": said.sender, "number": said.document_id, "axis_id": said.axis_id, "digest": said.digest}
    facts = "".join(
        f'<tr><th scope="row">{word(f"page.{key}")}</th><td>{escape(value)}</td></tr>' for key, value in about.items()
    )
    heads = "".join(f'<th scope="col">{word(f"page.{key}")}</th>' for key in ("step", "verdict", "said", "file"))
    rows = "".join(
        f'<tr><td>{word(f"name.{one.name}")}</td><td class="{one.verdict}">{word(one.verdict)}</td>'
        f"<td>{escape(sentence(one, lang))}</td><td>{escape(one.part)}</td></tr>"
        for one in found.steps
    )
    proves = "".join(f"<li>{word(f'page.proves.{key}')}</li>" for key in _PROVES)
    title = word("page.title", document=said.document_id)
    made = word(
        "page.made", maker=said.maker, time=saying.local(to_text(said.made_at), lang), installation=said.installation
    )
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f'<title>{title}</title><style>{_STYLE}</style></head><body><main><div class="qr">{picture}</div>'
        f"<h1>{title}</h1><p>{made}</p><h2>{word('page.what')}</h2><table>{facts}</table>"
        f"<h2>{word('page.steps')}</h2><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
        f"<h2>{word('page.proves')}</h2><ul>{proves}</ul></main></body></html>\n"
    )
