// Small manners for menus: one open at a time, closed by Escape and by a click elsewhere.
"use strict";

const openMenus = () => document.querySelectorAll("details.menu[open]");

document.addEventListener("click", (event) => {
  for (const menu of openMenus()) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of openMenus()) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// A menu near the lower edge opens upwards, so that its last item is never out of reach.
document.addEventListener("toggle", (event) => {
  const menu = event.target;
  if (!(menu instanceof HTMLDetailsElement) || !menu.matches(".menu[open]")) return;
  menu.classList.remove("up");
  const items = menu.querySelector(".menu-items").getBoundingClientRect();
  if (items.bottom > window.innerHeight && items.height < menu.getBoundingClientRect().top) {
    menu.classList.add("up");
  }
}, true);
