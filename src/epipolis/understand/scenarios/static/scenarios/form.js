// After a measure was added or moved, the page comes back with it marked: bring it into view and let the keyboard begin there.
const marked = document.querySelector("[autofocus]");
if (marked) {
  marked.scrollIntoView({ block: "start", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  marked.focus({ preventScroll: true });
}
