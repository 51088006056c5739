/** How aedes hands messages to subscribers: two faults of its defaults are avoided here. */
import mqemitter from "mqemitter";

/**
 * Makes the emitter for aedes' option `mq`. It differs from the default in two ways:
 *
 * 1. `concurrency: 0`, no limit on messages in delivery. With a limit (aedes sets 100), one
 *    subscriber that stops reading fills it and everybody waits for that one; and once it is gone,
 *    mqemitter works off its queue by recursion, so some thousand waiting messages end the process
 *    with `RangeError: Maximum call stack size exceeded`. Without a limit there is no queue. What
 *    waits is bounded per subscriber instead.
 *
 * 2. `brokerCounter` is given at delivery. aedes gives it when a message arrives, and drops at each
 *    subscriber whatever comes with a lower counter than the last, as a duplicate. But a retained
 *    message is stored in between, asynchronously: a later message overtakes it, and the retained
 *    one is lost. Counting here keeps what the counter is for: a message that matches two filters
 *    of one client is delivered once.
 */
export const createDelivery = (): mqemitter.MQEmitter => {
  const delivery = mqemitter({ concurrency: 0, matchEmptyLevels: true });
  const emit = delivery.emit.bind(delivery);
  let deliveryCount = 0;
  delivery.emit = (message, done) => {
    deliveryCount += 1;
    message["brokerCounter"] = deliveryCount;
    emit(message, done);
  };
  return delivery;
};
