// Draws the charts whose numbers stand in the page. Colours come from the stylesheet, so both themes
// and print look right; the table beside each chart has the same numbers.
(() => {
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const tone = (word) => color({ informational: "info", quiet: "info" }[word] || word) || color("accent");
  const number = new Intl.NumberFormat(document.documentElement.lang === "vi" ? "vi-VN" : "en-GB", { maximumFractionDigits: 1 });

  // One upright line for each point that has marks, in the colour of the worst (the rows come worst first).
  const marked = (data) => {
    const lines = data.points.map((point, index) => {
      const worst = (data.marks || []).find((series) => series.values[index] > 0);
      return worst && { xAxis: point.label, lineStyle: { color: tone(worst.tone) } };
    });
    return { silent: true, symbol: ["none", "triangle"], symbolSize: 7, label: { show: false }, lineStyle: { width: 1.5, type: "dashed" }, data: lines.filter(Boolean) };
  };
  // What a hover tells: the numbers of the point, and its marks.
  const told = (data) => (hits) => {
    const index = hits[0].dataIndex, rows = [...data.series, ...(data.marks || []).filter((series) => series.values[index] > 0)];
    return [data.points[data.kind === "bars" ? data.points.length - 1 - index : index].label,
      ...rows.map((series) => `${series.name}: ${number.format(series.values[data.kind === "bars" ? series.values.length - 1 - index : index])}`)].join("\n");
  };

  const option = (data) => {
    const labels = data.points.map((point) => point.label);
    const lying = data.kind === "bars";
    const text = { color: color("muted"), fontFamily: "Be Vietnam Pro", fontSize: 12 };
    const category = { type: "category", data: lying ? labels.slice().reverse() : labels, axisLabel: { ...text, width: 150, overflow: "truncate" }, axisLine: { lineStyle: { color: color("line") } }, axisTick: { show: false } };
    const value = { type: "value", minInterval: 1, axisLabel: { ...text, formatter: (n) => number.format(n) }, splitLine: { lineStyle: { color: color("line") } } };
    return {
      animation: false, aria: { enabled: true },
      grid: { left: 8, right: 16, top: data.series.length > 1 ? 28 : 10, bottom: 4, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
      legend: data.series.length > 1 ? { top: 0, right: 0, textStyle: text, itemWidth: 12, itemHeight: 8 } : undefined,
      tooltip: { trigger: "axis", renderMode: "richText", axisPointer: { type: "shadow" }, formatter: told(data) },
      xAxis: lying ? value : category, yAxis: lying ? category : value,
      brush: data.brush ? { xAxisIndex: 0, brushType: "lineX", transformable: false, throttleType: "debounce", throttleDelay: 300 } : undefined,
      toolbox: { show: false },
      series: data.series.map((series, order) => ({
        name: series.name, type: data.kind === "line" ? "line" : "bar", stack: lying || data.kind === "line" ? undefined : "all",
        data: lying ? series.values.slice().reverse() : series.values, showSymbol: false, barCategoryGap: "15%", barMaxWidth: 28,
        itemStyle: { color: tone(series.tone) }, lineStyle: { width: 2 }, markLine: order === 0 ? marked(data) : undefined, label: lying ? { show: true, position: "right", ...text, formatter: (p) => number.format(p.value) } : undefined,
      })),
    };
  };

  const draw = (box) => {
    const source = box.querySelector(".chart-data");
    if (!source || !window.echarts) return;
    const data = JSON.parse(source.textContent);
    const old = echarts.getInstanceByDom(box);
    if (old) old.dispose();
    const chart = echarts.init(box, null, { renderer: "canvas" });
    box.append(source);
    chart.setOption(option(data));
    chart.on("click", (hit) => {
      const index = data.kind === "bars" ? data.points.length - 1 - hit.dataIndex : hit.dataIndex;
      const href = data.points[index]?.href;
      if (href) location.assign(href);
    });
    if (data.brush) {
      chart.dispatchAction({ type: "takeGlobalCursor", key: "brush", brushOption: { brushType: "lineX", brushMode: "single" } });
      chart.on("brushEnd", (event) => {
        const range = event.areas[0]?.coordRange;
        if (!range) return;
        const from = data.times[Math.max(0, range[0])], to = data.times[Math.min(data.times.length - 1, range[1] + 1)];
        location.assign(data.brush.replace("{from}", encodeURIComponent(from)).replace("{to}", encodeURIComponent(to)));
      });
    }
    new ResizeObserver(() => chart.resize()).observe(box);
  };
  const all = (root = document) => root.querySelectorAll("[data-chart]").forEach(draw);
  all();
  document.addEventListener("htmx:after:swap", () => all());
  new MutationObserver(() => all()).observe(document.documentElement, { attributes: true, attributeFilter: ["data-bs-theme"] });
})();
