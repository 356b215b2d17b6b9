// SPDX-License-Identifier: Apache-2.0
// Joins the parts: what the address says, the list, the stream, the strip, the keyboard.
import { Stream, ask, download, onTokenWanted } from "./api.js";
import { $, make } from "./dom.js";
import * as drawer from "./drawer.js";
import * as feed from "./feed.js";
import * as map from "./map.js";
import { clock, language, languages, number, setLanguage, translate, word } from "./words.js";
import * as views from "./views.js";

const SEVERITIES = ["Extreme", "Severe", "Moderate", "Minor"], CATEGORIES = ["emergency", "fire", "food"];
const VIEWS = ["alerts", "totals", "top", "rider"], THEMES = ["auto", "light", "dark"], PAGE = 100;

const state = { view: "alerts", paused: false, missed: 0, connected: null, updated: 0, last: null, next: null, matches: 0, status: null,
	stream: null, generation: 0 };

const remember = (key, value) => { try { localStorage.setItem(key, value); } catch { /* private window */ } };
const recall = (key) => { try { return localStorage.getItem(key); } catch { return null; } };

// ---- the address: view and filter ----

function filterOf(form = $("filter")) {
	const data = new FormData(form), query = {};
	for (const name of ["severity", "category"]) {
		const chosen = data.getAll(name);
		if (chosen.length)
			query[name] = chosen.join(",");
	}
	for (const name of ["area", "agency", "text"]) {
		const value = data.get(name).trim();
		if (value)
			query[name] = value;
	}
	return query;
}

function fillFilter(query) {
	for (const input of $("filter").elements) {
		if (input.type === "checkbox")
			input.checked = (query.get(input.name) ?? "").split(",").includes(input.value);
		else if (input.name)
			input.value = query.get(input.name) ?? "";
	}
}

function writeAddress() {
	const query = new URLSearchParams(filterOf());
	if (state.view !== "alerts")
		query.set("view", state.view);
	history.replaceState(null, "", query.size ? `?${query}` : location.pathname);
}

// ---- list and stream ----

async function loadList(isCurrent) {
	const page = await ask("api/alerts", { ...filterOf(), limit: PAGE });
	if (!isCurrent())
		return;
	feed.clear();
	Object.assign(state, { last: page.last, next: page.next, matches: page.matches, missed: 0, updated: Date.now() });
	feed.addPage(page.alerts);
	showPause();
}

async function loadMore() {
	const page = await ask("api/alerts", { ...filterOf(), limit: PAGE, before: state.next });
	state.next = page.next;
	feed.addPage(page.alerts);
}

function announce(alert) {
	if (alert.severity === "Extreme")
		$("announce").textContent = `${word(alert.severity)} ${alert.headline}`;
}

const handlers = {
	alert(alert, id) {
		state.last = id;
		if (state.paused) {
			state.missed++;
			showPause();
			return;
		}
		state.matches++;
		feed.addLive(alert);
		announce(alert);
	},
	status(status) {
		state.status = status;
		showStrip();
	},
	reset() {
		begin();
	},
};

function onState(connected) {
	if (connected)
		state.updated = Date.now();
	if (connected === state.connected)
		return;
	state.connected = connected;
	showBanner();
}

// The list anew, and the stream from where the list ends. A later call ends what an earlier one began.
async function begin() {
	const generation = ++state.generation, isCurrent = () => generation === state.generation;
	state.stream?.stop();
	for (let wait = 500, done = false; !done && isCurrent(); wait = Math.min(wait * 2, 5000)) {
		try {
			await loadList(isCurrent);
			done = true;
		} catch {
			onState(false);
			await new Promise((end) => setTimeout(end, wait));
		}
	}
	if (!isCurrent())
		return;
	const query = filterOf();
	state.stream = new Stream(() => ({ ...query, after: state.last }), (name, data, id) => isCurrent() && handlers[name]?.(data, id),
		(connected) => isCurrent() && onState(connected));
}

// ---- what is around the list ----

function showCount() {
	$("count").textContent = state.matches ? `${number(state.matches)} ${word("matches")}` : word("nothing");
	$("more").hidden = !state.next;
	map.show(feed.alerts());
}

function showPause() {
	$("pause").textContent = state.paused ? `${word("resume")}${state.missed ? ` (${number(state.missed)} ${word("fresh")})` : ""}` : word("pause");
	$("pause").setAttribute("aria-pressed", state.paused);
}

function setPaused(paused) {
	const reload = state.paused && !paused && state.missed > 0;
	state.paused = paused;
	if (reload)
		begin();
	else
		state.missed = 0;
	showPause();
}

function showBanner() {
	const banner = $("banner"), status = state.status;
	const text = state.connected === null ? word("connecting") :
		!state.connected ? `${word("disconnected")} ${state.updated ? clock(state.updated) : "-"}` :
			status && !status.caught_up ? word("catching_up") : "";
	if (banner.textContent !== text)
		banner.textContent = text;
	banner.hidden = !text;
	banner.classList.toggle("bad", state.connected === false);
}

function showStrip() {
	const status = state.status;
	const up = (system) => [system?.up ? "good" : "bad", word(system?.up ? "up" : "down")];
	const seconds = (ms) => (ms === null || ms === undefined ? "–" : `${(ms / 1000).toFixed(1)} ${word("seconds")}`);
	const entries = status ? [["kafka", ...up(status.kafka)], ["redis", ...up(status.redis)],
		["lag", status.lag > 10000 ? "bad" : "", status.lag === null ? "–" : number(status.lag)],
		["event_age", status.event_age_ms > 30000 ? "bad" : "", seconds(status.event_age_ms)],
		["dead_letters", "", number(status.dead_letters_hour)]] : [];
	$("strip").replaceChildren(...entries.map(([name, mood, value]) => make("div", { class: mood }, make("dt", {}, word(name)), make("dd", {}, value))));
	showBanner();
}

