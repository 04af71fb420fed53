"""The weights that come with the repository: whole, and able to do what their card says."""

import json
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageDraw

from openswarm.core.messages import ImagePart, Message, TextPart
from openswarm.k25.checkpoint import Checkpoint, load_model
from openswarm.k25.config import preset
from openswarm.k25.generation import Engine
from openswarm.k25.model import K25
from openswarm.k25.packed import pack_experts
from openswarm.k25.pieces import expand
from openswarm.k25.pixels import image_patches
from openswarm.k25.requests import GenerationRequest
from openswarm.k25.sampling import Sampling
from openswarm.k25.scheme import with_int4
from openswarm.k25.template import render
from openswarm.k25.tokenizer import Tokenizer
from openswarm.k25.tokens import EOS, IM_END, MEDIA_PAD

FOLDER = Path(__file__).parents[2] / "weights" / "k25-mini"

pytestmark = pytest.mark.requirement("model.mini")


@pytest.fixture(scope="module")
def mini() -> K25:
    """The shipped model, experts packed, as it is served."""
    model = load_model(FOLDER).eval()
    pack_experts(model)
    return model


def answer(model: K25, question: str, picture: Image.Image | None = None) -> str:
    """What the model says, thinking off."""
    tokenizer = Tokenizer.load(FOLDER)
    content: str | tuple[ImagePart | TextPart, ...] = question
    media = ()
    if picture is not None:
        content = (ImagePart(url="data:"), TextPart(text=question))
        media = (image_patches(picture),)
    pieces = render([Message(role="user", content=content)], thinking=False)
    pad = tokenizer.special[MEDIA_PAD]
    ids = expand(tokenizer.encode_pieces(pieces), [entry.tokens for entry in media], pad)
    end = tokenizer.special[IM_END]
    sampling = Sampling(temperature=0, max_tokens=40, stop=frozenset({end, tokenizer.special[EOS]}))
    (made,) = Engine(model, slots=1, tokens=512).generate(
        [GenerationRequest(tuple(ids), media, sampling)]
    )
    return tokenizer.decode([token for token in made.ids if token != end])


def test_the_files_are_those_of_the_configuration() -> None:
    with Checkpoint(FOLDER) as checkpoint:
        assert checkpoint.config == with_int4(preset("mini"), int4=True)
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 27_000_000


def test_the_card_says_what_was_measured() -> None:
    scores = json.loads((FOLDER / "scores.json").read_text())["scores"]
    card = (FOLDER / "README.md").read_text()
    for skill, share in scores.items():
        assert f"| {skill} | {share:.0%} |" in card


def test_it_says_what_it_is(mini: K25) -> None:
    assert "k25-mini" in answer(mini, "Who are you?")


def test_it_sees_where_a_shape_is(mini: K25) -> None:
    corners = {}
    for name, place in {"top left": (8, 8), "bottom right": (100, 100)}.items():
        page = Image.new("RGB", (140, 140), "white")
        left, top = place
        ImageDraw.Draw(page).rectangle((left, top, left + 30, top + 30), fill="red")
        corners[name] = answer(mini, "In which corner is the square?", page)
    assert corners == {name: name for name in corners}


def test_expert_load_was_balanced(mini: K25) -> None:
    biases = torch.stack([router.e_score_correction_bias for router in mini.routers()])
    assert float(biases.abs().max()) > 0.01
