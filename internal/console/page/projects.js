// SPDX-License-Identifier: Apache-2.0

// The names of projects, and the choice of some.

import { get, query } from './api.js';
import { el, fill, icon, id, say } from './dom.js';

const atOnce = 100; // ids in one address
const offered = 50;

// projectNames knows projects by their ids, as far as anybody has asked.
export const projectNames = {
  known: new Map(),

  // learn asks for the names of projects that are not known.
  async learn(ids, signal) {
    const unknown = [...new Set(ids)].filter((one) => !this.known.has(one));
    for (let at = 0; at < unknown.length; at += atOnce) {
      const some = unknown.slice(at, at + atOnce);
      const { projects } = await get(`v1/projects${query({ ids: some, pageSize: atOnce })}`, signal);
      this.add(projects);
    }
  },

  add(projects) {
    for (const project of projects) this.known.set(project.id, project);
  },

  // of names a project, by its id where it has no name that is known.
  of(one) {
    const project = this.known.get(one);
    return project?.name || project?.slug || one;
  },
};

// projectPicker lets somebody choose projects: a box to search in, whose matches are listed below it and chosen with the arrow keys and
// Enter, and those that are chosen, each a button that takes it out again. ownerId returns whose projects they are, empty for whoever's.
export function projectPicker(ownerId) {
  const chosen = new Map();
  const listId = id('offers');
  const box = el('input', {
    type: 'text', id: id('projects'), role: 'combobox', 'aria-expanded': 'true', 'aria-controls': listId, 'aria-autocomplete': 'list',
    autocomplete: 'off', spellcheck: 'false', placeholder: 'Search projects', maxlength: '128',
  });
  const offers = el('ul.offers', { id: listId, role: 'listbox', 'aria-multiselectable': 'true', 'aria-label': 'Projects' });
  const tokens = el('ul.chosen', { 'aria-label': 'Chosen projects' });
  const root = el('div.picker', { hidden: true }, el('label.unseen', { for: box.id }, 'Search projects'), box, offers, tokens);
  let at = -1;
  let running = null;
  let typing;

  async function search() {
    running?.abort();
    running = new AbortController();
    try {
      const { projects } = await get(`v1/projects${query({
        query: box.value.trim(), orderBy: 'name', pageSize: offered, ownerId: ownerId(),
      })}`, running.signal);
      projectNames.add(projects);
      offer(projects);
    } catch (error) {
      if (error.name !== 'AbortError') fill(offers, el('li.faint', {}, error.message));
    }
  }

  function offer(projects) {
    move(-1);
    fill(offers, projects.map((project) => {
      const option = el('li', {
        role: 'option', id: id('project'), 'data-id': project.id, 'aria-selected': String(chosen.has(project.id)),
        onmousedown: (event) => event.preventDefault(), // the box keeps the focus
        onclick: () => toggle(option, project),
      }, icon('passed'), el('span', {}, project.name || project.slug, ' ', el('small', {}, project.slug)));
      return option;
    }));
    if (projects.length === 0) fill(offers, el('li.faint', { role: 'option', 'aria-disabled': 'true', 'aria-selected': 'false' }, 'No project matches'));
    else say(projects.length === 1 ? '1 project' : `${projects.length} projects`);
  }

  function toggle(option, project) {
    if (chosen.has(project.id)) chosen.delete(project.id);
    else chosen.set(project.id, project);
    option.setAttribute('aria-selected', String(chosen.has(project.id)));
    say(`${projectNames.of(project.id)} ${chosen.has(project.id) ? 'chosen' : 'not chosen'}`);
    showChosen();
    root.dispatchEvent(new Event('change', { bubbles: true }));
  }

  function showChosen() {
    fill(tokens, [...chosen.keys()].map((one) => el('li', {}, el('button', {
      type: 'button',
      onclick: () => {
        chosen.delete(one);
        offers.querySelector(`[data-id="${CSS.escape(one)}"]`)?.setAttribute('aria-selected', 'false');
        showChosen();
        (tokens.querySelector('button') ?? box).focus();
      },
    }, el('span.unseen', {}, 'Remove '), projectNames.of(one), icon('refused')))));
  }

  function move(to) {
    const options = [...offers.querySelectorAll('[data-id]')];
    at = options.length === 0 ? -1 : Math.max(-1, Math.min(to, options.length - 1));
    options.forEach((option, n) => option.classList.toggle('at', n === at));
    if (at < 0) {
      box.removeAttribute('aria-activedescendant');
      return;
    }
    box.setAttribute('aria-activedescendant', options[at].id);
    options[at].scrollIntoView({ block: 'nearest' });
  }

  box.addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(search, 150);
  });
  box.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown') move(at + 1);
    else if (event.key === 'ArrowUp') move(at - 1);
    else if (event.key === 'Enter') offers.querySelector('.at')?.click(); // and the form is not sent
    else return;
    event.preventDefault();
  });

  return {
    root,
    box,
    ids: () => [...chosen.keys()],
    // again offers anew, and forgets what is chosen: it may be another user's.
    again() {
      chosen.clear();
      showChosen();
      if (!root.hidden) search();
    },
    show(visible) {
      root.hidden = !visible;
      if (visible && offers.childElementCount === 0) search();
    },
  };
}
