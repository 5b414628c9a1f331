// Small manners that HTML and htmx do not have by themselves. Every page works without this file.
"use strict";

// --- Menus: one open at a time, closed by Escape and by a click elsewhere, inside the window ----

const GUTTER = 8;
const openMenu = () => document.querySelector("details.menu[open]");

function place(menu) {
  const items = menu.querySelector(":scope > :not(summary)");
  items.classList.add("placed");
  const dots = menu.querySelector("summary").getBoundingClientRect();
  const { width, height } = items.getBoundingClientRect();
  const below = dots.bottom + 4;
  const fitsBelow = below + height + GUTTER <= window.innerHeight;
  const top = fitsBelow ? below : dots.top - 4 - height;
  const left = Math.min(dots.right - width, document.documentElement.clientWidth - GUTTER - width);
  items.style.top = `${Math.max(GUTTER, Math.min(top, window.innerHeight - GUTTER - height))}px`;
  items.style.left = `${Math.max(GUTTER, left)}px`;
}

document.addEventListener("toggle", (event) => {
  const menu = event.target;
  if (!(menu instanceof HTMLDetailsElement) || !menu.matches(".menu[open]")) return;
  for (const other of document.querySelectorAll("details.menu[open]")) {
    if (other !== menu) other.open = false;
  }
  place(menu);
}, true);

for (const name of ["scroll", "resize"]) {
  window.addEventListener(name, () => openMenu() && place(openMenu()), { passive: true });
}

document.addEventListener("click", (event) => {
  const menu = openMenu();
  if (menu && !menu.contains(event.target)) menu.open = false;
});

document.addEventListener("focusin", (event) => {
  const menu = openMenu();
  if (menu && !menu.contains(event.target)) menu.open = false;
});

document.addEventListener("keydown", (event) => {
  const menu = openMenu();
  if (!menu) return;
  if (event.key === "Escape") {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const stops = [...menu.querySelectorAll("summary, a, button")];
  const step = event.key === "ArrowDown" ? 1 : -1;
  const next = stops.indexOf(document.activeElement) + step;
  stops[(next + stops.length) % stops.length].focus();
  event.preventDefault();
});

// --- The strip of the phone begins where one is -------------------------------------------------

const here = document.querySelector(".side [aria-current]");
if (here) {
  const strip = here.closest(".side");
  strip.scrollLeft = here.offsetLeft - (strip.clientWidth - here.offsetWidth) / 2;
}

// --- Buttons with one small task ---------------------------------------------------------------

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-dismiss], [data-copy]");
  if (!button) return;
  if (button.matches("[data-dismiss]")) {
    button.closest(".notice").remove();
    return;
  }
  const field = document.querySelector(button.dataset.copy);
  await navigator.clipboard.writeText(field.value ?? field.textContent);
  const words = button.querySelector("[data-copied]");
  if (words) words.textContent = words.dataset.copied;
});

// --- A fragment that turns out to be a whole page ------------------------------------------------

// Whoever was signed out meanwhile is sent to the sign-in page, not shown it inside a list.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const asked = new URL(detail.pathInfo.requestPath, location.href);
  const answered = new URL(detail.xhr.responseURL || asked);
  if (answered.pathname === asked.pathname) return;
  if (!/^\s*<!doctype/i.test(detail.xhr.responseText)) return;
  detail.shouldSwap = false;
  location.reload();
});
