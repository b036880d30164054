"""From option likelihoods to per-question results to scores."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ablate.data.sources import Question
from ablate.record import Score
from ablate.tasks import Task, duration_group


def question_result(
    question: Question, logp: Sequence[float], tokens: Sequence[int]
) -> dict[str, Any]:
    """One row of the per-question table.

    The answer is the option with the best length-normalised likelihood; `correct_raw` judges by the
    summed one. `p_correct` is the right option's share of the options' probability and `margin` its
    distance to the best wrong option's share.
    """
    raw = np.asarray(logp, dtype=float)
    normalised = raw / np.asarray(tokens)
    share = np.exp(normalised - normalised.max())
    share /= share.sum()
    wrong = np.delete(share, question.answer)
    return {
        "question_id": question.id,
        "video_id": question.video_id,
        "category": question.category,
        "kind": question.kind,
        "duration": question.duration,
        "options": len(raw),
        "prediction": int(normalised.argmax()),
        "answer": question.answer,
        "correct": bool(normalised.argmax() == question.answer),
        "correct_raw": bool(raw.argmax() == question.answer),
        "p_correct": float(share[question.answer]),
        "margin": float(share[question.answer] - wrong.max()),
        "logp": raw.tolist(),
        "tokens": list(tokens),
    }


def summarise(questions: pd.DataFrame, task: Task) -> dict[str, dict[str, Score]]:
    """Scores by category, kind and duration group.

    Args:
        questions: rows of `question_result`.
        task: names the key that clusters questions.

    Returns:
        {"scores" | "kinds" | "groups": {name: {accuracy, p_correct, margin, n, se, chance}}}; `se`
        is the standard error of the accuracy with questions of one video taken together.
    """
    groups = questions.assign(group=questions["duration"].map(duration_group))
    return {
        key: {str(name): _score(part, task) for name, part in groups.groupby(column, observed=True)}
        for key, column in (("scores", "category"), ("kinds", "kind"), ("groups", "group"))
    }


def _score(part: pd.DataFrame, task: Task) -> Score:
    correct = part["correct"].astype(float)
    residual = (correct - correct.mean()).groupby(part[task.cluster_key]).sum()
    return {
        "accuracy": float(correct.mean()),
        "p_correct": float(part["p_correct"].mean()),
        "margin": float(part["margin"].mean()),
        "n": len(part),
        "se": float(np.sqrt((residual**2).sum()) / len(part)),
        "chance": float((1 / part["options"]).mean()),
    }
