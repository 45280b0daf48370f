// A click on the map adds a corner to the area; the corners stand as text, so that the keyboard does the same.
const box = document.querySelector("[data-corners]");
const element = document.querySelector("city-map");

function corners() {
  const lines = box.value.split("\n").map((line) => line.split(/[,;]/).map(Number)).filter((one) => one.length === 2 && one.every(Number.isFinite));
  return lines.map(([lat, lon]) => [lon, lat]);
}

function shape() {
  const ring = corners();
  const line = { type: "Feature", properties: {}, geometry: { type: "LineString", coordinates: ring.length > 1 ? [...ring, ring[0]] : [] } };
  const area = { type: "Feature", properties: {}, geometry: { type: "Polygon", coordinates: ring.length > 2 ? [[...ring, ring[0]]] : [] } };
  const points = ring.map((one) => ({ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: one } }));
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
  map.on("click", (event) => {
    const line = `${event.lngLat.lat.toFixed(5)}, ${event.lngLat.lng.toFixed(5)}`;
    box.value = box.value.trim() ? `${box.value.trim()}\n${line}` : line;
    draw();
  });
  box.addEventListener("input", draw);
  draw();
}

if (box && element) start();
