"""Executed notebook -> one self-contained page; run -> index of the shelf.

A page holds no script (a long index one, allowed by its hash) and asks nobody for anything: a Content-Security-Policy
forbids it, and nothing in it would.
The HTML of outputs is taken as it is, because it comes from `present`, which escapes; prose is Markdown in which HTML
is text; everything else is escaped here.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from hashlib import sha256
from html import escape, unescape
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pandas as pd

from cxkit.metrics import Metric
from cxkit.show.html import Html, clean, join, plain, shorten, slug, source, still, tag
from cxkit.show.html import name as named
from cxkit.show.index import REFERENCE, file_of, shelf

if TYPE_CHECKING:
    from nbformat import NotebookNode


FOOTER = "Made with cxkit. This page is one file: it loads nothing and sends nothing."
HEADER = '<header class="cx-header">'
_SCORES = re.compile(r'class="cx-(?:figure|table cx-(?:est|cmp|board))"')
_EMPTY = re.compile(r'<h2 id=[^>]*>([^\n]*)</h2>\s*<div class="cx-empty">([^<]*)</div>\s*')
_DRAWN = re.compile(r"<svg|<td>[^<]*\d%? to [^<]*</td>")
_TEMPLATES = Path(str(files("cxkit") / "runs" / "templates"))


def page(
    notebook: NotebookNode,
    *,
    title: str,
    lang: str = "en",
    links: Mapping[str, str] | None = None,
    look: Mapping[str, str] | None = None,
) -> str:
    """An executed notebook as a page.

    Code is left out. So is the cell that opens the notebook, where it is prose with a first-level heading: it
    introduces the notebook to who runs it, and the page has `title`. A section whose heading has the tag `reference`
    (of its cell) is looked up, not read, and folded.

    Args:
        notebook: Executed, without errors.
        title: Title of the window, and of the page where the notebook prints no header of its own.
        lang: Language of the content, as in the attribute `lang`.
        links: Other pages in the same folder that the page leads to: file -> words.
        look: `style` and `logo` beside the kit's own, as `cxkit.runs.look` makes them.

    Raises:
        ValueError: Where a cell holds an error, or an output holds a script.
    """
    _check(notebook)
    state: dict[str, Any] = {"ids": {"main"}, "opening": True}
    body, _ = _exporter().from_notebook_node(notebook, resources={"cx": state})
    found = re.search(rf"{HEADER}.*?</header>\s*", body, re.DOTALL)
    header = found[0].strip() if found else _header(title)
    body = _without_echoes(body.replace(found[0], "", 1) if found else body)
    return _shell(title, lang, header, body, links or {}, look or {})


SEARCHED = 30  # reports above which the index has a script, to find, filter and sort them


def index(
    summary: pd.DataFrame,
    manifest: Mapping[str, Any],
    metrics: Mapping[str, Metric],
    look: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The index of a run, by file: every report with its score, interval, base and verdict; what is missing and why.

    Without a script all is there. The one that finds, filters and sorts long tables is allowed by its hash.

    Args:
        summary: Estimates and comparisons of all reports: columns `report` (name of the job) and `part` ("estimate",
            "comparison"), then both vocabularies.
        manifest: Of the run.
        metrics: What is measured, by name; the first in the summary (NPS where there is one) is shown.
        look: As of a page.
    """
    title = str(manifest.get("title") or manifest["name"])
    header, bodies = shelf(summary, manifest, metrics)
    many = sum(job["kind"] == "report" and job["status"] == "done" for job in manifest["jobs"]) > SEARCHED
    given: Any = {"look": look or {}, "contents": False, "script": source("sorting", "finding") if many else ""}
    lang, back = str(manifest.get("lang") or "en"), {file_of(0): "All reports"}
    return {file_of(i): _shell(title, lang, header, body, back if i else {}, **given) for i, body in enumerate(bodies)}


def _without_echoes(body: str) -> str:
    """The body of a page without sections of which the only output is empty; a line says why, where there is a reason.

    Where the page says that nothing can be shown, sections that would say it once more go, too: those that hold
    figures or tables of scores, and no drawing and no interval in any of them.
    """
    sections = [_why_not(part) for part in re.split(r"(?=<h2 id=)", body)]
    if 'class="cx-unknown"' not in body:
        return "".join(sections)
    first = next(i for i, part in enumerate(sections) if 'class="cx-unknown"' in part)
    said = [part for i, part in enumerate(sections) if i <= first or 'class="cx-unknown"' not in part]
    return "".join(part for part in said if not _SCORES.search(part) or _DRAWN.search(part))


def _why_not(section: str) -> str:
    """A section, or where it is empty the line in its place."""
    if not (found := _EMPTY.fullmatch(section)):
        return section
    return f'<p class="cx-notes">{found[1]}: not shown, {found[2]}.</p>\n' if found[2] else ""


