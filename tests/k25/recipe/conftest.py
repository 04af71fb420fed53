"""What the tests of the recipe share: the small vocabulary, and a few texts for a corpus."""

import pytest

from openswarm.k25.recipe.corpus import Corpus
from openswarm.k25.tokenizer import Tokenizer


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    """The vocabulary that comes with openswarm."""
    return Tokenizer.load()


@pytest.fixture(scope="session")
def texts() -> Corpus:
    """Stands in for Python's documentation, which takes seconds to read."""
    return Corpus(("Returns the sum of the numbers, or zero. " * 4, "A class of errors. " * 9))
