// <scenario-map>: the areas of a simulated city coloured day by day, with the same figures in a list.
import * as maplibre from "maplibre-gl";
import { addStyles, base, bounds, canDraw, isDark, nameOf, ramp, shown } from "../core/map_style.js";

const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
const language = document.documentElement.lang || "en";
const asDay = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const PACE = 160; // ms a day

/** One set of classes for every day and scenario, so that colours can be compared. */
function classes(scenarios) {
  const values = scenarios.flatMap((one) => one.days.flat()).filter((value) => value > 0).sort((a, b) => a - b);
  if (!values.length) return [0];
  const most = values[Math.floor(0.97 * (values.length - 1))];
  const tidy = (value) => {
    const unit = Math.max(1, 10 ** (Math.floor(Math.log10(value)) - 1));
    return Math.max(1, Math.round(value / unit) * unit);
  };
  return [...new Set([0, ...[0.05, 0.2, 0.45, 0.75].map((part) => tidy(part * most))])].sort((a, b) => a - b);
}

class ScenarioMap extends HTMLElement {
  async connectedCallback() {
    if (this.started) return;
    this.started = true;
    this.texts = this.querySelector("[data-texts]").dataset;
    this.slider = this.querySelector('input[type="range"]');
    this.choice = this.querySelector("select");
    this.message = this.querySelector(".map-message");
    addStyles();
    try {
      const answer = await fetch(this.dataset.url, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      ({ scenarios: this.scenarios } = await answer.json());
    } catch {
      this.message.textContent = this.texts.failed;
      return;
    }
    this.steps = classes(this.scenarios);
    this.slider.max = Math.max(...this.scenarios.map((one) => one.days.length)) - 1;
    this.slider.value = this.worstDay();
    this.slider.addEventListener("input", () => this.showDay());
    this.choice.addEventListener("change", () => this.showScenario());
    this.play = this.querySelector("[data-play]");
    this.play.hidden = isStill; // who asked for little motion moves the slider
    this.play.addEventListener("click", () => this.toggle());
    document.addEventListener("theme", () => this.paint());
    if (canDraw()) await this.drawMap();
    else this.message.textContent = this.texts.impossible;
    this.showScenario();
  }

  disconnectedCallback() {
    clearInterval(this.timer);
    this.map?.remove();
  }

  get one() {
    return this.scenarios[Number(this.choice.value) || 0];
  }

  worstDay() {
    const sums = this.scenarios[0].days.map((day) => day.reduce((sum, value) => sum + (value || 0), 0));
    return sums.indexOf(Math.max(...sums));
  }

  async drawMap() {
    this.map = new maplibre.Map({
      container: this.querySelector(".map-canvas"), style: base(isDark()), center: [0, 20], zoom: 1, attributionControl: false,
      dragRotate: false, pitchWithRotate: false, fadeDuration: 0, cooperativeGestures: true,
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.addControl(new maplibre.NavigationControl({ showCompass: false }), "top-right");
    this.popup = new maplibre.Popup({ closeButton: false, closeOnClick: false });
    this.map.on("mousemove", (event) => this.hover(event));
    this.map.on("mouseout", () => this.popup.remove());
    await new Promise((done) => this.map.on("load", done));
    this.message.remove();
  }

  showScenario() {
    if (this.map) {
      const data = { ...this.one.areas, features: this.one.areas.features.filter((feature) => feature.geometry) };
      if (this.map.getSource("areas")) this.map.getSource("areas").setData(data);
      else this.map.addSource("areas", { type: "geojson", data });
      if (data.features.length) this.map.fitBounds(bounds(data), { padding: 20, animate: false });
      this.map.once("idle", () => { this.dataset.drawn = "map"; });
    } else this.dataset.drawn = "list";
    this.paint();
    this.showDay();
  }

  paint() {
    this.explain();
    if (!this.map?.getSource("areas")) return;
    this.map.setPaintProperty("ground", "background-color", base(isDark()).layers[0].paint["background-color"]);
    for (const id of ["areas-line", "areas"]) if (this.map.getLayer(id)) this.map.removeLayer(id);
    const colours = ramp(this.steps.length, isDark());
    const value = ["coalesce", ["feature-state", "value"], -1];
    const stepped = this.steps.length > 1 ? ["step", value, colours[0], ...this.steps.slice(1).flatMap((step, i) => [step, colours[i + 1]])] : colours[0];
    this.map.addLayer({ id: "areas", type: "fill", source: "areas", paint: { "fill-color": ["case", ["<", value, 0], ramp(0, isDark()), stepped], "fill-opacity": 0.95 } });
    this.map.addLayer({ id: "areas-line", type: "line", source: "areas", paint: { "line-color": isDark() ? "#0f151c" : "#ffffff", "line-width": 0.75 } });
  }

  explain() {
    const legend = this.querySelector(".map-legend");
    const title = document.createElement("b");
    title.textContent = this.texts.legend;
    legend.replaceChildren(title);
    const colours = ramp(this.steps.length, isDark());
    this.steps.forEach((low, i) => {
      const row = document.createElement("div");
      const box = document.createElement("i");
      box.style.background = colours[i];
      row.append(box, i + 1 < this.steps.length ? `${shown(low)} – ${shown(this.steps[i + 1])}` : `≥ ${shown(low)}`);
      legend.append(row);
    });
  }

  showDay() {
    const day = Math.min(Number(this.slider.value), this.one.days.length - 1);
    this.values = this.one.days[day] || [];
    const when = asDay.format(new Date(Date.parse(this.one.start) + day * 86400000));
    this.querySelector("output").textContent = when;
    this.slider.setAttribute("aria-valuetext", when);
    if (this.map) this.values.forEach((value, id) => this.map.setFeatureState({ source: "areas", id }, { value: value ?? -1 }));
    this.fillTable();
  }

  fillTable() {
    const rows = this.one.areas.features.map((feature, i) => [nameOf(feature.properties), this.values[i]]);
    rows.sort((a, b) => (b[1] ?? -1) - (a[1] ?? -1));
    const body = this.querySelector(".map-table tbody");
    body.replaceChildren(...rows.slice(0, 200).map(([name, value]) => {
      const row = document.createElement("tr");
      const [area, figure] = [row.insertCell(), row.insertCell()];
      area.textContent = name;
      figure.className = "text-end";
      figure.textContent = value == null ? "–" : shown(value);
      return row;
    }));
  }

  hover(event) {
    const hit = this.map.getLayer("areas") && this.map.queryRenderedFeatures(event.point, { layers: ["areas"] })[0];
    if (!hit) return void this.popup.remove();
    const box = document.createElement("div");
    const name = document.createElement("b");
    name.textContent = nameOf(hit.properties);
    const value = this.values[hit.id];
    box.append(name, document.createElement("br"), value == null ? "–" : shown(value));
    this.popup.setLngLat(event.lngLat).setDOMContent(box).addTo(this.map);
  }

  toggle() {
    if (this.timer) return this.stop();
    if (Number(this.slider.value) >= Number(this.slider.max)) this.slider.value = 0;
    this.say("stopWord");
    this.timer = setInterval(() => {
      this.slider.value = Number(this.slider.value) + 1;
      this.showDay();
      if (Number(this.slider.value) >= Number(this.slider.max)) this.stop();
    }, PACE);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.say("playWord");
  }

  say(word) {
    const text = this.querySelector("[data-word]");
    text.textContent = text.dataset[word];
  }
}

customElements.define("scenario-map", ScenarioMap);
