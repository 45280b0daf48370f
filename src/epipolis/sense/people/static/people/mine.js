// The letter's picture carries the code behind the # of the address, which browsers keep to themselves.
const field = document.getElementById("id_code");
const code = decodeURIComponent(location.hash.slice(1));
if (field && code) {
  field.value = code.slice(0, 100);
  history.replaceState(null, "", location.pathname);
}
document.querySelectorAll("[data-print]").forEach((button) => button.addEventListener("click", () => window.print()));
