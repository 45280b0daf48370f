// <city-map>: areas, lines and points of the modules' layers on a plain ground, with the same figures in a list.
import * as maplibre from "maplibre-gl";
import { addStyles, base, bounds, breaks, canDraw, ground, isDark, nameOf, paint, ramp, shown } from "./map_style.js";

class CityMap extends HTMLElement {
  connectedCallback() {
    const source = this.querySelector('script[type="application/json"]');
    if (!source || this.started) return;
    this.started = true;
    Object.assign(this, JSON.parse(source.textContent));
    this.canvas = this.querySelector(".map-canvas");
    const fills = this.layers.filter((layer) => layer.kind === "fill");
    this.layers = [...fills, ...this.layers.filter((layer) => layer.kind !== "fill")];
    this.under = fills[0];
    const shown = [fills.at(-1) || this.layers[0]]; // the last module of the flow says what it means
    if (this.together) shown.push(...this.layers.slice(fills.length)); // a page that chose its layers wants to see them
    this.on = new Set(shown.map((layer) => layer.name));
    addStyles();
    this.buildSwitches();
    this.querySelector(".map-filter")?.addEventListener("input", () => this.fillTable());
    this.onTheme = () => this.restyle();
    document.addEventListener("theme", this.onTheme);
    this.found = new Map();
    this.onTold = () => this.askAgain();
    if (this.topic) document.body.addEventListener(`live:${this.topic}`, this.onTold);
    if (canDraw()) this.drawMap();
    else this.sayImpossible();
    this.load();
  }

  disconnectedCallback() {
    document.removeEventListener("theme", this.onTheme);
    document.body.removeEventListener(`live:${this.topic}`, this.onTold);
    clearTimeout(this.again);
    this.map?.remove();
    this.map = null;
  }

  sayImpossible() {
    const message = this.canvas.querySelector(".map-message");
    message.textContent = this.querySelector(".map-impossible").content.textContent;
    this.dataset.drawn = "list";
  }

  buildSwitches() {
    const box = this.querySelector(".map-layers");
    const fills = this.layers.filter((layer) => layer.kind === "fill");
    for (const layer of this.layers) {
      const label = document.createElement("label");
      const input = document.createElement("input");
      const one = layer.kind === "fill" && fills.length > 1;
      Object.assign(input, { type: one ? "radio" : "checkbox", name: one ? "map-fill" : "", className: "form-check-input m-0", value: layer.name, checked: this.on.has(layer.name) });
      input.addEventListener("change", () => {
        if (one) fills.forEach((other) => this.on.delete(other.name));
        if (input.checked) this.on.add(layer.name);
        else this.on.delete(layer.name);
        this.load();
      });
      label.append(input, layer.title);
      box.append(label);
    }
    box.hidden = this.layers.length < 2;
  }

