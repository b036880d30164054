"""How sizes, proxies and figures are written in sentences."""

from ablate.sizes import LADDER

_ROWS: dict[float, str] = {
    row.parameters: row.name for row in sorted(LADDER, key=lambda row: -len(row.name))
}
"""Of rows of the same shape, which no table of scores tells apart, the shorter name."""


def count_name(count: float) -> str:
    """Write a count of parameters or samples as people say it: 1.5e9 is `1.5B`, 500000 `500K`."""
    for unit, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")):
        if count >= unit:
            return f"{count / unit:.4g}{letter}"
    return f"{count:.4g}"


def size_name(parameters: float) -> str:
    """Name a model: the ladder's row of exactly this many parameters, else the count."""
    return _ROWS.get(parameters) or count_name(parameters)


def proxy_name(size: float, samples: float | None = None) -> str:
    """Name a rung of the ladder: `4B`, or `4B on 500K samples` where samples are told apart."""
    return size_name(size) + ("" if samples is None else f" on {count_name(samples)} samples")


def listed(words: list[str]) -> str:
    """Join words as a sentence does: `a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def figure(value: float | None, decimals: int = 3) -> str:
    """Write an agreement figure without a leading zero; a missing one is `-`."""
    if value is None:
        return "-"
    text = f"{value:.{decimals}f}"
    return (
        text.replace("0.", ".", 1)
        if abs(value) < 1 and not text.lstrip("-").startswith("1")
        else text
    )
