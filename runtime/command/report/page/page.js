'use strict';
// The page is drawn from the JSON in #data. Parts whose data is missing are left out.
const data = JSON.parse(document.getElementById('data').textContent);
const state = {at: 0, use: 0}; // the SubNet, and the command that is shown for it

// Elements.

function add(parent, name, attrs = {}, ...children) {
  const e = document.createElement(name);
  return fill(parent, e, attrs, children);
}
function draw(parent, name, attrs = {}, ...children) {
  const e = document.createElementNS('http://www.w3.org/2000/svg', name);
  return fill(parent, e, attrs, children);
}
function fill(parent, e, attrs, children) {
  for (const [k, v] of Object.entries(attrs)) e.setAttribute(k, v);
  e.append(...children);
  if (parent) parent.append(e);
  return e;
}
function section(id, title, text) {
  const s = add(document.getElementById('main'), 'section', {id, 'aria-labelledby': id + '-title'});
  add(s, 'h2', {id: id + '-title'}, title);
  if (text) add(s, 'p', {}, text);
  add(document.getElementById('nav'), 'a', {href: '#' + id}, title);
  return s;
}
function table(parent, summary, head, rows) {
  const d = add(parent, 'details');
  add(d, 'summary', {}, summary);
  const t = add(add(d, 'div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': summary}), 'table');
  const h = add(add(t, 'thead'), 'tr');
  const numeric = head.map((_, i) => rows.every(r => typeof r[i] === 'string' && /^[-−+]?[\d.,]+( %)?$|^$/.test(r[i])));
  head.forEach((x, i) => add(h, 'th', numeric[i] ? {scope: 'col', class: 'number'} : {scope: 'col'}, x));
  const b = add(t, 'tbody');
  for (const r of rows) {
    const line = add(b, 'tr');
    r.forEach((x, i) => add(line, 'td', numeric[i] ? {class: 'number'} : {}, x));
  }
  return b;
}

// Numbers.

const percent = (x, digits = 2) => (100 * x).toFixed(digits);
// What is shown as accuracy: values of the page's metric, in percent unless they are raw.
const metricName = () => data.metric.name || 'accuracy';
const metricAxis = () => metricName() + (data.metric.raw ? '' : ', %');
const shown = x => data.metric.raw ? x : 100 * x;
const value = x => data.metric.raw ? x.toFixed(4) : percent(x) + ' %';
const ms = x => x >= 100 ? x.toFixed(1) : x >= 1 ? x.toFixed(3) : x.toFixed(4);
function count(n) {
  for (const [unit, size] of [['G', 1e9], ['M', 1e6], ['k', 1e3]]) if (n >= size) return (n / size).toFixed(n >= 100 * size ? 0 : n >= 10 * size ? 1 : 2) + ' ' + unit;
  return String(n);
}
const bytes = n => n >= 1 << 20 ? (n / (1 << 20)).toFixed(2) + ' MiB' : (n / 1024).toFixed(0) + ' KiB';
// ticks are round numbers that divide an interval in about n parts.
function ticks(lo, hi, n) {
  const raw = (hi - lo) / n, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map(x => x * power).find(x => x >= raw * .999);
  const out = [];
  for (let k = Math.ceil(lo / step - 1e-9); k * step <= hi + step * 1e-9; k++) out.push(k * step);
  return {values: out, text: v => v.toFixed(Math.max(0, Math.ceil(-Math.log10(step) - 1e-9) + (String(step / power).startsWith('2.5') ? 1 : 0)))};
}

// Figures.

