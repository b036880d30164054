"""Released Apollo checkpoints as exported models: language model and connector by key mapping."""

from pathlib import Path

from ablate.exported import export
from ablate.models import apollo, checkpoint, language
from ablate.models.build import find_towers, fresh_model, load_tower
from ablate.sizes import LADDER
from ablate.spec import Design, Format, Precision, Size

BF16 = Precision(Format.BF16, Format.BF16, Format.BF16)


def export_released(folder: Path, out: Path, design: Design, weights: str | None) -> None:
    """Export a released checkpoint.

    Args:
        folder: with `llm/` and `mm_connector/`.
        out: directory to be created.
        design: of the released models.
        weights: folder that mirrors hub ids, for the public vision towers; None to ask the hub.

    Raises:
        ValueError: a file is missing or a tensor has no place; a line names it.
    """
    config = checkpoint.find_file("language model", "llm", folder, "config.json")
    size = _row(config)
    towers = find_towers(design, size, weights)
    model = fresh_model(
        design, size, 0, precision=BF16, facts=language.read_facts(config, size.llm)
    )
    language.load_llm(model.llm, checkpoint.find("language model", "llm", folder))
    released = checkpoint.read(checkpoint.find("connector", "mm_connector", folder))
    apollo.load_connector(model.connector, released)
    for tower, file in zip(model.towers, towers, strict=True):
        load_tower(tower, file)
    tokenizer = checkpoint.find_file("language model", "llm", folder, "tokenizer.json")
    source = {"released": folder.name, "towers": "as first published"}
    export(out, model, design, size, BF16, tokenizer, source)


def _row(config: Path) -> Size:
    """The row of the ladder whose language model this is."""
    for size in reversed(LADDER):
        if size.weights is not None and not size.tiny_towers:
            try:
                language.read_facts(config, size.llm)
            except ValueError:
                continue
            return size
    raise ValueError(f"{config}: no row of the size ladder has this language model")
