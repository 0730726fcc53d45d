import { defineCheck } from './check.ts';
import { isObject } from '../schema-walk.ts';

export default defineCheck({
  name: 'drift-windows',
  summary: 'No more windows have to drift than are looked at.',
  run({ on }) {
    const drift = on?.['drift'];
    if (!isObject(drift)) return [];
    const { windowsMin = 1, windowsOf = 1 } = drift;
    if (typeof windowsMin !== 'number' || typeof windowsOf !== 'number' || windowsMin <= windowsOf) return [];
    return [
      {
        pointer: '/on/drift/windowsMin',
        given: windowsMin,
        message: `"windowsMin" asks for ${windowsMin} windows that drift, and "windowsOf" looks at ${windowsOf}: it would never alarm.`,
        fix: `Set "windowsOf" to ${windowsMin} or more, or lower "windowsMin".`,
      },
    ];
  },
});
