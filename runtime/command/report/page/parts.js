// The other parts: sensitivities, operators, fusion, predictions that were checked, cliffs.

// heat has a column for each place of the net and a row for each kind of choice and candidate.
function heat() {
  const s = section('sensitivities', 'Sensitivities', 'Accuracy that each single modification loses, with everything else as in the original: the darker, the more. Gains are in another colour.');
  const place = c => c.includes('.') ? c.slice(0, c.lastIndexOf('.')) : 'net', kind = c => c.slice(c.lastIndexOf('.') + 1);
  const places = [...new Set(data.heat.map(r => place(r.choice)))], rows = new Map();
  for (const r of data.heat) r.cells.forEach((c, i) => {
    const key = kind(r.choice) + ' ' + i;
    if (!rows.has(key)) rows.set(key, {kind: kind(r.choice), i, values: new Set()});
    rows.get(key).values.add(c.value);
  });
  const order = [...new Set(data.heat.map(r => kind(r.choice)))];
  const list = [...rows.values()].sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind) || a.i - b.i);
  const label = r => r.values.size === 1 ? `${r.kind} ${[...r.values][0]}` : `${r.kind}, candidate ${r.i + 2}`;
  const left = 130, top = 84, cell = Math.max(12, Math.min(34, (across - left) / places.length)), high = 24;
  const width = Math.max(520, left + cell * places.length + 40), {svg} = figure(s, 'sensitivities', 'heat map of sensitivities', width, top + high * list.length + 44, true);
  const most = Math.max(.01, ...data.heat.flatMap(r => r.cells.map(c => c.loss)));
  places.forEach((p, i) => draw(svg, 'text', {class: 'muted small', transform: `translate(${left + cell * (i + .5) + 3} ${top - 6}) rotate(-55)`}, p));
  list.forEach((r, y) => {
    draw(svg, 'text', {x: left - 8, y: top + high * y + 16, 'text-anchor': 'end'}, label(r));
    places.forEach((_, x) => draw(svg, 'rect', {class: 'nothing', x: left + cell * x + 1, y: top + high * y + 1, width: cell - 2, height: high - 2, rx: 3}));
  });
  for (const r of data.heat) r.cells.forEach((c, i) => {
    const x = places.indexOf(place(r.choice)), y = list.findIndex(l => l.kind === kind(r.choice) && l.i === i);
    const strength = Math.min(1, Math.sqrt(Math.abs(c.loss) / most));
    const rect = draw(svg, 'rect', {class: c.loss < 0 ? 'won' : 'lost', 'fill-opacity': (.06 + .94 * strength).toFixed(3), x: left + cell * x + 1, y: top + high * y + 1, width: cell - 2, height: high - 2, rx: 3});
    draw(rect, 'title', {}, `${r.choice}=${c.value}: ${percent(c.loss)} % less`);
  });
  legend(svg, left, top + high * list.length + 14, most);
  table(s, 'as a table', ['choice', 'candidate', 'loss, %'], data.heat.flatMap(r => r.cells.map(c => [r.choice, c.value, percent(c.loss)])));
}
function legend(svg, x, y, most) {
  for (let k = 0; k <= 10; k++) draw(svg, 'rect', {class: 'lost', 'fill-opacity': .06 + .94 * Math.sqrt(k / 10), x: x + 22 * k, y, width: 22, height: 10});
  draw(svg, 'text', {class: 'muted small', x, y: y + 24}, 'no loss');
  draw(svg, 'text', {class: 'muted small', x: x + 242, y: y + 24, 'text-anchor': 'end'}, percent(most, 1) + ' % less');
}

