// SPDX-License-Identifier: Apache-2.0

// What stands where there is nothing to show, nothing yet, or no way to.

import { el, icon } from './dom.js';

// skeleton keeps the room of a list that is on its way.
export function skeleton(columns) {
  const row = (n) => el('tr', {}, Array.from({ length: columns }, (_, at) => el('td', {}, el(`span.bone.w${(n * 3 + at * 5) % 4}`))));
  return el('div.bones', {}, el('p.unseen', {}, 'Loading'), el('table', { 'aria-hidden': 'true' }, el('tbody', {}, Array.from({ length: 6 }, (_, n) => row(n)))));
}

export function blank(picture, title, text, ...actions) {
  return el('div.blank', {}, icon(picture), el('h2', {}, title), el('p', {}, ...[text].flat()), el('div.ends', {}, ...actions));
}

// failed says why something cannot be shown, and tries again.
export function failed(error, again) {
  return el('div.blank', { role: 'alert' }, icon('warning'), el('h2', {}, 'This cannot be shown now'), el('p', {}, error.message),
    el('button', { type: 'button', onclick: again }, 'Try again'));
}
