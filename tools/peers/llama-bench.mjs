// llama.cpp's speed through npm's node-llama-cpp (its prebuilt CPU library):
//   node llama-bench.mjs model.gguf [--prefill 256] [--decode 32] [--threads 2] [--seconds 3]
//                                   [--flash auto|on|off] [--kv F32|F16]
// Prints one JSON line: medians and all repeats. Prefill starts at an empty cache; decode is greedy
// and follows 16 tokens of prompt, as in `cairn bench`. node-llama-cpp is found in $PEERS/llama.
import {pathToFileURL} from "node:url";
import {readFileSync} from "node:fs";
import path from "node:path";

const peers = process.env.PEERS ?? "/tmp/peers";
const entry = path.join(peers, "llama", "node_modules", "node-llama-cpp");
const {getLlama} = await import(pathToFileURL(path.join(entry, "dist", "index.js")));

const packageVersion = JSON.parse(readFileSync(path.join(entry, "package.json"), "utf8")).version;

const [file, ...rest] = process.argv.slice(2);
const option = (name, fallback) => {
    const at = rest.indexOf("--" + name);
    return at < 0 ? fallback : rest[at + 1];
};
const prefill = Number(option("prefill", 256));
const decode = Number(option("decode", 32));
const threads = Number(option("threads", 2));
const seconds = Number(option("seconds", 3));
const kv = option("kv", "F32");
const flash = {auto: "auto", on: true, off: false}[option("flash", "auto")];

const median = (values) => {
    const sorted = [...values].sort((a, b) => a - b);
    const middle = sorted.length >> 1;
    return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

const llama = await getLlama({gpu: false, build: "never", maxThreads: threads, logLevel: "error"});
const model = await llama.loadModel({modelPath: file, gpuLayers: 0});
const vocab = model.fileInfo.metadata.tokenizer.ggml.tokens.length;
const context = await model.createContext({
    contextSize: prefill + decode + 32, batchSize: 512, threads, flashAttention: flash,
    experimentalKvCacheKeyType: kv, experimentalKvCacheValueType: kv
});
const sequence = context.getSequence();
const tokens = (count) => Array.from({length: count}, (_, i) => 3 + (i * 7919) % (vocab - 3));

async function timePrefill() {
    await sequence.clearHistory();
    const start = performance.now();
    await sequence.evaluateWithoutGeneratingNewTokens(tokens(prefill));
    return prefill / ((performance.now() - start) / 1000);
}

async function timeDecode() {
    await sequence.clearHistory();
    let start = 0, count = 0;
    for await (const _ of sequence.evaluate(tokens(16), {temperature: 0, yieldEogToken: true})) {
        if (count === 0) start = performance.now();
        if (count++ === decode) break;
    }
    return decode / ((performance.now() - start) / 1000);
}

async function repeat(measure) {
    await measure();  // warm-up: page in, wake threads
    const values = [];
    const start = performance.now();
    while (values.length < 3 || (performance.now() - start) / 1000 < seconds) values.push(await measure());
    return values;
}

const variant = readFileSync("/proc/self/maps", "utf8").match(/libggml-cpu-([a-z0-9]+)\.so/)?.[1];
const prefills = prefill > 0 ? await repeat(timePrefill) : [0];
const decodes = decode > 0 ? await repeat(timeDecode) : [0];
console.log(JSON.stringify({
    peer: "llama.cpp",
    version: `node-llama-cpp ${packageVersion}, llama.cpp ${llama.llamaCppRelease.release}`,
    cpu_variant: variant, system: llama.systemInfo.trim(),
    settings: {threads: context.currentThreads, kv, flash: option("flash", "auto"), batch: 512},
    file, prefill_tokens: prefill, decode_tokens: decode,
    prefill_tokens_s: median(prefills), decode_tokens_s: median(decodes), prefills, decodes
}));
process.exit(0);
