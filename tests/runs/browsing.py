"""A browser, and the validators of `tests/web`, for the tests that look at finished pages."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
WEB = ROOT / "tests" / "web"
AXE = WEB / "node_modules" / "axe-core" / "axe.min.js"
VALIDATOR = WEB / "node_modules" / "html-validate" / "bin" / "html-validate.mjs"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
needs_axe = pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: npm ci --prefix tests/web")
needs_validator = pytest.mark.skipif(
    not VALIDATOR.exists() or shutil.which("node") is None,
    reason="html-validate is not installed: npm ci --prefix tests/web",
)
MODES: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "narrow": {"viewport": {"width": 360, "height": 780}, "color_scheme": "light"},
}


def build(parameters: Path, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the product on a parameters file; the shelf is `out`."""
    command = [sys.executable, "-m", "cxkit", "run", str(parameters), "--out", str(out), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env={**os.environ})


@contextlib.contextmanager
def browser() -> Iterator[Any]:
    """Chromium; ended with the test module, because the event loop of its driver would disturb other modules."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        try:
            yield opened
        finally:
            opened.close()


class Seen:
    """What a page did while it was looked at: requests, messages of the console, dialogs."""

    def __init__(self, tab: Any) -> None:
        self.requests: list[str] = []
        self.console: list[str] = []
        self.dialogs: list[str] = []
        tab.on("request", lambda request: self.requests.append(request.url))
        tab.on("console", lambda message: self.console.append(message.text))
        tab.on("pageerror", lambda error: self.console.append(str(error)))
        tab.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))


@contextlib.contextmanager
def looking(opened: Any, page: Path, mode: str = "light") -> Iterator[tuple[Any, Seen]]:
    """A page from disk in one mode, with every table that is one click away opened, and what it does meanwhile."""
    tab = opened.new_page(**MODES[mode])
    seen = Seen(tab)
    try:
        tab.goto(page.as_uri())
        tab.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        yield tab, seen
    finally:
        tab.close()


def validity(pages: Iterable[Path]) -> list[str]:
    """What html-validate finds wrong, one line each (in a title it counts `&lt;` as four characters)."""
    command = ["node", str(VALIDATOR), "--config", str(WEB / "htmlvalidate.json"), "--formatter", "json"]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:  # node leaves a pipe before it has written everything
        done = subprocess.run([*command, *map(str, pages)], stdout=said, check=False, cwd=WEB)
        assert done.returncode in (0, 1)
        said.seek(0)
        found_in = json.load(said)
    return [
        f"{Path(file['filePath']).name}:{found['line']}: {found['ruleId']}: {found['message']}"
        for file in found_in
        for found in file["messages"]
    ]