SHOWN = {"text/html", "image/svg+xml", "image/png", "image/jpeg", "text/markdown"}


_BREAKING = re.compile(
    r"<(?:script|meta|base|link|iframe|object|embed|form|frameset|frame|html|head|body|main|plaintext|textarea|xmp"
    r"|noscript|template)\b[^>]*>?|</(?:html|head|body|main)\b|<!--(?!(?:(?!<!--)[^\0])*?-->)"
    r"|<[^<>]*\s(?:src|srcset|poster|background)\s*=\s*[\"']?\s*(?!data:)[^\s\"'>]",
    re.IGNORECASE,
)
"""What would run, lead away, load from elsewhere, or swallow the rest of a page."""


def _check(notebook: NotebookNode) -> None:
    for number, cell in enumerate(notebook.cells, 1):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                raise ValueError(
                    f"cell {number} holds an error ({output.ename}): only a notebook without errors becomes a page"
                )
            _draw_altair(data := output.get("data", {}))
            markup = still("".join(data.get("text/html", "")))
            if found := _BREAKING.search(markup):
                word = re.match(r"<[!/]?[\w-]*", found[0])[0]  # type: ignore[index]
                words = f"cell {number} prints a {word}{'>' * word[-1].isalnum()}, which no page may hold"
                raise ValueError(f"{words}; show tables and figures of cxkit.show")
            if data and not SHOWN & set(data) and (kinds := sorted(set(data) - {"text/plain"})):
                raise ValueError(f"cell {number} shows {kinds[0]}, which a page cannot hold; show a picture of it")


def _draw_altair(data: Any) -> None:
    """A chart of Altair as a drawing, where `vl-convert-python` is installed."""
    spec = next((key for key in data if key.startswith("application/vnd.vegalite.v")), "")
    if spec:
        with suppress(ImportError):
            data["image/svg+xml"] = import_module("vl_convert").vegalite_to_svg(data[spec])
            data.pop("text/html", None)  # a script that would draw the same


def _shell(
    title: str,
    lang: str,
    header: str,
    body: str,
    links: Mapping[str, str],
    look: Mapping[str, str],
    contents: bool = True,
    script: str = "",
) -> str:
    ids = set(re.findall(r'\bid="([^"]+)"', body))
    body = re.sub(r'<a href="#([^"]*)">(.*?)</a>', lambda m: m[0] if m[1] in ids else m[2], body, flags=re.DOTALL)
    return Template((_TEMPLATES / "cxkit" / "shell.html").read_text("utf-8")).substitute(
        lang=escape(lang), title=escape(plain(title)), style=_style() + look.get("style", "") + _running(title),
        header=header.replace(HEADER, HEADER + look.get("logo", ""), 1),
        contents=_contents(body) if contents else "", body=_lean(_folded(body)).strip(), ways=_ways(links),
        footer=escape(FOOTER), script=f"<script>{script}</script>" if script else "",
        allowed=f" script-src 'sha256-{b64encode(sha256(script.encode()).digest()).decode()}';" if script else "",
    )  # fmt: skip


def _folded(body: str) -> str:
    """The body with its sections of reference closed; a link to one opens it, and what is open is printed."""

    def fold(part: str) -> str:
        found = re.match(rf'<h2 id="([^"]+)"{REFERENCE}>(.*?</h2>)', part, re.DOTALL)
        if not found:
            return part
        opens = f'<details class="cx-fold"><summary>Show this part</summary><div id="{found[1]}">'
        return f"<h2>{found[2]}{opens}{part[found.end() :].strip()}</div></details>\n"

    return "".join(fold(part) for part in re.split(r"(?=<h2 id=)", body))


def _lean(body: str) -> str:
    """The body without what drawings carry for a place that has no stylesheet: colours and font."""
    body = re.sub(r'style="[^"]*"', lambda m: re.sub(r",#\w+\)", ")", m[0]), body)
    return re.sub(r"<svg [^>]*>", lambda m: re.sub(r' font-[a-z]+="[^"]*"', "", m[0]), body)


def _running(title: str) -> str:
    """The style that prints a title at the head of each sheet; what is no letter or digit is written by its number."""
    told = "".join(c if c.isascii() and c.isalnum() else f"\\{ord(c):06x}" for c in plain(title, 70))
    return f'@page{{@top-left{{content:"{told}"}}}}'


def _ways(links: Mapping[str, str]) -> Html:
    """The way to other pages of the run."""
    found = join([tag("a", named(words), href=quote(file)) for file, words in links.items()], " · ")
    return tag("nav", tag("p", found), class_="cx-ways", aria_label="This run") if links else Html("")


def _header(title: str) -> Html:
    return tag("header", tag("h1", tag("bdi", shorten(title))), class_="cx-header")


