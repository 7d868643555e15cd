import type { PageSetting } from '../docs.test.ts';

export const setting: PageSetting = { machines: { repo01: ['outside', 'inside'], m1: ['inside'] } };
