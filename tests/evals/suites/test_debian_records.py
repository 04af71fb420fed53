"""Debian's lists are read strictly, and the page of a package holds all that was read."""

from pathlib import Path

import pytest

from openswarm.core.errors import OpenswarmError, SettingsError, UserError
from openswarm.evals.suites import debian
from openswarm.evals.suites.debian_lists import READER, package_lists, update
from openswarm.evals.suites.debian_records import (
    Binary,
    descriptions,
    prose,
    read_binary,
    stanzas,
)

LIST = """\
Package: tone-lab
Source: tone (1.2)
Version: 1:1.2-3+b1
Installed-Size: 412
Maintainer: "Sound Team" <sound@example.org>
Architecture: amd64
Depends: libtone2 (>= 1.2~rc1), libc6 (>= 2.34), python3:any, scope-a | scope-b (<< 2)
Pre-Depends: init-kit (>= 1)
Recommends: tone-doc
Suggests: tone-extras, deep-lab
Description: plays test tones
Homepage: https://tone.example.org:8080/lab?x=1
Description-md5: 0123
Tag: role::program,
 use::learning
Section: contrib/sound
Priority: optional
Size: 98304

Package: bare
Version: 1
Architecture: all
Maintainer: nobody@example.org
Section: sound
Priority: extra
Size: 10
"""
TRANSLATION = """\
Package: tone-lab
Description-md5: 0123
Description-en: plays test tones
 A laboratory for tones,
 at your desk.
 .
 It has:
  * sines
    of any height
  * noise
 .
 .NET is not needed.
"""


def read(text: str) -> list[Binary]:
    """The packages of a list."""
    return [read_binary(fields) for fields in stanzas(text.splitlines())]


@pytest.mark.requirement("evals.debian")
def test_a_package_is_read_field_by_field() -> None:
    """Epochs, alternatives, bounds and architecture marks have their places; addresses none."""
    lab, bare = read(LIST)
    assert (lab.name, lab.source, lab.version) == ("tone-lab", "tone", "1:1.2-3+b1")
    assert (lab.section, lab.installed_kb, lab.size) == ("sound", 412, 98304)
    assert (lab.maintainer, lab.host) == ("Sound Team", "tone.example.org")
    assert [" | ".join(map(str, group)) for group in lab.relations["Depends"]] == [
        "libtone2 (>= 1.2~rc1)", "libc6 (>= 2.34)", "python3", "scope-a | scope-b (<< 2)",
    ]  # fmt: skip
    assert (bare.source, bare.homepage, bare.host, bare.installed_kb) == ("bare", "", "", 0)
    assert bare.maintainer == ""
    assert bare.relations == {}


@pytest.mark.requirement("evals.debian")
def test_a_dependency_counts_only_without_an_alternative() -> None:
    """Others are set apart, so that no task hangs on them."""
    record = debian.record(read(LIST)[0])
    assert record["needs"] == ["libc6", "libtone2", "python3"]
    assert record["unsure"] == ["init-kit", "scope-a", "scope-b"]
    assert record["hints"] == ["deep-lab", "tone-doc", "tone-extras"]


@pytest.mark.requirement("evals.debian")
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Version: 1:1.2-3+b1", "Version: one", "tone-lab.*Version is 'one'"),
        ("Installed-Size: 412", "Installed-Size: ٤١٢", "tone-lab.*Installed-Size"),
        ("Size: 98304", "Size: -1", "tone-lab.*Size is '-1'"),
        ("Section: contrib/sound", "Section: ../x", "tone-lab.*Section"),
        ("Package: tone-lab", "Package: ../../etc", "Package is '../../etc'"),
        ("libc6 (>= 2.34)", "libc6 (~ 2.34)", "tone-lab.*Depends has 'libc6"),
        ("Priority: optional", "Priority: optional\nPriority: extra", "Priority comes twice"),
        ("Source: tone (1.2)", "no field at all", "line 2 of the list is no field"),
        ("Package: tone-lab", " goes on from nothing", "line 1 of the list is no field"),
    ],
)
def test_a_list_that_breaks_its_own_rules_is_refused(old: str, new: str, message: str) -> None:
    """With the line, or the package and the field."""
    with pytest.raises(UserError, match=message):
        read(LIST.replace(old, new))


@pytest.mark.requirement("evals.debian")
def test_a_long_description_becomes_paragraphs_and_lists() -> None:
    """A line that begins with a dot is no break of paragraphs; too long a text is cut."""
    assert dict(descriptions(TRANSLATION.splitlines())) == {
        "0123": "A laboratory for tones, at your desk.\n\n"
        "It has:\n- sines of any height\n- noise\n\n"
        ".NET is not needed."
    }
    longer = TRANSLATION.replace("at your desk.", "word " * 2000)
    (text,) = dict(descriptions(longer.splitlines())).values()
    assert len(text) < 1700
    assert text.endswith("word …")


@pytest.mark.requirement("evals.debian")
def test_the_page_of_a_package_says_all_of_it_and_no_address_of_a_person() -> None:
    """Its relations by kind, and a package without any says so."""
    lab, bare = read(LIST)
    text = prose(lab, "Long words.")
    for word in ("1:1.2-3+b1", "412 kB", "98304 bytes", "Sound Team", "Long words.",
                 "tone-lab depends on: libtone2 (>= 1.2~rc1), libc6 (>= 2.34), python3,"
                 " scope-a or scope-b (<< 2).",
                 "tone-lab suggests: tone-extras, deep-lab."):  # fmt: skip
        assert word in text
    assert "@" not in text
    assert "bare needs no other package." in prose(bare, "")


@pytest.mark.requirement("evals.debian")
def test_the_lists_go_into_the_home_and_a_machine_without_apt_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No list of the machine is written; the message names the command."""
    command = update(tmp_path)
    assert f"Dir::State::lists={tmp_path / 'lists'}" in command
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SettingsError, match="apt-get"):
        package_lists(tmp_path)


@pytest.mark.requirement("evals.debian")
@pytest.mark.skipif(not Path(READER).exists(), reason="apt is not on this computer")
def test_a_material_is_built_from_lists_that_are_there(tmp_path: Path) -> None:
    """Without a network, of the release's own list and not of its updates."""
    folder = tmp_path / "evals" / "apt" / "lists"
    folder.mkdir(parents=True)
    for release, text in (("trixie", LIST), ("trixie-updates", "broken" * 1000)):
        stem = f"host_debian_dists_{release}_main"
        (folder / f"{stem}_binary-amd64_Packages").write_text(text)
        (folder / f"{stem}_i18n_Translation-en").write_text(TRANSLATION)
    material = debian.build(tmp_path)
    assert sorted(material.documents.texts) == ["bare.md", "tone-lab.md"]
    assert "at your desk" in material.documents.texts["tone-lab.md"]
    (folder / "host_debian_dists_trixie_main_binary-amd64_Packages").write_text("broken")
    with pytest.raises(OpenswarmError, match="line 1"):
        debian.build(tmp_path)
