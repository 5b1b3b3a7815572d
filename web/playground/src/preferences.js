// preferences is the only storage GraphiQL gets. What the user looks at (theme,
// open panel, sizes of the panes) survives a reload. Everything else is dropped:
// headers hold tokens, and queries and variables can hold personal data.
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
