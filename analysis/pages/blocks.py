"""Pieces of a page: what a notebook shows and a report is put together from."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup
from matplotlib.figure import Figure

from analysis.pages.plots.style import inline_svg
from analysis.pages.verdict import share, within
from analysis.words import figure, size_name


@dataclass(frozen=True)
class Block:
    """A piece of HTML in which every name that came from data is escaped."""

    html: str

    def _repr_html_(self) -> str:
        return self.html


@dataclass(frozen=True)
class Drawing:
    """A figure with what it shows in words."""

    name: str
    """File stem."""
    figure: Figure
    caption: str


def block(template: str, drawings: Sequence[Drawing] = (), **context: Any) -> Block:
    """Fill a template.

    Args:
        template: its name in `analysis/pages/templates`, without the ending.
        drawings: figures, which the template finds as `drawings`: markup and caption.
        context: everything else the template names.
    """
    # Trusted, because matplotlib escapes what it writes.
    inlined = [(Markup(inline_svg(one.figure, one.caption)), one.caption) for one in drawings]
    return Block(
        _templates().get_template(f"{template}.html.j2").render(drawings=inlined, **context)
    )


def style() -> Block:
    """The style sheet of all blocks; a notebook shows it once, a report holds it in its head."""
    return Block(f"<style>{stylesheet()}</style>")


def stylesheet() -> str:
    """The rules, which reach nothing outside `.ablate` and notebook outputs."""
    return (files("analysis") / "pages" / "templates" / "style.css").read_text("utf-8")


@cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("analysis.pages"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {
        "figure": figure,
        "size": size_name,
        "share": share,
        "interval": _brackets,
        "plain": lambda value: "-" if value is None else f"{value:.3g}",
    }
    return environment


def _brackets(limits: tuple[float, float] | None) -> str:
    return "" if limits is None else within(limits).removeprefix("95% ")
