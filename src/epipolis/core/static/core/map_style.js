// The look of the city map: a plain ground, ramps of blue (areas) and orange (points) that everybody can order, five classes.
const LIGHT = ["#e8f0f7", "#b5d1e8", "#7fb0d8", "#3f87bd", "#0b4f86"];
const DARK = ["#1d3247", "#25537d", "#3478ad", "#66a6d6", "#b9dcf5"];
const WARM_LIGHT = ["#fddcb5", "#fdae6b", "#ee7f33", "#cc4f0f", "#8c2d04"];
const WARM_DARK = ["#5a3a1c", "#8f5723", "#c97f30", "#f2a552", "#ffd6a8"];
const NONE = { light: "#e9ecef", dark: "#232c36" };

export function base(dark) {
  return { version: 8, sources: {}, layers: [{ id: "ground", type: "background", paint: { "background-color": dark ? "#0f151c" : "#f5f7f9" } }] };
}

/** `count` colours from weak to strong, warm for points so that they stand out of areas; for 0 that of no data. */
export function ramp(count, dark, kind = "fill") {
  if (!count) return dark ? NONE.dark : NONE.light;
  const all = kind === "circle" ? (dark ? WARM_DARK : WARM_LIGHT) : dark ? DARK : LIGHT;
  if (count === 1) return [all[3]];
  if (count >= all.length) return all;
  return Array.from({ length: count }, (_, i) => all[Math.round((i * (all.length - 1)) / Math.max(count - 1, 1))]);
}

/** Lower ends of up to five classes over the values that occur, rounded so that people can read them; nothing is its own class. */
export function breaks(layer, data) {
  if (!layer.colour_by) return [];
  const all = data.features.map((feature) => feature.properties[layer.colour_by]).filter((value) => typeof value === "number");
  const values = [...new Set(all)].sort((a, b) => a - b);
  if (!values.length) return [];
  const steps = values[0] === 0 && values.length > 2 ? [0] : [];
  const rest = steps.length ? values.slice(1) : values;
  const parts = 5 - steps.length;
  for (let i = 0; i < parts; i += 1) steps.push(i || steps.length ? tidy(rest[Math.floor((i * rest.length) / parts)]) : Math.min(tidy(rest[0]), rest[0]));
  return [...new Set(steps)].sort((a, b) => a - b);
}

function tidy(value) {
  if (!value) return 0;
  const unit = 10 ** (Math.floor(Math.log10(Math.abs(value))) - 1);
  return Number((Math.floor(value / unit) * unit).toPrecision(6));
}

export function paint(layer, steps, dark) {
  const colour = layer.colour_by ? stepped(layer, steps, dark) : dark ? "#2b4a66" : "#c7dbeb";
  const edge = dark ? "#0f151c" : "#ffffff";
  if (layer.kind === "line") return [{ id: layer.name, type: "line", paint: { "line-color": dark ? "#9aa7b5" : "#5a6675", "line-width": 1.5 } }];
  if (layer.kind === "circle") {
    const dot = layer.colour_by ? colour : dark ? "#f0b429" : "#d55e00";
    const size = layer.colour_by && steps.length > 1 ? ["step", ["to-number", ["get", layer.colour_by], 0], 3, ...steps.slice(1).flatMap((step, i) => [step, 4 + 2 * i])] : 5;
    const line = layer.colour_by ? (dark ? "#0f151c" : "#7a2a05") : edge;
    return [{ id: layer.name, type: "circle", paint: { "circle-color": dot, "circle-radius": size, "circle-stroke-color": line, "circle-stroke-width": 0.75, "circle-opacity": 0.95 } }];
  }
  return [
    { id: layer.name, type: "fill", paint: { "fill-color": colour, "fill-opacity": 0.95 } },
    { id: `${layer.name}-line`, type: "line", paint: { "line-color": edge, "line-width": 1 } },
  ];
}

/** The areas of the city as a quiet ground under points and lines. */
export function ground(dark) {
  return [
    { id: "under", type: "fill", paint: { "fill-color": dark ? "#18212b" : "#e9eef3" } },
    { id: "under-line", type: "line", paint: { "line-color": dark ? "#2c3947" : "#ffffff", "line-width": 1.25 } },
  ];
}

function stepped({ colour_by: property, kind }, steps, dark) {
  const colours = ramp(steps.length, dark, kind);
  const none = ramp(0, dark);
  if (!steps.length) return none;
  const rest = steps.slice(1).flatMap((step, i) => [step, colours[i + 1]]);
  const inside = rest.length ? ["step", ["to-number", ["get", property]], colours[0], ...rest] : colours[0];
  return ["case", ["==", ["typeof", ["get", property]], "number"], inside, none];
}

export function bounds(data) {
  const box = [[180, 90], [-180, -90]];
  const visit = (part) => {
    if (typeof part[0] === "number") {
      box[0] = [Math.min(box[0][0], part[0]), Math.min(box[0][1], part[1])];
      box[1] = [Math.max(box[1][0], part[0]), Math.max(box[1][1], part[1])];
    } else part.forEach(visit);
  };
  for (const feature of data.features) if (feature.geometry?.coordinates?.length) visit(feature.geometry.coordinates);
  return box;
}

export const nameOf = (properties) => String(properties.name ?? properties.title ?? properties.code ?? "–");

export const shown = (value) => (typeof value === "number" ? value.toLocaleString(document.documentElement.lang || "en", { maximumFractionDigits: 1 }) : String(value));

let styled = false;

/** The style sheet of the map library, once a page. */
export function addStyles() {
  if (styled) return;
  styled = true;
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = new URL("../vendor/maplibre/maplibre-gl.css", import.meta.url).href;
  document.head.append(link);
}

/** Whether this browser can draw a map; the list beside it needs no such thing. */
export function canDraw() {
  try {
    return Boolean(document.createElement("canvas").getContext("webgl2"));
  } catch {
    return false;
  }
}

/** Whether the page is dark. */
export const isDark = () => document.documentElement.getAttribute("data-bs-theme") === "dark";
