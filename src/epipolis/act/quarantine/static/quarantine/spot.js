// The place of an order on the map: a click sets the spot, the dot is dragged, the circle is what counts as the place. The same
// stands in the three fields, where it can be typed. The map is drawn when somebody opens it.
import { Marker } from "maplibre-gl";

const PER_DEGREE = 111195; // metres
const CORNERS = 64;
const COLOUR = "#d63939"; // the map reads no colours of style sheets

class SpotPicker extends HTMLElement {
  connectedCallback() {
    const field = (name) => this.closest("form").elements[name];
    Object.assign(this, { lat: field("lat"), lon: field("lon"), radius: field("radius") });
    for (const one of [this.lat, this.lon, this.radius]) one.addEventListener("input", () => this.draw(true));
    this.querySelector("[data-none]").addEventListener("click", () => this.set(null));
    const box = this.closest("details");
    if (!box || box.open) this.open();
    else box.addEventListener("toggle", () => this.open(), { once: true });
  }

  async open() {
    this.append(this.querySelector("template").content.cloneNode(true));
    const element = this.querySelector("city-map");
    await import("../core/map.js"); // the page fetches it only where a map stands from the beginning
    if (!element?.ready) return; // this device draws no map: the fields are there
    await element.ready;
    this.map = element.map;
    for (let tries = 0; tries < 100 && !element.dataset.drawn; tries += 1) await new Promise((done) => setTimeout(done, 50));
    if (!this.isConnected) return;
    this.marker = new Marker({ color: COLOUR, draggable: true });
    this.marker.on("drag", () => this.set(this.marker.getLngLat()));
    this.map.on("click", (event) => this.set(event.lngLat));
    this.map.on("styledata", () => this.draw());
    this.draw(true);
    this.dataset.drawn = "yes";
  }

  /** Where the fields say it is, if they say a place. */
  spot() {
    const told = [this.lon, this.lat].map((one) => (one.value.trim() ? Number(one.value.replace(",", ".")) : NaN));
    return told.every(Number.isFinite) && Math.abs(told[0]) <= 180 && Math.abs(told[1]) < 90 ? told : null;
  }

  set(place) {
    this.lat.value = place ? place.lat.toFixed(6) : "";
    this.lon.value = place ? place.wrap().lng.toFixed(6) : "";
    this.draw();
  }

  ring([lon, lat]) {
    const metres = Number(this.radius.value) || Number(this.radius.placeholder) || 100;
    const north = metres / PER_DEGREE;
    const east = north / Math.max(0.01, Math.cos((lat * Math.PI) / 180));
    return Array.from({ length: CORNERS + 1 }, (_, i) => {
      const turn = (2 * Math.PI * i) / CORNERS;
      return [lon + east * Math.cos(turn), lat + north * Math.sin(turn)];
    });
  }

  draw(look = false) {
    if (!this.map || !this.marker) return;
    const spot = this.spot();
    const ring = spot && this.ring(spot);
    const data = { type: "FeatureCollection", features: ring ? [{ type: "Feature", properties: {}, geometry: { type: "Polygon", coordinates: [ring] } }] : [] };
    if (this.map.getSource("spot")) {
      this.map.getSource("spot").setData(data);
      if (this.map.getLayersOrder().at(-1) !== "spot-line") for (const id of ["spot-fill", "spot-line"]) this.map.moveLayer(id);
    } else {
      this.map.addSource("spot", { type: "geojson", data });
      this.map.addLayer({ id: "spot-fill", type: "fill", source: "spot", paint: { "fill-color": COLOUR, "fill-opacity": 0.2 } });
      this.map.addLayer({ id: "spot-line", type: "line", source: "spot", paint: { "line-color": COLOUR, "line-width": 2 } });
    }
    this.marker.setLngLat(spot || [0, 0]);
    if (Boolean(spot) !== this.marker.getElement().isConnected) spot ? this.marker.addTo(this.map) : this.marker.remove(); // once: it ends a drag
    if (!spot) return;
    if (look) {
      const [west, south, east, north] = [Math.min(...ring.map((one) => one[0])), Math.min(...ring.map((one) => one[1])), Math.max(...ring.map((one) => one[0])), Math.max(...ring.map((one) => one[1]))];
      this.map.fitBounds([[west, south], [east, north]], { padding: 60, maxZoom: 16, animate: false });
    }
  }
}

customElements.define("spot-picker", SpotPicker);
