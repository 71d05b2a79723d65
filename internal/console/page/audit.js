// SPDX-License-Identifier: Apache-2.0

// Who has done what.

import { get, query } from './api.js';
import { el, id, say } from './dom.js';
import { count, exact, retell, timeOf } from './format.js';
import { cell, listing, page } from './listing.js';
import { keyNames } from './names.js';
import { blank } from './states.js';

// What somebody has done, by its name on record.
const actions = {
  'key.create': 'created the key',
  'key.import': 'took over the key',
  'key.suspend': 'suspended the key',
  'key.revoke': 'revoked the key',
  'session.put': 'added or changed the session',
  'session.revoke': 'ended the session',
  'project.put': 'added or changed the project',
  'project.delete': 'deleted the project',
  'service.put': 'added or changed the service',
  'service.delete': 'deleted the service',
  'deployment.put': 'added or changed the deployment',
  'deployment.delete': 'deleted the deployment',
  'catalog.sync': 'brought the catalog in step with Aeroplane',
  'console.link': 'made a link to this page',
  'console.open': 'opened this page by a link',
  'console.close': 'signed out of this page',
  'retention.delete': 'deleted what is kept no longer',
};

const everything = 'all';

const kinds = [['key.*', 'Keys'], ['key.create', 'Keys created'], ['key.revoke', 'Keys revoked'], ['session.*', 'Sessions'], ['project.*', 'Projects'],
  ['console.*', 'Links to this page'], [everything, 'Everything']];

// auditView shows the audit record, newest first.
export function auditView(visitor, given, remember) {
  let token = '';
  let shown = null; // the kind of those that are shown
  let first = ''; // the first page of them, as it was written last
  const list = listing('Audit record', ['When', 'Who', 'What', 'Details']);
  const select = el('select', { id: id('action'), onchange: choose },
    kinds.map(([value, text]) => el('option', { value, selected: value === given.get('action') }, text)));
  const root = el('div', {},
    el('div.head', {},
      el('div', {},
        el('h1', {}, 'Audit'),
        el('p', {}, 'Who has changed what, and when. A record is written with the change itself, and kept for as long as the operator says.')),
      el('div', {}, el('label.unseen', { for: select.id }, 'Show'), select)),
    list.root);

  function choose() {
    remember({ action: select.value });
    load(true);
  }

  async function fetchEvents(pageToken, signal) {
    const { events, nextPageToken } = await get(`v1/events${query({ action: select.value === everything ? '' : select.value, pageSize: page, pageToken })}`, signal);
    await keyNames.learn(events.filter((event) => event.action.startsWith('key.')).map((event) => event.subjectId), signal);
    return { events, nextPageToken };
  }

  // load shows the first records. Where they are the same as before, who reads goes on reading.
  function load(asked) {
    return list.load(async (signal) => {
      const kind = select.value;
      const { events, nextPageToken } = await fetchEvents('', signal);
      const written = JSON.stringify(events);
      if (kind !== shown || written !== first) {
        [shown, first] = [kind, written];
        token = nextPageToken;
        list.body.replaceChildren(...events.map(row));
        tell();
      }
      if (asked) say(count(events.length, 'record'));
      return events.length === 0 && blank('key', 'Nothing on record', 'There is no record of this.');
    }, () => load(asked), !asked);
  }

  // more shows those that follow, unless others are asked for meanwhile.
  function more() {
    if (select.value !== shown) load(true);
    else list.load(async (signal) => {
      const { events, nextPageToken } = await fetchEvents(token, signal);
      token = nextPageToken;
      list.body.append(...events.map(row));
      tell();
    }, more, true);
  }

  function tell() {
    const n = list.body.childElementCount;
    list.tell(token ? `${n} records are shown` : count(n, 'record'), token && more);
  }

  // again brings the first records up to date, and leaves alone what somebody has gone on reading in.
  function again() {
    if (list.body.childElementCount <= page) load(false);
  }

  load(true);
  return {
    root,
    title: 'Audit',
    stays: true,
    changed: () => list.soon(again),
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

// what says what was done, with its name on record to who points at it, and to what: a key by its name, which a record of its end does not hold.
function what(event) {
  return [el('span', { title: event.action }, actions[event.action] ?? event.action),
    keyNames.has(event.subjectId) && [' ', el('b', {}, el('bdi', {}, keyNames.of(event.subjectId)))],
    event.subjectId && el('code.subject', {}, event.subjectId)].flat();
}

// words are what details are called, where not as on record.
const words = { access_level: 'access', expire_time: 'expires', user_id: 'user' };

// details are those of a record which do not stand beside it in words.
const details = (map) => Object.entries(map ?? {}).filter(([name, value]) => value !== '' && name !== 'name')
  .map(([name, value]) => `${words[name] ?? name.replaceAll('_', ' ')}: ${name.endsWith('_time') && Date.parse(value) ? exact(value) : value.replaceAll(',', ', ')}`).join(' · ');
