// SPDX-License-Identifier: Apache-2.0

// The views of the page, one at a time: which of them, what it is asked for, and how it was when it was left.

import { query } from './api.js';
import { auditView } from './audit.js';
import { el, fill } from './dom.js';
import { explainView } from './explain.js';
import { keysView } from './keys.js';

const views = {
  keys: ['Keys', keysView],
  refused: ['Why was this refused?', explainView],
  audit: ['Audit', auditView],
};

const place = document.getElementById('view');
const bar = document.getElementById('views');

let shown = null; // a view, for whom, and at what address
let lately = {}; // the same of each, as it was shown last

// show shows the view that the address names. A list that was left is there again as it was, also where somebody was in it.
export function show(visitor) {
  const [name, given] = window.location.hash.slice(1).split('?');
  const may = Object.keys(views).filter((one) => one !== 'audit' || visitor.everybodys);
  const now = may.includes(name) ? name : 'keys';
  if (now !== name) window.history.replaceState(null, '', `#${now}`);
  const first = shown === null;
  leave();
  const { hash } = window.location;
  const before = lately[now];
  const same = before?.view.stays && before.visitor === visitor && before.hash === hash;
  shown = same ? before : { visitor, hash, view: views[now][1](visitor, new URLSearchParams(given), (asked) => remember(now, asked)) };
  lately[now] = shown;
  // The tabs lead to where their view was, and that of this one to its beginning.
  const to = (one) => (one !== now && lately[one]?.visitor === visitor ? lately[one].hash : `#${one}`);
  fill(bar, may.map((one) => el('a', { href: to(one), 'aria-current': one === now && 'page' }, views[one][0])));
  fill(place, shown.view.root);
  document.title = `${shown.view.title} · API Access · Aeroplane`;
  if (same) comeBack();
  else shown.view.shown?.();
  if (!first && !place.contains(document.activeElement)) document.getElementById('main').focus({ preventScroll: same });
}

function leave() {
  if (!shown) return;
  Object.assign(shown, { focus: document.activeElement, top: window.scrollY });
  shown.view.close();
}

function comeBack() {
  if (shown.view.root.contains(shown.focus)) shown.focus.focus({ preventScroll: true });
  window.scrollTo(0, shown.top);
  shown.view.tick();
  shown.view.changed();
}

// remember keeps what a view is asked for in the address, for who comes back, loads the page again, or sends it to somebody.
function remember(name, asked) {
  lately[name].hash = `#${name}${query(asked)}`;
  window.history.replaceState(null, '', lately[name].hash);
}

// forget closes what is shown, and keeps nothing of it: its visitor is signed out.
export function forget() {
  shown?.view.close();
  [shown, lately] = [null, {}];
  fill(bar);
}

export const changed = () => shown?.view.changed();
export const tick = () => shown?.view.tick();
