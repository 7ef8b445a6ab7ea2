/**
 * The fields of the newsroom's forms: what was written in them, and what is shown there.
 */

const CARRIED = new Set(["csrf", "key", "version", "story"]);

/** What was written, to be compared. @param {FormData} body */
export function wordsOf(body) {
  const fields = [...body].filter(([name]) => !CARRIED.has(name));
  return JSON.stringify(
    fields.map(([name, value]) => [name, typeof value === "string" ? value : [value.name, value.size]]),
  );
}

/** @param {HTMLFormElement} form */
export function hasWords(form) {
  return [...form.querySelectorAll("textarea, input:not([type]), input[type=text]")].some((field) => {
    const typed = /** @type {HTMLInputElement|HTMLTextAreaElement} */ (field);
    return typed.value.trim() !== "" && typed.value !== typed.defaultValue;
  });
}

/** @param {HTMLFormElement} form @param {string} name @param {string} value */
export function put(form, name, value) {
  const field = form.elements.namedItem(name);
  if (field instanceof HTMLInputElement && value) field.value = value;
}

/** An empty sheet, whatever it was delivered with. @param {HTMLFormElement} form */
export function clear(form) {
  form.querySelector(".tray")?.replaceChildren();
  for (const part of form.querySelectorAll("details")) part.open = false;
  for (const field of form.elements) {
    if (field instanceof HTMLTextAreaElement) field.value = "";
    if (!(field instanceof HTMLInputElement) || field.type === "hidden") continue;
    if (field.type === "checkbox") field.checked = false;
    else field.value = "";
  }
}

/** @param {HTMLFormElement} form @param {Array<{pointer: string, detail: string}>} errors */
export function showFaults(form, errors) {
  const told = new Map(errors.map((each) => [each.pointer.slice(1).replaceAll("/", "_"), each.detail]));
  for (const place of form.querySelectorAll("[data-fault]")) {
    const detail = told.get(/** @type {HTMLElement} */ (place).dataset.fault ?? "");
    /** @type {HTMLElement} */ (place).hidden = detail === undefined;
    place.textContent = detail ?? "";
    if (detail !== undefined) place.closest("details")?.setAttribute("open", "");
  }
}

/** @param {HTMLFormElement} form @param {Record<string, unknown>|undefined} theirs */
export function showTheirs(form, theirs) {
  const sheet = /** @type {HTMLElement|null} */ (form.querySelector(".theirs"));
  if (!theirs || !sheet) return;
  sheet.hidden = false;
  for (const place of sheet.querySelectorAll("[data-theirs]")) {
    place.textContent = String(theirs[place.getAttribute("data-theirs") ?? ""] ?? "");
  }
  put(form, "version", String(theirs.version));
}

/**
 * Put a stored picture in the tray, and empty the fields it came from.
 * @param {HTMLFormElement} form @param {FormData} sent @param {Record<string, any>} row
 */
export function addPicture(form, sent, row) {
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
    if (!(field instanceof HTMLInputElement)) continue;
    if (field.type === "file" || field.value === sent.get(name)) field.value = "";
  }
}

/** Enter in a line of a sheet goes on to the text: nothing is sent by a slip. @param {KeyboardEvent} event */
export function goOn(event) {
  const line = event.target;
  if (!(line instanceof HTMLInputElement) || !line.form?.matches(".sheet")) return;
  if (line.type !== "checkbox" && line.type !== "file") event.preventDefault();
  if (!line.name.endsWith("headline")) return;
  const fields = [...line.form.elements];
  const text = fields.slice(fields.indexOf(line)).find((each) => each instanceof HTMLTextAreaElement);
  if (text instanceof HTMLTextAreaElement) text.focus();
}
