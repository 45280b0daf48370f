customElements.define("city-map", class extends HTMLElement {});
