// The list of sessions, live: lines appear, move up and show the text that is streaming.

import { receives } from "./connections.js";
import { clone, coded, embedded, paintSoon, put, putTime, sessionName, setData, slot, words } from "./dom.js";
import { watch } from "./liveness.js";
import { isActive, Store } from "./store.js";
import { count } from "./text.js";

const PREVIEW = 160;
const MOST_LINES = 200;
const PAINT_APART = 125; // ms: nobody reads faster, and with hundreds of answers each paint costs
const CROWDED = 30; // answers at once, from which on nothing but their words moves
const ORDER_APART = 1000; // ms: lines that change places all the time cannot be read or clicked

const page = document.querySelector("[data-sessions]");
const list = page.querySelector("[data-lines]");
const isNewest = page.dataset.newest === "yes";
const onlyBot = Number(page.dataset.bot);
const onlyText = page.dataset.text.toLowerCase();
const store = new Store();
const dirty = new Set();
const previews = new Map(); // session → {from, text, segment, end}
const last = new Map(); // session → id of its newest delivery
const running = new Map(); // session → id of the one being sent, though newer ones may wait behind it
const asked = new Set(); // sessions the server was asked about: it leaves out those this page does not show
let botsDirty = true;

const paint = paintSoon(() => {
  for (const id of dirty) line(id);
  if (dirty.size && isNewest) orderSoon();
  dirty.clear();
  tally();
  if (botsDirty) bots();
}, PAINT_APART);
const orderSoon = paintSoon(order, ORDER_APART);

function start(state) {
  running.clear();
  note(store.snapshot(state));
  for (const session of state.sessions) {
    if (session.preview) previews.set(session.id, { ...session.preview });
    if (session.delivery) noteHead(session.id, session.delivery.id, session.delivery.status);
    if (session.delivery && !store.deliveries.get(session.delivery.id)?.head.status) {
      // Older than the snapshot's deliveries: its head alone is known.
      store.snapshot({
        deliveries: [{ ...session.delivery, delivery: session.delivery.id, session: session.id, segments: [], chunks: [] }],
      });
    }
  }
}

function note(changed) {
  for (const id of changed.sessions) dirty.add(id);
  for (const id of changed.messages) {
    const message = store.messages.get(id);
    previews.set(message.session, { from: "user", text: message.content, segment: null, end: 0 });
    dirty.add(message.session);
    store.messages.delete(id);
  }
  for (const id of changed.deliveries) delivery(id);
  if (changed.bots.size) botsDirty = true;
  paint();
}

function delivery(id) {
  const known = store.deliveries.get(id);
  const session = known.head.session;
  noteHead(session, id, known.head.status);
  for (const chunk of [...known.chunks.values()].sort((a, b) => a.id - b.id)) grow(session, chunk);
  known.chunks.clear();
  // An answer leaves its session's place to the message it answers; what answers none moves it itself.
  const row = store.sessions.get(session);
  if (row && known.head.kind !== "reply" && known.head.created_at > row.last_at) row.last_at = known.head.created_at;
  // Only what runs is kept: a page left open for days must not grow with every answer.
  if (!isActive(known.head)) known.segments.clear();
  dirty.add(session);
}

function noteHead(session, id, status) {
  if (id >= (last.get(session) ?? 0)) last.set(session, id);
  if (status === "sending") running.set(session, id);
  else if (running.get(session) === id) running.delete(session);
}

function grow(session, chunk) {
  const preview = previews.get(session);
  if (preview && preview.segment > chunk.segment) return;
  if (!preview || preview.segment !== chunk.segment) {
    if (chunk.text) previews.set(session, { from: "bot", text: chunk.text, segment: chunk.segment, end: chunk.start + count(chunk.text) });
    return;
  }
  const end = chunk.start + count(chunk.text);
  if (end <= preview.end) return;
  const fresh = Array.from(chunk.text).slice(Math.max(0, preview.end - chunk.start)).join("");
  preview.text = Array.from(preview.text + fresh).slice(-PREVIEW).join("");
  preview.end = end;
}

