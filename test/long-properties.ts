/** Laws that name no number of runs of their own are tried ten times as often in `make test-long`. */
import { configureGlobal } from "fast-check";

configureGlobal({ numRuns: 1_000 });
