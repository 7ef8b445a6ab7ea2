/**
 * Makes elements from the page's own templates, and changes elements in place.
 *
 * The templates are written by the macros that wrote the page, with notes on what belongs
 * where (livewire/reader/markup.py). Nothing else in the browser makes markup.
 *
 * @typedef {Record<string, any>} View
 */

/**
 * A template's element for one view, the same tree as the server's.
 * @param {HTMLTemplateElement} template @param {View} view @returns {HTMLElement}
 */
export function fill(template, view) {
  const first = /** @type {HTMLElement} */ (template.content.firstElementChild);
  const element = /** @type {HTMLElement} */ (document.importNode(first, true));
  place(element, view);
  element.normalize(); // parts left out must not leave text in two pieces
  return element;
}

/** @param {HTMLElement} element @param {View} view */
function place(element, view) {
  for (const { name, value } of [...element.attributes]) {
    if (!name.startsWith("data-attr-")) continue;
    element.removeAttribute(name);
    const said = read(view, value);
    if (said !== null) element.setAttribute(name.slice(10), String(said));
  }
  const [text, html] = [take(element, "data-text"), take(element, "data-html")];
  if (text !== null) element.textContent = read(view, text) ?? "";
  else if (html !== null) element.innerHTML = read(view, html) ?? "";
  else for (const child of [...element.children]) settle(/** @type {HTMLElement} */ (child), view);
}

/** Keep, leave out or repeat an element. @param {HTMLElement} element @param {View} view */
function settle(element, view) {
  const [each, when] = [take(element, "data-each"), take(element, "data-if")];
  if (each !== null) {
    for (const item of read(view, each) ?? []) {
      const copy = /** @type {HTMLElement} */ (element.cloneNode(true));
      place(copy, item);
      element.before(copy);
    }
    element.remove();
  } else if (when !== null && isEmpty(read(view, when))) element.remove();
  else place(element, view);
}

/** @param {HTMLElement} element @param {string} note */
function take(element, note) {
  const path = element.getAttribute(note);
  element.removeAttribute(note);
  return path;
}

/** @param {View} view @param {string} path */
function read(view, path) {
  return path.split(".").reduce((/** @type {any} */ at, name) => at?.[name], view) ?? null;
}

/** @param {any} value */
function isEmpty(value) {
  return Array.isArray(value) ? value.length === 0 : !value;
}

/**
 * Change an element into another, touching only what differs: focus, selection and
 * playing film in the rest stay as they are.
 * @param {Node} from @param {Node} to
 */
export function morph(from, to) {
  if (from instanceof Element && to instanceof Element) {
    if (isBusy(from)) return;
    copyAttributes(from, to);
    morphChildren(from, to);
  } else if (from.nodeValue !== to.nodeValue) from.nodeValue = to.nodeValue;
}

/** What a script or the reader is using. @param {Element} element */
function isBusy(element) {
  const playing = element instanceof HTMLMediaElement && !element.paused;
  return playing || element.classList.contains("ago");
}

/** @param {Element} from @param {Element} to */
function copyAttributes(from, to) {
  for (const { name } of [...from.attributes]) {
    const ours = name === "aria-posinset";
    if (!ours && !to.hasAttribute(name)) from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
}

/** @param {Element} from @param {Element} to */
function morphChildren(from, to) {
  let here = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    const found = nextLike(here, wanted);
    if (!found) {
      from.insertBefore(wanted, here);
      continue;
    }
    while (here && here !== found) here = dropAndNext(here);
    morph(found, wanted);
    here = found.nextSibling;
  }
  while (here) here = dropAndNext(here);
}

/** @param {ChildNode} node */
function dropAndNext(node) {
  const next = node.nextSibling;
  node.remove();
  return next;
}

/** The first of a node and those after it that can become `wanted`. @param {ChildNode|null} node @param {Node} wanted */
function nextLike(node, wanted) {
  if (!(wanted instanceof Element)) return node && node.nodeType === wanted.nodeType ? node : null;
  while (node && !(node instanceof Element && kind(node) === kind(wanted))) node = node.nextSibling;
  return node;
}

/** @param {Element} element */
function kind(element) {
  return `${element.tagName} ${element.id} ${element.classList[0] ?? ""}`;
}
