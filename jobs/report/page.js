for (const [name, spec] of Object.entries(JSON.parse(document.getElementById("charts").textContent)))
  vegaEmbed(`#${name}-chart`, spec, { actions: false, renderer: "svg" }).then(
    () => document.getElementById(`${name}-chart`).classList.add("drawn"),
    (error) => console.error(name, error),
  );
