// The official `openai` npm client, unmodified, against a server of ours:
//   node openai_npm.mjs URL OPENAPI.json WRITING_MODEL [VECTOR_MODEL]
import OpenAI from "openai";
import {Checks, Description} from "./described.mjs";
import {wrong_requests} from "./wrong_requests.mjs";

const [url, file, model, encoder] = process.argv.slice(2);
const described = new Description(file);
const client = new OpenAI({baseURL: url + "/v1", apiKey: process.env.CAIRN_TOKEN || "none", fetch: described.fetch, maxRetries: 0});
const checks = new Checks();
const check = checks.check.bind(checks);
const messages = [{role: "system", content: "You are a patient teacher of geography. Answer each question in one short sentence, without an example, and without asking anything in return."}, {role: "user", content: "What is the capital of France?"}];
const settings = {model, messages, temperature: 0, max_tokens: 24, seed: 1};
const shown = (text) => JSON.stringify(text.length > 60 ? text.slice(0, 60) + "..." : text);

// Models.
const list = [];
for await (const one of client.models.list()) list.push(one.id);
check("models.list", list.includes(model), list.join(", "));
check("models.retrieve", (await client.models.retrieve(model)).id === model);

// A chat, whole and in a stream: the same words.
const whole = await client.chat.completions.create(settings);
const said = whole.choices[0].message.content;
check("chat", said.length > 0 && whole.usage.total_tokens === whole.usage.prompt_tokens + whole.usage.completion_tokens, shown(said));
let streamed = "", usage = null, reason = null;
for await (const chunk of await client.chat.completions.create({...settings, stream: true, stream_options: {include_usage: true}})) {
  streamed += chunk.choices[0]?.delta?.content ?? "";
  reason = chunk.choices[0]?.finish_reason ?? reason;
  usage = chunk.usage ?? usage;
}
check("chat, streamed: the same", streamed === said && reason === whole.choices[0].finish_reason, shown(streamed));
check("usage of a stream", usage?.completion_tokens === whole.usage.completion_tokens, usage?.total_tokens);
check("the beginning is known", usage?.prompt_tokens_details?.cached_tokens > 0, usage?.prompt_tokens_details?.cached_tokens + " tokens");
const helper = client.chat.completions.stream(settings);
check("the client's own stream()", (await helper.finalContent()) === said);

// A network's own model may remember little.
const memory = (await client.models.retrieve(model)).cairn?.context || 8192;
const long = Math.min(4000, Math.floor(memory / 2));

// Chance, and several answers.
const chance = {...settings, temperature: 1, seed: 7, n: 3, max_tokens: 12};
const texts = async (more) => (await client.chat.completions.create({...chance, ...more})).choices.map((choice) => choice.message.content);
const first = await texts({});
check("n: 3 answers", first.length === 3 && new Set(first).size > 1, first.map(shown).join(" "));
check("seed: the same again", JSON.stringify(await texts({})) === JSON.stringify(first));
check("another seed: others", JSON.stringify(await texts({seed: 8})) !== JSON.stringify(first));

// Where a text ends.
const words = said.split(" ");
const stop = words[Math.min(2, words.length - 1)];
const stopped = await client.chat.completions.create({...settings, stop: [stop]});
check("stop", said.startsWith(stopped.choices[0].message.content) && !stopped.choices[0].message.content.includes(stop) &&
  stopped.choices[0].finish_reason === "stop", shown(stopped.choices[0].message.content));
const short = await client.chat.completions.create({...settings, max_tokens: undefined, max_completion_tokens: 2});
check("max_completion_tokens", short.choices[0].finish_reason === "length" && short.usage.completion_tokens === 2, shown(short.choices[0].message.content));

