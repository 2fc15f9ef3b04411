"use strict";
(() => {
  const film = JSON.parse(document.getElementById("data").textContent);
  const { frames, phases, samples } = film;
  const [width, depth, height] = film.box;
  // A sheet is seen from above, through its electrode, as in the pictures.
  const sheet = height < 0.2 * Math.max(width, depth);
  const by = (id) => document.getElementById(id);
  const slider = by("frame"), colour = by("colour");
  slider.max = frames.length - 1;
  let shown = -1, timer = 0;

  // ---- numbers with a decimal prefix, as the pictures have them
  const PREFIXES = [[1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""], [1e-3, "m"], [1e-6, "\u00b5"], [1e-9, "n"], [1e-12, "p"], [1e-15, "f"]];
  const minus = (text) => String(Number(text)).replace("-", "\u2212");
  function quantity(value, unit) {
    if (value === null) return "";
    if (value === 0) return "0 " + unit;
    const [scale, name] = PREFIXES.find(([power]) => Math.abs(value) >= power) || PREFIXES[PREFIXES.length - 1];
    return minus((value / scale).toPrecision(3)) + " " + name + unit;
  }

  // ---- the defects
  const kelvin = frames.flatMap((frame) => frame.heat);
  const least = kelvin.reduce((a, b) => Math.min(a, b), Infinity), most = kelvin.reduce((a, b) => Math.max(a, b), -Infinity);
  const FIRE = [[43, 10, 89], [132, 32, 107], [213, 72, 66], [250, 140, 20], [250, 230, 120]];
  function glow(value) {
    const at = Math.min((value - least) / Math.max(most - least, 1e-9), 1) * (FIRE.length - 1);
    const low = Math.min(Math.floor(at), FIRE.length - 2), share = at - low;
    const part = FIRE[low].map((a, k) => Math.round(a + share * (FIRE[low + 1][k] - a)));
    return "#" + part.map((a) => a.toString(16).padStart(2, "0")).join("");
  }

  // Asked first, since the library only logs that there is none.
  const able = ["webgl2", "webgl"].some((kind) => document.createElement("canvas").getContext(kind));
  const viewer = able ? $3Dmol.createViewer(by("scene"), { backgroundColor: "white", antialias: true }) : null;
  if (!viewer) {
    const note = document.createElement("p");
    note.textContent = "This browser draws no 3-D (WebGL is off or missing). The curve and the numbers work.";
    by("scene").replaceChildren(note);
  } else {
    const plate = 0.06 * height;
    const slab = (z, paint, opacity) => viewer.addBox({
      center: { x: width / 2, y: depth / 2, z }, dimensions: { w: width, h: depth, d: plate }, color: paint, opacity,
    });
    slab(-plate / 2 - film.radius, film.electrodes.bottom, 1);
    slab(height + plate / 2 + film.radius, film.electrodes.top, sheet ? 0.2 : 0.75);
    const corners = [[0, 0], [width, 0], [width, depth], [0, depth]];
    corners.forEach(([x, y], k) => {
      viewer.addLine({ start: { x, y, z: 0 }, end: { x, y, z: height }, color: "#b0b0b0" });
      const [nextX, nextY] = corners[(k + 1) % 4];
      // Where two layers meet.
      for (const z of film.levels) viewer.addLine({ start: { x, y, z }, end: { x: nextX, y: nextY, z }, color: "#707070", dashed: true });
    });
    for (const { ends, colour } of film.regions) {
      const [start, end] = ends.map(([x, y, z]) => ({ x, y, z }));
      viewer.addLine({ start, end, color: colour });
    }
  }

  let gap = null;
  function drawScene(frame) {
    if (!viewer) return;
    viewer.removeAllModels();
    const atoms = frame.state.map((state, k) => {
      const paint = colour.value === "heat" ? glow(frame.heat[k]) : film.paint[state];
      return {
        elem: "X", index: k, x: frame.place[3 * k], y: frame.place[3 * k + 1], z: frame.place[3 * k + 2],
        bonds: [], bondOrder: [],
        style: { sphere: { radius: film.radius, color: paint }, stick: { radius: film.bond, color: paint } },
      };
    });
    for (let k = 0; k < frame.bonds.length; k += 2) {
      const [a, b] = [frame.bonds[k], frame.bonds[k + 1]];
      atoms[a].bonds.push(b); atoms[a].bondOrder.push(1);
      atoms[b].bonds.push(a); atoms[b].bondOrder.push(1);
    }
    viewer.addModel().addAtoms(atoms);
    if (gap) viewer.removeShape(gap);
    gap = frame.gap && viewer.addCylinder({
      start: { x: 0, y: depth, z: frame.gap[0] }, end: { x: 0, y: depth, z: frame.gap[1] },
      radius: film.bond, fromCap: 1, toCap: 1, color: "#157a55",
    });
    viewer.render();
  }

  // ---- current against voltage
  const size = () => ({ width: Math.max(by("curve").clientWidth, 200), height: Math.max(by("curve").clientHeight, 160) });
  const magnitude = samples.current.map((value) => value === null ? null : Math.abs(value));
  const ranges = phases.map((_, k) => [samples.phase.indexOf(k), samples.phase.lastIndexOf(k) + 1]);
  const volts = samples.voltage.filter((value) => value !== null);
  const farthest = Math.max(...volts.map(Math.abs), 1e-12);
  // Below a hundredth of the largest voltage a current says nothing on a logarithmic scale.
  const amps = magnitude.filter((value, k) => value > 0 && Math.abs(samples.voltage[k]) > 0.01 * farthest);
  const bottom = (amps.length ? amps.reduce((a, b) => Math.min(a, b)) : 1e-12) / 2;
  const top = (amps.length ? amps.reduce((a, b) => Math.max(a, b)) : 1) * 2;

  function trace(u, first, last, ends) {
    const path = new Path2D();
    let open = false;
    const point = (volt, amp) => {
      if (volt === null || !(amp > 0)) { open = false; return; }
      const x = u.valToPos(volt, "x", true), y = u.valToPos(Math.max(amp, bottom), "y", true);
      if (open) path.lineTo(x, y); else path.moveTo(x, y);
      open = true;
    };
    for (let k = first; k < last; k += 1) point(samples.voltage[k], magnitude[k]);
    if (ends) point(...ends);
    return path;
  }

  function drawCurve(u) {
    const frame = frames[shown], { ctx, bbox } = u, unit = devicePixelRatio;
    ctx.save();
    ctx.beginPath(); ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height); ctx.clip();
    ctx.lineJoin = "round";
    phases.forEach((phase, k) => {
      ctx.globalAlpha = 0.35; ctx.lineWidth = 1.2 * unit; ctx.strokeStyle = phase.colour;
      ctx.stroke(trace(u, ...ranges[k]));
    });
    if (frame) {
      const now = [frame.voltage, frame.current === null ? null : Math.abs(frame.current)];
      let until = ranges[frame.phase][0];
      while (until < ranges[frame.phase][1] && samples.time[until] <= frame.time) until += 1;
      ctx.globalAlpha = 1; ctx.lineWidth = 2.2 * unit; ctx.strokeStyle = phases[frame.phase].colour;
      ctx.stroke(trace(u, ranges[frame.phase][0], until, now));
      if (now[0] !== null && now[1] !== null) {
        ctx.beginPath(); ctx.fillStyle = phases[frame.phase].colour; ctx.strokeStyle = "white"; ctx.lineWidth = 1.5 * unit;
        ctx.arc(u.valToPos(now[0], "x", true), u.valToPos(Math.max(now[1], bottom), "y", true), 6 * unit, 0, 7);
        ctx.fill(); ctx.stroke();
      }
    }
    ctx.restore();
  }

  const chart = new uPlot({
    ...size(), legend: { show: false }, cursor: { drag: { x: false, y: false }, points: { show: false } },
    scales: {
      x: { time: false, range: () => [Math.min(...volts, 0) - 0.05 * farthest, Math.max(...volts, 0) + 0.05 * farthest] },
      y: { distr: 3, range: () => [bottom, top] },
    },
    axes: [
      { label: "source voltage / V", grid: { stroke: "#eee" } },
      { label: "|current| / A", size: 74, grid: { stroke: "#eee" },
        values: (u, ticks) => ticks.map((value) => value && Number.isInteger(Math.round(Math.log10(value) * 1e6) / 1e6) ? quantity(value, "A") : "") },
    ],
    series: [{}, { show: false }],
    hooks: { draw: [drawCurve] },
  }, [[0, 1], [bottom, top]], by("curve"));

  // A click on the curve goes to the snapshot that is nearest on the screen.
  chart.over.addEventListener("click", (event) => {
    const away = (frame) => frame.current ? Math.hypot(
      chart.valToPos(frame.voltage, "x") - event.offsetX,
      chart.valToPos(Math.max(Math.abs(frame.current), bottom), "y") - event.offsetY) : Infinity;
    go(frames.map(away).reduce((best, value, k, all) => value < all[best] ? k : best, 0));
  });

  // ---- the slider
  function go(number) {
    shown = Math.max(0, Math.min(number, frames.length - 1));
    slider.value = shown;
    const frame = frames[shown];
    const parts = [
      phases[frame.phase].name, quantity(frame.time, "s"),
      frame.voltage === null ? "" : minus(frame.voltage.toFixed(3)) + " V", quantity(frame.current, "A"), frame.text,
    ];
    by("now").textContent = parts.filter(Boolean).join(" \u00b7 ");
    by("count").textContent = `${shown + 1} of ${frames.length}`;
    document.body.dataset.frame = shown;
    document.body.dataset.defects = frame.state.length;
    drawScene(frame);
    chart.redraw(false);
  }

  function stop() { clearInterval(timer); timer = 0; by("play").textContent = "play"; }
  by("play").addEventListener("click", () => {
    if (timer) return stop();
    if (shown === frames.length - 1) go(0);
    by("play").textContent = "pause";
    // The whole film takes a quarter of a minute at most, a picture a quarter of a second at most.
    timer = setInterval(() => { if (shown === frames.length - 1) stop(); else go(shown + 1); },
      Math.min(250, Math.max(40, 15000 / frames.length)));
  });
  slider.addEventListener("input", () => { stop(); go(Number(slider.value)); });
  colour.addEventListener("change", () => { keys(); go(shown); });
  document.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step && event.target !== slider) go(shown + step);
  });

  // ---- what the colours mean
  function keys() {
    const entries = colour.value === "heat"
      ? [[glow(least), `${Math.round(least)} K`], [glow((least + most) / 2), `${Math.round((least + most) / 2)} K`], [glow(most), `${Math.round(most)} K`]]
      : film.names.map((name, k) => [film.paint[k], name]).filter(([, name], k, all) => k === 0 || name !== all[k - 1][1]);
    const span = (paint, text, shape) => {
      const whole = document.createElement("span"), mark = document.createElement("i");
      mark.className = shape; mark.style.background = paint;
      whole.append(mark, text);
      return whole;
    };
    by("key").replaceChildren(
      ...entries.map(([paint, text]) => span(paint, text, "")),
      span(film.electrodes.top, "top electrode", "square"), span(film.electrodes.bottom, "bottom electrode", "square"),
      ...film.kinds.map(([name, paint]) => span(paint, name, "line")),
      ...(frames.some((frame) => frame.gap) ? [span("#157a55", "gap", "line")] : []),
    );
  }

  keys();
  go(0);
  if (viewer) {
    // Seen from the side, a little from above; z is up.
    viewer.rotate(sheet ? -50 : -80, "x");
    viewer.rotate(35, "z");
    viewer.zoomTo();
    viewer.zoom(sheet ? 1.0 : 1.6);
    viewer.render();
  }
  addEventListener("resize", () => { chart.setSize(size()); if (viewer) viewer.resize(); });
  document.body.dataset.ready = "1";
})();
