// Plain data in, an ECharts option out. Colours by Okabe and Ito: told apart by everybody, in light and dark.
const LIGHT = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8a8a00", "#5a6675"];
const DARK = ["#56a8e0", "#f0b429", "#2cc295", "#e39ac3", "#8fd0f5", "#f2803a", "#d9d24a", "#9aa7b5"];

function look(dark) {
  return dark
    ? { colours: DARK, text: "#d5dde6", quiet: "#9aa7b5", line: "#27313d", surface: "#1c2530" }
    : { colours: LIGHT, text: "#1d2733", quiet: "#5a6675", line: "#e1e6ec", surface: "#ffffff" };
}

export function optionsFor(data, dark) {
  const style = look(dark);
  const builder = { bar: columns, stacked: columns, line: lines, pyramid, graph, timeline }[data.kind] || columns;
  return { ...frame(style), ...builder(data, style) };
}

function frame(style) {
  return {
    color: style.colours,
    animationDuration: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 300,
    textStyle: { fontFamily: "inherit", color: style.text },
    grid: { left: 8, right: 16, top: 36, bottom: 8, containLabel: true },
    legend: { top: 0, left: 0, icon: "roundRect", itemWidth: 12, itemHeight: 10, textStyle: { color: style.text }, type: "scroll" },
    tooltip: {
      trigger: "axis", confine: true, backgroundColor: style.surface, borderColor: style.line,
      textStyle: { color: style.text, fontSize: 13 }, axisPointer: { type: "shadow", shadowStyle: { opacity: 0.12 } },
    },
    aria: { enabled: false },
  };
}

function categories(data, style, extra = {}) {
  return {
    type: "category", data: data.x, name: extra.bare ? "" : data.x_title || "", nameLocation: "middle", nameGap: 26,
    axisLine: { lineStyle: { color: style.line } }, axisTick: { show: false },
    axisLabel: { color: style.quiet, hideOverlap: true, formatter: shortDay }, nameTextStyle: { color: style.quiet }, ...extra,
  };
}

function amounts(data, style, extra = {}) {
  return {
    type: "value", name: data.y_title || "", nameTextStyle: { color: style.quiet, align: "left", padding: [0, 0, 0, -16] }, minInterval: !data.fractions && isWhole(data) ? 1 : 0,
    axisLabel: { color: style.quiet }, splitLine: { lineStyle: { color: style.line } }, ...extra,
  };
}

const isWhole = (data) => (data.series || []).every((part) => (part.values || []).every((value) => value == null || Number.isInteger(value)));

const asDay = new Intl.DateTimeFormat(document.documentElement.lang || "en", { day: "numeric", month: "short", timeZone: "UTC" });

function shortDay(text) {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) ? asDay.format(new Date(text)) : text;
}

function legend(data, style) {
  return { ...frame(style).legend, show: (data.series || []).length > 1 };
}

function grid(data) {
  const several = (data.series || []).length > 1;
  return { left: 8, right: 16, top: (several ? 34 : 12) + (data.y_title ? 16 : 0), bottom: data.x_title ? 30 : 8, containLabel: true };
}

function columns(data, style) {
  const stacked = data.kind === "stacked";
  const sideways = data.horizontal;
  const names = categories(data, style, sideways ? { bare: true, name: "", inverse: true, axisLabel: { color: style.text } } : {});
  const values = amounts(data, style, sideways ? { name: "" } : {});
  return {
    legend: { ...legend(data, style), selected: Object.fromEntries((data.series || []).map((part) => [part.name, !part.hidden])) },
    grid: grid(data),
    xAxis: sideways ? values : names, yAxis: sideways ? names : values,
    series: (data.series || []).map((part) => part.line ? {
      type: "line", name: part.name, data: part.values, showSymbol: false, smooth: 0.2, lineStyle: { width: 2.5 }, z: 3,
    } : ({
      type: "bar", name: part.name, data: part.values, stack: stacked ? "all" : undefined, barMaxWidth: 28,
      barCategoryGap: stacked ? "12%" : "30%", itemStyle: { borderRadius: stacked ? 0 : 2 }, emphasis: { focus: "series" },
    })),
  };
}

