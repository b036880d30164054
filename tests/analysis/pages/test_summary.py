"""The page for a terminal: fits 80 columns, names every proxy's zone, hides no sign."""

import numpy as np
import pandas as pd
import pytest

from ablate.sizes import LADDER, NAMES, size_row
from analysis import fit
from analysis.pages.summary import as_text, zone_of
from analysis.statistics.curve import CurvePoint
from analysis.words import count_name, figure, listed, proxy_name, size_name
from tests.analysis.planted import apollo, ladder, table


def test_the_papers_table_on_one_page() -> None:
    text = as_text(fit(apollo(), factors=("setting", "mixture")))
    assert max(map(len, text.splitlines())) <= 80
    assert "Trust proxies from 4B up." in text
    for line in ("4B", "1.5B", "500M"):
        assert any(row.split()[:1] == [line] for row in text.splitlines())
    assert "certified" in text and "plausible" in text and "57.1%" in text
    assert "one_seed" in text and "Not measured." in text


def test_data_sizes_fit_the_page_too() -> None:
    rng = np.random.default_rng(0)
    scores = ladder(rng, 30, {1.5e9: 0.95, 4e9: 0.97, 7e9: 1.0})
    frame = table(scores, samples=1e6, benchmark="a benchmark")
    less = frame[frame["size"] < 7e9].assign(samples=2.5e5)
    less["score"] += 0.3 * rng.standard_normal(len(less))
    text = as_text(fit(pd.concat([frame, less])))
    assert max(map(len, text.splitlines())) <= 80
    assert "250K" in text and "Data at 4B" in text and "…" not in text


def test_zones() -> None:
    rng = np.random.default_rng(1)
    scores = ladder(rng, 40, {1.0: 0.1, 2.0: 0.85, 4.0: 0.99, 8.0: 1.0})
    result = fit(table(scores))
    zones = {point.size: zone_of(point, result) for point in result.headline}
    assert zones[4.0] == "certified" and zones[1.0] == "excluded"
    assert zones[2.0] in ("plausible", "open")
    few = fit(table({size: side[:5] for size, side in scores.items()}))
    assert {zone_of(point, few) for point in few.headline} == {"not judged"}
    assert "No verdict." in as_text(few)


def test_no_proxy_leaves_only_the_refusal() -> None:
    text = as_text(fit(apollo().query("size == 7e9")))
    assert text.startswith("No verdict.") and "proxy  " not in text


def test_a_negative_r_is_shown() -> None:
    y = np.random.default_rng(2).standard_normal(21)
    result = fit(table({1.0: -y + 0.1 * y**2, 2.0: y}))
    assert "r<0" in as_text(result)
    assert isinstance(result.headline[0], CurvePoint)


@pytest.mark.parametrize(
    ("count", "name"),
    [
        (7e9, "7B"),
        (1.5e9, "1.5B"),
        (494_032_768, "494M"),
        (5e5, "500K"),
        (124, "124"),
        (1e12, "1T"),
    ],
)
def test_counts_as_people_say_them(count: float, name: str) -> None:
    assert count_name(count) == name


def test_sizes_of_our_ladder_go_by_their_row() -> None:
    assert {size_name(row.parameters) for row in LADDER} <= set(NAMES)
    assert [size_name(size_row(name).parameters) for name in ("10K", "0.5B", "7B")] == [
        "10K", "0.5B", "7B",
    ]  # fmt: skip
    assert size_name(float(LADDER[1].parameters)) == "30K"
    assert size_name(LADDER[1].parameters + 1) == "31.07K" and size_name(4e9) == "4B"
    rng = np.random.default_rng(3)
    scores = ladder(rng, 21, {float(row.parameters): 0.9 for row in LADDER[:2]})
    scores[float(LADDER[2].parameters)] = rng.standard_normal(21)
    text = as_text(fit(table(scores)))
    assert "Agreement with 100K" in text and "at 30K the" in text
    assert {"10K", "30K"} <= {word for line in text.splitlines() for word in line.split()[:1]}


def test_words() -> None:
    assert proxy_name(4e9) == "4B" and proxy_name(4e9, 5e5) == "4B on 500K samples"
    assert listed(["a"]) == "a" and listed(["a", "b", "c"]) == "a, b and c"
    assert [figure(v) for v in (0.9384, 1.0, 0.9996, -0.25, None)] == [
        ".938", "1.000", "1.000", "-.250", "-",
    ]  # fmt: skip
