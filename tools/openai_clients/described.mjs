// Answers held against OpenAI's own description of its API (an OpenAPI file). Used as the `fetch` of a client, so
// that what is judged is what came over the line.
import {readFileSync} from "node:fs";
import Ajv from "ajv/dist/2020.js";

// OpenAPI 3.0's "nullable" is JSON Schema's "or null".
function with_null(node) {
  if (Array.isArray(node)) return node.map(with_null);
  if (node === null || typeof node !== "object") return node;
  const plain = {};
  for (const [key, value] of Object.entries(node)) if (key !== "nullable") plain[key] = with_null(value);
  return node.nullable === true ? {anyOf: [plain, {type: "null"}]} : plain;
}

export class Description {
  constructor(file) {
    const document = with_null(JSON.parse(readFileSync(file, "utf8")));
    // Of a completion's stream the description has no word: OpenAI sends null until the last event, and so do we.
    const schemas = document.components.schemas;
    schemas.CompletionEvent = structuredClone(schemas.CreateCompletionResponse);
    schemas.CompletionEvent.properties.choices.items.properties.finish_reason = {
      anyOf: [schemas.CreateCompletionResponse.properties.choices.items.properties.finish_reason, {type: "null"}]};
    // Vectors as base64 are not described either; they are compared with those in numbers instead.
    this.ajv = new Ajv({strict: false, validateFormats: false, allErrors: true});
    this.ajv.addSchema({$id: "openai", components: document.components});
    this.judged = {};
    this.wrong = [];
  }

  judge(name, value, where) {
    this.judged[name] = (this.judged[name] || 0) + 1;
    const validate = this.ajv.getSchema("openai#/components/schemas/" + name);
    if (!validate(value))
      this.wrong.push(`${where} is no ${name}: ${this.ajv.errorsText(validate.errors)} in ${JSON.stringify(value).slice(0, 300)}`);
  }

  judge_answer(path, stream, body, status) {
    if (status >= 400) return this.judge("ErrorResponse", JSON.parse(body), path);
    const kinds = {
      "/v1/models": "ListModelsResponse", "/v1/embeddings": "CreateEmbeddingResponse",
      "/v1/chat/completions": stream ? "CreateChatCompletionStreamResponse" : "CreateChatCompletionResponse",
      "/v1/completions": stream ? "CompletionEvent" : "CreateCompletionResponse"};
    const kind = kinds[path] || (path.startsWith("/v1/models/") ? "Model" : null);
    if (kind === null) throw new Error("what answers at " + path + "?");
    if (!stream) return this.judge(kind, JSON.parse(body), path);
    for (const event of body.split("\n\n")) {
      if (event === "" || event === "data: [DONE]") continue;
      if (!event.startsWith("data: ")) this.wrong.push("no event: " + event);
      else this.judge(kind, JSON.parse(event.slice(6)), path);
    }
  }

  // Of answers that the asker did not cancel.
  fetch = async (url, init) => {
    const response = await fetch(url, init);
    const asked = init && typeof init.body === "string" ? JSON.parse(init.body) : {};
    if (asked.encoding_format === "base64") return response;
    const stream = (response.headers.get("content-type") || "").startsWith("text/event-stream");
    const path = new URL(url).pathname;
    const decoder = new TextDecoder();
    let body = "";
    // Looked at as it passes: a copy would be read on after the asker has left.
    const judge = new TransformStream({
      transform: (piece, out) => { body += decoder.decode(piece, {stream: true}); out.enqueue(piece); },
      flush: () => this.judge_answer(path, stream, body + decoder.decode(), response.status)});
    return new Response(response.body.pipeThrough(judge), {status: response.status, headers: response.headers});
  };

  report() {
    const counts = Object.entries(this.judged).map(([name, count]) => `${count} ${name}`);
    console.log("  described by OpenAI: " + (counts.join(", ") || "nothing"));
    for (const line of this.wrong) console.log("  WRONG " + line);
    return this.wrong.length === 0;
  }
}

export class Checks {
  failed = 0;
  done = 0;
  check(name, condition, seen) {
    ++this.done;
    if (condition) return console.log("  ok    " + name + (seen === undefined ? "" : ": " + seen));
    ++this.failed;
    console.log("  WRONG " + name + ": " + JSON.stringify(seen));
  }
}
