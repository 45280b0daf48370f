// The work list by keyboard, and a live list that never takes a half-written note away.
const rows = () => [...document.querySelectorAll("[data-contact]")];
let last = "";

function step(by) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => row.id === last);
  const next = all[Math.min(all.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
  last = next.id;
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

document.addEventListener("focusin", (event) => {
  const row = event.target.closest?.("[data-contact]");
  if (row) last = row.id;
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog")) return;
  if (event.key === "j") return step(1);
  if (event.key === "k") return step(-1);
  const row = document.getElementById(last);
  if (!row || !row.matches("[data-contact]")) return;
  if (event.key === "Enter" && event.target === row) location.assign(row.dataset.open);
  else row.querySelector(`[data-do="${CSS.escape(event.key)}"]`)?.click();
});

const writing = () => [...document.querySelectorAll(".contact-work input[name=note]")].some((field) => field.value || field === document.activeElement);
let waiting = null;
document.body.addEventListener("htmx:beforeRequest", (event) => {
  const block = event.detail.elt;
  if (!block.hasAttribute("data-live")) return;
  if (writing() || document.querySelector(".contact-work .dropdown-menu.show")) {
    event.preventDefault();
    waiting = block;
  }
});
document.addEventListener("focusout", () => setTimeout(() => {
  if (!waiting || writing()) return;
  waiting.dispatchEvent(new CustomEvent("again"));
  waiting = null;
}, 200));
document.body.addEventListener("htmx:afterSwap", () => {
  const row = last && document.getElementById(last);
  if (row && document.activeElement === document.body) row.focus({ preventScroll: true });
});
