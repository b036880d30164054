"""From notebooks to one self-contained HTML page: run in one kernel, shown without their code."""

import subprocess
from collections.abc import Mapping, Sequence
from importlib.resources import files
from itertools import takewhile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from analysis.pages.blocks import stylesheet


def publish(notebooks: Sequence[str], parameters: Mapping[str, Any], out: Path, title: str) -> Path:
    """Run notebooks of `analysis/notebooks` one after the other and write what they show.

    They share one kernel, so that what one has computed the next one finds.

    Args:
        notebooks: names without the ending.
        parameters: values for their cells tagged `parameters`, by name.
        out: the HTML file.
        title: of the page's tab.

    Returns:
        `out`.

    Raises:
        ValueError: what a cell raised as one, such as a table that cannot be used.
        RuntimeError: another error of a cell, with the place.
    """
    joined = run([read(name) for name in notebooks], parameters)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(as_html(joined, title), encoding="utf-8")
    return out


def read(name: str) -> Any:
    """The notebook of that name, as it lies in the package."""
    import nbformat

    text = (files("analysis") / "notebooks" / f"{name}.ipynb").read_text("utf-8")
    return nbformat.reads(text, as_version=4)


def run(notebooks: Sequence[Any], parameters: Mapping[str, Any]) -> Any:
    """One notebook of all cells with their outputs.

    Raises:
        ValueError: what a cell raised as one.
        RuntimeError: another error of a cell.
    """
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    joined = nbformat.v4.new_notebook()
    for notebook in notebooks:
        joined.cells += _with_parameters(notebook.cells, parameters)
    try:
        with TemporaryDirectory() as sockets:
            client = NotebookClient(
                joined,
                kernel_name="python3",
                kernel_manager_class=_kernel(sockets),
                timeout=None,
                shutdown_kernel="immediate",
            )
            # The kernel's own remarks; what a cell writes to stderr is an output.
            client.execute(stderr=subprocess.DEVNULL)
    except CellExecutionError as error:
        if error.ename == "ValueError":
            raise ValueError(error.evalue) from None
        raise RuntimeError(str(error)) from None
    return joined


def as_html(notebook: Any, title: str) -> str:
    """The page of an executed notebook: text and outputs, headings only where something follows."""
    from nbconvert import TemplateExporter
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    exporter = TemplateExporter(
        template_name="page",
        template_file="index.html.j2",
        extra_template_basedirs=[str(files("analysis") / "pages" / "templates")],
    )
    markdown = MarkdownWithMath(renderer=IPythonRenderer(exclude_anchor_links=True))
    exporter.register_filter("markdown", markdown.render)
    shown = notebook.copy()
    shown.cells = _told(notebook.cells)
    resources = {"title": title, "stylesheet": stylesheet()}
    page, _ = exporter.from_notebook_node(shown, resources)
    return page


def _with_parameters(cells: Sequence[Any], parameters: Mapping[str, Any]) -> list[Any]:
    """The cells, one with the values behind that tagged `parameters`: papermill's way."""
    import nbformat

    source = "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
    injected = nbformat.v4.new_code_cell(source, metadata={"tags": ["injected-parameters"]})
    at = [i + 1 for i, cell in enumerate(cells) if "parameters" in _tags(cell)]
    return [*cells[: at[0]], injected, *cells[at[0] :]] if at else list(cells)


def _told(cells: Sequence[Any]) -> list[Any]:
    """The cells of a page: none of the set-up, and no text over code that has nothing to show."""
    left = {"parameters", "injected-parameters", "setup"}
    shown = [cell for cell in cells if not _tags(cell) & left]
    return [
        cell
        for at, cell in enumerate(shown)
        if cell.cell_type == "code" or _leads_somewhere(shown[at + 1 :])
    ]


def _leads_somewhere(following: Sequence[Any]) -> bool:
    code = list(takewhile(lambda cell: cell.cell_type == "code", following))
    return not code or any(cell.outputs for cell in code)


def _tags(cell: Any) -> set[str]:
    return set(cell.metadata.get("tags", ()))


def _kernel(folder: str) -> type:
    """A kernel of this interpreter, whatever kernels are installed, that no network reaches."""
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager

    class OwnKernel(AsyncKernelManager):
        def __init__(self, **options: Any) -> None:
            own = KernelSpecManager(kernel_dirs=[])
            super().__init__(
                kernel_spec_manager=own, transport="ipc", ip=f"{folder}/kernel", **options
            )

    return OwnKernel
