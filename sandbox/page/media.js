/** What a message carries besides its text: pictures, films, voices, files; all else is a card. */

import { fileUrl } from './api.js';
import { card } from './cards.js';
import { h, icon } from './dom.js';
import { mediaWords, sizeWords } from './words.js';

const PLAYED = new Set(['audio', 'voice', 'video', 'video_note', 'animation', 'live_photo']);

/** A node, or null for plain text. */
export function media(message) {
  if (message.kind === 'text') return null;
  if (message.kind === 'photo') return picture(message);
  if (message.kind === 'sticker') return h('div', { class: 'sticker' }, image(message, 'Sticker'));
  if (message.kind === 'dice')
    return h('div', { class: 'dice' }, message.details.emoji, h('small', {}, String(message.details.value)));
  if (PLAYED.has(message.kind) && message.file) return player(message);
  return message.file ? fileChip(message) : card(message);
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

/** Heard or seen in place; what this browser can't play is a file to download. */
function player(message) {
  const isSound = message.kind === 'audio' || message.kind === 'voice';
  if (message.kind === 'video_note') return roundFilm(message);
  const moves = message.kind === 'animation';
  const about = { src: fileUrl(message.file), preload: 'metadata', 'aria-label': mediaWords(message) };
  const node = isSound
    ? h('audio', { ...about, controls: true })
    : h('video', { ...about, class: message.kind, controls: !moves, muted: moves, autoplay: moves, loop: moves });
  node.muted = moves;
  node.addEventListener('error', () => node.replaceWith(fileChip(message)));
  if (!isSound || message.kind === 'voice') return node;
  return h('div', { class: 'music' }, h('span', { class: 'file-name', dir: 'auto' }, message.file.name), node);
}

/** Plays when it is pressed: its rim has no room for controls. */
function roundFilm(message) {
  const film = h('video', { src: fileUrl(message.file), class: 'video_note', preload: 'metadata' });
  const click = () => (film.paused ? film.play() : film.pause());
  const node = h('button', { type: 'button', 'aria-label': 'Play the video message', title: 'Play', on: { click } }, film);
  film.addEventListener('error', () => node.replaceWith(fileChip(message)));
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
