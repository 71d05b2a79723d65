// SPDX-License-Identifier: Apache-2.0

// The choice of some projects: a box to search in, whose matches are listed below it and chosen with the arrow keys and Enter, and those that
// are chosen, each a button that takes it out again.

import { get, query } from './api.js';
import { el, fill, icon, id, say } from './dom.js';
import { count, withoutSecret } from './format.js';
import { projectName, projectNames } from './names.js';

const offered = 50;

// projectPicker lets somebody choose projects. ownerId returns whose they are, empty for whoever's.
export function projectPicker(ownerId) {
  const chosen = new Set();
  const offers = offerList((one) => choose(one, !chosen.has(one)));
  const tokens = el('ul.chosen', { 'aria-label': 'Chosen projects' });
  let running = null;
  let typing;
  const box = el('input', {
    type: 'text', id: id('projects'), role: 'combobox', 'aria-expanded': 'true', 'aria-controls': offers.root.id, 'aria-autocomplete': 'list',
    autocomplete: 'off', spellcheck: 'false', placeholder: 'Search projects',
    oninput() {
      clearTimeout(typing);
      box.value = withoutSecret(box.value).slice(0, 128);
      typing = setTimeout(search, 150);
    },
    onkeydown(event) {
      if (event.key === 'ArrowDown') offers.move(1, box);
      else if (event.key === 'ArrowUp') offers.move(-1, box);
      else if (event.key === 'Enter') offers.choose(); // and the form is not sent
      else if (event.key === 'Escape' && box.value) { // and the dialog stays
        box.value = '';
        search();
      }
      else return;
      event.preventDefault();
    },
  });
  const root = el('div.picker', { hidden: true }, el('label.unseen', { for: box.id }, 'Search projects'), box, offers.root, tokens);

  async function search() {
    running?.abort();
    running = new AbortController();
    try {
      const { projects, nextPageToken } = await get(`v1/projects${query({ query: box.value.trim(), orderBy: 'name', pageSize: offered, ownerId: ownerId() })}`, running.signal);
      projectNames.add(projects);
      offers.show(projects, chosen, nextPageToken !== '', box);
    } catch (error) {
      if (error.name !== 'AbortError') offers.hint(error.message);
    }
  }

  // choose takes a project in, or out again.
  function choose(one, on) {
    if (on) chosen.add(one);
    else chosen.delete(one);
    offers.mark(one, on);
    say(`${projectNames.of(one)} ${on ? 'chosen' : 'not chosen'}`);
    fill(tokens, [...chosen].map((each) => el('li', {}, el('button', { type: 'button', onclick: () => takeOut(each) },
      el('span.unseen', {}, 'Remove '), el('span.long', { title: projectNames.of(each) }, projectNames.of(each)), icon('refused')))));
    root.dispatchEvent(new Event('change', { bubbles: true }));
  }

  function takeOut(one) {
    choose(one, false);
    (tokens.querySelector('button') ?? box).focus();
  }

  return {
    root,
    box,
    ids: () => [...chosen],
    // again offers another user's projects, and returns how many were chosen and are not any more.
    again() {
      const n = chosen.size;
      chosen.clear();
      fill(tokens);
      if (!root.hidden) search();
      return n;
    },
    show(visible) {
      root.hidden = !visible;
      if (!visible || offers.root.childElementCount > 0) return;
      offers.hint('Loading…');
      search();
    },
  };
}

// offerList lists projects, one of which may be the one that Enter chooses. The focus stays in the box.
function offerList(choose) {
  const root = el('ul.offers', { id: id('offers'), role: 'listbox', tabindex: '-1', 'aria-multiselectable': 'true', 'aria-label': 'Projects' });
  let at = -1;
  const options = () => [...root.querySelectorAll('[data-id]')];
  const hintOf = (text) => el('li.faint', { role: 'option', 'aria-disabled': 'true', 'aria-selected': 'false' }, text);

  function goTo(to, box) {
    const all = options();
    at = Math.max(-1, Math.min(to, all.length - 1));
    all.forEach((option, n) => option.classList.toggle('at', n === at));
    if (at < 0) box.removeAttribute('aria-activedescendant');
    else {
      box.setAttribute('aria-activedescendant', all[at].id);
      all[at].scrollIntoView({ block: 'nearest' });
    }
  }

  return {
    root,
    show(projects, chosen, more, box) {
      const none = box.value.trim() ? 'No project matches' : 'There are no projects to choose from';
      fill(root, projects.map((project) => el('li', {
        role: 'option', id: id('project'), 'data-id': project.id, 'aria-selected': String(chosen.has(project.id)),
        onmousedown: (event) => event.preventDefault(), // the box keeps the focus
        onclick: () => choose(project.id),
      }, icon('passed'), el('span.long', {}, projectName(project), ' ', project.name && el('small', {}, project.slug)))),
      projects.length === 0 && hintOf(none),
      more && hintOf('There are more: search for them.'));
      goTo(-1, box);
      say(projects.length === 0 ? none : count(projects.length, 'project'));
    },
    hint: (text) => fill(root, hintOf(text)),
    mark: (one, on) => root.querySelector(`[data-id="${CSS.escape(one)}"]`)?.setAttribute('aria-selected', String(on)),
    move: (by, box) => goTo(at + by, box),
    choose: () => options()[at]?.click(),
  };
}
