"use strict";
// The chat page: asks the server that it came from by OpenAI's API. What a model or a person wrote
// is only ever put on the page as text.

const $ = (id) => document.getElementById(id);
const SETTINGS = ["system", "temperature", "top_p", "max_tokens", "seed"];
const USUAL = {temperature: 0.7, top_p: 0.95};
const KEPT = "cairn.chat";
const TOKEN = "cairn.token";

let turns = [];      // {role, content, note, problem, trace}
let models = [];     // as /v1/models lists them
let asking = null;   // the AbortController of the answer that comes

// ---- What is kept in this browser

function save() {
  const kept = {keep: $("keep").checked, model: $("model").value, settings: {}};
  for (const name of SETTINGS) kept.settings[name] = $(name).value;
  if (kept.keep) kept.turns = turns;
  try {
    localStorage.setItem(KEPT, JSON.stringify(kept));
  } catch (error) {
    say("The browser cannot keep the conversation: " + error.message, true);
  }
}

function restore() {
  let kept = {};
  try {
    kept = JSON.parse(localStorage.getItem(KEPT)) || {};
  } catch (error) { /* what cannot be read is forgotten */ }
  $("keep").checked = kept.keep !== false;
  for (const name of SETTINGS) $(name).value = (kept.settings || {})[name] || "";
  $("token").value = localStorage.getItem(TOKEN) || "";
  if (Array.isArray(kept.turns))
    turns = kept.turns.filter((turn) => turn && typeof turn.content === "string" &&
                              (turn.role === "user" || turn.role === "assistant"));
  return kept.model;
}

// ---- Asking

function say(text, bad) {
  $("notice").textContent = text;
  $("notice").hidden = text === "";
  $("notice").classList.toggle("bad", bad === true);
}

function headers() {
  const all = {"Content-Type": "application/json"};
  if ($("token").value !== "") all.Authorization = "Bearer " + $("token").value;
  return all;
}

// A sentence for an answer that is none.
async function problem_of(response) {
  let text = "The server answers with status " + response.status + ".";
  try {
    text = (await response.json()).error.message;
  } catch (error) { /* no words of its own */ }
  if (response.status === 401) show_settings(true, "token");
  return text;
}

async function load_models(wanted) {
  try {
    const response = await fetch("v1/models", {headers: headers()});
    if (!response.ok) return say(await problem_of(response), true);
    models = (await response.json()).data;
  } catch (error) {
    return say("The server does not answer.", true);
  }
  const choice = $("model");
  const before = wanted || choice.value;
  choice.replaceChildren();
  for (const model of models) {
    const facts = model.cairn || {};
    const loaded = facts.state === "ready";
    if (facts.writes === false) continue;
    const option = new Option(model.id + (loaded ? "" : " (" + facts.state + ")"), model.id);
    option.disabled = facts.state === "failed";
    choice.add(option);
  }
  if ([...choice.options].some((option) => option.value === before && !option.disabled)) choice.value = before;
  if (choice.selectedIndex < 0 && choice.options.length > 0)
    choice.selectedIndex = Math.max(0, [...choice.options].findIndex((option) => !option.disabled));
  describe();
  if (models.some((model) => model.cairn && model.cairn.state === "loading"))
    setTimeout(load_models, 1000);
}

function describe() {
  if (models.length > 0 && $("model").options.length === 0) return say("No model here writes text.", true);
  const model = models.find((one) => one.id === $("model").value);
  const facts = (model && model.cairn) || {};
  const words = [];
  if (facts.over_servers)
    words.push("Other machines compute this model's layers; who runs them can work out what is written.");
  if (facts.chat_format === "plain")
    words.push("This model was never trained on conversations: it goes on with what it reads.");
  say(words.join(" "));
}

function request() {
  const messages = [];
  if ($("system").value.trim() !== "") messages.push({role: "system", content: $("system").value});
  for (const turn of turns)
    if (turn.content !== "") messages.push({role: turn.role, content: turn.content});
  const body = {model: $("model").value, messages, stream: true, stream_options: {include_usage: true}};
  for (const name of ["temperature", "top_p", "max_tokens", "seed"]) {
    const value = $(name).value === "" ? USUAL[name] : Number($(name).value);
    if (value !== undefined) body[name] = value;
  }
  return body;
}

