"""What a run is given and cannot use: an error that says what to do, before anything is paid."""

import socket
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

import openswarm
from openswarm.core.contract import Column, Contract
from openswarm.core.errors import (
    ContractError,
    Fault,
    JournalError,
    ModelError,
    OpenswarmError,
    SettingsError,
    UserError,
)
from openswarm.core.limits import Limits
from openswarm.core.messages import ImagePart
from openswarm.core.settings import Settings
from openswarm.journal.fold import fold
from openswarm.journal.index import list_runs
from openswarm.llm.model import ModelInfo
from openswarm.llm.scripted import Say, ScriptedModel
from openswarm.modes.attachments import MAX_BYTES, MAX_PICTURE_BYTES, MAX_PICTURES
from openswarm.modes.settings import home_folder, load_settings
from swarm_scripts import COLUMNS, FULL, batch, calls, hand_in, scripted, written

pytestmark = pytest.mark.anyio


def unasked() -> ScriptedModel:
    """A model that nobody may call."""
    return ScriptedModel({})


async def refused(error: type[OpenswarmError], match: str, **given: Any) -> None:
    """A run that has to be refused without any call of its model."""
    options = {"task": "Do it.", "model": unasked()} | given
    with pytest.raises(error, match=match):
        await openswarm.run(**options)


@pytest.mark.requirement("bad.empty-task")
@pytest.mark.parametrize("task", ["", " \n\t "])
async def test_an_empty_task_is_refused(home: Path, task: str) -> None:
    await refused(UserError, "the task is empty; say what is to be done", task=task)
    assert not await anyio.Path(home).exists()


@pytest.mark.requirement("bad.path")
async def test_a_corpus_that_is_not_there_is_named_and_no_run_is_begun(
    home: Path, tmp_path: Path
) -> None:
    await refused(UserError, r"nowhere", over=[tmp_path / "nowhere"])
    assert not (home / "runs").exists()


@pytest.mark.requirement("bad.empty-corpus")
async def test_a_corpus_of_nothing_readable_is_refused_with_the_reasons(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    await refused(UserError, "nothing to read in .*it is empty", over=[tmp_path / "corpus"])
    (tmp_path / "corpus" / "a.txt").write_bytes(b"\0\1\2" * 100)
    await refused(UserError, r"nothing to read in .*a\.txt: ", over=[tmp_path / "corpus"])


@pytest.mark.requirement("bad.unreadable")
async def test_what_cannot_be_read_of_a_corpus_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4 not really")
    (tmp_path / "notes.txt").write_text("Chile: Santiago.")
    model = ScriptedModel({"agent": [calls(("search", {"queries": ["Chile"]})), Say("Santiago.")]})
    result = await openswarm.run("Find it.", model=model, over=[tmp_path], mode="agent")
    assert result.outcome == "completed"
    assert "Chile: Santiago." in model.requests["agent"][1][-1].text


@pytest.mark.requirement("bad.model")
@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("gpt-9", "does not name a model: write provider/name"),
        ("opneai/gpt-9", "there is no provider 'opneai'; did you mean 'openai'"),
        ("http://127.0.0.1:1/v1", "lacks the model's name"),
        ("ftp://host/v1#m", "is not the address of an endpoint"),
        ("scripted:/nowhere.json", "No such file"),
    ],
)
async def test_a_model_that_nobody_knows_is_refused(home: Path, model: str, said: str) -> None:
    await refused(UserError, said, model=model)
    await refused(UserError, said, subagent_model=model)
    assert not await anyio.Path(home).exists()


@pytest.mark.requirement("bad.key")
async def test_a_missing_key_is_named_with_how_to_set_it(home: Path) -> None:
    await refused(
        SettingsError, "needs a key: set OPENAI_API_KEY .*none, such as local/", model="openai/gpt"
    )
    assert not await anyio.Path(home).exists()


@pytest.mark.requirement("bad.endpoint")
async def test_an_endpoint_that_refuses_connections_is_named() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{server.getsockname()[1]}/v1"
    with anyio.fail_after(20), pytest.raises(ModelError) as caught:
        await openswarm.run("Hello?", model=f"{address}#m", limits=Limits(retry_s=0))
    assert caught.value.fault is Fault.UNREACHABLE
    assert address.removeprefix("http://").removesuffix("/v1") in str(caught.value)


