package dev.graft.sample;

import java.util.List;

/**
 * Ends a text at the first of several strings to be complete, wherever token borders fall; of those
 * that end at one place, the longest counts. Text that may still become one of them is held back;
 * the string itself is not given out.
 */
public final class StopStrings {
  private final List<String> stops;
  private final StringBuilder held = new StringBuilder();
  private boolean stopped;

  /** Stops at any of these; empty ones are ignored. */
  public StopStrings(List<String> stops) {
    this.stops = stops.stream().filter(stop -> !stop.isEmpty()).toList();
  }

  /** Adds text; returns what is certain to come before any stop string. */
  public String add(String text) {
    if (stopped) {
      return "";
    }
    held.append(text);
    int first = -1;
    int end = Integer.MAX_VALUE;
    for (String stop : stops) {
      int at = held.indexOf(stop);
      int to = at + stop.length();
      if (at >= 0 && (to < end || (to == end && at < first))) {
        first = at;
        end = to;
      }
    }
    if (first >= 0) {
      stopped = true;
      String before = held.substring(0, first);
      held.setLength(0);
      return before;
    }
    int certain = held.length() - undecided();
    String before = held.substring(0, certain);
    held.delete(0, certain);
    return before;
  }

  /** Whether one was found. */
  public boolean stopped() {
    return stopped;
  }

  /** What was held back, when no text follows. */
  public String finish() {
    String rest = held.toString();
    held.setLength(0);
    return rest;
  }

  /** The longest end of the held text that begins a stop string. */
  private int undecided() {
    int longest = 0;
    for (String stop : stops) {
      for (int n = Math.min(stop.length() - 1, held.length()); n > longest; n--) {
        if (stop.startsWith(held.substring(held.length() - n))) {
          longest = n;
        }
      }
    }
    return longest;
  }
}
