// The chat page in Chromium: a question, its answer, stop, a reload, an error, hostile text, at desktop and phone size.
//   node page.mjs URL FOLDER [PATH]      writes screenshots to look at into FOLDER; PATH of the page, / if none is given
import {chromium} from "playwright-core";
import {Checks} from "./described.mjs";

const [url, folder, path = "/"] = process.argv.slice(2);
const browser = await chromium.launch({executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox"]});
const page = await (await browser.newContext({viewport: {width: 1100, height: 760}})).newPage();
const checks = new Checks();
const say = checks.check.bind(checks);
const complaints = [];
page.on("console", (line) => { if (line.type() === "error") complaints.push(line.text()); });
page.on("pageerror", (error) => complaints.push(error.message));
page.on("request", (request) => { if (!request.url().startsWith(url) && !request.url().startsWith("data:")) complaints.push("foreign: " + request.url()); });
const shot = (name) => page.screenshot({path: `${folder}/${name}.png`});
const last = (selector) => page.evaluate((kind) => [...document.querySelectorAll(kind)].at(-1)?.textContent ?? "", selector);
const until = (condition, timeout = 120000) => page.waitForFunction(condition, null, {timeout});
const answered = () => until(() => document.getElementById("send").textContent === "Send", 300000);

await page.goto(url + path);
await until(() => document.getElementById("model").options.length > 0);
await shot("empty");
await page.keyboard.type("Write a Python function that adds two numbers, in a code block.");
await page.keyboard.press("Enter");
await until(() => document.querySelector(".assistant .said")?.textContent.length > 20);
await shot("streaming");
await answered();
await shot("answered");
say("an answer", (await last(".assistant .said")).length > 20, await last(".assistant .foot span"));
await page.keyboard.type("Tell a very long story about the sea.");
await page.keyboard.press("Shift+Enter");
await page.keyboard.type("With a whale.");
say("Shift+Enter is a new line", (await page.inputValue("#words")).includes("\n"));
await page.keyboard.press("Enter");
await until(() => [...document.querySelectorAll(".assistant .said")].at(-1).textContent.length > 60);
await page.keyboard.press("Escape");
await answered();
await until(() => [...document.querySelectorAll(".assistant .foot span")].at(-1).textContent !== "");  // drawn with the next frame
say("Escape stops it", (await last(".assistant .foot span")) === "stopped");
await page.reload();
await until(() => document.querySelectorAll(".turn").length === 4);
say("a reload keeps the conversation", true);
await page.click("#open-settings");
await page.fill("#temperature", "9");
await page.fill("#words", "x");
await page.press("#words", "Enter");
await until(() => [...document.querySelectorAll(".problem")].at(-1)?.textContent);
say("an error in words", (await last(".problem")).includes("temperature"), await last(".problem"));
await shot("settings");
await page.fill("#temperature", "");
await page.emulateMedia({colorScheme: "dark"});
await page.setViewportSize({width: 390, height: 780});
await shot("phone-settings-dark");
await page.click("#open-settings");
await shot("phone-dark");
say("nothing is wider than a phone", await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
complaints.splice(0, complaints.length, ...complaints.filter((line) => !line.includes("400 (Bad Request)")));
await page.evaluate(() => localStorage.setItem("cairn.chat", JSON.stringify({turns: [{role: "user", content: "<b>hi</b>"},
  {role: "assistant", content: "<img src=x onerror=\"document.title='owned'\"> `<b>`\n```html\n<script>document.title='owned'</" + "script>\n```\n**end**"}]})));
await page.reload();
await page.waitForSelector(".assistant");
say("what a model writes is text", (await page.title()) === "Cairn: chat" && (await page.locator("img").count()) === 0 && (await last(".assistant .said")).includes("<img"));
await shot("hostile");
await page.click("#fresh");
say("New chat begins anew", (await page.locator(".turn").count()) === 0);
say("no complaint, no foreign request", complaints.length === 0, complaints);
await browser.close();
console.log(`  ${checks.done} checks, ${checks.failed} wrong`);
process.exit(checks.failed === 0 ? 0 : 1);
