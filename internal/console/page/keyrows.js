// SPDX-License-Identifier: Apache-2.0

// The rows of the list of keys.

import { el, fill } from './dom.js';
import { accessWords, datedOf, exact, retell, stateOf, stateWords, timeOf } from './format.js';
import { cell } from './listing.js';
import { projectNames } from './names.js';

// keyRows writes keys into the body of a table. revoke is called with a key that is to be revoked.
export function keyRows(body, visitor, revoke) {
  const shown = new Map(); // rows by the IDs of their keys, in their order

  // show shows keys in an order. What is the same as before stays, and who has the focus keeps it.
  function show(keys) {
    const rows = keys.map((key) => {
      const row = shown.get(key.id) ?? { element: el('tr', { role: 'row', 'data-id': key.id }) };
      const written = JSON.stringify([key, stateOf(key), projectsOf(key)]);
      if (row.written !== written) {
        Object.assign(row, { key, written });
        write(row);
      }
      return row;
    });
    shown.clear();
    rows.forEach((row) => shown.set(row.key.id, row));
    arrange(rows.map((row) => row.element));
  }

  function arrange(elements) {
    const wanted = new Set(elements);
    for (const row of [...body.children]) if (!wanted.has(row)) row.remove();
    elements.forEach((row, at) => {
      if (body.children[at] !== row) body.insertBefore(row, body.children[at] ?? null);
    });
  }

  function write({ element, key }) {
    const had = element.contains(document.activeElement) && document.activeElement.dataset.does;
    const open = element.querySelector('details')?.open;
    const state = stateOf(key);
    element.classList.toggle('gone', state === 'revoked');
    fill(element,
      el('th.whole', { role: 'rowheader', scope: 'row' }, el('span.name', {}, el('bdi', {}, key.name)), el('code.prefix', {}, `${key.prefix}…`),
        visitor.everybodys && key.userId && el('span.user', {}, 'User ', key.userId)),
      cell('Access', accessWords[key.accessLevel] ?? key.accessLevel),
      cell('Projects', projects(projectsOf(key), open)),
      cell('Created', datedOf(key.createTime)),
      cell('Expires', datedOf(key.expireTime, 'Never')),
      cell('Last used', timeOf(key.lastUseTime, 'Never')),
      cell('State', ...badge(state, key)),
      el('td.act', { role: 'cell' },
        el('a.button.quiet.small', { href: `#refused?key=${encodeURIComponent(key.id)}`, 'data-does': 'why' }, 'Explain', el('span.unseen', {}, ` ${key.name}`)),
        state !== 'revoked' && el('button.small', { type: 'button', 'data-does': 'revoke', onclick: () => revoke(key) },
          'Revoke', el('span.unseen', {}, ` ${key.name}`))));
    if (had) focus(key.id, had);
  }

  // focus gives the focus to what a row can do.
  function focus(id, ...does) {
    const element = shown.get(id)?.element;
    const at = [...does, 'revoke', 'why'].map((one) => element?.querySelector(`[data-does="${one}"]`)).find(Boolean);
    at?.focus();
    return Boolean(at);
  }

  return {
    show,
    focus,
    keys: () => [...shown.values()].map((row) => row.key),
    // mark draws the eye to a new row.
    mark: (id) => shown.get(id)?.element.classList.add('fresh'),
    // tick brings times up to date, and states that come by time.
    tick() {
      retell(body);
      show([...shown.values()].map((row) => row.key));
    },
  };
}

// badge shows a state, and since when a key is revoked.
function badge(state, key) {
  const when = { soon: key.expireTime, expired: key.expireTime, revoked: key.revokeTime }[state];
  return [el(`span.badge.${state}`, { title: when && exact(when) }, stateWords[state]),
    state === 'revoked' && el('small.since', {}, timeOf(key.revokeTime))];
}

// projectsOf names the projects of a key, null for all.
function projectsOf(key) {
  if (key.projects?.all) return null;
  return (key.projects?.projectIds ?? []).map((project) => projectNames.of(project)).sort((a, b) => a.localeCompare(b));
}

// projects shows the first two, and the others to who wants to know.
function projects(names, open) {
  if (names === null) return 'All projects';
  if (names.length === 0) return el('span.faint', {}, 'None any more');
  const list = (some) => el('ul.names', {}, some.map((name) => el('li.long', { title: name }, name)));
  return [list(names.slice(0, 2)),
    names.length > 2 && el('details', { open }, el('summary', {}, `and ${names.length - 2} more`), list(names.slice(2)))];
}
