"""Annotations in every form that people keep them in give the same samples."""

import json
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from ablate.data.annotations import FIELDS, read, read_conversations
from ablate.data.pictures import read_picture
from ablate.data.sources import Source
from ablate.data.tables import unpack_table

TALK = [{"from": "human", "value": "<image>\nwhich way ?"}, {"from": "gpt", "value": "left"}]
ROWS = [
    {"id": "i", "image": "a.png", "conversations": TALK},
    {"id": "t", "conversations": TALK},
    {"id": "v", "video": "v.mp4", "duration": 2.5, "conversations": TALK * 2},
]


def _source(path: Path, split: str | None = None) -> Source:
    return Source("a", path, path.parent / "media", split=split, unpacked=path.parent / "unpacked")


def _told(source: Source) -> list[tuple]:
    return [
        (c.id, c.modality, [(m.path.name, m.duration) for m in c.media], c.turns)
        for c in read_conversations(source)
    ]


def _lines(rows: list[dict]) -> str:
    return "\n".join(map(json.dumps, rows))


def _save_arrow(table: pa.Table, folder: Path, parts: int = 1) -> None:
    """As `datasets.Dataset.save_to_disk` does: Arrow streams, and their names in state.json."""
    folder.mkdir(parents=True)
    step = -(-len(table) // parts)
    names = [f"data-{part:05d}-of-{parts:05d}.arrow" for part in range(parts)]
    for part, name in enumerate(names):
        piece = table.slice(part * step, step)
        with (
            pa.OSFile(str(folder / name), "wb") as sink,
            pa.ipc.new_stream(sink, table.schema) as out,
        ):
            out.write_table(piece, max_chunksize=2)
    state = {"_data_files": [{"filename": name} for name in names], "_fingerprint": "0"}
    (folder / "state.json").write_text(json.dumps(state))
    (folder / "dataset_info.json").write_text("{}")


# === files ===


def test_lines_and_a_list_hold_the_same(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(ROWS))
    (tmp_path / "a.jsonl").write_text(_lines(ROWS) + "\n\n")
    told = _told(_source(tmp_path / "a.json"))
    assert told == _told(_source(tmp_path / "a.jsonl"))
    assert [modality for _, modality, *_ in told] == ["image", "text", "video"]


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.jsonl", _lines(ROWS) + "\n{", r"a\.jsonl: line 4: not JSON"),
        ("a.jsonl", "[1]", r"a\.jsonl: line 1 must be an object"),
        ("a.json", r'[{"id": "\ud800"}]', r"a\.json: entry 0 holds half of a surrogate pair"),
        ("a.jsonl", '{"id": 3, "conversations": []}', r"a\.jsonl: line 1 \(id 3\): conversations"),
        (
            "a.json",
            _lines(ROWS),
            r"a\.json: not JSON, or one object a line, which is named \.jsonl",
        ),
        ("a.json", b"\xff\xfe", r"a\.json: not JSON"),
        ("a.jsonl", b"\xff\xfe", r"a\.jsonl: line 1: not JSON"),
    ],
)
def test_a_fault_is_one_line_that_names_the_place(name, content, complaint, tmp_path):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=complaint) as caught:
        read_conversations(_source(path))
    assert "\n" not in str(caught.value)


# === directories of Hugging Face datasets ===


def _plain_table() -> pa.Table:
    columns = ("id", "image", "video", "duration", "conversations")
    table = pa.table({name: [row.get(name) for row in ROWS] for name in columns})
    return table.append_column("unknown", pa.array([b"x" * 10] * 3))


