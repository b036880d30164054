"""A small dataset from outside, as someone else might have made it: real files of every kind."""

import json
from pathlib import Path

import click
import numpy as np
import yaml
from PIL import Image

from ablate.cli.options import chosen_plan, study_options
from ablate.data.video import write_video
from tests.data.videos import numbered_frame


@click.command()
@study_options
def _choose(**choice):
    return choice


def planned(*options: object):
    """The plan that a verb with these options makes."""
    return chosen_plan(**_choose.main(list(map(str, options)), standalone_mode=False))[1]


SECONDS = (2, 3, 5, 8)
"""Durations of the videos."""


def talk(question: str = "which way ?", answer: str = "left") -> list[dict[str, str]]:
    return [{"from": "human", "value": f"<video>\n{question}"}, {"from": "gpt", "value": answer}]


def write_dataset(folder: Path, *, videos: int = 6, pictures: int = 4) -> Path:
    """Two training sources and one of questions; returns the YAML file that describes them.

    `shots`, weight 3, is JSON lines about videos; `stills`, weight 1, is JSON about videos too, and
    about pictures, pairs of them, and nothing.
    """
    media = folder / "media"
    media.mkdir(parents=True)
    for at in range(videos):
        frames = (numbered_frame(at + i) for i in range(SECONDS[at % len(SECONDS)] * 8))
        write_video(media / f"{at}.mp4", frames, 8)
    for at in range(pictures):
        colour = np.full((32, 32, 3), 50 * at, np.uint8)
        Image.fromarray(colour).save(media / f"{at}.png")
    shots = [
        {
            "id": f"v{at}-{k}",
            "video": f"{at}.mp4",
            "conversations": talk(answer=("left", "right")[k]),
        }
        for at in range(videos)
        for k in range(2)
    ]
    stills = [{"id": f"s{at}", "video": f"{at}.mp4", "conversations": talk()} for at in range(2)]
    stills += [{"id": f"i{at}", "image": f"{at}.png", "conversations": talk()} for at in range(4)]
    stills += [
        {
            "id": f"m{at}",
            "image": [f"{at}.png", f"{(at + 1) % pictures}.png"],
            "conversations": talk(),
        }
        for at in range(pictures)
    ]
    stills += [{"id": f"t{at}", "conversations": talk()} for at in range(3)]
    questions = [
        {
            "question_id": f"q{at}-{category}", "video": f"{at}.mp4", "video_id": str(at),
            "question": "which way ?", "options": ["left", "right"], "answer": at % 2,
            "category": category, "kind": "direction",
        }
        for at in range(videos)
        for category in ("spatial", "reasoning")
    ]  # fmt: skip
    (folder / "shots.jsonl").write_text("".join(json.dumps(one) + "\n" for one in shots))
    (folder / "stills.json").write_text(json.dumps(stills))
    (folder / "questions.json").write_text(json.dumps(questions))
    path = folder / "data.yaml"
    path.write_text(
        yaml.safe_dump(
            {
                "train": [
                    {"name": "shots", "annotations": "shots.jsonl", "media": "media", "weight": 3},
                    {"name": "stills", "annotations": "stills.json", "media": "media"},
                ],
                "test": [{"name": "held-out", "annotations": "questions.json", "media": "media"}],
            }
        )
    )
    return path
