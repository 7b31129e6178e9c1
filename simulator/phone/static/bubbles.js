// One bubble of the conversation, as the phone shows it.

import { markdown } from "./markdown.js";
import { t } from "./words.js";

export function make(name, className, text) {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

export function avatar(name, isBot) {
  const node = make("span", "avatar");
  if (isBot) {
    const face = make("img");
    face.src = "/_sim/phone/icon.svg";
    face.alt = "";
    node.append(face);
  } else {
    node.textContent = [...(name || "?")][0].toUpperCase();
    node.style.setProperty("--hue", [...(name || "")].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 360, 17));
  }
  node.setAttribute("aria-hidden", "true");
  return node;
}

export const clockTime = (at) =>
  new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });

const size = (bytes) => (bytes > 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.max(1, Math.round(bytes / 1e3))} KB`);

function media(bubble) {
  const { type, url, name, size: bytes } = bubble.media;
  const shows = url && { image: "img", video: "video", voice: "audio" }[type];
  if (!shows) {
    const node = make("div", "bubble file");
    const words = make("span", "", name || t("file"));
    words.append(make("small", "", url ? size(bytes) : t("tooBig")));
    node.append(make("span", "", "📄"), words);
    return node;
  }
  const node = make("div", "bubble picture");
  const figure = make("figure");
  const shown = make(shows);
  shown.src = url;
  if (type === "image") shown.alt = name || "";
  else shown.controls = true;
  figure.append(shown);
  if (bubble.text) figure.append(make("figcaption", "", bubble.text));
  node.append(figure);
  return node;
}

function content(bubble) {
  if (bubble.media && !bubble.media.attachments) return media(bubble);
  const node = make("div", "bubble");
  if (bubble.kind === "markdown") node.append(...markdown(bubble.text));
  else {
    node.classList.add("plain");
    node.textContent = bubble.text;
    for (const each of bubble.media?.attachments ?? []) node.append(make("div", "", `📎 ${each.filename || each.content_type || ""}`));
  }
  return node;
}

function keyboard(bubble, press) {
  const node = make("div", "keyboard");
  for (const row of bubble.keyboard.content?.rows ?? []) {
    const line = make("div");
    for (const button of row.buttons ?? []) {
      const key = make("button", "", button.render_data?.label ?? "");
      key.type = "button";
      key.addEventListener("click", () => press(bubble, button));
      line.append(key);
    }
    node.append(line);
  }
  return node;
}

export function summary(bubble) {
  if (bubble.state === "recalled") return t("recalled");
  if (bubble.media?.attachments) return `${t("attachments")} ${bubble.text}`;
  if (bubble.media) return t({ image: "picture", video: "video", voice: "voice" }[bubble.media.type] ?? "file");
  return bubble.text.replace(/[#*`>|]+/g, "").replace(/\s+/g, " ").trim().slice(0, 60);
}

/** Return the node of one bubble; `names` are {bot, user}, `press` is called with a bubble and its pressed button. */
export function draw(bubble, { bot, user, withAuthor, press }) {
  const mine = bubble.from === "user";
  const name = mine ? bubble.author || user : bot;
  if (bubble.state === "recalled") return make("p", "centre-note", `${name} ${t("recalled")}`);
  if (bubble.kind === "notice" || bubble.kind === "typing") return make("p", "centre-note", bubble.text || t("typing"));
  const node = make("article", mine ? "message mine" : "message");
  const body = make("div", "body");
  if (withAuthor) {
    const author = make("div", "author", name);
    if (!mine) author.append(make("span", "badge", t("robot")));
    body.append(author);
  }
  const inside = content(bubble);
  inside.classList.add(bubble.state);
  body.append(inside);
  if (bubble.keyboard) body.append(keyboard(bubble, press));
  if (bubble.state === "rolled_back") body.append(make("p", "note bad", t("rolled_back")));
  if (bubble.state === "finalised") body.append(make("p", "note warn", t("finalised")));
  node.append(avatar(name, !mine), body);
  node.dataset.bubble = bubble.id;
  node.dataset.state = bubble.state;
  return node;
}
