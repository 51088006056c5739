/** The libraries that tapmesh is measured beside, out of this folder's own node_modules. */
import { applyChanges, change, getLastLocalChange, init } from "@automerge/automerge";
import Hypercore from "hypercore";
import { applyUpdate, Doc } from "yjs";

const automerge = { applyChanges, change, getLastLocalChange, init };
const yjs = { applyUpdate, Doc };

export { automerge, Hypercore, yjs };
