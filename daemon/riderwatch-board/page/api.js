// SPDX-License-Identifier: Apache-2.0
// Questions to the board, and its stream.
const TOKEN = "riderwatch-token";
const SILENCE_MS = 20000; // the board says something every few seconds
const RETRY_MS = [300, 700, 1500, 3000, 5000];

let askForToken = async () => { throw new Error("no token"); };
export const onTokenWanted = (ask) => { askForToken = ask; };

function headers() {
	const token = sessionStorage.getItem(TOKEN);
	return token ? { Authorization: `Bearer ${token}` } : {};
}

async function request(path, options = {}) {
	for (;;) {
		const answer = await fetch(path, { ...options, headers: headers(), cache: "no-store", credentials: "same-origin" });
		if (answer.status !== 401)
			return answer;
		sessionStorage.setItem(TOKEN, await askForToken());
	}
}

export async function ask(path, query = {}) {
	const answer = await request(`${path}?${new URLSearchParams(query)}`);
	const body = await answer.json().catch(() => ({ error: `HTTP ${answer.status}` }));
	if (!answer.ok)
		throw new Error(body.error);
	return body;
}

export const download = async (path, query) => (await request(`${path}?${new URLSearchParams(query)}`)).blob();

// Events of a stream's text: calls on(name, data, id) for each that is complete, returns what is left over.
export function split(text, on) {
	const frames = text.split("\n\n");
	const rest = frames.pop();
	for (const frame of frames) {
		const event = { name: "message", data: "", id: null };
		for (const line of frame.split("\n")) {
			if (line.startsWith("data: "))
				event.data += line.slice(6);
			else if (line.startsWith("event: "))
				event.name = line.slice(7);
			else if (line.startsWith("id: "))
				event.id = line.slice(4);
		}
		if (event.data)
			on(event.name, JSON.parse(event.data), event.id);
	}
	return rest;
}

// A stream that comes back by itself. query() says what to ask for at each attempt; on(name, data, id) gets the events,
// onState(connected) hears of every change.
export class Stream {
	constructor(query, on, onState) {
		Object.assign(this, { query, on, onState, attempt: 0, stopped: false, controller: null });
		this.run();
	}

	stop() {
		this.stopped = true;
		this.controller?.abort();
	}

	async run() {
		while (!this.stopped) {
			await this.read().catch(() => {});
			if (this.stopped)
				return;
			this.onState(false);
			const wait = RETRY_MS[Math.min(this.attempt++, RETRY_MS.length - 1)];
			await new Promise((done) => setTimeout(done, wait));
		}
	}

	async read() {
		let silence, rest = "";
		this.controller = new AbortController();
		const alive = () => {
			clearTimeout(silence);
			silence = setTimeout(() => this.controller.abort(), SILENCE_MS);
		};
		alive();
		try {
			const answer = await request(`api/alerts/stream?${new URLSearchParams(this.query())}`, { signal: this.controller.signal });
			if (!answer.ok || this.stopped)
				return;
			const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
			for (let part = await reader.read(); !part.done; part = await reader.read()) {
				alive();
				this.onState(true);
				this.attempt = 0;
				rest = split(rest + part.value, this.on);
			}
		} finally {
			clearTimeout(silence);
		}
	}
}
