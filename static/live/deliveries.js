// The list of deliveries: the socket says that something changed, the server draws the lines that match the filter.

import { watch } from "./liveness.js";
import { refresher } from "./parts.js";

const page = document.querySelector("[data-deliveries]");
const isNewest = page.dataset.newest === "yes";
const seen = new Map(); // delivery → how it stood when it was drawn or heard of last
const refresh = refresher({ then: remember });

function remember(root) {
  for (const line of root.querySelectorAll("[data-delivery]")) seen.set(Number(line.dataset.delivery), line.dataset.seen);
}

// The same words as `data-seen` of a line: chunks that come and go redraw nothing.
function standing(head) {
  return `${head.status} ${head.reason} ${head.code ?? ""} ${head.dismissed_at ? "dismissed" : ""}`;
}

function note(events) {
  for (const event of events) {
    if (event.type === "bot" && event.sending) refresh();
    if (event.type !== "delivery") continue;
    const known = seen.get(event.delivery);
    if (known === undefined ? !isNewest : known === standing(event)) continue;
    seen.set(event.delivery, standing(event));
    refresh();
  }
}

remember(document);
let started = false;
watch(page.dataset.socket, {
  // What changed while nothing was heard; the first one is as fresh as the page.
  snapshot: (frame) => {
    if (started) refresh();
    else note(frame.deliveries.filter((event) => seen.has(event.delivery)));
    started = true;
  },
  events: note,
});
