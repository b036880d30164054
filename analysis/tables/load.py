"""From a store's records to the tidy table of scores: the border between running and concluding."""

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ablate.spec import AS_TRAINED, Design
from ablate.store import RunStore
from ablate.tasks import MEASURES
from analysis.tables.table import Scale

PARTS = ("scores", "groups", "kinds", "question_only", "single_frame")
"""What a record scores: categories, duration groups, kinds of question, shortcut controls."""

COSTS = ("flops", "seconds")

MEANS = ("duration", "clips", "frames", "fps", "covered", "visual_tokens")
"""What a record tells of its training videos, in seconds, counts, 1/s and shares."""

Record = Mapping[str, Any]
"""A record as it is found: an older program may have left out what is read with care below."""

_KEYS = ("variant", "size", "size_name", "samples", "seed", "design_id", "train_id", "score_id")


def load(
    store: Path | str,
    score_ids: Collection[str] | None = None,
    part: str = "scores",
    cost: str = "flops",
) -> pd.DataFrame:
    """All finished cells of a store, one row per cell, benchmark and measure.

    Args:
        store: root folder of the store.
        score_ids: cells to keep (those of one study); None for every finished cell.
        part: which scores, one of `PARTS`; the default gives the question categories.
        cost: unit of the column `cost`, the cell's total: `flops` or `seconds`.

    Returns:
        Columns `variant size size_name samples seed design_id train_id score_id`, one per axis,
        `cost` (missing where the record has none), `benchmark measure score se n chance`. What was
        examined with another sampling than in training has both in its name: `uniform-8@fps-2x8`.

    Raises:
        ValueError: an unknown part or cost, a record that is damaged, or no finished cell.
    """
    _choose("part", part, PARTS)
    _choose("cost", cost, COSTS)

    def rows(record: Record) -> Iterator[dict[str, Any]]:
        about = _about(record) | {"cost": _total(record, cost)}
        for benchmark, score in _scores(record, part).items():
            shared = {key: score.get(key) for key in ("se", "n", "chance")}
            for measure in MEASURES:
                if score.get(measure) is not None:
                    told = {"benchmark": benchmark, "measure": measure, "score": score[measure]}
                    yield about | told | shared

    return _table(store, score_ids, lambda _, record: rows(record))


def load_costs(store: Path | str, score_ids: Collection[str] | None = None) -> pd.DataFrame:
    """What every finished cell cost, one row per cell, unit (`flops`, `seconds`) and `phase`.

    Raises:
        ValueError: a record that is damaged, or no finished cell.
    """

    def rows(_: Path, record: Record) -> Iterator[dict[str, Any]]:
        about = _about(record)
        for unit in COSTS:
            for phase, amount in _phases(record, unit).items():
                yield about | {"unit": unit, "phase": phase, "amount": amount}

    return _table(store, score_ids, rows)


def load_losses(store: Path | str, score_ids: Collection[str] | None = None) -> pd.DataFrame:
    """The loss curve of every finished cell, one row per step: mean nats per answer token.

    Raises:
        ValueError: a record that is damaged, or no finished cell.
    """

    def rows(_: Path, record: Record) -> Iterator[dict[str, Any]]:
        about = _about(record)
        for step, loss in record["loss"]:
            yield about | {"step": step, "loss": loss}

    return _table(store, score_ids, rows)


