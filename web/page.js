// Draws what /v1/cairn/* says (src/api/API.md). Everything that comes from the network is put on
// the page as text, never as markup.
"use strict";

const COIN = 1e8;
const SHOWN_AT_FIRST = 12;
const $ = (id) => document.getElementById(id);
const blocks = new Map();  // height -> merge block, as the node last told it
const open = new Set();    // heights whose details are shown
let shown = SHOWN_AT_FIRST;
let me = "";
let sources = [];  // names of the texts that the report text is made of, where there are several

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") element.className = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

function svg(tag, attributes = {}, text = "") {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text) element.textContent = text;
  return element;
}

const short = (hex) => hex.slice(0, 12);
const count = (number) => number.toLocaleString("en");
const coins = (amount) => (amount / COIN).toLocaleString("en", { maximumFractionDigits: 2 });
const loss = (value) => value === null || value === undefined ? "…" : value.toFixed(3);

const by_source = (block) => block.source_losses.length === 0 ? ""
  : ` (${block.source_losses.map((value, i) => `${sources[i] ?? i + 1} ${loss(value)}`).join(", ")})`;

function ago(time_ms) {
  const seconds = Math.max(0, (Date.now() - time_ms) / 1000);
  if (seconds < 90) return `${Math.round(seconds)} s ago`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 129600) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86400)} days ago`;
}

function sorted() {
  return [...blocks.values()].sort((a, b) => a.height - b.height);
}

// ---- figures

function draw_status(status) {
  me = status.miner_key;
  sources = (status.loss?.sources ?? []).map((source) => source.name);
  draw_conditions(status.conditions);
  $("network").textContent = `${status.network} · ${short(status.genesis_id)}`;
  if (status.state !== "running") {
    $("alive").textContent = status.state === "fetching" ? "fetching files from peers" : "reading its chain";
    $("alive").className = "alive";
    draw_peers(status.peers);
    return;
  }
  const behind = status.headers_height - status.height;
  const troubles = status.conditions.filter((condition) => condition.trouble).length;
  $("alive").textContent = troubles > 0 ? "in trouble" : behind > 1 ? `${count(behind)} blocks behind` : "in step";
  $("alive").className = troubles > 0 ? "alive no" : "alive yes";
  $("height").textContent = count(status.height);
  $("tip").textContent = `tip ${short(status.tip)}, ${ago(status.tip_time_ms)}`;
  $("supply").textContent = coins(status.supply);
  const waiting = status.mempool.payments;
  const { training, mining } = status;
  $("payments").textContent = waiting > 0 ? `${count(waiting)} payments wait`
    : status.earned > 0 ? `${coins(status.earned)} earned by this node` : "no payment waits";
  $("stage").textContent = training.stage === "off" ? "follows the chain" : training.stage;
  const parts = [];
  if (training.enabled) parts.push(`${count(training.merged)} merged`);
  if (training.enabled && training.steps > 0) parts.push(`own loss ${training.local_loss.toFixed(2)}`);
  $("work").textContent = parts.join(" · ") || `${status.peers.length} peers`;
  $("steps").style.width = training.enabled && training.steps_wanted
    ? `${100 * training.steps / training.steps_wanted}%` : "0";
  // Of the tip, which also has coins and commitments since the last merge block: another than there.
  $("root-of").textContent = `State root at the tip, block ${count(status.height)}`;
  $("root").textContent = status.state_root;
  draw_peers(status.peers);
}

// What is wrong with the node now, or what it waits for.
function draw_conditions(list) {
  $("conditions").hidden = list.length === 0;
  $("conditions").replaceChildren(...list.map((condition) => make("p", { class: condition.trouble ? "trouble" : "note" },
    make("b", {}, sentence(condition.message)), condition.advice ? ` ${sentence(condition.advice)}` : "", " ",
    make("small", {}, `for ${ago(condition.since_ms).replace(" ago", "")}`))));
}

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;

function draw_peers(peers) {
  if (peers.length === 0) return $("peers").replaceChildren(empty("No peer is connected."));
  $("peers").replaceChildren(...peers.map((peer) => make("div", { class: "peer" },
    make("span", {}, peer.address || "not listening", " ", make("code", {}, short(peer.key))),
    make("span", {}, `${peer.outbound ? "we called" : "called us"} · at ${count(peer.height)}`))));
}

const empty = (text) => make("p", { class: "empty" }, text);

// ---- the loss curve

function ticks(low, high, wanted) {
  const rough = (high - low) / wanted || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough);
  const list = [];
  for (let value = Math.ceil(low / step) * step; value <= high + step * 1e-6; value += step) list.push(value);
  return list;
}

function draw_chart(list) {
  const points = list.filter((block) => block.report_loss !== null || block.judge_loss !== null);
  if (points.length === 0) return;
  const width = Math.max(320, $("chart").clientWidth), height = width < 600 ? 230 : 300;
  const left = 40, right = 14, top = 12, bottom = 26;
  const values = points.flatMap((p) => [p.report_loss, p.judge_loss]).filter((v) => v !== null);
  const margin = (Math.max(...values) - Math.min(...values)) * 0.08 || 0.1;
  const low = Math.min(...values) - margin, high = Math.max(...values) + margin;
  const first = points[0].height, last = Math.max(points.at(-1).height, first + 1);
  const x = (h) => left + (width - left - right) * (h - first) / (last - first);
  const y = (v) => top + (height - top - bottom) * (high - v) / (high - low);
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": `Report loss from ${loss(points[0].report_loss)} to ${loss(points.at(-1).report_loss)}` });
  for (const value of ticks(low, high, 5)) {
    root.append(svg("line", { class: "grid", x1: left, x2: width - right, y1: y(value), y2: y(value) }));
    root.append(svg("text", { x: left - 8, y: y(value) + 4, "text-anchor": "end" }, `${+value.toFixed(2)}`));
  }
  for (const value of ticks(first, last, width < 600 ? 4 : 8).filter(Number.isInteger))
    root.append(svg("text", { x: x(value), y: height - 6, "text-anchor": "middle" }, count(value)));
  const line = (name) => {
    const known = points.filter((p) => p[name] !== null);
    return known.map((p, i) => `${i ? "L" : "M"}${x(p.height).toFixed(1)} ${y(p[name]).toFixed(1)}`).join("");
  };
  const known = points.filter((p) => p.report_loss !== null);
  if (known.length > 1)
    root.append(svg("path", { class: "area", d: `${line("report_loss")}L${x(known.at(-1).height)} ${height - bottom}L${x(known[0].height)} ${height - bottom}Z` }));
  root.append(svg("path", { class: "judge", d: line("judge_loss") }));
  root.append(svg("path", { class: "report", d: line("report_loss") }));
  if (known.length)
    root.append(svg("circle", { class: "dot", r: 4, cx: x(known.at(-1).height), cy: y(known.at(-1).report_loss) }));
  $("chart").replaceChildren(root);
  add_cursor(root, points, x, y, top, height - bottom);
}

function add_cursor(root, points, x, y, top, bottom) {
  const cursor = svg("line", { class: "cursor", y1: top, y2: bottom, visibility: "hidden" });
  const tip = make("div", { class: "tip", hidden: "" });
  root.append(cursor);
  $("chart").append(tip);
  root.addEventListener("pointerleave", () => { cursor.setAttribute("visibility", "hidden"); tip.hidden = true; });
  root.addEventListener("pointermove", (event) => {
    const box = root.getBoundingClientRect();
    const at = (event.clientX - box.left) * root.viewBox.baseVal.width / box.width;
    const near = points.reduce((best, p) => Math.abs(x(p.height) - at) < Math.abs(x(best.height) - at) ? p : best);
    cursor.setAttribute("x1", x(near.height));
    cursor.setAttribute("x2", x(near.height));
    cursor.setAttribute("visibility", "visible");
    tip.textContent = `block ${near.height}: report ${loss(near.report_loss)}${by_source(near)}, judge ${loss(near.judge_loss)}`;
    tip.hidden = false;
    const share = x(near.height) / root.viewBox.baseVal.width;
    tip.style.left = `${share * box.width}px`;
    tip.style.transform = `translateX(${share > 0.6 ? "calc(-100% - 8px)" : "8px"})`;
  });
}

// ---- blocks, coins, samples

function draw_loss(list) {
  const known = list.filter((block) => block.report_loss !== null);
  if (known.length === 0) return;
  const fallen = known[0].report_loss - known.at(-1).report_loss;
  $("loss").textContent = loss(known.at(-1).report_loss);
  $("fallen").textContent = `${fallen >= 0 ? "down" : "up"} ${Math.abs(fallen).toFixed(2)} in ${known.length} merges`;
}

function details_row(block) {
  const cell = make("td", { class: "details", colspan: "7" });
  if (block.details.length === 0) cell.append(make("p", {}, "Nobody contributed to this block."));
  for (const record of block.details) cell.append(make("p", {}, record.sentence));
  return make("tr", {}, cell);
}

function stones(block) {
  const merged = block.contributions, refused = block.details.filter((d) => !d.merged).length;
  if (merged + refused > 8) return make("span", {}, refused ? `${merged} of ${merged + refused}` : `${merged}`);
  return make("span", { class: "stones", title: `${merged} merged, ${refused} refused` }, "●".repeat(merged),
    make("span", { class: "no" }, "●".repeat(refused)));
}

function block_rows(block) {
  const row = make("tr", { class: "block", tabindex: "0", title: "Why each contribution earned what it earned" },
    make("td", {}, count(block.height)), make("td", {}, ago(block.time_ms)),
    make("td", {}, loss(block.report_loss)), make("td", {}, loss(block.judge_loss)),
    make("td", {}, stones(block)), make("td", { class: "amount" }, coins(block.reward)),
    make("td", { class: "root" }, make("code", {}, short(block.state_root))));
  const toggle = () => {
    if (!open.delete(block.height)) open.add(block.height);
    draw_blocks(sorted());
  };
  row.addEventListener("click", toggle);
  row.addEventListener("keydown", (event) => { if (event.key === "Enter") toggle(); });
  return open.has(block.height) ? [row, details_row(block)] : [row];
}

function draw_blocks(list) {
  $("no-blocks").hidden = list.length > 0;
  $("blocks").replaceChildren(...list.slice(-shown).reverse().flatMap(block_rows));
  $("more").hidden = list.length <= shown;
}

function draw_earners(list) {
  const earned = new Map();
  for (const block of list)
    for (const record of block.details)
      if (record.merged) earned.set(record.contributor, (earned.get(record.contributor) ?? 0) + record.reward);
  const rich = [...earned].sort((a, b) => b[1] - a[1]).slice(0, 10);
  if (rich.length === 0) return;
  const most = rich[0][1] || 1;
  $("earners").replaceChildren(...rich.map(([key, amount]) => {
    const fill = make("i");
    fill.style.width = `${100 * amount / most}%`;
    return make("div", { class: key === me ? "earner me" : "earner" }, make("code", {}, key.slice(0, 8)),
      make("div", { class: "track" }, fill), make("span", { class: "amount" }, coins(amount)));
  }));
}

function draw_samples(samples) {
  if (samples.length === 0) return;
  const latest = samples.at(-1);
  const first = samples[0], middle = samples[Math.floor(samples.length / 2)];
  const chosen = [...new Set([latest, middle, first])];
  $("samples").replaceChildren(...chosen.map((sample) => make("div", { class: "sample" },
    make("q", {}, sample.text.trim()), make("small", {}, `after block ${count(sample.height)}`))));
}

// ---- asking

async function ask(path) {
  const answer = await fetch(path, { signal: AbortSignal.timeout(8000) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

// Blocks without a report loss are asked for again; so are the latest few, for a reorganisation
// may have replaced them.
async function ask_blocks() {
  for (;;) {
    const list = sorted();
    const unfinished = list.slice(-40).find((block) => block.report_loss === null);
    const from = Math.min(unfinished?.height ?? Infinity, list.at(-8)?.height ?? 0);
    const fresh = (await ask(`/v1/cairn/blocks?from=${from}&max=500`)).blocks;
    for (const height of [...blocks.keys()]) if (height >= from) blocks.delete(height);
    for (const block of fresh) blocks.set(block.height, block);
    if (fresh.length < 500) return;
  }
}

async function look() {
  try {
    const status = await ask("/v1/cairn/status");
    draw_status(status);
    if (status.state !== "running") return;
    await ask_blocks();
    const list = sorted();
    draw_loss(list);
    draw_chart(list);
    draw_earners(list);
    draw_blocks(list);
    draw_samples((await ask("/v1/cairn/samples")).samples);
  } catch (error) {
    $("alive").textContent = "the node does not answer";
    $("alive").className = "alive no";
  } finally {
    setTimeout(look, document.hidden ? 15000 : 2000);
  }
}

$("more").addEventListener("click", () => { shown += 50; draw_blocks(sorted()); });
addEventListener("resize", () => draw_chart(sorted()));
$("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try { localStorage.setItem("theme", root.dataset.theme); } catch { /* private window */ }
});
try {
  const chosen = localStorage.getItem("theme");
  if (chosen) document.documentElement.dataset.theme = chosen;
} catch { /* private window */ }
look();
