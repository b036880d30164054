"""From a conversation to what a batch takes of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from ablate.data.collate import Batch, collate
from ablate.data.features import Encode
from ablate.data.prompt import Prompt, answer_tokens, build_prompt
from ablate.data.sources import Conversation
from ablate.data.tokenizer import Tokenizer
from ablate.data.viewer import Seen, Viewer
from ablate.spec import Design


@dataclass(frozen=True)
class Sample:
    """One conversation, looked at and laid out."""

    id: str
    modality: str
    source: str
    seen: Seen
    prompt: Prompt


@dataclass(frozen=True)
class SampleMaker:
    """Makes the samples of one design; holds no tower, so that it travels to workers."""

    design: Design
    tokenizer: Tokenizer
    viewer: Viewer
    context: int
    """Most positions the language model takes."""

    def make(self, conversation: Conversation) -> Sample:
        """The sample of `conversation`.

        Raises:
            MediaError: one of its files cannot be read.
            ValueError: it does not fit the context; visual tokens are never cut.
        """
        seen = self.viewer.see(conversation.modality, conversation.media)
        prompt = build_prompt(conversation.turns, seen.clips, self.design, self.tokenizer)
        if len(prompt.input_ids) > self.context:
            raise ValueError(
                f"conversation {conversation.id} takes {len(prompt.input_ids)} positions, "
                f"more than the context of {self.context}"
            )
        return Sample(conversation.id, conversation.modality, conversation.source, seen, prompt)

    def answer_tokens(self, conversation: Conversation) -> int:
        """Positions of its sample that carry loss; known without a look at the media."""
        return answer_tokens(conversation.turns, self.tokenizer)

    def batch(self, samples: Sequence[Sample], encoders: Sequence[Encode] = ()) -> Batch:
        """The samples side by side.

        Args:
            samples: in order.
            encoders: the towers, needed where they are frozen.
        """
        seen = [sample.seen for sample in samples]
        return collate(
            [sample.id for sample in samples],
            [sample.prompt for sample in samples],
            [0 if one.apart else one.footage.clips for one in seen],
            self.tokenizer.pad,
            pictures=[one.footage.clips if one.apart else 0 for one in seen],
            **self.viewer.tensors(seen, encoders)._asdict(),
        )