def load_rates(store: Path | str, score_ids: Collection[str] | None = None) -> pd.DataFrame:
    """Learning rate, last loss and accuracy of every finished cell, one row per cell.

    Returns:
        The columns of `load` that name a cell, `rate` (a multiple of the size row's rates), `loss`
        (mean over the last tenth of the steps, in nats per answer token) and `score` (mean accuracy
        of the question categories, in percent).

    Raises:
        ValueError: a record that is damaged, or no finished cell.
    """

    def rows(_: Path, record: Record) -> Iterator[dict[str, Any]]:
        losses = [loss for _, loss in record["loss"]]
        last = losses[-max(1, len(losses) // 10) :]
        scores = [score["accuracy"] for score in record["scores"].values()]
        yield _about(record) | {
            "rate": record["cell"]["lr_scale"],
            "loss": sum(last) / len(last),
            "score": 100 * sum(scores) / len(scores),
        }

    return _table(store, score_ids, rows)


def load_sampling(store: Path | str, score_ids: Collection[str] | None = None) -> pd.DataFrame:
    """What sampling and mixture really gave every finished cell, one row per cell.

    Returns:
        The columns of `load` that name a cell, `videos` and `capped` (how many of them were too
        long for consecutive clips), means over the videos (`MEANS`), and per modality its share of
        samples and tokens in percent (`samples_video`, `tokens_video` ...).

    Raises:
        ValueError: a record that is damaged, or no finished cell.
    """

    def rows(_: Path, record: Record) -> Iterator[dict[str, Any]]:
        found = record["sampling"]
        shares = {
            f"{unit}_{modality}": share
            for unit, key in (("samples", "sample_shares"), ("tokens", "token_shares"))
            for modality, share in found[key].items()
        }
        means = {name: found[name]["mean"] for name in MEANS if found.get(name)}
        counts = {"videos": found["samples"].get("video", 0), "capped": found["capped"]}
        yield _about(record) | counts | means | shares

    return _table(store, score_ids, rows)


def load_data(store: Path | str, score_ids: Collection[str] | None = None) -> pd.DataFrame:
    """What every finished cell had of its data, one row per cell, half and source.

    Returns:
        The columns of `load` that name a cell, `half` (`train` or `test`), `source`, `weight`,
        `kept` and `dropped` samples, and `reasons`: the dropped ones by what their files lack.

    Raises:
        ValueError: a record that is damaged, or no finished cell.
    """

    def rows(_: Path, record: Record) -> Iterator[dict[str, Any]]:
        for half, found in record.get("data", {}).items():
            for source, facts in found["sources"].items():
                yield _about(record) | {
                    "half": half,
                    "source": source,
                    "weight": facts["weight"],
                    "kept": facts["kept"],
                    "dropped": sum(facts["dropped"].values()),
                    "reasons": ", ".join(f"{n:,} {why}" for why, n in facts["dropped"].items()),
                }

    return _table(store, score_ids, rows)


def load_questions(store: Path | str, score_ids: Collection[str] | None = None) -> pd.DataFrame:
    """The answers of every finished cell, one row per question: what `fit` takes.

    Raises:
        ValueError: a record or a question table that is damaged, or no finished cell.
    """
    frames = []
    for folder, record in _records(store, score_ids):
        path = folder / "questions.parquet"
        try:
            answers = pd.read_parquet(path)
        except (OSError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise ValueError(f"{path}: cannot be read ({reason})") from None
        frames.append(answers.rename(columns={"category": "benchmark"}).assign(**_about(record)))
    return pd.concat(frames, ignore_index=True)


def scales_of(frame: pd.DataFrame) -> dict[str | None, Scale]:
    """Chance level and top of every benchmark of a table of accuracies, where chance is known."""
    chances = frame.groupby("benchmark").chance.mean().dropna()
    return {str(benchmark): Scale(float(chance), 1.0) for benchmark, chance in chances.items()}


def axes_of(frame: pd.DataFrame) -> tuple[str, ...]:
    """The axes on which the table's designs differ: the factors of the analysis."""
    return tuple(axis for axis in Design.AXES if axis in frame and frame[axis].nunique() > 1)


def _records(store: Path | str, score_ids: Collection[str] | None) -> Iterator[tuple[Path, Record]]:
    found = False
    for folder, record in RunStore(store).records():
        if score_ids is None or folder.name in score_ids:
            found = True
            yield folder, record
    if not found:
        which = "" if score_ids is None else " among the chosen ones"
        raise ValueError(f"store {store}: no finished cell{which}; `ablate sweep` makes them")


def _table(
    store: Path | str,
    score_ids: Collection[str] | None,
    rows: Callable[[Path, Record], Iterator[dict[str, Any]]],
) -> pd.DataFrame:
    """One table of all rows; whatever a record lacks is told with its file."""
    gathered: list[dict[str, Any]] = []
    for folder, record in _records(store, score_ids):
        try:
            gathered.extend(rows(folder, record))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f"{folder / 'record.json'}: not a complete record ({type(error).__name__}: {error})"
            ) from None
    return pd.DataFrame(gathered)


def _about(record: Record) -> dict[str, Any]:
    """Facts of the cell; a sampling other than in training is told beside that of the training."""
    names, tested = dict(record["names"]), record.get("evaluation", AS_TRAINED)
    if tested != AS_TRAINED:
        names["sampling"] += f"@{tested}"
    about = {key: record[key] for key in _KEYS} | names
    return about if tested == AS_TRAINED else about | {"variant": " ".join(names.values())}


def _scores(record: Record, part: str) -> dict[str, dict[str, Any]]:
    if part in ("question_only", "single_frame"):
        return record.get("controls", {}).get(part) or {}
    return record["scores"] if part == "scores" else record.get(part) or {}


def _phases(record: Record, unit: str) -> dict[str, float]:
    """Amounts by phase without the stored total, which is recomputed from them."""
    return {
        phase: amount
        for phase, amount in record.get("cost", {}).get(unit, {}).items()
        if phase != "total" and amount is not None
    }


def _total(record: Record, unit: str) -> float | None:
    """The cell's cost; a stored total, which may exceed the sum of the phases, comes first."""
    stored = record.get("cost", {}).get(unit, {}).get("total")
    phases = _phases(record, unit)
    return stored if stored is not None else sum(phases.values()) if phases else None


def _choose(what: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"unknown {what} {value!r}; choose from {', '.join(choices)}")
