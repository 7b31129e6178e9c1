// The bots' page: each card says the true state of its connection, second by second.

import { lastKnown, standing } from "./connections.js";
import { clock, coded, embedded, ours, put, say, setData, words } from "./dom.js";
import { paintGate } from "./gate.js";
import { watch } from "./liveness.js";
import { Store } from "./store.js";

const page = document.querySelector("[data-bots]");
const store = new Store();
const codes = embedded("codes");

function paint() {
  for (const card of page.querySelectorAll("[data-bot]")) {
    const bot = store.bots.get(Number(card.dataset.bot));
    if (!bot) continue;
    const { state, word, believed } = standing(bot, socket.now());
    setData(card, "state", state);
    put(card, "state", word);
    paintGate(card.querySelector("[data-gate]"), bot, socket.now());
    put(card, "qq_name", bot.qq_name);
    put(card, "reason", believed ? (words.bot_reason[bot.reason] ?? bot.reason) : "");
    put(card, "known", believed ? "" : lastKnown(bot));
    put(card, "since", believed && bot.since ? say("since", { time: clock(bot.since) }) : "");
    put(card, "code", coded(bot.code));
    // What is known and what runs well need no engineer's words beside ours.
    put(card, "detail", codes[bot.code] || state === "connected" ? "" : ours(bot.detail) || bot.detail);
  }
}

// Cards are made by the server; a bot that came or went meanwhile is told, not drawn.
function compare(bots) {
  const shown = new Set([...page.querySelectorAll("[data-bot]")].map((card) => Number(card.dataset.bot)));
  const same = bots.length === shown.size && bots.every((bot) => shown.has(bot.bot));
  page.querySelector("[data-new-bot]").hidden = same;
}

function take(state) {
  store.snapshot({ bots: state.bots });
  compare(state.bots);
  paint();
}

const socket = watch(page.dataset.socket, {
  snapshot: take,
  events: (events) => {
    store.events(events.filter((event) => event.type === "bot"));
    paint();
  },
  beat: take,
});
store.snapshot(embedded("state"));
setInterval(() => socket.live && paint(), 1000);
