// SPDX-License-Identifier: Apache-2.0

// The list of keys.

import { get, query } from './api.js';
import { field } from './dialog.js';
import { el, icon, id, say } from './dom.js';
import { count, hasSecret, withoutSecret } from './format.js';
import { keyRows } from './keyrows.js';
import { listing, page } from './listing.js';
import { everyState, keysById, projectNames } from './names.js';
import { blank } from './states.js';
import { openCreate } from './create.js';
import { openRevoke } from './revoke.js';

const most = 200; // keys in one answer
const longest = 128; // what is looked for, in characters

const states = {
  current: ['KEY_STATE_LIVE', 'KEY_STATE_EXPIRED'],
  live: ['KEY_STATE_LIVE'],
  expired: ['KEY_STATE_EXPIRED'],
  revoked: ['KEY_STATE_REVOKED'],
  all: everyState,
};

// What there is to choose between of keys, and their order; the first of each is where nothing was chosen.
const choices = {
  state: [['current', 'Not revoked'], ['live', 'Live'], ['expired', 'Expired'], ['revoked', 'Revoked'], ['all', 'All']],
  access: [['', 'Any'], ['ACCESS_LEVEL_READ', 'Read'], ['ACCESS_LEVEL_WRITE', 'Read and write']],
  order: [['name', 'By name'], ['create_time desc', 'Newest first']],
};

const everything = { query: '', user: '', state: 'current', access: '', order: 'name' };

// What may be asked for of what somebody has typed, or pasted, into each box. A list writes … after a prefix. A user is not made another one.
const typed = {
  query: (text) => withoutSecret(text).replace(/…$/, '').slice(0, longest),
  user: (text) => text.slice(0, longest),
};

// askedBy returns what an address asks for, whoever wrote it.
function askedBy(address, visitor) {
  const user = visitor.everybodys ? typed.user(address.get('user') ?? '') : '';
  const asked = { ...everything, query: typed.query(address.get('query') ?? ''), user: hasSecret(user) ? '' : user };
  for (const [name, options] of Object.entries(choices)) {
    if (options.some(([value]) => value === address.get(name))) asked[name] = address.get(name);
  }
  return asked;
}

// differing are the parts of what is asked for that somebody has chosen.
const differing = (asked) => Object.fromEntries(Object.entries(asked).filter(([name, value]) => value !== everything[name]));

