/**
 * What a page says about a thing: the views of livewire/reader/views.py, made here from
 * the data of live events. A test compares both for every kind of update.
 *
 * @typedef {import("./render.js").View} View
 * @typedef {import("./times.js").Zone} Zone
 * @typedef {{zone: Zone, zoneTitle: string, language: string, firstDay: string,
 *   now: () => number}} Scene
 */

const FEW_READERS = 50;
/** @type {Record<string, string>} */
const VERIFICATIONS = {
  reported: "Reported, not yet confirmed by us",
  unverified: "Not verified",
};
/** @type {Record<string, string>} */
const STATES = { live: "Live", paused: "Paused", ended: "Ended" };
/** @type {Record<string, string>} */
const FORMS = { analysis: "Analysis", interview: "Interview", feature: "Feature" };
/** @type {Record<string, string>} */
const RANKS = { live: "0", paused: "1" };
const WIDTHS = [320, 640, 960, 1280, 1920];
const USUAL = 960;
const STREAM = "(min-width: 75rem) 41rem, (min-width: 56rem) 56vw, 94vw";

/** @param {any} update @param {Scene} scene @returns {View} */
export function updateView(update, scene) {
  const { withdrawn, correction, headline } = update;
  const stamp = scene.zone.stamp(update.published, scene.firstDay);
  const breaking = isBreaking(update, scene.now());
  const foreign = update.language && update.language !== scene.language;
  return {
    id: `u-${update.id}`,
    heading: `h-${update.id}`,
    permalink: link(update.permalink),
    classes: updateClasses(update, breaking),
    published: update.published,
    until: (breaking && update.breaking_until) || null,
    lang: foreign ? update.language : null,
    stamp,
    breaking,
    pinned: update.pinned && !withdrawn,
    key_event: update.key_event && !withdrawn,
    headline: headline || (stamp ? `Update, ${stamp.clock}` : "Update"),
    headline_classes: headline ? "headline" : "headline unseen",
    correction: correction && told(correction, correction.text, scene),
    withdrawn: withdrawn && told(withdrawn, withdrawn.reason, scene),
    whole: withdrawn ? null : whole(update),
  };
}

/** @param {any} update @returns {View} */
function whole(update) {
  const { quote, source } = update;
  return {
    authors: byline(update.authors),
    quote: quote && { text: quote.text, name: quote.name || null, role: quote.role || null },
    html: update.html || null,
    qa: update.qa ?? [],
    media: (update.media ?? []).map(mediaView).filter(Boolean),
    verification: VERIFICATIONS[update.verification] ?? null,
    source: source && { name: source.name, url: link(source.url) },
  };
}

/** Breaking ends by the clock, without an event. @param {any} update @param {number} now */
export function isBreaking(update, now) {
  const lapsed = update.breaking_until && Date.parse(update.breaking_until) <= now;
  return Boolean(update.breaking && !lapsed && !update.withdrawn);
}

/** @param {any} update @param {Scene} scene @returns {View} */
export function keyView(update, scene) {
  return {
    id: `k-${update.id}`,
    target: `#u-${update.id}`,
    published: update.published,
    stamp: scene.zone.stamp(update.published, scene.firstDay),
    headline: update.headline,
  };
}

/** @param {any} update */
export function isKey(update) {
  return Boolean(update.key_event && update.headline && !update.withdrawn);
}

/**
 * @param {any} story @param {Scene} scene
 * @param {{section: string, count: number, readers: number}} facts
 * @returns {View}
 */
export function storyView(story, scene, { section, count, readers }) {
  const { status } = story;
  const form = FORMS[story.form];
  const stamp = (/** @type {string} */ iso) => scene.zone.stamp(iso, scene.firstDay);
  const follows = status === "ended" && story.followed_by;
  return {
    section,
    headline: story.headline,
    standfirst: story.standfirst || null,
    correction: story.correction && told(story.correction, story.correction.text, scene),
    classes: `state is-${form ? "written" : status}`,
    state: status === "scheduled" ? "Starts" : (form ?? STATES[status]),
    starts: status === "scheduled" ? stamp(story.starts_at) : null,
    began: stamp(story.published),
    began_words: form ? "published" : "started",
    zone: scene.zoneTitle,
    count: counted(count),
    readers: reading(readers),
    authors: byline(story.authors),
    image: picture(story.image, "(min-width: 56rem) 32rem, 100vw"),
    paused: status === "paused",
    resumes: status === "paused" ? stamp(story.resumes_at) : null,
    ended: status === "ended" && !form ? stamp(story.ended) : null,
    follows: follows && { headline: follows.headline, url: link(follows.url) },
  };
}