@pytest.mark.requirement("bad.columns")
@pytest.mark.parametrize(
    ("columns", "key", "said"),
    [
        ("country; capital; Country", [], "column named twice: country"),
        ("country; capital (colour)", [], "type 'colour' is not one of"),
        (" ; ", [], "column"),
        ("x" * 81, [], "at most 80 characters"),
    ],
)
async def test_a_contract_that_is_none_is_refused(
    home: Path, columns: str, key: list[str], said: str
) -> None:
    await refused(ContractError, said, columns=columns, key=key)
    assert not await anyio.Path(home).exists()


@pytest.mark.requirement("bad.columns")
async def test_a_key_that_is_no_column_is_a_column_of_its_own() -> None:
    model = scripted([calls(batch(["Chile"])), Say("Done.")], researcher=[hand_in(capital="x")])
    result = await openswarm.run("Do it.", model=model, columns="capital", key=["country"])
    assert result.table.contract.names == ("country", "capital")


async def test_a_contract_may_be_given_as_an_object() -> None:
    contract = Contract(columns=(Column(name="country"), Column(name="capital")), key=("country",))
    model = scripted([calls(batch(["Chile"])), Say("Done.")], researcher=[hand_in(capital="x")])
    result = await openswarm.run("Do it.", model=model, columns=contract)
    assert result.table.contract == contract


def write_settings(home: Path, text: str) -> None:
    """Makes the settings file."""
    home.mkdir()
    (home / "settings.toml").write_text(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model = ", "is not TOML"),
        ("colour = 1", "colour: Extra inputs are not permitted"),
        ("[limits]\nmax_subagents = 5000", "limits.max_subagents: Input should be less"),
        ('context_strategy = "sumarise"', "context_strategy: Input should be"),
        ("model = 1", "model: Input should be a valid string"),
    ],
)
async def test_settings_that_are_broken_are_named_with_their_file(
    home: Path, text: str, said: str
) -> None:
    write_settings(home, text)
    await refused(SettingsError, f"settings.toml.*{said}")


async def test_settings_that_cannot_be_read_are_named(home: Path) -> None:
    (home / "settings.toml").mkdir(parents=True)
    await refused(SettingsError, "settings.toml cannot be read")
    (home / "settings.toml").rmdir()
    (home / "settings.toml").write_bytes(b"\xff\xfe")
    await refused(SettingsError, "settings.toml is not TOML: it has to be UTF-8")


async def test_the_limits_of_the_settings_are_those_of_the_run(home: Path) -> None:
    write_settings(home, "[limits]\nmax_subagents = 1\n")
    assert load_settings(home) == Settings(limits=Limits(max_subagents=1))
    model = scripted([calls(batch(["1", "2"])), Say("Done.")])
    result = await openswarm.run("Do it.", model=model, mode="swarm")
    assert result.stats.sub_agents == 0
    view = fold(await written(result.folder))
    assert view.task.limits.max_subagents == 1


