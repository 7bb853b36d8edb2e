"use strict";
// The page is whole without this script: it only keeps panels up to date, and shows a trial without leaving the page.

const overview = document.querySelector("[data-live]");
const live = document.getElementById("live");
const pending = new Map();

// A list that somebody reads or has the focus in stays as it is until they leave it.
const isBusy = (panel) => "hold" in panel.dataset
  && (panel.contains(document.activeElement) || panel.matches(":hover") || panel.querySelector("details[open]") !== null);

const show = () => {
  for (const [id, html] of pending) {
    const panel = document.getElementById(id);
    if (!panel || isBusy(panel)) continue;
    pending.delete(id);
    if (panel.innerHTML === html) continue;
    const open = [...panel.querySelectorAll("details[open] > summary")].map((summary) => summary.textContent);
    panel.innerHTML = html;
    for (const summary of panel.querySelectorAll("details > summary")) {
      if (open.includes(summary.textContent)) summary.parentElement.open = true;
    }
  }
};

const tell = (text, isOff) => {
  live.hidden = false;
  live.classList.toggle("off", isOff);
  live.querySelector(".live-text").textContent = text;
};

if (overview && live) {
  const source = new EventSource(overview.dataset.live);
  source.addEventListener("open", () => tell("Live", false));
  source.addEventListener("message", (event) => {
    for (const [id, html] of Object.entries(JSON.parse(event.data))) pending.set(id, html);
    show();
  });
  source.addEventListener("error", () => {
    tell(source.readyState === EventSource.CLOSED ? "Not live: load the page again" : "Connecting…", true);
  });
  document.addEventListener("focusout", () => setTimeout(show));
  document.addEventListener("mouseout", () => setTimeout(show));
  window.addEventListener("pagehide", () => source.close());
}

const form = document.getElementById("try-form");
const trials = document.getElementById("trials");
if (form && trials) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      const body = new URLSearchParams(new FormData(form));
      const reply = await fetch(form.action, {method: "POST", body, headers: {"X-Fragment": "1"}});
      const text = await reply.text();
      if (reply.headers.get("content-type").startsWith("text/html")) trials.innerHTML = text;
      else trials.textContent = text;
    } catch {
      trials.textContent = "The server does not answer. Is it still running?";
    } finally {
      button.disabled = false;
    }
  });
}

// Escape, or a click elsewhere, closes a question that was not answered.
const close = (except) => {
  for (const question of document.querySelectorAll("details.confirm[open]")) {
    if (question !== except) question.open = false;
  }
};
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const question = document.activeElement.closest("details.confirm[open]");
  close(null);
  if (question) question.querySelector("summary").focus();
});
document.addEventListener("click", (event) => close(event.target.closest("details.confirm")));
