"""A page of Python's reference is read with its notes, each beside the entry that it is about."""

import pytest

from openswarm.core.errors import UserError
from openswarm.evals.suites.pydocs_records import MAX_DEPTH, Mark, read_page

PAGE = """\
<html><head><meta charset="utf-8"><title>tones</title></head><body>
<div class="related"><section>not this</section></div>
<div class="body" role="main">
<section id="module-tones"><span id="tones-plays"></span>
<h1><code>tones</code> — Test tones<a class="headerlink" href="#module-tones">¶</a></h1>
<div class="versionadded"><p><span class="versionmodified added">New in version 3.4.</span></p>\
</div>
<p>Plays &amp; measures   tones.<br>Well.</p>
<dl class="py class"><dt class="sig sig-object py" id="tones.Tone">
<em>class </em>tones.<span>Tone</span>(<em>hertz=440</em>)<a class="headerlink" href="#x">¶</a></dt>
<dd><p>A tone.</p><p>Its second paragraph.</p>
<dl class="py method"><dt id="tones.Tone.play">play()</dt>
<dd><p>Plays it.</p>
<div class="versionchanged"><p><span class="versionmodified changed">Changed in version 3.8: \
</span>Louder.</p></div>
<ul><li>fast<div class="versionadded"><p><span class="versionmodified added">New in version 3.9.\
</span></p></div></li></ul></dd></dl>
<div class="versionadded"><p><span class="versionmodified added">New in version 3.5.2.</span></p>\
</div>
<div class="versionadded"><p><span class="versionmodified added">New in version 3.7: </span>\
The hertz parameter.</p></div>
</dd></dl>
<section id="old"><h2>Old ways<a class="headerlink" href="#old">¶</a></h2>
<div class="deprecated"><p><span class="versionmodified deprecated">Deprecated since version 3.3: \
</span>The section.</p></div>
<dl class="py function"><dt id="tones.hum">hum(a, b)</dt><dt id="tones.sing">sing(a)</dt>
<dd><p>Hums.</p>
<div class="deprecated-removed"><p><span class="versionmodified">nothing known</span></p></div>
<div class="deprecated"><p><span class="versionmodified deprecated">Deprecated since version 3.10.\
</span></p></div></dd></dl>
<dl class="py data"><dt id="tones.LOW">LOW</dt><dd>
<div class="versionadded"><p><span class="versionmodified added">New in version 3.11.2-6+deb12u5.\
</span></p></div></dd></dl>
<dl class="std option"><dt id="opt">-x</dt><dd><p>No entry of Python's.</p></dd></dl>
</section></section></div></body></html>
"""
MARKS = (
    Mark("tones", "module", "added", "3.4", whole=True),
    Mark("tones.Tone", "class", "added", "3.5.2", whole=True),
    Mark("tones.Tone", "class", "added", "3.7", whole=False),
    Mark("tones.Tone.play", "method", "changed", "3.8", whole=False),
    Mark("tones.hum", "function", "deprecated", "3.10", whole=True),
    Mark("tones.sing", "function", "deprecated", "3.10", whole=True),
)
TEXT = """\
# tones — Test tones

Module: tones

New in version 3.4.

Plays & measures tones.Well.

#### class tones.Tone(hertz=440)

A tone.

New in version 3.5.2.

New in version 3.7: The hertz parameter.

#### method tones.Tone.play()

Plays it.

Changed in version 3.8: Louder.

## Old ways

#### function tones.hum(a, b)
#### function tones.sing(a)

Hums.

Deprecated since version 3.10.

#### data tones.LOW

No description.
"""


@pytest.mark.requirement("evals.pydocs")
def test_each_note_belongs_to_its_own_entry_and_stands_right_under_it() -> None:
    """Notes of an outer entry come before the entries in it; notes in a list or a section that
    is no entry, or of a distribution's own version, make no mark and are not shown."""
    page = read_page("tones", PAGE)
    assert page.marks == MARKS
    assert page.text == TEXT


@pytest.mark.requirement("evals.pydocs")
def test_long_paragraphs_are_cut_at_a_word() -> None:
    """Of an entry its beginning is kept."""
    text = read_page("tones", PAGE.replace("A tone.", "tone " * 500)).text
    assert "tone tone…" in text
    assert max(map(len, text.split("\n\n"))) < 500


@pytest.mark.requirement("evals.pydocs")
@pytest.mark.parametrize(
    ("html", "message"),
    [
        ("<p>no reference</p>", "no section"),
        ("", "no section"),
        ("<div class='body'><p>empty</p></div>", "no section"),
        ("<div>" * (MAX_DEPTH + 1), "deep"),
        ("x" * 4_000_001, "at most"),
    ],
)
def test_what_is_no_page_of_the_reference_is_refused(html: str, message: str) -> None:
    """By name, before anything grows too large or too deep."""
    with pytest.raises(UserError, match=f"tones: .*{message}"):
        read_page("tones", html)


@pytest.mark.requirement("evals.pydocs")
def test_end_tags_that_open_nothing_are_passed_over() -> None:
    """A page that is not well-formed still gives what can be read."""
    broken = PAGE.replace("<p>A tone.</p>", "</li><p>A tone.</p></ul>")
    assert read_page("tones", broken).marks == MARKS
