// Draws the charts, and redraws them only if their width changes: colours are CSS variables.
(() => {
  "use strict";
  const about = document.getElementById("about");
  const tooltip = (_, event, __, value) => {
    about.hidden = !value;
    if (!value) return;
    about.textContent = value;
    about.style.left = Math.max(8, Math.min(event.clientX + 12, innerWidth - about.offsetWidth - 8)) + "px";
    about.style.top = Math.max(8, event.clientY - about.offsetHeight - 12) + "px";
  };
  const options = {actions: false, defaultStyle: false, mode: "vega-lite", renderer: "svg", tooltip};
  const specifications = Object.entries(JSON.parse(document.getElementById("charts").textContent));
  Promise.all(
    specifications.map(([name, specification]) => vegaEmbed("#chart-" + name, specification, options))
  ).then(() => { document.documentElement.dataset.drawn = specifications.length; });
})();
