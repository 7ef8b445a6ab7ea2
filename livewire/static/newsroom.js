/**
 * The newsroom with a script: what is typed is never lost, and what was sent is seen.
 *
 * Every form works without this file. With it, forms are sent in place: a text stays
 * where it is until the server has said that it is stored, and a sending whose outcome
 * is unknown is repeated under the same key, so that it cannot publish twice.
 */

import { Alarm } from "./newsroom-alarm.js";
import { Drafts } from "./newsroom-drafts.js";

const WAIT = 20_000; // ms for an answer before a sending counts as failed
const LOOK = 10_000; // ms between looks at what others did

const strip = /** @type {HTMLElement} */ (document.querySelector("#strip"));
const retry = /** @type {HTMLButtonElement} */ (strip.querySelector("[data-retry]"));
const alarm = new Alarm(/** @type {HTMLDialogElement} */ (document.querySelector("#alarm")));
const drafts = new Drafts(document.querySelector("[data-desk]")?.getAttribute("data-desk") ?? "");

/** @type {WeakSet<HTMLFormElement>} */ const changed = new WeakSet();
/** @type {WeakSet<HTMLFormElement>} */ const unknown = new WeakSet();
/** @type {{form: HTMLFormElement, by: HTMLElement|null}|null} */ let failed = null;

/**
 * @param {string} words
 * @param {{wrong?: boolean, again?: boolean}} [how]
 */
function say(words, { wrong = false, again = false } = {}) {
  strip.hidden = !words;
  strip.classList.toggle("wrong", wrong);
  /** @type {HTMLElement} */ (strip.querySelector("p")).textContent = words;
  retry.hidden = !again;
}

/** @param {HTMLFormElement} form @param {Array<{pointer: string, detail: string}>} errors */
function showFaults(form, errors) {
  const told = new Map(errors.map((each) => [each.pointer.slice(1).replaceAll("/", "_"), each.detail]));
  for (const place of form.querySelectorAll("[data-fault]")) {
    const detail = told.get(/** @type {HTMLElement} */ (place).dataset.fault ?? "");
    /** @type {HTMLElement} */ (place).hidden = detail === undefined;
    place.textContent = detail ?? "";
    if (detail !== undefined) place.closest("details")?.setAttribute("open", "");
  }
}

/** @param {HTMLFormElement} form @param {string} name @param {string} value */
function put(form, name, value) {
  const field = form.elements.namedItem(name);
  if (field instanceof HTMLInputElement && value) field.value = value;
}

/** @param {HTMLFormElement} form @param {Record<string, unknown>|undefined} theirs */
function showTheirs(form, theirs) {
  const sheet = /** @type {HTMLElement|null} */ (form.querySelector(".theirs"));
  if (!theirs || !sheet) return;
  sheet.hidden = false;
  for (const place of sheet.querySelectorAll("[data-theirs]")) {
    place.textContent = String(theirs[place.getAttribute("data-theirs") ?? ""] ?? "");
  }
  put(form, "version", String(theirs.version));
}

/**
 * Bring the page up to date, but for what somebody is in the middle of writing.
 */
async function refresh() {
  const answer = await fetch(location.href.split("#")[0], { signal: AbortSignal.timeout(WAIT) });
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!fresh.querySelector("[data-desk]")) throw new Error("signed out");
  alarm.count(fresh);
  const timeline = document.querySelector("#timeline");
  if (timeline) bringUpToDate(timeline, [...fresh.querySelectorAll("#timeline > li")]);
  const side = document.querySelector("#side");
  const stale = side && !isBusy(side) && isOther(side, fresh.querySelector("#side"));
  for (const id of ["list", "head", stale ? "side" : "numbers"]) {
    const there = fresh.getElementById(id);
    if (there) document.getElementById(id)?.replaceWith(there);
  }
  for (const name of ["csrf", "key"]) {
    const field = fresh.querySelector(`input[name="${name}"]`);
    const value = field instanceof HTMLInputElement ? field.value : "";
    for (const form of document.forms) {
      if (name === "csrf" || !unknown.has(form)) put(form, name, value);
    }
  }
}

/**
 * Put the wanted items into a list. What is the same, or being written in, is not moved.
 * @param {Element} list @param {Element[]} wanted
 */
