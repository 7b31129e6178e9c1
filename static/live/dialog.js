// A page's form in a dialog over the page it was asked from. Where anything goes wrong, the page itself is opened.

import { showTimes } from "./dom.js";

export async function openDialog(box, address) {
  try {
    const answer = await fetch(address, { headers: { Accept: "text/html" }, redirect: "error", cache: "no-store" });
    if (!answer.ok) throw new Error(String(answer.status));
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const body = fresh.querySelector("[data-dialog-body]");
    if (!body) throw new Error("no dialog in the page");
    box.replaceChildren(document.adoptNode(body));
    showTimes(box);
  } catch {
    location.assign(address);
    return;
  }
  box.querySelector("[data-dialog-close]")?.addEventListener("click", (event) => {
    event.preventDefault();
    box.close();
  });
  box.showModal();
}
