/**
 * Compare the playground's engine with torch: `node tests/demo_check.mjs nn.mjs vectors.json`
 * prints the largest gap of each case. A browser imports it and calls `gaps`.
 */

/** Return the largest difference of two rows, relative to what is larger than 1. */
function gap(ours, theirs) {
  if (ours.length !== theirs.length) return Infinity;
  const gaps = theirs.map((value, i) => Math.abs(ours[i] - value) / Math.max(1, Math.abs(value)));
  return gaps.reduce((worst, one) => (one <= worst ? worst : one), 0); // nan comes through
}

function check({ Network, Optimiser, lossOf, penalise }, wanted) {
  const network = new Network(wanted.sizes, wanted.act);
  const rows = wanted.y.length;
  const [X, y, room] = [Float32Array.from(wanted.X), Float32Array.from(wanted.y), network.room(rows)];
  const blame = room.D[room.D.length - 1];
  const learn = () => {
    const z = network.forward(X, rows, room);
    const loss = lossOf(wanted.loss, z, y, rows, blame);
    network.backward(X, rows, room);
    const value = loss + penalise(wanted.penalty, wanted.rate, network.theta, network.gradient);
    return { z: [...z], value };
  };
  network.theta.set(wanted.theta);
  const { z, value } = learn();
  const found = {
    forward: gap(z, wanted.z),
    loss: gap([value], [wanted.value]),
    gradient: gap(network.gradient, wanted.gradient),
  };
  for (const [name, { lr, theta }] of Object.entries(wanted.after)) {
    network.theta.set(wanted.theta);
    const optimiser = new Optimiser(name, lr, theta.length);
    for (let step = 0; step < 10; step++) {
      learn();
      optimiser.step(network.theta, network.gradient);
    }
    found[name] = gap(network.theta, theta);
  }
  return found;
}

/** Return for each case the gap of each part. */
export function gaps(engine, cases) {
  return cases.map((wanted) => check(engine, wanted));
}

if (typeof process !== "undefined" && process.argv[1]?.endsWith("demo_check.mjs")) {
  const { readFileSync } = await import("node:fs");
  const { pathToFileURL } = await import("node:url");
  const engine = await import(pathToFileURL(process.argv[2]));
  console.log(JSON.stringify(gaps(engine, JSON.parse(readFileSync(process.argv[3], "utf-8")))));
}
