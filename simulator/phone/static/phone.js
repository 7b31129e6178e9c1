// The page: pick a conversation, write, watch the bubbles grow.

import { avatar, clockTime, draw, make, summary } from "./bubbles.js";
import { Chats, keyOf } from "./chats.js";
import { Panel } from "./panel.js";
import { ask, watch } from "./platform.js";
import { language, speak, t, translatePage } from "./words.js";

const $ = (id) => document.getElementById(id);
const chats = new Chats();
const NAMES = ["小明", "阿珍", "老王", "Lily", "可乐", "青柠", "Max", "团子"];
const BARE = ["author.username", "author.union_openid", "author.member_role", "message_scene", "message_type", "mentions", "member"];
const QUIET_GAP = 300_000; // milliseconds between bubbles after which the time is shown
const LIST_EVERY = 200; // milliseconds; many conversations may be growing at once
const drawn = new Map(); // bubble id -> [bubble, node]
let bots = [];
let bot = null;
let prompts = { zh: [], en: [] };
let frame = 0;
let listTimer = 0;

const userName = (target) => NAMES[[...target].reduce((sum, letter) => (sum * 33 + letter.codePointAt(0)) % 9973, 7) % NAMES.length];
const botName = () => bots.find((each) => each.app_id === bot)?.name ?? "";
const short = (target) => (target.length > 12 ? `${target.slice(0, 4)}…${target.slice(-4)}` : target);
const title = (chat) => (chat.scene === "c2c" || chat.scene === "dm" ? botName() : `${t(`scene_${chat.scene}`)} ${short(chat.target)}`);
const busy = (chat) => chat.bubbles.some((bubble) => bubble.state === "streaming");

function showList() {
  const rows = chats.of(bot).map((chat) => {
    const row = make("button", "chat");
    row.type = "button";
    row.dataset.key = keyOf(chat);
    row.setAttribute("aria-current", String(keyOf(chat) === chats.open));
    const last = chat.bubbles.at(-1);
    const name = chat.scene === "c2c" || chat.scene === "dm" ? `${userName(chat.target)} · ${t(`scene_${chat.scene}`)}` : title(chat);
    const face = chat.scene === "c2c" || chat.scene === "dm" ? userName(chat.target) : t(`scene_${chat.scene}`);
    row.append(avatar(face, false), make("b", "", name), make("time", "", last ? clockTime(last.at) : ""));
    row.append(make("span", busy(chat) ? "last busy" : "last", busy(chat) ? t("typing") : last ? summary(last) : short(chat.target)));
    return row;
  });
  $("chat-list").replaceChildren(...rows);
}

function showScreen() {
  const chat = chats.current();
  const screen = $("screen");
  const atEnd = screen.scrollHeight - screen.scrollTop - screen.clientHeight < 60;
  const isGroup = chat && chat.scene !== "c2c" && chat.scene !== "dm";
  const look = chat && { bot: botName(), user: userName(chat.target), withAuthor: isGroup, press };
  const nodes = [];
  let before = null;
  const met = new Set();
  for (const bubble of chat?.bubbles ?? []) {
    const at = Date.parse(bubble.at);
    if (before === null || at - before > QUIET_GAP) nodes.push(make("time", "stamp", clockTime(bubble.at)));
    before = at;
    let held = drawn.get(bubble.id);
    if (held?.[0] !== bubble) drawn.set(bubble.id, (held = [bubble, renewed(held?.[1], draw(bubble, look))]));
    nodes.push(held[1]);
    met.add(bubble.id);
  }
  for (const id of drawn.keys()) if (!met.has(id)) drawn.delete(id);
  arrange(screen, nodes.length || !chat ? nodes : [welcome()]);
  if (atEnd) screen.scrollTop = screen.scrollHeight;
  $("to-end").hidden = atEnd || !nodes.length;
  showHead(chat);
  const lastIsBots = chat?.bubbles.at(-1)?.from !== "user";
  const offered = chat && lastIsBots && !busy(chat) ? prompts[language] : [];
  if ($("prompts").dataset.shown !== offered.join("\n")) {
    $("prompts").dataset.shown = offered.join("\n");
    $("prompts").replaceChildren(...offered.map((words) => make("button", "", words)));
    if (atEnd) screen.scrollTop = screen.scrollHeight;
  }
}

