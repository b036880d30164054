"""The tables the Apollo paper prints (arXiv 2412.10360): its rankings, and ours next to them."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import pandas as pd

CATEGORIES = ("ocr", "spatial", "egocentric", "perception", "reasoning")
QUESTIONS = {"egocentric": 188}
"""Questions of a category: Tables 9-13 fit multiples of 1/200, the egocentric scores 1/188."""
OTHER_QUESTIONS = 200

STUDIES = {
    "sampling": ("sampling", "uniform"),
    "encoder": ("encoder",),
    "connector": ("connector",),
    "integration": ("integration",),
    "schedule": ("schedule",),
    "mixture": ("mixture",),
}
"""Axis -> studies of the paper that vary it."""


SCHEDULES = {
    "cl": "1-frozen",
    "vcl": "1-all",
    "c>cl": "2-connector",
    "vc>cl": "2-vision-then-llm",
    "vc>vcl": "2-vision-then-all",
    "c>vc>cl": "3-vision-then-llm",
    "c>vc>vcl": "3-vision-then-all",
}
"""Parts that learn in each stage -> the paper's schedule (Table 12)."""
CONNECTORS = {"mlp": "mlp-pool", "conv": "conv-pool", "perceiver": "perceiver"}
"""Kind of connector -> the paper's (Table 1)."""
INTEGRATIONS = {"plain": "none", "separators": "start-end"}
"""Kind of integration -> the paper's (Table 2), where the names differ."""


@dataclass(frozen=True)
class Published:
    """One variant of a study as the paper prints it."""

    variant: str
    score: float
    """ApolloBench Overall, in percent."""
    se: float
    """Standard error that the number of questions alone would give."""


def consistency() -> pd.DataFrame:
    """The 84 scores of Sec. 3 (Tables 14 and 15): 7 settings x 3 mixtures x 4 language models."""
    return pd.read_csv(_data("apollo_scaling_consistency.csv"), dtype={"setting": str})


def ablations() -> pd.DataFrame:
    """The scores of Secs. 4 and 5 (Tables 1, 2 and 8-13), one row per variant and benchmark."""
    return pd.read_csv(_data("apollo_ablations.csv"))


@cache
def mixtures() -> dict[str, str]:
    """The paper's number of a mixture -> its shares as our labels write them (Table 13)."""
    table = ablations()
    rows = table[table.study == "mixture"].drop_duplicates("variant")
    shares = zip(rows.text, rows.image, rows.multi_image, rows.video, strict=True)
    return {
        str(variant): shares_label(*each)
        for variant, each in zip(rows.variant, shares, strict=True)
    }


def shares_label(text: float, image: float, multi_image: float, video: float) -> str:
    """Name of a mixture by its shares in percent."""
    return f"t{text:g}-i{image:g}-m{multi_image:g}-v{video:g}"


def published_ranking(study: str) -> tuple[Published, ...]:
    """The variants of a study by ApolloBench Overall, best first.

    Raises:
        ValueError: an unknown study.
    """
    table = ablations()
    rows = table[table.study == study]
    if rows.empty:
        raise ValueError(f"unknown study {study!r}; choose from {', '.join(table.study.unique())}")
    scores = rows.pivot(index="variant", columns="benchmark", values="score")
    scores.columns = scores.columns.str.removeprefix("apollobench_")
    ranked = [
        Published(str(variant), float(row["overall"]), _question_noise(row))
        for variant, row in scores.iterrows()
    ]
    return tuple(sorted(ranked, key=lambda found: (-found.score, found.variant)))


def _data(name: str) -> str:
    return str(files("analysis") / "data" / name)


def _question_noise(row: "pd.Series[float]") -> float:
    """Overall is the mean of five categories, each a share of its questions, in percent."""
    variances = [
        row[category] * (100 - row[category]) / QUESTIONS.get(category, OTHER_QUESTIONS)
        for category in CATEGORIES
    ]
    return float(sum(variances)) ** 0.5 / len(CATEGORIES)
