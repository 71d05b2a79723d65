// SPDX-License-Identifier: Apache-2.0

// Elements. Whatever comes from elsewhere becomes text, and never markup: nothing here or in the other files parses any.

// el makes an element: of a tag with classes ("p.note"), with attributes, and what is in it. An attribute whose name begins with "on" is a
// listener; one that is false, null or undefined is left out.
export function el(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split('.');
  const made = document.createElement(name);
  if (classes.length > 0) made.className = classes.join(' ');
  for (const [key, value] of Object.entries(attributes)) set(made, key, value);
  made.append(...kept(children));
  return made;
}

function set(element, key, value) {
  if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
  else if (value === true) element.setAttribute(key, '');
  else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
}

// kept leaves out what stands for nothing.
const kept = (children) => children.flat().filter((child) => child !== null && child !== undefined && child !== false);

// fill replaces what is in an element.
export function fill(element, ...children) {
  element.replaceChildren(...kept(children));
}

let ids = 0;
// id returns an id that no other element has.
export function id(prefix) {
  ids += 1;
  return `${prefix}-${ids}`;
}

// say tells who cannot see the page what has happened on it. While a dialog is open nothing else is heard than what is in it.
export function say(text) {
  const said = [...document.querySelectorAll('dialog[open] > .said')].at(-1) ?? document.getElementById('said');
  said.textContent = '';
  requestAnimationFrame(() => { said.textContent = text; }); // the same text twice is said twice
}

// toast shows for some seconds what has happened, and says it. It can be read for as long as the pointer rests on it.
export function toast(text) {
  say(text);
  const made = el('p.toast', {}, text);
  let left;
  const leave = () => { left = setTimeout(() => made.remove(), 6000); };
  made.addEventListener('pointerenter', () => clearTimeout(left));
  made.addEventListener('pointerleave', leave);
  leave();
  document.getElementById('toasts').append(made);
}

// icon draws one of a few pictures, which say nothing that is not beside them in words.
export function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  for (const [key, value] of Object.entries({ viewBox: '0 0 16 16', class: 'icon', 'aria-hidden': 'true' })) svg.setAttribute(key, value);
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', pictures[name]);
  svg.append(path);
  return svg;
}

const pictures = {
  plus: 'M8 3v10M3 8h10',
  copy: 'M6 6h7v7H6zM10 6V3H3v7h3',
  passed: 'M3 8.5l3.2 3.2L13 4.8',
  refused: 'M4 4l8 8M12 4l-8 8',
  skipped: 'M4 8h8',
  warning: 'M8 2.5l6 11H2zM8 6.5v3.2M8 11.4v.2',
  key: 'M5.5 10.5a2.5 2.5 0 1 1 2.3-3.4H14v2.4M11.5 7v2',
};
