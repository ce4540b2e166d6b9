package dev.graft.sandbox;

import java.time.Duration;

/**
 * How much one program may use before it is stopped.
 *
 * @param wall from its start to its end, waiting included; then everything it started is killed
 * @param cpuSeconds of the processor, per process
 * @param memoryBytes of address space, per process
 * @param processes at one time, threads counted as processes
 * @param fileBytes in one file
 * @param diskBytes in all files of {@code /tmp}, the only place that can be written to
 * @param outputBytes printed
 */
public record Limits(
    Duration wall,
    int cpuSeconds,
    long memoryBytes,
    int processes,
    long fileBytes,
    long diskBytes,
    long outputBytes) {

  /**
   * Three seconds of the processor, as lm-eval's {@code code_eval} allows of the clock, and room
   * for a program of a page: nothing in HumanEval starts processes or writes files.
   */
  public static Limits standard() {
    return new Limits(Duration.ofSeconds(15), 3, 1L << 30, 8, 8L << 20, 16L << 20, 1L << 20);
  }

  Limits withWall(Duration duration) {
    return new Limits(
        duration, cpuSeconds, memoryBytes, processes, fileBytes, diskBytes, outputBytes);
  }

  Limits withCpuSeconds(int seconds) {
    return new Limits(wall, seconds, memoryBytes, processes, fileBytes, diskBytes, outputBytes);
  }
}
