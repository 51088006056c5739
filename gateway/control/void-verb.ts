/** `tapmesh log void`: marks a record as wrong, and undoes what it did, by new records. */
import * as E from "fp-ts/lib/Either.js";
import { toHex } from "#core/bytes.ts";
import type { Body } from "#core/log/body.ts";
import type { Operation, WriteName } from "#core/log/operation.ts";
import { intoRecords, type Plan } from "#core/state/revert.ts";
import { planVoid, stoodBefore } from "#core/state/void.ts";
import { cardClashes } from "#core/verdict/card-clashes.ts";
import { appendAll, localUser, saying } from "#gateway/control/append.ts";
import { cardAfter, differenceView, shownAs } from "#gateway/control/difference-views.ts";
import type { ControlError, RequestOf, VoidResult } from "#gateway/control/protocol.ts";
import { queryRefusal, refusal } from "#gateway/control/refusal.ts";
import { knownOf } from "#gateway/queries/known.ts";
import { findRecord } from "#gateway/queries/moments.ts";
import { decodeRecord, recordView, type RecordView } from "#gateway/queries/records.ts";
import { writesReplacedBy } from "#gateway/queries/replaced-writes.ts";
import { isMark } from "#gateway/queries/card-counter.ts";
import type { Gateway } from "#gateway/gateway.ts";

/** What a record says that can be undone. `device` is null where it says nothing about any. */
interface Said {
  readonly device: string | null;
  readonly operations: ReadonlyArray<Operation>;
}

interface Target extends Said, WriteName {
  readonly view: RecordView;
}

const saidBy = (body: Body | undefined): E.Either<ControlError, Said> => {
  switch (body?._tag) {
    case "Tap":
    case "Change":
    case "Enrol":
      return E.right({
        device: body.device,
        // What the card's own counter stood at is true whatever else was wrong.
        operations: body.operations.filter((operation) => !isMark(operation)),
      });
    case "Void":
      return refusal("void-kind", "this record is a void itself: set or revert what it undid");
    case undefined:
      return refusal("body-missing", "what this record says isn't kept here, or was erased");
    case "Open":
    case "Close":
    case "ClockFix":
    case "Fork":
      return refusal("void-kind", "this record changes no device: there is nothing to undo");
  }
};

/** Left: no such record, or one that can't be marked, and why. */
const targetOf = async (
  gateway: Gateway,
  asked: RequestOf<"void">["record"],
): Promise<E.Either<ControlError, Target>> => {
  const { store } = gateway;
  const found = await findRecord(store, asked);
  if (E.isLeft(found)) return queryRefusal(found.left);
  const { gateway: author, head } = found.right.held;
  const name = { epoch: head.epoch, seq: found.right.seq };
  const [record = { header: new Uint8Array(0), body: null }] = await store.records(
    name.epoch,
    name.seq,
    name.seq + 1,
  );
  const said = saidBy(decodeRecord(record)?.body);
  if (E.isLeft(said)) return said;
  const known = await knownOf(store);
  const view = recordView(record, { ...name, gateway: author, known });
  if (view.voidedBy !== null) {
    const by = `${view.voidedBy.epoch.slice(0, 4)}/${view.voidedBy.seq}`;
    return refusal("voided-already", `this record was marked as wrong already, by ${by}`);
  }
  const { heads } = await store.digest();
  return name.seq < (heads.get(toHex(name.epoch)) ?? 0)
    ? E.right({ ...name, ...said.right, view })
    : refusal("not-counted", "this record doesn't count: its epoch is cut before it");
};

const NOTHING: Plan = { differences: [], operations: [] };

/** Left: it would give the device a card that another one has by now. */
const planFor = async (gateway: Gateway, target: Target): Promise<E.Either<ControlError, Plan>> => {
  const { store, memory } = gateway;
  const { device, epoch, seq, operations } = target;
  if (device === null) return E.right(NOTHING);
  const { trueTime } = memory;
  const voided = { device, epoch, seq, operations };
  const replaced = await writesReplacedBy(store, voided);
  const plan = planVoid(voided, await store.entries(device), {
    before: (operation) => {
      const stated = replaced.get(operation) ?? null;
      return stated === null ? null : stoodBefore(stated, operation.type, trueTime);
    },
    trueTime,
  });
  const card = cardAfter(plan);
  const planned = new Map(card === undefined ? [] : [[device, card]]);
  const other = cardClashes(memory.index.cards, planned).get(device);
  return other === undefined
    ? E.right(plan)
    : refusal("card-taken", `${device} would get a card back that is enrolled for ${other} by now`);
};

/** Left: a record that can't be marked; a plan that isn't what was shown; it could not be written. */
export const voidRecord = async (
  gateway: Gateway,
  request: RequestOf<"void">,
): Promise<E.Either<ControlError, VoidResult>> => {
  const target = await targetOf(gateway, request.record);
  if (E.isLeft(target)) return target;
  const plan = await planFor(gateway, target.right);
  if (E.isLeft(plan)) return plan;
  const { change, user } = request;
  const { epoch, seq, device, view } = target.right;
  const differences = plan.right.differences.map(differenceView);
  const shown = shownAs(differences);
  if (change.shown !== null && change.shown !== shown) {
    return refusal("changed-meanwhile", "something has changed since this was shown: look again");
  }
  const result = { applied: change.isToApply, record: view, device, differences, shown };
  if (!change.isToApply) return E.right(result);
  // A record that has nothing left to undo is marked all the same.
  const [first = [], ...others] = intoRecords(plan.right.operations);
  const voids = [first, ...others].map((operations) =>
    saying({ _tag: "Void", actor: localUser(user), target: { epoch, seq }, device, operations }),
  );
  const { failure } = await appendAll(gateway, voids);
  return failure === null ? E.right(result) : E.left(failure);
};
