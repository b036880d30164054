"""What the paper's own scores say of small sizes."""

import pytest

from ablate.sizes import LADDER, size_row
from analysis.conclusions.proxies import published_r2, size_warning
from analysis.paper.reanalysis import PRINTED


def test_the_bundled_scores_give_the_printed_figures() -> None:
    printed = {proxy: r2 for (proxy, target), r2 in PRINTED.items() if target == 7e9}
    assert published_r2() == pytest.approx(printed, abs=1e-3)


def test_only_pretrained_rows_below_the_critical_size_are_warned_of() -> None:
    warned = [size.name for size in LADDER if size_warning([size])]
    assert warned == ["135M", "smollm2-135M", "qwen2-0.5B", "0.5B"]


def test_the_warning_names_the_rows_once_and_gives_the_figures() -> None:
    rows = [size_row(name) for name in ("0.5B", "0.5B", "3B", "135M")]
    text = size_warning(rows)
    assert text is not None and "\n" not in text
    assert text.startswith("0.5B and 135M: below the critical size")
    assert "0.69 at 0.5B, 0.83 at 1.5B and 0.94 at 4B" in text
    assert size_warning([]) is None
