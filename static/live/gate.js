// Why a bot sends nothing now, in words, second by second; null where it sends.

import { clock, coded, put, say, setData, words } from "./dom.js";

export function standstill(bot, now) {
  const gate = bot?.sending;
  if (!gate || bot.enabled === false) return null;
  if (gate.state === "paused") {
    const left = Math.ceil((new Date(gate.next_try_at).getTime() - now) / 1000);
    return {
      tone: "bad",
      what: say("gate_paused", { time: clock(gate.since, "precise") }),
      why: [words.gate_reason[gate.reason] ?? gate.reason, coded(gate.code)].filter(Boolean).join(" "),
      next: left > 0 ? say("again_in", { seconds: left }) : say("trying"),
    };
  }
  if (gate.state === "trial") return { tone: "warn", what: say("gate_trial"), why: "", next: "" };
  return bot.after_4009 === "ignore" ? null : afterLoss(gate, bot, now);
}

function afterLoss(gate, bot, now) {
  const until = new Date(gate.held_until).getTime();
  // Nobody waits for ever: what was held long enough goes, and is marked.
  const goes = bot.after_4009 === "suspect" || until <= now;
  if (gate.lost_at) {
    const word = goes ? "gate_lost_suspect" : "gate_lost_hold";
    return { tone: "warn", what: say(word, { time: clock(gate.lost_at, "precise") }), why: "", next: "" };
  }
  const settled = gate.live_at ? new Date(gate.live_at).getTime() + (bot.settle_ms ?? 0) : 0;
  if (settled <= now) return null;
  const word = goes ? "gate_settling_suspect" : "gate_settling_hold";
  const left = Math.ceil((Math.min(settled, until) - now) / 1000);
  return {
    tone: "warn",
    what: say(word, { time: clock(gate.live_at, "precise") }),
    why: "",
    next: goes ? "" : say("goes_on_in", { seconds: left }),
  };
}

// Fill a `data-gate` box; it is hidden where there is nothing to say.
export function paintGate(node, bot, now) {
  const still = standstill(bot, now);
  if (node.hidden !== !still) node.hidden = !still;
  if (!still) return;
  setData(node, "tone", still.tone);
  for (const name of ["what", "why", "next"]) put(node, `gate_${name}`, still[name]);
  const hurry = node.querySelector("[data-hurry]");
  if (hurry) hurry.hidden = bot.sending.state !== "paused";
}
