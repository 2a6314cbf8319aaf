// Requests that must be refused, each with the status and the field that OpenAI's clients look at.
export async function wrong_requests(url, model, encoder, described, check) {
  const chat = "/v1/chat/completions", completions = "/v1/completions", embeddings = "/v1/embeddings";
  const messages = [{role: "user", content: "Hi"}];
  const long = "word ".repeat(200000);
  const cases = [
    ["no messages", chat, {model}, 400, "messages"],
    ["empty messages", chat, {model, messages: []}, 400, "messages"],
    ["no such model", chat, {model: "gpt-4o", messages}, 404, "model"],
    ["a hot temperature", chat, {model, messages, temperature: 3}, 400, "temperature"],
    ["top_p of 2", chat, {model, messages, top_p: 2}, 400, "top_p"],
    ["n of 0", chat, {model, messages, n: 0}, 400, "n"],
    ["n of 1000", chat, {model, messages, n: 1000}, 400, "n"],
    ["max_tokens of -1", chat, {model, messages, max_tokens: -1}, 400, "max_tokens"],
    ["a penalty of 5", chat, {model, messages, presence_penalty: 5}, 400, "presence_penalty"],
    ["tools", chat, {model, messages, tools: [{type: "function", function: {name: "f", parameters: {}}}]}, 400, "tools"],
    ["tool_choice", chat, {model, messages, tool_choice: "required"}, 400, "tool_choice"],
    ["response_format", chat, {model, messages, response_format: {type: "json_object"}}, 400, "response_format"],
    ["an image", chat, {model, messages: [{role: "user", content: [{type: "image_url", image_url: {url: "data:,"}}]}]}, 400, "messages[0].content[0].type"],
    ["a tool's message", chat, {model, messages: [{role: "tool", content: "x", tool_call_id: "1"}]}, 400, "messages[0].role"],
    ["an unheard-of role", chat, {model, messages: [{role: "oracle", content: "x"}]}, 400, "messages[0].role"],
    ["an unknown field", chat, {model, messages, tempreature: 1}, 400, "tempreature"],
    ["top_logprobs alone", chat, {model, messages, top_logprobs: 2}, 400, "top_logprobs"],
    ["21 top_logprobs", chat, {model, messages, logprobs: true, top_logprobs: 21}, 400, "top_logprobs"],
    ["a bias for no token", chat, {model, messages, logit_bias: {word: 1}}, 400, "logit_bias"],
    ["a bias beyond the vocabulary", chat, {model, messages, logit_bias: {4000000000: 1}}, 400, undefined],
    ["stream_options alone", chat, {model, messages, stream_options: {include_usage: true}}, 400, "stream_options"],
    ["an empty stop", chat, {model, messages, stop: ""}, 400, "stop"],
    ["a conversation that does not fit", chat, {model, messages: [{role: "user", content: long}]}, 400, undefined, "context_length_exceeded"],
    ["a system message at the end", chat, {model, messages: [...messages, {role: "system", content: "x"}]}, 400, undefined],
    ["a completion without a prompt", completions, {model}, 400, "prompt"],
    ["a suffix", completions, {model, prompt: "x", suffix: "y"}, 400, "suffix"],
    ["best_of 5", completions, {model, prompt: "x", best_of: 5}, 400, "best_of"],
    ["echo with logprobs", completions, {model, prompt: "x", echo: true, logprobs: 1}, 400, "echo"],
    ["tokens beyond the vocabulary", completions, {model, prompt: [4000000000]}, 400, undefined],
    ["vectors of nothing", embeddings, {model: encoder || model, input: []}, 400, "input"],
    ["no JSON", chat, "{", 400, null],
    ["a list", chat, "[]", 400, null],
    ["brackets without end", chat, '{"messages":' + "[".repeat(100000), 400, null],
    ["a body of 9 MiB", chat, '{"x":"' + "y".repeat(9 << 20) + '"}', 413, null],
    ["/v1/responses", "/v1/responses", {model, input: "x"}, 404, null, "unknown_url"],
    ["no such path", "/v1/audio/speech", {}, 404, null, "unknown_url"],
    ["a GET where a POST belongs", chat, undefined, 405, null],
    ["another content type", chat, {model, messages}, 415, null, undefined, {"Content-Type": "text/plain"}],
    ["a page of another site", chat, {model, messages}, 403, null, undefined, {Origin: "http://attacker.example"}],
  ];
  if (encoder) {
    cases.push(["more dimensions than there are", embeddings, {model: encoder, input: "x", dimensions: 9999}, 400, "dimensions"]);
    cases.push(["a chat with an encoder", chat, {model: encoder, messages}, 400, "model"]);
  }
  let right = 0;
  for (const [name, path, body, status, param, code, more] of cases) {
    const headers = {"Content-Type": "application/json", Authorization: "Bearer " + (process.env.CAIRN_TOKEN || "none"), ...more};
    const response = await fetch(url + path, body === undefined ? {headers} :
      {method: "POST", headers, body: typeof body === "string" ? body : JSON.stringify(body)});
    const text = await response.text();
    let error = null;
    try {
      described.judge("ErrorResponse", JSON.parse(text), name);
      error = JSON.parse(text).error;
    } catch (problem) { /* shown below */ }
    const fits = response.status === status && error !== null && (param === undefined || error.param === param) && (code === undefined || error.code === code);
    if (fits) ++right;
    else check(name, false, [response.status, text.slice(0, 300)]);
  }
  check("wrong requests are refused in OpenAI's shape", right === cases.length, `${right} of ${cases.length}`);
}
