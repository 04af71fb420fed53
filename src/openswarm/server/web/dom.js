/**
 * Makes elements. Text is only ever set as text nodes, so that nothing a model wrote becomes HTML.
 */

const SVG = "http://www.w3.org/2000/svg";
const REFUSED = new Set(["style", "srcdoc", "innerhtml", "outerhtml"]);
const AS_PROPERTY = new Set(["value", "checked", "indeterminate", "selected"]);
const SAFE_HREF = /^(https?:\/\/|blob:|#|\/(?!\/))/i;

/**
 * An element.
 * @param {string} tag
 * @param {Object<string, *>|null} [props] attributes; `onclick` and its like take a function,
 *   `vars` an object of CSS custom properties, `class` a string or a list (falsy entries are left
 *   out); null, undefined and false leave an attribute out; `href` is http(s), blob or local
 * @param {...(Node|string|number|null|undefined|false|Array)} children
 * @returns {HTMLElement}
 */
export function h(tag, props, ...children) {
  return build(document.createElement(tag), props, children);
}

/**
 * An SVG element, with the same arguments as `h`.
 * @returns {SVGElement}
 */
export function svg(tag, props, ...children) {
  return build(document.createElementNS(SVG, tag), props, children);
}

/** Sets the text of an element, if it is another. */
export function setText(element, text) {
  const wanted = text === null || text === undefined ? "" : String(text);
  if (element.textContent !== wanted) element.textContent = wanted;
}

/** Sets or takes away one property as `h` takes it, if it is another. */
export function setProp(element, name, value) {
  if (REFUSED.has(name.toLowerCase())) throw new TypeError(`${name} may not be set`);
  if (name === "class") setClass(element, value);
  else if (name === "vars") setVars(element, value);
  else if (AS_PROPERTY.has(name)) {
    if (element[name] !== value) element[name] = value;
  } else if (name === "href") setHref(element, value);
  else if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else setAttribute(element, name, value === true ? "" : String(value));
}

/** Puts these children in the place of those that are there. */
export function replace(element, ...children) {
  element.replaceChildren(...nodes(children));
}

/**
 * Makes the children of an element these nodes, moving as few as it can. The focus stays.
 * @param {Element} parent
 * @param {Node[]} wanted
 */
export function arrange(parent, wanted) {
  const focused = parent.contains(document.activeElement) ? document.activeElement : null;
  const keep = new Set(wanted);
  for (const child of [...parent.childNodes]) if (!keep.has(child)) child.remove();
  let next = parent.firstChild;
  for (const node of wanted) {
    if (node === next) next = next.nextSibling;
    else parent.insertBefore(node, next);
  }
  if (focused && focused !== document.activeElement && parent.contains(focused)) {
    focused.focus({ preventScroll: true });
  }
}

function build(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (typeof value === "function" && name.startsWith("on")) {
      element.addEventListener(name.slice(2), value);
    } else setProp(element, name, value);
  }
  element.append(...nodes(children));
  return element;
}

function nodes(children) {
  return children
    .flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false && child !== "")
    .map((child) => (child instanceof Node ? child : document.createTextNode(String(child))));
}

function setAttribute(element, name, value) {
  if (name.startsWith("on")) throw new TypeError(`${name} takes a function`);
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

function setClass(element, value) {
  const names = Array.isArray(value) ? value.filter(Boolean).join(" ") : (value ?? "");
  if (!names) element.removeAttribute("class");
  else if (element.getAttribute("class") !== names) element.setAttribute("class", names);
}

function setVars(element, vars) {
  for (const [name, value] of Object.entries(vars ?? {})) {
    const wanted = String(value);
    if (element.style.getPropertyValue(name) !== wanted) element.style.setProperty(name, wanted);
  }
}

function setHref(element, value) {
  if (typeof value === "string" && SAFE_HREF.test(value)) setAttribute(element, "href", value);
  else element.removeAttribute("href");
}