/** @param {any} story @param {Scene} scene @returns {View} */
export function summaryView({ summary }, scene) {
  const stamp = scene.zone.stamp(summary?.at, scene.firstDay);
  return { html: summary?.html || null, stamp };
}

/** @param {any} story @param {Scene} scene @param {Record<string, string>} sections @returns {View} */
export function lineView(story, scene, sections) {
  const { slug, status, latest_update: news } = story;
  const form = FORMS[story.form];
  const foreign = story.language && story.language !== scene.language;
  const shown = news && news.headline && !form;
  return {
    id: `s-${slug}`,
    classes: `line is-${form ? "written" : status}`,
    rank: `${RANKS[status] ?? "2"}.${story.urgency || 5}`,
    latest: news?.published || story.published || "",
    lang: foreign ? story.language : null,
    dir: story.direction === "rtl" ? "rtl" : null,
    permalink: link(story.permalink) ?? `/live/${slug}`,
    section: sections[story.section] || story.section || null,
    state: form ?? STATES[status],
    headline: story.headline,
    standfirst: story.standfirst || null,
    image: picture(story.image, "(min-width: 56rem) 44rem, 100vw"),
    news: shown && { stamp: scene.zone.stamp(news.published), headline: news.headline },
    count: form ? null : counted(story.update_count ?? 0),
  };
}

/** @param {any} media */
function mediaView(media) {
  const kind = media.type || "image";
  const src = link(media.url);
  if (!["image", "video", "audio"].includes(kind) || !src) return null;
  const { width, height, caption, credit } = media;
  const film = { src, poster: link(media.poster), width: width || null, height: height || null, label: media.alt || null };
  return {
    image: kind === "image" ? picture(media) : null,
    video: kind === "video" ? film : null,
    audio: kind === "audio" ? film : null,
    words: Boolean(caption || credit),
    caption: caption || null,
    credit: credit || null,
  };
}

/** @param {any} media @param {string} [sizes] */
function picture(media, sizes = STREAM) {
  if (!link(media?.url)) return null;
  const { id, width } = media;
  const widths = id ? WIDTHS.filter((w) => w <= width) : [];
  const usual = Math.max(0, ...widths.filter((w) => w <= USUAL));
  return {
    src: usual ? `/media/${id}/${usual}` : media.url,
    srcset: widths.map((w) => `/media/${id}/${w} ${w}w`).join(", ") || null,
    sizes: widths.length ? sizes : null,
    width: width || null,
    height: media.height || null,
    alt: media.alt ?? "",
  };
}

/** @param {number} count */
export function counted(count) {
  return count > 0 ? `${grouped(count)} update${count === 1 ? "" : "s"}` : null;
}

/** @param {number} readers */
export function reading(readers) {
  return readers >= FEW_READERS ? `${grouped(readers)} reading` : null;
}

/** @param {number} number */
function grouped(number) {
  return number.toLocaleString("en-US");
}

/** @param {{at: string}} note @param {string} words @param {Scene} scene */
function told({ at }, words, scene) {
  const stamp = scene.zone.stamp(at, scene.firstDay);
  return { stamp, words: words ? `: ${words}` : "." };
}

/** @param {string|null|undefined} address */
function link(address) {
  return address && /^(https?:\/\/|\/(?!\/))/.test(address) ? address : null;
}

/** @param {{name: string, url?: string}[]|undefined} authors */
function byline(authors) {
  const named = (authors ?? []).filter(({ name }) => name);
  return named.map(({ name, url }, at) => {
    const before = at === 0 ? "By " : at === named.length - 1 ? " and " : ", ";
    return { before, name, url: link(url) };
  });
}

/** @param {any} update @param {boolean} breaking */
function updateClasses(update, breaking) {
  if (update.withdrawn) return "update withdrawn";
  const marks = {
    [`kind-${update.kind}`]: update.kind,
    key: update.key_event,
    breaking,
    pinned: update.pinned,
    corrected: update.correction,
  };
  const shown = Object.entries(marks).filter(([, is]) => is);
  return ["update", ...shown.map(([name]) => name)].join(" ");
}
