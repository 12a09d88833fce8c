// Reliability of the judges: the share that people accepted, against what the log-odds promise.
import { axes, colour } from "/static/charts.js";

const HEIGHT_PX = 260;
const probability = (logOdds) => 1 / (1 + Math.exp(-logOdds));

function series(bins) {
  const counted = bins.filter((bin) => bin.accepted.count > 0);
  const points = counted.map((bin) => {
    const { hits, count, low, high } = bin.accepted;
    return [probability((bin.log_odds_low + bin.log_odds_high) / 2), hits / count, low, high];
  });
  points.sort((left, right) => left[0] - right[0]);
  const rows = [[0, null, null, null], ...points, [1, null, null, null]];
  const [promised, accepted, low, high] = [0, 1, 2, 3].map((column) => rows.map((row) => row[column]));
  return [promised, promised, accepted, low, high];
}

function draw(chart, bins) {
  const [across, up] = axes((value) => `${Math.round(value * 100)} %`);
  const range = [0, 1];
  const edge = { stroke: colour("--soft"), width: 1, dash: [2, 4], points: { show: false } };
  const plot = new window.uPlot({
    width: chart.clientWidth,
    height: HEIGHT_PX,
    legend: { show: true, live: false },
    scales: { x: { time: false, range }, y: { range } },
    axes: [{ ...across, values: up.values, label: "promised by the judges" }, { ...up, label: "accepted by people" }],
    series: [
      {},
      { label: "perfect", stroke: colour("--soft"), width: 1, points: { show: false } },
      { label: "accepted", stroke: colour("--accent"), width: 2, points: { show: true, size: 8 } },
      { label: "95 % interval, low", ...edge },
      { label: "95 % interval, high", ...edge },
    ],
    bands: [{ series: [4, 3], fill: colour("--tint") }],
  }, series(bins), chart);
  new ResizeObserver(() => plot.setSize({ width: chart.clientWidth, height: HEIGHT_PX })).observe(chart);
}

async function start() {
  const chart = document.querySelector("[data-chart=reliability]");
  if (!chart) return;
  const response = await fetch("/api/v1/critic");
  if (response.ok) draw(chart, (await response.json()).calibration);
}

start();
