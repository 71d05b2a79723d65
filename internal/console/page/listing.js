// SPDX-License-Identifier: Apache-2.0

// The sheet that a list is shown in: its bones at first, then what came or why it cannot be shown, and below it how much there is.

import { el, fill, say } from './dom.js';
import { notice } from './dialog.js';
import { failed, skeleton } from './states.js';

// page is how much of a list is asked for at first, and more each time.
export const page = 50;

// listing makes the sheet of a table. label says what it is a list of.
export function listing(label, columns) {
  const body = el('tbody', { role: 'rowgroup' });
  const table = el('div.scroll', { tabindex: '0', role: 'region', 'aria-label': label }, el('table', { role: 'table', 'aria-label': label },
    el('thead', { role: 'rowgroup' }, el('tr', { role: 'row' },
      columns.map((name) => el('th', { role: 'columnheader', scope: 'col' }, name || el('span.unseen', {}, 'What to do'))))),
    body));
  const more = el('div.more', {});
  const old = el('div.old', { hidden: true }, notice('warning', 'The list could not be brought up to date, and is shown as it was. ',
    el('button.quiet.small', { type: 'button', onclick: () => retry() }, 'Try again')));
  const sheet = el('div.sheet', { 'aria-busy': 'true' }, skeleton(columns.length));
  let running = null; // the work under way
  let next = null; // what to do when it is done
  let told = ''; // what more says
  let goOn = null; // what its button does
  let retry = null; // what failed last

  // load does work, one at a time: a later one takes the place of one that is under way. If it fails, what is shown stays where it is still
  // what is asked for; otherwise it says so, and again tries it again.
  async function load(work, again, still) {
    running?.abort();
    const mine = new AbortController();
    running = mine;
    next = null;
    sheet.setAttribute('aria-busy', 'true');
    try {
      const instead = await work(mine.signal);
      if (instead) fill(sheet, instead);
      else if (sheet.firstChild !== table) fill(sheet, table, more);
      settle();
    } catch (error) {
      if (error.name === 'AbortError') return;
      if (still && sheet.firstChild === table) {
        if (old.hidden) say('The list could not be brought up to date.');
        old.hidden = false;
        retry = again;
      } else fill(sheet, failed(error, again));
    } finally {
      if (running === mine) {
        running = null;
        sheet.setAttribute('aria-busy', 'false');
        next?.();
      }
    }
  }

  // settle takes the notice away that the list is old, but not from under who is on it.
  function settle() {
    if (old.contains(document.activeElement)) table.focus();
    old.hidden = true;
  }

  return {
    root: el('div', {}, old, sheet),
    body,
    load,
    // soon does something when nothing is under way any more.
    soon(work) {
      if (running) next = work;
      else work();
    },
    // tell says how much is shown, and offers more of it. Where that is the same as before, what somebody may be about to press stays.
    tell(text, further) {
      goOn = further;
      if (told === text + Boolean(further)) return;
      told = text + Boolean(further);
      const had = more.contains(document.activeElement);
      const button = further && el('button', { type: 'button', onclick: () => goOn() }, `Show ${page} more`);
      const shown = el('span', { tabindex: '-1' }, text);
      fill(more, shown, button);
      if (had) {
        say(text);
        (button || shown).focus();
      }
    },
    close() {
      next = null;
      running?.abort();
    },
  };
}

// cell is one of a row, which says what it is of on a small screen, where there is no head.
export const cell = (of, ...content) => el('td', { role: 'cell', 'data-of': of }, el('div', {}, ...content));