function bringUpToDate(list, wanted) {
  const items = wanted.map((fresh) => {
    const old = document.getElementById(fresh.id);
    return old && (isBusy(old) || !isOther(old, fresh)) ? old : fresh;
  });
  for (const old of [...list.children]) if (!items.includes(old)) old.remove();
  items.forEach((item, place) => {
    if (list.children[place] !== item) list.insertBefore(item, list.children[place] ?? null);
  });
}

/** @param {Element} here @param {Element|null} there */
function isOther(here, there) {
  return here.getAttribute("data-version") !== there?.getAttribute("data-version");
}

/** @param {Element} part */
function isBusy(part) {
  return [...part.querySelectorAll("form")].some((form) => changed.has(form) || unknown.has(form));
}

/** @param {HTMLFormElement} form @param {HTMLElement|null} by */
async function send(form, by) {
  const address = by?.getAttribute("formaction") ?? form.getAttribute("action") ?? "";
  const button = by ?? form.querySelector("button.main, button");
  if (button instanceof HTMLButtonElement) button.disabled = true;
  const body = new FormData(form);
  try {
    const answer = await fetch(address, {
      method: "POST",
      headers: { Accept: "application/json" },
      body,
      signal: AbortSignal.timeout(WAIT),
    });
    const told = await answer.json();
    unknown.delete(form);
    if (answer.ok) await done(form, by, told);
    else await refused(form, by, answer.status, told);
  } catch {
    unknown.add(form);
    drafts.keep(form);
    failed = { form, by };
    say("Not sent. Your text is kept.", { wrong: true, again: true });
  } finally {
    if (button instanceof HTMLButtonElement) button.disabled = false;
  }
}

/**
 * @param {HTMLFormElement} form @param {HTMLElement|null} by
 * @param {Record<string, any>} told
 */
async function done(form, by, told) {
  failed = null;
  showFaults(form, []);
  if (by?.hasAttribute("data-picture")) return addPicture(form, told);
  changed.delete(form);
  drafts.forget(form);
  const others = [...document.forms].some((each) => changed.has(each) && hasWords(each));
  const aboutStory = told.id === "story" && !others;
  if (aboutStory || location.pathname !== told.location) {
    return location.assign(`${told.location}?said=${told.said}`);
  }
  if (form.id) clear(form);
  const item = form.closest("li")?.id;
  put(form, "key", told.key);
  say(WORDS[told.said] ?? "Done.");
  try {
    await refresh();
  } catch {
    say(`${WORDS[told.said] ?? "Done."} The page could not be brought up to date: reload it.`);
  }
  const here = item ? document.getElementById(item)?.querySelector("button, summary") : null;
  const next = form.id ? form.querySelector(".headline") : here;
  if (next instanceof HTMLElement) next.focus({ preventScroll: true });
}

/** An empty sheet, whatever it was delivered with. @param {HTMLFormElement} form */
function clear(form) {
  form.querySelector(".tray")?.replaceChildren();
  for (const part of form.querySelectorAll("details")) part.open = false;
  for (const field of form.elements) {
    if (field instanceof HTMLTextAreaElement) field.value = "";
    if (!(field instanceof HTMLInputElement) || field.type === "hidden") continue;
    if (field.type === "checkbox") field.checked = false;
    else field.value = "";
  }
}

/** @type {Record<string, string>} */
const WORDS = {
  published: "Published.",
  changed: "Saved.",
  corrected: "Corrected.",
  withdrawn: "Withdrawn.",
  opened: "The story is open.",
  status: "The story's status is changed.",
};

/**
 * @param {HTMLFormElement} form @param {HTMLElement|null} by
 * @param {number} status @param {Record<string, any>} told
 */
async function refused(form, by, status, told) {
  if (status >= 500) unknown.add(form);
  failed = { form, by };
  drafts.keep(form);
  put(form, "key", told.key ?? "");
  showFaults(form, told.errors ?? []);
  if (status === 412) showTheirs(form, told.update ?? told.story);
  if (status === 401) {
    const how = "open a new sign-in link in another tab, then try again here.";
    return say(`Not sent: you are signed out. Your text is kept; ${how}`, { wrong: true, again: true });
  }
  if (status === 412 || status === 422) return say(told.words, { wrong: true });
  if (status === 403 && told.type?.endsWith("not-from-here")) {
    return say("Not sent: your sign-in has changed. Your text is kept.", { wrong: true, again: true });
  }
  say(`${told.words ?? told.title} Your text is kept.`, { wrong: true, again: status >= 500 });
}