def _contents(body: str) -> str:
    found = re.findall(r'<h2 id="([^"]+)"[^>]*>(.*?)</h2>', body, re.DOTALL)
    if len(found) < 2:
        return ""
    items = (tag("li", tag("a", unescape(re.sub(r"<[^>]*>", "", text)), href=f"#{key}")) for key, text in found)
    listed = tag("details", tag("summary", "Contents"), tag("ol", *items))
    return tag("nav", listed, class_="cx-toc", aria_label="Contents")


@lru_cache(1)
def _style() -> str:
    source = (_TEMPLATES / "cxkit" / "style.css").read_text("utf-8")
    source = re.sub(r"\n\s*", "", re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL))
    parts = re.split(r'("[^"]*")', source)  # what is quoted stays as it is
    return "".join(p if p[:1] == '"' else re.sub(r";?\s*([{};,>])\s*|(?<=:) ", r"\1", p) for p in parts)


@lru_cache(1)
def _exporter() -> Any:
    from nbconvert.exporters import templateexporter
    from traitlets.config import Config

    kinds = ["text/html", "image/svg+xml", "image/png", "image/jpeg", "text/markdown", "text/plain"]
    make: Any = templateexporter.TemplateExporter  # nbconvert comes without types
    exporter = make(
        config=Config({"NbConvertBase": {"display_data_priority": kinds}}),
        template_name="cxkit",
        template_file="index.html.j2",
        extra_template_basedirs=[str(_TEMPLATES)],
    )
    for name, function in {
        "prose": _prose,
        "own": _own,
        "picture": _picture,
        "shown": _shown,
        "marked": _marked,
    }.items():
        exporter.register_filter(name, function)
    return exporter


def _prose(cell: NotebookNode, state: dict[str, Any]) -> str:
    """Markdown as HTML: raw HTML is text, headings get ids, the cell that introduces the notebook goes."""
    text = _marked(cell.source, cell.get("attachments"))
    opening, state["opening"] = state["opening"], False
    if opening and text.lstrip().startswith("<h1>"):
        return ""
    role = REFERENCE if "reference" in cell.metadata.get("tags", []) else ""
    return re.sub(r"<h([1-6])>(.*?)</h\1>", lambda m: _heading(int(m[1]), m[2], role, state), text, flags=re.DOTALL)


def _marked(source: str | list[str], attachments: Any = None) -> str:
    """Markdown as HTML, of a cell or of an output."""
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    given = {"allow_harmful_protocols": False, "exclude_anchor_links": True, "attachments": attachments}
    made: str = MarkdownWithMath(renderer=IPythonRenderer(escape=True, **given)).render("".join(source))
    return made


def _heading(level: int, inner: str, role: str, state: dict[str, Any]) -> str:
    level = max(level, 2)
    words = unescape(re.sub(r"<[^>]*>", "", inner))
    key = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:60] or slug(words)
    return f'<h{level} id="{_free(key, state)}"{role if level == 2 else ""}>{inner}</h{level}>'


def _free(key: str, state: dict[str, Any]) -> str:
    """An id that the page does not have yet: the key itself, or with the next number."""
    found, number = key, 1
    while found in state["ids"]:
        number += 1
        found = f"{key}-{number}"
    state["ids"].add(found)
    return found


def _own(markup: str | list[str], state: dict[str, Any]) -> str:
    """The HTML of one output; ids that the page already has get a number, and so do the references inside it."""
    text = still("".join(markup))
    ids = list(dict.fromkeys(re.findall(r'\bid="([^"]+)"', text)))
    renamed = {key: free for key in ids if (free := _free(key, state)) != key}
    if not renamed:
        return text

    def rename(found: re.Match[str]) -> str:
        keys = (renamed.get(key, key) for key in found[2].split(" "))
        return f"{found[1]}{' '.join(keys)}{found[3]}"

    text = re.sub(r'(\b(?:id|aria-labelledby|aria-describedby)=")([^"]*)(")', rename, text)
    return re.sub(r'((?:href="#|url\(#))([^")]+)([")])', rename, text)


def _picture(output: NotebookNode, kind: str) -> str:
    """An image of a notebook's own, with the alternative text of its metadata."""
    data = "".join(output.data[kind])
    coded = b64encode(data.encode()).decode() if kind == "image/svg+xml" else re.sub(r"\s", "", data)
    metadata = output.get("metadata", {})
    alt = metadata.get("alt") or metadata.get(kind, {}).get("alt") or "Picture without a description"
    return f'<img src="data:{kind};base64,{escape(coded)}" alt="{escape(plain(alt, 1000))}">'


def _shown(text: str | list[str]) -> str:
    """Printed text, without the colour codes of a terminal."""
    lines = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", "".join(text)).split("\n")
    return escape("\n".join(clean(line) for line in lines))
