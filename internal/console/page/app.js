// SPDX-License-Identifier: Apache-2.0

// The page for API access: who looks at it, and that what it shows is so.

import { get, post } from './api.js';
import { closeAll } from './dialog.js';
import { el, fill, say, toast } from './dom.js';
import { exact } from './format.js';
import { keyNames, projectNames } from './names.js';
import { blank, failed } from './states.js';
import * as views from './views.js';

let visitor = null;
let stream = null;
let soon = null; // the timer of a change that is to be shown
let heard = ''; // the change that was heard of last
let latest = 0; // when what is shown was last brought up to date
let tries = 0; // to open the stream again
let code = null; // of a link, until it was exchanged
let usedLink = false;
let alone = false; // an administrator's link was used: Aeroplane need not be at this address

const place = document.getElementById('view');

async function start() {
  place.setAttribute('aria-busy', 'true');
  try {
    await signIn();
    visitor = await get('session');
    if (usedLink) toast('That link was used already, or is too old. You were signed in before.');
    usedLink = false;
  } catch (error) {
    stop();
    if (error.status === 401) notSignedIn();
    else fill(place, el('div.head', {}, el('h1', {}, 'API Access')), el('div.sheet', {}, failed(error, start)));
    return;
  } finally {
    place.setAttribute('aria-busy', 'false');
  }
  showVisitor();
  views.show(visitor);
  listen();
}

// signIn uses the code of a link that aeroplane-authz console has printed, which must not stay in the address.
async function signIn() {
  const given = new URLSearchParams(window.location.hash.slice(1)).get('code');
  if (given) {
    [code, alone] = [given, true];
    window.history.replaceState(null, '', `${window.location.pathname}#keys`);
  }
  if (!code) return;
  try {
    await post('sign-in', { code });
  } catch (error) {
    if (error.status !== 401) throw error; // and it is tried again with the same
    usedLink = true; // which does no harm to who is signed in already
  }
  code = null;
}

function stop() {
  stream?.close();
  views.forget();
  [visitor, stream] = [null, null];
  fill(document.getElementById('who'));
}

function notSignedIn() {
  document.title = 'Not signed in · API Access · Aeroplane';
  const command = () => el('code', {}, 'aeroplane-authz console');
  fill(place, el('div.head', {}, el('h1', {}, 'API Access')), el('div.sheet', {}, blank('key', 'You are not signed in', usedLink
    ? ['The link was used already, or is older than a minute. Print another with ', command(), '.']
    : ['Log in to Aeroplane first, in this browser, and come back. Where there is no login, an administrator prints a link to this page with ', command(), '.'],
  el('button', { type: 'button', onclick: start }, 'Try again'))));
  if (!alone) offerAeroplane(place.querySelector('.ends'));
  place.querySelector('h2').tabIndex = -1;
  place.querySelector('h2').focus(); // what had it is gone
  say('You are not signed in');
}

// offerAeroplane links to Aeroplane where it is at this address, as a proxy has it that parts the two by their paths: the service alone has no
// front page.
async function offerAeroplane(ends) {
  const front = await fetch('/', { method: 'HEAD' }).catch(() => null);
  if (front?.ok && front.headers.get('Content-Type')?.startsWith('text/html')) ends.prepend(el('a.button', { href: '/' }, 'Go to Aeroplane'));
}

function showVisitor() {
  const who = document.getElementById('who');
  const aeroplane = visitor.role !== 'administrator' && el('a', { href: '/' }, 'Aeroplane'); // else it may be elsewhere
  fill(document.getElementById('home'), aeroplane || 'Aeroplane');
  if (visitor.role === 'administrator') {
    fill(who, el('span', { title: `Until ${exact(visitor.expiresAt)}` }, 'Administrator'),
      el('button.quiet.small', { type: 'button', onclick: signOut }, 'Sign out'));
  } else {
    fill(who, visitor.userId && el('span', {}, visitor.userId, visitor.role === 'owner' && ' (owner)'));
  }
}

async function signOut() {
  try {
    await post('sign-out');
    start();
  } catch (error) {
    toast(`You are still signed in. ${error.message}`);
  }
}

// listen hears of changes. The browser opens the stream anew when it ends; what was missed meanwhile is asked for then.
function listen() {
  stream?.close();
  stream = new EventSource('live');
  stream.addEventListener('open', () => { tries = 0; });
  stream.addEventListener('change', (event) => {
    if (event.data === heard) return; // as a stream says at first, to who may have missed something
    heard = event.data;
    // Of many that come together one is enough, and of many that go on coming one in a while: all open pages hear of each.
    soon ??= setTimeout(changed, Math.max(100, latest + (1 + Math.random()) * 1000 - Date.now()));
  });
  stream.addEventListener('ended', start);
  stream.addEventListener('error', () => {
    if (stream?.readyState === EventSource.CLOSED) later(); // the answer was no stream, and the browser leaves it at that
  });
}

// later opens the stream again: after two seconds and then less and less often, and not all pages at once.
function later() {
  tries += 1;
  setTimeout(again, Math.min(2 ** tries, 60) * 1000 * (1 + Math.random() / 2));
}

async function again() {
  if (!visitor || hidden()) return;
  try {
    await get('session');
    listen();
  } catch (error) {
    if (error.status === 401 || error.status === 403) start();
    else later();
  }
}

function changed() {
  clearTimeout(soon);
  soon = null;
  latest = Date.now();
  projectNames.doubt();
  keyNames.doubt();
  views.changed();
}

window.addEventListener('hashchange', (event) => {
  const hash = window.location.hash;
  if (hash === '#main') return; // the link that skips to the content
  if (!closeAll()) window.history.replaceState(null, '', event.oldURL); // something is under way that has to be seen to its end
  else if (new URLSearchParams(hash.slice(1)).has('code')) start();
  else if (visitor) views.show(visitor);
});

const hidden = () => document.visibilityState === 'hidden';

// Times grow older, and when keys were last used comes without a change. A page that nobody looks at asks for nothing, and keeps no connection:
// a browser has six for all of a site's pages, where there is no TLS.
setInterval(views.tick, 15_000);
setInterval(() => { if (!hidden()) views.changed(); }, 30_000);
document.addEventListener('visibilitychange', () => {
  if (!visitor) return;
  if (hidden()) {
    stream?.close();
    return;
  }
  listen();
  changed();
});

start();
