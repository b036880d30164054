"""Notebooks: thin, clean, runnable as they stand, and the source of self-contained pages."""

import ast
import os
from pathlib import Path

import nbformat
import pytest

import analysis
from ablate.cli.source import gather, write_report
from analysis.pages import axis, consistency, health
from analysis.pages.publish import as_html, publish, run
from tests.analysis.pages.html import Page
from tests.analysis.planted import DATA

FOLDER = Path(analysis.__file__).parent / "notebooks"
NOTEBOOKS = {path.stem: nbformat.read(path, as_version=4) for path in FOLDER.glob("*.ipynb")}
APOLLO = str(DATA / "apollo_scaling_consistency.csv")


def code(name: str) -> list[str]:
    return [cell.source for cell in NOTEBOOKS[name].cells if cell.cell_type == "code"]


def tagged(name: str, tag: str) -> list:
    return [c for c in NOTEBOOKS[name].cells if tag in c.metadata.get("tags", ())]


def page_of(*cells: nbformat.NotebookNode) -> Page:
    return Page(as_html(nbformat.v4.new_notebook(cells=list(cells)), "<t>").partition(">")[2])


def shown(html: str) -> nbformat.NotebookNode:
    output = nbformat.v4.new_output("display_data", {"text/html": html})
    return nbformat.v4.new_code_cell("x", outputs=[output])


# === the files ===


def test_there_are_four() -> None:
    assert NOTEBOOKS.keys() == {"consistency", "axis", "health", "paper"}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_valid_and_committed_without_outputs(name: str) -> None:
    nbformat.validate(NOTEBOOKS[name])
    for cell in NOTEBOOKS[name].cells:
        assert not cell.get("outputs") and cell.get("execution_count") is None


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_only_calls_the_analysis(name: str) -> None:
    for source in code(name):
        tree = ast.parse(source)
        assert len(tree.body) <= 6
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                module = getattr(node, "module", None) or ""
                assert module.startswith("analysis.") or module == "ablate.cli.source"
            forbidden = ast.For, ast.While, ast.If, ast.FunctionDef, ast.Lambda, ast.comprehension
            assert not isinstance(node, forbidden), source


@pytest.mark.parametrize("name", ["consistency", "axis", "health"])
def test_a_notebook_has_one_cell_of_parameters(name: str) -> None:
    (cell,) = tagged(name, "parameters")
    assigned = {t.id for node in ast.parse(cell.source).body for t in node.targets}
    assert assigned == {"source"} | ({"axis"} if name == "axis" else set())


@pytest.mark.parametrize(
    ("name", "module"), [("consistency", consistency), ("axis", axis), ("health", health)]
)
def test_a_notebook_shows_every_block_of_its_module(name: str, module) -> None:
    public = {
        key for key, value in vars(module).items()
        if callable(value) and getattr(value, "__module__", "") == module.__name__
        and not key.startswith("_")
    }  # fmt: skip
    called = {
        node.func.attr
        for source in code(name)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert called == public


# === from cells to a page ===


def test_set_up_and_code_stay_out_of_the_page() -> None:
    setup = shown("secret")
    setup.metadata["tags"] = ["setup"]
    page = page_of(setup, shown("<p>told</p>"))
    assert page.text == "<t> told"


def test_a_heading_over_nothing_is_left_out() -> None:
    empty = nbformat.v4.new_code_cell
    heading = nbformat.v4.new_markdown_cell
    page = page_of(
        heading("## Gone"),
        empty("1"),
        empty("2"),
        heading("## Kept"),
        empty("3"),
        shown("a"),
        heading("## Text"),
    )
    assert page.text == "<t> Kept a Text"


def test_what_a_cell_prints_is_escaped() -> None:
    printed = nbformat.v4.new_output("stream", name="stdout", text="<script>x</script>")
    value = nbformat.v4.new_output("execute_result", {"text/plain": "<b>1</b>"})
    page = page_of(nbformat.v4.new_code_cell("x", outputs=[printed, value]))
    page.needs_nothing_else()
    assert page.text == "<t> <script>x</script> <b>1</b>"


# === in a kernel ===


@pytest.fixture(scope="module")
def apollo(tmp_path_factory) -> Path:
    source = {"table": APOLLO, "factors": ("setting", "mixture")}
    return write_report(source, tmp_path_factory.mktemp("page") / "deep" / "report.html")


def test_a_table_becomes_one_file_with_the_verdict_first(apollo: Path) -> None:
    assert [path.name for path in apollo.parent.iterdir()] == ["report.html"]
    page = Page(apollo.read_text().partition(">")[2])
    page.needs_nothing_else()
    assert "Trust proxies from 4B up to design for 7B." in page.text[:700]
    assert "Which decisions transfer" in page.text and "How the runs went" not in page.text
    # agreement, cost, three scatters, two factors
    assert sum(tag == "svg" for tag, _ in page.tags) == 7


def test_a_notebook_runs_with_the_values_it_is_given(tmp_path: Path) -> None:
    given = nbformat.v4.new_code_cell("value = 1", metadata={"tags": ["parameters"]})
    cells = [given, nbformat.v4.new_code_cell("import os; value, os.getcwd()")]
    done = run([nbformat.v4.new_notebook(cells=cells)], {"value": ["a'b", 2]})
    (output,) = done.cells[-1].outputs
    assert output.data["text/plain"] == str((["a'b", 2], os.getcwd()))


def test_input_that_cannot_be_used_is_told_as_everywhere(tmp_path: Path) -> None:
    source = {"study": "smoke", "store": str(tmp_path)}
    with pytest.raises(ValueError, match=f"^store {tmp_path}: no finished cell"):
        publish(["consistency"], {"source": source}, tmp_path / "r.html", "t")
    assert not list(tmp_path.iterdir())


def test_a_source_is_a_study_or_a_table() -> None:
    for source in ({}, {"study": "smoke", "table": APOLLO}):
        with pytest.raises(ValueError, match="give either 'study' or 'table'"):
            write_report(source, Path("never.html"))


def test_a_source_leaves_the_rest_to_the_command_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"^store {tmp_path}: no finished cell"):
        gather({"study": "smoke", "store": str(tmp_path), "size": ["10K"]})
    with pytest.raises(ValueError, match=r"^source: unknown sizes; choose from data, study, store"):
        gather({"study": "smoke", "sizes": ["10K"]})
