/** What stands where a value was. */
export const redactedMark = 'REDACTED';
