"""Reading and checking: good tables in many spellings, bad ones with one line that says where."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.tables.table import NO_LEVEL, check_table, read_table

GOOD = "variant,size,score\na,1e9,0.5\nb,1e9,\na,2e9,0.7\nb,2e9,.8\n"


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "scores.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refusal(folder: Path, text: str, *factors: str, columns: dict[str, str] | None = None) -> str:
    """The line that refuses a file of scores."""
    with pytest.raises(ValueError) as caught:
        check_table(read_table(written(folder, text), columns), factors)
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_csv_and_parquet_hold_the_same_table(tmp_path: Path) -> None:
    from_csv = check_table(read_table(written(tmp_path, GOOD)))
    frame = pd.DataFrame(
        {"variant": list("abab"), "size": [1e9, 1e9, 2e9, 2e9], "score": [0.5, None, 0.7, 0.8]}
    )
    frame.to_parquet(tmp_path / "scores")
    from_parquet = check_table(read_table(tmp_path / "scores"))
    assert from_csv.variants == from_parquet.variants == ("a", "b")
    np.testing.assert_array_equal(from_csv.score, from_parquet.score)
    np.testing.assert_array_equal(from_csv.size, from_parquet.size)
    assert np.isnan(from_csv.score).tolist() == [False, True, False, False]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + GOOD,
        GOOD.replace("\n", "\r\n"),
        "\n\n" + GOOD + "\n,,\n",
        GOOD.replace("variant,size", " variant ,size").replace("a,", " a ,"),
        "ignored," + GOOD.replace("\n", "\n=1+1,").removesuffix("=1+1,"),
    ],
)
def test_spellings_of_one_table(tmp_path: Path, text: str) -> None:
    table = check_table(read_table(written(tmp_path, text)))
    assert table.variants == ("a", "b")
    assert np.nansum(table.score) == pytest.approx(2.0)


def test_columns_are_mapped_and_hide_those_of_the_same_name(tmp_path: Path) -> None:
    text = "recipe,size,params,score\na,small,1,2\nb,small,1,3\n"
    frame = read_table(written(tmp_path, text), {"variant": "recipe", "size": "params"})
    table = check_table(frame)
    assert table.variants == ("a", "b") and table.size.tolist() == [1, 1]


def test_labels_sort_by_value_and_keep_their_spelling() -> None:
    frame = pd.DataFrame(
        {"variant": [10, 9, 8], "size": 1, "score": 1.0, "f": [2.0, 10.0, np.nan], "g": [*"ba", ""]}
    )
    table = check_table(frame, ("f", "g"))
    assert table.variants == ("8", "9", "10")
    assert table.levels == {"f": ("2", "10", NO_LEVEL), "g": (NO_LEVEL, "a", "b")}


def test_an_optional_column_without_values_is_absent() -> None:
    frame = pd.DataFrame({"variant": ["a"], "size": [1], "score": [1], "benchmark": [None]})
    assert check_table(frame.assign(samples=np.nan)).benchmarks == (None,)
    assert check_table(frame.assign(samples=np.nan)).samples is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("variant,size,score,cost\na,1,2,-3\n", ("'cost'", "row 2", "'-3'", "negative")),
        ("variant,size,score\na,1,46%\n", ("'score'", "row 2", "'46%'")),
        ("variant,size,score\na,1,=1+1\n", ("'score'", "row 2", "'=1+1'")),
        ("variant,size,score\na,1,inf\n", ("'score'", "row 2", "'inf'")),
        ("variant,size,score\na,1,nan\n", ("'score'", "row 2", "'nan'")),
        ("variant,size,score\na,1,1e999\n", ("'score'", "row 2", "'1e999'")),
        ("variant,size,score\na,1,1_000\n", ("'score'", "'1_000'")),
        ('variant,size,score\na,1,"0,5"\n', ("'score'", "'0,5'")),
        ("variant,size,score\na,1,2\n\nb,7B,3\n", ("'size'", "row 4", "'7B'")),
        ("variant,size,score\na,,2\n", ("'size'", "row 2", "empty")),
        ("variant,size,score\na,-1,2\n", ("'size'", "row 2", "positive")),
        ("variant,size,score\n,1,2\n", ("'variant'", "row 2", "empty")),
        ("variant,size,score,cost\na,1,2,free\n", ("'cost'", "row 2", "'free'")),
        ("variant,size,score,samples\na,1,2,5\nb,1,2,\n", ("'samples'", "row 3", "empty")),
        ("variant,size,score,benchmark\na,1,2,x\nb,1,2,\n", ("'benchmark'", "row 3")),
        ("variant,size,score\na,1,2\nb,1,2\na,1,3\n", ("rows 2 and 4", "'a'")),
        ("variant,size,score\na,1,2\na,1.0,\n", ("rows 2 and 3", "'a'")),
        ("variant,size,score,seed\na,1,2,\na,1,3,\n", ("rows 2 and 3", "'a'")),
        ("variant,size,points\na,1,2\n", ("'score'", "'points'")),
        ("variant;size;score\na;1;2\n", ("'variant'", "'variant;size;score'")),
        ("variant,size,score,score\na,1,2,3\n", ("2 columns", "'score'")),
        ("variant,size,score\n", ("no rows",)),
        ("", ("scores.csv",)),
        ("\n\n", ("cannot be read",)),
        ("variant,size,score\na,1,2,3\n", ("scores.csv", "line 2")),
    ],
)
def test_one_line_says_what_is_wrong_and_where(
    tmp_path: Path, text: str, told: tuple[str, ...]
) -> None:
    line = refusal(tmp_path, text)
    assert all(part in line for part in (*told, "scores.csv"))


@pytest.mark.parametrize("odd", [{"a": 1}, [1, 2], np.array([1.0])])
def test_cells_that_are_no_labels_are_refused(odd: object) -> None:
    frame = pd.DataFrame({"variant": ["a", "b"], "size": 1.0, "score": 1.0, "f": ["x", "y"]})
    for name in ("variant", "f"):
        bad = frame.assign(**{name: pd.Series([frame[name][0], odd], dtype=object)})
        with pytest.raises(ValueError, match=f"column '{name}', row 1: .* is no label") as caught:
            check_table(bad, ("f",))
        assert "\n" not in str(caught.value)


def test_a_variant_has_one_level_of_a_factor(tmp_path: Path) -> None:
    text = "variant,size,score,f\na,1,2,x\nb,1,2,x\na,2,3,y\n"
    line = refusal(tmp_path, text, "f")
    assert all(part in line for part in ("'a'", "'f'", "'x'", "'y'"))


def test_factors_are_columns_of_their_own(tmp_path: Path) -> None:
    assert "'setting'" in refusal(tmp_path, GOOD, "setting")
    assert "'size'" in refusal(tmp_path, GOOD, "size")


def test_only_known_columns_can_be_mapped(tmp_path: Path) -> None:
    assert "benchmark" in refusal(tmp_path, GOOD, columns={"scor": "score"})
    assert "'recipe'" in refusal(tmp_path, GOOD, columns={"variant": "recipe"})


@pytest.mark.parametrize("content", [b"\x1f\x8b\x08\x00garbage", b"PAR1garbage", b"\xff\xfe\x00"])
def test_unreadable_files(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ValueError, match=r"scores\.csv"):
        check_table(read_table(written(tmp_path, content)))
    with pytest.raises(ValueError, match="no such file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(ValueError, match="cannot be read"):
        read_table(tmp_path)


cells = st.one_of(
    st.sampled_from(["", "a", "b", "1", "2", "0.5", "nan", "inf", "-3", "1e400", " ", '"', "x\ny"]),
    st.text(max_size=6),
)
headers = st.sampled_from(
    ["variant", "size", "score", "seed", "benchmark", "samples", "f", "", "é"]
)


@given(
    st.one_of(
        st.binary(max_size=200),
        st.tuples(
            st.lists(headers, min_size=3, max_size=5),
            st.lists(st.lists(cells, min_size=1, max_size=5), max_size=5),
        ),
    )
)
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_text_gives_a_table_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, content: bytes | tuple[list[str], list[list[str]]]
) -> None:
    if not isinstance(content, bytes):
        header, rows = content
        quoted = [['"' + cell.replace('"', '""') + '"' for cell in row] for row in rows]
        lines = [",".join(row) for row in [header, *quoted]]
        content = "\n".join(lines).encode("utf-8", "replace")
    path = written(tmp_path_factory.getbasetemp(), content)
    try:
        table = check_table(read_table(path))
    except ValueError as error:
        assert "\n" not in str(error) and str(error)
    else:
        assert len(table.score) == len(table.variant) > 0


@given(st.lists(st.one_of(st.none(), st.text(max_size=4), st.floats(), st.integers()), min_size=1))
@settings(max_examples=100, deadline=None)
def test_any_column_of_a_frame_gives_a_table_or_one_line(values: list[object]) -> None:
    frame = pd.DataFrame({"variant": range(len(values)), "size": 1.0, "score": pd.Series(values)})
    for bad in (frame, frame.assign(size=frame.score), frame.assign(variant=frame.score)):
        try:
            check_table(bad)
        except ValueError as error:
            assert "\n" not in str(error)


def test_a_million_rows_are_checked_in_seconds() -> None:
    n = 250_000
    frame = pd.DataFrame(
        {
            "variant": np.tile([f"v{i}" for i in range(n)], 4),
            "size": np.repeat([1.0, 2.0, 3.0, 4.0], n),
            "score": np.arange(4.0 * n),
        }
    )
    assert len(check_table(frame).variants) == n
