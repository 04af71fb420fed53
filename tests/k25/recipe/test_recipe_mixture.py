"""Batches: repeatable from a step alone, full, with the share of pictures that is asked for."""

from pathlib import Path

import pytest
import torch

from openswarm.core.errors import SettingsError, UserError
from openswarm.k25.config import preset
from openswarm.k25.parallel import Ranks
from openswarm.k25.recipe import case as cases
from openswarm.k25.recipe import pages
from openswarm.k25.recipe.corpus import Corpus, corpus, cut
from openswarm.k25.recipe.course import train
from openswarm.k25.recipe.draws import Draw, is_held_out
from openswarm.k25.recipe.examples import Encoder
from openswarm.k25.recipe.mixture import Mixture, early, late
from openswarm.k25.recipe.runs import Run
from openswarm.k25.tokenizer import Tokenizer
from openswarm.k25.tokens import BOS, END_THINK, IM_END, MEDIA_PAD, PAD, THINK
from openswarm.k25.training import Recipe

ROWS, LENGTH = 4, 384


@pytest.fixture
def mixture(tokenizer: Tokenizer, texts: Corpus) -> Mixture:
    """With a quarter of pictures."""
    return Mixture(tokenizer, fusion=early(0.25), texts=texts)


@pytest.mark.requirement("model.recipe-repeatable")
def test_a_batch_depends_on_its_step_alone(
    mixture: Mixture, tokenizer: Tokenizer, texts: Corpus
) -> None:
    later = mixture.batch(7, ROWS, LENGTH)
    again = Mixture(tokenizer, fusion=early(0.25), texts=texts).batch(7, ROWS, LENGTH)
    assert torch.equal(later.tokens_BL, again.tokens_BL)
    assert torch.equal(later.trained_BL, again.trained_BL)
    for one, other in zip(later.media, again.media, strict=True):
        assert torch.equal(one.pixels_NCPP, other.pixels_NCPP)
    assert not torch.equal(later.tokens_BL, mixture.batch(8, ROWS, LENGTH).tokens_BL)


@pytest.mark.requirement("model.recipe-packing")
def test_a_batch_is_full_and_has_a_place_for_every_token_of_its_pictures(
    mixture: Mixture, tokenizer: Tokenizer
) -> None:
    for step in range(4):
        batch = mixture.batch(step, ROWS, LENGTH)
        assert batch.tokens_BL.shape == batch.trained_BL.shape == (ROWS, LENGTH)
        pads = batch.tokens_BL == tokenizer.special[MEDIA_PAD]
        assert int(pads.sum()) == sum(patches.tokens for patches in batch.media)
        assert (batch.tokens_BL == tokenizer.special[PAD]).float().mean() < 0.05
        assert not batch.trained_BL[pads].any()
        assert not batch.trained_BL[batch.tokens_BL == tokenizer.special[PAD]].any()
        assert not batch.trained_BL[batch.tokens_BL == tokenizer.special[BOS]].any()
        assert (batch.tokens_BL[:, 0] != tokenizer.special[BOS]).all()


@pytest.mark.requirement("model.recipe-fusion")
@pytest.mark.parametrize(("ratio", "error"), [(0.0, 0.0), (0.1, 0.03), (0.5, 0.07)])
def test_the_share_of_pictures_is_what_was_asked_for(
    tokenizer: Tokenizer, texts: Corpus, ratio: float, error: float
) -> None:
    mixture = Mixture(tokenizer, fusion=early(ratio), texts=texts)
    shown = [mixture.example(number, pictures=True) for number in range(60)]
    spots = sum(patches.tokens for example in shown for patches in example.media)
    per_spot = sum(len(example.tokens) for example in shown) / spots
    batches = [mixture.batch(step, ROWS, LENGTH) for step in range(6)]
    media = sum(patches.tokens for batch in batches for patches in batch.media)
    tokens = sum(batch.tokens_BL.numel() for batch in batches)
    assert media * per_spot / tokens == pytest.approx(ratio, abs=error)


