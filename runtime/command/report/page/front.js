// The Pareto front: hover, click, arrow keys or a budget choose a SubNet.

const listeners = []; // called when another SubNet is chosen
function choose(i) {
  state.at = Math.max(0, Math.min(data.front.length - 1, i));
  for (const f of listeners) f(data.front[state.at]);
}
function front() {
  const n = data.front.length;
  const s = section('front', 'Pareto front', `Predicted ${metricName()} over predicted latency. No SubNet is predicted to be better than these ${n}. ` +
    'Click one, or focus the plot and use the arrow keys; the picture of the SuperNet shows it.' +
    (!data.metric.raw && data.front.some(p => p.accuracy > 1) ? ' Accuracy is predicted by adding up what single modifications cost; small gains, such as the noise of few images, can add up to more than 100 %: count on more images.' : ''));
  const two = add(s, 'div', {class: 'two'});
  const left = add(two, 'div'), right = add(two, 'div', {id: 'chosen', 'aria-live': 'polite'});
  const {svg, tools} = figure(left, 'front', 'Pareto front', 720, 400);
  const [sx, sy] = axes(svg, {left: 62, right: 708, top: 10, bottom: 352}, span(data.front.map(p => p.ms), 'predicted latency, ms'), span(data.front.map(p => shown(p.accuracy)), 'predicted ' + metricAxis()));
  const spots = data.front.map(p => [sx(p.ms), sy(shown(p.accuracy))]);
  draw(svg, 'path', {class: 'step', d: spots.map(([x, y], i) => i ? `H${x.toFixed(1)}V${y.toFixed(1)}` : `M${x.toFixed(1)} ${y.toFixed(1)}`).join('')});
  const r = n > 300 ? 2 : n > 80 ? 2.8 : 4;
  for (const [x, y] of spots) draw(svg, 'circle', {class: 'dot', cx: x.toFixed(1), cy: y.toFixed(1), r});
  const hover = draw(svg, 'circle', {class: 'hover', r: 7, visibility: 'hidden'}), ring = draw(svg, 'circle', {class: 'ring', r: 8});
  const tip = add(left, 'div', {id: 'tip'}, ' ');
  const nearest = e => {
    const box = svg.getBoundingClientRect(), x = (e.clientX - box.left) * 720 / box.width, y = (e.clientY - box.top) * 400 / box.height;
    const away = spots.map(([a, b]) => (a - x) ** 2 + (b - y) ** 2);
    return away.indexOf(Math.min(...away));
  };
  const at = (mark, i) => { mark.setAttribute('cx', spots[i][0]); mark.setAttribute('cy', spots[i][1]); };
  svg.addEventListener('pointermove', e => {
    const i = nearest(e), p = data.front[i];
    at(hover, i);
    hover.setAttribute('visibility', 'visible');
    tip.textContent = `${ms(p.ms)} ms, ${value(p.accuracy)}: ${p.subnet}`;
  });
  svg.addEventListener('pointerleave', () => { hover.setAttribute('visibility', 'hidden'); tip.textContent = ' '; });
  svg.addEventListener('click', e => choose(nearest(e)));
  slider(svg, n);
  budget(tools);
  listeners.push(p => {
    at(ring, state.at);
    svg.setAttribute('aria-valuenow', state.at + 1);
    svg.setAttribute('aria-valuetext', `${ms(p.ms)} ms, ${value(p.accuracy).replace('%', 'percent')}`);
    describe(right, p);
  });
  frontTable(s);
}
// slider makes the plot a control that keys work on.
function slider(svg, n) {
  for (const [k, v] of [['class', 'plot'], ['tabindex', 0], ['role', 'slider'], ['aria-label', 'SubNet of the front'], ['aria-valuemin', 1], ['aria-valuemax', n]]) svg.setAttribute(k, v);
  const jump = Math.max(1, Math.round(n / 20));
  const keys = {ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: jump, PageDown: -jump, Home: -n, End: n};
  svg.addEventListener('keydown', e => {
    if (!(e.key in keys)) return;
    e.preventDefault();
    choose(state.at + keys[e.key]);
  });
}
// budget chooses the most accurate SubNet that is fast enough.
function budget(tools) {
  const label = add(null, 'label', {for: 'budget'}, 'at most ');
  const input = add(label, 'input', {id: 'budget', type: 'number', min: 0, step: 'any', size: 8, style: 'width: 7em'});
  label.append(' ms');
  tools.prepend(label);
  input.addEventListener('input', () => {
    const limit = Number(input.value), i = data.front.findLastIndex(p => p.ms <= limit);
    input.setCustomValidity(input.value && i < 0 ? `the fastest takes ${ms(data.front[0].ms)} ms` : '');
    input.reportValidity();
    if (input.value && i >= 0) choose(i);
  });
}
// describe shows the numbers of a SubNet and the commands that make use of it.
function describe(parent, p) {
  parent.replaceChildren();
  const original = data.original;
  add(parent, 'h3', {}, `SubNet ${state.at + 1} of ${data.front.length}`);
  const dl = add(parent, 'dl');
  const number = (name, text, note) => {
    const d = add(dl, 'div');
    add(d, 'dt', {}, name);
    const dd = add(d, 'dd', {}, text);
    if (note) dd.append(' ', add(null, 'small', {}, note));
  };
  number('latency', ms(p.ms) + ' ms', original && `${(original.ms / p.ms).toFixed(2)} × faster than the original`);
  number(metricName(), value(p.accuracy), original && (data.metric.raw ? (p.accuracy - original.accuracy).toFixed(4) : `${(100 * (p.accuracy - original.accuracy)).toFixed(2)} points`));
  if (p.macs) number('MACs', count(p.macs));
  if (p.params) number('parameters', count(p.params));
  if (p.memory) number('peak activations', bytes(p.memory));
  add(add(parent, 'p'), 'code', {id: 'subnet', tabindex: 0, 'aria-label': 'the SubNet'}, p.subnet);
  command(parent, p);
}
// uses are the commands that make something of a SubNet. Those that write its weights say where its statistics come from, where it needs its own.
const anew = p => !p.recalibrate ? '' : data.accuracy ? ` --accuracy ${data.accuracy}` : ' --recalibrate DIR';
const uses = [
  ['write it as ONNX', p => `export --model ${data.model} --subnet ${p.subnet}${anew(p)} --out subnet.onnx`],
  ['write it for NCNN', p => `export --model ${data.model} --subnet ${p.subnet}${anew(p)} --format ncnn --out subnet`],
  ['measure it', p => `verify --model ${data.model} --subnet ${p.subnet} --lut ${data.lut} --json`],
  ['describe it', p => `info --subnet ${p.subnet}`],
];
const why = 'DIR is the folder with your training images. From these the SubNet gets BatchNorm statistics of its own; with the statistics of the original it would classify worse than this page says, often far worse.';
function command(parent, p) {
  const d = add(parent, 'div', {class: 'command'});
  const select = add(d, 'select', {'aria-label': 'what to do with the SubNet'}), copy = add(d, 'button', {type: 'button', id: 'copy'}, 'copy'), code = add(d, 'code', {id: 'command', tabindex: 0, 'aria-label': 'the command'});
  const notes = add(d, 'small', {id: 'notes'});
  uses.forEach(([what], i) => add(select, 'option', {value: i}, what));
  const show = () => {
    const line = uses[state.use][1](p);
    code.textContent = `${data.command} ${line}`;
    notes.textContent = [line.includes(' --recalibrate ') && why, line.includes(' --model ') && data.note].filter(Boolean).join(' ');
  };
  select.value = state.use;
  select.addEventListener('change', () => { state.use = Number(select.value); show(); });
  copy.addEventListener('click', () => {
    const range = document.createRange();
    range.selectNodeContents(code);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    // Clipboard.writeText may be forbidden to files; what is selected can be copied all the same.
    copy.textContent = document.execCommand('copy') ? 'copied' : 'selected';
    setTimeout(() => { copy.textContent = 'copy'; }, 1500);
  });
  show();
}
function frontTable(s) {
  const rows = data.front.map((p, i) => {
    const b = add(null, 'button', {type: 'button'}, p.subnet);
    b.addEventListener('click', () => choose(i));
    return [ms(p.ms), data.metric.raw ? p.accuracy.toFixed(4) : percent(p.accuracy), p.macs ? count(p.macs) : '', p.params ? count(p.params) : '', b];
  });
  const body = table(s, `the ${rows.length} SubNets as a table`, ['latency, ms', metricAxis(), 'MACs', 'parameters', 'SubNet'], rows);
  listeners.push(() => [...body.children].forEach((r, i) => r.classList.toggle('selected', i === state.at)));
}
