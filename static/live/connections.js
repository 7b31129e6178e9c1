// A bot's connection as it truly is: a state nobody stands behind any more is not believed.

import { clock, say, words } from "./dom.js";

const BELIEVED_FOR = 15_000; // ms

export function standing(bot, now) {
  if (bot.enabled === false) return { state: "disabled", word: say("disabled"), believed: true };
  const idle = bot.state === "never" || bot.state === "stopped";
  const believed = idle || (bot.seen_at && now - new Date(bot.seen_at).getTime() <= BELIEVED_FOR);
  if (!believed) return { state: "gone", word: say("gateway_gone"), believed: false };
  return { state: bot.state, word: words.connection[bot.state] ?? bot.state, believed: true };
}

export function lastKnown(bot) {
  if (!bot.seen_at) return say("never_seen");
  return say("last_known", { time: clock(bot.seen_at, "precise"), state: words.connection[bot.state] ?? bot.state });
}

export const receives = (bot, now) => bot.enabled === false || standing(bot, now).state === "connected";
