// Drafts are chosen for issuing together; what was chosen stays so when the list is drawn anew.
const chosen = new Set();
const boxes = () => [...document.querySelectorAll("#order-list input[name=orders]")];

function show() {
  const form = document.querySelector("[data-together]");
  if (!form) return;
  const all = boxes();
  for (const box of all) box.checked = chosen.has(box.value);
  const here = all.filter((box) => box.checked).length;
  const whole = form.querySelector("[data-all]");
  whole.closest("label").hidden = !all.length;
  whole.checked = all.length > 0 && here === all.length;
  whole.indeterminate = here > 0 && here < all.length;
  form.querySelector("[data-count]").textContent = here ? `(${here})` : "";
  form.querySelector("button").disabled = !here;
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-all]")) for (const box of boxes()) chosen[event.target.checked ? "add" : "delete"](box.value);
  else if (event.target.matches("#order-list input[name=orders]")) chosen[event.target.checked ? "add" : "delete"](event.target.value);
  else return;
  show();
});
document.body.addEventListener("htmx:afterSwap", show);
window.addEventListener("pageshow", () => {
  for (const box of boxes()) if (box.checked) chosen.add(box.value);
  show();
});
