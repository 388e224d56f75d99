// Sorts the tables of a notebook by a click; no "less than" sign in here, so that its end can be found for certain.
// Sorted by the number at the start of a cell (of an interval by its lower limit) where most cells have one, else as
// names with numbers in them; what is hidden or absent stays last.
if (!document.getElementById("cx-sort")) {  // JupyterLab puts all text of a table to the right
  const style = document.createElement("style");
  style.id = "cx-sort";
  style.textContent = ".cx-table.cx-table :is(th, td) { text-align: left }"
    + " .cx-table.cx-table .cx-n { text-align: right }"
    + " .cx-sort { background: none; border: 0; padding: 0; font: inherit; color: inherit; text-align: inherit;"
    + " cursor: pointer } .cx-sort:focus-visible { outline: 3px solid var(--cx-line); outline-offset: 2px }";
  document.head.append(style);
}
for (const table of document.querySelectorAll(".cx-table table:not([data-cx-sort])")) {
  table.setAttribute("data-cx-sort", "");
  const body = table.tBodies[0], rows = [...body.rows];
  if (2 > rows.length || table.querySelector("[colspan], [rowspan]")) continue;
  const text = cell => [...cell.childNodes].map(n => n.nodeName === "SMALL" ? "" : n.textContent).join("").trim();
  const number = said => {
    const found = said.match(/^([\x3c>]?)\s*([+\u2212-]?[\d,]*\.?\d+)(?![\w-])/);
    return found ? Number(found[2].replace(/,/g, "").replace("\u2212", "-")) / (found[1] === "\x3c" ? 2 : 1) : NaN;
  };
  const names = new Intl.Collator(undefined, {numeric: true});
  const heads = [...table.tHead.rows[0].cells];
  const buttons = heads.map((head, column) => {
    if (rows.every(row => !text(row.cells[column]))) return null;  // a column of pictures
    const button = document.createElement("button"), mark = document.createElement("span");
    button.type = "button";
    button.className = "cx-sort";
    mark.setAttribute("aria-hidden", "true");
    mark.textContent = "\u00a0\u2195";
    button.append(...head.childNodes, mark);
    head.append(button);
    button.addEventListener("click", () => {
      const order = {ascending: "descending", descending: null}[head.ariaSort] ?? (head.ariaSort ? null : "ascending");
      const said = new Map(rows.map(row => [row, text(row.cells[column])]));
      const given = [...said.values()].filter(one => one && !/^(hidden|none)$/.test(one));
      const numbers = given.filter(one => !isNaN(number(one))).length * 2 > given.length;
      const key = row => numbers ? number(said.get(row)) : said.get(row);
      const absent = row => numbers ? isNaN(key(row)) : !given.includes(key(row));
      const turn = order === "descending" ? -1 : 1;
      const compare = (a, b) => absent(a) - absent(b) || absent(a) && 0
        || turn * (numbers ? key(a) - key(b) : names.compare(key(a), key(b)));
      body.append(...(order ? [...rows].sort(compare) : rows));
      heads.forEach((other, i) => {
        if (order && other === head) head.setAttribute("aria-sort", order); else other.removeAttribute("aria-sort");
        const shown = other === head && order ? {ascending: "\u2191", descending: "\u2193"}[order] : "\u2195";
        if (buttons[i]) buttons[i].lastChild.textContent = "\u00a0" + shown;
      });
    });
    return button;
  });
}
