// SPDX-License-Identifier: Apache-2.0
//
// Conditions: each returns nothing when it holds, and otherwise what is there instead.

const shown = (element) => element.getClientRects().length > 0 &&
	element.checkVisibility({ opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true });

const found = (selector) => [...document.querySelectorAll(selector)];

const visible = (selector) => {
	if (found(selector).some(shown)) return "";
	return found(selector).length ? "it is hidden" : "there is none";
};

const gone = (selector) => found(selector).some(shown) ? "it is there" : "";

const text = (selector, want) => {
	const texts = found(selector).filter(shown).map((element) => element.innerText.replace(/\s+/g, " ").trim());
	if (texts.some((text) => text.includes(want))) return "";
	return texts.length ? "there is " + texts.map((text) => JSON.stringify(text)).join(", ") : visible(selector);
};
