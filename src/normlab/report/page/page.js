"use strict";
// Draws every figure when it comes near the window, in the colours of the reader's
// theme, with panels below each other where the page is narrow.
(() => {
  const looks = JSON.parse(document.getElementById("looks").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const touch = window.matchMedia("(pointer: coarse)");
  const holders = [...document.querySelectorAll("[data-figure]")];
  const NARROW = 800;
  let printing = false;

  const config = {
    responsive: true,
    displaylogo: false,
    showSendToCloud: false,  // on by default: one click would upload the figure
    plotlyServerURL: "",
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
  };

  // every colour is written "rgb(r,g,b)" or "rgba(r,g,b,a)"
  const recolour = (value) => {
    if (typeof value === "string") {
      return value.replace(/^(rgba?\()(\d+,\d+,\d+)/, (all, start, triple) =>
        start + (looks.swaps[triple] || triple));
    }
    if (Array.isArray(value)) return value.map(recolour);
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, recolour(v)]));
    }
    return value;
  };

  const apply = (layout, patch) => {
    for (const [path, value] of Object.entries(patch)) {
      const keys = path.split(".");
      const last = keys.pop();
      let place = layout;
      for (const key of keys) place = place[key] ??= {};
      place[last] = value;
    }
  };

  // what a slider would show is all there at once on paper
  const stillOf = (holder) => printing && document.getElementById(`still-${holder.dataset.figure}`);

  const state = (holder) => {
    const night = dark.matches && !printing;
    const width = holder.clientWidth < NARROW ? "narrow" : "wide";
    return `${night ? "dark" : "light"} ${stillOf(holder) ? "still " : ""}${width}`;
  };

  const draw = (holder) => {
    const name = holder.dataset.figure;
    const kept = stillOf(holder) || document.getElementById(`data-${name}`);
    let figure = JSON.parse(kept.textContent);
    const wanted = state(holder);
    if (wanted.startsWith("dark")) figure = recolour(figure);
    const layout = figure.layout;
    const narrow = wanted.endsWith("narrow");
    if (narrow && layout.meta && layout.meta.narrow) apply(layout, layout.meta.narrow);
    layout.template = looks[wanted.split(" ")[0]];
    layout.autosize = true;
    if (narrow) layout.font = { size: 12 };
    if (touch.matches || narrow) layout.dragmode = false;  // a finger scrolls the page
    const slider = (layout.sliders || [])[0];
    delete layout.sliders;
    holder.style.minHeight = `${layout.height}px`;
    holder.dataset.state = wanted;
    const settings = { ...config, displayModeBar: narrow ? false : "hover" };
    Plotly.newPlot(holder, { data: figure.data, layout, frames: figure.frames, config: settings });
    quiet(holder);
    holder.on("plotly_afterplot", () => quiet(holder));
    if (slider) addSlider(holder, slider);
  };

  // a mouse's toolbar is no stop for who walks a page by the keyboard
  const quiet = (holder) => {
    for (const one of holder.querySelectorAll("a, button, [tabindex]")) one.tabIndex = -1;
  };

  // a native control instead of Plotly's, which no keyboard or screen reader reaches
  const addSlider = (holder, slider) => {
    const steps = slider.steps;
    let box = holder.parentElement.querySelector(".slider");
    if (!box) {
      box = document.createElement("div");
      box.className = "slider";
      const id = `slider-${holder.dataset.figure}`;
      const label = document.createElement("label");
      label.htmlFor = id;
      const input = document.createElement("input");
      Object.assign(input, { type: "range", id, min: 0, max: steps.length - 1, step: 1 });
      input.value = slider.active || 0;
      input.addEventListener("input", () => show(holder, steps, slider, box));
      const row = document.createElement("div");
      row.append(playButton(input, steps.length), input);
      box.append(label, row);
      holder.before(box);
    }
    show(holder, steps, slider, box);
  };

  const playButton = (input, count) => {
    const button = document.createElement("button");
    let timer = 0;
    const stop = () => {
      clearInterval(timer);
      timer = 0;
      button.textContent = "Play";
    };
    const next = () => {
      if (Number(input.value) >= count - 1) return stop();
      input.value = Number(input.value) + 1;
      input.dispatchEvent(new Event("input"));
    };
    button.type = "button";
    button.addEventListener("click", () => {
      if (timer) return stop();
      if (Number(input.value) >= count - 1) input.value = -1;
      button.textContent = "Stop";
      timer = setInterval(next, 700);
      next();
    });
    stop();
    return button;
  };

  const show = (holder, steps, slider, box) => {
    const input = box.querySelector("input");
    const step = steps[Number(input.value)];
    const prefix = (slider.currentvalue && slider.currentvalue.prefix) || "";
    const text = `${prefix}${step.label}`;
    box.querySelector("label").textContent = text;
    input.setAttribute("aria-valuetext", text);
    Plotly.animate(holder, step.args[0], {
      mode: "immediate",
      frame: { duration: 0, redraw: true },
      transition: { duration: 0 },
    });
  };

  // pixels of WebGL are gone before paper is drawn: a copy stays
  const flatten = (holder) => {
    for (const one of Object.values(holder._fullLayout || {})) {
      const scene = one && one._scene;
      if (!scene || !scene.glplot) continue;
      scene.glplot.redraw();
      const shown = scene.glplot.canvas;
      const copy = document.createElement("canvas");
      Object.assign(copy, { className: "copy", width: shown.width, height: shown.height });
      copy.style.cssText = shown.style.cssText;
      copy.getContext("2d").drawImage(shown, 0, 0);
      shown.after(copy);
    }
  };

  const drawAll = () => holders.filter((h) => !h.hidden && h.dataset.state !== state(h)).forEach(draw);
  const redraw = () => holders.filter((h) => h.dataset.state && h.dataset.state !== state(h)).forEach(draw);

  const near = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting && !entry.target.dataset.state) draw(entry.target);
    }
  }, { rootMargin: "600px" });
  holders.forEach((holder) => near.observe(holder));

  // pixels take a moment: what has some is ready before anyone prints
  const withPixels = (holder) => !holder.hidden && !holder.dataset.state &&
    document.getElementById(`data-${holder.dataset.figure}`).textContent.includes('"type":"heatmap"');
  const later = window.requestIdleCallback || ((work) => setTimeout(work, 1500));
  window.addEventListener("load", () => later(() => holders.filter(withPixels).forEach(draw)));

  dark.addEventListener("change", redraw);
  let waiting = 0;
  window.addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(redraw, 150);
  });
  // paper has nothing to press: what can be opened is open
  const closed = () => [...document.querySelectorAll("details:not([open]):not([data-numbers])")];
  let opened = [];
  let unasked = [];  // what nobody asked to see is on paper all the same
  window.addEventListener("beforeprint", () => {
    printing = true;
    unasked = holders.filter((holder) => holder.hidden);
    unasked.forEach((holder) => { holder.hidden = false; });
    drawAll();
    holders.forEach(flatten);
    opened = closed();
    opened.forEach((one) => { one.open = true; });
  });
  window.addEventListener("afterprint", () => {
    printing = false;
    unasked.forEach((holder) => {
      Plotly.purge(holder);
      delete holder.dataset.state;
      holder.hidden = true;
    });
    document.querySelectorAll("canvas.copy").forEach((copy) => copy.remove());
    redraw();
    opened.forEach((one) => { one.open = false; });
  });

  // the tables for who has no script are made when they are asked for
  for (const numbers of document.querySelectorAll("[data-numbers]")) {
    numbers.addEventListener("toggle", () => {
      const made = numbers.querySelector(".numbers-of");
      const kept = numbers.parentElement.querySelector("noscript").textContent;
      if (!made) numbers.insertAdjacentHTML("beforeend", kept.slice(kept.indexOf("<div")));
    });
  }

  for (const button of document.querySelectorAll("[data-shows]")) {
    button.addEventListener("click", () => {
      const holder = document.querySelector(`[data-figure="${button.dataset.shows}"]`);
      holder.hidden = false;
      button.parentElement.remove();
      draw(holder);
      holder.tabIndex = -1;
      holder.focus();
    });
  }
})();
