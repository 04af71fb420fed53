// What runs inside of a page, in a world of its own whose builtins the page cannot reach: it reads
// what is visible, names elements by number, finds words and scrolls. Playwright takes it as a
// selector engine: `openswarm=12` is the element of that number; any other selector is a question
// in JSON whose answer is the text of an element that stands in no document. All work is bounded.
(() => {
  const INTERACTIVE =
    "a[href],button,input:not([type=hidden]),select,textarea,summary,[contenteditable=''],"
    + "[contenteditable=true],[onclick],[tabindex]:not([tabindex='-1']),[role=button],[role=link],"
    + "[role=checkbox],[role=radio],[role=switch],[role=tab],[role=menuitem],[role=option],"
    + "[role=combobox],[role=textbox],[role=searchbox],[role=slider],[role=treeitem]";
  const BLOCK =
    "address,article,aside,blockquote,body,button,dd,details,dialog,div,dl,dt,fieldset,figcaption,figure,"
    + "footer,form,h1,h2,h3,h4,h5,h6,header,hr,label,legend,li,main,nav,ol,p,pre,section,summary,"
    + "table,td,th,tr,ul";
  const UNREAD = new Set(["SCRIPT", "STYLE", "NOSCRIPT", "TEMPLATE", "SVG", "IFRAME", "OPTION"]);
  const INPUT_ROLES = {
    checkbox: "checkbox", radio: "radio", button: "button", submit: "button", reset: "button",
    image: "button", range: "slider", file: "file", search: "searchbox", password: "password",
  };
  const TAG_ROLES = {
    A: "link", BUTTON: "button", SELECT: "list", TEXTAREA: "textbox", SUMMARY: "button",
  };
  const MOST_NODES = 200000, MOST_ROOTS = 300, MOST_POINTED = 3000, MOST_MS = 1500;
  const ids = new WeakMap();
  const named = new Map();
  // a form or document hides its own methods behind elements of their names; prototypes do not
  const attribute = (element, name) => Element.prototype.getAttribute.call(element, name) || "";
  const all = (root, selector) =>
    (root instanceof Document ? Document : DocumentFragment).prototype.querySelectorAll
      .call(root, selector);
  const squeeze = (text, length) =>
    String(text || "").slice(0, 20 * length + 200).replace(/\s+/g, " ").trim().slice(0, length);
  const box = (element) => Element.prototype.getBoundingClientRect.call(element);

  function roots() {
    const found = [document];
    for (let i = 0; i < found.length && found.length < MOST_ROOTS; i++)
      for (const element of all(found[i], "*"))
        if (element.shadowRoot instanceof ShadowRoot && found.length < MOST_ROOTS)
          found.push(element.shadowRoot);
    return found;
  }

  function isShown(element) {
    return Element.prototype.checkVisibility.call(
      element, { visibilityProperty: true, opacityProperty: true });
  }

  function* texts() {
    const end = performance.now() + MOST_MS;
    let count = 0;
    for (const root of roots()) {
      const walker = Document.prototype.createTreeWalker.call(
        document, root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT,
        (node) => {
          if (node instanceof Text) return NodeFilter.FILTER_ACCEPT;
          if (UNREAD.has(String(node.nodeName).toUpperCase())) return NodeFilter.FILTER_REJECT;
          return isShown(node) || getComputedStyle(node).display === "contents"
            ? NodeFilter.FILTER_SKIP : NodeFilter.FILTER_REJECT;
        });
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        if (++count > MOST_NODES || performance.now() > end) return;
        const parent = node.parentElement;
        if (parent && parent.nodeName !== "TEXTAREA") yield [node, parent];
      }
    }
  }

  const isCell = (element) => element && /^T[DH]$/.test(element.nodeName);

  // the visible text as lines, each with the element it begins in; cells of a row share one
  function* lines() {
    let line = "", start = null, block = null;
    for (const [node, parent] of texts()) {
      const raw = node.data.slice(0, 20000);
      const own = Element.prototype.closest.call(parent, BLOCK);
      if (own !== block) {
        if (!raw.trim()) continue;
        if (isCell(own) && isCell(block) && own.parentNode === block.parentNode) {
          line += " | ";
        } else {
          if (line.trim()) yield [squeeze(line, 20200), start];
          line = "";
          start = parent;
        }
        block = own;
      }
      line += raw;
      if (line.length > 20000) {
        yield [squeeze(line, 20200), start];
        line = "";
      }
    }
    if (line.trim()) yield [squeeze(line, 20200), start];
  }

  function pageText(limit, fromHere) {
    let text = "", cut = false;
    for (const [line, start] of lines()) {
      if (fromHere && !text && start && box(start).bottom < 0) continue;
      if (text.length + line.length > limit) {
        text += line.slice(0, limit - text.length);
        cut = true;
        break;
      }
      text += line + "\n";
    }
    return { text, cut };
  }

  function pointed(known) {
    const found = [];
    let seen = 0;
    for (const element of all(document, "div,span,li,td,img,svg,label,p")) {
      if (++seen > MOST_POINTED) break;
      const rect = box(element), parent = element.parentElement;
      if (rect.bottom < 0 || rect.top > innerHeight || !parent) continue;
      if (getComputedStyle(element).cursor !== "pointer") continue;
      if (getComputedStyle(parent).cursor === "pointer") continue;
      if (!known.has(element)) found.push(element);
    }
    return found;
  }

  function role(element) {
    const said = squeeze(attribute(element, "role"), 20);
    if (/^[a-z]+$/.test(said)) return said;
    if (element.nodeName === "INPUT") return INPUT_ROLES[element.type] || "textbox";
    return TAG_ROLES[element.nodeName]
      || (element.isContentEditable ? "textbox" : "clickable");
  }

  function name(element) {
    const label = attribute(element, "aria-labelledby").split(/\s+/).slice(0, 4)
      .map((id) => id && Document.prototype.getElementById.call(document, id)?.textContent);
    const labels = element.labels ? [...element.labels].slice(0, 2) : [];
    const isButton = element.nodeName === "INPUT" && /^(submit|button|reset)$/.test(element.type);
    const isField = /^(INPUT|SELECT|TEXTAREA)$/.test(element.nodeName);
    const choices = [
      attribute(element, "aria-label"), label.join(" "),
      isButton ? element.value || element.type : "",
      labels.map((entry) => ownText(entry)).join(" "),
      isField ? "" : element.innerText,
      attribute(element, "alt"), attribute(element, "title"), attribute(element, "placeholder"),
      isField ? attribute(element, "name") : element.querySelector("img[alt]")?.alt,
    ];
    return squeeze(choices.find((text) => squeeze(text, 1)), 80);
  }

  // of a label: without the options or the text of the field that it holds
  function ownText(label) {
    const copy = label.cloneNode(true);
    for (const field of copy.querySelectorAll("select,textarea,input,button")) field.remove();
    return copy.textContent;
  }

  function value(element) {
    if (element.nodeName === "SELECT") {
      return squeeze([...element.selectedOptions].slice(0, 5).map((o) => o.text).join(", "), 80);
    }
    const isText = role(element).match(/^(textbox|searchbox|slider|combobox)$/);
    return isText ? squeeze(element.value ?? "", 80) : "";
  }

  function states(element) {
    const found = [];
    if (element.checked === true || attribute(element, "aria-checked") === "true")
      found.push("checked");
    if (element.disabled === true || attribute(element, "aria-disabled") === "true")
      found.push("disabled");
    if (attribute(element, "aria-selected") === "true") found.push("selected");
    const expanded = attribute(element, "aria-expanded");
    if (expanded === "true" || expanded === "false")
      found.push(expanded === "true" ? "expanded" : "collapsed");
    return found;
  }

  function options(element) {
    if (element.nodeName !== "SELECT") return [];
    return [...element.options].slice(0, 20).map((option) => squeeze(option.text, 40));
  }

  function elements(first, limit) {
    const known = new Set();
    for (const root of roots())
      for (const element of all(root, INTERACTIVE)) known.add(element);
    for (const element of pointed(known)) known.add(element);
    const here = [];
    let above = 0, below = 0;
    for (const element of known) {
      const rect = box(element);
      if (rect.width < 1 || rect.height < 1 || !isShown(element)) continue;
      if (rect.bottom < 0) above++;
      else if (here.length >= 5 * limit) below++;
      else here.push([rect.top, rect.left, element]);
    }
    const row = (top) => Math.round(top / 24);
    here.sort((a, b) => row(a[0]) - row(b[0]) || a[1] - b[1]);
    below += Math.max(0, here.length - limit);
    const listed = [];
    for (const [, , element] of here.slice(0, limit)) {
      const id = ids.get(element) || first;
      try {
        listed.push({
          id, role: role(element), name: name(element), value: value(element),
          states: states(element), options: options(element),
        });
      } catch {
        continue; // it hides what it is
      }
      if (id === first) ids.set(element, first++);
      named.set(id, new WeakRef(element));
    }
    return { elements: listed, above, below };
  }

  function scroller() {
    const page = document.scrollingElement || document.documentElement;
    if (page.scrollHeight > innerHeight + 1) return page;
    let best = page, area = 0;
    for (const element of [...all(document, "div,main,section,ul,article")].slice(0, MOST_POINTED)) {
      if (element.scrollHeight <= element.clientHeight + 1 || !element.clientHeight) continue;
      if (!/auto|scroll/.test(getComputedStyle(element).overflowY)) continue;
      if (element.clientHeight * element.clientWidth > area) {
        area = element.clientHeight * element.clientWidth;
        best = element;
      }
    }
    return best;
  }

  const questions = {
    look({ first, limit, chars }) {
      if (window !== window.top && (innerWidth < 20 || innerHeight < 20)) return { hidden: true };
      const place = scroller(), height = place.clientHeight || 1;
      return {
        title: squeeze(document.title, 200),
        ...elements(first, limit), ...pageText(chars, true),
        screen: place.scrollTop / height, screens: place.scrollHeight / height,
      };
    },
    read({ chars }) {
      return pageText(chars, false);
    },
    scroll({ screens }) {
      const place = scroller(), before = place.scrollTop;
      place.scrollBy({ top: screens * place.clientHeight * 0.9, behavior: "instant" });
      return { moved: place.scrollTop !== before };
    },
    find({ text, limit }) {
      const wanted = text.toLowerCase(), found = [];
      let count = 0, first = null;
      for (const [line, start] of lines()) {
        const at = line.toLowerCase().indexOf(wanted);
        if (at < 0) continue;
        count++;
        first = first || start;
        if (found.length < limit) found.push(line.slice(Math.max(0, at - 120), at + 200));
      }
      if (first) first.scrollIntoView({ block: "center", behavior: "instant" });
      return { count, found };
    },
  };

  function answer(selector) {
    const { ask, ...rest } = JSON.parse(decodeURIComponent(selector));
    const holder = document.createElement("pre");
    holder.textContent = JSON.stringify(questions[ask](rest));
    return holder;
  }

  return {
    queryAll(_, selector) {
      if (!/^\d+$/.test(selector)) return [answer(selector)];
      const element = named.get(Number(selector))?.deref();
      return element && element.isConnected ? [element] : [];
    },
  };
})()
