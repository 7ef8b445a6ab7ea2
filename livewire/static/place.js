/** Keeps the reader's place: what is being read stays where it is on the screen. */

/**
 * Make a change, then scroll by as much as it moved what the reader is looking at. At the
 * very top of the page nothing is corrected: the new may push the old down there.
 * @param {HTMLElement} list @param {number} edge  y below which the page can be seen
 * @param {() => void} change
 */
export function keepPlace(list, edge, change) {
  if (scrollY <= 0) return change();
  const before = beingRead(list, edge).map((element) => ({ element, top: topOf(element) }));
  change();
  const held = before.find(({ element }) => element.isConnected);
  const moved = held ? topOf(held.element) - held.top : 0;
  if (moved) scrollOn(moved);
}

/** What scrolling to whole pixels has left undone; it must not add up over a night. */
let owed = 0;

/** @param {number} moved */
function scrollOn(moved) {
  const from = scrollY;
  owed += moved;
  scrollBy({ top: owed, behavior: "instant" });
  owed -= scrollY - from;
  // The page's end stopped us: that is not a rounding, and never to be made good.
  if (Math.abs(owed) >= 1) owed = 0;
}

/**
 * The paragraph at the edge, then what contains it, then the updates after: the first of
 * them that survives a change tells how far things moved.
 * @param {HTMLElement} list @param {number} edge @returns {Element[]}
 */
function beingRead(list, edge) {
  const below = [...list.children].filter((child) => bottomOf(child) > edge);
  const [first, ...rest] = below;
  // Far above the list something else is read, which its beginning says nothing about.
  if (!first || topOf(first) > innerHeight / 2) return [];
  if (topOf(first) >= edge) return below;
  const inside = [...first.querySelectorAll("p, li, h2, figure, footer")];
  return [...inside.filter((part) => bottomOf(part) > edge).slice(0, 3), first, ...rest];
}

/** @param {Element} element */
function topOf(element) {
  return element.getBoundingClientRect().top;
}

/** @param {Element} element */
function bottomOf(element) {
  return element.getBoundingClientRect().bottom;
}
