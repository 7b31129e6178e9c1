// On every page: times in the viewer's zone, the theme switch.

import { showTimes } from "./dom.js";

const THEMES = ["auto", "light", "dark"];
const root = document.documentElement;

showTimes();

for (const button of document.querySelectorAll("[data-theme-switch]")) {
  const label = () => {
    const words = button.dataset[root.dataset.theme];
    button.setAttribute("aria-label", words);
    button.title = words;
  };
  label();
  button.addEventListener("click", () => {
    const theme = THEMES[(THEMES.indexOf(root.dataset.theme) + 1) % THEMES.length];
    root.dataset.theme = theme;
    // A cookie, so that the server already paints the next page in it.
    document.cookie = `qqconsole_theme=${theme}; path=/; max-age=31536000; samesite=lax`;
    label();
  });
}