async def test_attachments_stand_in_the_first_message_between_marks(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("One.</document>\nTwo.")
    (tmp_path / "latin.txt").write_bytes("Größe".encode("latin-1"))
    model = ScriptedModel({"instant": [Say("Done.")]})
    files = [tmp_path / "notes.md", tmp_path / "latin.txt"]
    await openswarm.run("What is it?", model=model, attachments=files)
    text = model.requests["instant"][0][1].text
    assert text.startswith('What is it?\n\n<document source="notes.md">\nOne.')
    assert text.count("</document>") == 2
    assert "Gr\ufffd\ufffde" in text


PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.requirement("modes.pictures")
async def test_pictures_stand_in_the_first_message_and_are_there_after_a_resume(
    tmp_path: Path,
) -> None:
    """They are told by their first bytes, whatever the file is called."""
    (tmp_path / "chart.data").write_bytes(PNG + b"pixels")
    first = ScriptedModel({"agent": [Say(error=ModelError(Fault.AUTH, "no key"))]})
    with pytest.raises(ModelError):
        await openswarm.run(
            "What is it?", model=first, mode="agent", attachments=[tmp_path / "chart.data"]
        )
    (tmp_path / "chart.data").unlink()
    second = ScriptedModel({"agent": [Say("A chart.")]})
    runs = await anyio.to_thread.run_sync(list_runs, home_folder())
    run_id = runs[0].run_id
    assert (await openswarm.resume(run_id, model=second)).answer == "A chart."
    message = second.requests["agent"][0][1]
    assert message.text == "What is it?\n\nPicture 1 is chart.data."
    assert message.content[1:] == (ImagePart.of("image/png", PNG + b"pixels"),)


async def test_more_pictures_than_a_model_looks_at_are_refused(tmp_path: Path) -> None:
    (tmp_path / "dot.png").write_bytes(PNG)
    files = [tmp_path / "dot.png"] * (MAX_PICTURES + 1)
    await refused(UserError, f"{MAX_PICTURES} is the most", attachments=files)


@pytest.mark.requirement("bad.unreadable")
@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("missing.txt", None, "missing.txt: No such file"),
        ("photo.png", b"\x89PNG", "photo.png is neither text nor a PNG, JPEG, GIF or WebP picture"),
        ("photo.heic", b"ftypheic", "neither text nor a PNG, JPEG, GIF or WebP picture"),
        ("clip.mp4", b"ftypmp42", "a run takes no video; attach pictures of it"),
        ("data.bin", b"a\0b", "give it as a corpus: --over"),
        ("big.txt", b"x" * (MAX_BYTES + 1), "give it as a corpus: --over"),
        ("big.png", PNG + b"x" * MAX_PICTURE_BYTES, "make the picture smaller"),
    ],
)
async def test_what_cannot_be_attached_is_refused(
    home: Path, tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    await refused(UserError, said, attachments=[tmp_path / name])
    assert not await anyio.Path(home).exists()


async def test_a_folder_cannot_be_attached(tmp_path: Path) -> None:
    await refused(UserError, "Is a directory", attachments=[tmp_path])


async def test_two_tools_of_one_name_are_refused() -> None:
    def add(a: int) -> int:
        """Adds."""
        return a

    await refused(UserError, "two tools are called 'add'; rename yours", tools=[add, add])


async def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    await refused(SettingsError, "file/settings.toml cannot be read", home=tmp_path / "file")
    (tmp_path / "runs").write_text("")
    await refused(JournalError, "cannot write to .*runs.*make room or give access", home=tmp_path)


async def test_an_unknown_mode_is_named() -> None:
    await refused(UserError, "mode: Input should be 'auto', 'instant'", mode="turbo")


@pytest.mark.requirement("bad.context")
async def test_a_conversation_that_does_not_fit_the_window_is_named() -> None:
    overflow = ModelError(Fault.CONTEXT, "the conversation is longer than the model's window")
    model = ScriptedModel({"*": lambda _: Say(error=overflow)}, info=ModelInfo(context_tokens=100))
    with pytest.raises(ModelError, match="longer than the model's window"):
        await openswarm.run("Hello?", model=model)


@pytest.mark.requirement("bad.language")
async def test_what_a_model_says_in_no_language_of_ours_is_kept_as_it_is() -> None:
    text = "ᚠᚢᚦᚨᚱᚲ \u202e\u0000 漢字 🜛 \ud7ff " * 20
    model = scripted(
        [calls(batch(["ᚠ\u200b"])), Say(text)],
        researcher=[hand_in(capital="漢\u202e字", population="١٩")],
    )
    result = await openswarm.run("Do it.", model=model, columns=COLUMNS)
    assert (result.outcome, result.answer) == ("completed", text)
    assert result.table.rows[0].values()["capital"] == "漢\u202e字"
    assert fold(await written(result.folder)).table == result.table


async def test_a_model_that_calls_with_garbage_is_told_until_it_is_stopped() -> None:
    garbage = calls(("assign_batch", "\x00{{{"), ("", ""), ("assign_task", "[1, 2]"))
    model = ScriptedModel({"orchestrator": lambda _: garbage})
    limits = Limits(orchestrator_steps=20)
    result = await openswarm.run("Do it.", model=model, mode="swarm", limits=limits)
    assert (result.outcome, result.why) == ("partial", "the same call 3 times in a row")
    told = [m.text for m in model.requests["orchestrator"][1] if m.role == "tool"]
    assert "assign_batch was not run" in told[0]
    assert "There is no tool ''" in told[1]
    assert "assign_task was not run" in told[2]
    assert FULL not in result.answer
