"""The page as a reader sees it: verdict in the first screen, every figure drawn, no complaint."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ablate.cli.source import write_report
from tests.analysis.pages.figures import reversal
from tests.browser import FOUND, Browser

pytestmark = pytest.mark.skipif(
    FOUND is None, reason="no Chromium here: `apt-get install chromium`, as .ci/run does"
)
SCREENS = {"phone": (360, 740), "desk": (1280, 800)}

BOX = "document.querySelector({!r}).getBoundingClientRect().{}"
FIGURES = """
Array.from(document.querySelectorAll("figure svg"), svg => {
  const box = svg.getBoundingClientRect();
  return {x: box.x, y: box.y + scrollY, width: box.width, height: box.height,
          marks: svg.querySelectorAll("path").length, words: svg.querySelectorAll("text").length};
})
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("browser")
    reversal().frame.to_csv(folder / "scores.csv", index=False)
    source = {"table": str(folder / "scores.csv"), "factors": list(reversal().factors)}
    return write_report(source, folder / "report.html")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as found:
        yield found


@pytest.mark.parametrize(("width", "height"), SCREENS.values(), ids=SCREENS)
def test_a_report_reads_well_on_every_screen(
    browser: Browser, report: Path, tmp_path: Path, width: int, height: int
) -> None:
    browser.open(report, width, height)
    assert browser.value("document.querySelector('.verdict strong').innerText") == (
        "Trust proxies from 500M up to design for 7B."
    )
    told = browser.value("document.querySelector('.verdict').innerText")
    assert "sampling from 500M (3 of 3, 7.1%)" in told and "Run next:" in told
    # Verdict, axes, the next step, the cost and the confidence: without scrolling.
    assert browser.value(BOX.format(".verdict", "bottom")) <= height
    assert browser.value(BOX.format(".tile:nth-child(2)", "bottom")) <= height
    assert browser.value("document.documentElement.scrollWidth") <= width

    # agreement, cost, four scatters, three axes
    figures = browser.value(FIGURES)
    assert len(figures) == 9
    shot = np.asarray(Image.open(browser.picture(tmp_path / "page.png")).convert("L"), float)
    for figure in figures:
        assert figure["width"] >= 0.7 * min(width, 450) and figure["height"] > 100
        assert figure["marks"] > 10 and figure["words"] > 5
        left, top = round(figure["x"]), round(figure["y"])
        drawn = shot[top : top + round(figure["height"]), left : left + round(figure["width"])]
        assert (drawn < 200).mean() > 0.005
    assert browser.complaints() == []
    assert browser.requests() == [report.resolve().as_uri()]


def test_what_breaks_a_page_is_seen(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "broken.html"
    page.write_text("<script>console.error('no'); nothing.here</script><img src='gone.png'>")
    browser.open(page, 360, 740)
    assert {event["method"] for event in browser.complaints()} == {
        "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded",
    }  # fmt: skip
    assert len(browser.requests()) == 2
