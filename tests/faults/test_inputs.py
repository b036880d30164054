"""Input with anything wrong in it gives one line that names it; never a traceback."""

import contextlib
import csv
import io
import itertools
import json
import math
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ablate.cli import main
from ablate.data.annotations import read_conversations, read_questions
from ablate.data.description import read_description
from ablate.data.guard import Killed, Limits, guarded
from ablate.data.sources import Source
from ablate.plan import check_cell
from ablate.spec import Cell, from_dict, to_dict
from analysis.tables.table import check_table, read_table
from tests.cells import small_cell
from tests.data.outside import write_dataset
from tests.faults.mutants import DAMAGE
from tests.faults.scribbles import Draw, scribble, smudge

Try = Callable[[Draw], str]
"""Makes one bad input, hands it over, and says what came of it."""
REFUSED, ACCEPTED = "refused", "accepted"


def _fuzz(attempt: Try, count: int) -> None:
    """Tries `count` inputs, the same ones every time, and prints what came of them."""
    outcomes: Counter[str] = Counter()

    @settings(
        max_examples=count, database=None, deadline=None, derandomize=True,
        suppress_health_check=list(HealthCheck), phases=(Phase.generate,),
    )  # fmt: skip
    @given(st.data())
    def check(data: st.DataObject) -> None:
        outcomes[attempt(data.draw)] += 1

    check()
    print(f"\n{outcomes.total()} inputs: {dict(outcomes)}")
    assert outcomes[REFUSED] > count / 10


def _refused(act: Callable[[], Any], *named: object) -> Any:
    """What `act` gives, or None after a ValueError of one line that names what is wrong."""
    try:
        return act()
    except ValueError as error:
        text = str(error)
        assert text and "\n" not in text and len(text) < 7000, text
        assert any(str(name) in text for name in named), text
        return None


