// SPDX-License-Identifier: Apache-2.0
// A browser on standard input and output: each line in is {"code": "..."}, the body of an async function with page, context and
// argument; each line out is {"value": ...} or {"error": "..."}. Usage: node driver.mjs FOLDER_WITH_NODE_MODULES CHROMIUM
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [folder, chromium] = process.argv.slice(2);
const require = createRequire(`${folder}/`);
const playwright = require("playwright-core");
const AsyncFunction = (async () => {}).constructor;

const browser = await playwright.chromium.launch({ executablePath: chromium, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: "en-GB" });
const page = await context.newPage();
const complaints = [];
page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
page.on("pageerror", (error) => complaints.push(String(error)));
process.stdout.write("{}\n");

for await (const line of createInterface({ input: process.stdin })) {
	const { code, argument } = JSON.parse(line);
	let answer;
	try {
		const run = new AsyncFunction("page", "context", "complaints", "require", "argument", code);
		answer = { value: await run(page, context, complaints, require, argument) ?? null };
	} catch (error) {
		answer = { error: String(error.stack ?? error) };
	}
	process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
