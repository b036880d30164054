"""Annotations become checked values; every fault is one line with file, entry and field."""

import copy
import json
from pathlib import Path

import pytest

from ablate.data.annotations import read, read_conversations, read_questions
from ablate.data.sources import Source, pools

TALK = [
    {"from": "human", "value": "<video>\nwhich way ?"},
    {"from": "gpt", "value": "left"},
    {"from": "human", "value": "how many ?"},
    {"from": "gpt", "value": "two"},
]
VIDEO = {"id": "v", "video": "videos/x.mp4", "duration": 4, "conversations": TALK}
QUESTION = {
    "question_id": "q", "video": "videos/x.mp4", "video_id": "x", "duration": 4.5,
    "question": "which way ?", "options": ["left", "right"], "answer": 1,
    "category": "perception", "kind": "direction",
}  # fmt: skip


def _source(folder: Path, content: object) -> Source:
    path = folder / "a.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return Source("a", path, folder)


def test_modalities_media_and_turns(tmp_path):
    talk = TALK[:2]
    source = _source(
        tmp_path,
        [
            VIDEO,
            {"id": "i", "image": "a.png", "conversations": talk},
            {"id": "j", "image": ["a.png"], "conversations": talk},
            {"id": "m", "image": ["a.png", "b.png"], "conversations": talk},
            {"id": 7, "conversations": talk},
        ],
    )
    video, *rest = conversations = read_conversations(source)
    assert [c.modality for c in conversations] == ["video", "image", "image", "multi_image", "text"]
    assert video.turns == (("which way ?", "left"), ("how many ?", "two"))
    assert video.media[0].duration == 4.0
    assert video.media[0].path == tmp_path / "videos/x.mp4"
    assert video.media[0].key == f"{read(source).fingerprint}/videos/x.mp4"
    assert [m.path.name for m in rest[2].media] == ["a.png", "b.png"]
    assert rest[3].media == () and rest[3].id == "7"
    assert rest[0].turns == (("which way ?", "left"),)
    grouped = pools(conversations)
    (pool,) = grouped["image"]
    assert [c.id for c in pool.conversations] == ["i", "j"]
    assert (pool.source, pool.weight) == ("a", 1.0)
    assert pools([]) == {"text": (), "image": (), "multi_image": (), "video": ()}


def test_several_videos_and_the_empty_columns_of_tables(tmp_path):
    later = copy.deepcopy(TALK)
    later[2]["value"] = "<video>how many ?"
    entries = [
        VIDEO | {"video": ["a.mp4", "b.mp4"], "image": None},
        {"id": "t", "video": [], "image": None, "duration": None, "conversations": later},
    ]
    several, text = read_conversations(_source(tmp_path, entries))
    assert several.modality == "video"
    assert [(m.path.name, m.duration) for m in several.media] == [("a.mp4", None), ("b.mp4", None)]
    assert text.modality == "text" and text.turns[1] == ("how many ?", "two")


def test_questions(tmp_path):
    (question,) = read_questions(_source(tmp_path, [QUESTION]))
    assert (question.id, question.video_id, question.answer) == ("q", "x", 1)
    assert question.options == ("left", "right")
    assert (question.text, question.duration) == ("which way ?", 4.5)


def test_the_fingerprint_is_the_content(tmp_path):
    first = read(_source(tmp_path, [VIDEO])).fingerprint
    (tmp_path / "other").mkdir()
    assert read(_source(tmp_path / "other", [VIDEO])).fingerprint == first
    assert read(_source(tmp_path, [VIDEO, VIDEO])).fingerprint != first


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"video": 3}, "video must be a list of strings"),
        ({"video": ["a.mp4", 3]}, "video must be a string"),
        ({"video": " "}, "video must be a string"),
        ({"image": "a.png"}, "video and image exclude"),
        ({"duration": -1}, "duration must be a positive number of seconds, not -1"),
        ({"duration": "4"}, "duration must be"),
        ({"duration": True}, "duration must be"),
        ({"duration": float("nan")}, "duration must be"),
        ({"conversations": None}, "conversations must be a list"),
        ({"conversations": TALK[:3]}, "conversations must be a list of questions each"),
        ({"conversations": []}, "conversations must be a list"),
        ({"conversations": TALK[1:3]}, r"conversations\[0\] must be from 'human'"),
        ({"conversations": [TALK[0], TALK[0]]}, r"conversations\[1\] must be from 'gpt'"),
        (
            {"conversations": [TALK[0], {"from": "gpt", "value": ""}]},
            r"conversations\[1\] has no text",
        ),
        (
            {"conversations": [{"from": "human", "value": "<video>"}, TALK[1]]},
            r"conversations\[0\] has no text",
        ),
        ({"conversations": ["hello", "you"]}, r"conversations\[0\] must be from"),
    ],
)
def test_a_bad_conversation_is_named(change, complaint, tmp_path):
    with pytest.raises(ValueError, match=rf"a\.json: entry 1 \(id v\): {complaint}") as caught:
        read_conversations(_source(tmp_path, [VIDEO, copy.deepcopy(VIDEO) | change]))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("images", [[1], "", {"a": 1}, 0])
def test_bad_images_are_named(images, tmp_path):
    with pytest.raises(ValueError, match=r"entry 0 \(id i\): image must be"):
        read_conversations(_source(tmp_path, [{"id": "i", "image": images, "conversations": TALK}]))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"answer": 2}, "answer must be an index of the 2 options, not 2"),
        ({"answer": -1}, "answer must be"),
        ({"answer": "left"}, "answer must be"),
        ({"answer": True}, "answer must be"),
        ({"options": ["left"]}, "options must be at least two"),
        ({"options": ["left", "left"]}, "options must be at least two different"),
        ({"options": None}, "options must be a list"),
        ({"duration": 0}, "duration must be"),
        ({"category": None}, "category must be"),
        ({"video_id": ""}, "video_id must be"),
        ({"question": None}, "question must be"),
    ],
)
def test_a_bad_question_is_named(change, complaint, tmp_path):
    with pytest.raises(ValueError, match=rf"entry 1 \(question_id r\): {complaint}"):
        read_questions(_source(tmp_path, [QUESTION, QUESTION | {"question_id": "r"} | change]))


def test_question_ids_are_unique(tmp_path):
    with pytest.raises(ValueError, match=r"question_id 'q' appears twice"):
        read_questions(_source(tmp_path, [QUESTION, QUESTION]))


@pytest.mark.parametrize("content", ["", "{", '{"id": 1}', "[1]", "\x00"])
def test_a_file_that_is_no_list_of_objects_is_one_line(content, tmp_path):
    with pytest.raises(ValueError, match=r"a\.json: ") as caught:
        read_conversations(_source(tmp_path, content))
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(ValueError, match=r"none\.json: No such file"):
        read(Source("none", tmp_path / "none.json", tmp_path))
