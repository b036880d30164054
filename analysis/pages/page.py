"""HTML pages that hold all they need: templates, styles and figures in one file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from matplotlib.figure import Figure

from analysis.pages.plots.style import inline_svg
from analysis.pages.verdict import share, within
from analysis.words import figure, size_name


@dataclass(frozen=True)
class Drawing:
    """A figure of a page."""

    section: str
    """Where it stands."""
    name: str
    """File stem."""
    figure: Figure
    caption: str


def write_page(template: str, out: Path, drawings: Sequence[Drawing], **context: Any) -> Path:
    """Fill a template and write the page; every name from data is escaped.

    Args:
        template: its path in `analysis`; it extends `pages/page.html.j2`.
        out: the HTML file.
        drawings: figures, which the template finds by section.
        context: everything else the template names.

    Returns:
        `out`.
    """
    page = _environment().get_template(template)
    text = page.render(drawings=_inlined(drawings), **context)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8")
    return out


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("analysis", "."),
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


def _inlined(drawings: Sequence[Drawing]) -> dict[str, list[tuple[Markup, str]]]:
    """Section -> markup, trusted because matplotlib escapes what it writes, and caption."""
    sections: dict[str, list[tuple[Markup, str]]] = {}
    for one in drawings:
        markup = Markup(inline_svg(one.figure, one.caption))
        sections.setdefault(one.section, []).append((markup, one.caption))
    return sections


def _brackets(limits: tuple[float, float] | None) -> str:
    return "" if limits is None else within(limits).removeprefix("95% ")
