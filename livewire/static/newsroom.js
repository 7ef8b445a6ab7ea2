/**
 * The newsroom with a script: what is typed is never lost, and what was sent is seen.
 *
 * Every form works without this file. With it, forms are sent in place: a text stays
 * where it is until the server has said that it is stored, and a sending whose outcome
 * is unknown is repeated under the same key, so that it cannot publish twice.
 */

import { Alarm } from "./newsroom-alarm.js";
import { Drafts } from "./newsroom-drafts.js";
import { addPicture, clear, goOn, hasWords, put, showFaults, showTheirs, wordsOf } from "./newsroom-forms.js";
import { NotTheDesk, bringUpToDate, freshPage } from "./newsroom-page.js";
import { Strip } from "./newsroom-strip.js";

const WAIT = 20_000; // ms for an answer before a sending counts as failed
const LOOK = 10_000; // ms between looks at what others did

const strip = new Strip(/** @type {HTMLElement} */ (document.querySelector("#strip")));
const alarm = new Alarm(/** @type {HTMLDialogElement} */ (document.querySelector("#alarm")));
const drafts = new Drafts(document.querySelector("[data-desk]")?.getAttribute("data-desk") ?? "");

/** @typedef {{by: HTMLElement|null, again: boolean}} Failure */

/** @type {WeakSet<HTMLFormElement>} */ const changed = new WeakSet();
/** Forms that the server may have carried out under the key they hold. @type {WeakSet<HTMLFormElement>} */
const unknown = new WeakSet();
/** @type {Map<HTMLFormElement, Failure>} */ const failures = new Map();
let seen = new Date();

/** See what others did, or say why that cannot be seen. */
async function look() {
  try {
    const fresh = await freshPage(WAIT);
    alarm.count(fresh);
    bringUpToDate(fresh, (form) => changed.has(form), (form) => unknown.has(form));
    seen = new Date();
    strip.away("");
  } catch (error) {
    const why = error instanceof NotTheDesk ? error.message : "The newsroom cannot be reached.";
    const at = seen.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    strip.away(`${why} Showing the desk at ${at}.`);
  }
}

/** @param {HTMLElement|null} by */
function isPicture(by) {
  return by?.hasAttribute("data-picture") ?? false;
}

/** @param {HTMLFormElement} form @param {HTMLElement|null} by */
async function send(form, by) {
  const button = by ?? form.querySelector("button.main") ?? form.querySelector("button");
  if (button instanceof HTMLButtonElement) button.disabled = true;
  const body = new FormData(form);
  const doubtful = unknown.has(form);
  // Known as unknown from here on, and not once it failed: a look must not take the key.
  if (!isPicture(by)) unknown.add(form);
  drafts.keep(form);
  const answer = await post(by?.getAttribute("formaction") ?? form.getAttribute("action") ?? "", body);
  if (button instanceof HTMLButtonElement) button.disabled = false;
  if (!answer) fail(form, by, "Not sent. Your text is kept.", { again: true });
  else if (!answer.ok) refused(form, by, doubtful, answer.status, answer.told);
  else if (isPicture(by)) added(form, body, answer.told);
  else await done(form, body, answer.told);
}

/**
 * @param {string} address @param {FormData} body
 * @returns {Promise<{ok: boolean, status: number, told: Record<string, any>}|null>} null where no answer came
 */
async function post(address, body) {
  try {
    const answer = await fetch(address, {
      method: "POST",
      headers: { Accept: "application/json" },
      body,
      signal: AbortSignal.timeout(WAIT),
    });
    return { ok: answer.ok, status: answer.status, told: await answer.json() };
  } catch {
    return null;
  }
}

/** @param {HTMLFormElement} form @param {FormData} sent @param {Record<string, any>} told */
async function done(form, sent, told) {
  unknown.delete(form);
  failures.delete(form);
  showFaults(form, []);
  put(form, "key", told.key);
  const wentOn = wordsOf(sent) !== wordsOf(new FormData(form));
  if (wentOn) drafts.keep(form);
  else {
    changed.delete(form);
    drafts.forget(form);
  }
  const others = [...document.forms].some((each) => changed.has(each) && hasWords(each));
  if ((told.id === "story" && !others) || (location.pathname !== told.location && !wentOn)) {
    return location.assign(`${told.location}?said=${told.said}${told.gone ? `&gone=${told.gone}` : ""}`);
  }
  const item = form.closest("li");
  // Our own change makes nothing stale that stands beside it.
  for (const each of (item ?? form.closest("#side"))?.querySelectorAll("form") ?? []) {
    if (new FormData(each).get("version") === sent.get("version")) put(each, "version", String(told.version));
  }
  const gone = told.gone ? ` Gone for ${told.gone.replaceAll("-", " ")} workers so far.` : "";
  report(`${WORDS[told.said] ?? "Done."}${gone}${wentOn ? " What you typed since is kept, and not sent." : ""}`);
  const focus = document.activeElement;
  const isHere = !focus || focus === document.body || form.contains(focus);
  if (!wentOn) leave(form);
  await look();
  if (wentOn || !isHere) return;
  const now = document.getElementById(item?.id ?? "");
  const next = form.id ? form.querySelector(".headline") : now?.querySelector("button, summary");
  if (next instanceof HTMLElement) next.focus({ preventScroll: true });
}

