"""The whole model: the splice, chosen positions, text-only batches, freezing."""

import pytest
import torch

from ablate.axes import ConnectorKind, ImagePath, IntegrationKind, Stage, Tower
from ablate.models.build import load_tower
from ablate.models.encoders.fusion import fuse
from ablate.tokens import CLIP_START, PICTURE, VISUAL
from ablate.towers import TINY, weights_hash
from tests.models.designs import PAIR, model, pixels, prompts


def run(built, clips: tuple[int, ...], separators: bool = False, **options) -> torch.Tensor:
    ids, mask = prompts(clips, 16, separators)
    return built(ids, mask, built.encode(pixels(built, sum(clips))), **options)


def test_logits_of_every_position() -> None:
    built = model()
    ids, _ = prompts((2, 1), 16)
    logits = run(built, (2, 1))
    assert logits.shape == (*ids.shape, 320) and logits.isfinite().all()


def test_chosen_positions_equal_those_of_all_logits() -> None:
    built = model()
    ids, _ = prompts((2, 1), 16)
    positions = torch.rand(ids.shape) < 0.3
    chosen = run(built, (2, 1), positions=positions)
    torch.testing.assert_close(chosen, run(built, (2, 1))[positions])


def test_the_forward_pass_is_deterministic() -> None:
    built = model("30K", connector=ConnectorKind.PERCEIVER)
    assert torch.equal(run(built, (2, 1)), run(built, (2, 1)))


def test_every_visual_token_stands_at_its_placeholder() -> None:
    """The embeddings that reach the language model, read off in order."""
    built = model(towers=PAIR, integration=IntegrationKind.SEPARATORS)
    ids, _ = prompts((2, 0, 1), 16, separators=True)
    features = built.encode(pixels(built, 3))
    x = built._embed(ids, features, None)
    tokens = built.connector(fuse(features)).flatten(0, 1)
    assert torch.equal(x[ids == VISUAL], tokens)
    assert torch.equal(x[ids == CLIP_START], built.separators.embedding.weight[0].expand(3, -1))
    assert torch.equal(x[ids >= 0], built.llm.get_input_embeddings()(ids[ids >= 0]))


