// Cloning templates and filling their slots. Text goes in as text only.

const parsed = new Map();

export function embedded(id) {
  if (!parsed.has(id)) {
    const node = document.getElementById(id);
    parsed.set(id, node ? JSON.parse(node.textContent) || {} : {});
  }
  return parsed.get(id);
}

export const words = embedded("words");
const codes = embedded("codes");

export function fill(text, values = {}) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

export const say = (key, values = {}) => fill(words.page?.[key] ?? key, values);

export function meaning(code) {
  return code ? (codes[code] ?? say("unknown_code")) : "";
}

export const coded = (code) => (code ? `${code} ${meaning(code)}` : "");

// A line on the wire that is ours, not QQ's ("no answer in time (TimeoutError)"), in the reader's language; "" for QQ's.
export function ours(message) {
  const [, phrase, tail] = /^(.*?)( \(\w+\))?$/s.exec(message ?? "");
  return words.network[phrase] ? `${words.network[phrase]}${tail ?? ""}` : "";
}

export function mediaName({ kind, name, url, caption }) {
  return [words.media_kind[kind] ?? kind, name || url, caption].filter(Boolean).join(" · ");
}

// What was changed in a file before it goes, by its code word or by the English words of the record.
export const mediaNote = (note) => (note ? (words.media_note[note] ?? words.page[note] ?? note) : "");

export function size(bytes) {
  if (bytes < 1000) return say("bytes", { value: bytes });
  if (bytes < 1_000_000) return say("kilobytes", { value: Math.round(bytes / 1000) });
  return say("megabytes", { value: (bytes / 1_000_000).toFixed(bytes < 10_000_000 ? 1 : 0) });
}

export function setIcon(node, name) {
  const use = node.querySelector("use");
  const address = use?.getAttribute("href").replace(/#.*$/, `#${name}`);
  if (use && use.getAttribute("href") !== address) use.setAttribute("href", address);
}

export function clone(templateId) {
  return document.getElementById(templateId).content.firstElementChild.cloneNode(true);
}

export function slot(node, name) {
  return node.querySelector(`[data-slot="${name}"]`);
}

export function put(node, name, text) {
  const target = slot(node, name);
  const value = text ?? "";
  if (target && target.textContent !== String(value)) target.textContent = value;
  return target;
}

export function putTime(node, name, iso) {
  const target = slot(node, name);
  if (target && iso && target.getAttribute("datetime") !== iso) {
    target.setAttribute("datetime", iso);
    showTime(target);
  }
}

export function setData(node, name, value) {
  if (node.dataset[name] !== String(value)) node.dataset[name] = value;
}

const language = document.documentElement.lang || undefined;
const hm = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const hms = { ...hm, second: "2-digit" };
const formats = {
  today: new Intl.DateTimeFormat(language, hm),
  "": new Intl.DateTimeFormat(language, { month: "short", day: "numeric", ...hm }),
  precise_today: new Intl.DateTimeFormat(language, hms),
  precise: new Intl.DateTimeFormat(language, { month: "short", day: "numeric", ...hms }),
  exact: new Intl.DateTimeFormat(language, { ...hms, fractionalSecondDigits: 3 }),
  whole: new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "long" }),
};

export function clock(iso, kind = "") {
  const moment = new Date(iso);
  if (kind === "exact") return formats.exact.format(moment);
  const today = moment.toDateString() === new Date().toDateString();
  if (kind === "precise") return formats[today ? "precise_today" : "precise"].format(moment);
  return formats[today ? "today" : ""].format(moment);
}

export function showTime(node) {
  const iso = node.getAttribute("datetime");
  if (!iso) return;
  node.textContent = clock(iso, node.dataset.clock);
  node.title = formats.whole.format(new Date(iso));
}

export function showTimes(root = document) {
  for (const node of root.querySelectorAll("time[data-clock]")) showTime(node);
}

export function sessionName(session) {
  if (session.name) return session.name;
  return (words.unnamed[session.scene] ?? "{id}").replace("{id}", (session.target_id ?? "").slice(-6));
}

// One paint a frame, however many events came in between.
export function paintSoon(paint, apart = 0) {
  let waiting = false;
  let painted = -Infinity;
  return () => {
    if (waiting) return;
    waiting = true;
    const run = () => {
      waiting = false;
      painted = performance.now();
      paint();
    };
    const early = painted + apart - performance.now();
    // A hidden page gets no animation frames, and its state must be right when it is looked at again.
    if (document.hidden) setTimeout(run, 250);
    else if (early > 0) setTimeout(() => requestAnimationFrame(run), early);
    else requestAnimationFrame(run);
  };
}
