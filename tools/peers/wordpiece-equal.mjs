// Whether Cairn's WordPiece gives the ids that Hugging Face's tokenizers give, on random Unicode:
//   node tools/peers/wordpiece-equal.mjs [--texts 5000] [--seed 1] [--cairn build/cairn] [--vectors]
// A vocabulary is made from the strings themselves; four ways to clean texts are tried. The peer is the
// Rust library (through @anush008/tokenizers), installed by tools/peers-tokenizer under
// build/peers-tokenizer or where $PEERS_TOKENIZER says. --vectors prints the table of
// src/text/wordpiece_test.cc instead.
import {execFileSync} from "node:child_process";
import {createRequire} from "node:module";
import {fileURLToPath} from "node:url";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), "..", "..");
const packages = process.env.PEERS_TOKENIZER ?? path.join(root, "build", "peers-tokenizer");
const load = createRequire(path.join(packages, "package.json"));
const option = (name, fallback) => {
    const at = process.argv.indexOf("--" + name);
    return at < 0 ? fallback : process.argv[at + 1];
};
const cairn = option("cairn", path.join(root, "build", "cairn"));
const count = Number(option("texts", 5000));

// A small generator of our own, so that a seed means the same everywhere.
let state = BigInt(option("seed", 1)) * 2n + 1n;
const random = (below) => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xFFFFFFFFFFFFFFFFn;
    return Number((state >> 33n) % BigInt(below));
};
const RANGES = [
    [0x20, 0x7E], [0x41, 0x5A], [0x61, 0x7A], [0x61, 0x7A], [0xA0, 0x17F], [0xC0, 0xFF], [0x300, 0x36F], [0x370, 0x3FF],
    [0x400, 0x45F], [0x590, 0x5FF],
    [0x600, 0x61C], [0x61E, 0x6FF],  // U+061D is newer than the peer's tables
    [0x900, 0x97F], [0xE00, 0xE7F], [0x1E00, 0x1EFF], [0x1F00, 0x1FFF],
    [0x2000, 0x206F], [0x20A0, 0x20BF], [0x2100, 0x214F], [0x3000, 0x303F], [0x3040, 0x30FF], [0x3400, 0x3410],
    [0x4E00, 0x4E40], [0xAC00, 0xAC40], [0xD7B0, 0xD7C6], [0xE000, 0xE005], [0xF900, 0xF910], [0xFE00, 0xFE0F],
    [0xFE30, 0xFE4F], [0xFF00, 0xFF60], [0x1D100, 0x1D172], [0x1F300, 0x1F64F], [0x20000, 0x20010], [0x2CEA0, 0x2CEAF],
    [0x2F800, 0x2F810], [0xE0100, 0xE0105], [0x0, 0x1F], [0x7F, 0x9F], [0xFFF9, 0xFFFD], [0x130, 0x131], [0x1C4, 0x1CC],
];
const WORDS = ["the", "The", "unaffable", "don't", "naïve", "Ångström", "İstanbul", "ΣΊΣΥΦΟΣ", "straße", "ﬁ", "한국어",
    "日本語", "がぎぐ", "e\u0301", "A\u030A", "¿Qué?", "3.14", "$5+4", "a\u200Db", "x\u00ADy", "#tag", "##ing", "[CLS]",
    "a".repeat(99), "b".repeat(100), "c".repeat(101)];
const text = () => {
    let out = "";
    for (let n = 1 + random(24); n > 0; --n) {
        const kind = random(6);
        if (kind === 0) out += " \t\n\r\u3000"[random(5)];
        if (kind === 1) out += WORDS[random(WORDS.length)];
        if (kind > 1) {
            const [first, last] = RANGES[random(RANGES.length)];
            out += String.fromCodePoint(first + random(last - first + 1));
        }
    }
    return out;
};
const MARK = "sentinelsentinel";
const texts = Array.from({length: count}, text);

