package dev.graft.cli;

import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Locale;
import java.util.OptionalLong;

/** A line every few seconds, for a log file or a pipe. Prints on the thread that reports. */
final class LineProgress implements Progress {
  private static final Duration EVERY = Duration.ofSeconds(5);

  private final String task;
  private final Unit unit;
  private final long start;
  private final OptionalLong total;
  private final PrintStream out;
  private final InstantSource clock;
  private final Instant begun;

  private Instant lastLine;
  private long printed = -1;
  private long done;
  private String message = "";

  LineProgress(
      String task, Unit unit, long done, OptionalLong total, PrintStream out, InstantSource clock) {
    this.task = task;
    this.unit = unit;
    this.start = done;
    this.done = done;
    this.total = total;
    this.out = out;
    this.clock = clock;
    begun = clock.instant();
    lastLine = begun;
  }

  @Override
  public synchronized void add(long n) {
    to(done + n);
  }

  @Override
  public synchronized void to(long now) {
    done = now;
    Instant instant = clock.instant();
    if (Duration.between(lastLine, instant).compareTo(EVERY) >= 0) {
      lastLine = instant;
      print(instant);
    }
  }

  @Override
  public synchronized void message(String text) {
    message = text;
  }

  @Override
  public synchronized void close() {
    if (printed != done) {
      print(clock.instant());
    }
  }

  private void print(Instant instant) {
    double seconds = Duration.between(begun, instant).toNanos() / 1e9;
    StringBuilder line = new StringBuilder(task).append(": ").append(count(done));
    total.ifPresent(t -> line.append(" of ").append(count(t)));
    line.append(' ').append(unit.name());
    if (total.isPresent() && total.getAsLong() > 0) {
      line.append(String.format(Locale.ROOT, " (%.0f %%)", 100.0 * done / total.getAsLong()));
    }
    double rate = seconds > 0 ? (done - start) / seconds : 0;
    if (rate > 0) {
      line.append(String.format(Locale.ROOT, ", %.3g %s/s", rate / unit.size(), unit.name()));
      if (total.isPresent() && total.getAsLong() > done) {
        line.append(", ").append(duration((total.getAsLong() - done) / rate)).append(" left");
      } else {
        line.append(", ").append(duration(seconds)).append(" in all");
      }
    }
    if (!message.isEmpty()) {
      line.append(", ").append(message);
    }
    out.println(line);
    printed = done;
  }

  private String count(long raw) {
    return unit.size() == 1
        ? Long.toString(raw)
        : String.format(Locale.ROOT, "%.1f", (double) raw / unit.size());
  }

  private static String duration(double seconds) {
    long whole = Math.round(seconds);
    if (whole < 60) {
      return whole + " s";
    }
    return whole < 3600
        ? whole / 60 + " min " + whole % 60 + " s"
        : whole / 3600 + " h " + whole % 3600 / 60 + " min";
  }
}
