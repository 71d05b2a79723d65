// SPDX-License-Identifier: Apache-2.0

// Why was this refused?

import { post } from './api.js';
import { el, fill, icon, id, say } from './dom.js';
import { busyButton, field, notice } from './dialog.js';
import { accessWords, hasSecret, sentence, stateOf, stateWords, wholeKey, withoutSecret } from './format.js';

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
  CHECK_NAME_CREDENTIAL: 'Key or session',
  CHECK_NAME_CALLER: 'Caller',
  CHECK_NAME_ACCESS: 'Access',
  CHECK_NAME_PROJECT: 'Project',
  CHECK_NAME_TARGET: 'Project to transfer to',
};

// explainView asks about a request, and shows how it would be decided.
export function explainView(visitor, given, remember) {
  const method = el('input', { type: 'text', id: id('method'), list: id('methods'), value: given.get('method') ?? 'GET', autocomplete: 'off', spellcheck: 'false' });
  const methods = el('datalist', { id: method.getAttribute('list') }, ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'].map((one) => el('option', { value: one })));
  const path = el('input', { type: 'text', id: id('path'), placeholder: '/api/projects/…', value: given.get('path') ?? '', autocomplete: 'off', spellcheck: 'false' });
  const key = el('input', { type: 'text', id: id('key'), value: given.get('key') ?? '', autocomplete: 'off', spellcheck: 'false' });
  const target = el('input', { type: 'text', id: id('target'), value: given.get('target') ?? '', autocomplete: 'off', spellcheck: 'false' });
  const boxes = { method, path, keyId: key, targetProjectId: target };
  const fields = {
    method: field('Method', method),
    path: field('Path', path, { hint: 'As it was sent, with the query. Or the whole URL.' }),
    keyId: field('ID of the key', key, { hint: 'Never the key itself. Empty: without a key.' }),
    targetProjectId: field('Project to transfer to', target, { hint: 'The ID of the project that the body of the request names.' }),
  };
  const showTarget = () => { fields.targetProjectId.root.hidden = !/\/transfer(\?|$)/.test(path.value); };
  path.addEventListener('input', showTarget);
  showTarget();
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
    path.value = pathOf(path.value);
    showTarget();
    fill(answer);
    const wrong = Object.keys(boxes).find((one) => boxes[one] !== key && hasSecret(boxes[one].value));
    if (wrong) { // it goes nowhere
      boxes[wrong].value = withoutSecret(boxes[wrong].value);
      fields[wrong].fault('That had a key in it, of which no more is left than may be shown. Is this what you ask about?', true);
    } else if (wholeKey.test(key.value)) { // nor does this
      key.value = '';
      fields.keyId.fault('That was a whole key. Paste its ID, never the key.', true);
    } else if (path.value === '') fields.path.fault('Paste the path that was refused.', true);
    else {
      key.value = withoutSecret(key.value); // of which a piece may be there
      remember({ method: method.value, path: path.value, key: key.value, target: target.value });
      await tell({
        method: method.value.trim(), path: path.value, ...(key.value.trim() && { keyId: idOf(key.value.trim()) }),
        ...(!fields.targetProjectId.root.hidden && target.value.trim() && { targetProjectId: target.value.trim() }),
      });
    }
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
      else fill(answer, el('div.told', {}, notice('bad', error.message)));
    }
  }

  return {
    root,
    title: 'Why was this refused?',
    shown() {
      if (given.get('path')) button.click();
      else if (given.get('key')) path.focus();
    },
    changed() {},
    tick() {},
    close() {},
  };
}

// pathOf takes blanks away that were pasted along, and of a whole URL what a client sends as the path: all but where to, and what is for browsers alone.
const pathOf = (text) => text.trim().replace(/^https?:\/\/[^/?#]*([^#]*)(#.*)?$/i, (_, sent) => (sent.startsWith('/') ? sent : `/${sent}`));

const verdictOf = ({ allowed, denial }) => (allowed ? 'Allowed' : `${denial.httpStatus} ${denial.message}`);

// explanation shows what the service has told of a decision.
function explanation(told, verdict) {
  const { allowed } = told.decision;
  return [
    el(`p.verdict${allowed ? '.allowed' : ''}`, {}, icon(allowed ? 'passed' : 'refused'), el('strong', {}, verdict)),
    el('div.told', {},
      card('Checks, in their order', el('ol.checks', {}, together(told.checks).map(check))),
      el('div', {},
        told.remedies.length > 0 && card('What would change it', el('ul', {}, told.remedies.map((text) => el('li', {}, sentence(text))))),
        told.key && named(told.key),
        told.route && route(told.route)))];
}

// together makes one of checks in a row of which the same is said, as of those that were not reached.
function together(checks) {
  const all = [];
  for (const { name, outcome, text } of checks) {
    const last = all.at(-1);
    if (last && last.outcome === outcome && last.text === text) last.names.push(names[name] ?? name);
    else all.push({ names: [names[name] ?? name], outcome, text });
  }
  return all;
}

function check(one) {
  const [kind, words] = outcomes[one.outcome] ?? ['skipped', one.outcome];
  return el(`li.${kind}`, {}, icon(kind), el('div', {}, el('b', {}, one.names.join(', '), el('span.unseen', {}, `: ${words}`)), el('span', {}, sentence(one.text))));
}

const card = (label, ...content) => el('section.sheet', { 'aria-label': label }, el('h2', {}, label), ...content);

const rowsOf = (...rows) => el('dl', {}, rows.filter(([, value]) => value).map(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]).flat());

// named says which key it was.
function named(key) {
  return card('The key', rowsOf(['Name', el('bdi', {}, key.name)], ['Prefix', el('code', {}, `${key.prefix}…`)], ['User', key.userId],
    ['Access', accessWords[key.accessLevel]], ['State', stateWords[stateOf(key)]]));
}

const who = { public: 'Anybody', browser: 'Browsers, to sign in', session: 'Browser sessions', owner: 'Browser sessions of owners', any: 'Keys and browser sessions' };

const scopes = {
  '-': 'Nothing in particular', 'project-list': 'The list of projects', 'project-create': 'A new project', project: 'A project', 'project-slug': 'A project, by its slug',
  service: 'The project of a service', deployment: 'The project of a deployment', 'service-transfer': 'The project of a service, and the one that it goes to',
};

function route(row) {
  return card('The row that made it', rowsOf(['Line', String(row.line)], ['Method', el('code', {}, row.method)], ['Pattern', el('code', {}, row.pattern)],
    ['Who may call', who[row.who] ?? row.who], ['What it reaches', scopes[row.scope] ?? row.scope]));
}

// idOf takes the prefix of one of our keys for its id, which is the rest of it.
const idOf = (text) => text.replace(/^ap_(?=[0-9A-Za-z]{16}…?$)/, '').replace(/…$/, '');