// Asks; where all of it does not fit the model's memory, without the oldest turns. Returns the
// response and how many messages were left out.
async function ask(body, signal) {
  for (let left_out = 0;;) {
    const response = await fetch("v1/chat/completions",
      {method: "POST", headers: headers(), body: JSON.stringify(body), signal});
    if (response.ok) return {response, left_out};
    let error = {};
    try {
      error = (await response.clone().json()).error || {};
    } catch (problem) { /* no words of its own */ }
    const first = body.messages.findIndex((message) => message.role === "user");
    const more = body.messages.findIndex((message, at) => at > first && message.role === "user");
    if (error.code !== "context_length_exceeded" || first < 0 || more < 0)
      throw new Error(await problem_of(response));
    body.messages.splice(first, more - first);
    left_out += more - first;
  }
}

// Calls `take` with the object of each event.
async function read_events(response, take) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  for (;;) {
    const {done, value} = await reader.read();
    if (done) return;
    waiting += value;
    for (let end = waiting.indexOf("\n\n"); end >= 0; end = waiting.indexOf("\n\n")) {
      const event = waiting.slice(0, end);
      waiting = waiting.slice(end + 2);
      if (event.startsWith("data: ") && event !== "data: [DONE]") take(JSON.parse(event.slice(6)));
    }
  }
}

async function answer() {
  const turn = {role: "assistant", content: "", note: "", problem: ""};
  const body = request();
  turns.push(turn);
  asking = new AbortController();
  working(true);
  const shown = add_turn(turn);
  shown.said.classList.add("waiting");
  const began = performance.now();
  let first = 0;
  let last = 0;  // an audit may come between it and the end
  let usage = null;
  let reason = null;
  let version = "";
  const notes = [];
  try {
    const {response, left_out} = await ask(body, asking.signal);
    if (left_out > 0) notes.push("without the oldest " + left_out + " messages, which no longer fit");
    await read_events(response, (event) => {
      if (event.error) throw new Error(event.error.message);
      if (event.usage) usage = event.usage;
      if (event.model) version = event.model;
      const choice = event.choices && event.choices[0];
      if (!choice) return;
      if (choice.finish_reason) reason = choice.finish_reason;
      if (choice.cairn) turn.trace = choice.cairn;
      const text = (choice.delta && choice.delta.content) || "";
      if (text === "") return;
      last = performance.now();
      if (first === 0) first = last;
      turn.content += text;
      shown.redraw();
    });
    if (reason === null) throw new Error("The answer broke off.");
    if (reason === "length") notes.push("cut off at the limit of tokens");
    if (usage && usage.completion_tokens > 1 && first > 0) {
      const rate = (usage.completion_tokens - 1) * 1000 / Math.max(1, last - first);
      notes.push(usage.completion_tokens + " tokens, " + rate.toFixed(rate < 10 ? 1 : 0) +
        " a second, the first after " + ((first - began) / 1000).toFixed(2) + " s");
    }
    if (version !== "" && version !== body.model) notes.push(version);
    turn.note = notes.join(" · ");
  } catch (error) {
    if (error.name === "AbortError") turn.note = "stopped";
    else turn.problem = error instanceof TypeError ? "The server does not answer." : error.message;
  }
  asking = null;
  working(false);
  shown.said.classList.remove("waiting");
  shown.redraw();
  save();
}

// ---- Showing

function element(name, kind, text) {
  const made = document.createElement(name);
  if (kind) made.className = kind;
  if (text !== undefined) made.textContent = text;
  return made;
}

function copy_button(text) {
  const button = element("button", "", "Copy");
  button.type = "button";
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text());
      button.textContent = "Copied";
    } catch (error) {
      button.textContent = "The browser refuses";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  return button;
}

// Of the last turn, if it is an answer that failed.
function again_button(turn, box) {
  const button = element("button", "again", "Try again");
  button.type = "button";
  button.addEventListener("click", () => {
    if (asking || turns.at(-1) !== turn) return;
    turns.pop();
    box.remove();
    answer();
  });
  return button;
}

