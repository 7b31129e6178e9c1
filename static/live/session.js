// One session: its conversation and its inspector, live.

import { Composer } from "./composer.js";
import { standing } from "./connections.js";
import { Conversation } from "./conversation.js";
import { embedded, paintSoon, put, setData } from "./dom.js";
import { paintGate } from "./gate.js";
import { Inspector } from "./inspector.js";
import { watch } from "./liveness.js";
import { Store } from "./store.js";
import { Writing } from "./writing.js";

const root = document.querySelector("[data-session-page]");
const isNewest = root.dataset.newest === "yes";
const store = new Store();
const dirty = { messages: new Set(), deliveries: new Set(), bots: true };
const follow = root.querySelector("[data-follow]");
const inspector = new Inspector(root, store, () => socket.now());
const conversation = new Conversation(root, store, { onInspect: inspect, announce });
if (root.querySelector("[data-composer]")) new Composer(root, { onSend: () => conversation.scrollToEnd() });

const paint = paintSoon(() => {
  conversation.paint(dirty.messages, dirty.deliveries);
  if (follow.checked) choose(newest());
  if (dirty.deliveries.has(inspector.id)) inspector.paint();
  dirty.messages.clear();
  dirty.deliveries.clear();
  if (dirty.bots) connection();
});

const writing = new Writing(store, (id) => {
  dirty.deliveries.add(id);
  paint();
});

function note(changed) {
  for (const id of changed.messages) dirty.messages.add(id);
  for (const id of changed.deliveries) dirty.deliveries.add(id);
  if (changed.bots.size) dirty.bots = true;
  paint();
}

// The newest answer that is or was on its way: behind one that streams, others only wait.
function newest() {
  const turns = [...root.querySelectorAll("[data-turns] [data-delivery]")];
  const shown = turns.findLast((turn) => turn.dataset.status !== "queued") ?? turns.at(-1);
  return shown ? Number(shown.dataset.delivery) : null;
}

function choose(id) {
  if (id !== null && id !== inspector.id) {
    inspector.show(id);
    conversation.choose(id);
  }
}

function inspect(id, switchView) {
  follow.checked = id === newest() && isNewest;
  choose(id);
  history.replaceState(null, "", address(follow.checked ? null : id));
  if (switchView) view("inspector");
}

function address(id) {
  const here = new URL(location.href);
  if (id === null) here.searchParams.delete("delivery");
  else here.searchParams.set("delivery", id);
  return here;
}

function view(name) {
  root.dataset.view = name;
  for (const tab of root.querySelectorAll("[data-view-tab]")) {
    tab.setAttribute("aria-pressed", tab.dataset.viewTab === name);
  }
  if (name === "conversation" && isNewest) conversation.scrollToEnd();
}

function announce(text) {
  root.querySelector("[data-announce]").textContent = text;
}

function connection() {
  dirty.bots = false;
  const node = root.querySelector("[data-bot-state]");
  const bot = store.bots.get(Number(node.dataset.botState));
  if (!bot) return;
  const { state, word } = standing(bot, socket.now());
  setData(node, "state", state);
  put(node, "state", word);
  paintGate(root.querySelector("[data-gate]"), bot, socket.now());
}

for (const tab of root.querySelectorAll("[data-view-tab]")) {
  tab.addEventListener("click", () => view(tab.dataset.viewTab));
}
// Whoever reads a chunk does not want the next answer to take it away.
inspector.root.addEventListener(
  "toggle",
  (event) => {
    if (event.target.matches(".chunk") && event.target.open && follow.checked) {
      follow.checked = false;
      history.replaceState(null, "", address(inspector.id));
    }
  },
  true,
);
follow.addEventListener("change", () => {
  if (follow.checked) {
    choose(newest());
    history.replaceState(null, "", address(null));
  }
});

const state = embedded("state");

const socket = watch(root.dataset.socket, {
  snapshot: (frame) => note(store.snapshot(frame)),
  events: (events) => {
    const changed = store.events(events);
    writing.hear(changed.deliveries);
    note(changed);
    const gaps = store.takeGaps();
    if (Object.keys(gaps).length) socket.ask({ type: "replay", deliveries: gaps });
  },
  beat: (frame) => {
    store.snapshot({ bots: frame.bots });
    dirty.bots = true;
    paint();
  },
});

note(store.snapshot(state));
const asked = Number(new URL(location.href).searchParams.get("delivery"));
if (asked && store.deliveries.has(asked)) {
  follow.checked = false;
  choose(asked);
} else if (!isNewest) {
  follow.checked = false;
}
// A chunk without an answer goes on growing on the time bar.
setInterval(() => {
  if (!socket.live || document.hidden) return;
  inspector.paint();
  connection();
  writing.look();
}, 1000);
requestAnimationFrame(() => {
  if (!isNewest) return;
  conversation.scrollToEnd();
});
