"""First screens of a shelf, as pictures for the README: `python docs/screenshots.py reports/demo docs`.

Needs the `dev` extra and a Chromium; nothing else here does.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

PAGES = {"report": "brimvale.html", "overview": "overview.html", "index": "index.html"}
SCREENS = {"": (1280, 960), "-phone": (390, 844)}


def main() -> None:
    """Open each page from disk on a desktop and a phone, and keep what fits the screen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shelf", type=Path)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for suffix, (width, height) in SCREENS.items():
            page = browser.new_page(viewport={"width": width, "height": height})
            for name, file in PAGES.items():
                page.goto((given.shelf / file).resolve().as_uri())
                page.screenshot(path=given.folder / f"{name}{suffix}.png")
        browser.close()


if __name__ == "__main__":
    main()