def _called(*arguments: object) -> tuple[int, str, str]:
    """The program on a command line: exit code, stdout, stderr; whatever it raises is a fault."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as stopped:
            code = int(stopped.code or 0)
    assert code in (0, 1, 2), code
    assert err.getvalue().count("\n") == (1 if code == 2 else 0), err.getvalue()
    return code, out.getvalue(), err.getvalue()


# === annotations ===


def annotations(tmp_path: Path) -> Try:
    write_dataset(tmp_path, videos=2, pictures=2)
    kinds = [
        ("stills.json", read_conversations, "id"), ("shots.jsonl", read_conversations, "id"),
        ("questions.json", read_questions, "question_id"),
    ]  # fmt: skip

    def attempt(draw: Draw) -> str:
        name, reader, _ = draw(st.sampled_from(kinds))
        text = (tmp_path / name).read_text()
        rows = (
            [json.loads(line) for line in text.splitlines()]
            if "shots" in name
            else json.loads(text)
        )
        path = tmp_path / f"bad-{name}"
        if draw(st.booleans()):
            path.write_bytes(smudge(draw, (tmp_path / name).read_bytes()))
        elif name.endswith("l"):
            spoiled = scribble(draw, rows)
            lines = spoiled if isinstance(spoiled, list) else [spoiled]
            path.write_text("\n".join(map(json.dumps, lines)))
        else:
            path.write_text(json.dumps(scribble(draw, rows)))
        found = _refused(lambda: reader(Source("s", path, tmp_path / "media")), path)
        if found is None:
            return REFUSED
        content = path.read_bytes()
        said = (
            [json.loads(line) for line in content.split(b"\n") if line.strip()]
            if name.endswith("l") else json.loads(content)
        )  # fmt: skip
        assert len(found) == len(said)
        for one, row in zip(found, said, strict=True):
            if reader is read_questions:
                assert one.options[one.answer] == row["options"][row["answer"]]
                assert len(set(one.options)) == len(one.options) > 1
                assert one.text == row["question"] and one.video.path.name in row["video"]
            else:
                assert [text for turn in one.turns for text in turn] == [
                    turn["value"].replace("<video>", "").replace("<image>", "").strip()
                    if at % 2 == 0 else turn["value"].strip()
                    for at, turn in enumerate(row["conversations"])
                ]  # fmt: skip
                assert one.modality in ("text", "image", "multi_image", "video")
        return ACCEPTED

    return attempt


def plans(tmp_path: Path) -> Try:
    """Descriptions and annotations as a user hands them over: `ablate plan --data`."""
    good = write_dataset(tmp_path, videos=2, pictures=2)
    described = yaml.safe_load(good.read_text())
    bad = tmp_path / "bad.yaml"
    choice = ("--study", "smoke", "--size", "10K", "--seeds", "1", "--samples", "8")

    def attempt(draw: Draw) -> str:
        match draw(st.integers(0, 2)):
            case 0:
                bad.write_bytes(smudge(draw, good.read_bytes()))
            case 1:
                with contextlib.suppress(UnicodeEncodeError):
                    bad.write_text(yaml.safe_dump(scribble(draw, described)))
            case _:
                rows = scribble(draw, json.loads((tmp_path / "stills.json").read_text()))
                (tmp_path / "bad.json").write_text(json.dumps(rows))
                changed = json.loads(json.dumps(described))
                changed["train"][1]["annotations"] = "bad.json"
                bad.write_text(yaml.safe_dump(changed))
        code, out, err = _called("plan", *choice, "--data", bad, "--store", tmp_path / "store")
        if code == 2:
            assert str(tmp_path) in err, err
            return REFUSED
        assert code == 0 and "training: " in out
        read_description(bad, tmp_path)
        return ACCEPTED

    return attempt


# === specs ===


def _agrees(told: Any, made: Any) -> bool:
    """Whether all that was given is in what was made of it, where defaults are added."""
    if isinstance(told, dict):
        return all(_agrees(value, made[key]) for key, value in told.items())
    if isinstance(told, list):
        return len(told) == len(made) and all(map(_agrees, told, made))
    return told == made


def cells(tmp_path: Path) -> Try:
    whole = to_dict(small_cell()) | {"data": "0" * 16}
    path = tmp_path / "cell.json"

    def attempt(draw: Draw) -> str:
        if draw(st.integers(0, 3)):
            path.write_text(json.dumps(scribble(draw, whole)))
        else:
            path.write_bytes(smudge(draw, json.dumps(whole).encode()))
        code, _, err = _called("run", path, "--store", tmp_path / "store")
        assert code == 2
        if "neither built in nor in store" not in err:
            assert str(path) in err, err
            return REFUSED
        found = json.loads(path.read_bytes())
        for one in found if isinstance(found, list) else [found]:
            cell = from_dict(one)
            assert isinstance(cell, Cell) and check_cell(cell) is None
            again = from_dict(json.loads(json.dumps(to_dict(cell))))
            assert again == cell and again.score_id == cell.score_id
            assert _agrees(one, to_dict(cell))
            assert cell.data != small_cell().data
        return ACCEPTED

    return attempt


# === tables ===


def tables(tmp_path: Path) -> Try:
    rows = [["variant", "size", "seed", "benchmark", "score"]] + [
        [f"v{v}", str(size), "0", bench, f"{0.3 + v / 10 + size / 1e4:.4f}"]
        for size in (100, 200) for v in range(5) for bench in ("a", "b")
    ]  # fmt: skip
    tried = itertools.count()

    def attempt(draw: Draw) -> str:
        # A name of its own: what was gathered from a file is remembered by its name.
        path = tmp_path / f"{next(tried)}.csv"
        text = io.StringIO()
        changed = rows
        if draw(st.booleans()):
            spoiled = scribble(draw, rows)
            lines = spoiled if isinstance(spoiled, list) else [spoiled]
            changed = [one if isinstance(one, list) else [one] for one in lines]
        csv.writer(text).writerows(changed)
        content = text.getvalue().encode(errors="surrogatepass")
        path.write_bytes(smudge(draw, content) if changed is rows else content)
        code, out, err = _called("fit", path)
        if code == 2:
            assert str(path) in err or "column" in err or "benchmark" in err or "size" in err, err
            return REFUSED
        assert code == 0 and out.strip()
        found = check_table(read_table(path)).score
        told = csv.DictReader(io.StringIO(path.read_bytes().decode()))
        said = [row for row in told if any(row.values())]
        assert len(found) == len(said)
        for score, row in zip(found, said, strict=True):
            number = float(row["score"]) if row["score"] else math.nan
            same = math.isclose(score, number, rel_tol=1e-12)
            assert same or (math.isnan(number) and math.isnan(score)), (row, score)
        return ACCEPTED

    return attempt


def _rows_of(path: Path) -> int | str:
    """How many conversations a directory holds, or why it is refused; runs in its own process."""
    try:
        return len(read_conversations(Source("s", path, path)))
    except ValueError as error:
        return str(error)


def _directories(folder: Path, count: int) -> list[Path]:
    """Arrow and Parquet files with damage, each in a directory of its own."""
    talk = [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]
    table = pa.Table.from_pylist([{"id": str(at), "conversations": talk} for at in range(20)])
    arrow, parquet = io.BytesIO(), io.BytesIO()
    with pa.ipc.new_stream(arrow, table.schema) as stream:
        stream.write_table(table)
    pq.write_table(table, parquet)
    made = []
    for at in range(count):
        chance = random.Random(at)
        kind, whole = chance.choice([("arrow", arrow), ("parquet", parquet)])
        damage = chance.choice(list(DAMAGE.values()))
        one = folder / str(at)
        one.mkdir()
        content = damage(bytearray(whole.getvalue()), chance)
        (one / f"data-00000-of-00001.{kind}").write_bytes(content)
        if kind == "arrow":
            listed = {"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}
            (one / "state.json").write_text(json.dumps(listed))
        made.append(one)
    return made


def _check_directories(folder: Path, count: int) -> None:
    outcomes: Counter[str] = Counter()
    for one, said in guarded(_rows_of, _directories(folder, count), 1, Limits(60.0, 2**31)):
        assert not isinstance(said, Killed), (one, said)
        if isinstance(said, str):
            assert "\n" not in said and str(one) in said, said
        outcomes[REFUSED if isinstance(said, str) else ACCEPTED] += 1
    print(f"\n{outcomes.total()} directories: {dict(outcomes)}")


def test_damaged_tables_are_refused_and_end_no_process(tmp_path: Path) -> None:
    _check_directories(tmp_path, 60)


@pytest.mark.slow
def test_nor_do_hundreds_of_damaged_tables(tmp_path: Path) -> None:
    _check_directories(tmp_path, 400)


TARGETS = (annotations, plans, cells, tables)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.__name__)
def test_bad_input_is_refused_in_one_line(target, tmp_path: Path) -> None:
    _fuzz(target(tmp_path), 12)


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.__name__)
def test_so_are_hundreds(target, tmp_path: Path) -> None:
    _fuzz(target(tmp_path), 450)
