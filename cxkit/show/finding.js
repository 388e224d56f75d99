// Finds and filters the rows of a long index. Without a script all of them are there, what needs attention first.
{
  const rows = [...document.querySelectorAll(".cx-shelf tbody tr")];
  const listed = [...document.querySelectorAll(".cx-names")];
  const bar = document.createElement("div"), said = document.createElement("p");
  const plain = text => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const labelled = (words, control) => {
    const label = document.createElement("label");
    label.append(words + " ", control);
    bar.append(label);
    return control;
  };
  const find = labelled("Find", document.createElement("input"));
  find.type = "search";
  const group = row => row.closest(".cx-group"), groups = [...document.querySelectorAll(".cx-group")];
  const called = row => plain((group(row)?.querySelector("summary b").textContent ?? "") + " " + row.cells[0].textContent);
  const word = (row, of) => row.querySelector(of)?.textContent.trim() ?? "";
  const filters = [["Change", ".cx-changed > span"], ["Target", ".cx-aim > small"]].map(([words, of]) => {
    const found = rows.map(row => word(row, of)).filter(Boolean);
    if (!found.length) return null;
    const select = labelled(words, document.createElement("select"));
    select.append(new Option("all", ""), ...[...new Set(found)].map(
      one => new Option(`${one} (${found.filter(other => other === one).length})`, one)));
    return {select, of};
  }).filter(Boolean);
  const show = () => {
    const wanted = plain(find.value.trim());
    for (const row of rows) {
      row.hidden = !called(row).includes(wanted)
        || filters.some(({select, of}) => select.value && word(row, of) !== select.value);
    }
    for (const one of groups) one.hidden = !rows.some(row => !row.hidden && group(row) === one);
    const links = listed.flatMap(one => [...one.querySelectorAll("a")]);
    for (const link of links) link.hidden = !plain(link.textContent).includes(wanted);
    const below = links.filter(link => !link.hidden).length;
    for (const one of listed) one.open = wanted !== "" && below > 0;
    said.textContent = `${rows.filter(row => !row.hidden).length} of ${rows.length} reports ${groups.length ? "on this page" : "in this table"}`
      + (links.length && wanted ? `, ${below} of ${links.length} in the list below it` : "");
  };
  bar.className = "cx-find";
  said.setAttribute("role", "status");
  bar.addEventListener("input", show);
  bar.append(said);
  document.querySelector(".cx-shelf").before(bar);
  show();
}
