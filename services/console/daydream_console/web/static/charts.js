// Burn-down of a limit: what was spent in its window, the cap, and the forecast at the present rate.
const HOUR_S = 3600;
const WINDOWS_H = { hour: 1, day: 24, week: 168, month: 720, lifetime: 720 };
const FORECAST_SHARE = 0.25;
export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export function axes(label) {
  const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 } };
  return [axis, { ...axis, size: 70, values: (_, ticks) => ticks.map(label) }];
}

function series(points, chart) {
  const hours = WINDOWS_H[chart.dataset.window];
  const now = Math.floor(Date.now() / 1000);
  const first = points.length ? Date.parse(points[0].at) / 1000 : now;
  const day = now - 24 * HOUR_S;
  const begin = Math.max(now - hours * HOUR_S, Math.min(first, Math.max(day, now - hours * HOUR_S)));
  const inside = points.map((point) => [Date.parse(point.at) / 1000, point.settled_nanousd / 1e9]).filter(([at]) => at >= begin);
  const spent = Number(chart.dataset.spent) / 1e9;
  let total = Math.max(0, spent - inside.reduce((sum, [, amount]) => sum + amount, 0));
  const times = [begin];
  const used = [total];
  for (const [at, amount] of inside) {
    total += amount;
    times.push(Math.min(now, at + HOUR_S));
    used.push(total);
  }
  times.push(now);
  used.push(spent);
  const rate = Number(chart.dataset.rate) / 1e9;
  const end = now + Math.max(HOUR_S, (now - begin) * FORECAST_SHARE);
  const forecast = used.map(() => null);
  forecast[forecast.length - 1] = spent;
  times.push(end);
  used.push(null);
  forecast.push(spent + (rate * (end - now)) / HOUR_S);
  const cap = times.map(() => Number(chart.dataset.cap) / 1e9);
  return [times, used, cap, forecast];
}

function draw(chart, points) {
  const data = series(points, chart);
  const [across, up] = axes((value) => `$${Number(value.toPrecision(3))}`);
  const plot = new window.uPlot({
    width: chart.clientWidth,
    height: 180,
    cursor: { y: false },
    legend: { show: true, live: false },
    axes: [across, up],
    series: [
      {},
      { label: "spent", stroke: colour("--accent"), width: 2, fill: colour("--tint") },
      { label: "cap", stroke: colour("--bad"), width: 2 },
      { label: "forecast", stroke: colour("--warn"), width: 2, dash: [6, 4] },
    ],
  }, data, chart);
  new ResizeObserver(() => plot.setSize({ width: chart.clientWidth, height: 180 })).observe(chart);
}

async function start() {
  for (const chart of document.querySelectorAll("[data-chart=burn]")) {
    const scope = encodeURIComponent(chart.dataset.scope);
    const response = await fetch(`/api/v1/budget/series?days=31&scope=${scope}`);
    if (response.ok) draw(chart, await response.json());
  }
}

start();
