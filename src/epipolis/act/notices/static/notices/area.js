// A click on the map adds a corner to the area; the corners stand as text, so that the keyboard does the same.
// Of a warning that is written already its area is drawn.
const box = document.querySelector("[data-corners]");
const warned = document.getElementById("warned-area");
const element = document.querySelector("city-map");

function corners() {
  const lines = box.value.split("\n").map((line) => line.split(/[,;]/).map(Number)).filter((one) => one.length === 2 && one.every(Number.isFinite));
  return lines.map(([lat, lon]) => [lon, lat]);
}

const feature = (type, coordinates) => ({ type: "Feature", properties: {}, geometry: { type, coordinates } });

function written() {
  const rings = JSON.parse(warned.textContent).coordinates.map(([ring]) => ring);
  return { type: "FeatureCollection", features: rings.flatMap((ring) => [feature("LineString", ring), feature("Polygon", [ring])]) };
}

function shape() {
  if (warned) return written();
  const ring = corners();
  const line = feature("LineString", ring.length > 1 ? [...ring, ring[0]] : []);
  const area = feature("Polygon", ring.length > 2 ? [[...ring, ring[0]]] : []);
  const points = ring.map((one) => feature("Point", one));
  return { type: "FeatureCollection", features: [line, area, ...points] };
}

async function start() {
  for (let tries = 0; tries < 100 && !element?.ready; tries += 1) await new Promise((done) => setTimeout(done, 100));
  if (!element?.map) return;
  await element.ready;
  const map = element.map;
  const colour = "#d63939"; // the map reads no colours of style sheets
  const draw = () => {
    if (!map.getSource("drawn")) {
      map.addSource("drawn", { type: "geojson", data: shape() });
      map.addLayer({ id: "drawn-fill", type: "fill", source: "drawn", filter: ["==", "$type", "Polygon"], paint: { "fill-color": colour, "fill-opacity": 0.2 } });
      map.addLayer({ id: "drawn-line", type: "line", source: "drawn", filter: ["==", "$type", "LineString"], paint: { "line-color": colour, "line-width": 2 } });
      map.addLayer({ id: "drawn-point", type: "circle", source: "drawn", filter: ["==", "$type", "Point"], paint: { "circle-color": colour, "circle-radius": 4 } });
    } else map.getSource("drawn").setData(shape());
  };
  draw();
  map.on("idle", () => { // the city's layers come and go; the area stays above them
    const own = ["drawn-fill", "drawn-line", "drawn-point"];
    if (map.getStyle().layers.at(-1).id !== own.at(-1)) own.forEach((name) => map.getLayer(name) && map.moveLayer(name));
  });
  if (!box) return;
  map.on("click", (event) => {
    const line = `${event.lngLat.lat.toFixed(5)}, ${event.lngLat.lng.toFixed(5)}`;
    box.value = box.value.trim() ? `${box.value.trim()}\n${line}` : line;
    draw();
  });
  box.addEventListener("input", draw);
}

if ((box || warned) && element) start();
