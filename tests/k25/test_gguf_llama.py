"""That llama.cpp computes from the GGUF file what the model computes, and cuts text alike."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from gguf_models import exported, random_model, with_text

from openswarm.core.messages import Message
from openswarm.k25.checkpoint import load_model
from openswarm.k25.config import K25Config, RopeScaling, preset
from openswarm.k25.model import K25
from openswarm.k25.template import render
from openswarm.k25.tokenizer import Tokenizer

pytest.importorskip("xllamacpp")

TEXTS = (
    "The quick brown fox doesn't jump over 1234567 lazy dogs.\n\n  Twice.",
    "def f(x):\n\treturn {'a': x ** 2}  # naïve café, déjà vu",
    "混合 text 汉字 and かな, emoji 🙂, Ünïcödé ÄÖÜ’s HTTPServer",
    "   \r\n trailing   ",
)
STEPS = 20


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.load()


def answers(path: Path, requests: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """What llama.cpp says to some requests, in a process of its own."""
    lines = [json.dumps({"path": where, "body": body}) for where, body in requests]
    child = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("llama_answers.py")), str(path)],
        input="\n".join(lines) + "\n",
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert child.returncode == 0, child.stderr[-2000:]
    return [json.loads(line) for line in child.stdout.splitlines()]


def greedy(prompt: list[int]) -> tuple[str, dict[str, Any]]:
    """A request for the likeliest tokens and the log-probabilities of ten at each step."""
    body = {
        "prompt": prompt,
        "n_predict": STEPS,
        "samplers": ["top_k"],
        "top_k": 1,
        "n_probs": 10,
        "return_tokens": True,
    }
    return "/completion", body


def prompts() -> list[list[int]]:
    """Within the trained length of 512 positions, and beyond it."""
    generator = torch.Generator().manual_seed(5)
    return [torch.randint(0, 3840, (size,), generator=generator).tolist() for size in (100, 700)]


@torch.no_grad()
def compared(model: K25, prompt: list[int], reply: dict[str, Any]) -> tuple[int, float]:
    """Steps at which the model would choose the same, and the largest difference of any
    log-probability that llama.cpp says. It says none at a token that is no whole character."""
    tokens: list[int] = reply["tokens"]
    assert len(tokens) == STEPS
    logits = model(torch.tensor([prompt + tokens]))[0, len(prompt) - 1 : -1]
    ours = logits.log_softmax(-1)
    steps = iter(range(STEPS))
    worst = 0.0
    for said in reply["completion_probabilities"]:
        step = next(step for step in steps if tokens[step] == said["id"])
        for entry in said["top_logprobs"]:
            worst = max(worst, abs(float(ours[step, entry["id"]]) - entry["logprob"]))
    assert len(reply["completion_probabilities"]) > STEPS // 2
    return int((ours.argmax(-1) == torch.tensor(tokens)).sum()), worst


def models() -> list[Any]:
    """The small model, one stretched otherwise, and one that is not stretched."""
    tiny = preset("tiny")
    scaling = RopeScaling(
        factor=8, original_max_position_embeddings=128, mscale=0.7, mscale_all_dim=0.7
    )
    stretched = with_text(tiny, rope_scaling=scaling, rope_theta=50000.0)
    plain = with_text(tiny, rope_scaling=None, first_k_dense_replace=2, n_shared_experts=2)
    return [
        pytest.param(tiny, id="tiny"),
        pytest.param(stretched, id="stretched"),
        pytest.param(plain, id="plain"),
    ]


@pytest.mark.slow
@pytest.mark.requirement("model.gguf-llama-cpp")
@pytest.mark.parametrize("config", models())
def test_llama_cpp_computes_what_the_model_computes(
    config: K25Config, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    model = random_model(config)
    exported(model, tokenizer, tmp_path / "m.gguf", "f32", "f32")
    replies = answers(tmp_path / "m.gguf", [greedy(prompt) for prompt in prompts()])
    for prompt, reply in zip(prompts(), replies, strict=True):
        same, worst = compared(model, prompt, reply)
        assert same == STEPS
        assert worst < 1e-3


@pytest.mark.slow
@pytest.mark.requirement("model.gguf-llama-cpp", "model.mini")
def test_llama_cpp_says_what_the_shipped_model_says(tokenizer: Tokenizer, tmp_path: Path) -> None:
    model = load_model(Path(__file__).parents[2] / "weights" / "k25-mini").eval()
    exported(model, tokenizer, tmp_path / "m.gguf", "f32", "f32")
    question = [Message(role="user", content="What do 21 and 65 make together?")]
    prompt = tokenizer.encode_pieces(render(question, thinking=True))
    (reply,) = answers(tmp_path / "m.gguf", [greedy(prompt)])
    tokens: list[int] = reply["tokens"]
    with torch.no_grad():
        logits = model(torch.tensor([prompt + tokens]))[0, len(prompt) - 1 : -1]
    assert len(tokens) > 5
    assert logits.argmax(-1).tolist() == tokens


@pytest.mark.slow
@pytest.mark.requirement("model.gguf-llama-cpp")
def test_llama_cpp_computes_int4_experts_but_for_its_8_bit_activations(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    model = random_model(preset("tiny"))
    for experts in model.experts():
        experts.qat = True
    exported(model, tokenizer, tmp_path / "m.gguf", "f32", "q4_0", int4=True)
    replies = answers(tmp_path / "m.gguf", [greedy(prompt) for prompt in prompts()])
    for prompt, reply in zip(prompts(), replies, strict=True):
        same, worst = compared(model, prompt, reply)
        # llama.cpp rounds what it multiplies with Q4_0 to 8 bits
        assert same >= STEPS - 2
        assert worst < 0.3


@pytest.mark.slow
@pytest.mark.requirement("model.gguf-vocabulary")
def test_llama_cpp_cuts_text_into_the_same_tokens(
    config: K25Config, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    exported(random_model(config), tokenizer, tmp_path / "m.gguf", "bf16", "bf16")
    requests = [("/tokenize", {"content": text}) for text in TEXTS]
    replies = answers(tmp_path / "m.gguf", requests)
    for text, reply in zip(TEXTS, replies, strict=True):
        assert reply["tokens"] == tokenizer.encode(text), text
