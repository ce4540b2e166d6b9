package dev.graft.parallel;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;

/**
 * What one rank did when, in the steps that are looked at closely; it records nothing in the
 * others. Used by the thread that trains. A wait within a computation lies inside of its span.
 */
public final class Timeline {
  /** What a rank was busy with. */
  public enum Kind {
    COMPUTE,
    ALL_REDUCE,
    ALL_TO_ALL,
    ALL_GATHER,
    REDUCE_SCATTER,
    BROADCAST,
    BARRIER,
    PIPELINE_WAIT;

    /** As events and traces write it, such as {@code all-reduce}. */
    public String label() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  /**
   * A stretch of time.
   *
   * @param name of the work or of the group that was waited for
   * @param start nanoseconds after {@link #begin}
   * @param nanos how long it took
   */
  public record Span(Kind kind, String name, long start, long nanos) {}

  private final List<Span> spans = new ArrayList<>();
  private boolean recording;
  private long origin;

  /** Starts to record; ranks call it right after a barrier, so that their clocks begin together. */
  public void begin() {
    spans.clear();
    recording = true;
    origin = System.nanoTime();
  }

  /** Ends recording and gives what there was, in the order in which it ended. */
  public List<Span> end() {
    recording = false;
    return List.copyOf(spans);
  }

  /** Does something, and records how long it took. */
  public <T> T during(Kind kind, String name, Supplier<T> work) {
    if (!recording) {
      return work.get();
    }
    long from = System.nanoTime();
    T result = work.get();
    add(kind, name, from, System.nanoTime());
    return result;
  }

  /** Does something, and records how long it took. */
  public void during(Kind kind, String name, Runnable work) {
    during(
        kind,
        name,
        () -> {
          work.run();
          return true;
        });
  }

  void add(Kind kind, String name, long from, long to) {
    if (recording) {
      spans.add(new Span(kind, name, from - origin, to - from));
    }
  }
}
