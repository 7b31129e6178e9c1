// What the page asks of the simulated platform, and what it hears from it.

export async function ask(path, { method = "GET", body } = {}) {
  const answer = await fetch(`/_sim/${path}`, {
    method,
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const given = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(given.error ?? `HTTP ${answer.status}`);
  return given;
}

/** Follow every screen: `on.snapshot(screens)` first, then `on.change({bot, scene, target, bubble})`, for ever. */
export function watch(on) {
  let socket;
  let wait = 500;
  const connect = () => {
    on.state("connecting");
    socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/_sim/watch`);
    socket.addEventListener("message", ({ data }) => {
      const told = JSON.parse(data);
      if (told.screens) {
        wait = 500;
        on.snapshot(told.screens);
        on.state("live");
      } else on.change(told);
    });
    socket.addEventListener("close", () => {
      on.state("lost");
      setTimeout(connect, wait);
      wait = Math.min(wait * 2, 8000);
    });
  };
  connect();
  return { again: () => socket.close() };
}