// keysView shows the keys that its visitor sees.
export function keysView(visitor, given, remember) {
  let asked = askedBy(given, visitor);
  let wanted = page; // how many keys are asked for
  let answered = null; // what was asked for when the rows were shown
  const list = listing('API keys', ['Key', 'Access', 'Projects', 'Created', 'Expires', 'Last used', 'State', '']);
  const rows = keyRows(list.body, visitor, (key) => openRevoke(key, ended));
  const tools = keyTools(asked, visitor, (changed) => {
    asked = { ...asked, ...changed };
    remember(differing(asked));
    wanted = page;
    load();
  });
  const createButton = () => el('button.first', { type: 'button', onclick: () => openCreate(visitor, added) }, icon('plus'), 'Create API key');
  const create = createButton();
  const root = el('div', {},
    el('div.head', {},
      el('div', {},
        el('h1', {}, 'API Access'),
        el('p', {}, 'API keys let scripts, CI jobs and local tools call Aeroplane without a browser session.')),
      create),
    tools.root,
    list.root);

  // load asks for the keys that are to be shown. Where nothing else is asked for than what is shown, only what is different changes.
  function load() {
    const anew = answered !== asked;
    return list.load(async (signal) => {
      const now = asked;
      const { keys, token } = await fetchKeys(signal);
      const all = anew ? keys : withMissing(keys, await fetchMissing(keys, signal));
      await projectNames.learn(all.flatMap((key) => key.projects?.projectIds ?? []), signal);
      rows.show(all);
      answered = now;
      list.tell(token ? `${all.length} keys are shown` : count(all.length, 'key'), token && (() => { wanted += page; load(); }));
      if (anew) say(count(keys.length, 'key'));
      return all.length === 0 && nothing();
    }, load, !anew);
  }

  async function fetchKeys(signal) {
    const keys = [];
    let token = '';
    do {
      const answer = await get(`v1/keys${query({
        states: states[asked.state], query: asked.query, userId: asked.user, accessLevel: asked.access, orderBy: asked.order,
        pageSize: Math.min(wanted - keys.length, most), pageToken: token,
      })}`, signal);
      keys.push(...answer.keys);
      token = answer.nextPageToken;
    } while (token && keys.length < wanted);
    return { keys, token };
  }

  // fetchMissing asks for keys that were shown and do not match, as one that was revoked elsewhere, or created here while others are looked
  // for: it stays, and shows what has become of it, until something else is asked for.
  function fetchMissing(keys, signal) {
    const there = new Set(keys.map((key) => key.id));
    return keysById(rows.keys().map((key) => key.id).filter((one) => !there.has(one)), signal);
  }

  // withMissing puts those back where they were.
  function withMissing(keys, missing) {
    const before = rows.keys().map((key) => key.id);
    const all = [...keys];
    for (const key of missing.sort((a, b) => before.indexOf(a.id) - before.indexOf(b.id))) all.splice(before.indexOf(key.id), 0, key);
    return all;
  }

  function nothing() {
    if (Object.keys(differing(asked)).some((one) => one !== 'order')) {
      return blank('key', 'No key matches', 'There is none like this, of those that you may see.',
        el('button', { type: 'button', onclick: tools.reset }, 'Show all keys'));
    }
    return blank('key', 'No API keys yet', 'Create one for a script, a CI job or a tool. It is shown once, and can be revoked at any time.', createButton());
  }

  // added is called with a key that was created, or with null where it is not known which.
  function added(key) {
    if (key) rows.show([key, ...rows.keys()]); // where it does not match it stays above the others
    load().then(() => {
      rows.mark(key?.id);
      if (!rows.focus(key?.id)) create.focus();
    });
  }

  // ended is called when the dialog that revokes a key has closed. The focus is back where it was then, if that is still there.
  function ended(key) {
    rows.show(rows.keys().map((one) => (one.id === key.id ? key : one)));
    if (document.activeElement === document.body && !rows.focus(key.id)) create.focus();
  }

  load();
  return {
    root,
    title: 'API keys',
    stays: true,
    changed: () => list.soon(load),
    tick: rows.tick,
    close() {
      list.close();
      tools.close(asked);
    },
  };
}

// keyTools are the search and the filters, as they stand at first. ask is called with what has changed of what is asked for.
function keyTools(asked, visitor, ask) {
  let typing;
  const boxes = [];
  const search = (label, name, placeholder) => {
    const box = el('input', {
      type: 'search', id: id(name), name, value: asked[name], placeholder, autocomplete: 'off', spellcheck: 'false',
      oninput() {
        clearTimeout(typing);
        box.value = typed[name](box.value);
        shown.fault(hasSecret(box.value) ? 'That has a key in it.' : '');
        typing = setTimeout(() => ask(entered()), 200);
      },
    });
    const shown = field(label, box);
    boxes.push({ box, shown });
    return shown.root;
  };
  // entered is what is in the boxes. Where that must not be sent, it stays what it was.
  const entered = () => Object.fromEntries(boxes.filter(({ box }) => !hasSecret(box.value)).map(({ box }) => [box.name, box.value.trim()]));
  const enter = (values) => boxes.forEach(({ box, shown }) => {
    box.value = values[box.name];
    shown.fault('');
  });
  const choose = (label, name) => {
    const options = choices[name].map(([value, text]) => el('option', { value, selected: value === asked[name] }, text));
    const select = el('select', { id: id(name), onchange: () => ask({ [name]: select.value }) }, options);
    return field(label, select).root;
  };
  const root = el('div.tools', { role: 'search' },
    search('Search', 'query', 'Name, prefix or ID'),
    visitor.everybodys && search('User', 'user', 'ID of a user'),
    choose('State', 'state'),
    choose('Access', 'access'),
    choose('Order', 'order'));
  return {
    root,
    reset() {
      enter(everything);
      root.querySelectorAll('select').forEach((select) => { select.selectedIndex = 0; });
      root.querySelector('input').focus();
      ask(everything);
    },
    // close forgets what was typed and is not asked for yet.
    close(now) {
      clearTimeout(typing);
      enter(now);
    },
  };
}