// Every second character that occurs, alone and inside words, and random pieces of the texts.
const pieces = new Set(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", MARK]);
const forms = [...texts, ...texts.map((t) => t.toLowerCase()), ...texts.map((t) => t.toLowerCase().normalize("NFD").replace(/\p{Mn}/gu, ""))];
for (const form of forms)
    for (const [i, c] of [...form].entries())
        if (c.trim() !== "" && c !== "\u0000" && c.codePointAt(0) % 8 !== 5) {
            pieces.add(c);
            pieces.add("##" + c);
            if (i % 5 === 0) pieces.add((i % 10 === 0 ? "##" : "") + [...form].slice(i, i + 2 + i % 3).join("").trim());
        }
const vocab = Object.fromEntries([...pieces].map((piece, id) => [piece, id]));

const WAYS = [
    {clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true},
    {clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: false},
    {clean_text: true, handle_chinese_chars: false, strip_accents: false, lowercase: true},
    {clean_text: false, handle_chinese_chars: true, strip_accents: true, lowercase: false},
];
const json_of = (way, vocabulary) => ({
    version: "1.0", truncation: null, padding: null, added_tokens: [], post_processor: null,
    normalizer: {type: "BertNormalizer", ...way}, pre_tokenizer: {type: "BertPreTokenizer"},
    decoder: {type: "WordPiece", prefix: "##", cleanup: true},
    model: {type: "WordPiece", unk_token: "[UNK]", continuing_subword_prefix: "##", max_input_chars_per_word: 100,
        vocab: vocabulary}
});
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "wordpiece-"));
const file = path.join(folder, "tokenizer.json");
const peer = async (way, vocabulary) => {
    fs.writeFileSync(file, JSON.stringify(json_of(way, vocabulary)));
    const native = await load("@anush008/tokenizers").Tokenizer.fromFile(file);
    return async (value) => (await native.encode(value)).getIds();
};

if (process.argv.includes("--vectors")) {
    const SMALL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "un", "##aff", "##able", "a", "##b", "##c", "istanbul",
        "##\u0307stanbul", "i", "na", "##ive", "##\u00EFve", "Na", "angstrom", "\u00E5ngstr\u00F6m", "\u65E5", "\u672C", "\u8A9E",
        "\u65E5\u672C\u8A9E", "\u304B", "##\u304D", "\u304C", "\u1112", "##\u1161", "##\u11AB", "\uD55C", ".", ",", "'", "$", "#", "[", "]",
        "don", "t", "3", "14", "\u00BF", "que", "qu\u00E9", "\u03C3\u03B9\u03C3\u03C5\u03C6\u03BF\u03C3", "stra\u00DFe", "ce", "##ll", "##o"];
    const TEXTS = ["The unaffable", "  the\n\tthe\u3000the ", "don't", "Na\u00EFve na\u00EFve nai\u0308ve", "\u00C5ngstr\u00F6m",
        "\u0130stanbul", "\u65E5\u672C\u8A9E", "a\u65E5b", "\u304C\u304D \u304B\u304D", "\uD55C", "3.14,$3", "\u00BFQu\u00E9?", "\u03A3\u0399\u03A3\u03A5\u03A6\u039F\u03A3",
        "stra\u00DFe", "a\u0000b a\u200Db a\u00ADc a\uFFFDb", "[CLS] a", "abc abd", "\uE000a", "ce\u0301llo", "",
        "a\u2028a\u0085a", "the\u0001the"];
    const quoted = (value) => '"' + [...Buffer.from(value)].map((byte) => byte > 31 && byte < 127 && byte !== 34 && byte !== 92
        ? String.fromCharCode(byte) : "\\" + byte.toString(8).padStart(3, "0")).join("") + '"';
    const vocabulary = Object.fromEntries(SMALL.map((piece, id) => [piece, id]));
    console.log(`constexpr const char* kPieces[] = {${SMALL.map(quoted).join(", ")}};`);
    for (const [i, way] of WAYS.slice(0, 3).entries()) {
        const encode = await peer(way, vocabulary);
        console.log(`const Vector kVectors${i}[] = {`);
        for (const value of TEXTS)
            console.log(`    {text(${quoted(value)}), {${(await encode(value)).join(", ")}}},`);
        console.log("};");
    }
    process.exit(0);
}

let failed = false;
for (const way of WAYS) {
    const encode = await peer(way, vocab);
    fs.writeFileSync(path.join(folder, "texts"), texts.join(`\n${MARK}\n`));
    const ids = JSON.parse(execFileSync(cairn, ["tokenize", "--tokenizer", file, "--file", path.join(folder, "texts"), "--json"],
        {maxBuffer: 1 << 30})).tokens;
    const ours = [[]];
    for (const id of ids) id === vocab[MARK] ? ours.push([]) : ours.at(-1).push(id);
    let different = 0;
    for (const [i, value] of texts.entries()) {
        const theirs = await encode(value);
        if (theirs.length === ours[i].length && theirs.every((id, at) => id === ours[i][at])) continue;
        failed = true;
        if (++different <= 3)
            console.log("   " + JSON.stringify(value).replace(/[^ -~]/gu, (c) => `\\u{${c.codePointAt(0).toString(16)}}`) +
                        `\n      Cairn ${ours[i]}\n      peer  ${theirs}`);
    }
    console.log(`${JSON.stringify(way)}: ${texts.length} texts, ${ids.length} ids, other than the peer's in ${different} texts`);
}
fs.rmSync(folder, {recursive: true});
process.exit(failed ? 1 : 0);
