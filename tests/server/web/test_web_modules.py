"""What the modules of the web view do with what comes from outside: streams, and text of models."""

import pytest
from modules_page import NO_BROWSER, ModulesPage

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.browser,
    pytest.mark.skipif(NO_BROWSER, reason="no Chromium is installed: apt install chromium"),
]
STREAM = (
    ": heartbeat\n\nretry: 1000\n\n"
    'id: 1\ndata: {"seq": 1, "text": "Île"}\n\n'
    'event: tick\r\ndata: {"agent": "root", "kind": "text",\r\ndata:"text": "a:b"}\r\n\r\n'
    "id: 2\rdata:x\r\r"
    "data\n\n"
)
FRAMES = [
    {"id": "1", "event": "message", "data": '{"seq": 1, "text": "Île"}'},
    {"id": "", "event": "tick", "data": '{"agent": "root", "kind": "text",\n"text": "a:b"}'},
    {"id": "2", "event": "message", "data": "x"},
    {"id": "", "event": "message", "data": ""},
]
FOLLOW = """
const [connections] = given;
const seen = [], asked = [], statuses = [];
const encode = (frames) => new TextEncoder().encode(frames.map((frame) =>
  `event: ${frame.event ?? "message"}\\ndata: ${JSON.stringify(frame)}\\n\\n`).join(""));
await new Promise((resolve) => {
  const feed = it.createFeed({
    open: async (after) => {
      asked.push(after);
      const frames = connections.shift();
      if (frames === "refused") throw Object.assign(new Error("no"), { status: 404 });
      if (frames === "down") throw new Error("down");
      return new Response(encode(frames));
    },
    onEvent: (event) => seen.push(event.seq),
    onTick: (tick) => seen.push(tick.text),
    onEnd: () => seen.push("end"),
    onStatus: (status) => {
      statuses.push(status);
      if (status === "over" || status === "refused") resolve();
    },
    firstWaitMs: 1,
  });
  feed.start();
});
return { seen, asked, statuses };
"""
END = {"event": "end", "outcome": "completed"}


async def test_a_stream_may_be_split_at_any_byte(modules: ModulesPage) -> None:
    body = """
    const bytes = new TextEncoder().encode(given[0]);
    const all = [];
    for (let at = 0; at <= bytes.length; at += 1) {
      const frames = [], decoder = new TextDecoder();
      const parse = it.createParser((frame) => frames.push(frame));
      parse(decoder.decode(bytes.slice(0, at), { stream: true }));
      parse(decoder.decode(bytes.slice(at), { stream: true }));
      all.push(frames);
    }
    return all;
    """
    for at, frames in enumerate(await modules.run("feed.js", body, STREAM)):
        assert frames == FRAMES, f"split at byte {at}"


async def test_a_lost_connection_goes_on_after_the_last_event(modules: ModulesPage) -> None:
    connections = [[{"seq": 1}, {"seq": 2}], "down", [{"seq": 2}, {"seq": 3}, END]]
    ran = await modules.run("feed.js", FOLLOW, connections)
    assert ran["seen"] == [1, 2, 3, "end"]
    assert ran["asked"] == [0, 2, 2]
    assert ran["statuses"] == ["connecting", "connected", "lost", "lost", "connected", "over"]


async def test_an_event_that_is_missing_is_asked_for_again(modules: ModulesPage) -> None:
    tick = {"event": "tick", "agent": "root", "kind": "text", "text": "…"}
    connections = [[{"seq": 1}, tick, {"seq": 3}], [{"seq": 2}, {"seq": 3}, END]]
    ran = await modules.run("feed.js", FOLLOW, connections)
    assert ran["seen"] == [1, "…", 2, 3, "end"]
    assert ran["asked"] == [0, 1]


async def test_a_run_that_is_not_there_is_not_asked_for_again(modules: ModulesPage) -> None:
    ran = await modules.run("feed.js", FOLLOW, ["refused"])
    assert (ran["statuses"], ran["asked"]) == (["connecting", "refused"], [0])


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("<img src=x onerror=alert(1)>", "<p>&lt;img src=x onerror=alert(1)&gt;</p>"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>"),
        ("**a** `b`", "<p><strong>a</strong> <code>b</code></p>"),
        ("- a\n- b\n\n1. c", "<ul><li>a</li><li>b</li></ul><ol><li>c</li></ol>"),
        ("```\n<b>\n```", '<pre class="code">&lt;b&gt;</pre>'),
        (
            "see https://a.b/c.",
            '<p>see <a href="https://a.b/c" rel="noopener noreferrer" target="_blank">'
            "https://a.b/c</a>.</p>",
        ),
        ("a\u202eb\u200b", "<p>ab</p>"),
    ],
)
async def test_text_of_models_becomes_these_elements_alone(
    modules: ModulesPage, text: str, html: str
) -> None:
    assert await modules.run("run/prose.js", "return it.prose(given[0]).innerHTML", text) == html


@pytest.mark.parametrize(
    ("tag", "props"),
    [("p", {"style": "color: red"}), ("iframe", {"srcdoc": "<b>"}), ("p", {"onclick": "alert(1)"})],
)
async def test_elements_take_no_markup_style_or_script(
    modules: ModulesPage, tag: str, props: dict[str, str]
) -> None:
    body = "try { it.h(...given); return ''; } catch (error) { return error.name; }"
    assert await modules.run("dom.js", body, tag, props) == "TypeError"


async def test_a_link_leads_to_http_or_within_the_page_alone(modules: ModulesPage) -> None:
    links = ["https://a.b", "#/runs", "/x", "//a.b", "javascript:alert(1)", "data:text/html,x", ""]
    body = "return given[0].map((href) => it.h('a', { href }).getAttribute('href'))"
    assert await modules.run("dom.js", body, links) == [*links[:3], None, None, None, None]


async def test_sub_agents_without_an_orchestrator_are_in_the_tree(modules: ModulesPage) -> None:
    body = """
    const agent = (path) => ({ path, stage: 1, generation: 0, state: "running", outcome: null });
    const agents = new Map(given[0].map((path) => [path, agent(path)]));
    const { items } = it.treeItems(agents, { text: "", standing: "", sort: "", closed: new Set() });
    return items.map(({ key, level, size, place }) => [key, level, size, place]);
    """
    tree = "run/tree_items.js"
    assert await modules.run(tree, body, ["root/1", "root/2", "answer/0"]) == [
        ["stage/0/1", 1, 2, 1],
        ["root/1", 2, 2, 1],
        ["root/2", 2, 2, 2],
        ["answer/0", 1, 2, 2],
    ]
    assert await modules.run(tree, body, ["root", "root/1"]) == [
        ["root", 1, 1, 1],
        ["stage/0/1", 2, 1, 1],
        ["root/1", 3, 1, 1],
    ]


async def test_a_wish_is_sent_by_ctrl_enter_and_given_up_with_its_dialog(
    modules: ModulesPage,
) -> None:
    body = """
    let onclose, signal;
    const dialog = { open: (given) => {
      document.body.append(given.body);
      onclose = given.onclose;
      return { close: onclose };
    } };
    const ask = (asked, given) => {
      signal = given;
      return new Promise(() => {});
    };
    it.openWish(dialog, { ask, carryOut: async () => {} });
    const words = document.querySelector("textarea");
    words.value = "add the currency";
    words.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", ctrlKey: true }));
    const before = signal.aborted;
    onclose();
    words.closest("form").remove();
    return [before, signal.aborted];
    """
    assert await modules.run("run/wish.js", body) == [False, True]
