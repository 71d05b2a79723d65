// SPDX-License-Identifier: Apache-2.0

// The dialog that revokes a key.

import { post } from './api.js';
import { el, fill, id, toast } from './dom.js';
import { busyButton, notice, open } from './dialog.js';
import { accessWords, ago, exact } from './format.js';

// openRevoke asks once whether to revoke a key, and revokes it. ended is called with what is on record of it then.
export function openRevoke(key, ended) {
  const title = el('h2', { id: id('title') }, `Revoke “${key.name}”?`);
  const facts = el('p', { id: id('facts') }, key.lastUseTime
    ? ['It was last used ', el('time', { datetime: key.lastUseTime, title: exact(key.lastUseTime) }, ago(key.lastUseTime)), '. ']
    : 'It was never used. ',
  'Whatever uses it is refused at once, with 401 ', el('q', {}, 'Invalid or expired API key'), '. This cannot be undone.');
  const trouble = el('div', {});
  let busy = false;
  let revoked = null;
  const button = busyButton(el('button.danger', { type: 'button' }, 'Revoke key'), 'Revoking…', revoke);
  const cancel = el('button', { type: 'button', onclick: () => !busy && dialog.close() }, 'Cancel');
  const dialog = open(el('div.box', {}, title,
    el('p.key', {}, el('code', {}, `${key.prefix}…`), el('span', {}, [accessWords[key.accessLevel], key.userId && `user ${key.userId}`].filter(Boolean).join(', '))),
    facts,
    trouble,
    el('div.ends', {}, cancel, button)),
  { label: title.id, description: facts.id, role: 'alertdialog', mayClose: () => !busy, closed: () => ended(revoked ?? key) });
  cancel.focus();

  async function revoke() {
    busy = true;
    cancel.setAttribute('aria-disabled', 'true');
    trouble.replaceChildren();
    try {
      const answer = await post(`v1/keys/${encodeURIComponent(key.id)}:revoke`);
      revoked = answer.key;
      busy = false;
      dialog.close();
      toast(answer.alreadyRevoked
        ? `“${key.name}” was revoked already, ${ago(revoked.revokeTime)}: every request with it is refused`
        : `“${key.name}” is revoked: every request with it is refused from now on`);
    } catch (error) {
      busy = false;
      fill(trouble, notice('bad', error.unknown
        ? `${error.message} It is not known whether the key is revoked. Revoke it again: that does no harm.`
        : error.message));
    } finally {
      cancel.removeAttribute('aria-disabled');
    }
  }
}
