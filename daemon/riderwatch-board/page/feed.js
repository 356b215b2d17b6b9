// SPDX-License-Identifier: Apache-2.0
// The list of alerts: newest first, repeats of one dedup key folded into one row.
import { $, make, quote } from "./dom.js";
import { age, clock, number, word } from "./words.js";

const ROWS_MAX = 300;

const rows = new Map(); // dedup key -> { element, alert, repeats }; in the order of the list when iterated from its end
let openAlert = () => {};
let changed = () => {};

export function start(onOpen, onChange) {
	openAlert = onOpen;
	changed = onChange;
}

export const alerts = () => [...rows.values()].map((row) => row.alert);

function facts(alert) {
	const area = alert.area ?? {};
	return make("p", { class: "facts" }, quote("span", alert.hazard_code, { class: "code" }), quote("span", area.areaDesc || "", { class: "place" }),
		quote("span", area.jurisdiction_id || "", { class: "code" }), alert.agencies.map((name) => quote("span", name, { class: "agency" })));
}

function times(alert, repeats) {
	const at = Date.parse(alert.sent) || alert.written_ms;
	return make("p", { class: "when" }, make("time", { datetime: new Date(at).toISOString(), title: clock(at), "data-at": at }, age(Date.now() - at)),
		repeats > 1 ? make("span", { class: "repeats", title: word("same_place") }, `×${number(repeats)}`) : "");
}

function render(alert, repeats) {
	const open = () => openAlert(alert.id);
	return make("li", { class: `row ${alert.severity}`, "data-id": alert.id, "data-sequence": alert.sequence, onclick: open },
		make("p", { class: "marks" }, make("span", { class: `badge ${alert.severity}` }, word(alert.severity)),
			make("span", { class: "category" }, word(alert.category))),
		make("div", { class: "body" },
			quote("button", alert.headline, { class: "headline", type: "button" }),
			quote("p", alert.description + (alert.cut ? "…" : ""), { class: "text" }), facts(alert)),
		times(alert, repeats));
}

function put(alert, repeats, atTop) {
	const feed = $("feed"), before = rows.get(alert.dedup_key), focused = before?.element.contains(document.activeElement);
	const element = render(alert, repeats);
	before?.element.remove();
	rows.delete(alert.dedup_key);
	rows.set(alert.dedup_key, { element, alert, repeats });
	atTop ? feed.prepend(element) : feed.append(element);
	if (focused)
		element.querySelector("button").focus({ preventScroll: true });
	return element;
}

export function clear() {
	rows.clear();
	$("feed").replaceChildren();
}

// A page of /api/alerts. Older pages go below what is there.
export function addPage(list) {
	for (const alert of list) {
		if (!rows.has(alert.dedup_key))
			put(alert, alert.repeats, false);
	}
	changed();
}

// One that came over the stream.
export function addLive(alert) {
	const known = rows.get(alert.dedup_key);
	if (known?.alert.id === alert.id)
		return;
	put(alert, (known?.repeats ?? 0) + 1, true).classList.add("fresh");
	while (rows.size > ROWS_MAX) {
		const id = $("feed").lastElementChild.dataset.id;
		for (const [key, row] of rows) {
			if (row.alert.id === id)
				rows.delete(key);
		}
		$("feed").lastElementChild.remove();
	}
	changed();
}

export function renderAgain() {
	const list = [...$("feed").children].map((element) => [...rows.values()].find((row) => row.element === element));
	clear();
	for (const row of list)
		put(row.alert, row.repeats, false);
}

export function refreshAges() {
	for (const element of $("feed").querySelectorAll("time"))
		element.textContent = age(Date.now() - Number(element.dataset.at));
}

// Keyboard: by so many rows from the one that has the focus.
export function move(by) {
	const list = [...$("feed").children], at = list.findIndex((element) => element.contains(document.activeElement));
	const next = list[Math.min(list.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
	next?.querySelector("button").focus();
	next?.scrollIntoView({ block: "nearest" });
}
