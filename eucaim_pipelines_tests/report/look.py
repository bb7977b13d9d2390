"""Open every report of a site in Chromium: no request, no accessibility violation, and pictures to look at.

Run by `make look`; the suite itself needs no browser (`test_structure`).
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Request, sync_playwright

CHROMIUM = "/usr/bin/chromium"
WIDTHS = (1280, 390)
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def main(site: Path, axe: Path, pictures: Path) -> int:
    """Look at the reports in `site`; the exit code says whether all of them are in order."""
    pictures.mkdir(parents=True, exist_ok=True)
    faults: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name, path in reports(site):
            for width in WIDTHS:
                page = browser.new_page(viewport={"width": width, "height": 900})
                faults += [f"{name} at {width}: {each}" for each in look(page, path, axe.read_text("utf-8"))]
                page.screenshot(path=pictures / f"{name}_{width}.png", full_page=True)
                page.close()
            page = browser.new_page()
            page.goto(path.as_uri())
            page.pdf(path=pictures / f"{name}.pdf", format="A4", prefer_css_page_size=True)
            page.close()
        browser.close()
    for fault in faults:
        print(fault)  # noqa: T201
    print(f"{len(faults)} faults in {len(list(reports(site)))} reports; pictures in {pictures}")  # noqa: T201
    return 1 if faults else 0


def reports(site: Path) -> Iterator[tuple[str, Path]]:
    """Name and path of both editions of every tier of every dataset."""
    for path in sorted((site / "restricted").glob("*/tier_*/report.html")):
        dataset, tier = path.parts[-3:-1]
        yield f"{dataset}_{tier}_local", path
        yield f"{dataset}_{tier}_shareable", path.parents[1] / "releasable" / tier / path.name


def look(page: Page, path: Path, axe: str) -> list[str]:
    """What is wrong with a page: requests, violations of accessibility, a body wider than the window."""
    asked: list[str] = []
    page.on("request", lambda request: _ask(request, path, asked))
    page.goto(path.as_uri())
    page.evaluate(axe)
    faults = _violations(page)
    folded = page.evaluate(
        "[...document.querySelectorAll('details:not([open])')].map(d => d.open = true).length"
    )
    faults += _violations(page) if folded else []
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    page.reload()
    return faults + [f"asks for {url}" for url in asked] + ([f"is {wide} px too wide"] if wide > 0 else [])


def _violations(page: Page) -> list[str]:
    """What axe-core says of the page as it stands."""
    found: list[dict[str, Any]] = page.evaluate(
        "tags => axe.run(document, {runOnly: tags}).then(done => done.violations)", TAGS
    )
    return [
        f"{each['id']}: {each['help']} ({'; '.join(' '.join(node['target']) for node in each['nodes'][:3])})"
        for each in found
    ]


def _ask(request: Request, path: Path, asked: list[str]) -> None:
    if request.url != path.as_uri():
        asked.append(request.url)


if __name__ == "__main__":
    sys.exit(main(*(Path(each).resolve() for each in sys.argv[1:4])))
