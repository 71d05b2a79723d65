// SPDX-License-Identifier: Apache-2.0

// Who has done what.

import { get, query } from './api.js';
import { el, id, say } from './dom.js';
import { count, exact, retell, timeOf } from './format.js';
import { cell, listing, page } from './listing.js';
import { keyNames } from './names.js';
import { blank } from './states.js';

const actions = {
  'key.create': 'created the key',
  'key.revoke': 'revoked the key',
  'key.import': 'took over the key',
  'key.suspend': 'suspended the key',
  'console.open': 'opened this page by a link',
};

const kinds = [['key.*', 'Keys'], ['key.create', 'Keys created'], ['key.revoke', 'Keys revoked'], ['session.*', 'Sessions'], ['project.*', 'Projects'],
  ['console.open', 'Page opened by a link'], ['', 'Everything']];

// auditView shows the audit record, newest first.
export function auditView() {
  let token = '';
  let first = ''; // the records of the first page, as they were written last
  const list = listing('Audit record', ['When', 'Who', 'What', 'Details']);
  const select = el('select', { id: id('action'), onchange: () => load(true) }, kinds.map(([value, text]) => el('option', { value }, text)));
  const root = el('div', {},
    el('div.head', {},
      el('div', {},
        el('h1', {}, 'Audit'),
        el('p', {}, 'Who has changed what, and when. A record is written with the change itself, and kept for as long as the operator says.')),
      el('div', {}, el('label.unseen', { for: select.id }, 'Show'), select)),
    list.root);

  // load shows the first records, or with further those that follow.
  function load(asked, further = false) {
    return list.load(async (signal) => {
      const { events, nextPageToken } = await get(`v1/events${query({ action: select.value, pageSize: page, pageToken: further ? token : '' })}`, signal);
      await keyNames.learn(events.filter((event) => event.action.startsWith('key.')).map((event) => event.subjectId), signal);
      const written = JSON.stringify(events);
      if (!further && written === first) return; // and who reads goes on reading
      token = nextPageToken;
      if (!further) {
        first = written;
        list.body.replaceChildren();
      }
      list.body.append(...events.map(row));
      const n = list.body.childElementCount;
      list.tell(token ? `${n} records are shown` : count(n, 'record'), token && (() => load(true, true)));
      if (asked) say(count(n, 'record'));
      return n === 0 && blank('key', 'Nothing on record', 'There is no record of this.');
    }, () => load(asked), !asked || further);
  }

  load(true);
  return {
    root,
    title: 'Audit',
    // changed leaves alone what somebody has gone on reading in.
    changed: () => list.body.childElementCount <= page && list.soon(() => load(false)),
    tick: () => retell(list.body),
    close: list.close,
  };
}

function row(event) {
  return el('tr', { role: 'row' },
    cell('When', exact(event.time), el('small', {}, timeOf(event.time))),
    cell('Who', who(event.actor), ' ', el('span.faint', {}, `from ${hostOf(event.actor?.address) || 'the service'}`)),
    cell('What', ...what(event)),
    cell('Details', el('span.faint', {}, details(event.details))));
}

// hostOf leaves out of an address the port, which is another one for each connection.
const hostOf = (address) => address?.replace(/:\d+$/, '');

// who names who made a change: the user for whom it was made, and by which token.
function who(actor) {
  const token = actor?.role === 'CALLER_ROLE_SYSTEM' ? actor.tokenName : `the token “${actor?.tokenName}”`;
  return actor?.userId ? `${actor.userId}, by ${token}` : token;
}

// what says what was done, and to what: a key by its name, which a record of its end does not hold.
function what(event) {
  return [actions[event.action] ?? event.action,
    keyNames.has(event.subjectId) && [' ', el('b', {}, el('bdi', {}, keyNames.of(event.subjectId)))],
    event.subjectId && el('code.subject', {}, event.subjectId)].flat();
}

// words are what details are called, where not as on record.
const words = { access_level: 'access', expire_time: 'expires', user_id: 'user' };

// details are those of a record which do not stand beside it in words.
const details = (map) => Object.entries(map ?? {}).filter(([name, value]) => value !== '' && name !== 'name')
  .map(([name, value]) => `${words[name] ?? name.replaceAll('_', ' ')}: ${name.endsWith('_time') && Date.parse(value) ? exact(value) : value.replaceAll(',', ', ')}`).join(' · ');
