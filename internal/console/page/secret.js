// SPDX-License-Identifier: Apache-2.0

// The dialog that shows a new key, this once.

import { el, fill, icon, id, say, toast } from './dom.js';
import { notice, open } from './dialog.js';

// openSecret shows a key. created is called when it has closed.
export function openSecret(key, secret, visitor, created) {
  const title = el('h2', { id: id('title'), tabindex: '-1' }, 'Copy your API key now');
  // A page that an administrator's link has opened need not be at Aeroplane's address; one with Aeroplane's own session is.
  const url = visitor.role === 'administrator' ? '$AEROPLANE_URL' : window.location.origin;
  const curl = (header) => `curl "${url}/api/projects" -H "${header}"`;
  let copied = false;
  const got = () => { copied = true; };
  const close = el('button.first', { type: 'button', onclick: () => leave() }, 'Close');
  const warning = notice('warning', el('strong', {}, 'It is shown once. '), `Whoever has it can do what “${key.name}” may. Keep it where secrets are kept, and out of code and chats.`);
  const doubt = el('div', {});
  const ends = el('div.ends', {}, close);
  const box = el('div.box', {}, title,
    warning,
    copyable('API key', secret, got),
    copyable('With a bearer token', curl(`Authorization: Bearer ${secret}`), got),
    copyable('Or with a header of its own', curl(`X-API-Key: ${secret}`), got),
    doubt,
    ends);
  box.addEventListener('copy', () => { // by hand
    if (document.getSelection().toString().includes(secret)) got();
  });
  const beforeUnload = (event) => {
    if (!copied) event.preventDefault();
  };
  window.addEventListener('beforeunload', beforeUnload);
  const dialog = open(box, {
    label: title.id,
    description: warning.id,
    mayClose() {
      if (!copied) leave();
      return copied;
    },
    closed() {
      window.removeEventListener('beforeunload', beforeUnload);
      toast(`“${key.name}” was created`);
      created(key);
    },
  });
  box.querySelector('button').focus();

  // leave closes the dialog, or asks first, where the key was not copied.
  function leave() {
    if (copied) {
      dialog.close();
      return;
    }
    const back = el('button.first', {
      type: 'button',
      onclick: () => {
        fill(doubt);
        fill(ends, close);
        box.querySelector('button').focus();
      },
    }, 'Back to the key');
    fill(doubt, notice('bad', 'You have not copied the key. It cannot be shown again: you would have to create another.'));
    fill(ends, el('button', { type: 'button', onclick: () => dialog.close() }, 'Close without copying'), back);
    back.focus();
  }
}

function copyable(label, text, got) {
  const shown = el('code', { tabindex: '0', 'aria-label': label, role: 'textbox', 'aria-readonly': 'true' }, text);
  const words = el('span', {}, 'Copy');
  const button = el('button', {
    type: 'button',
    async onclick() {
      if (!await copy(text, shown)) {
        words.textContent = 'Selected';
        say('It is selected: copy it with the keyboard');
        return;
      }
      got();
      words.textContent = 'Copied';
      say(`${label}: copied`);
      setTimeout(() => { words.textContent = 'Copy'; }, 3000);
    },
  }, icon('copy'), words, el('span.unseen', {}, ` ${label}`));
  return el('div.secret', {}, el('span.label', {}, label), el('div.copied', {}, shown, button));
}

// copy puts text on the clipboard, and reports whether it could. Where a page may not, as without TLS, the text is selected, to be copied by
// hand, and the browser's old way is tried.
async function copy(text, shown) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    document.getSelection().selectAllChildren(shown);
    return document.execCommand('copy');
  }
}
