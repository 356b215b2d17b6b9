// SPDX-License-Identifier: Apache-2.0
// Everything about one alert, in a dialog at the side.
import { ask } from "./api.js";
import { $, make, quote } from "./dom.js";
import { moment, number, word } from "./words.js";

let showRider = () => {};
export const onRider = (show) => { showRider = show; };

const hundredths = (value) => `${value >= 0 ? "+" : ""}${(value / 100).toFixed(2)}`;

// The text in pieces, each with the weight of the heaviest span over it. Spans count bytes of UTF-8.
export function pieces(text, spans) {
	const bytes = new TextEncoder().encode(text), decoder = new TextDecoder();
	const borders = new Set([0, bytes.length]), isBorder = (at) => at === bytes.length || (bytes[at] & 0xc0) !== 0x80;
	const usable = spans.filter((span) => span.to > span.from && span.to <= bytes.length && isBorder(span.from) && isBorder(span.to));
	for (const span of usable)
		borders.add(span.from).add(span.to);
	const sorted = [...borders].sort((a, b) => a - b);
	return sorted.slice(0, -1).map((from, i) => {
		const over = usable.filter((span) => span.from <= from && span.to >= sorted[i + 1]);
		const heaviest = over.sort((a, b) => b.weight - a.weight)[0];
		return { text: decoder.decode(bytes.subarray(from, sorted[i + 1])), weight: heaviest?.weight ?? 0, rule: heaviest?.rule };
	});
}

const part = (title, ...children) => make("section", {}, make("h3", {}, title), ...children);
const rows = (list) => make("dl", { class: "facts-list" }, list.filter(([, value]) => value !== undefined && value !== "")
	.map(([name, value]) => [make("dt", {}, name), value instanceof Node ? make("dd", {}, value) : quote("dd", value)]));

function markedText(data) {
	return make("p", { class: "marked", dir: "auto" }, pieces(data.description ?? "", data.decision?.spans ?? []).map((piece) =>
		piece.weight > 0 ? make("mark", { class: piece.weight >= 100 ? "strong" : "weak", title: `${piece.rule} ${hundredths(piece.weight)}` }, piece.text) :
			piece.text));
}

function reasons(decision) {
	if (!decision)
		return "";
	return part(word("why"),
		decision.unsure ? make("p", { class: "unsure" }, word("unsure")) : "",
		make("table", {}, make("thead", {}, make("tr", {}, make("th", { scope: "col", class: "number" }, word("adds")), make("th", { scope: "col" }, word("rule")),
			make("th", { scope: "col" }, word("words")))),
		make("tbody", {}, (decision.spans ?? []).map((span) => make("tr", {}, make("td", { class: "number" }, hundredths(span.weight)),
			quote("td", span.rule, { class: "code" }), quote("td", span.text ?? ""))))),
		rows([[word("score"), hundredths(decision.score)], [word("margin"), hundredths(decision.margin)],
			[word("severity_margin"), hundredths(decision.severity_margin ?? 0)], [word("ruleset"), decision.ruleset]]));
}

function response(data) {
	const limits = [["acknowledge", data.response?.acknowledge_within], ["check", data.response?.check_within]];
	return limits.filter(([, limit]) => limit).map(([name, limit]) => `${word(name)} ${limit}`).join(", ");
}

function command(text) {
	const button = make("button", { type: "button" }, word("copy"));
	button.addEventListener("click", async () => {
		await navigator.clipboard?.writeText(text).catch(() => {});
		button.textContent = word("copied");
	});
	return make("div", { class: "command" }, make("code", {}, text), button);
}

const pretty = (value) => make("pre", { class: "json", dir: "ltr", tabindex: "0" }, JSON.stringify(value, null, 2));

function raw(id, allowed) {
	if (!allowed)
		return make("p", { class: "note" }, word("raw_hidden"));
	const place = make("div"), button = make("button", { type: "button" }, word("show_raw"));
	button.addEventListener("click", async () => {
		place.replaceChildren(word("loading"));
		place.replaceChildren(await ask(`api/alerts/${encodeURIComponent(id)}/raw`).then(pretty, (error) => quote("p", error.message, { class: "error" })));
	});
	return make("div", {}, button, place);
}

function photos(media) {
	return media?.length ? part(word("media"), make("ul", {}, media.map((photo) => quote("li", photo.url)))) : "";
}

function content(whole, allowed) {
	const data = whole.event.data, area = data.area ?? {}, id = whole.event.id;
	const position = area.lat === undefined ? "" : `${area.lat}, ${area.long} (${area.crs})`;
	return [
		make("header", {}, make("p", { class: "marks" }, make("span", { class: `badge ${data.severity}` }, word(data.severity)),
			make("span", { class: "category" }, word(whole.event.rwcategory))),
		quote("h2", data.headline, { id: "drawer-title" }), make("button", { type: "button", class: "close", onclick: close }, word("close"))),
		part(word("description"), markedText(data)),
		reasons(data.decision),
		part(word("routes"), make("ul", { class: "plain" }, (data.routes ?? []).map((route) => make("li", {}, quote("b", route.agency), " ",
			word(`role_${route.role}`), " ", quote("span", route.topic ?? "", { class: "code" })))),
		rows([[word("respond"), response(data)]])),
		part(word("place"), rows([[word("place"), area.areaDesc], [word("area"), area.jurisdiction_id], ["WGS 84", position], ["grid", area.grid_id],
			["shop", area.shop_id], ["community", area.community_id], ["building", area.building]])),
		part(word("times"), rows([[word("sent"), data.sent && moment(Date.parse(data.sent))], [word("effective"), data.effective && moment(Date.parse(data.effective))],
			[word("same_place"), `×${number(whole.repeats)}`]])),
		part(word("reporter"), quote("p", data.reporter_ref ?? word("unknown"), { class: "code" }),
			make("button", { type: "button", onclick: () => { close(); showRider(id); } }, word("show_rider"))),
		photos(data.media),
		part(word("raw"), raw(id, allowed)),
		part(word("kcat"), command(whole.kcat_alert), command(whole.kcat_report)),
		make("details", {}, make("summary", {}, word("alert_json")), pretty(whole.event)),
	];
}

export const close = () => $("drawer").close();

export async function open(id, allowed) {
	const drawer = $("drawer");
	drawer.replaceChildren(make("p", { id: "drawer-title" }, word("loading")));
	if (!drawer.open)
		drawer.showModal();
	try {
		const whole = await ask(`api/alerts/${encodeURIComponent(id)}`);
		drawer.replaceChildren(...content(whole, allowed).filter(Boolean));
		drawer.scrollTop = 0;
		drawer.querySelector(".close").focus();
	} catch (error) {
		drawer.replaceChildren(quote("p", error.message, { id: "drawer-title", class: "error" }),
			make("button", { type: "button", class: "close", onclick: close }, word("close")));
	}
}
