// Charts: fetch a figure, give it the theme's colours, read finer rows on zoom, shade gaps, mark anomalies.
"use strict";

(() => {
  const FETCH_DELAY_MS = 250;
  const PLOT_CONFIG = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "resetScale2d"] };

  // The computed colour of a token: a custom property itself would come back as light-dark(…).
  const colourOf = (token, host) => {
    const probe = document.createElement("span");
    probe.className = "chart-probe";
    probe.style.color = `var(${token})`;
    host.append(probe);
    const colour = getComputedStyle(probe).color;
    probe.remove();
    return colour;
  };

  const faded = (colour, alpha) => `rgba(${colour.match(/[\d.]+/g).slice(0, 3).join(",")},${alpha})`;

  const palette = (host) => {
    const tokens = ["--ink", "--ink-2", "--ink-3", "--line", "--surface", "--accent", "--up", "--down", "--gap", "--poor", "--fair"];
    return Object.fromEntries(tokens.map((token) => [token.slice(2), colourOf(token, host)]));
  };

  const dressTrace = (trace, colours) => {
    const meta = trace.meta || "";
    if (meta === "candles") {
      return { ...trace, increasing: { line: { color: colours.up, width: 1 } }, decreasing: { line: { color: colours.down, width: 1 } } };
    }
    if (meta === "muted") return { ...trace, marker: { color: faded(colours["ink-3"], 0.55), line: { width: 0 } } };
    const [name, part] = meta.split("-");
    const colour = colours[name] || colours.accent;
    if (part) {
      return { ...trace, line: { ...trace.line, color: faded(colour, 0.25), width: 0.5 }, fillcolor: faded(colour, 0.18), showlegend: false, hoverinfo: "skip" };
    }
    return { ...trace, line: { ...trace.line, color: colour, width: 1.2 }, marker: { color: colour, size: 3 } };
  };

  const axis = (given, colours) => ({
    ...given, gridcolor: colours.line, linecolor: colours.line, zeroline: false, tickcolor: colours.line,
    tickfont: { color: colours["ink-2"], size: 11 }, title: { text: given?.title?.text || "", font: { color: colours["ink-3"], size: 11 } },
  });

  const gapShapes = (gaps, colours) =>
    gaps.map((gap) => ({
      type: "rect", xref: "x", yref: "paper", x0: isoOf(gap.startNs), x1: isoOf(gap.endNs), y0: 0, y1: 1,
      fillcolor: faded(colours.gap, 0.28), line: { color: faded(colours.gap, 0.7), width: 1 }, layer: "below",
    }));

  const MARK_COLOURS = { critical: "poor", major: "poor", info: "fair" };

  const markTrace = (marks, colours, marked) => ({
    type: "scatter", mode: "markers", name: "Anomalies", showlegend: false,
    x: marks.map((mark) => isoOf(mark.tsNs)), y: marks.map((mark) => mark.price), customdata: marks.map((mark) => mark.url),
    text: marks.map((mark) => [mark.check, mark.value && `value ${mark.value}`, mark.expected && `expected ${mark.expected}`].filter(Boolean).join(", ")),
    hovertemplate: "%{text}<extra></extra>",
    marker: {
      symbol: "circle-open", size: marks.map((mark) => (mark.tsNs === marked ? 15 : 10)),
      color: marks.map((mark) => colours[mark.tsNs === marked ? "ink" : MARK_COLOURS[mark.severity]] || colours.poor),
      line: { width: 2 },
    },
  });

  // Nanoseconds come as text or number; the axis reads microseconds.
  const isoOf = (ns) => {
    const big = BigInt(ns);
    const micros = (big / 1000n) % 1000000n;
    return `${new Date(Number(big / 1000000000n) * 1000).toISOString().slice(0, 19).replace("T", " ")}.${String(micros).padStart(6, "0")}`;
  };

  class Chart {
    constructor(root) {
      this.root = root;
      this.plot = root.querySelector(".chart-plot");
      this.title = root.querySelector(".chart-title");
      this.note = root.querySelector(".chart-note");
      this.reset = root.querySelector("[data-chart-reset]");
      this.gaps = [];
      this.marks = [];
      this.drawn = false;
      this.reset.addEventListener("click", () => this.load());
    }

    async load(start, end) {
      this.asked?.abort();
      this.asked = new AbortController();
      this.root.setAttribute("aria-busy", "true");
      const url = new URL(this.root.dataset.url, location.href);
      if (start) url.searchParams.set("start", start);
      if (end) url.searchParams.set("end", end);
      try {
        const response = await fetch(url, { signal: this.asked.signal, headers: { Accept: "application/json" } });
        const isJson = (response.headers.get("Content-Type") || "").includes("json");
        const answer = isJson ? await response.json() : {};
        if (!response.ok || !isJson) return this.say("No chart", answer.problem || `The server answered with status ${response.status}. Reload the page to try again.`);
        this.reset.hidden = !(start || end);
        if (!answer.figure) return this.say("No rows here", "There are no rows in this range. Choose the whole range.");
        this.answer = answer;
        this.range = start && end ? [start, end] : null;
        await this.loadMarks(this.asked.signal).catch((error) => {
          if (error.name === "AbortError") throw error;
        });
        await this.draw();
      } catch (error) {
        if (error.name !== "AbortError") this.say("No chart", "The server does not answer. Check that the desk is running, then reload the page.");
        return undefined;
      }
      this.root.removeAttribute("aria-busy");
      return undefined;
    }

    say(title, text) {
      this.root.removeAttribute("aria-busy");
      this.title.textContent = title;
      if (this.drawn) Plotly.purge(this.plot);
      this.drawn = false;
      const words = document.createElement("p");
      words.className = "chart-message";
      words.textContent = text;
      this.plot.replaceChildren(words);
    }

    async draw() {
      const { figure } = this.answer;
      const colours = palette(this.root);
      const given = figure.layout;
      this.title.textContent = given.title.text + (this.answer.cut ? ". Only the latest part is drawn: the range holds more rows than a chart reads." : "");
      const layout = {
        ...given, title: undefined, paper_bgcolor: colours.surface, plot_bgcolor: colours.surface, hovermode: "x unified", dragmode: "zoom",
        hoverlabel: { bgcolor: colours.surface, bordercolor: colours.line, font: { color: colours.ink, size: 11 } },
        font: { family: getComputedStyle(document.body).fontFamily, color: colours["ink-2"], size: 11 },
        margin: { l: 12, r: 70, t: 10, b: 34 }, showlegend: figure.data.length > 2, legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", bgcolor: "rgba(0,0,0,0)" },
        xaxis: { ...axis(given.xaxis, colours), ...(this.range ? { range: this.range } : { autorange: true }) }, yaxis: axis(given.yaxis, colours), bargap: 0,
        modebar: { bgcolor: "rgba(0,0,0,0)", color: colours["ink-3"], activecolor: colours.accent },
        shapes: gapShapes(this.gaps, colours),
      };
      if (given.yaxis2) layout.yaxis2 = axis(given.yaxis2, colours);
      if (layout.showlegend) layout.margin.t = 34;
      const traces = figure.data.map((trace) => dressTrace(trace, colours));
      if (this.marks.length) traces.push(markTrace(this.marks, colours, this.root.dataset.marked));
      if (!this.drawn) this.plot.replaceChildren();
      this.settling = true;
      await (this.drawn ? Plotly.react : Plotly.newPlot)(this.plot, traces, layout, PLOT_CONFIG);
      this.settling = false;
      if (!this.drawn) {
        this.plot.on("plotly_relayout", (change) => this.zoomed(change));
        this.plot.on("plotly_click", ({ points }) => {
          const mark = points.find((point) => point.customdata);
          if (mark) location.assign(mark.customdata);
        });
      }
      this.drawn = true;
    }

    zoomed(change) {
      if (this.settling) return;
      const start = change["xaxis.range[0]"] ?? change["xaxis.range"]?.[0];
      const end = change["xaxis.range[1]"] ?? change["xaxis.range"]?.[1];
      if (!change["xaxis.autorange"] && start === undefined) return;
      clearTimeout(this.waiting);
      this.waiting = setTimeout(() => (change["xaxis.autorange"] ? this.load() : this.load(start, end)), FETCH_DELAY_MS);
    }

    // Anomalies of what is drawn; without them there still is a chart.
    async loadMarks(signal) {
      if (!this.root.dataset.marksUrl) return;
      const url = new URL(this.root.dataset.marksUrl, location.href);
      url.searchParams.set("start", this.answer.startNs);
      url.searchParams.set("end", this.answer.endNs);
      const response = await fetch(url, { signal, headers: { Accept: "application/json" } });
      this.marks = response.ok ? (await response.json()).marks || [] : [];
      if (this.marks.length && !this.told) this.note.append(" Circled: anomalies; a click opens one.");
      this.told = this.told || this.marks.length > 0;
    }

    async loadGaps() {
      if (!this.root.dataset.gapsUrl) return;
      const response = await fetch(this.root.dataset.gapsUrl, { headers: { Accept: "application/json" } });
      if (!response.ok) return;
      this.gaps = (await response.json()).intervals || [];
      if (this.gaps.length) this.note.append(` ${this.root.dataset.gapsNote || "Shaded: open gaps inside trading sessions."}`);
      if (this.drawn) await this.draw();
    }
  }

  const charts = [...document.querySelectorAll("[data-chart]")].map((root) => new Chart(root));
  const redraw = () => charts.forEach((chart) => chart.drawn && chart.draw());
  charts.forEach((chart) => {
    chart.load();
    chart.loadGaps().catch(() => {});
  });
  document.addEventListener("desk:theme", redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
})();
