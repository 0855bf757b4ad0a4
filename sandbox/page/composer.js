/** Where one writes: text, pictures, a file; as an answer, or as the new text of an old message. */

import { act } from './api.js';
import { h, icon, iconButton, replace } from './dom.js';
import { attempt, toast } from './toast.js';
import { sizeWords, summaryWords } from './words.js';

const TEXT_LIMIT = 4096;
const CAPTION_LIMIT = 1024;
const ALBUM_LIMIT = 10;
const LARGEST = 40 << 20;
const TALLEST_PX = 160;

export class Composer {
  constructor(pane) {
    this.pane = pane;
    this.drafts = new Map();
    this.files = [];
    this.queue = Promise.resolve();
    this.input = h('textarea', {
      rows: '1',
      placeholder: 'Message',
      'aria-label': 'Message',
      testid: 'composer',
      dir: 'auto',
      autocomplete: 'off',
    });
    this.picker = h('input', {
      type: 'file',
      multiple: true,
      hidden: true,
      testid: 'file-input',
      'aria-label': 'Files to attach',
    });
    this.bar = h('div', { class: 'composer-bar', hidden: true });
    this.tray = h('div', { class: 'tray', hidden: true });
    this.sendButton = h(
      'button',
      { type: 'button', class: 'send-button', testid: 'send', 'aria-label': 'Send', title: 'Send (Enter)' },
      icon('send'),
    );
    this.node = h(
      'div',
      { class: 'composer' },
      this.bar,
      this.tray,
      h(
        'div',
        { class: 'composer-row' },
        iconButton('attach', 'Attach photos or a file', () => this.picker.click(), { testid: 'attach' }),
        this.picker,
        this.input,
        this.sendButton,
      ),
    );
    this.input.addEventListener('keydown', (event) => this.onKey(event));
    this.input.addEventListener('input', () => this.grow());
    this.input.addEventListener('paste', (event) => this.attach(event.clipboardData?.files));
    this.sendButton.addEventListener('click', () => this.send());
    this.picker.addEventListener('change', () => {
      this.attach(this.picker.files);
      this.picker.value = '';
    });
  }

  /** Another place or another person: what was begun here waits in its draft. */
  open(key) {
    if (key === this.key) return;
    if (this.key)
      this.drafts.set(this.key, {
        text: this.input.value,
        files: this.files,
        reply: this.reply,
        editing: this.editing,
      });
    this.key = key;
    const draft = this.drafts.get(key) ?? { text: '', files: [] };
    this.input.value = draft.text;
    this.files = draft.files;
    this.reply = draft.reply;
    this.editing = draft.editing;
    this.draw();
  }

  replyTo(message) {
    this.reply = message;
    this.stopEditing();
    this.draw();
    this.input.focus();
  }

  edit(message) {
    this.editing = message;
    this.reply = null;
    this.input.value = message.text;
    this.draw();
    this.input.focus();
  }

  stopEditing() {
    if (!this.editing) return;
    this.editing = null;
    this.input.value = '';
  }

  cancel() {
    this.stopEditing();
    this.reply = null;
    this.draw();
    this.input.focus();
  }

  attach(list) {
    const files = [...(list ?? [])];
    const fitting = files.filter((file) => file.size <= LARGEST);
    if (fitting.length < files.length) toast(`A file may have ${sizeWords(LARGEST)} here.`, 'error');
    this.files = [...this.files, ...fitting];
    this.draw();
    if (fitting.length) this.input.focus();
  }

  draw() {
    const subject = this.editing ?? this.reply;
    this.bar.hidden = !subject;
    if (subject) {
      replace(
        this.bar,
        icon(this.editing ? 'edit' : 'reply'),
        h(
          'span',
          { class: 'bar-words' },
          h('strong', { dir: 'auto' }, this.editing ? 'Edit message' : `Reply to ${subject.sender.name}`),
          h('span', { dir: 'auto' }, summaryWords(subject).slice(0, 120)),
        ),
        iconButton('close', 'Cancel', () => this.cancel(), { testid: 'cancel-reply' }),
      );
    }
    this.tray.hidden = !this.files.length;
    replace(
      this.tray,
      this.files.map((file) => this.chip(file)),
    );
    this.grow();
  }

