// SPDX-License-Identifier: Apache-2.0

// What things are called that others name by their ids.

import { get, query } from './api.js';

const atOnce = 100; // ids in one address

const everyState = ['KEY_STATE_LIVE', 'KEY_STATE_EXPIRED', 'KEY_STATE_REVOKED'];

// keysById asks for keys, in whatever state.
export async function keysById(ids, signal) {
  const keys = [];
  for (let at = 0; at < ids.length; at += atOnce) {
    keys.push(...(await get(`v1/keys${query({ ids: ids.slice(at, at + atOnce), states: everyState, pageSize: atOnce })}`, signal)).keys);
  }
  return keys;
}

async function projectsById(ids, signal) {
  const projects = [];
  for (let at = 0; at < ids.length; at += atOnce) {
    projects.push(...(await get(`v1/projects${query({ ids: ids.slice(at, at + atOnce), pageSize: atOnce })}`, signal)).projects);
  }
  return projects;
}

// names knows what things are called, as far as anybody has asked.
function names(byIds, nameOf) {
  const known = new Map();
  const doubtful = new Set(); // known as they were
  return {
    async learn(ids, signal) {
      const unknown = [...new Set(ids)].filter((one) => !known.has(one) || doubtful.has(one));
      if (unknown.length > 0) this.add(await byIds(unknown, signal));
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