function lines(data, style) {
  const series = [];
  (data.series || []).forEach((part, i) => {
    const colour = style.colours[(part.colour ?? i) % style.colours.length];
    bandsOf(part).forEach((range, k) => {
      const band = { type: "line", name: part.name, stack: `band${i}-${k}`, symbol: "none", silent: true, lineStyle: { opacity: 0 }, tooltip: { show: false }, stackStrategy: "all" };
      series.push({ ...band, data: range.lo, itemStyle: { color: colour } });
      series.push({ ...band, data: range.hi.map((high, n) => (high == null || range.lo[n] == null ? null : high - range.lo[n])), areaStyle: { color: colour, opacity: part.thin ? 0.1 : 0.2 }, itemStyle: { color: colour } });
    });
    const isDotted = part.points || (!part.thin && part.values.length < 40), alone = isDotted ? [] : lonely(part.values);
    series.push({
      type: "line", id: `main${i}`, name: part.name, data: part.values, symbolSize: 5, showSymbol: isDotted || alone.length > 0,
      symbol: alone.length ? (_value, point) => (alone.includes(point.dataIndex) ? "circle" : "none") : "circle", showAllSymbol: alone.length > 0,
      lineStyle: { width: part.points ? 0 : part.thin ? 1 : 2.25, type: part.dashed ? "dashed" : "solid" }, itemStyle: { color: colour }, connectNulls: false, emphasis: { focus: "none" },
      z: part.thin ? 2 : 3, markLine: i === 0 && data.mark ? marked(data.mark, style) : undefined,
    });
  });
  return {
    legend: { ...legend(data, style), data: [...new Set((data.series || []).map((part) => part.name))] }, grid: grid(data),
    tooltip: { ...frame(style).tooltip, axisPointer: { type: "line", lineStyle: { color: style.quiet } }, formatter: (rows) => bandTip(rows, data) },
    xAxis: categories(data, style, { boundaryGap: false }), yAxis: amounts(data, style, data.most ? { max: data.most } : {}), series,
  };
}

// A value with nothing beside it has no line, so it needs a dot.
const lonely = (values) => values.flatMap((value, n) => (value != null && values[n - 1] == null && values[n + 1] == null ? [n] : []));

const bandsOf = (part) => [...(part.bands || []), ...(part.lo && part.hi ? [part] : [])];

function marked(mark, style) {
  return {
    silent: true, symbol: "none", animation: false, data: [{ xAxis: mark.x }], lineStyle: { color: style.quiet, type: "dotted" },
    label: { formatter: mark.name, color: style.quiet, position: "insideEndTop", rotate: 0, align: "right", padding: [0, 6, 0, 0] },
  };
}

function bandTip(rows, data) {
  const at = rows[0]?.dataIndex ?? 0;
  const known = rows.filter((row) => row.seriesId?.startsWith("main") && row.value != null);
  const line = (row) => {
    const part = data.series[Number(row.seriesId.slice(4))];
    const bands = bandsOf(part).filter((range) => range.lo[at] != null).map((range) => `${number(range.lo[at])}–${number(range.hi[at])}`);
    return `${row.marker} ${escape(part.label || row.seriesName)}: <b>${number(row.value)}</b>${bands.length ? ` (${bands[0]})` : ""}`;
  };
  return [escape(String(data.x[at])), ...known.map(line)].join("<br>");
}

function pyramid(data, style) {
  const [left, right] = data.series || [];
  const side = (part, sign) => part && {
    type: "bar", name: part.name, stack: "all", barCategoryGap: "18%", data: part.values.map((value) => sign * (value || 0)), itemStyle: { borderRadius: 2 },
  };
  return {
    legend: legend(data, style), grid: grid({ ...data, y_title: "" }),
    tooltip: { ...frame(style).tooltip, valueFormatter: (value) => number(Math.abs(value)) },
    xAxis: amounts(data, style, { name: "", axisLabel: { color: style.quiet, formatter: (value) => number(Math.abs(value)) } }),
    yAxis: categories(data, style, { bare: true, name: "" }),
    series: [side(left, -1), side(right, 1)].filter(Boolean),
  };
}