def test_padding_and_neighbours_change_nothing() -> None:
    built = model()
    together, alone = run(built, (1, 2)), run(built, (1,))
    torch.testing.assert_close(together[0, :22], alone[0, :22], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("spare", [-1, 1])
def test_placeholders_and_visual_tokens_must_agree(spare: int) -> None:
    built = model()
    ids, mask = prompts((2, 1), 16)
    features = built.encode(pixels(built, 3 + spare))
    with pytest.raises(ValueError, match=f"48 visual placeholders but {48 + 16 * spare} visual"):
        built(ids, mask, features)


def test_misuse_is_refused() -> None:
    built = model()
    ids, mask = prompts((1,), 16)
    with pytest.raises(ValueError, match="2 clip tensors for 1 vision towers"):
        built.encode(pixels(built, 1) * 2)
    with pytest.raises(ValueError, match="padding must stand on the right"):
        built(ids, mask.flip(1), built.encode(pixels(built, 1)))
    with pytest.raises(ValueError, match="holds clip starts or ends"):
        run(built, (1,), separators=True)
    with pytest.raises(ValueError, match="unknown part 'head'; choose from vision"):
        built.train_only(["head"])


@pytest.mark.parametrize("parts", [("vision",), ("connector",), ("llm",), ("connector", "llm")])
@pytest.mark.parametrize("clips", [(2, 1), (0, 0)], ids=["clips", "text"])
@pytest.mark.parametrize("kind", ConnectorKind)
def test_gradients_reach_exactly_the_parts_that_learn(kind, clips, parts) -> None:
    built = model(towers=PAIR, connector=kind, integration=IntegrationKind.SEPARATORS)
    built.train_only(parts)
    run(built, clips, separators=True).logsumexp(-1).mean().backward()
    for part, parameters in built.parts().items():
        for parameter in parameters:
            assert (parameter.grad is not None) == (part in parts)
            if part in parts and part != "llm" and not sum(clips):
                assert not parameter.grad.any()
    if sum(clips):
        assert all(any(p.grad.any() for p in built.parts()[part]) for part in parts)


# === pictures on a path of their own ===


def _pictures(built, count: int) -> tuple[torch.Tensor, ...]:
    return built.encode_pictures((pixels(built, count)[0][:, :1],))


def _apart(built, pictures: int) -> torch.Tensor:
    ids, mask = prompts((pictures,), 16, placeholder=PICTURE)
    none = built.encode(pixels(built, 0))
    return built(ids, mask, none, pictures=_pictures(built, pictures))


@pytest.mark.parametrize("kind", ConnectorKind)
def test_pictures_apart_stand_at_their_placeholders(kind) -> None:
    built = model(towers=PAIR, connector=kind, image_path=ImagePath.SPLIT)
    clips, _ = prompts((1,), 16)
    shown, _ = prompts((1,), 16, placeholder=PICTURE)
    ids = torch.cat([clips, shown])
    features, pictures = built.encode(pixels(built, 1)), _pictures(built, 1)
    x = built._embed(ids, features, pictures)
    assert torch.equal(x[ids == PICTURE], built.picture_connector(fuse(pictures))[0])
    assert torch.equal(x[ids == VISUAL], built.connector(fuse(features))[0])


def test_the_path_of_pictures_leaves_that_of_clips_alone() -> None:
    unified, split = model(towers=PAIR), model(towers=PAIR, image_path=ImagePath.SPLIT)
    assert unified.picture_connector is None
    assert torch.equal(run(unified, (2, 1)), run(split, (2, 1)))
    assert not torch.allclose(_apart(split, 1)[0, -1], run(split, (1,))[0, -1])


def test_gradients_reach_the_connector_of_pictures() -> None:
    built = model(towers=PAIR, image_path=ImagePath.SPLIT)
    built.train_only(["connector"])
    for pictures in (0, 2):
        built.zero_grad()
        _apart(built, pictures).logsumexp(-1).mean().backward()
        for parameter in built.parts()["connector"]:
            assert parameter.grad is not None
        assert any(p.grad.any() for p in built.picture_connector.parameters()) == bool(pictures)
        assert not any(p.grad.any() for p in built.connector.parameters())


def test_misuse_of_pictures_is_refused() -> None:
    ids, mask = prompts((1,), 16, placeholder=PICTURE)
    for built in (model(towers=PAIR), model(towers=PAIR, image_path=ImagePath.SPLIT)):
        with pytest.raises(ValueError, match="holds pictures apart, but none were given"):
            built(ids, mask, built.encode(pixels(built, 0)))
    with pytest.raises(ValueError, match="16 visual placeholders but 32 visual"):
        built(ids, mask, built.encode(pixels(built, 0)), pictures=_pictures(built, 2))
    with pytest.raises(ValueError, match=r"encoder videomae:split: .* needs an image tower"):
        model(towers=(Tower.VIDEOMAE,), image_path=ImagePath.SPLIT)


# === freezing ===


def test_frozen_parts_are_in_evaluation_mode() -> None:
    built = model().train()
    built.train_only(["connector"])
    assert not built.encoders.training and built.connector.training and not built.llm.training


def test_parts_cover_every_parameter_once() -> None:
    built = model(towers=PAIR, integration=IntegrationKind.SEPARATORS)
    parts = built.parts()
    assert set(parts) == set(Stage.PARTS)
    listed = [id(p) for parameters in parts.values() for p in parameters]
    assert len(listed) == len(set(listed)) and set(listed) == {id(p) for p in built.parameters()}


@pytest.mark.parametrize("tower", TINY)
def test_towers_start_from_the_shipped_weights(tower: Tower) -> None:
    built = model(towers=(tower,))
    fresh = type(built.encoders[tower])(TINY[tower])
    load_tower(fresh)
    for a, b in zip(fresh.parameters(), built.encoders.parameters(), strict=True):
        assert torch.equal(a, b) and a.dtype == torch.float32
    assert len(weights_hash(tower)) == 16
