"""Text of the web arrives as it was meant, in whatever charset it was written."""

import pytest
from fetched_site import Site, fetching, reply

from openswarm.tools.web.charsets import decode

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("web.charset")]


@pytest.mark.parametrize(
    ("text", "encoding", "charset"),
    [
        ("日本語", "shift_jis", "Shift_JIS"),
        ("日本語", "cp932", "x-sjis"),
        ("日本語", "euc_jp", "euc-jp"),
        ("日本語", "iso2022_jp", "iso-2022-jp"),
        ("中文简体", "gb18030", "gb2312"),
        ("中文繁體", "big5", "big5"),
        ("한국어", "cp949", "ks_c_5601-1987"),
        ("Привет", "koi8_r", "koi8-r"),
        ("Привет", "cp1251", "windows-1251"),
        ("“naïve” €", "cp1252", "iso-8859-1"),
        ("“naïve” €", "cp1252", "us-ascii"),
        ("naïve", "utf-8", "UTF-8"),
        ("naïve", "utf-8", '"utf-8"'),
        ("naïve", "utf-16", "utf-16"),
        ("naïve", "utf-16-le", "utf-16le"),
        ("naïve", "utf-8-sig", "iso-8859-1"),
        ("naïve", "utf-8", ""),
        ("naïve", "cp1252", ""),
        ("naïve", "utf-8", "no-such-charset"),
        ("naïve", "utf-8", "rot13"),
        ("naïve", "utf-8", "base64"),
        ("naïve", "utf-8", "idna"),
        ("naïve", "utf-8", "unicode_escape"),
        ("naïve", "utf-8", "\0"),
        ("naïve", "utf-8", "utf-8\u0141"),
    ],
)
def test_a_charset_is_believed_if_it_is_one(text: str, encoding: str, charset: str) -> None:
    """A byte order mark before it; without one, or with a wrong one, UTF-8 and Latin-1."""
    assert decode(text.encode(encoding), charset) == text


@pytest.mark.parametrize(
    "declared",
    ['<meta charset="shift_jis">', "<meta charset=shift_jis>", '<META CHARSET = "Shift_JIS" />',
     '<meta http-equiv="Content-Type" content="text/html; charset=shift_jis">',
     '<?xml version="1.0" encoding="shift_jis"?>'],
)  # fmt: skip
def test_a_page_may_say_its_charset_itself(declared: str) -> None:
    """In any of the usual forms."""
    page = f"{declared}<p>日本語</p>"
    assert decode(page.encode("shift_jis")) == page
    assert "日本語" not in decode(page.encode("shift_jis"), markup=False)


def test_the_header_is_believed_before_the_page() -> None:
    """But not against what stands there."""
    page = '<meta charset="shift_jis"><p>naïve</p>'
    assert decode(page.encode(), "utf-8") == page
    assert decode(page.encode(), "ascii") != page
    wrong = '<meta charset="utf-16"><p>naïve</p>'
    assert decode(wrong.encode()) == wrong


def test_damaged_text_is_read_around_the_damage() -> None:
    """And the rest of it stays."""
    assert decode("naïve ".encode() + b"\xff\xfe\xfa text", "utf-8") == "naïve ��� text"
    assert decode("日本語".encode("shift_jis") + b"\x81", "shift_jis").startswith("日本語")


async def test_a_page_is_shown_in_its_charset(site: Site) -> None:
    """From the header, or from its own word."""
    page = '<html><head><meta charset="{}"></head><body><p>日本語の文章です。</p></body></html>'
    site.pages["/header"] = reply(
        page.format("").encode("euc_jp"), type_="text/html; charset=EUC-JP"
    )
    site.pages["/own"] = reply(page.format("shift_jis").encode("shift_jis"))
    site.pages["/json"] = reply('{"a": "日本語"}', type_="application/json")
    site.pages["/plain"] = reply("日本語".encode("big5"), type_="text/plain; charset=big5")
    async with fetching(site) as fetcher:
        for path in ("/header", "/own", "/json", "/plain"):
            assert "日本語" in (await fetcher.fetch(site.url(path))).text
