// Runs before the first paint, so that a dark room never flashes white.
(function () {
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  function apply() {
    const wish = root.dataset.theme || "auto";
    root.setAttribute("data-bs-theme", wish === "auto" ? (dark.matches ? "dark" : "light") : wish);
    document.dispatchEvent(new CustomEvent("theme"));
  }
  dark.addEventListener("change", apply);
  window.epipolisTheme = function (wish) {
    root.dataset.theme = wish;
    apply();
  };
  apply();
})();
