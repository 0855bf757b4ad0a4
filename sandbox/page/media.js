/** What a message carries besides its text: pictures, files, voices, places, polls. */

import { fileUrl } from './api.js';
import { h, icon } from './dom.js';
import { mediaWords, sizeWords } from './words.js';

const FILES = new Set(['document', 'audio', 'voice', 'video', 'video_note', 'animation']);

/** A node, or null for plain text. */
export function media(message) {
  if (message.kind === 'text') return null;
  if (message.kind === 'photo') return picture(message);
  if (message.kind === 'sticker') return h('div', { class: 'sticker' }, image(message, 'Sticker'));
  if (message.kind === 'dice')
    return h('div', { class: 'dice' }, message.details.emoji, h('small', {}, String(message.details.value)));
  if (message.kind === 'poll') return poll(message.details);
  if (FILES.has(message.kind) && message.file) return fileChip(message);
  return placeChip(message);
}

export function picture(message) {
  const node = h(
    'div',
    { class: message.spoiler ? 'picture hidden-picture' : 'picture' },
    image(message, message.text || 'Photo'),
  );
  if (message.spoiler) {
    const reveal = () => {
      node.classList.remove('hidden-picture');
      cover.remove();
    };
    const cover = h('button', { type: 'button', class: 'picture-cover', on: { click: reveal } }, 'Press to see');
    node.append(cover);
    return node;
  }
  return h(
    'a',
    {
      class: 'picture-link',
      href: fileUrl(message.file),
      target: '_blank',
      rel: 'noopener',
      'aria-label': 'Open the photo',
    },
    node,
  );
}

/** A picture that can't be shown becomes its name. */
function image(message, alt) {
  const node = h('img', { src: fileUrl(message.file), alt, loading: 'lazy', decoding: 'async' });
  node.addEventListener('error', () => node.replaceWith(h('span', { class: 'no-picture' }, mediaWords(message))));
  return node;
}

function fileChip(message) {
  const { file } = message;
  const title = file.name || mediaWords(message).replace(/^\S+ /, '');
  return h(
    'a',
    { class: `file ${message.kind}`, href: fileUrl(file), download: file.name || message.kind, testid: 'file' },
    h('span', { class: 'file-icon' }, icon('file')),
    h(
      'span',
      { class: 'file-words' },
      h('span', { class: 'file-name', dir: 'auto' }, title),
      h('small', {}, `${sizeWords(file.size)} · ${message.kind.replace('_', ' ')}`),
    ),
  );
}

function poll(details) {
  const options = details.options.map((option) =>
    h('li', { dir: 'auto' }, typeof option === 'string' ? option : option.text),
  );
  return h('div', { class: 'poll' }, h('strong', { dir: 'auto' }, details.question ?? 'Poll'), h('ul', {}, options));
}

function placeChip(message) {
  const { details } = message;
  const name = details.title ?? [details.first_name, details.last_name].filter(Boolean).join(' ');
  const more =
    details.phone_number ?? (details.latitude === undefined ? '' : `${details.latitude}, ${details.longitude}`);
  return h(
    'div',
    { class: 'place-chip' },
    h('strong', {}, mediaWords(message)),
    name && h('span', { dir: 'auto' }, name),
    more && h('small', {}, more),
  );
}
