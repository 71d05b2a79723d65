// SPDX-License-Identifier: Apache-2.0

// What things are called that others name by their ids.

import { get, query } from './api.js';

const atOnce = 100; // ids in one address

export const everyState = ['KEY_STATE_LIVE', 'KEY_STATE_EXPIRED', 'KEY_STATE_REVOKED'];

// byIds asks for things of a kind, "keys" or "projects".
async function byIds(kind, ids, signal, more = {}) {
  const things = [];
  for (let at = 0; at < ids.length; at += atOnce) {
    things.push(...(await get(`v1/${kind}${query({ ids: ids.slice(at, at + atOnce), pageSize: atOnce, ...more })}`, signal))[kind]);
  }
  return things;
}

// keysById asks for keys, in whatever state.
export const keysById = (ids, signal) => byIds('keys', ids, signal, { states: everyState });

const projectsById = (ids, signal) => byIds('projects', ids, signal);

// names knows what things are called, as far as anybody has asked.
function names(ask, nameOf) {
  const known = new Map();
  const doubtful = new Set(); // known as they were
  return {
    async learn(ids, signal) {
      const unknown = [...new Set(ids)].filter((one) => !known.has(one) || doubtful.has(one));
      if (unknown.length > 0) this.add(await ask(unknown, signal));
    },
    add(things) {
      for (const thing of things) {
        known.set(thing.id, nameOf(thing));
        doubtful.delete(thing.id);
      }
    },
    // of names a thing, by its id where nobody knows it.
    of: (one) => known.get(one) ?? one,
    has: (one) => known.has(one),
    // doubt asks anew for what somebody wants to learn: it may be called otherwise by now.
    doubt: () => known.forEach((_, one) => doubtful.add(one)),
  };
}

export const projectName = (project) => project.name || project.slug;

export const projectNames = names(projectsById, projectName);
export const keyNames = names(keysById, (key) => key.name);