// kinds draws where the original's time goes.
function kinds() {
  const s = section('operators', 'Latency table by operator', 'Where the time of the original goes, and how many distinct operators of each kind were measured.');
  const list = data.kinds, high = 24, {svg} = figure(s, 'operators', 'latency by kind of operator', 760, high * list.length + 8);
  const most = Math.max(1e-9, ...list.map(k => k.share));
  list.forEach((k, i) => {
    const y = 4 + high * i;
    draw(svg, 'text', {x: 158, y: y + 15, 'text-anchor': 'end'}, k.name.length > 24 ? k.name.slice(0, 23) + '…' : k.name);
    const bar = draw(svg, 'rect', {class: 'bar', x: 168, y: y + 3, width: Math.max(1, 360 * k.share / most), height: high - 8, rx: 3});
    draw(bar, 'title', {}, `${k.name}: ${percent(k.share)} %`);
    draw(svg, 'text', {class: 'muted', x: 176 + 360 * k.share / most, y: y + 15}, `${percent(k.share, 1)} %, ${ms(k.ms)} ms, ${k.rows} distinct` + (k.failed ? `, ${k.failed} failed` : ''));
  });
  table(s, 'as a table', ['kind', 'distinct', 'failed', 'ms', 'share, %'], list.map(k => [k.name, String(k.rows), String(k.failed), ms(k.ms), percent(k.share)]));
}
function groups() {
  const s = section('fusion', 'Fusion', 'Operators that this device runs as one kernel, so they have one row of the latency table; and how many distinct ones there are.');
  const list = data.groups, high = 24, {svg} = figure(s, 'fusion', 'operators that run as one kernel', 760, high * list.length + 8);
  const most = Math.max(1, ...list.map(g => g.rows));
  list.forEach((g, i) => {
    const y = 4 + high * i, width = Math.max(1, 300 * g.rows / most);
    draw(svg, 'rect', {class: 'bar', x: 4, y: y + 3, width, height: high - 8, rx: 3});
    draw(svg, 'text', {x: width + 12, y: y + 15}, `${g.rows} × ${g.name.length > 60 ? g.name.slice(0, 59) + '…' : g.name}`);
  });
  table(s, 'as a table', ['operators', 'distinct'], list.map(g => [g.name, String(g.rows)]));
}

// checked compares predictions with measurements.
function checked() {
  const list = data.checked, off = list.map(c => c.predicted / c.measured - 1), near = off.filter(x => Math.abs(x) <= .1).length;
  const mean = off.reduce((a, x) => a + Math.abs(x), 0) / off.length;
  const s = section('checked', 'Predicted and measured', `${list.length} SubNets were run: ${near} are within 10 % of what was predicted (the band), the mean error is ${percent(mean, 1)} %.`);
  const {svg} = figure(s, 'checked', 'predicted against measured latency', 560, 420);
  const axis = span(list.flatMap(c => [c.predicted, c.measured]), ''), box = {left: 62, right: 548, top: 10, bottom: 372};
  const [sx, sy] = axes(svg, box, {...axis, name: 'predicted latency, ms'}, {...axis, name: 'measured latency, ms'});
  const clip = v => Math.max(axis.lo, Math.min(axis.hi, v));
  const corners = [[axis.lo, 1.1], [axis.hi / 1.1, 1.1], [axis.hi, 1], [axis.hi, .9], [axis.lo / .9, .9], [axis.lo, 1]];
  draw(svg, 'polygon', {class: 'band', points: corners.map(([v, f]) => `${sx(clip(v))},${sy(clip(v * f))}`).join(' ')});
  draw(svg, 'line', {class: 'diagonal', x1: sx(axis.lo), y1: sy(axis.lo), x2: sx(axis.hi), y2: sy(axis.hi)});
  list.forEach((c, i) => {
    const dot = draw(svg, 'circle', {class: 'dot', cx: sx(c.predicted), cy: sy(c.measured), r: list.length > 100 ? 3 : 4.5});
    draw(dot, 'title', {}, `${c.subnet}: predicted ${ms(c.predicted)} ms, measured ${ms(c.measured)} ms, ${percent(off[i], 1)} % off`);
  });
  table(s, 'as a table', ['predicted, ms', 'measured, ms', 'off, %', 'SubNet'], list.map((c, i) => [ms(c.predicted), ms(c.measured), percent(off[i], 1), c.subnet]));
}
function cliffs() {
  const s = section('cliffs', 'Channel cliffs', 'Candidates that a wider one of the same choice is not slower than on this device. Consider dropping the narrower one from autotailor.toml.');
  table(s, `${data.cliffs.length} candidates`, ['choice', 'candidate', 'ms', 'wider', 'ms'], data.cliffs.map(c => [c.choice, c.value, c.ms.toFixed(4), c.wider, c.wider_ms.toFixed(4)])).closest('details').open = data.cliffs.length <= 12;
}

document.getElementById('theme').addEventListener('click', () => {
  const root = document.documentElement.style, dark = root.colorScheme ? root.colorScheme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.colorScheme = dark ? 'light' : 'dark';
});
for (const [list, show] of [[data.front, front], [data.stages, supernet], [data.heat, heat], [data.kinds, kinds], [data.groups, groups], [data.checked, checked], [data.cliffs, cliffs]]) if (list.length) show();
if (data.front.length) choose(data.front.length - 1);
