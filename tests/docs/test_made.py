"""What the documentation takes from the code is what the code says now."""

from pathlib import Path

import matplotlib
import pytest

from docs.make import figures, reference
from tests.analysis.pages.test_figures import JUDGED_WITH
from tests.docs.pages import PAGES, ROOT

FOLDER = ROOT / "docs"


@pytest.mark.parametrize("name", reference.pages())
def test_a_page_of_the_reference_is_up_to_date(name: str) -> None:
    made = reference.pages()[name]
    assert (FOLDER / "reference" / name).read_text() == made, "run `make docs`"


def test_the_reference_has_no_other_page() -> None:
    assert {path.name for path in (FOLDER / "reference").iterdir()} == reference.pages().keys()


def test_the_reference_explains_every_option_and_target() -> None:
    for line in reference.cli().splitlines():
        assert not line.startswith("| `--") or not line.endswith("|  |"), line


@pytest.mark.skipif(
    not matplotlib.__version__.startswith(f"{JUDGED_WITH}."),
    reason=f"the figures were drawn with matplotlib {JUDGED_WITH}",
)
@pytest.mark.parametrize("name", figures.FIGURES)
def test_a_figure_is_what_its_data_give(name: str, tmp_path: Path) -> None:
    drawn = figures.write(name, tmp_path).read_text()
    assert (FOLDER / "figures" / f"{name}.svg").read_text() == drawn, "run `make docs`"


def test_every_figure_is_shown_and_every_shown_one_is_made() -> None:
    shown = {
        name
        for page in PAGES
        for name in figures.FIGURES
        if f"figures/{name}.svg)" in page.read_text()
    }
    assert shown == figures.FIGURES.keys()
    assert {path.stem for path in (FOLDER / "figures").iterdir()} == shown
