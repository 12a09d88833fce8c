// Draw the ancestry with Cytoscape. Facts of documents are squares, insights are circles.
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

async function draw(box) {
  const response = await fetch(box.dataset.src);
  if (!response.ok) return;
  const { nodes, edges } = await response.json();
  const levels = new Map();
  const elements = nodes.map((node) => {
    const place = levels.get(node.level) ?? 0;
    levels.set(node.level, place + 1);
    return { data: { id: node.fact_id, label: (node.title || node.source).slice(0, 40), kind: node.kind, level: node.level, verdict: node.verdict_id }, position: { x: place * 190, y: node.level * 120 } };
  });
  for (const element of elements) {
    const width = (levels.get(element.data.level) - 1) * 190;
    element.position.x -= width / 2;
  }
  elements.push(...edges.map((edge) => ({ data: { id: `${edge.parent_id}-${edge.child_id}`, source: edge.parent_id, target: edge.child_id } })));
  const graph = window.cytoscape({
    container: box,
    elements,
    layout: { name: "preset", fit: true, padding: 40 },
    maxZoom: 1.4,
    minZoom: 0.2,
    style: [
      { selector: "node", style: { label: "data(label)", "font-size": 12, color: colour("--ink"), "text-wrap": "wrap", "text-max-width": 170, "text-valign": "bottom", "text-margin-y": 6, "text-background-color": colour("--raised"), "text-background-opacity": 0.85, "background-color": colour("--soft"), shape: "rectangle", width: 24, height: 24 } },
      { selector: "node[kind = 'insight']", style: { shape: "ellipse", "background-color": colour("--accent") } },
      { selector: "node[level = 0]", style: { "background-color": colour("--good"), width: 34, height: 34 } },
      { selector: "edge", style: { width: 2, "line-color": colour("--soft"), "target-arrow-color": colour("--soft"), "target-arrow-shape": "triangle", "curve-style": "bezier" } },
    ],
  });
  graph.on("tap", "node", (event) => {
    const { id, verdict } = event.target.data();
    location.assign(verdict ? `/insights/${verdict}` : `/facts/${id}`);
  });
}

const box = document.getElementById("graph");
if (box) draw(box);