/** @param {HTMLFormElement} form @param {Record<string, any>} row */
function addPicture(form, row) {
  const blank = /** @type {HTMLTemplateElement} */ (form.querySelector("#picture-row"));
  const item = /** @type {DocumentFragment} */ (blank.content.cloneNode(true));
  const tray = /** @type {HTMLElement} */ (form.querySelector(".tray"));
  /** @type {HTMLImageElement} */ (item.querySelector("[data-src]")).src = row.src;
  for (const name of ["id", "alt", "caption", "credit"]) {
    /** @type {HTMLInputElement} */ (item.querySelector(`[name="media_${name}"]`)).value = row[name];
  }
  /** @type {HTMLInputElement} */ (item.querySelector('[name="media_drop"]')).value = row.id;
  const fault = /** @type {HTMLElement} */ (item.querySelector("[data-fault]"));
  fault.dataset.fault = `media_${tray.children.length}_alt`;
  tray.append(item);
  for (const name of ["picture", "alt", "caption", "credit"]) {
    const field = form.elements.namedItem(name);
    if (field instanceof HTMLInputElement) field.value = "";
  }
  drafts.keep(form);
  say("The picture is in the tray.");
}

document.addEventListener("submit", async (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (form.hasAttribute("data-plain") || form.method === "dialog") return;
  event.preventDefault();
  const by = /** @type {SubmitEvent} */ (event).submitter;
  if (alarm.isNeeded(form) && !by?.hasAttribute("data-picture")) {
    await refresh().catch(() => {});
    if (!(await alarm.ask(form))) return;
  }
  await send(form, by);
});

retry.addEventListener("click", async () => {
  if (!failed) return;
  const { form, by } = failed;
  // A new sign-in has new form tokens.
  await refresh().catch(() => {});
  await send(form, by);
});

document.addEventListener("input", ({ target }) => {
  const form = target instanceof Element ? target.closest("form") : null;
  if (!form) return;
  changed.add(form);
  drafts.keep(form);
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.isComposing) return;
  if (!event.ctrlKey && !event.metaKey) return goOn(event);
  const form = event.target instanceof Element ? event.target.closest("form") : null;
  if (!form || form.hasAttribute("data-plain")) return;
  event.preventDefault();
  const button = form.querySelector("button.main") ?? form.querySelector(".foot button");
  if (button instanceof HTMLButtonElement && !button.disabled) form.requestSubmit(button);
});

/** Enter in a line of the sheet goes to the text: nothing is sent by a slip. @param {KeyboardEvent} event */
function goOn(event) {
  const line = event.target;
  if (!(line instanceof HTMLInputElement) || !line.closest(".sheet:not(.small)")) return;
  if (line.type !== "checkbox" && line.type !== "file") event.preventDefault();
  if (line.matches(".headline")) line.form?.querySelector("textarea")?.focus();
}

addEventListener("beforeunload", (event) => {
  if ([...document.forms].some((form) => changed.has(form) && hasWords(form))) event.preventDefault();
});

/** @param {HTMLFormElement} form */
function hasWords(form) {
  return [...form.querySelectorAll("textarea, input:not([type]), input[type=text]")].some((field) => {
    const typed = /** @type {HTMLInputElement|HTMLTextAreaElement} */ (field);
    return typed.value.trim() !== "" && typed.value !== typed.defaultValue;
  });
}

document.documentElement.classList.add("scripted");
if (/Mac|iPhone|iPad/.test(navigator.userAgent)) {
  for (const key of document.querySelectorAll("kbd")) key.textContent = "⌘ Enter";
}
for (const form of document.querySelectorAll("form[data-draft]")) {
  const known = /** @type {HTMLFormElement} */ (form);
  if (!strip.classList.contains("wrong") && drafts.restore(known)) {
    changed.add(known);
    if (strip.hidden) say("Your unsent text from before is back.");
  }
}
const zone = document.querySelector('input[name="timezone"]');
if (zone instanceof HTMLInputElement && zone.value === "UTC") {
  zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}
setInterval(() => {
  if (!document.hidden && !failed) refresh().catch(() => {});
}, LOOK);
