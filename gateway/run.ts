/** Starts one gateway: what has to be there before it can run. */
import * as E from "fp-ts/lib/Either.js";
import type { GatewayConfig } from "#gateway/config/config.ts";
import { loadFleetMaterial, type FleetFileError } from "#gateway/fleet/fleet-files.ts";
import type { Gateway } from "#gateway/gateway.ts";
import { RunningGateway, type GatewayDeps } from "#gateway/running-gateway.ts";
import { loadStartState } from "#gateway/start-state.ts";
import { openStore } from "#gateway/store/client.ts";
import type { StoreOpenError } from "#gateway/store/messages.ts";
import { readBootId } from "#gateway/system.ts";

export type StartError = FleetFileError | StoreOpenError;

/**
 * Starts a gateway: files, log, state, then readers and link. Left: what is missing or unreadable; nothing runs then,
 * and the log is as it was.
 */
export const startGateway = async (
  config: GatewayConfig,
  deps: GatewayDeps,
): Promise<E.Either<StartError, Gateway>> => {
  const material = loadFleetMaterial(config);
  if (E.isLeft(material)) return material;
  let gateway: RunningGateway | undefined;
  const opened = await openStore({
    directory: config.dataDir,
    wallMs: deps.clock.wallMs(),
    onFolded: (folded) => gateway?.onFolded(folded),
    onStaged: (entries) => gateway?.memory.onStaged(entries),
    onNotice: (notice) => gateway?.onNotice(notice),
    onDeath: deps.onFatal,
  });
  if (E.isLeft(opened)) return opened;
  const { store, notices } = opened.right;
  const bootId = readBootId();
  const start = await loadStartState(store, config, bootId);
  gateway = new RunningGateway(
    { config, material: material.right, store, notices, start, bootId },
    deps,
  );
  gateway.start();
  return E.right(gateway);
};
