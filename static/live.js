// The profile list asks for news by itself: not while nobody looks, and never over an open menu.
"use strict";

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target.id === "news" && document.hidden) event.preventDefault();
});

// Most news replace single cells. Only where rows came or went the whole list does come anew.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { detail } = event;
  if (detail.requestConfig.elt.id !== "news" || detail.target.id !== "profiles") return;
  if (document.querySelector("#profiles details.menu[open]")) detail.shouldSwap = false;
});
