/** What a reader does with updates: share one, step through them. */

/** @param {MouseEvent} event */
export async function share(event) {
  const target = /** @type {Element} */ (event.target);
  const link = /** @type {HTMLAnchorElement|null} */ (target.closest("a.share"));
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  const title = link.closest("article")?.querySelector("h2")?.textContent ?? document.title;
  try {
    if (navigator.share) return await navigator.share({ title, url: link.href });
    await navigator.clipboard.writeText(link.href);
    link.textContent = "Link copied";
    setTimeout(() => (link.textContent = "Share"), 2000);
  } catch (error) {
    const refused = error instanceof DOMException && error.name === "AbortError";
    if (!refused) location.assign(link.href);
  }
}

/** Page Up and Page Down, j and k step through the feed. @param {KeyboardEvent} event @param {HTMLElement[]} articles */
export function step(event, articles) {
  const by = /** @type {Record<string, number>} */ ({ j: 1, PageDown: 1, k: -1, PageUp: -1 })[event.key];
  if (!by || event.altKey || event.ctrlKey || event.metaKey) return;
  const here = articles.findIndex((one) => one.contains(document.activeElement));
  const next = articles[here + by];
  if (!next) return;
  event.preventDefault();
  next.scrollIntoView({ block: "start", behavior: "instant" });
  /** @type {HTMLElement|null} */ (next.querySelector("h2"))?.focus({ preventScroll: true });
}