// figure makes a drawing of a size, with buttons that save it.
function figure(parent, name, label, width, height, wide) {
  const f = add(parent, 'figure', {id: 'figure-' + name});
  const box = add(f, 'div', {class: 'scroll'});
  const svg = draw(box, 'svg', {viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label});
  if (wide) svg.style.minWidth = Math.min(width, 760) + 'px';
  else svg.style.maxWidth = 1.1 * width + 'px';
  const tools = add(f, 'div', {class: 'tools'});
  add(tools, 'span', {class: 'space'});
  for (const kind of ['svg', 'png']) {
    add(tools, 'button', {type: 'button', 'aria-label': `save ${label} as ${kind.toUpperCase()}`, 'data-save': kind}, kind.toUpperCase())
      .addEventListener('click', () => save(svg, name, kind));
  }
  return {svg, tools};
}
// alone is a drawing as a file's text: what the style sheet says is written into its elements.
function alone(svg) {
  const copy = svg.cloneNode(true), from = [svg, ...svg.querySelectorAll('*')], to = [copy, ...copy.querySelectorAll('*')];
  const kept = ['fill', 'fill-opacity', 'stroke', 'stroke-opacity', 'stroke-width', 'stroke-dasharray', 'font-size', 'font-weight', 'font-family', 'text-anchor', 'opacity', 'text-decoration-line'];
  from.forEach((e, i) => {
    const style = getComputedStyle(e);
    to[i].removeAttribute('class');
    for (const k of kept) if (e.tagName !== 'title') to[i].style.setProperty(k, style.getPropertyValue(k));
  });
  const [, , w, h] = svg.getAttribute('viewBox').split(' ');
  copy.removeAttribute('style');
  for (const [k, v] of [['width', w], ['height', h], ['xmlns', 'http://www.w3.org/2000/svg']]) copy.setAttribute(k, v);
  const back = draw(null, 'rect', {width: w, height: h});
  back.style.fill = getComputedStyle(document.querySelector('section')).backgroundColor;
  copy.prepend(back);
  return new XMLSerializer().serializeToString(copy);
}
function save(svg, name, kind) {
  const text = alone(svg);
  if (kind === 'svg') return download(new Blob([text], {type: 'image/svg+xml'}), name + '.svg');
  const image = new Image();
  image.onload = () => {
    const canvas = document.createElement('canvas'), scale = 2;
    canvas.width = scale * image.width;
    canvas.height = scale * image.height;
    canvas.getContext('2d').drawImage(image, 0, 0, canvas.width, canvas.height);
    // Not toBlob: on a busy machine Chromium sometimes never calls back.
    const bytes = atob(canvas.toDataURL('image/png').split(',')[1]);
    download(new Blob([Uint8Array.from(bytes, c => c.charCodeAt(0))], {type: 'image/png'}), name + '.png');
  };
  image.src = 'data:image/svg+xml;charset=utf-8,' + encodeURIComponent(text);
}
function download(blob, name) {
  const a = document.createElement('a');
  a.href = URL.createObjectURL(blob);
  a.download = data.package + '-' + name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 60000);
}
// axes draws a frame with round numbers and returns the scales.
function axes(svg, box, x, y) {
  const scale = (a, from, to) => v => from + (v - a.lo) / (a.hi - a.lo || 1) * (to - from);
  const sx = scale(x, box.left, box.right), sy = scale(y, box.bottom, box.top);
  const tx = ticks(x.lo, x.hi, 7), ty = ticks(y.lo, y.hi, 6);
  for (const v of tx.values) {
    draw(svg, 'line', {class: 'grid', x1: sx(v), x2: sx(v), y1: box.top, y2: box.bottom});
    draw(svg, 'text', {class: 'muted', x: sx(v), y: box.bottom + 18, 'text-anchor': 'middle'}, tx.text(v));
  }
  for (const v of ty.values) {
    draw(svg, 'line', {class: 'grid', x1: box.left, x2: box.right, y1: sy(v), y2: sy(v)});
    draw(svg, 'text', {class: 'muted', x: box.left - 8, y: sy(v) + 4, 'text-anchor': 'end'}, ty.text(v));
  }
  draw(svg, 'text', {class: 'muted', x: (box.left + box.right) / 2, y: box.bottom + 38, 'text-anchor': 'middle'}, x.name);
  draw(svg, 'text', {class: 'muted', x: 0, y: 0, 'text-anchor': 'middle', transform: `translate(14 ${(box.top + box.bottom) / 2}) rotate(-90)`}, y.name);
  return [sx, sy];
}
// span is an axis that shows all values with some room.
function span(values, name) {
  const lo = Math.min(...values), hi = Math.max(...values), room = .04 * (hi - lo) || Math.abs(hi) * .1 || 1;
  return {lo: lo - room, hi: hi + room, name};
}
