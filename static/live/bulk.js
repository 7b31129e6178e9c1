// Bulk resends: the server draws how they stand, when the socket says that something ended and every other second.

import { watch } from "./liveness.js";
import { refresher } from "./parts.js";

const TICK = 2000; // ms

const page = document.querySelector("[data-bulk]");
const refresh = refresher();
const isRunning = () => page.querySelector("[data-running]").dataset.running === "yes";

const socket = watch(page.dataset.socket, {
  snapshot: () => refresh(),
  events: (events) => events.some((event) => event.type === "bulk" || isRunning()) && refresh(),
});
setInterval(() => socket.live && isRunning() && !document.hidden && refresh(), TICK);