  drawMap() {
    this.map = new maplibre.Map({
      container: this.canvas, style: base(isDark()), center: [0, 20], zoom: 1, attributionControl: false,
      dragRotate: false, pitchWithRotate: false, cooperativeGestures: false, fadeDuration: 0,
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.addControl(new maplibre.NavigationControl({ showCompass: false }), "top-right");
    this.ready = new Promise((done) => this.map.on("load", done));
    this.popup = new maplibre.Popup({ closeButton: false, closeOnClick: false });
    this.map.on("mousemove", (event) => this.hover(event));
    this.map.on("mouseout", () => this.popup.remove());
    this.map.on("click", (event) => this.choose(this.at(event.point)));
    this.map.once("idle", () => this.canvas.querySelector(".map-message")?.remove());
  }

  /** What moves is fetched again, at most every two seconds; the areas under it stay. */
  askAgain() {
    this.again ??= setTimeout(() => {
      this.again = null;
      this.layers.filter((layer) => layer.kind !== "fill").forEach((layer) => this.found.delete(layer.name));
      this.load();
    }, 2000);
  }

  async load() {
    const chosen = this.layers.filter((layer) => this.on.has(layer.name));
    const bare = this.map && this.under && !chosen.some((layer) => layer.kind === "fill");
    await Promise.all((bare ? [this.under, ...chosen] : chosen).map(async (layer) => {
      if (this.found.has(layer.name)) return;
      try {
        const answer = await fetch(layer.url, { headers: { Accept: "application/geo+json, application/json" } });
        if (!answer.ok) throw new Error(String(answer.status));
        const data = await answer.json();
        data.features.forEach((feature, i) => { feature.id = i; });
        this.found.set(layer.name, data);
      } catch {
        this.tell(this.texts.failed);
      }
    }));
    await this.ready;
    if (!this.isConnected) return;
    this.showLayers();
    this.fillTable();
    if (!this.map) return;
    const drawn = (bare ? [this.under, ...chosen] : chosen).map((layer) => this.found.get(layer.name)).filter((data) => data?.features.length);
    if (drawn.length && !this.fitted) {
      this.fitted = true;
      const all = this.together ? { features: drawn.flatMap((data) => data.features) } : drawn[0];
      this.map.fitBounds(bounds(all), { padding: 24, animate: false, maxZoom: 17 });
    }
    this.map.once("idle", () => { this.dataset.drawn = "map"; });
  }

  tell(text) {
    const legend = this.querySelector(".map-legend");
    legend.textContent = text;
  }

  showLayers() {
    const legend = this.querySelector(".map-legend");
    legend.textContent = "";
    if (this.map) this.layGround();
    for (const layer of this.layers) {
      const data = this.found.get(layer.name);
      const wanted = this.on.has(layer.name) && data;
      if (this.map) this.onMap(layer, wanted ? data : null);
      if (wanted) this.explain(legend, layer, data);
    }
  }

  layGround() {
    for (const id of ["under-line", "under"]) if (this.map.getLayer(id)) this.map.removeLayer(id);
    const data = this.under && this.found.get(this.under.name);
    if (!data || this.layers.some((layer) => layer.kind === "fill" && this.on.has(layer.name))) return;
    if (!this.map.getSource("under")) this.map.addSource("under", { type: "geojson", data });
    for (const part of ground(isDark())) this.map.addLayer({ ...part, source: "under" });
  }

  onMap(layer, data) {
    for (const id of [`${layer.name}-line`, layer.name]) if (this.map.getLayer(id)) this.map.removeLayer(id);
    if (!data) return;
    const source = this.map.getSource(layer.name);
    if (source) source.setData(data);
    else this.map.addSource(layer.name, { type: "geojson", data });
    for (const part of paint(layer, breaks(layer, data), isDark())) this.map.addLayer({ ...part, source: layer.name });
  }

  explain(legend, layer, data) {
    if (!layer.colour_by && data.features.length) return; // nothing to explain
    const title = document.createElement("b");
    title.textContent = layer.title;
    legend.append(title);
    if (!data.features.length) return void legend.append(this.texts.empty);
    const steps = breaks(layer, data);
    const colours = ramp(steps.length, isDark(), layer.kind);
    const line = (colour, text) => {
      const row = document.createElement("div");
      const box = document.createElement("i");
      box.style.background = colour;
      row.append(box, text);
      legend.append(row);
    };
    steps.forEach((low, i) => line(colours[i], i + 1 < steps.length ? `${shown(low)} – ${shown(steps[i + 1])}` : `≥ ${shown(low)}`));
    if (data.features.some((feature) => feature.properties[layer.colour_by] == null)) line(ramp(0, isDark()), this.texts.no_data);
  }

  async restyle() {
    await this.ready; // the theme may change before the map has read its first style
    if (!this.isConnected) return;
    if (!this.map) return void this.showLayers();
    this.map.setPaintProperty("ground", "background-color", base(isDark()).layers[0].paint["background-color"]);
    this.showLayers();
  }

  at(point) {
    const ids = [...this.on].filter((name) => this.map.getLayer(name)).reverse();
    const hit = ids.length && this.map.queryRenderedFeatures(point, { layers: ids })[0];
    return hit ? { layer: this.layers.find((one) => one.name === hit.layer.id), feature: hit } : null;
  }

  hover(event) {
    const hit = this.at(event.point);
    this.map.getCanvas().style.cursor = hit ? "pointer" : "";
    if (!hit) return void this.popup.remove();
    this.popup.setLngLat(event.lngLat).setDOMContent(this.words(hit)).addTo(this.map);
  }

  words({ layer, feature }) {
    const box = document.createElement("div");
    const name = document.createElement("b");
    name.textContent = nameOf(feature.properties);
    box.append(name);
    if (layer.colour_by) {
      const value = feature.properties[layer.colour_by];
      box.append(document.createElement("br"), value == null ? this.texts.no_data : shown(value));
    }
    return box;
  }

  choose(hit) {
    if (!hit) return;
    const row = this.querySelector(`tr[data-layer="${CSS.escape(hit.layer.name)}"][data-id="${hit.feature.id}"]`);
    this.mark(row);
    row?.scrollIntoView({ block: "nearest" });
    const url = hit.feature.properties.url;
    if (url && url.startsWith("/")) location.href = url;
  }

  mark(row) {
    for (const old of this.querySelectorAll("tr.is-chosen")) old.classList.remove("is-chosen");
    row?.classList.add("is-chosen");
  }

  fillTable() {
    const box = this.querySelector(".map-table");
    const wanted = (this.querySelector(".map-filter")?.value || "").trim().toLowerCase();
    box.textContent = "";
    for (const layer of this.layers) {
      const data = this.found.get(layer.name);
      if (data && this.on.has(layer.name)) box.append(this.tableOf(layer, data, wanted));
    }
  }

  tableOf(layer, data, wanted) {
    const table = document.createElement("table");
    table.className = "table table-sm table-vcenter";
    const head = table.createTHead().insertRow();
    for (const text of layer.colour_by ? [this.texts.area, layer.title] : [layer.title]) {
      const cell = document.createElement("th");
      cell.scope = "col";
      if (head.cells.length) cell.className = "text-end";
      cell.textContent = text;
      head.append(cell);
    }
    const value = (feature) => feature.properties[layer.colour_by];
    const rows = data.features.filter((feature) => !wanted || nameOf(feature.properties).toLowerCase().includes(wanted));
    rows.sort((a, b) => (layer.colour_by ? (value(b) ?? -1) - (value(a) ?? -1) : nameOf(a.properties).localeCompare(nameOf(b.properties))));
    const body = table.createTBody();
    for (const feature of rows.slice(0, 500)) {
      const row = body.insertRow();
      row.dataset.layer = layer.name;
      row.dataset.id = feature.id;
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = nameOf(feature.properties);
      button.title = this.texts.show.replace("%(name)s", button.textContent);
      button.addEventListener("click", () => {
        this.mark(row);
        this.map?.fitBounds(bounds({ features: [feature] }), { padding: 80, maxZoom: 15 });
      });
      row.insertCell().append(button);
      if (layer.colour_by) {
        const cell = row.insertCell();
        cell.className = "text-end";
        cell.textContent = value(feature) == null ? "–" : shown(value(feature));
      }
    }
    return table;
  }
}

customElements.define("city-map", CityMap);