// Log-probabilities.
const probable = await client.chat.completions.create({...settings, logprobs: true, top_logprobs: 3, max_tokens: 6});
const tokens = probable.choices[0].logprobs.content;
const bytes = Buffer.from(tokens.flatMap((token) => token.bytes)).toString();
check("logprobs: bytes make the text", bytes === probable.choices[0].message.content, shown(bytes));
check("logprobs: greedy takes the best of 3", tokens.every((token) => token.top_logprobs.length === 3 && token.top_logprobs[0].token === token.token &&
  token.logprob <= 0 && token.top_logprobs[1].logprob <= token.logprob), tokens[0].logprob);

// Completions.
const completion = await client.completions.create({model, prompt: ["Once upon a time", "The sea"], max_tokens: 8, temperature: 0, logprobs: 2});
check("completions of two prompts", completion.choices.length === 2 && completion.choices[1].index === 1, completion.choices.map((choice) => shown(choice.text)).join(" "));
const legacy = completion.choices[0].logprobs;
check("completions: logprobs", legacy.tokens.join("") === completion.choices[0].text && legacy.text_offset[0] === 0 && Object.keys(legacy.top_logprobs[0]).length === 2, legacy.token_logprobs[0]);
const echo = await client.completions.create({model, prompt: "Once upon a time", max_tokens: 4, temperature: 0, echo: true});
check("completions: echo", echo.choices[0].text.startsWith("Once upon a time"), shown(echo.choices[0].text));
let pieces = "";
for await (const chunk of await client.completions.create({model, prompt: "Once upon a time", max_tokens: 8, temperature: 0, stream: true}))
  pieces += chunk.choices[0].text;
check("completions, streamed: the same", pieces === completion.choices[0].text, shown(pieces));

// Leaving: the server's work ends.
const under_way = async () => Number(/cairn_http_requests_under_way (\d+)/.exec(await (await fetch(url + "/metrics",
  {headers: {Authorization: "Bearer " + (process.env.CAIRN_TOKEN || "none")}})).text())[1]);
const leaving = await client.chat.completions.create({...settings, messages: [{role: "user", content: "Tell a long story."}], max_tokens: long, temperature: 1, stream: true});
let before = 0;
for await (const chunk of leaving) if (chunk.choices[0]?.delta?.content && ++before === 3) break;
const controller = new AbortController();
setTimeout(() => controller.abort(), memory < 4096 ? 3 : 300);  // before it is answered
const aborted = await client.chat.completions.create({...settings, max_tokens: long, temperature: 1, messages: [{role: "user", content: "Tell a long story."}]}, {signal: controller.signal}).then(() => "answered", (error) => error.constructor.name);
check("cancel: an aborted request", aborted === "APIUserAbortError", aborted);
let left = 9;
for (let i = 0; i < 50 && left > 1; ++i) {
  await new Promise((wait) => setTimeout(wait, 100));
  left = await under_way();
}
check("cancel: nothing goes on for who left", left === 1, left - 1);

// Vectors, as the client asks by default (base64) and in numbers.
if (encoder) {
  const input = ["A cat sat on the mat.", "The cat is sitting.", "Interest rates rose."];
  const coded = await client.embeddings.create({model: encoder, input});
  const plain = await client.embeddings.create({model: encoder, input, encoding_format: "float"});
  const vectors = coded.data.map((one) => one.embedding);
  const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
  check("embeddings: base64 and numbers agree", plain.data.every((one, i) => one.embedding.every((x, k) => Math.fround(x) === Math.fround(vectors[i][k]))), vectors[0].length + " dimensions");
  check("embeddings: like is near like", dot(vectors[0], vectors[1]) > dot(vectors[0], vectors[2]), [dot(vectors[0], vectors[1]).toFixed(3), dot(vectors[0], vectors[2]).toFixed(3)].join(" > "));
  check("embeddings: length 1", Math.abs(dot(vectors[0], vectors[0]) - 1) < 1e-5);
}

await wrong_requests(url, model, encoder, described, check);
const good = described.report();
console.log(`  ${checks.done} checks, ${checks.failed} wrong`);
process.exit(good && checks.failed === 0 ? 0 : 1);