  chip(file) {
    const drop = () => {
      this.files = this.files.filter((other) => other !== file);
      this.draw();
    };
    return h(
      'span',
      { class: 'tray-chip', testid: 'attachment' },
      isPicture(file) ? thumbnail(file) : icon('file'),
      h('span', { class: 'tray-name', dir: 'auto' }, file.name),
      iconButton('close', `Remove ${file.name}`, drop, { class: 'small' }),
    );
  }

  grow() {
    this.input.style.height = 'auto';
    const { scrollHeight } = this.input;
    if (scrollHeight) this.input.style.height = `${Math.min(scrollHeight + 2, TALLEST_PX)}px`;
    this.sendButton.classList.toggle('ready', Boolean(this.input.value.trim() || this.files.length));
  }

  onKey(event) {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.send();
    } else if (event.key === 'Escape' && (this.reply || this.editing)) {
      event.stopPropagation();
      this.cancel();
    }
  }

  /** One after the other, in the order in which they were sent. */
  send() {
    const text = this.input.value;
    const { files, reply, editing } = this;
    if (!text.trim() && !files.length) return;
    const { person } = this.pane;
    const where = this.pane.where();
    this.input.value = '';
    this.files = [];
    this.reply = null;
    this.editing = null;
    this.draw();
    this.input.focus();
    this.pane.conversation.scrollDown();
    this.queue = this.queue.then(() => attempt(() => deliver(person, where, { text, files, reply, editing })));
  }
}

async function deliver(person, where, { text, files, reply, editing }) {
  if (editing) return act('edit', person, { chat: where.chat, message: editing.id, text: text.trim() });
  let replyTo = reply?.id ?? null;
  let words = text.trim();
  const place = () => {
    const given = { ...where, reply_to: replyTo };
    replyTo = null;
    return given;
  };
  const caption = files.length && words.length <= CAPTION_LIMIT ? words : '';
  if (caption) words = '';
  await deliverFiles(person, place, files, caption);
  for (const part of split(words)) await act('send', person, { ...place(), text: part });
  return null;
}

async function deliverFiles(person, place, files, caption) {
  const pictures = files.every(isPicture);
  let left = caption;
  for (let at = 0; at < files.length; at += ALBUM_LIMIT) {
    const items = await Promise.all(files.slice(at, at + ALBUM_LIMIT).map((file) => item(file, pictures)));
    items[0].caption = left;
    left = '';
    if (items.length > 1) await act('send_album', person, { ...place(), items });
    else await act('send', person, { ...place(), ...items[0] });
  }
}

async function item(file, asPicture) {
  const data = await base64(file);
  if (asPicture) return { photo: data, mime_type: file.type };
  return { document: data, file_name: file.name, mime_type: file.type };
}

const isPicture = (file) => /^image\/(jpeg|png|webp|gif|avif)$/.test(file.type);

function thumbnail(file) {
  const url = URL.createObjectURL(file);
  const node = h('img', { src: url, alt: '' });
  node.addEventListener('load', () => URL.revokeObjectURL(url));
  return node;
}

function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(',') + 1));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

/** As Telegram's apps do: at a line's end or a space if there is one near, never inside a character. */
function split(text) {
  const parts = [];
  let rest = text;
  while (rest.length > TEXT_LIMIT) {
    const head = rest.slice(0, TEXT_LIMIT);
    const space = Math.max(head.lastIndexOf('\n'), head.lastIndexOf(' '));
    let at = space > TEXT_LIMIT / 2 ? space : TEXT_LIMIT;
    if (at === TEXT_LIMIT && /[\uD800-\uDBFF]/.test(head.at(-1))) at -= 1;
    parts.push(rest.slice(0, at).trim());
    rest = rest.slice(at).trim();
  }
  if (rest) parts.push(rest);
  return parts;
}
