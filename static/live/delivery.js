// One delivery's page: the steps of each attempt as they happen; its head and what an admin may do, drawn by the server.

import { openDialog } from "./dialog.js";
import { embedded, paintSoon } from "./dom.js";
import { watch } from "./liveness.js";
import { way } from "./media.js";
import { refresher } from "./parts.js";
import { paintSegment } from "./segment.js";
import { chunksOf, isActive, segmentsOf, Store } from "./store.js";

const page = document.querySelector("[data-delivery-page]");
const id = Number(page.dataset.deliveryPage);
const attempts = page.querySelector("[data-attempts]");
const store = new Store();
let standing = "";

const refresh = refresher({ then: addAttempts, pace: 250 });

const paint = paintSoon(() => {
  const delivery = store.deliveries.get(id);
  if (!delivery?.head.status) return;
  const chunks = [...delivery.chunks.values()].sort((a, b) => a.id - b.id);
  const before = new Map(chunks.map((chunk, place) => [chunk.id, chunks[place - 1]]));
  const segments = segmentsOf(delivery);
  for (const section of attempts.querySelectorAll("[data-attempt]")) {
    const mine = segments.filter((segment) => segment.attempt === Number(section.dataset.attempt));
    const root = section.querySelector("[data-segments]");
    for (const segment of mine) paintSegment(root, segment, chunksOf(delivery, segment.id), before, false);
    upload(section, mine.at(-1), delivery.head);
    section.querySelector("[data-none]").hidden = mine.length > 0;
  }
  const missing = segments.some((segment) => !attempts.querySelector(`[data-attempt="${segment.attempt}"]`));
  const now = standingOf(delivery.head);
  if (missing || now !== standing) refresh();
  standing = now;
});

// What the server's words on the page depend on; what its steps do is drawn here.
const standingOf = (head) =>
  [
    head.status, head.reason, head.code, head.due_at, head.dismissed_at, head.cancel_requested_at,
    ...(head.attempts ?? []).map((attempt) => `${attempt.number}${attempt.status}`),
  ].join();

function upload(section, segment, head) {
  const media = segment?.media ?? {};
  const going = segment?.status === "open" && isActive(head) && Boolean(media.upload);
  way(section.querySelector("[data-way]"), { upload: media.upload, size: media.size ?? head.item?.size }, going);
}

// Attempts that somebody asked for since: their heads come from the server, the newest stands first.
function addAttempts(fresh) {
  for (const section of [...fresh.querySelectorAll("[data-attempt]")].reverse()) {
    if (attempts.querySelector(`[data-attempt="${section.dataset.attempt}"]`)) continue;
    attempts.querySelector("[data-no-attempt]")?.remove();
    attempts.prepend(document.adoptNode(section));
  }
  paint();
}

page.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-dialog]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    openDialog(document.querySelector("[data-dialog-box]"), link.href);
  }
});

const socket = watch(page.dataset.socket, {
  snapshot: (frame) => {
    store.snapshot(frame);
    // The session's newest stretch need not hold an older delivery: it is asked for by name.
    socket.ask({ type: "replay", deliveries: { [id]: store.deliveries.get(id)?.seen ?? 0 } });
    paint();
  },
  events: (events) => {
    if (events.some((event) => event.type === "bot" && event.sending)) refresh();
    store.events(events.filter((event) => event.delivery === id));
    const gaps = store.takeGaps();
    if (Object.keys(gaps).length) socket.ask({ type: "replay", deliveries: gaps });
    paint();
  },
});

// Text that no frame has taken along yet comes with no event.
setInterval(() => {
  const { head } = store.deliveries.get(id);
  if (socket.live && !document.hidden && head.kind === "reply" && head.status === "sending") refresh();
}, 3000);

store.snapshot(embedded("state"));
standing = standingOf(store.deliveries.get(id).head);
paint();
