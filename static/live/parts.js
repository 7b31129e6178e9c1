// Parts of a page that the server draws again: fetched from the page's own address, put in place by their names.

import { showTimes } from "./dom.js";

const PACE = 1000; // ms between two questions, however often something happens

const drawn = new Map(); // part → its markup as the server wrote it last

// Returns a function that asks for the parts soon. `then` gets the fresh document before its parts are moved.
export function refresher({ then = () => {}, pace = PACE } = {}) {
  let waiting = null;
  let passing = null;
  let asking = false;
  let again = false;
  async function ask() {
    waiting = null;
    if (asking) {
      again = true;
      return;
    }
    asking = true;
    try {
      const fresh = await fetched();
      then(fresh);
      replace(fresh);
      watchTime();
    } catch {
      // The pill says that the page is not live; the next event or tick asks again.
    } finally {
      asking = false;
      if (again) soon();
      again = false;
    }
  }
  function soon() {
    waiting ??= setTimeout(ask, pace);
  }
  // Some of the server's words hold for a while only, and nothing happens when that is over.
  function watchTime() {
    clearTimeout(passing);
    const left = [...document.querySelectorAll("[data-part] [data-left]")].map((node) => Number(node.dataset.left));
    if (left.length) passing = setTimeout(soon, Math.min(...left));
  }
  watchTime();
  return soon;
}

async function fetched(address = location.href) {
  const answer = await fetch(address, { headers: { Accept: "text/html" }, redirect: "error", cache: "no-store" });
  if (!answer.ok) throw new Error(String(answer.status));
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

function replace(fresh) {
  for (const part of document.querySelectorAll("[data-part]")) {
    const name = part.dataset.part;
    const next = fresh.querySelector(`[data-part="${CSS.escape(name)}"]`);
    // The token against forged forms is another one each time and says nothing new.
    const markup = next?.outerHTML.replace(/name="csrfmiddlewaretoken" value="\w+"/g, "");
    if (!next || drawn.get(name) === markup) continue;
    drawn.set(name, markup);
    const focus = part.contains(document.activeElement) ? addressOf(document.activeElement) : "";
    const read = [...part.querySelectorAll(".well")].map((well) => well.scrollTop);
    part.replaceWith(next);
    showTimes(next);
    next.querySelectorAll(".well").forEach((well, place) => (well.scrollTop = read[place] ?? 0));
    if (focus) [...next.querySelectorAll("a, button")].find((node) => addressOf(node) === focus)?.focus({ preventScroll: true });
  }
}

// What tells a link or a button of the old part from the others of the new one.
const addressOf = (node) => node.getAttribute("href") ?? node.closest("form")?.getAttribute("action") ?? "";