// ---- views, language, colours ----

function showView(name, argument) {
	state.view = VIEWS.includes(name) ? name : "alerts";
	for (const section of document.querySelectorAll("[data-view]"))
		section.hidden = section.dataset.view !== state.view;
	for (const button of $("views").children)
		button.setAttribute("aria-current", button.dataset.name === state.view ? "page" : "false");
	writeAddress();
	views.show(state.view, argument);
}

function showTheme() {
	const theme = recall("theme") ?? "auto";
	document.documentElement.dataset.theme = theme;
	$("theme").textContent = { auto: "◐", light: "☀", dark: "☾" }[theme];
}

function buildChoices() {
	const choice = (name) => (value) => make("label", { class: `choice ${value}` }, make("input", { type: "checkbox", name, value }), make("span", { "data-word": value }));
	$("severities").append(...SEVERITIES.map(choice("severity")));
	$("categories").append(...CATEGORIES.map(choice("category")));
	$("views").append(...VIEWS.map((name) => make("button", { type: "button", "data-name": name, "data-word": name, onclick: () => showView(name) })));
}

function showWords() {
	translate();
	$("language").textContent = language() === "zh" ? "English" : "中文";
	$("language").lang = language() === "zh" ? "en" : "zh-CN";
	showPause();
	showStrip();
	feed.renderAgain();
	showCount();
}

function switchLanguage() {
	setLanguage(languages[(languages.indexOf(language()) + 1) % languages.length]);
	remember("language", language());
	showWords();
	showView(state.view);
}

// ---- keyboard ----

const keys = {
	j: ["key_move", () => feed.move(1)], k: ["key_move", () => feed.move(-1)], Enter: ["key_open", null],
	p: ["key_pause", () => setPaused(!state.paused)], "/": ["key_search", () => $("filter").elements.text.focus()],
	1: ["key_views", () => showView("alerts")], 2: ["key_views", () => showView("totals")], 3: ["key_views", () => showView("top")],
	4: ["key_views", () => showView("rider")], "?": ["key_help", () => showHelp()], Esc: ["key_close", null],
};

function showHelp() {
	$("help").replaceChildren(make("h2", { id: "help-title" }, word("keys")),
		make("dl", { class: "facts-list" }, Object.entries(keys).map(([key, [text]]) => [make("dt", {}, make("kbd", {}, key)), make("dd", {}, word(text))])),
		make("button", { type: "button", onclick: () => $("help").close() }, word("close")));
	$("help").showModal();
}

function onKey(event) {
	const typing = event.target.matches("input:not([type=checkbox]), textarea"), modal = document.querySelector("dialog[open]");
	if (typing || modal || event.ctrlKey || event.metaKey || event.altKey)
		return;
	const action = keys[event.key]?.[1];
	if (!action)
		return;
	event.preventDefault();
	action();
}

// ---- token ----

let tokenAsked = null;

function askForToken() {
	tokenAsked ??= new Promise((done) => {
		const input = make("input", { type: "password", required: true, autocomplete: "current-password", "aria-labelledby": "token-title" });
		const form = make("form", { method: "dialog" }, make("h2", { id: "token-title" }, word("token")), make("p", {}, word("token_ask")), input,
			make("button", {}, word("enter")));
		form.addEventListener("submit", () => {
			tokenAsked = null;
			done(input.value.trim());
		});
		$("token").replaceChildren(form);
		if (!$("token").open)
			$("token").showModal();
	});
	return tokenAsked;
}

// ---- start ----

function listen() {
	let waiting;
	const onFilter = () => {
		clearTimeout(waiting);
		waiting = setTimeout(() => {
			writeAddress();
			begin();
		}, 250);
	};
	$("filter").addEventListener("input", onFilter);
	$("filter").addEventListener("submit", (event) => event.preventDefault());
	$("clear").addEventListener("click", () => {
		fillFilter(new URLSearchParams());
		onFilter();
	});
	$("csv").addEventListener("click", async (event) => {
		event.preventDefault();
		const link = make("a", { href: URL.createObjectURL(await download("api/alerts.csv", filterOf())), download: "alerts.csv" });
		link.click();
		setTimeout(() => URL.revokeObjectURL(link.href), 10000);
	});
	$("pause").addEventListener("click", () => setPaused(!state.paused));
	$("more").addEventListener("click", () => loadMore().catch(() => {}));
	$("language").addEventListener("click", switchLanguage);
	$("theme").addEventListener("click", () => {
		remember("theme", THEMES[(THEMES.indexOf(recall("theme") ?? "auto") + 1) % THEMES.length]);
		showTheme();
	});
	$("keys").addEventListener("click", showHelp);
	$("drawer").addEventListener("click", (event) => event.target === $("drawer") && drawer.close());
	document.addEventListener("keydown", onKey);
	addEventListener("popstate", () => fillFilter(new URLSearchParams(location.search)));
	setInterval(feed.refreshAges, 1000);
}

async function start() {
	const query = new URLSearchParams(location.search);
	buildChoices();
	setLanguage(recall("language") ?? (navigator.language.startsWith("zh") ? "zh" : "en"));
	showTheme();
	fillFilter(query);
	const open = (id) => drawer.open(id, state.status?.show_riders);
	feed.start(open, showCount);
	drawer.onRider((id) => showView("rider", `api/alerts/${encodeURIComponent(id)}/rider`));
	onTokenWanted(askForToken);
	listen();
	showWords();
	showView(query.get("view") ?? "alerts");
	begin();
	map.start(open, await ask("api/map").catch(() => null));
	state.status ??= await ask("api/status").catch(() => null);
	showStrip();
}

start();
