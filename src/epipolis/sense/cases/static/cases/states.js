// Answers by the keyboard: in a row y, n and u (or s, for sí) answer it and go on to the next one.
const keys = { y: "yes", s: "yes", n: "no", u: "unknown", Backspace: "" };
document.querySelectorAll("[data-states]").forEach((form) => {
  const rows = [...form.querySelectorAll("[data-state]")];
  form.addEventListener("keydown", (event) => {
    const row = event.target.closest("[data-state]");
    if (!row || event.ctrlKey || event.altKey || event.metaKey || !(event.key in keys)) return;
    const choice = row.querySelector(`input[value="${keys[event.key]}"]`);
    if (!choice) return;
    event.preventDefault();
    choice.checked = true;
    const next = rows[rows.indexOf(row) + 1];
    (next ? next.querySelector("input:checked") || next.querySelector("input") : choice).focus();
  });
});