/** The form is done with: it may be brought up to date. @param {HTMLFormElement} form */
function leave(form) {
  if (form.id) return clear(form);
  const sheet = form.closest("details");
  if (sheet) sheet.open = false;
  const focus = document.activeElement;
  if (focus instanceof HTMLElement && form.contains(focus)) focus.blur();
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

/** What succeeded, without hiding what did not. @param {string} words */
function report(words) {
  for (const form of failures.keys()) if (!form.isConnected) failures.delete(form);
  const left = [...failures.values()];
  if (!left.length) return strip.say(words);
  const again = left.some((each) => each.again);
  strip.say(`${words} Something else is still not sent. It is kept.`, { wrong: true, again });
}

/**
 * @param {HTMLFormElement} form @param {HTMLElement|null} by
 * @param {string} words @param {{again: boolean}} how
 */
function fail(form, by, words, { again }) {
  drafts.keep(form);
  failures.set(form, { by, again });
  strip.say(words, { wrong: true, again: again || [...failures.values()].some((each) => each.again) });
}

/**
 * @param {HTMLFormElement} form @param {HTMLElement|null} by
 * @param {boolean} doubtful whether an earlier sending may have been carried out
 * @param {number} status @param {Record<string, any>} told
 */
function refused(form, by, doubtful, status, told) {
  if (told.type?.endsWith(":key-reused") || (!doubtful && status < 500)) {
    unknown.delete(form);
    put(form, "key", told.key ?? "");
  }
  showFaults(form, told.errors ?? []);
  if (status === 412) showTheirs(form, told.update ?? told.story);
  if (status === 401) {
    const how = "open a new sign-in link in another tab, then try again here.";
    return fail(form, by, `Not sent: you are signed out. Your text is kept; ${how}`, { again: true });
  }
  if (status === 412 || status === 422) return fail(form, by, told.words, { again: false });
  if (status === 403 && told.type?.endsWith("not-from-here")) {
    return fail(form, by, "Not sent: your sign-in has changed. Your text is kept.", { again: true });
  }
  fail(form, by, `${told.words ?? told.title} Your text is kept.`, { again: status >= 500 });
}

/** @param {HTMLFormElement} form @param {FormData} sent @param {Record<string, any>} row */
function added(form, sent, row) {
  if (isPicture(failures.get(form)?.by ?? null)) failures.delete(form);
  showFaults(form, []);
  addPicture(form, sent, row);
  drafts.keep(form);
  report("The picture is in the tray.");
}

document.addEventListener("submit", async (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (form.hasAttribute("data-plain") || form.method === "dialog") return;
  event.preventDefault();
  const by = /** @type {SubmitEvent} */ (event).submitter;
  if (alarm.isNeeded(form) && !isPicture(by)) {
    await look();
    if (!(await alarm.ask(form))) return;
  }
  await send(form, by);
});

strip.retry.addEventListener("click", async () => {
  strip.retry.hidden = true;
  // A new sign-in has new form tokens.
  await look();
  for (const [form, { by, again }] of [...failures]) if (again && form.isConnected) await send(form, by);
});

document.addEventListener("input", ({ target }) => {
  const form = target instanceof Element ? target.closest("form") : null;
  if (!form) return;
  changed.add(form);
  drafts.keep(form);
  if (!hasWords(form)) failures.delete(form);
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

addEventListener("beforeunload", (event) => {
  if ([...document.forms].some((form) => changed.has(form) && hasWords(form))) event.preventDefault();
});

document.documentElement.classList.add("scripted");
if (/Mac|iPhone|iPad/.test(navigator.userAgent)) {
  for (const key of document.querySelectorAll("kbd")) key.textContent = "⌘ Enter";
}
for (const form of document.querySelectorAll("form[data-draft]")) {
  const known = /** @type {HTMLFormElement} */ (form);
  if (!strip.wrong && drafts.restore(known)) {
    changed.add(known);
    // It may have been sent just before the page went.
    unknown.add(known);
    if (strip.isEmpty) strip.say("Your unsent text from before is back.");
  }
}
const zone = document.querySelector('input[name="timezone"]');
if (zone instanceof HTMLInputElement && zone.value === "UTC") {
  zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}
setInterval(() => {
  if (!document.hidden) look();
}, LOOK);
