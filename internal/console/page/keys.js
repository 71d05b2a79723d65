// SPDX-License-Identifier: Apache-2.0

// The list of keys.

import { get, query } from './api.js';
import { el, fill, icon, id, say } from './dom.js';
import { accessWords, exact, retell, stateOf, stateWords, timeOf } from './format.js';
import { blank, failed, skeleton } from './states.js';
import { openCreate } from './create.js';
import { openRevoke } from './revoke.js';
import { projectNames } from './projects.js';

const page = 50;
const most = 1000; // keys in one answer
const atOnce = 100; // ids in one address

// wholeKey matches a key, and of it what may be displayed.
export const wholeKey = /(ap_[0-9A-Za-z]{16}|ap_[\w-]{8})_[\w-]{32,}/;

const states = {
  current: ['KEY_STATE_LIVE', 'KEY_STATE_EXPIRED'],
  live: ['KEY_STATE_LIVE'],
  expired: ['KEY_STATE_EXPIRED'],
  revoked: ['KEY_STATE_REVOKED'],
  all: ['KEY_STATE_LIVE', 'KEY_STATE_EXPIRED', 'KEY_STATE_REVOKED'],
};

// keysView shows the keys that its visitor sees.
export function keysView(visitor) {
  const asked = { query: '', state: 'current', access: '', order: 'name' };
  const shown = new Map(); // rows by key id
  let next = ''; // page token
  let wanted = page; // how many keys are asked for
  let running = null; // the request under way
  let stale = false; // something has changed since it began

  const body = el('tbody', { role: 'rowgroup' });
  const more = el('div.more', { hidden: true });
  const list = el('div.sheet', { 'aria-busy': 'true' }, skeleton(8));
  const columns = ['Key', 'Access', 'Projects', 'Created', 'Expires', 'Last used', 'State', ''];
  const table = el('div.scroll', {}, el('table', { role: 'table', 'aria-label': 'API keys' },
    el('thead', { role: 'rowgroup' }, el('tr', { role: 'row' },
      columns.map((name) => el('th', { role: 'columnheader', scope: 'col' }, name || el('span.unseen', {}, 'What to do'))))),
    body));

  const search = el('input', { type: 'search', id: id('search'), placeholder: 'Name, prefix or ID', autocomplete: 'off', spellcheck: 'false', maxlength: '128' });
  let typing;
  search.addEventListener('input', () => {
    clearTimeout(typing);
    search.value = search.value.replace(wholeKey, '$1'); // which is not to be sent, and stands in no list
    typing = setTimeout(() => ask({ query: search.value.trim() }), 200);
  });
  const choose = (label, name, options) => {
    const select = el('select', { id: id(name), onchange: () => ask({ [name]: select.value }) },
      options.map(([value, text]) => el('option', { value }, text)));
    return el('div', {}, el('label', { for: select.id }, label), select);
  };
  const create = el('button.first', { type: 'button', onclick: () => openCreate(visitor, added) }, icon('plus'), 'Create API key');

  const root = el('section', { 'aria-label': 'API keys' },
    el('div.head', {},
      el('div', {},
        el('h1', {}, 'API Access'),
        el('p', {}, 'API keys let scripts, CI jobs and local tools call Aeroplane without a browser session.')),
      create),
    el('div.tools', { role: 'search' },
      el('div', {}, el('label', { for: search.id }, 'Search'), search),
      choose('State', 'state', [['current', 'Not revoked'], ['live', 'Live'], ['expired', 'Expired'], ['revoked', 'Revoked'], ['all', 'All']]),
      choose('Access', 'access', [['', 'Any'], ['ACCESS_LEVEL_READ', 'Read'], ['ACCESS_LEVEL_WRITE', 'Read and write']]),
      choose('Order', 'order', [['name', 'By name'], ['create_time desc', 'Newest first']])),
    list);

  // ask asks anew, for other keys than before.
  function ask(changed) {
    Object.assign(asked, changed);
    wanted = page;
    shown.clear();
    load(true);
  }

  // load asks for the keys that are to be shown. Where nothing else is asked for than before, what is shown stays, and only what is
  // different changes.
  async function load(anew) {
    running?.abort();
    const mine = new AbortController();
    running = mine;
    stale = false;
    list.setAttribute('aria-busy', 'true');
    try {
      const { keys, token } = await fetchKeys(mine.signal);
      const missing = anew ? [] : await fetchMissing(keys, mine.signal);
      await projectNames.learn([...keys, ...missing].flatMap((key) => key.projects?.projectIds ?? []), mine.signal);
      next = token;
      show(keys, missing);
      if (anew) say(count(keys.length));
    } catch (error) {
      if (error.name === 'AbortError') return;
      if (shown.size > 0) say('The list could not be brought up to date.'); // and it is tried again at the next change
      else fill(list, failed(error, () => load(anew)));
    } finally {
      if (running === mine) {
        running = null;
        list.setAttribute('aria-busy', 'false');
        if (stale) load(false);
      }
    }
  }

  async function fetchKeys(signal) {
    const keys = [];
    let token = '';
    do {
      const answer = await get(`v1/keys${query({
        states: states[asked.state], query: asked.query, accessLevel: asked.access, orderBy: asked.order,
        pageSize: Math.min(wanted - keys.length, most), pageToken: token,
      })}`, signal);
      keys.push(...answer.keys);
      token = answer.nextPageToken;
    } while (token && keys.length < wanted);
    return { keys, token };
  }

  // fetchMissing asks for keys that were shown and do not match any more, as one that was revoked elsewhere: it stays, and shows what has
  // become of it, until something else is asked for.
  async function fetchMissing(keys, signal) {
    const there = new Set(keys.map((key) => key.id));
    const missing = [...shown.keys()].filter((one) => !there.has(one)).slice(0, atOnce);
    return missing.length > 0 ? keysById(missing, signal) : [];
  }

  function show(keys, missing) {
    const place = new Map(missing.map((key) => [key.id, [...shown.keys()].indexOf(key.id)]));
    const all = [...keys];
    for (const key of missing) all.splice(Math.min(place.get(key.id), all.length), 0, key);
    if (all.length === 0) {
      shown.clear();
      fill(list, nothing());
      return;
    }
    const rows = all.map((key) => {
      const row = shown.get(key.id) ?? { element: el('tr', { role: 'row', 'data-id': key.id }) };
      if (JSON.stringify(row.key) !== JSON.stringify(key)) write(row, key);
      return row;
    });
    shown.clear();
    rows.forEach((row) => shown.set(row.key.id, row));
    arrange(rows.map((row) => row.element));
    showMore(all.length);
    if (list.firstChild !== table) fill(list, table, more);
  }

  // arrange puts rows into their order, and moves none that is at its place: who has the focus keeps it.
  function arrange(elements) {
    const wantedRows = new Set(elements);
    for (const row of [...body.children]) if (!wantedRows.has(row)) row.remove();
    elements.forEach((row, at) => {
      if (body.children[at] !== row) body.insertBefore(row, body.children[at] ?? null);
    });
  }

  function showMore(n) {
    const button = el('button', { type: 'button', onclick: () => { wanted += page; load(false); } }, `Show ${page} more`);
    const had = more.contains(document.activeElement);
    fill(more, el('span', {}, next ? `${n} keys are shown` : count(n)), next && button);
    more.hidden = false;
    if (had && next) button.focus();
  }

  function nothing() {
    if (asked.query || asked.access || asked.state !== 'current') {
      return blank('key', 'No key matches', 'There is none like this, of those that you may see.',
        el('button', { type: 'button', onclick: reset }, 'Show all keys'));
    }
    return blank('key', 'No API keys yet', 'Create one for a script, a CI job or a tool. It is shown once, and can be revoked at any time.',
      el('button.first', { type: 'button', onclick: () => openCreate(visitor, added) }, icon('plus'), 'Create API key'));
  }

  function reset() {
    search.value = '';
    root.querySelectorAll('select').forEach((select) => { select.selectedIndex = 0; });
    search.focus();
    ask({ query: '', state: 'current', access: '', order: 'name' });
  }

  function write(row, key) {
    const had = row.element.contains(document.activeElement) && document.activeElement.dataset.does;
    row.key = key;
    const state = stateOf(key);
    row.element.classList.toggle('gone', state === 'revoked');
    const cell = (of, ...content) => el('td', { role: 'cell', 'data-of': of }, el('div', {}, ...content));
    fill(row.element,
      el('td.whole', { role: 'cell' }, el('span.name', {}, key.name), el('code.prefix', {}, `${key.prefix}…`),
        visitor.everybodys && key.userId && el('span.user', {}, 'User ', key.userId)),
      cell('Access', accessWords[key.accessLevel] ?? key.accessLevel),
      cell('Projects', projectsOf(key)),
      cell('Created', timeOf(key.createTime)),
      cell('Expires', timeOf(key.expireTime, 'Never')),
      cell('Last used', timeOf(key.lastUseTime, 'Never')),
      cell('State', ...badge(state, key)),
      el('td.act', { role: 'cell' },
        el('a.button.quiet.small', { href: `#refused?key=${encodeURIComponent(key.id)}`, 'data-does': 'why' }, 'Explain', el('span.unseen', {}, ` ${key.name}`)),
        state !== 'revoked' && el('button.small', { type: 'button', 'data-does': 'revoke', onclick: () => openRevoke(row.key, ended) },
          'Revoke', el('span.unseen', {}, ` ${key.name}`))));
    if (had) (row.element.querySelector(`[data-does="${had}"]`) ?? row.element.querySelector('a')).focus();
  }

  function added(key) {
    load(false).then(() => {
      const row = body.querySelector(`[data-id="${CSS.escape(key.id)}"]`);
      row?.classList.add('fresh');
      (row?.querySelector('[data-does="revoke"]') ?? create).focus();
    });
  }

  // ended is called when the dialog that revokes a key has closed. The focus is back where it was then, if that is still there.
  function ended(key) {
    const row = shown.get(key.id);
    if (row && key.revokeTime) write(row, key);
    if (document.activeElement === document.body) (row?.element.querySelector('[data-does="revoke"]') ?? row?.element.querySelector('a') ?? create).focus();
  }

  load(true);
  return {
    root,
    title: 'API keys',
    changed() {
      if (running) stale = true;
      else load(false);
    },
    tick() {
      retell(body);
      for (const row of shown.values()) {
        const state = stateOf(row.key);
        if (state !== row.element.dataset.state) write(row, row.key);
        row.element.dataset.state = state;
      }
    },
    close() {
      running?.abort();
      clearTimeout(typing);
    },
  };
}

// keysById asks for up to a hundred keys, in whatever state.
export async function keysById(ids, signal) {
  const { keys } = await get(`v1/keys${query({ ids, states: states.all, pageSize: atOnce })}`, signal);
  return keys;
}

const count = (n) => (n === 1 ? '1 key' : `${n} keys`);

function badge(state, key) {
  const when = { soon: key.expireTime, expired: key.expireTime, revoked: key.revokeTime }[state];
  return [el(`span.badge.${state}`, { title: when && exact(when) }, stateWords[state]),
    state === 'revoked' && el('small.since', {}, timeOf(key.revokeTime))];
}

// projectsOf names the projects of a key: the first two, and the others to who wants to know.
function projectsOf(key) {
  if (key.projects?.all) return 'All projects';
  const names = (key.projects?.projectIds ?? []).map((project) => projectNames.of(project)).sort((a, b) => a.localeCompare(b));
  if (names.length === 0) return el('span.faint', {}, 'None any more');
  if (names.length <= 2) return names.join(', ');
  return [names.slice(0, 2).join(', '),
    el('details', {}, el('summary', {}, `and ${names.length - 2} more`), el('ul', {}, names.slice(2).map((name) => el('li', {}, name))))];
}
