"""A table in the place of a page that was not built: one row for every resource, readable without a script."""

from collections.abc import Sequence
from html import escape

from pytilt.views.api import Json

STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { width: 100%; border-collapse: collapse; }
th, td { text-align: left; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #8884; vertical-align: top; }
.ok { color: #1a7f37; } .error { color: #cf222e; } .pending { color: #9a6700; } .none { color: #777; }
.why { white-space: pre-wrap; overflow-wrap: anywhere; }
"""

MARKS = {"ok": "● ok", "error": "✖ error", "pending": "◐ pending", "none": "○ off"}
"""A word beside the colour, for those who do not see it."""


def page(rows: Sequence[Json], problem: str = "") -> str:
    """The whole page, which reloads itself every two seconds.

    Args:
        rows: one `UIResource` each.
        problem: why the real page is not there.
    """
    missing = f"<p>This is a table instead of the web page:</p><pre>{escape(problem)}</pre>" if problem else ""
    body = "".join(_row(row) for row in rows)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="2">'
        f"<title>{_title(rows)}</title><style>{STYLE}</style></head><body><h1>Tilt</h1>{missing}<table><thead><tr>"
        "<th>Resource</th><th>Ready</th><th>Up to date</th><th>Endpoints</th><th></th></tr></thead>"
        f"<tbody>{body}</tbody></table></body></html>"
    )


def _title(rows: Sequence[Json]) -> str:
    bad = sum(1 for row in rows if row["status"].get("endpointErrors") or "error" in (_runtime(row), _update(row)))
    return f"✖ {bad} | Tilt" if bad else "✔ | Tilt"


def _link(link: Json) -> str:
    """A link; one that a browser would run rather than open is text."""
    text = escape(link.get("name") or link["url"])
    return f'<a href="{escape(link["url"])}">{text}</a>' if link["url"].startswith(("http://", "https://")) else text


def _row(row: Json) -> str:
    status = row["status"]
    links = " ".join(map(_link, status.get("endpointLinks", [])))
    broken = "".join(
        f' <span class="error">✖ {escape(link.get("name") or link["url"])}: {escape(link["error"])}</span>'
        for link in status.get("endpointErrors", [])
    )
    message = next((each["message"] for each in status.get("conditions", []) if each.get("message")), "")
    return (
        f"<tr><td>{escape(row['metadata']['name'])}</td><td>{_mark(_runtime(row))}</td><td>{_mark(_update(row))}</td>"
        f'<td>{links}{broken}</td><td class="why">{escape(message)}</td></tr>'
    )


def _mark(state: str) -> str:
    return f'<span class="{state}">{MARKS[state]}</span>'


def _runtime(row: Json) -> str:
    return _class(row["status"].get("runtimeStatus", ""))


def _update(row: Json) -> str:
    return _class(row["status"].get("updateStatus", ""))


def _class(word: str) -> str:
    if word in ("ok", "not_applicable"):
        return "ok"
    if word in ("pending", "in_progress"):
        return "pending"
    return "error" if word == "error" else "none"
