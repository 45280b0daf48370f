// What every page does: clock, theme, shortcuts, states of requests, and fetching charts and maps only where they are.
import { connect } from "./live.js";
import { sweep, watchSignOut } from "./private.js";

const body = document.body;
const texts = JSON.parse(document.getElementById("page-texts")?.textContent || "{}");
const islands = { "city-chart": "./chart.js", "city-map": "./map.js" };
const fetched = new Set();

function fetchIslands() {
  for (const [name, file] of Object.entries(islands)) {
    if (!fetched.has(name) && document.querySelector(name)) {
      fetched.add(name);
      import(file);
    }
  }
}

function startClock() {
  const clock = document.querySelector("[data-clock]");
  if (!clock) return;
  const { now, speed, zone } = clock.dataset;
  const began = performance.now();
  const shown = new Intl.DateTimeFormat(document.documentElement.lang || "en", {
    timeZone: zone, weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
  });
  const tick = () => {
    const moment = new Date(Date.parse(now) + (performance.now() - began) * Number(speed));
    const text = shown.format(moment);
    if (clock.textContent !== text) clock.textContent = text;
  };
  tick();
  setInterval(tick, 1000);
}

function rememberTheme() {
  document.querySelector("[data-theme-form]")?.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button?.value) return;
    event.preventDefault();
    window.epipolisTheme(button.value);
    for (const other of button.parentElement.querySelectorAll("button")) other.classList.toggle("active", other === button);
    fetch(event.target.action, { method: "POST", body: new FormData(event.target, button), redirect: "manual" });
  });
}

let toastTimer;
export function say(text, kind = "warning") {
  const box = document.querySelector(".toasts");
  if (!box || !text) return;
  box.innerHTML = "";
  const toast = document.createElement("div");
  toast.className = `toast-line toast-${kind}`;
  toast.textContent = text;
  box.append(toast);
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => toast.remove(), 8000);
}

function watchRequests() {
  let open = 0;
  const busy = (step) => {
    open = Math.max(0, open + step);
    body.classList.toggle("is-busy", open > 0);
  };
  const quiet = (event) => event.detail.elt?.closest("[data-live]");
  body.addEventListener("htmx:beforeRequest", (event) => quiet(event) || busy(1));
  body.addEventListener("htmx:afterRequest", (event) => {
    if (!quiet(event)) busy(-1);
    if (event.detail.successful) body.classList.remove("is-unreachable");
  });
  body.addEventListener("htmx:beforeSwap", (event) => {
    const login = body.dataset.login;
    if (login && new URL(event.detail.xhr.responseURL || "", location.href).pathname === login && location.pathname !== login) {
      event.detail.shouldSwap = false;
      location.reload();
    }
  });
  const unreachable = (event) => {
    say(texts.unreachable, "danger");
    body.classList.add("is-unreachable");
    const element = event.detail.elt;
    if (element?.hasAttribute("data-live")) setTimeout(() => element.isConnected && element.dispatchEvent(new CustomEvent("again")), 5000);
  };
  body.addEventListener("htmx:sendError", unreachable);
  body.addEventListener("htmx:timeout", unreachable);
  body.addEventListener("htmx:responseError", (event) => {
    const status = event.detail.xhr.status;
    if (status === 502 || status === 503 || status === 504) unreachable(event);
    else if (status !== 422 && !quiet(event)) say(status === 403 ? texts.forbidden : texts.refused, "danger");
  });
}

function listenToKeys() {
  const help = document.getElementById("help");
  const typing = (target) => target.closest?.("input, textarea, select, [contenteditable=true]");
  document.querySelector("[data-open-help]")?.addEventListener("click", () => help?.showModal());
  help?.addEventListener("click", (event) => event.target === help && help.close());
  let first = "", at = 0;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && typing(event.target)) return event.target.blur();
    if (typing(event.target)) return;
    if (event.key === "/") {
      const field = document.querySelector("main [data-search], main input[type=search]");
      if (field) { event.preventDefault(); field.focus(); field.select?.(); }
    } else if (event.key === "?") {
      if (help && !help.open) help.showModal();
    } else {
      const pair = Date.now() - at < 1500 ? `${first} ${event.key}` : "";
      const link = pair && document.querySelector(`[data-keys="${CSS.escape(pair).replace("\\ ", " ")}"]`);
      if (link) { event.preventDefault(); link.click(); }
      first = event.key; at = Date.now();
    }
  });
}

fetchIslands();
startClock();
rememberTheme();
watchRequests();
listenToKeys();
connect(texts);
sweep();
watchSignOut(texts.unsent);
body.addEventListener("htmx:load", fetchIslands);
document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-once]")) return;
  const buttons = event.target.querySelectorAll("button");
  setTimeout(() => { for (const button of buttons) button.disabled = true; }); // later: a disabled button would not send its value
});
