// Whether llama.cpp writes what Cairn writes with the same GGUF file, greedily:
//   node tools/peers/llama-equal.mjs model.gguf "Once upon a time" [--steps 200] [--cairn build/cairn] [--json]
// llama.cpp: npm's node-llama-cpp, 2 threads, KV cache in F32. Prints "equal", or where the texts
// part and by how little Cairn preferred its token to the next best there (exit code 1 if that gap
// is 1e-3 or more: then it is no matter of rounding). Needs `install`.
import {execFileSync} from "node:child_process";
import {pathToFileURL, fileURLToPath} from "node:url";
import path from "node:path";

const peers = process.env.PEERS ?? "/tmp/peers";
const here = path.dirname(fileURLToPath(import.meta.url));
const entry = path.join(peers, "llama", "node_modules", "node-llama-cpp", "dist", "index.js");
const {getLlama} = await import(pathToFileURL(entry));

const [file, prompt, ...rest] = process.argv.slice(2);
const option = (name, fallback) => {
    const at = rest.indexOf("--" + name);
    return at < 0 ? fallback : rest[at + 1];
};
const steps = Number(option("steps", 200));
const cairn = option("cairn", path.join(here, "..", "..", "build", "cairn"));

const llama = await getLlama({gpu: false, build: "never", maxThreads: 2, logLevel: "error"});
const model = await llama.loadModel({modelPath: path.resolve(file), gpuLayers: 0});
const context = await model.createContext({
    contextSize: steps + 1024, threads: 2, flashAttention: false,
    experimentalKvCacheKeyType: "F32", experimentalKvCacheValueType: "F32"
});
const sequence = context.getSequence();
const words = prompt === "" ? [] : model.tokenize(prompt, false);
const start = model.tokens.shouldPrependBosToken || words.length === 0 ? [model.tokens.bos] : [];
const theirs = [];
for await (const token of sequence.evaluate([...start, ...words], {temperature: 0, yieldEogToken: true})) {
    if (theirs.length === steps || model.isEogToken(token)) break;
    theirs.push(token);
}
const theirText = model.detokenize(theirs);

const written = JSON.parse(execFileSync(cairn, [
    "generate", "--model", file, "--prompt", prompt, "--steps", String(steps), "--temperature", "0", "--logprobs",
    "--top-logprobs", "2", "--json"
], {encoding: "utf8", stdio: ["ignore", "pipe", "inherit"]}));
const ours = written.tokens;

let same = 0;
while (same < ours.length && same < theirs.length && ours[same] === theirs[same]) same++;
const equal = same === ours.length && same === theirs.length;
const result = {file, prompt, llama_cpp: llama.llamaCppRelease.release, tokens: ours.length, peer_tokens: theirs.length,
    equal_tokens: same, equal};
if (!equal) {
    const top = written.logprobs?.[same]?.top ?? [];
    result.ours = ours[same] ?? null;
    result.theirs = theirs[same] ?? null;
    result.top = top;
    result.gap = top.length === 2 ? top[0].logprob - top[1].logprob : null;
}
if (rest.includes("--json")) console.log(JSON.stringify(result));
else if (equal) console.log(`equal: ${same} tokens\n${theirText}`);
else console.log(`equal for ${same} tokens, then Cairn ${result.ours}, llama.cpp ${result.theirs}; gap of Cairn's two best: ` +
                 `${result.gap}\nCairn:     ${written.text}\nllama.cpp: ${theirText}`);
process.exit(equal || (result.gap !== null && result.gap < 1e-3) ? 0 : 1);
