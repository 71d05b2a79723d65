// SPDX-License-Identifier: Apache-2.0

// The dialog that creates a key.

import { get, post, query } from './api.js';
import { el, fill, icon, id, say } from './dom.js';
import { busyButton, choices, field, notice, open } from './dialog.js';
import { count, day, dayOf, hasSecret, now, sentence } from './format.js';
import { projectPicker } from './picker.js';
import { openSecret } from './secret.js';

const longestName = 80; // characters

// openCreate asks what a key is to be, creates it, and shows it. created is called with what is on record of it when that is closed.
export function openCreate(visitor, created) {
  const requestId = newRequestId(); // so that to try again after an answer that was lost makes no second key
  const title = el('h2', { id: id('title') }, 'Create API key');
  const wanted = keyForm(visitor);
  const trouble = el('div', {});
  let busy = false;
  const submit = busyButton(el('button.first', { type: 'submit' }, 'Create key'), 'Creating…', create);
  const dialog = open(el('form', { novalidate: true, onsubmit: (event) => { event.preventDefault(); submit.click(); } },
    title, wanted.parts, trouble,
    el('div.ends', {}, el('button', { type: 'button', onclick: () => !busy && dialog.close() }, 'Cancel'), submit)),
  { label: title.id, mayClose: () => !busy });
  wanted.focus();

  async function create() {
    trouble.replaceChildren();
    if (wanted.show(wanted.faults())) return;
    busy = true;
    try {
      const answer = await post('v1/keys', { ...wanted.request(), requestId });
      busy = false;
      dialog.close();
      if (answer.replayed) openLost(`“${answer.key.name}”`, () => created(answer.key));
      else openSecret(answer.key, answer.secret, visitor, created);
    } catch (error) {
      busy = false;
      if (error.reason === 'REQUEST_ID_REUSED') { // and something was changed since
        dialog.close();
        openLost('A key with what you had entered before', () => created(null));
        return;
      }
      if (wanted.show(wanted.faultsOf(error))) return;
      trouble.append(notice('bad', error.unknown
        ? `${error.message} It is not known whether the key was created. Try again: it will not be created twice.`
        : error.message));
      trouble.scrollIntoView({ block: 'nearest' });
    }
  }
}

