// SPDX-License-Identifier: Apache-2.0

// Calls of the service. Addresses are relative to the page, which may stand behind a proxy that has it elsewhere.

import { sentence, setClock } from './format.js';

// Of these the service says that nothing was changed.
const unchanged = ['DISK_FULL', 'OVERLOADED', 'STORE_UNAVAILABLE'];

// A Failure is a call that came to nothing: what the service says of it, and which fields are at fault.
class Failure extends Error {
  constructor(status, answer) {
    super(status === 401 ? 'You are signed out. Sign in again in another tab, and try once more.' : answer?.message ? sentence(answer.message) : wordsFor(status));
    this.status = status;
    this.fields = new Map();
    for (const detail of answer?.details ?? []) {
      if (detail.reason) this.reason = detail.reason;
      for (const violation of detail.fieldViolations ?? []) {
        if (!this.fields.has(violation.field)) this.fields.set(violation.field, violation.description);
      }
    }
  }

  // unknown: it may have been done all the same.
  get unknown() { return (this.status === 0 || this.status >= 500) && !unchanged.includes(this.reason); }
}

function wordsFor(status) {
  if (status === 0) return 'The service cannot be reached.';
  if (status >= 500) return 'The service cannot answer just now.';
  return `The service answered ${status}.`;
}

async function call(method, path, body, signal) {
  let answer;
  let response;
  try {
    response = await fetch(path, {
      method,
      signal,
      cache: 'no-store',
      headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    setClock(response.headers.get('Date'));
    answer = await response.json();
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Failure(response?.ok === false ? response.status : 0);
  }
  if (!response.ok) throw new Failure(response.status, answer);
  return answer;
}

export const get = (path, signal) => call('GET', path, undefined, signal);
export const post = (path, body = {}, signal) => call('POST', path, body, signal);

// query writes parameters, of which lists are repeated and empty ones are left out.
export function query(parameters) {
  const written = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of [value].flat()) {
      if (one !== undefined && one !== null && one !== '') written.append(name, one);
    }
  }
  const text = written.toString();
  return text && `?${text}`;
}
