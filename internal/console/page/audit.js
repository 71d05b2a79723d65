// SPDX-License-Identifier: Apache-2.0

// Who has done what.

import { get, query } from './api.js';
import { el, fill, id, say } from './dom.js';
import { exact, retell, timeOf } from './format.js';
import { keysById } from './keys.js';
import { blank, failed, skeleton } from './states.js';

const page = 50;

const actions = {
  'key.create': 'created the key',
  'key.revoke': 'revoked the key',
  'key.import': 'took over the key',
  'key.suspend': 'suspended the key',
  'console.open': 'opened this page by a link',
};

// auditView shows the audit record, newest first.
export function auditView() {
  let action = 'key.*';
  let token = '';
  let running = null;
  const body = el('tbody', { role: 'rowgroup' });
  const more = el('div.more', {});
  const list = el('div.sheet', { 'aria-busy': 'true' }, skeleton(4));
  const table = el('div.scroll', { tabindex: '0', role: 'region', 'aria-label': 'Audit record' }, el('table', { role: 'table', 'aria-label': 'Records' },
    el('thead', { role: 'rowgroup' }, el('tr', { role: 'row' },
      ['When', 'Who', 'What', 'Details'].map((name) => el('th', { role: 'columnheader', scope: 'col' }, name)))), body));
  const select = el('select', { id: id('action'), onchange: () => { action = select.value; load(false); } },
    [['key.*', 'Keys'], ['key.create', 'Keys created'], ['key.revoke', 'Keys revoked'], ['session.*', 'Sessions'], ['project.*', 'Projects'], ['', 'Everything']]
      .map(([value, text]) => el('option', { value }, text)));
  const root = el('section', { 'aria-label': 'Audit' },
    el('div.head', {}, el('div', {}, el('h1', {}, 'Audit'), el('p', {}, 'Who has changed what, and when. Records are written with the change itself, and kept for as long as the operator says.')),
      el('div', {}, el('label.unseen', { for: select.id }, 'Show'), select)),
    list);

  async function load(further) {
    running?.abort();
    const mine = new AbortController();
    running = mine;
    list.setAttribute('aria-busy', 'true');
    try {
      const { events, nextPageToken } = await get(`v1/events${query({ action, pageSize: page, pageToken: further ? token : '' })}`, mine.signal);
      token = nextPageToken;
      await keyNames.learn(events.filter((event) => event.action.startsWith('key.')).map((event) => event.subjectId), mine.signal);
      if (!further) fill(body);
      body.append(...events.map(row));
      fill(list, body.childElementCount > 0 ? [table, more] : blank('key', 'Nothing on record', 'There is no record of this.'));
      fill(more, token ? el('button', { type: 'button', onclick: () => load(true) }, `Show ${page} more`) : 'That is all');
      say(`${body.childElementCount} records`);
    } catch (error) {
      if (error.name !== 'AbortError') fill(list, failed(error, () => load(false)));
    } finally {
      if (running === mine) {
        running = null;
        list.setAttribute('aria-busy', 'false');
      }
    }
  }

  function row(event) {
    const cell = (of, ...content) => el('td', { role: 'cell', 'data-of': of }, el('div', {}, ...content));
    return el('tr', { role: 'row' },
      cell('When', timeOf(event.time)),
      cell('Who', who(event.actor), ' ', el('span.faint', {}, `from ${event.actor?.address || 'the service'}`)),
      cell('What', ...what(event)),
      cell('Details', el('span.faint', {}, details(event.details))));
  }

  load(false);
  return {
    root,
    title: 'Audit',
    changed() {
      if (!running && body.childElementCount <= page) load(false);
    },
    tick() { retell(body); },
    close() { running?.abort(); },
  };
}

// who names who made a change: the user for whom it was made, and by which token.
function who(actor) {
  const token = actor?.role === 'CALLER_ROLE_SYSTEM' ? actor.tokenName : `the token “${actor?.tokenName}”`;
  return actor?.userId ? `${actor.userId}, by ${token}` : token;
}

// what says what was done, and to what: a key by its name, which a record of its end does not hold.
function what(event) {
  const name = keyNames.known.get(event.subjectId);
  return [actions[event.action] ?? event.action, name && [' ', el('b', {}, name)], event.subjectId && el('code.subject', {}, event.subjectId)].flat();
}

const keyNames = {
  known: new Map(),
  async learn(ids, signal) {
    const unknown = [...new Set(ids)].filter((one) => !this.known.has(one));
    for (const key of unknown.length > 0 ? await keysById(unknown, signal) : []) this.known.set(key.id, key.name);
  },
};

// the details of a record, but for those that stand beside it in words.
const details = (map) => Object.entries(map ?? {}).filter(([name, value]) => value !== '' && name !== 'name')
  .map(([name, value]) => `${name.replaceAll('_', ' ')}: ${name.endsWith('_time') && Date.parse(value) ? exact(value) : value}`).join(' · ');
