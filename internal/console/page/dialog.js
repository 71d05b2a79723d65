// SPDX-License-Identifier: Apache-2.0

// Dialogs: the browser's own, which hold the focus and give it back.

import { el, fill, icon, id } from './dom.js';

// open shows a dialog with what is in it, and removes it when it has closed. label and description are the ids of what names it, and of what
// is read with that. mayClose says whether Escape closes it: not while something is under way that cannot be taken back.
export function open(content, { label, description, role = 'dialog', mayClose = () => true, closed = () => {} }) {
  const dialog = el('dialog', { role, 'aria-labelledby': label, 'aria-describedby': description }, content, el('p.said.unseen', { role: 'status' }));
  dialog.addEventListener('cancel', (event) => {
    if (!mayClose()) event.preventDefault();
  });
  dialog.addEventListener('keydown', (event) => { // Chrome closes at the second Escape, whatever was said at the first
    if (event.key === 'Escape' && !mayClose()) event.preventDefault();
  });
  dialog.addEventListener('close', () => {
    dialog.remove();
    closed();
    if (document.activeElement === document.body) document.getElementById('main').focus(); // what had the focus before is gone
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

// closeAll closes the dialogs that may be closed, and reports whether none is left.
export function closeAll() {
  for (const dialog of document.querySelectorAll('dialog[open]')) dialog.requestClose();
  return document.querySelector('dialog[open]') === null;
}

// notice tells of something that is about the whole of a dialog.
export function notice(kind, ...text) {
  return el(`p.notice${kind === 'bad' ? '.bad' : ''}`, { id: id('notice'), role: kind === 'bad' ? 'alert' : null }, icon('warning'), el('span', {}, ...text));
}

// A busyButton says what is under way while it is, keeps its width and the focus, and is pressed once.
export function busyButton(button, words, work) {
  button.addEventListener('click', async (event) => {
    event.preventDefault();
    if (button.getAttribute('aria-disabled') === 'true') return;
    const content = [...button.childNodes];
    button.setAttribute('aria-disabled', 'true');
    fill(button, el('span.spin', { 'aria-hidden': 'true' }), words);
    try {
      await work();
    } finally {
      button.removeAttribute('aria-disabled');
      fill(button, content);
    }
  });
  return button;
}

// A field is a control with its label, a hint, and what is wrong with it. Of a group of controls first returns which is to have the focus.
export function field(label, control, { hint, group = false, first = () => root.querySelector(':checked') } = {}) {
  const atFault = () => (group ? first() : control);
  const faultId = id('fault');
  const hintId = id('hint');
  const hinted = hint && el('p.hint', { id: hintId }, hint);
  const root = group
    ? el('fieldset.field', {}, el('legend', {}, label), control, hinted)
    : el('div.field', {}, el('label', { for: control.id }, label), control, hinted);
  const about = group ? root : control;
  if (hinted) about.setAttribute('aria-describedby', hintId);
  let shown = null;
  return {
    root,
    // fault shows what is wrong, or that nothing is any more, and gives the field the focus if it is told to.
    fault(text, focus = false) {
      shown?.remove();
      shown = text ? el('p.fault', { id: faultId }, icon('warning'), text) : null;
      if (shown) root.append(shown);
      about.setAttribute('aria-describedby', [hinted && hintId, shown && faultId].filter(Boolean).join(' '));
      root.querySelectorAll('[aria-invalid]').forEach((one) => one.removeAttribute('aria-invalid'));
      if (text) atFault().setAttribute('aria-invalid', 'true');
      if (text && focus) atFault().focus();
    },
  };
}

// choices is a group of radio buttons.
export function choices(options, value, { row = false } = {}) {
  const name = id('choice');
  const root = el(`div.choices${row ? '.row' : ''}`, {}, options.map(([key, label, text]) => el('label.choice', {},
    el('input', { type: 'radio', name, value: key, checked: key === value }),
    el('span', {}, label, text && el('small', {}, text)))));
  return {
    root,
    get value() { return root.querySelector(':checked').value; },
  };
}
