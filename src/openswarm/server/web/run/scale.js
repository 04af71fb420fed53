/** Time on a line: seconds of work from the start, without the pauses before edits. */

const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400];

/**
 * The scale of a run.
 * @param {Object} state
 * @param {number} now seconds since the epoch
 * @returns {{total: number, at: function(number): number}} `at` gives seconds of work before a time
 */
export function timeScale(state, now) {
  const spells = [...state.spells];
  if (state.workingSince !== null)
    spells.push([state.workingSince, Math.max(now, state.workingSince)]);
  let total = 0;
  const parts = spells.map(([from, to]) => {
    const part = { from, to, before: total };
    total += Math.max(0, to - from);
    return part;
  });
  return {
    total: Math.max(total, 0.001),
    at(time) {
      let found = 0;
      for (const { from, to, before } of parts) {
        if (time >= from) found = before + Math.min(time, to) - from;
      }
      return found;
    },
  };
}

/** Where to write times on a line so wide: at most one every 90 pixels. @returns {number[]} */
export function ticksOf(total, width) {
  const most = Math.max(2, width / 90);
  const step = STEPS.find((each) => total / each <= most) ?? Math.ceil(total / most / 3600) * 3600;
  return Array.from({ length: Math.floor(total / step) + 1 }, (_, index) => index * step);
}
