/** A page that shows an SVG with nothing from elsewhere: drag to move, scroll to zoom. */

const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const style = `
  html, body { margin: 0; height: 100%; overflow: hidden; font: 14px/1.4 system-ui, sans-serif; background: #f9fafb; }
  #view { position: absolute; inset: 0; overflow: hidden; cursor: grab; touch-action: none; }
  #view.moving { cursor: grabbing; }
  #view svg { position: absolute; transform-origin: 0 0; }
  #bar { position: absolute; left: 0; right: 0; top: 0; padding: 6px 12px; background: #ffffffe6; border-bottom: 1px solid #e5e7eb; }
  #bar b { margin-right: 12px; } #bar button { margin-left: 8px; } #bar span { margin-right: 12px; color: #374151; }
  i { display: inline-block; width: 10px; height: 10px; border-radius: 3px; margin-right: 4px; border: 1px solid; }
`;

const script = `
  const view = document.getElementById('view'), svg = view.querySelector('svg');
  const box = svg.viewBox.baseVal;
  svg.setAttribute('width', box.width); svg.setAttribute('height', box.height);
  let x = 0, y = 0, k = 1, from = null;
  const draw = () => { svg.style.transform = 'translate(' + x + 'px,' + y + 'px) scale(' + k + ')'; };
  const fit = () => {
    k = Math.min(view.clientWidth / box.width, (view.clientHeight - 40) / box.height, 1.5) * 0.96;
    x = (view.clientWidth - k * box.width) / 2; y = 40 + (view.clientHeight - 40 - k * box.height) / 2; draw();
  };
  const zoom = (f, px, py) => { const n = Math.min(20, Math.max(0.01, k * f)); x = px - (px - x) * n / k; y = py - (py - y) * n / k; k = n; draw(); };
  view.addEventListener('wheel', (e) => { e.preventDefault(); zoom(Math.exp(-e.deltaY / 400), e.clientX, e.clientY); }, { passive: false });
  view.addEventListener('pointerdown', (e) => { from = [e.clientX - x, e.clientY - y]; view.setPointerCapture(e.pointerId); view.className = 'moving'; });
  view.addEventListener('pointermove', (e) => { if (from) { x = e.clientX - from[0]; y = e.clientY - from[1]; draw(); } });
  view.addEventListener('pointerup', () => { from = null; view.className = ''; });
  document.getElementById('fit').onclick = fit;
  document.getElementById('in').onclick = () => zoom(1.4, view.clientWidth / 2, view.clientHeight / 2);
  document.getElementById('out').onclick = () => zoom(1 / 1.4, view.clientWidth / 2, view.clientHeight / 2);
  addEventListener('keydown', (e) => { if (e.key === '0') fit(); if (e.key === '+') document.getElementById('in').click(); if (e.key === '-') document.getElementById('out').click(); });
  fit();
`;

/** The page for one picture. */
export function htmlPage(svg: string, title: string, note: string | null): string {
  const inline = svg.slice(svg.indexOf('<svg'));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<div id="view">
${inline}
</div>
<div id="bar"><b>${escapeHtml(title)}</b><span><i style="background:#dbeafe;border-color:#1d4ed8"></i>forward</span><span><i style="background:#ffe4c7;border-color:#c2410c"></i>backward</span>${note === null ? '' : `<span>${escapeHtml(note)}</span>`}<button id="in">+</button><button id="out">−</button><button id="fit">fit</button></div>
<script>${script}</script>
</body>
</html>
`;
}
