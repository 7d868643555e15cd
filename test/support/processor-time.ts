/** Starts to count the processor time of this thread, which tells of work done, however busy the machine is. Gives the milliseconds since. */
export function processorTime(): () => number {
  const before = process.threadCpuUsage();
  return () => {
    const { user, system } = process.threadCpuUsage(before);
    return (user + system) / 1000;
  };
}