function add_plain(parent, text) {
  // `code` and **strong**; all else is text.
  for (const part of text.split(/(`[^`\n]+`|\*\*[^*\n]+\*\*)/)) {
    if (part.length > 2 && part.startsWith("`") && part.endsWith("`"))
      parent.append(element("code", "", part.slice(1, -1)));
    else if (part.length > 4 && part.startsWith("**") && part.endsWith("**"))
      parent.append(element("strong", "", part.slice(2, -2)));
    else if (part !== "")
      parent.append(part);
  }
}

function add_code(parent, language, code) {
  const block = element("span", "block");
  const bar = element("span", "bar");
  bar.append(element("span", "", language || "code"), copy_button(() => code));
  const pre = element("pre");
  pre.append(element("code", "", code));
  block.append(bar, pre);
  parent.append(block);
}

function draw_text(parent, text) {
  parent.replaceChildren();
  const fence = /^```([^\n`]*)\n([\s\S]*?)(?:\n```[ \t]*$|(?![\s\S]))/gm;
  let at = 0;
  for (const match of text.matchAll(fence)) {
    add_plain(parent, text.slice(at, match.index).replace(/\n$/, ""));
    add_code(parent, match[1].trim(), match[2]);
    at = match.index + match[0].length;
    while (text[at] === "\n") ++at;
  }
  add_plain(parent, text.slice(at));
}

// ---- Who computed an answer, where other machines did

function seconds(value) {
  return Number(value).toFixed(2) + " s";
}

function bytes(value) {
  for (const unit of ["bytes", "KiB", "MiB"]) {
    if (value < 1024) return (unit === "bytes" ? value : value.toFixed(1)) + " " + unit;
    value /= 1024;
  }
  return value.toFixed(1) + " GiB";
}

function coins(units) {
  return (units / 1e8).toFixed(8).replace(/0+$/, "").replace(/\.$/, "");
}

function add_row(table, kind, cells) {
  const row = element("tr");
  for (const cell of cells) row.append(element(kind, "", cell));
  table.append(row);
}

function draw_trace(parent, trace) {
  const servers = Array.isArray(trace.servers) ? trace.servers : [];
  let summary = (servers.length === 1 ? "1 server" : servers.length + " servers") + " computed it";
  if (trace.failovers > 0)
    summary += ", " + (trace.failovers === 1 ? "one was replaced" : trace.failovers + " were replaced");
  if (trace.spent > 0) summary += ", for " + coins(trace.spent) + " coins";
  const box = element("details", "trace");
  box.append(element("summary", "", summary));
  const table = element("table");
  add_row(table, "th", ["server", "layers", "rows", "waited", "longest", "on the line", "coins"]);
  let receipts = 0;
  let waited = 0;
  for (const server of servers) {
    receipts += server.receipts_checked;
    waited += server.seconds;
    add_row(table, "td", [server.server, server.layers.join("\u2013"), String(server.rows), seconds(server.seconds),
      seconds(server.longest_seconds), bytes(server.bytes_sent + server.bytes_received),
      server.price > 0 ? coins(server.price) : "free"]);
    if (server.ended) table.lastChild.firstChild.append(element("span", "ended", " (" + server.ended + ")"));
  }
  const rest = Math.max(0, trace.seconds - waited);
  const frame = element("div", "frame");
  frame.append(table);
  box.append(frame, element("p", "", receipts + " receipts checked, each signed for what was sent and what came. " +
    "Here and elsewhere: " + seconds(rest) + " of " + seconds(trace.seconds) + "." +
    (trace.failovers > 0 ? " The longest wait for another server: " + seconds(trace.stall_seconds) + "." : "") +
    (trace.trace ? " Again later: cairn trace " + trace.trace : "")));
  box.addEventListener("toggle", () => { if (box.open) box.scrollIntoView({block: "nearest"}); });
  parent.replaceChildren(box);
  for (const audit of Array.isArray(trace.audits) ? trace.audits : []) {
    const lied = audit.finding === "convicted";
    const words = (lied ? "This is not what the model writes. " : "Computed again here: ") + audit.server + ": " +
      audit.sentence + (audit.exhibit ? ". The proof: " + audit.exhibit : "");
    if (lied) parent.append(element("p", "problem", words));
    else box.append(element("p", "", words));
  }
}

function near_end() {
  const main = document.querySelector("main");
  return main.scrollHeight - main.scrollTop - main.clientHeight < 80;
}

function to_end() {
  const main = document.querySelector("main");
  main.scrollTop = main.scrollHeight;
}

function add_turn(turn) {
  $("empty").hidden = true;
  const box = element("div", "turn " + turn.role);
  const said = element("div", "said");
  box.append(said);
  const foot = element("div", "foot");
  const problem = element("p", "problem");
  const note = element("span");
  const trace_box = element("div");
  let drawn = null;  // the trace that stands there: it is not closed again by drawing
  const copy = copy_button(() => turn.content);
  const again = again_button(turn, box);
  if (turn.role === "assistant") {
    foot.append(copy, again, note);
    box.append(problem, foot, trace_box);
  }
  let due = false;
  const draw = () => {
    due = false;
    const follow = near_end();
    if (turn.role === "assistant") draw_text(said, turn.content);
    else said.textContent = turn.content;
    note.textContent = turn.note || "";
    problem.textContent = turn.problem || "";
    problem.hidden = !turn.problem;
    copy.hidden = turn.content === "";
    again.hidden = !turn.problem;
    foot.hidden = turn.content === "" && !turn.note && !turn.problem;
    if (turn.trace && drawn !== turn.trace) {
      drawn = turn.trace;
      try {
        draw_trace(trace_box, drawn);
      } catch (error) { /* of another version of this program: nothing is shown */ }
    }
    if (follow) to_end();
  };
  const redraw = () => {
    if (due) return;
    due = true;
    requestAnimationFrame(draw);
  };
  $("talk").append(box);
  draw();
  to_end();
  return {said, redraw};
}

function draw_all() {
  $("talk").replaceChildren();
  $("empty").hidden = turns.length > 0;
  for (const turn of turns) add_turn(turn);
}

function working(yes) {
  $("send").textContent = yes ? "Stop" : "Send";
  $("send").classList.toggle("stop", yes);
}

// As high as its text is in the width that it has; chat.css bounds it.
function fit_words() {
  const words = $("words");
  const follow = near_end();
  words.style.height = "auto";
  words.style.height = words.scrollHeight + words.offsetHeight - words.clientHeight + "px";
  if (follow) to_end();
}

function show_settings(yes, focus) {
  $("settings").hidden = !yes;
  $("open-settings").setAttribute("aria-expanded", String(yes));
  if (yes && focus) $(focus).focus();
}

// ---- What people do

function send() {
  if (asking) return asking.abort();
  const text = $("words").value.trim();
  if (text === "") return;
  $("words").value = "";
  fit_words();
  const turn = {role: "user", content: text};
  turns.push(turn);
  add_turn(turn);
  save();
  answer();
}

function begin_anew() {
  if (asking) asking.abort();
  turns = [];
  draw_all();
  save();
  $("words").focus();
}

$("form").addEventListener("submit", (event) => { event.preventDefault(); send(); });
$("words").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  if (!asking) send();
});
$("words").addEventListener("input", fit_words);
window.addEventListener("resize", fit_words);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  if (asking) asking.abort();
  else show_settings(false);
});
$("fresh").addEventListener("click", begin_anew);
$("open-settings").addEventListener("click", () => show_settings($("settings").hidden, "system"));
$("model").addEventListener("change", () => { describe(); save(); });
for (const name of SETTINGS) $(name).addEventListener("change", save);
$("keep").addEventListener("change", save);
$("token").addEventListener("change", () => {
  localStorage.setItem(TOKEN, $("token").value);
  load_models();
});
$("forget").addEventListener("click", () => {
  localStorage.removeItem(KEPT);
  localStorage.removeItem(TOKEN);
  for (const name of SETTINGS.concat("token")) $(name).value = "";
  begin_anew();
});

const wanted = restore();
draw_all();
load_models(wanted);
