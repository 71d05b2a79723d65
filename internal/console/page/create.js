// SPDX-License-Identifier: Apache-2.0

// The dialog that creates a key.

import { post } from './api.js';
import { el, icon, id, say } from './dom.js';
import { busyButton, choices, field, notice, open } from './dialog.js';
import { projectPicker } from './projects.js';
import { openSecret } from './secret.js';

const day = 24 * 3600;

// openCreate asks what a key is to be, creates it, and shows it. created is called with what is on record of it when that is closed.
export function openCreate(visitor, created) {
  const requestId = newRequestId(); // so that to try again after an answer that was lost makes no second key
  const title = el('h2', { id: id('title') }, 'Create API key');
  const name = el('input', { type: 'text', id: id('name'), autocomplete: 'off', maxlength: '200', placeholder: 'CI deploys' });
  const access = choices([
    ['ACCESS_LEVEL_READ', 'Read', 'GET'],
    ['ACCESS_LEVEL_WRITE', 'Read and write', 'GET, POST, PUT, PATCH and DELETE'],
  ], 'ACCESS_LEVEL_READ', { row: true });
  const scope = choices([
    ['all', 'All projects', 'Also those that are created later'],
    ['selected', 'Selected projects', 'No others, and no new ones'],
  ], 'all', { row: true });
  const user = visitor.role === 'administrator' ? el('input', { type: 'text', id: id('user'), autocomplete: 'off', spellcheck: 'false', maxlength: '128' }) : null;
  const picker = projectPicker(() => (user ? user.value.trim() : visitor.userId));
  const expiry = choices([['7', '7 days'], ['30', '30 days'], ['90', '90 days'], ['never', 'No expiration']], '30', { row: true });

  const fields = {
    name: field('Name', name, { hint: 'What the key is for. 1 to 80 characters.' }),
    accessLevel: field('Access', access.root, { group: true }),
    projects: field('Projects', el('div', {}, scope.root, picker.root), { group: true }),
    expiresIn: field('Expiration', expiry.root, { group: true }),
    userId: user && field('User of Aeroplane', user, { hint: 'The id of whom the key acts for. Empty where Aeroplane has no users: the key then reaches everybody\'s projects.' }),
  };
  const forever = el('p.hint.forever', { hidden: true }, 'Such a key works until somebody revokes it. Prefer one that expires, where whoever uses it can get another.');
  fields.expiresIn.root.append(forever);
  const trouble = el('div', {});
  const submit = busyButton(el('button.first', { type: 'submit' }, 'Create key'), 'Creating…', create);
  const form = el('form', { novalidate: true, onsubmit: (event) => { event.preventDefault(); submit.click(); } },
    title, Object.values(fields).filter(Boolean).map((one) => one.root), trouble,
    el('div.ends', {}, el('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel'), submit));
  scope.root.addEventListener('change', () => {
    picker.show(scope.value === 'selected');
    fields.projects.fault('');
  });
  picker.root.addEventListener('change', () => fields.projects.fault(''));
  expiry.root.addEventListener('change', () => { forever.hidden = expiry.value !== 'never'; });
  name.addEventListener('input', () => fields.name.fault(''));
  user?.addEventListener('change', () => picker.again());
  let busy = false;
  const dialog = open(form, { label: title.id, mayClose: () => !busy });
  name.focus();

  // wrong returns what is wrong already here, by field: what the service would say as well.
  function wrong() {
    const faults = new Map();
    const length = [...name.value.trim()].length;
    if (length === 0) faults.set('name', 'Give the key a name.');
    else if (length > 80) faults.set('name', `The name has ${length} characters, and may have 80.`);
    if (scope.value === 'selected' && picker.ids().length === 0) faults.set('projects', 'Choose at least one project.');
    return faults;
  }

  async function create() {
    trouble.replaceChildren();
    const faults = wrong();
    if (faults.size > 0) {
      show(faults);
      return;
    }
    busy = true;
    try {
      const answer = await post('v1/keys', {
        name: name.value.trim(),
        accessLevel: access.value,
        projects: scope.value === 'all' ? { all: true } : { projectIds: picker.ids() },
        requestId,
        ...(user && { userId: user.value.trim() }),
        ...(expiry.value === 'never' ? { neverExpires: true } : { expiresIn: `${Number(expiry.value) * day}s` }),
      });
      busy = false;
      dialog.close();
      if (answer.replayed) openLost(answer.key, created);
      else openSecret(answer.key, answer.secret, visitor, created);
    } catch (error) {
      busy = false;
      fail(error);
    }
  }

  function fail(error) {
    const faults = new Map();
    for (const [path, text] of error.fields ?? []) {
      const at = path.split('.')[0].replace(/\[.*/, '');
      if (fields[at] && !faults.has(at)) faults.set(at, at === 'projects' && path !== 'projects' ? 'One of the chosen projects is not there any more, or not this user\'s. Remove it.' : sentence(text));
    }
    if (faults.size > 0) {
      show(faults);
      return;
    }
    trouble.append(notice('bad', error.unknown
      ? `${error.message} It is not known whether the key was created. Try again: it will not be created twice.`
      : error.message));
  }

  function show(faults) {
    let first = true;
    for (const [at, one] of Object.entries(fields)) {
      if (!one) continue;
      const focus = at === 'projects' ? picker.box : one.root.querySelector(':checked');
      one.fault(faults.get(at) ?? '', faults.has(at) && first && focus);
      if (faults.has(at) && first) {
        if (at === 'name') name.focus();
        if (at === 'userId') user.focus();
        first = false;
      }
    }
    say(faults.size === 1 ? 'There is a mistake' : `There are ${faults.size} mistakes`);
  }
}

const sentence = (text) => `This ${text}.`;

// openLost tells of a key that was created by an earlier attempt, whose answer did not come: nobody has seen it, and nobody will.
function openLost(key, created) {
  const title = el('h2', { id: id('title') }, 'The key was created, but it is lost');
  const dialog = open(el('div.box', {}, title,
    notice('warning', `“${key.name}” was created when you tried first, and the answer did not arrive here. It is shown once only: revoke it, and create another.`),
    el('div.ends', {}, el('button.first', { type: 'button', onclick: () => dialog.close() }, icon('passed'), 'Close'))),
  { label: title.id, closed: () => created(key) });
}

// newRequestId returns random text: crypto.randomUUID is not there on pages that came without TLS.
function newRequestId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