@pytest.mark.requirement("model.recipe-fusion")
def test_late_fusion_shows_as_many_pictures_as_early_but_all_at_the_end() -> None:
    steps = 100
    fusion = late(0.1, steps, start=0.8)
    shares = [fusion(step) for step in range(steps)]
    assert shares[79] == 0 and shares[80] == pytest.approx(0.5)
    assert sum(shares) / steps == pytest.approx(early(0.1)(0))


@pytest.mark.requirement("model.recipe-fusion")
def test_more_pictures_than_late_steps_have_room_for_are_refused() -> None:
    assert Run(vision=0.2, vision_from=0.8).fusion(100)(99) == pytest.approx(1)
    with pytest.raises(UserError, match=r"--vision is 0\.3, and after --vision-from 0\.8"):
        Run(vision=0.3, vision_from=0.8)


@pytest.mark.requirement("model.parallel")
def test_rows_that_cannot_be_dealt_out_in_the_last_stage_are_refused_at_the_first_step(
    tmp_path: Path,
) -> None:
    run, recipe = Run(rows=8), Recipe(steps=10)
    with pytest.raises(SettingsError, match=r"batch of 2 rows .* 4 processes"):
        train(preset("tiny"), recipe, run, tmp_path / "run", ranks=Ranks("fsdp", 0, 4))
    assert not (tmp_path / "run").exists()


@pytest.mark.requirement("model.recipe-mask")
def test_replies_are_learned_and_prompts_are_not(tokenizer: Tokenizer) -> None:
    case = cases.Case("add", (cases.user("2 + 2?"), cases.reply("4", "2 and 2.")), thinking=True)
    example = Encoder(tokenizer, whole=False).example(case)
    learned = [n for n, trained in zip(example.tokens, example.trained, strict=True) if trained]
    assert tokenizer.decode(learned) == f"2 and 2.{END_THINK}4{IM_END}"
    whole = Encoder(tokenizer, whole=True).example(case)
    assert all(whole.trained) and whole.tokens == example.tokens


@pytest.mark.requirement("model.recipe-mask")
@pytest.mark.parametrize("thinking", [False, True])
def test_a_prompt_is_the_example_up_to_its_reply(tokenizer: Tokenizer, thinking: bool) -> None:
    encoder = Encoder(tokenizer, whole=False)
    said = cases.reply("4", "So." if thinking else "")
    case = cases.Case("add", (cases.user("2 + 2?"), said), thinking=thinking)
    prompt, example = encoder.prompt(case), encoder.example(case)
    assert example.tokens[: len(prompt.tokens)] == prompt.tokens
    assert not any(example.trained[: len(prompt.tokens)])
    assert all(example.trained[len(prompt.tokens) :])
    ending = [tokenizer.special[THINK], tokenizer.special[END_THINK]]
    assert prompt.tokens[-1] == ending[not thinking]


@pytest.mark.requirement("model.recipe-pages")
def test_a_clip_is_one_chunk_of_its_frames(tokenizer: Tokenizer) -> None:
    case = pages.clip(Draw(0, "train", "test", 3))
    example = Encoder(tokenizer, whole=False).example(case)
    (patches,) = example.media
    assert patches.grid[0] == len(case.clips[0])
    assert example.tokens.count(tokenizer.special[MEDIA_PAD]) == patches.tokens


@pytest.mark.requirement("model.recipe-corpus")
def test_text_is_cut_at_empty_lines_and_nothing_is_lost() -> None:
    text = "\n\n".join(f"Paragraph {number}. " + "word " * 30 for number in range(12))
    parts = list(cut(text, 400))
    assert all(len(part) <= 400 for part in parts)
    assert " ".join(" ".join(parts).split()) == " ".join(text.split())
    assert [len(part) for part in cut("x" * 1000, 400)] == [400, 400, 200]


@pytest.mark.requirement("model.recipe-corpus")
@pytest.mark.slow
def test_python_comes_with_a_million_characters_to_learn_from() -> None:
    train, held_out = corpus("train"), corpus("held-out")
    assert sum(map(len, train.documents)) > 1_000_000
    assert set(train.documents).isdisjoint(held_out.documents)
    assert all(is_held_out(text) for text in held_out.documents)
