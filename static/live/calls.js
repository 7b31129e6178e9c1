// Requests of a page to the console's API, with an error's plain words. A file goes with a progress.

import { say, words } from "./dom.js";

const API = "/api/v1";
const token = () => document.querySelector('meta[name="csrf-token"]').content;

export async function post(path, body) {
  let answer;
  try {
    answer = await fetch(`${API}${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": token() },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Error(say("upload_stopped"));
  }
  const text = await answer.text();
  if (!answer.ok) throw new Error(explain(answer.status, text));
  return JSON.parse(text);
}

// Returns { done, stop }: the library's document of the file, and how to break off.
export function upload(file, onProgress) {
  const request = new XMLHttpRequest();
  const done = new Promise((resolve, reject) => {
    request.upload.addEventListener("progress", (event) => onProgress(event.loaded, event.total));
    request.addEventListener("load", () => {
      if (request.status === 201) resolve(JSON.parse(request.responseText));
      else reject(new Error(explain(request.status, request.responseText)));
    });
    for (const end of ["error", "abort", "timeout"]) {
      request.addEventListener(end, () => reject(new Error(say("upload_cut"))));
    }
    const form = new FormData();
    form.append("file", file, file.name);
    request.open("POST", `${API}/media`);
    request.setRequestHeader("X-CSRFToken", token());
    request.send(form);
  });
  return { done, stop: () => request.abort() };
}

function explain(status, text) {
  if (status === 401) return say("signed_out");
  if (status === 413) return words.media_problem.too_large;
  try {
    const { message, problems } = JSON.parse(text).error;
    return [message, ...(problems ?? []).map((problem) => problem.what)].join(" ");
  } catch {
    return `HTTP ${status}`;
  }
}