/** Keep a growing bubble's node in place, so that it does not enter again with every change. */
function renewed(old, fresh) {
  if (!old || old.className !== fresh.className) return fresh;
  old.replaceChildren(...fresh.childNodes);
  old.dataset.state = fresh.dataset.state ?? "";
  return old;
}

/** Make `nodes` the children of `parent`, touching only what differs. */
function arrange(parent, nodes) {
  nodes.forEach((node, at) => {
    const present = parent.childNodes[at];
    if (present === node) return;
    const sameStamp = present?.className === "stamp" && node.className === "stamp" && present.textContent === node.textContent;
    if (!sameStamp) parent.insertBefore(node, present ?? null);
  });
  while (parent.childNodes.length > nodes.length) parent.lastChild.remove();
}

function welcome() {
  const node = make("div", "empty");
  node.append(avatar(botName(), true), make("strong", "", botName()), make("p", "", t("emptyHint")));
  return node;
}

function showHead(chat) {
  $("chat-name").textContent = chat ? title(chat) : "";
  const live = bots.find((each) => each.app_id === bot)?.live;
  $("chat-sub").textContent = chat && busy(chat) ? t("typing") : live ? t("online") : t("offline");
  $("chat-sub").classList.toggle("busy", Boolean(chat && busy(chat)));
  $("at").hidden = !chat || !["group", "guild"].includes(chat.scene);
  $("both-line").hidden = chat?.scene !== "group";
}

function redraw() {
  frame ||= requestAnimationFrame(() => {
    frame = 0;
    showScreen();
  });
  listTimer ||= setTimeout(() => {
    listTimer = 0;
    showList();
  }, LIST_EVERY);
}

function openChat(key) {
  chats.open = key;
  drawn.clear();
  $("screen").replaceChildren();
  const { scene, target } = chats.current();
  history.replaceState(null, "", `?${new URLSearchParams({ bot, scene, target })}`);
  closeSides();
  showList();
  showScreen();
  $("screen").scrollTop = $("screen").scrollHeight;
}

function choose(chosen, wanted) {
  bot = chosen;
  $("bot").value = bot;
  if (wanted) chats.ensure({ bot, ...wanted });
  openChat(wanted ? keyOf({ bot, ...wanted }) : keyOf(chats.of(bot)[0]));
  panel.show();
}

async function send(words) {
  const chat = chats.current();
  if (!chat || !words.trim()) return;
  const isGroup = chat.scene === "group" || chat.scene === "guild";
  const body = { bot, scene: chat.scene, target: chat.target, text: words, author_name: userName(chat.target), repeat: Number($("repeat").value) };
  if (isGroup) body.mention = $("mention").checked;
  if (chat.scene === "group" && $("both").checked) body.as = ["GROUP_AT_MESSAGE_CREATE", "GROUP_MESSAGE_CREATE"];
  if ($("bare").checked) body.omit = BARE;
  try {
    await ask("say", { method: "POST", body });
    $("error").hidden = true;
    $("screen").scrollTop = $("screen").scrollHeight;
  } catch (error) {
    $("error").textContent = t("failed", { why: error.message });
    $("error").hidden = false;
    throw error;
  }
}

async function press(bubble, button) {
  const { scene, target } = chats.current();
  const details = { button_id: button.id ?? "", button_data: button.action?.data ?? "", message_id: bubble.id };
  await ask("event", { method: "POST", body: { bot, type: "INTERACTION_CREATE", scene, target, details } });
}

function closeSides() {
  for (const side of document.querySelectorAll(".side")) side.classList.remove("open");
}

function grow() {
  const words = $("words");
  words.style.height = "38px";
  words.style.height = `${Math.min(words.scrollHeight + 2, 128)}px`;
  $("send").disabled = !words.value.trim();
}

async function submit() {
  const words = $("words").value;
  if (!words.trim()) return;
  $("words").value = "";
  grow();
  await send(words).catch(() => {
    $("words").value ||= words;
    grow();
  });
}