function graph(data, style) {
  const groups = [...new Set((data.nodes || []).map((node) => node.group || ""))];
  const crowded = (data.links || []).length > 150;
  return {
    legend: { ...frame(style).legend, show: groups.length > 1, data: groups, backgroundColor: style.surface, padding: 4 },
    tooltip: { ...frame(style).tooltip, trigger: "item" },
    series: [{
      type: "graph", layout: "force", roam: true, draggable: true, top: 30, force: { repulsion: 90, edgeLength: [25, 80], gravity: 0.22 },
      categories: groups.map((name) => ({ name })),
      data: (data.nodes || []).map((node) => ({
        id: String(node.id), name: node.name || String(node.id), url: node.url, category: groups.indexOf(node.group || ""),
        symbolSize: node.size || 16, label: { show: (data.nodes || []).length < 40 },
      })),
      links: (data.links || []).map((link) => ({ source: String(link.source), target: String(link.target), value: link.name || link.value })),
      label: { position: "right", color: style.text, fontSize: 11 }, edgeSymbol: ["none", data.directed === false || crowded ? "none" : "arrow"], edgeSymbolSize: 6,
      lineStyle: { color: style.quiet, opacity: crowded ? 0.22 : 0.6, curveness: crowded ? 0 : 0.08 }, emphasis: { focus: "adjacency" },
    }],
  };
}

function timeline(data, style) {
  const bars = data.bars || [];
  const rows = [...new Set(bars.map((bar) => bar.row))];
  const groups = [...new Set(bars.map((bar) => bar.group || ""))];
  const draw = (params, api) => {
    const row = api.value(0), from = api.coord([api.value(1), row]), until = api.coord([api.value(2), row]);
    const height = Math.min(api.size([0, 1])[1] * 0.6, 22);
    return { type: "rect", shape: { x: from[0], y: from[1] - height / 2, width: Math.max(until[0] - from[0], 3), height, r: 3 }, style: { fill: api.visual("color") } };
  };
  const shown = new Intl.DateTimeFormat("sv-SE", { timeZone: data.zone, month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" });
  return {
    legend: { ...frame(style).legend, show: groups.length > 1, data: groups }, grid: { left: 8, right: 20, top: groups.length > 1 ? 34 : 10, bottom: 30, containLabel: true },
    tooltip: {
      ...frame(style).tooltip, trigger: "item",
      formatter: ({ data: bar }) => `<b>${escape(rows[bar.value[0]])}</b><br>${escape(bar.label || "")}<br>${shown.format(bar.value[1])} – ${shown.format(bar.value[2])}`,
    },
    dataZoom: [{ type: "inside", filterMode: "weakFilter" }],
    xAxis: { type: "time", axisLabel: { color: style.quiet, hideOverlap: true }, axisLine: { lineStyle: { color: style.line } }, splitLine: { show: true, lineStyle: { color: style.line } } },
    yAxis: { type: "category", data: rows, inverse: true, axisLabel: { color: style.text, width: 150, overflow: "truncate" }, axisLine: { show: false }, axisTick: { show: false } },
    series: groups.map((group) => ({
      type: "custom", name: group, renderItem: draw, encode: { x: [1, 2], y: 0 }, clip: true,
      data: bars.filter((bar) => (bar.group || "") === group).map((bar) => ({ value: [rows.indexOf(bar.row), Date.parse(bar.start), Date.parse(bar.end)], label: bar.label })),
    })),
  };
}

const number = (value) => (typeof value === "number" ? value.toLocaleString(document.documentElement.lang || "en", { maximumFractionDigits: 2 }) : value);
const escape = (text) => String(text).replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
