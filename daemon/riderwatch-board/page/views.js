// SPDX-License-Identifier: Apache-2.0
// Totals, leaderboard, rider.
import { ask } from "./api.js";
import { $, make, quote } from "./dom.js";
import { moment, number, word } from "./words.js";

const AREAS_MAX = 15;

// A table whose last column is a bar.
function bars(title, list) {
	const largest = Math.max(1, ...list.map(([, value]) => value));
	const bar = (value) => {
		const inner = make("span", { class: "bar" });
		inner.style.width = `${Math.round(100 * value / largest)}%`;
		return make("td", { class: "bars", "aria-hidden": "true" }, inner);
	};
	return make("section", { class: "card" }, make("h2", {}, title), make("table", {}, make("tbody", {}, list.map(([name, value]) =>
		make("tr", {}, make("th", { scope: "row" }, name), make("td", { class: "number" }, number(value)), bar(value))))));
}

const CATEGORIES = ["emergency", "fire", "food", "other"];

function byArea(fields) {
	const list = Object.entries(fields).filter(([name]) => name.endsWith(":reports")).map(([name, value]) => [name.split(":")[0], value]);
	return list.sort((a, b) => b[1] - a[1]).slice(0, AREAS_MAX);
}

const dayName = (day) => `${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}`;

// Everywhere, or in one area.
function charts(all, area) {
	const name = (counter) => area ? `${area}:${counter}` : counter;
	const days = (counter) => all.days.map((day) => [dayName(day.day), day.fields[name(counter)] ?? 0]);
	return [bars(word("by_category"), CATEGORIES.map((category) => [word(category), all.all[name(`reports_${category}`)] ?? 0])),
		bars(`${word("today")} · ${word("by_category")}`, CATEGORIES.map((category) => [word(category), all.days[0].fields[name(`reports_${category}`)] ?? 0])),
		bars(`${word("by_day")} · ${word("reports")}`, days("reports")),
		bars(`${word("by_day")} · ${word("deliveries")}`, days("deliveries"))];
}

async function totals(place) {
	const all = await ask("api/totals", { days: 7 }), areas = byArea(all.all), cards = make("div", { class: "cards" });
	const choice = make("select", { name: "of_area", onchange: () => fill() }, make("option", { value: "" }, word("everywhere")),
		areas.map(([area]) => make("option", { value: area }, area)));
	const fill = () => cards.replaceChildren(...charts(all, choice.value), bars(word("by_area"), areas.filter(([area]) => !choice.value || area === choice.value)));
	fill();
	place.replaceChildren(make("form", { class: "filter" }, make("label", {}, make("span", {}, word("area")), choice)), cards,
		make("p", { class: "note" }, word(`source_${all.source}`)));
}

// "3 / 20 paid reports"; without the cap where the board does not know it.
const ofCap = (value, cap, unit) => `${number(value ?? 0)}${cap === undefined ? "" : ` / ${number(cap)}`} ${unit}`;

async function top(place) {
	const all = await ask("api/top");
	const list = all.riders.map((row, i) => make("tr", {}, make("td", { class: "number" }, i + 1),
		quote("td", row.rider || row.reporter_ref || row.key || "—", { class: "code" }), make("td", { class: "number" }, number(row.score))));
	place.replaceChildren(make("section", { class: "card" }, make("h2", {}, `${word("top")} · ${all.month.slice(0, 4)}-${all.month.slice(4)}`),
		list.length ? make("table", {}, make("thead", {}, make("tr", {}, ["rank", "rider", "score"].map((key) => make("th", { scope: "col" }, word(key))))),
			make("tbody", {}, list)) : make("p", {}, word("empty_top"))));
}

function describeRider(rider) {
	const counters = Object.entries(rider.counters).filter(([name]) => name !== "last_ms");
	const table = make("table", {}, make("tbody", {}, counters.map(([name, value]) => make("tr", {}, make("th", { scope: "row" }, name),
		make("td", { class: "number" }, number(value))))));
	const recent = rider.recent.map((alert) => make("li", {}, make("span", { class: `badge ${alert.severity}` }, word(alert.severity)), " ",
		quote("span", alert.headline), " ", make("span", { class: "note" }, moment(Date.parse(alert.sent)))));
	return make("div", { class: "cards" },
		make("section", { class: "card" }, quote("h2", rider.rider ?? rider.reporter_ref), make("p", { class: "note" }, `${word("shard")} ${rider.shard}`),
			counters.length ? table : make("p", {}, word("no_counters"))),
		make("section", { class: "card" }, make("h2", {}, `${word("today")} ${dayName(rider.today.day)}`),
			make("p", {}, ofCap(rider.today.paid, rider.caps?.paid, word("paid")), ", ", ofCap(rider.today.points, rider.caps?.points, word("points")))),
		make("section", { class: "card" }, make("h2", {}, word("recent")), make("ul", { class: "plain" }, recent)));
}

async function rider(place, path) {
	const input = make("input", { name: "rider", required: true, maxlength: 200, autocomplete: "off" }), answer = make("div");
	const look = async (from) => {
		answer.replaceChildren(word("loading"));
		answer.replaceChildren(await ask(from).then(describeRider, (error) => quote("p", error.message, { class: "error" })));
	};
	const form = make("form", { class: "filter", onsubmit: (event) => {
		event.preventDefault();
		look(`api/riders/${encodeURIComponent(input.value)}`);
	} }, make("label", {}, make("span", {}, word("rider_id")), input), make("button", {}, word("look_up")));
	place.replaceChildren(form, answer);
	if (path)
		await look(path);
}

const views = { totals, top, rider };

// Fills the view's section; what fails is said there.
export async function show(name, argument) {
	const place = $(name);
	try {
		await views[name]?.(place, argument);
	} catch (error) {
		place.replaceChildren(quote("p", `${word("failed")}: ${error.message}`, { class: "error" }));
	}
}
