"""Headers of safetensors files are read strictly, and an index names plain files only."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from shard_files import entry, write_raw

from openswarm.k25.errors import ModelFileError
from openswarm.k25.headers import INDEX, MAX_HEADER, Stored, read_header, stored_tensors

pytestmark = pytest.mark.requirement("model.files-strict")

A = entry("BF16", [2, 3], 0, 12)
B = entry("F32", [2], 12, 20)
FAULTS: dict[str, tuple[Any, int, str]] = {
    "a hole": ({"a": A, "b": entry("F32", [2], 16, 24)}, 24, "b leaves a hole after a"),
    "an overlap": ({"a": A, "b": entry("F32", [2], 8, 16)}, 16, "b overlaps a"),
    "a hole at the start": ({"b": B}, 20, "b leaves a hole after its header"),
    "too few bytes": ({"a": A, "b": B}, 15, "b: truncated: has"),
    "no bytes": ({"a": A, "b": B}, 0, "a: truncated: has"),
    "too many bytes": ({"a": A, "b": B}, 23, "has 3 bytes after b"),
    "a wrong shape": ({"a": entry("BF16", [2, 4], 0, 12)}, 12, "a: 12 bytes for BF16 of shape"),
    "a negative shape": ({"a": entry("BF16", [-2, -3], 0, 12)}, 12, "a: shape"),
    "a shape of truth": ({"a": entry("BF16", [True, 6], 0, 12)}, 12, "a: shape"),
    "a shape of fractions": ({"a": entry("BF16", [2.0, 3], 0, 12)}, 12, "a: shape"),
    "a huge shape": ({"a": entry("BF16", [2**70, 0], 0, 0)}, 0, "a: shape"),
    "many dimensions": ({"a": entry("BF16", [1] * 17, 0, 2)}, 2, "a: shape"),
    "a range backwards": ({"a": entry("BF16", [0], 12, 0)}, 12, "a: data_offsets"),
    "an unknown type": ({"a": entry("PICKLE", [12], 0, 12)}, 12, "a: dtype 'PICKLE'"),
    "a type of no text": ({"a": {**A, "dtype": [1]}}, 12, "a: dtype"),
    "a missing field": ({"a": {"dtype": "BF16", "shape": [6]}}, 12, "a: its entry"),
    "a field too many": ({"a": {**A, "code": "x"}}, 12, "a: its entry"),
    "no object": ({"a": [1]}, 0, "a: its entry"),
    "metadata that is no text": ({"__metadata__": {"x": 1}}, 0, "__metadata__"),
    "a name twice": ('{"a": {}, "a": {}}', 0, "stands in it twice"),
    "a list": ("[]", 0, "no JSON object"),
    "no JSON": ("{'a': 1}", 0, "not JSON"),
    "depth without end": ("[" * 200_000, 0, "not JSON"),
    "a number without end": ("1" * 5_000, 0, "not JSON"),
}


def test_a_header_says_where_each_tensor_is(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    tensors = {"b": torch.arange(6, dtype=torch.bfloat16).view(2, 3), "a": torch.ones(5)}
    save_file(tensors, path, metadata={"format": "pt"})
    header = read_header(path)
    assert {name: (s.dtype, s.shape) for name, s in header.items()} == {
        "a": ("F32", (5,)),
        "b": ("BF16", (2, 3)),
    }
    for name, stored in header.items():
        data = path.read_bytes()[stored.start : stored.end]
        assert data == tensors[name].view(torch.uint8).numpy().tobytes()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_header_that_lies_is_refused_and_the_tensor_named(tmp_path: Path, fault: str) -> None:
    header, length, message = FAULTS[fault]
    path = write_raw(tmp_path / "bad.safetensors", header, bytes(length))
    with pytest.raises(ModelFileError) as caught:
        read_header(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_a_cut_file_says_how_much_of_it_is_there(tmp_path: Path) -> None:
    path = write_raw(tmp_path / "cut.safetensors", {"a": A, "b": B}, bytes(20))
    whole = path.stat().st_size
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ModelFileError, match=f"b: truncated: has {whole - 1} of {whole} bytes"):
        read_header(path)


@pytest.mark.parametrize(
    ("length", "message"),
    [
        (MAX_HEADER + 1, "is no safetensors file"),
        (2**64 - 1, "is no safetensors file"),
        (1000, "truncated: has 10 of at least 1008 bytes"),
    ],
)
def test_a_header_is_not_longer_than_its_file_and_a_bound(
    tmp_path: Path, length: int, message: str
) -> None:
    with pytest.raises(ModelFileError, match=message):
        read_header(write_raw(tmp_path / "bad.safetensors", "{}", length=length))


@pytest.mark.parametrize("data", [b"", b"\x02\0\0"])
def test_a_file_without_a_length_is_none(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "empty.safetensors"
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match="is no safetensors file"):
        read_header(path)


@given(place=st.integers(0, 180), byte=st.integers(0, 255), cut=st.integers(0, 60))
def test_whatever_byte_is_wrong_there_is_no_other_error(
    tmp_path_factory: pytest.TempPathFactory, place: int, byte: int, cut: int
) -> None:
    path = write_raw(tmp_path_factory.getbasetemp() / "any", {"a": A, "b": B}, bytes(20))
    data = bytearray(path.read_bytes())
    data[place % len(data)] = byte
    path.write_bytes(data[: len(data) - cut])
    try:
        assert all(isinstance(stored, Stored) for stored in read_header(path).values())
    except ModelFileError as error:
        assert str(path) in str(error)


# the index


def write_index(folder: Path, content: Any) -> None:
    """An index with this content."""
    (folder / INDEX).write_text(content if isinstance(content, str) else json.dumps(content))


def test_tensors_of_several_shards_are_found_by_the_index(tmp_path: Path) -> None:
    write_raw(tmp_path / "1.safetensors", {"a": A}, bytes(12))
    write_raw(tmp_path / "2.safetensors", {"b": entry("F32", [2], 0, 8)}, bytes(8))
    write_index(tmp_path, {"weight_map": {"b": "2.safetensors", "a": "1.safetensors"}})
    found = stored_tensors(tmp_path)
    assert {name: s.file.name for name, s in found.items()} == {
        "a": "1.safetensors",
        "b": "2.safetensors",
    }


def test_a_single_file_needs_no_index(tmp_path: Path) -> None:
    assert stored_tensors(tmp_path) == {}
    write_raw(tmp_path / "model.safetensors", {"a": A}, bytes(12))
    assert list(stored_tensors(tmp_path)) == ["a"]


@pytest.mark.parametrize(
    "shard",
    ["../x.safetensors", "/etc/x.safetensors", "a/b.safetensors", "a\\b.safetensors",
     "c:x.safetensors", ".safetensors", "x.bin", "x\n.safetensors", "", 7, None],
)  # fmt: skip
def test_a_shard_is_the_plain_name_of_a_file_in_the_folder(tmp_path: Path, shard: Any) -> None:
    write_index(tmp_path, {"weight_map": {"a": shard}})
    with pytest.raises(ModelFileError, match=r"a: .* is no name of a file in this folder"):
        stored_tensors(tmp_path)


@pytest.mark.parametrize("content", ["{", "[]", {}, {"weight_map": []}, {"weight_map": {}}])
def test_an_index_without_its_map_is_refused(tmp_path: Path, content: Any) -> None:
    write_index(tmp_path, content)
    with pytest.raises(ModelFileError, match=INDEX):
        stored_tensors(tmp_path)


def test_index_and_shards_have_to_agree(tmp_path: Path) -> None:
    write_raw(tmp_path / "1.safetensors", {"a": A, "b": B}, bytes(20))
    write_index(tmp_path, {"weight_map": {"a": "1.safetensors"}})
    with pytest.raises(ModelFileError, match="holds b, which"):
        stored_tensors(tmp_path)
    write_index(tmp_path, {"weight_map": dict.fromkeys("abc", "1.safetensors")})
    with pytest.raises(ModelFileError, match=r"c is in 1\.safetensors, and it is not"):
        stored_tensors(tmp_path)
    write_index(tmp_path, {"weight_map": {"a": "1.safetensors", "b": "gone.safetensors"}})
    with pytest.raises(ModelFileError, match=r"gone\.safetensors cannot be read"):
        stored_tensors(tmp_path)
