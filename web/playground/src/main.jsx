import { createRoot } from "react-dom/client";
import { GraphiQL } from "graphiql";
import "@graphiql/react/style.css";
import "@graphiql/plugin-doc-explorer/style.css";
import "graphiql/graphiql.css";
import "./page.css";
import "./workers.js";
import { examples } from "./examples.js";
import { fetcher } from "./fetcher.js";
import { preferences } from "./preferences.js";

// The history plugin is left out because it stores queries and variables in the
// browser.
createRoot(document.getElementById("playground")).render(
  <GraphiQL
    fetcher={fetcher}
    storage={preferences}
    defaultTabs={examples}
    plugins={[]}
    defaultEditorToolsVisibility="variables"
    shouldPersistHeaders={false}
    showPersistHeadersSettings={false}
    inputValueDeprecation
    schemaDescription
  >
    <GraphiQL.Logo>leadgraph</GraphiQL.Logo>
  </GraphiQL>,
);
