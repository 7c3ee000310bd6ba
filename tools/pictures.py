"""Takes the screenshots of the report for the documents; run by `make pictures`, in `.venv-browser`.

python pictures.py PAGE FOLDER
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

WIDTH = 1280
PICTURES = {"report.png": ("header", "#h-period"), "report-campaigns.png": ("#h-funnel", "#h-steps")}
"""Each spans from the top of one element to the end of another's section."""
MARGIN = 12


def main() -> None:
    """Take the screenshots."""
    page, folder = map(Path, sys.argv[1:])
    names = ("chromium", "chromium-browser", "google-chrome")
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if not program or not page.is_file():
        sys.exit(f"there is no {'Chromium: install it, or name it in CHROMIUM' if page.is_file() else page}")
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        options, environment = ["--no-sandbox", "--disable-gpu"], {"HOME": home, "PATH": os.environ["PATH"]}
        browser = playwright.chromium.launch(executable_path=program, args=options, env=environment)
        tab = browser.new_page(viewport={"width": WIDTH, "height": 900}, color_scheme="light")
        tab.goto(page.resolve().as_uri())
        tab.wait_for_selector("html[data-drawn]")
        for name, (first, last) in PICTURES.items():
            top = tab.evaluate(f"document.querySelector('{first}').getBoundingClientRect().top") - MARGIN
            bottom = tab.evaluate(f"document.querySelector('{last}').closest('section').getBoundingClientRect().bottom")
            clip = {"x": 0, "y": top, "width": WIDTH, "height": bottom + MARGIN - top}
            tab.screenshot(path=folder / name, full_page=True, clip=clip)
        browser.close()


main()