// As the server narrows the list, for what comes later.
function isWanted(session) {
  if (onlyBot && session.bot !== onlyBot) return false;
  return [session.name, session.target_id].some((text) => text.toLowerCase().includes(onlyText));
}

function line(id) {
  const session = store.sessions.get(id);
  let node = list.querySelector(`[data-session="${id}"]`);
  if (!session) {
    // An answer in a session this page has never heard of: the snapshot knows it.
    if (isNewest && !asked.has(id)) socket.ask({ type: "snapshot" });
    asked.add(id);
    return;
  }
  if (!node) {
    if (!isNewest || !isWanted(session)) return;
    node = clone("line-template");
    node.dataset.session = id;
    node.querySelector("a").href = `/sessions/${id}/`;
    list.append(node);
    list.hidden = false;
    page.querySelector("[data-empty]").hidden = true;
  }
  const name = sessionName(session);
  put(node, "name", name);
  put(node, "bot", store.bots.get(session.bot)?.name);
  const avatar = put(node, "avatar", Array.from(name)[0]?.toUpperCase());
  setData(avatar, "scene", session.scene);
  avatar.title = words.scene[session.scene] ?? "";
  putTime(node, "time", session.last_at);
  const preview = previews.get(id);
  put(node, "text", preview?.text.replace(/\s+/g, " "));
  setData(node.querySelector(".line-text"), "from", preview?.from ?? "");
  const head = store.deliveries.get(running.get(id) ?? last.get(id))?.head;
  setData(node, "status", head?.status ?? "");
  const status = put(node, "status", head ? (words.status[head.status] ?? head.status) : "");
  setData(status, "status", head?.status ?? "");
  const amiss = head?.reason && !isActive(head) && head.status !== "delivered";
  // "Refused" alone helps nobody: there the code is the reason.
  const refusal = head?.reason === "refused" ? coded(head.code) : "";
  put(node, "why", amiss ? refusal || (words.reason[head.reason] ?? head.reason) : "");
}

function order() {
  const nodes = [...list.children];
  const at = (node) => store.sessions.get(Number(node.dataset.session))?.last_at ?? "";
  const wanted = [...nodes].sort((a, b) => (at(a) < at(b) ? 1 : at(a) > at(b) ? -1 : b.dataset.session - a.dataset.session));
  const focused = document.activeElement;
  wanted.forEach((node, place) => {
    if (list.children[place] !== node) list.insertBefore(node, list.children[place]);
  });
  if (focused !== document.activeElement && list.contains(focused)) focused.focus({ preventScroll: true });
  while (list.children.length > MOST_LINES) list.lastElementChild.remove();
}

function tally() {
  const streaming = list.querySelectorAll('.line[data-status="sending"]').length;
  setData(list, "crowded", streaming > CROWDED ? "yes" : "");
  const node = page.querySelector('[data-tally="streaming"]');
  if (node.textContent !== String(streaming)) node.textContent = streaming;
}

function bots() {
  botsDirty = false;
  const down = [...store.bots.values()].filter((bot) => !receives(bot, socket.now()));
  page.querySelector("[data-bots-down]").hidden = !socket.live || !down.length;
  const names = down.map((bot) => bot.name).join(", ");
  const node = page.querySelector("[data-bots-down-names]");
  if (node.textContent !== names) node.textContent = names;
}

const socket = watch(page.dataset.socket, {
  snapshot: start,
  events: (events) => {
    note(store.events(events));
    const gaps = store.takeGaps();
    if (Object.keys(gaps).length) socket.ask({ type: "replay", deliveries: gaps });
  },
  beat: (frame) => {
    note(store.snapshot({ bots: frame.bots }));
    botsDirty = true;
    paint();
  },
});
page.querySelector("[data-narrowing] select")?.addEventListener("change", (event) => event.target.form.requestSubmit());
start(embedded("state"));