@pytest.mark.parametrize("kind", ["arrow", "parts", "parquet", "hub", "split", "dictionary"])
def test_directories_hold_the_same_as_files(kind, tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(ROWS))
    folder, table, split = tmp_path / "d", _plain_table(), None
    if kind in ("arrow", "parts"):
        _save_arrow(table, folder, parts=1 if kind == "arrow" else 2)
    elif kind == "dictionary":
        _save_arrow(table, folder / "train")
        _save_arrow(table.slice(0, 1), folder / "test")
        (folder / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
        split = "train"
    else:
        name = {"parquet": "x.parquet", "hub": "data/train-00000-of-00001.parquet"}.get(kind)
        (folder / "data").mkdir(parents=True)
        (folder / "default" / "train").mkdir(parents=True)
        pq.write_table(table, folder / (name or "default/train/0000.parquet"))
        if kind == "split":
            (folder / "default" / "test").mkdir()
            pq.write_table(table.slice(0, 1), folder / "default/test/0000.parquet")
            split = "train"
    source = _source(folder, split)
    assert _told(source) == _told(_source(tmp_path / "a.json"))
    assert read(source).fingerprint == read(source).fingerprint


def test_splits_are_asked_for_by_name(tmp_path):
    folder = tmp_path / "d"
    folder.mkdir()
    for name in ("train", "test"):
        pq.write_table(_plain_table(), folder / f"{name}-00000-of-00001.parquet")
    with pytest.raises(ValueError, match="holds several splits; choose `split` from test, train"):
        read(_source(folder))
    with pytest.raises(ValueError, match="has no split 'val'; choose `split` from test, train"):
        read(_source(folder, "val"))
    assert len(read(_source(folder, "test")).rows) == 3


@pytest.mark.parametrize("name", ["state.json", "x.parquet", None])
def test_a_directory_that_cannot_be_read_is_one_line(name, tmp_path):
    folder = tmp_path / "d"
    folder.mkdir()
    if name == "state.json":
        (folder / name).write_text('{"_data_files": [{"filename": "none.arrow"}]}')
    elif name:
        (folder / name).write_text("no table")
    complaint = {
        "state.json": r"none\.arrow: cannot be read as an Arrow stream",
        "x.parquet": r"x\.parquet: cannot be read as Parquet",
        None: r"d: no state\.json, no dataset_dict\.json and no \.parquet file in it",
    }[name]
    with pytest.raises(ValueError, match=complaint) as caught:
        read(_source(folder))
    assert "\n" not in str(caught.value)


def test_a_table_without_any_known_column_is_refused(tmp_path):
    (tmp_path / "d").mkdir()
    pq.write_table(pa.table({"text": ["a"]}), tmp_path / "d" / "train.parquet")
    with pytest.raises(ValueError, match=r"none of the columns id, video, .*; it has text"):
        read(_source(tmp_path / "d"))


def _picture(colour: tuple[int, int, int]) -> bytes:
    stream = BytesIO()
    Image.new("RGB", (8, 8), colour).save(stream, format="png")
    return stream.getvalue()


RED, BLUE = (255, 0, 0), (0, 0, 255)


def _packed_table() -> pa.Table:
    """Pictures inside the table: one, two, none; turned conversations as `datasets` keeps them."""
    image = pa.list_(pa.struct({"bytes": pa.binary(), "path": pa.string()}))
    talk = pa.struct({"from": pa.list_(pa.string()), "value": pa.list_(pa.string())})
    red, blue = {"bytes": _picture(RED), "path": "red.png"}, {"bytes": _picture(BLUE), "path": None}
    turns = {"from": ["human", "gpt"], "value": ["<image>\nwhich way ?", "left"]}
    return pa.table(
        {
            "id": ["one", "two", "none"],
            "image": pa.array([[red], [blue, red], None], image),
            "conversations": pa.array([turns] * 3, talk),
        }
    )


@pytest.mark.parametrize("kind", ["arrow", "parquet"])
@pytest.mark.parametrize("lists", [True, False])
def test_media_inside_a_table_become_files(kind, lists, tmp_path):
    table = _packed_table()
    if not lists:
        single = [row[0] if row else None for row in table["image"].to_pylist()]
        table = table.set_column(1, "image", pa.array(single, table["image"].type.value_type))
    folder = tmp_path / "d"
    if kind == "arrow":
        _save_arrow(table, folder, parts=2)
    else:
        folder.mkdir()
        pq.write_table(table, folder / "train.parquet", row_group_size=2)
    source = _source(folder)
    one, two, none = read_conversations(source)
    assert none.modality == "text" and none.turns == (("which way ?", "left"),)
    assert two.modality == ("multi_image" if lists else "image")
    assert one.media[0].path.suffix == ".png" and two.media[0].path.suffix == ""
    paths = [media.path for media in (*one.media, *two.media)]
    assert len(set(paths)) == len(paths) and not any(path.exists() for path in paths)
    unpack_table(folder, FIELDS, None, tmp_path / "unpacked" / read(source).fingerprint)
    colours = [tuple(read_picture(path)[0, 0]) for path in paths]
    assert colours == [RED, BLUE, RED][: len(paths)]


def test_paths_beside_a_table_stay_paths(tmp_path):
    """A column of the type that could hold pictures, which holds paths alone."""
    image = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    table = pa.table(
        {
            "image": pa.array([{"bytes": None, "path": "a.png"}, None], image),
            "conversations": [TALK, TALK],
        }
    )
    (tmp_path / "d").mkdir()
    pq.write_table(table, tmp_path / "d" / "train.parquet")
    _save_arrow(table, tmp_path / "e")
    for folder in ("d", "e"):
        first, second = read_conversations(_source(tmp_path / folder))
        assert first.media[0].path == tmp_path / "media" / "a.png"
        assert second.modality == "text"