function listen() {
  $("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  $("words").addEventListener("input", grow);
  $("words").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      submit();
    }
  });
  $("prompts").addEventListener("click", ({ target }) => target.tagName === "BUTTON" && send(target.textContent).catch(() => {}));
  $("chat-list").addEventListener("click", ({ target }) => target.closest(".chat") && openChat(target.closest(".chat").dataset.key));
  $("bot").addEventListener("change", () => choose($("bot").value));
  $("new-chat").addEventListener("submit", (event) => {
    event.preventDefault();
    const given = new FormData(event.target);
    choose(bot, { scene: given.get("scene"), target: given.get("target").trim() });
    event.target.target.value = "";
  });
  $("screen").addEventListener("scroll", () => {
    const { scrollHeight, scrollTop, clientHeight } = $("screen");
    if (scrollHeight - scrollTop - clientHeight < 60) $("to-end").hidden = true;
  });
  $("screen").addEventListener("load", ({ target }) => target.tagName === "IMG" && $("to-end").hidden && ($("screen").scrollTop = $("screen").scrollHeight), true);
  $("to-end").addEventListener("click", () => $("screen").scrollTo({ top: $("screen").scrollHeight, behavior: "smooth" }));
  for (const button of document.querySelectorAll("[data-open]")) button.addEventListener("click", () => $(button.dataset.open).classList.add("open"));
  for (const button of document.querySelectorAll("[data-close]")) button.addEventListener("click", closeSides);
  $("veil").addEventListener("click", closeSides);
  document.addEventListener("keydown", ({ key }) => key === "Escape" && closeSides());
  $("theme").addEventListener("click", () => wear(document.documentElement.dataset.theme === "dark" ? "light" : "dark", true));
  for (const button of document.querySelectorAll("[data-language]")) button.addEventListener("click", () => talk(button.dataset.language));
}

function wear(theme, keep) {
  document.documentElement.dataset.theme = theme;
  if (keep) localStorage.setItem("phone.theme", theme);
}

function talk(chosen) {
  speak(chosen);
  translatePage();
  for (const button of document.querySelectorAll("[data-language]")) button.setAttribute("aria-pressed", String(button.dataset.language === language));
  $("live").textContent = t($("live").dataset.state);
  drawn.clear();
  $("screen").replaceChildren();
  panel.show();
  if (bot) redraw();
}

function learn(state) {
  bots = state.bots;
  if ($("bot").options.length !== bots.length) $("bot").replaceChildren(...bots.map((each) => new Option(`${each.name} · ${each.app_id}`, each.app_id)));
  $("bot").value = bot ?? "";
  $("clock").textContent = clockTime(state.now);
  const there = new Set(bots.flatMap((each) => each.conversations.map((place) => keyOf({ bot: each.app_id, ...place }))));
  if ([...chats.all.values()].some((chat) => !chat.local && !there.has(keyOf(chat)))) stream?.again();
  if (bot) showHead(chats.current());
}

const panel = new Panel({ bot: () => bot, learn });
let stream;

async function start() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  wear(localStorage.getItem("phone.theme") ?? (dark.matches ? "dark" : "light"));
  dark.addEventListener("change", () => localStorage.getItem("phone.theme") ?? wear(dark.matches ? "dark" : "light"));
  listen();
  talk(language);
  await panel.start();
  prompts = (await ask("model").catch(() => ({ prompts }))).prompts;
  const asked = new URLSearchParams(location.search);
  const wanted = asked.get("target") && { scene: asked.get("scene") ?? "c2c", target: asked.get("target") };
  const first = bots.some((each) => each.app_id === asked.get("bot")) ? asked.get("bot") : bots[0]?.app_id;
  let begun = false;
  stream = watch({
    snapshot(screens) {
      chats.replace(screens);
      drawn.clear();
      if (!begun && first) {
        begun = true;
        choose(first, wanted);
      } else if (bot) chats.current() ? redraw() : openChat(keyOf(chats.of(bot)[0]));
    },
    change(told) {
      chats.take(told);
      redraw();
    },
    state(now) {
      $("live").dataset.state = now;
      $("live").textContent = t(now);
    },
  });
}

start();
