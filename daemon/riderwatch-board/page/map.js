// SPDX-License-Identifier: Apache-2.0
// The alerts in view as points over the operator's GeoJSON. Plain longitude and latitude, stretched for the latitude.
import { $, svg } from "./dom.js";
import { word } from "./words.js";

const SIZE = 1000, SMALLEST = 0.004;
const order = ["Minor", "Moderate", "Severe", "Extreme"];

let shapes = [], points = [], zoom = 1, openAlert = () => {}, waiting = false;

export function start(onOpen, geojson) {
	openAlert = onOpen;
	shapes = linesOf(geojson);
	// On a small screen it stands above the list, folded.
	$("map-fold").open = !matchMedia("(max-width: 900px)").matches;
	$("zoom-in").addEventListener("click", () => setZoom(zoom * 1.6));
	$("zoom-out").addEventListener("click", () => setZoom(zoom / 1.6));
	$("zoom-fit").addEventListener("click", () => setZoom(1));
	draw();
}

function setZoom(value) {
	zoom = Math.min(64, Math.max(1 / 64, value));
	draw();
}

// Every ring and line of the file, as lists of [longitude, latitude].
function linesOf(json) {
	const lines = [];
	const walk = (coordinates) => {
		if (!Array.isArray(coordinates))
			return;
		if (Array.isArray(coordinates[0]) && typeof coordinates[0][0] === "number")
			lines.push(coordinates.filter((pair) => Number.isFinite(pair[0]) && Number.isFinite(pair[1])));
		else
			coordinates.forEach(walk);
	};
	const visit = (object) => {
		object?.features?.forEach(visit);
		object?.geometries?.forEach(visit);
		if (object?.geometry)
			visit(object.geometry);
		walk(object?.coordinates);
	};
	visit(json);
	return lines;
}

function bounds(pairs) {
	let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
	for (const [x, y] of pairs) {
		west = Math.min(west, x);
		east = Math.max(east, x);
		south = Math.min(south, y);
		north = Math.max(north, y);
	}
	return { west, south, east, north };
}

// A function from [longitude, latitude] to the drawing's units.
function projection() {
	const pairs = points.length ? points.map((point) => [point.area.long, point.area.lat]) : shapes.flat();
	if (!pairs.length)
		return null;
	const { west, south, east, north } = bounds(pairs);
	const middle = [(west + east) / 2, (south + north) / 2], stretch = Math.cos(middle[1] * Math.PI / 180);
	const span = Math.max((east - west) * stretch, north - south, SMALLEST) * 1.15 / zoom;
	const scale = SIZE / span;
	return ([x, y]) => [SIZE / 2 + (x - middle[0]) * stretch * scale, SIZE / 2 - (y - middle[1]) * scale];
}

function path(line, project) {
	return "M" + line.map((pair) => project(pair).map((value) => value.toFixed(1)).join(" ")).join("L");
}

function dot(alert, project) {
	const [cx, cy] = project([alert.area.long, alert.area.lat]);
	const open = () => openAlert(alert.id);
	return svg("circle", { cx: cx.toFixed(1), cy: cy.toFixed(1), r: 8 + 3 * order.indexOf(alert.severity), class: `dot ${alert.severity}`, onclick: open },
		svg("title", {}, `${word(alert.severity)} ${alert.headline}`));
}

function draw() {
	waiting = false;
	const project = projection();
	$("map-note").textContent = points.length ? `${points.length} ${word("points_in_view")}` : word("no_places");
	if (!project) {
		$("map").replaceChildren();
		return;
	}
	const sorted = [...points].sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
	$("map").replaceChildren(...shapes.map((line) => svg("path", { d: path(line, project), class: "zone" })), ...sorted.map((alert) => dot(alert, project)));
}

// Drawn at most a few times a second, whatever comes in.
export function show(alerts) {
	points = alerts.filter((alert) => Number.isFinite(alert.area?.lat) && Number.isFinite(alert.area?.long));
	if (!waiting)
		setTimeout(draw, 400);
	waiting = true;
}
