/** Files as messages: of what kind each is, how it gets to the sandbox, and samples for those who have none. */

import { act } from './api.js';

const ALBUM_LIMIT = 10;
const PICTURE = /^image\/(jpeg|png|webp|avif)$/;
const SIZE_PX = 240;
const RECORDED_MS = 1200;
const TONE = { rate: 8000, seconds: 2, pitch: 330 };

export const isPicture = (file) => PICTURE.test(file.type) || file.type === 'image/gif';

function kindOf(file) {
  if (PICTURE.test(file.type)) return 'photo';
  if (file.type === 'image/gif') return 'animation';
  const [family] = file.type.split('/');
  return family === 'video' || family === 'audio' ? family : 'document';
}

/** What Telegram puts into one album: pictures and films, or audio files; all else goes as documents. */
function kindsOf(files) {
  const kinds = files.map(kindOf);
  const fits = (allowed) => kinds.every((kind) => allowed.includes(kind));
  return files.length === 1 || fits(['photo', 'video']) || fits(['audio']) ? kinds : kinds.map(() => 'document');
}

/** One message's content for the sandbox. */
export async function contentOf(file, kind = kindOf(file)) {
  return { [kind]: await base64(file), file_name: kind === 'photo' ? '' : file.name, mime_type: file.type };
}

/** `place()` says where each goes; the caption stands at the first. */
export async function deliverFiles(person, place, files, caption, asDocuments) {
  const kinds = asDocuments ? files.map(() => 'document') : kindsOf(files);
  for (let at = 0; at < files.length; at += ALBUM_LIMIT) {
    const part = files.slice(at, at + ALBUM_LIMIT);
    const items = await Promise.all(part.map((file, index) => contentOf(file, kinds[at + index])));
    if (at === 0) items[0].caption = caption;
    if (items.length > 1) await act('send_album', person, { ...place(), items });
    else await act('send', person, { ...place(), ...items[0] });
  }
}

/** A real file of that kind, made here: a tone, a drawing, a film of a moving dot. */
export async function sample(kind) {
  if (kind === 'voice' || kind === 'audio') return contentOf(tone(), kind);
  if (kind === 'sticker') return contentOf(await drawing(), kind);
  return contentOf(await film(), kind);
}

function tone() {
  const count = TONE.rate * TONE.seconds;
  const view = new DataView(new ArrayBuffer(44 + count));
  const word = (at, text) => [...text].forEach((letter, index) => view.setUint8(at + index, letter.charCodeAt(0)));
  word(0, 'RIFF');
  view.setUint32(4, 36 + count, true);
  word(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, TONE.rate, true);
  view.setUint32(28, TONE.rate, true);
  view.setUint16(32, 1, true);
  view.setUint16(34, 8, true);
  word(36, 'data');
  view.setUint32(40, count, true);
  for (let at = 0; at < count; at += 1)
    view.setUint8(44 + at, 128 + 60 * Math.sin((at / TONE.rate) * TONE.pitch * 2 * Math.PI));
  return new File([view], 'tone.wav', { type: 'audio/wav' });
}

function canvas() {
  const node = document.createElement('canvas');
  node.width = SIZE_PX;
  node.height = SIZE_PX;
  return node;
}

function drawing() {
  const node = canvas();
  const pen = node.getContext('2d');
  pen.font = `${SIZE_PX * 0.75}px sans-serif`;
  pen.textAlign = 'center';
  pen.textBaseline = 'middle';
  pen.fillText('🦊', SIZE_PX / 2, SIZE_PX / 2);
  return new Promise((resolve) => {
    node.toBlob((blob) => resolve(new File([blob], 'fox.webp', { type: 'image/webp' })), 'image/webp');
  });
}

function film() {
  const node = canvas();
  const pen = node.getContext('2d');
  let step = 0;
  const draw = () => {
    step += 1;
    pen.fillStyle = '#2b3a67';
    pen.fillRect(0, 0, SIZE_PX, SIZE_PX);
    pen.fillStyle = '#ffd67e';
    pen.beginPath();
    pen.arc(SIZE_PX / 2 + 70 * Math.cos(step / 5), SIZE_PX / 2 + 70 * Math.sin(step / 5), 24, 0, 2 * Math.PI);
    pen.fill();
  };
  draw();
  const recorder = new MediaRecorder(node.captureStream(25), { mimeType: 'video/webm' });
  const parts = [];
  recorder.addEventListener('dataavailable', ({ data }) => parts.push(data));
  return new Promise((resolve) => {
    const timer = setInterval(draw, 40);
    recorder.addEventListener('stop', () => {
      clearInterval(timer);
      resolve(new File(parts, 'dot.webm', { type: 'video/webm' }));
    });
    recorder.start();
    setTimeout(() => recorder.stop(), RECORDED_MS);
  });
}

function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(',') + 1));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}
