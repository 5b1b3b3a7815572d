// preferences is the only storage that GraphiQL can use. It keeps the look of the
// page (theme, open panel, sizes of the panes) across reloads and drops everything
// else: headers contain tokens, queries and variables may contain personal data.
const kept = new Set([
  "theme",
  "visiblePlugin",
  "docExplorerFlex",
  "editorFlex",
  "secondaryEditorFlex",
].map((name) => `graphiql:${name}`));

const present = () => [...kept].filter((key) => localStorage.getItem(key) !== null);

export const preferences = {
  get length() {
    return present().length;
  },
  getItem: (key) => (kept.has(key) ? localStorage.getItem(key) : null),
  setItem: (key, value) => {
    if (kept.has(key)) localStorage.setItem(key, value);
  },
  removeItem: (key) => {
    if (kept.has(key)) localStorage.removeItem(key);
  },
  clear: () => present().forEach((key) => localStorage.removeItem(key)),
};