// keyForm are the fields of a key.
function keyForm(visitor) {
  const name = el('input', { type: 'text', id: id('name'), autocomplete: 'off', maxlength: '200', placeholder: 'CI deploys', oninput: () => fields.name.fault('') });
  const user = el('input', { type: 'text', id: id('user'), autocomplete: 'off', spellcheck: 'false', onchange: otherUser, oninput: () => fields.userId.fault('') });
  const access = choices([
    ['ACCESS_LEVEL_READ', 'Read', 'GET, HEAD and OPTIONS'],
    ['ACCESS_LEVEL_WRITE', 'Read and write', 'POST, PUT, PATCH and DELETE as well'],
  ], 'ACCESS_LEVEL_READ', { row: true });
  const scope = choices([
    ['all', 'All projects', 'Also those that are created later'],
    ['selected', 'Selected projects', 'No others, and no new ones'],
  ], 'all', { row: true });
  const picker = projectPicker(() => (visitor.role === 'administrator' ? userId() : visitor.userId));
  const expiry = choices([['7', '7 days'], ['30', '30 days'], ['90', '90 days'], ['never', 'No expiration']], '30', { row: true });
  const until = el('p.hint', { 'aria-live': 'polite' });
  const doubt = el('p.hint', { 'aria-live': 'polite' });
  const fields = {
    name: field('Name', name, { hint: `What the key is for. 1 to ${longestName} characters.` }),
    accessLevel: field('Access', access.root, { group: true }),
    ...(visitor.role === 'administrator' && { userId: field('User of Aeroplane', user, { hint: 'The ID of whom the key acts for. Empty where Aeroplane has no users: the key then reaches everybody\'s projects.' }) }),
    projects: field('Projects', el('div', {}, scope.root, picker.root), { group: true, first: () => (picker.root.hidden ? scope.root.querySelector(':checked') : picker.box) }),
    expiresIn: field('Expiration', el('div', {}, expiry.root, until), { group: true }),
  };
  fields.userId?.root.append(doubt);
  scope.root.addEventListener('change', () => {
    picker.show(scope.value === 'selected');
    fields.projects.fault('');
  });
  picker.root.addEventListener('change', () => fields.projects.fault(''));
  expiry.root.addEventListener('change', showEnd);
  showEnd();

  function showEnd() {
    fill(until, expiry.value === 'never'
      ? 'Such a key works until somebody revokes it. Prefer one that expires, where whoever uses it can get another.'
      : `The key works until ${dayOf(now() + expiry.value * day * 1000)}.`);
  }

  // userId is whom the key is for, as far as that may be sent.
  function userId() {
    return hasSecret(user.value) ? '' : user.value.trim();
  }

  function otherUser() {
    const dropped = picker.again();
    fields.projects.fault(dropped > 0 ? `Choose again: ${count(dropped, 'project')} of another user ${dropped === 1 ? 'was' : 'were'} chosen.` : '');
    doubtUser(userId());
  }

  // doubtUser says so where a user has no project: the ID may be mistyped. There are no users here that could be looked up.
  async function doubtUser(ownerId) {
    fill(doubt);
    if (!ownerId) return;
    const { projects } = await get(`v1/projects${query({ ownerId, pageSize: 1 })}`).catch(() => ({})); // and it is known when the key is created
    if (projects?.length === 0 && userId() === ownerId) fill(doubt, 'No project here is this user\'s: the key would reach none. Check the ID.');
  }

  return {
    parts: Object.values(fields).map((one) => one.root),
    focus: () => name.focus(),

    request: () => ({
      name: name.value.trim(),
      accessLevel: access.value,
      projects: scope.value === 'all' ? { all: true } : { projectIds: picker.ids() },
      ...(fields.userId && { userId: userId() }),
      ...(expiry.value === 'never' ? { neverExpires: true } : { expiresIn: `${Number(expiry.value) * day}s` }),
    }),

    // faults are mistakes that can be seen here, by field: the service would find them as well.
    faults() {
      const found = new Map();
      const length = [...name.value.trim()].length;
      if (length === 0) found.set('name', 'Give the key a name.');
      else if (length > longestName) found.set('name', `The name has ${length} characters, and may have ${longestName}.`);
      if (hasSecret(name.value)) found.set('name', 'That has a key in it. Name what the key is for: everybody who sees the key sees its name.');
      if (hasSecret(user.value)) found.set('userId', 'That has a key in it. Enter the ID of a user.');
      if (scope.value === 'selected' && picker.ids().length === 0) found.set('projects', 'Choose at least one project.');
      return found;
    },

    // faultsOf are those that the service has found.
    faultsOf(error) {
      const found = new Map();
      for (const [path, text] of error.fields) {
        const at = path.split(/[.[]/)[0];
        if (!fields[at] || found.has(at)) continue;
        found.set(at, wordsFor(at, path) ?? sentence(`this ${text}`));
      }
      return found;
    },

    // show shows mistakes at their fields, gives the focus to the first, and returns whether there are any.
    show(faults) {
      let first = true;
      for (const [at, one] of Object.entries(fields)) {
        one.fault(faults.get(at) ?? '', first);
        if (faults.has(at)) first = false;
      }
      if (faults.size > 0) say(faults.size === 1 ? 'There is a mistake' : `There are ${faults.size} mistakes`);
      return faults.size > 0;
    },
  };
}

// wordsFor says what the service has found, where a person would not say it as the service does.
function wordsFor(at, path) {
  if (at === 'name') return `The name must have 1 to ${longestName} characters, and none that cannot be seen, such as a tab.`;
  if (at === 'projects' && path !== at) return 'One of the chosen projects is not there any more, or not this user\'s. Remove it.';
  return null;
}

// openLost tells of a key that was created by an earlier attempt, whose answer did not come: nobody has seen it, and nobody will.
function openLost(what, closed) {
  const title = el('h2', { id: id('title') }, 'The key was created, but it is lost');
  const dialog = open(el('div.box', {}, title,
    notice('warning', `${what} was created when you tried first, and the answer did not arrive here. It is shown once only: revoke it, and create another.`),
    el('div.ends', {}, el('button.first', { type: 'button', onclick: () => dialog.close() }, icon('passed'), 'Close'))),
  { label: title.id, closed });
}

// newRequestId returns random text: crypto.randomUUID is not there on pages that came without TLS.
function newRequestId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
