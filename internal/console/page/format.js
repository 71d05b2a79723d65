// SPDX-License-Identifier: Apache-2.0

// What people read: times, states, and lists of names.

import { el } from './dom.js';

export const day = 24 * 3600; // in seconds
const soon = 7 * day;

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });
const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
// The units, each from how long on it is used: 90 days are no months, and 35 hours no days.
const steps = [['year', 365 * day, 700 * day], ['month', 30 * day, 91 * day], ['day', day, 1.5 * day], ['hour', 3600, 3600 * 1.5], ['minute', 60, 60]];

let slow = 0; // by how much the browser's clock is, in milliseconds

// setClock is told when the service answered, to the second. A clock that is right but for some seconds is left alone.
export function setClock(date) {
  const off = Date.parse(date) - Date.now();
  slow = Math.abs(off) > 10_000 ? off : 0; // of no date it is no number, and not more
}

// now is the time as the service has it: it says when keys expire.
export const now = () => Date.now() + slow;

// seconds returns how long it is until a time, negative for one that is over.
const seconds = (time) => (Date.parse(time) - now()) / 1000;

// ago says how far off a time is, as "3 hours ago" or "in 6 days".
export function ago(time) {
  const left = seconds(time);
  for (const [unit, length, from] of steps) {
    if (Math.abs(left) >= from) return relative.format(Math.round(left / length), unit);
  }
  return left > 0 ? 'in less than a minute' : 'just now';
}

export const exact = (time) => absolute.format(new Date(time));

const onDay = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });

// dayOf returns the day of a time, where the reader is.
export const dayOf = (time) => onDay.format(new Date(time));

// timeOf shows how far off a time is, and when exactly it is to who points at it.
export function timeOf(time, none) {
  if (!time) return el('span.faint', {}, none);
  return el('time', { datetime: time, title: exact(time) }, ago(time));
}

// datedOf shows the day of a time, and how far off it is.
export function datedOf(time, none) {
  return time ? [el('span.day', {}, dayOf(time)), el('small', {}, timeOf(time))] : timeOf(time, none);
}

// retell writes anew how far off the times in an element are.
export function retell(element) {
  for (const time of element.querySelectorAll('time')) {
    const text = ago(time.dateTime);
    if (time.textContent !== text) time.textContent = text;
  }
}

// stateOf says in a word how a key is, as it is now. The service says what it was at the time of its answer.
export function stateOf(key) {
  if (key.revokeTime) return 'revoked';
  if (!key.expireTime) return 'live';
  const left = seconds(key.expireTime);
  if (left <= 0) return 'expired';
  return left < soon ? 'soon' : 'live';
}

// sentence makes a sentence of what the service says in a line, where it is none.
export const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;

// count says how many there are of something.
export const count = (n, one) => (n === 1 ? `1 ${one}` : `${n} ${one}s`);

// wholeKey matches what is as long as a key, where an ID belongs.
export const wholeKey = /(ap_[0-9A-Za-z]{16}|ap_[\w-]{8})_[\w-]{32,}/;

// secrets matches pieces of keys that have more than may be displayed. Of our own form that is one character of the secret. What begins like
// the older form may be something else, as ap_customer_42: of it 16 characters are a piece of a secret, if small letters and capitals are among
// them. Fewer are a third of it, which helps nobody. Neither begins within a word, which %3D and the like end in an address.
const secrets = /(?<=^|[^\w-]|%[\dA-Fa-f]{2})(?:(ap_[0-9A-Za-z]{16})_[\w-]+|(ap_[\w-]{8})_(?=[\w-]*[a-z])(?=[\w-]*[A-Z])[\w-]{16,})/g;

// withoutSecret leaves of keys what may be displayed, however much of the rest is there: that is not to be sent, and stands in no list.
export const withoutSecret = (text) => text.replace(secrets, '$1$2');

// hasSecret says whether there is more of a key, where what is entered must not be changed.
export const hasSecret = (text) => withoutSecret(text) !== text;

export const stateWords = { live: 'Live', soon: 'Expires soon', expired: 'Expired', revoked: 'Revoked' };

export const accessWords = { ACCESS_LEVEL_READ: 'Read', ACCESS_LEVEL_WRITE: 'Read and write' };
