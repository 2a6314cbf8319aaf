// The `ai` package with `@ai-sdk/openai-compatible`, as agents and web applications use it:
//   node ai_sdk.mjs URL WRITING_MODEL [VECTOR_MODEL]
import {createOpenAICompatible} from "@ai-sdk/openai-compatible";
import {embedMany, generateText, streamText, cosineSimilarity} from "ai";
import {Checks} from "./described.mjs";

const [url, model, encoder] = process.argv.slice(2);
const cairn = createOpenAICompatible({name: "cairn", baseURL: url + "/v1", apiKey: process.env.CAIRN_TOKEN || "none", includeUsage: true});
const checks = new Checks();
const asked = {model: cairn(model), system: "Answer in one sentence.", prompt: "What is the capital of France?", temperature: 0, maxOutputTokens: 24, maxRetries: 0};

const {text, usage, finishReason} = await generateText(asked);
checks.check("generateText", text.length > 0 && usage.outputTokens > 0 && ["stop", "length"].includes(finishReason), text);
const stream = streamText(asked);
let pieces = 0, streamed = "";
for await (const piece of stream.textStream) { ++pieces; streamed += piece; }
checks.check("streamText: the same, in pieces", streamed === text && pieces > 1, pieces + " pieces");
checks.check("streamText: usage", (await stream.usage).outputTokens === usage.outputTokens, (await stream.usage).totalTokens);
const talk = await generateText({...asked, system: undefined, prompt: undefined, messages: [
  {role: "user", content: "My name is Ada."}, {role: "assistant", content: "Hello Ada."}, {role: "user", content: [{type: "text", text: "What is my name?"}]}]});
checks.check("a conversation", talk.text.length > 0, talk.text);
const refused = await generateText({...asked, temperature: 9}).then(() => null, (error) => error);
checks.check("an error in words", refused?.statusCode === 400 && refused.message.includes("temperature"), refused?.message);
const facts = await (await fetch(`${url}/v1/models/${model}`, {headers: {Authorization: "Bearer " + (process.env.CAIRN_TOKEN || "none")}})).json();
const long = Math.min(2000, Math.floor((facts.cairn?.context || 8192) / 2));
const controller = new AbortController();
const leaving = streamText({...asked, prompt: "Tell a long story.", maxOutputTokens: long, abortSignal: controller.signal, onError: () => {}});
let read = 0;
try {
  for await (const piece of leaving.textStream) if (piece && ++read === 3) controller.abort();
} catch (error) { /* as it should */ }
checks.check("abort ends a stream", read >= 3 && read < 200, read + " pieces");
if (encoder) {
  const {embeddings} = await embedMany({model: cairn.textEmbeddingModel(encoder), values: ["A cat sat.", "The cat is sitting.", "Rates rose."]});
  checks.check("embedMany", cosineSimilarity(embeddings[0], embeddings[1]) > cosineSimilarity(embeddings[0], embeddings[2]), embeddings[0].length + " dimensions");
}
console.log(`  ${checks.done} checks, ${checks.failed} wrong`);
process.exit(checks.failed === 0 ? 0 : 1);
