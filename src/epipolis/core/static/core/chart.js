// <city-chart>: draws the JSON inside it with ECharts; its table is in the page already.
import * as echarts from "echarts";
import { optionsFor } from "./chart_options.js";

const isDark = () => document.documentElement.getAttribute("data-bs-theme") === "dark";

class CityChart extends HTMLElement {
  connectedCallback() {
    this.canvas = this.querySelector(".chart-canvas");
    const source = this.querySelector('script[type="application/json"]');
    if (!this.canvas || !source || this.chart) return;
    this.data = JSON.parse(source.textContent);
    this.draw();
    this.onTheme = () => this.draw();
    document.addEventListener("theme", this.onTheme);
    this.watcher = new ResizeObserver(() => this.fit());
    this.watcher.observe(this.canvas);
    const saves = this.querySelector(".chart-downloads");
    if (saves) {
      saves.hidden = false;
      saves.addEventListener("click", (event) => event.target.dataset.save && this.save(event.target.dataset.save));
    }
  }

  disconnectedCallback() {
    document.removeEventListener("theme", this.onTheme);
    this.watcher?.disconnect();
    this.chart?.dispose();
    this.chart = null;
  }

  // A network has no way back from a size of nothing, as in a closed tab: it is drawn or fitted when there is one.
  hasSize() {
    return this.canvas.clientWidth > 0 && this.canvas.clientHeight > 0;
  }

  fit() {
    if (!this.hasSize()) return;
    if (this.chart) this.chart.resize();
    else this.draw();
  }

  draw() {
    if (!this.hasSize()) return;
    this.chart?.dispose();
    this.chart = echarts.init(this.canvas, null, { renderer: "canvas", locale: "EN" });
    this.chart.setOption(optionsFor(this.data, isDark()));
    if (this.data.kind === "graph") {
      this.chart.on("click", ({ data }) => data?.url && (location.href = data.url));
    }
    this.dataset.drawn = "1";
  }

  save(kind) {
    const name = `${this.dataset.name || "chart"}.${kind}`;
    if (kind === "csv") return offer(name, new Blob(["\ufeff", this.csv()], { type: "text/csv" }));
    if (kind === "png") {
      const colour = getComputedStyle(this).getPropertyValue("--shell-surface") || "#fff";
      return fetchless(name, this.chart.getDataURL({ pixelRatio: 2, backgroundColor: colour.trim() }));
    }
    const box = document.createElement("div");
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const drawing = echarts.init(box, null, { renderer: "svg", ssr: true, width, height });
    drawing.setOption({ ...optionsFor(this.data, false), animation: false, backgroundColor: "#fff" });
    offer(name, new Blob([drawing.renderToSVGString()], { type: "image/svg+xml" }));
    drawing.dispose();
  }

  csv() {
    const cell = (text) => {
      const safe = /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
      return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
    };
    return [...this.querySelectorAll(".chart-table tr")]
      .map((row) => [...row.cells].map((c) => cell(c.textContent.trim())).join(","))
      .join("\r\n");
  }
}

function fetchless(name, dataUrl) {
  const [head, body] = dataUrl.split(",");
  const bytes = Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0));
  offer(name, new Blob([bytes], { type: head.slice(5, head.indexOf(";")) }));
}

function offer(name, blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

customElements.define("city-chart", CityChart);
