/**
 * Bringing the page up to date. The law: what somebody writes in, has open, or has the
 * focus in is neither replaced, nor moved, nor removed.
 */

import { put } from "./newsroom-forms.js";

/** The page came, but it is not the desk; the message says why. */
export class NotTheDesk extends Error {}

/**
 * The page as it is now. Throws `NotTheDesk`, or whatever `fetch` throws.
 * @param {number} wait ms for the answer
 */
export async function freshPage(wait) {
  const answer = await fetch(location.href.split("#")[0], { signal: AbortSignal.timeout(wait) });
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (fresh.querySelector("[data-desk]")) return fresh;
  if (answer.ok || answer.status === 401) {
    throw new NotTheDesk("You are signed out: open a new sign-in link in another tab.");
  }
  throw new NotTheDesk(
    answer.status < 500 ? "This page can no longer be opened." : "The newsroom cannot be reached.",
  );
}

/**
 * @param {Document} fresh
 * @param {(form: HTMLFormElement) => boolean} isWritten
 * @param {(form: HTMLFormElement) => boolean} keepsKey
 */
export function bringUpToDate(fresh, isWritten, keepsKey) {
  /** @param {Element} part */
  const isBusy = (part) =>
    part.contains(document.activeElement) ||
    part.querySelector("details[open]") !== null ||
    [...part.querySelectorAll("form")].some((form) => isWritten(form) || keepsKey(form));
  const timeline = document.querySelector("#timeline");
  if (timeline) merge(timeline, [...fresh.querySelectorAll("#timeline > li")], isBusy);
  const side = document.querySelector("#side");
  const stale = side && !isBusy(side) && isOther(side, fresh.querySelector("#side"));
  for (const id of ["list", "head", stale ? "side" : "numbers"]) {
    const [here, there] = [document.getElementById(id), fresh.getElementById(id)];
    if (!here || !there || here.contains(document.activeElement)) continue;
    if (here.outerHTML !== there.outerHTML) here.replaceWith(there);
  }
  for (const name of ["csrf", "key"]) {
    const field = fresh.querySelector(`input[name="${name}"]`);
    const value = field instanceof HTMLInputElement ? field.value : "";
    for (const form of document.forms) {
      if (name === "csrf" || !keepsKey(form)) put(form, name, value);
    }
  }
}

/**
 * Put the wanted items into a list. What is the same, or in use, stays as it is.
 * @param {Element} list @param {Element[]} wanted @param {(part: Element) => boolean} isBusy
 */
function merge(list, wanted, isBusy) {
  const items = wanted.map((fresh) => {
    const old = document.getElementById(fresh.id);
    return old && (isBusy(old) || !isOther(old, fresh)) ? old : fresh;
  });
  for (const old of [...list.children]) if (!items.includes(old) && !isBusy(old)) old.remove();
  items.forEach((item, place) => {
    if (list.children[place] !== item) list.insertBefore(item, list.children[place] ?? null);
  });
}

/** @param {Element} here @param {Element|null} there */
function isOther(here, there) {
  return here.getAttribute("data-version") !== there?.getAttribute("data-version");
}
