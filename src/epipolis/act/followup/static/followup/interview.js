// The guide step by step, lines that are added as the talk goes on, and places proposed while they are typed.
const form = document.querySelector("form.interview");
const steps = [...form.querySelectorAll(":scope > section")];
const links = [...document.querySelectorAll("[data-steps] a")];
const back = form.querySelector("[data-step-back]"), next = form.querySelector("[data-step-next]");
let current = 0;

function show(number, focus = true) {
  current = Math.min(steps.length - 1, Math.max(0, number));
  steps.forEach((step, n) => step.classList.toggle("is-current", n === current));
  links.forEach((link, n) => (n === current ? link.setAttribute("aria-current", "step") : link.removeAttribute("aria-current")));
  back.disabled = current === 0;
  next.hidden = current === steps.length - 1;
  history.replaceState(null, "", `#${steps[current].id}`);
  if (!focus) return;
  const title = steps[current].querySelector("h2");
  title.tabIndex = -1;
  title.focus({ preventScroll: true });
  scrollTo({ top: 0 });
}

function addRow(block) {
  const total = block.querySelector("input[name$=TOTAL_FORMS]");
  const text = block.querySelector("template").innerHTML.replaceAll("__prefix__", total.value);
  block.querySelector("[data-rows]").insertAdjacentHTML("beforeend", text);
  total.value = Number(total.value) + 1;
  const row = block.querySelector("[data-row]:last-child");
  number(row);
  return row;
}

function number(row) {
  const key = row.querySelector("input[name$='-key']");
  if (key && !key.value) key.value = [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

form.classList.add("by-steps");
form.querySelectorAll("[data-row]").forEach(number);
back.addEventListener("click", () => show(current - 1));
next.addEventListener("click", () => show(current + 1));
links.forEach((link, n) => link.addEventListener("click", (event) => { event.preventDefault(); show(n); }));
form.addEventListener("click", (event) => {
  const button = event.target.closest("[data-add]");
  if (button) addRow(button.closest("[data-lines]")).querySelector("input:not([type=hidden])").focus();
});
form.addEventListener("rows", (event) => {
  const block = form.querySelector(`[data-lines="${CSS.escape(event.detail.name)}"]`);
  while (Number(block.querySelector("input[name$=TOTAL_FORMS]").value) < event.detail.count) addRow(block);
});

let asked = "";
form.addEventListener("input", async (event) => {
  const text = event.target.value;
  if (!event.target.matches("[data-place]") || text.length < 2 || text === asked) return;
  asked = text;
  try {
    const answer = await fetch(`${event.target.closest("[data-suggest]").dataset.suggest}?q=${encodeURIComponent(text)}`);
    if (!answer.ok || asked !== text) return;
    const { places } = await answer.json();
    document.getElementById("places").replaceChildren(...places.map((place) => Object.assign(document.createElement("option"), { value: place.text, label: place.address })));
  } catch { /* without a network what is typed stays as it is */ }
});

steps.forEach((step, n) => step.querySelector(".text-danger, .invalid-feedback") && links[n].parentElement.classList.add("has-error"));
const wrong = steps.findIndex((step) => step.querySelector(".text-danger, .invalid-feedback"));
const linked = steps.findIndex((step) => `#${step.id}` === location.hash);
show(wrong >= 0 ? wrong : linked >= 0 ? linked : 0, false);
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches("input:not([type=radio]):not([type=checkbox])")) event.preventDefault();
});
