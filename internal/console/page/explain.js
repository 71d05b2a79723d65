// SPDX-License-Identifier: Apache-2.0

// Why was this refused?

import { post } from './api.js';
import { el, fill, icon, id, say } from './dom.js';
import { busyButton, field, notice } from './dialog.js';
import { sentence, wholeKey } from './format.js';

const outcomes = {
  CHECK_OUTCOME_PASSED: ['passed', 'Passed'],
  CHECK_OUTCOME_REFUSED: ['refused', 'Refused'],
  CHECK_OUTCOME_NOT_NEEDED: ['skipped', 'Not needed'],
  CHECK_OUTCOME_NOT_REACHED: ['skipped', 'Not reached'],
};

const names = {
  CHECK_NAME_METHOD: 'Method',
  CHECK_NAME_PATH: 'Path',
  CHECK_NAME_ROUTE: 'Route',
  CHECK_NAME_CREDENTIAL: 'Key',
  CHECK_NAME_CALLER: 'Caller',
  CHECK_NAME_ACCESS: 'Access',
  CHECK_NAME_PROJECT: 'Project',
  CHECK_NAME_TARGET: 'Target of the transfer',
};

// explainView asks about a request, and shows how it would be decided.
export function explainView(visitor, given) {
  const method = el('input', { type: 'text', id: id('method'), list: id('methods'), value: given.get('method') ?? 'GET', autocomplete: 'off', spellcheck: 'false', maxlength: '32' });
  const methods = el('datalist', { id: method.getAttribute('list') }, ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'].map((one) => el('option', { value: one })));
  const path = el('input', { type: 'text', id: id('path'), placeholder: '/api/projects/…', value: given.get('path') ?? '', autocomplete: 'off', spellcheck: 'false' });
  const key = el('input', { type: 'text', id: id('key'), value: given.get('key') ?? '', autocomplete: 'off', spellcheck: 'false' });
  const boxes = { method, path, keyId: key };
  const fields = {
    method: field('Method', method),
    path: field('Path', path, { hint: 'As it was sent, with the query.' }),
    keyId: field('ID of the key', key, { hint: 'Never the key itself. Empty: without a key.' }),
  };
  const answer = el('div', {});
  const button = busyButton(el('button.first', { type: 'submit' }, 'Explain'), 'Asking…', ask);
  const root = el('div', {},
    el('div.head', {}, el('div', {}, el('h1', {}, 'Why was this refused?'),
      el('p', {}, 'How a request would be decided now, check by check. Nothing is noted as a use of the key.'))),
    el('form.sheet.ask', { novalidate: true, onsubmit: (event) => { event.preventDefault(); button.click(); } },
      methods, Object.values(fields).map((one) => one.root), button),
    answer);

  async function ask() {
    for (const one of Object.values(fields)) one.fault('');
    const wrong = Object.keys(boxes).find((one) => wholeKey.test(boxes[one].value));
    if (wrong) { // it goes nowhere
      boxes[wrong].value = '';
      fields[wrong].fault('That was a whole key. Paste its ID, never the key.', true);
    } else if (path.value.trim() === '') fields.path.fault('Paste the path that was refused.', true);
    else await tell({ method: method.value, path: path.value, ...(key.value.trim() && { keyId: idOf(key.value.trim()) }) });
  }

  async function tell(request) {
    try {
      const told = await post('v1/authorize:explain', request);
      const verdict = verdictOf(told.decision);
      fill(answer, explanation(told, verdict));
      say(verdict);
    } catch (error) {
      fill(answer);
      const faults = error.status === 404 ? [['keyId', 'There is no key of this ID.']] : [...error.fields].map(([at, text]) => [at, sentence(`this ${text}`)]);
      if (faults.length > 0 && faults.every(([at]) => fields[at])) faults.forEach(([at, text]) => fields[at].fault(text, true));
      else fill(answer, el('div.verdict', {}, notice('bad', error.message)));
    }
  }

  return {
    root,
    title: 'Why was this refused?',
    shown: () => given.get('key') && path.focus(),
    changed() {},
    tick() {},
    close() {},
  };
}

const verdictOf = ({ allowed, denial }) => (allowed ? 'Allowed' : `${denial.httpStatus} ${denial.message}`);

// explanation shows what the service has told of a decision.
function explanation(told, verdict) {
  const { allowed } = told.decision;
  return [
    el(`p.verdict${allowed ? '.allowed' : ''}`, {}, icon(allowed ? 'passed' : 'refused'), el('strong', {}, verdict)),
    el('div.told', {},
      el('div.sheet', {}, el('section', { 'aria-label': 'Checks' }, el('h2', {}, 'Checks, in their order'), el('ol.checks', {}, told.checks.map(check)))),
      el('div', {},
        told.remedies.length > 0 && el('section.sheet', { 'aria-label': 'What would change it' }, el('h2', {}, 'What would change it'),
          el('ul', {}, told.remedies.map((text) => el('li', {}, sentence(text))))),
        told.route && route(told.route)))];
}

function check(one) {
  const [kind, words] = outcomes[one.outcome] ?? ['skipped', one.outcome];
  return el(`li.${kind}`, {}, icon(kind), el('div', {}, el('b', {}, names[one.name] ?? one.name, el('span.unseen', {}, `: ${words}`)), el('span', {}, sentence(one.text))));
}

function route(row) {
  return el('section.sheet', { 'aria-label': 'Route' }, el('h2', {}, 'The row that made it'),
    el('dl', {},
      el('dt', {}, 'Line'), el('dd', {}, String(row.line)),
      el('dt', {}, 'Method'), el('dd', {}, el('code', {}, row.method)),
      el('dt', {}, 'Pattern'), el('dd', {}, el('code', {}, row.pattern)),
      el('dt', {}, 'Who may call'), el('dd', {}, row.who),
      el('dt', {}, 'What it reaches'), el('dd', {}, row.scope)));
}

// idOf takes the prefix of one of our keys for its id, which is the rest of it.
const idOf = (text) => text.replace(/^ap_(?=[0-9A-Za-z]{16}…?$)/, '').replace(/…$/, '');
