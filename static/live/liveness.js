// The pill and the banner that say whether the page is live; and the socket behind them.

import { clock, say } from "./dom.js";
import { LiveSocket } from "./socket.js";

const QUIET = 1500; // ms of reconnecting that is not worth a banner

export function watch(path, handlers) {
  const pill = document.querySelector("[data-live]");
  const banner = document.querySelector("[data-banner]");
  const started = Date.now();

  function show({ live, trying, lostAt, left }) {
    const state = live ? "live" : trying && !lostAt && Date.now() - started < QUIET ? "connecting" : "lost";
    if (pill.dataset.state !== state) {
      pill.dataset.state = state;
      pill.querySelector("[data-live-word]").textContent = say(
        { live: "live", connecting: "connecting", lost: "not_live" }[state],
      );
    }
    const since = lostAt ?? new Date(started);
    banner.hidden = live || Date.now() - since < QUIET;
    if (banner.hidden) return;
    put(banner, "[data-banner-what]", lostAt ? say("lost", { time: clock(lostAt, "precise") }) : say("never_live"));
    put(banner, "[data-banner-next]", trying ? say("trying") : say("again_in", { seconds: left }));
  }

  const socket = new LiveSocket(path, { ...handlers, state: show });
  banner.querySelector("[data-banner-retry]").addEventListener("click", () => socket.retryNow());
  return socket;
}

function put(root, selector, text) {
  const node = root.querySelector(selector);
  if (node.textContent !== text) node.textContent = text;
}
