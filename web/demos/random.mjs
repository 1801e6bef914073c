/** Random numbers that come again with their seed: Marsaglia's xorshift of 32 bits (2003). */

/**
 * Return a function that gives the next number in [0, 1); the same seed gives the same row.
 * @param {number} seed
 * @returns {() => number}
 */
export function makeRandom(seed) {
  let bits = Math.imul((seed | 0) + 1, 0x9e3779b1) || 1; // neighbouring seeds start far apart
  const next = () => {
    bits ^= bits << 13;
    bits ^= bits >>> 17;
    bits ^= bits << 5;
    return (bits >>> 0) / 4294967296;
  };
  for (let i = 0; i < 16; i++) next();
  return next;
}

/**
 * Return a number from the standard normal distribution (Box and Muller's way).
 * @param {() => number} random
 */
export function normal(random) {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/**
 * Bring the numbers of `order` into a random order, in place; each order is as likely.
 * @param {Uint16Array} order
 * @param {() => number} random
 */
export function shuffle(order, random) {
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
}
