// SPDX-License-Identifier: Apache-2.0
// The only ways in which this page makes elements. Text goes in as text, never as markup.
export const $ = (id) => document.getElementById(id);

const svgSpace = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
	for (const [name, value] of Object.entries(attributes)) {
		if (name.startsWith("on"))
			element.addEventListener(name.slice(2), value);
		else if (value === true || value === false)
			element.toggleAttribute(name, value);
		else if (value !== undefined && value !== null)
			element.setAttribute(name, value);
	}
	for (const child of children.flat(Infinity)) {
		if (child !== undefined && child !== null && child !== "")
			element.append(child instanceof Node ? child : document.createTextNode(String(child)));
	}
	return element;
}

export const make = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
export const svg = (tag, attributes = {}, ...children) => fill(document.createElementNS(svgSpace, tag), attributes, children);

// Event text: what runs from right to left, or overrides directions, stays inside its own element.
export const quote = (tag, text, attributes = {}) => make(tag, { dir: "auto", ...attributes }, text ?? "");
