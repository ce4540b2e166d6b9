package dev.graft.constrain;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A set of Unicode scalar values.
 *
 * @param ranges apart from each other and rising
 */
record CodePoints(List<Range> ranges) {
  /** All of them: surrogates are none. */
  static final CodePoints ALL = of(List.of(new Range(0, 0xD7FF), new Range(0xE000, 0x10FFFF)));

  /** From one to another, both included. */
  record Range(int low, int high) {}

  static CodePoints of(List<Range> any) {
    List<Range> sorted = new ArrayList<>(any);
    sorted.sort(Comparator.comparingInt(Range::low));
    List<Range> apart = new ArrayList<>();
    for (Range r : sorted) {
      Range last = apart.isEmpty() ? null : apart.getLast();
      if (last != null && r.low() <= last.high() + 1) {
        apart.set(apart.size() - 1, new Range(last.low(), Math.max(last.high(), r.high())));
      } else {
        apart.add(r);
      }
    }
    return new CodePoints(List.copyOf(apart));
  }

  static CodePoints one(int codePoint) {
    return new CodePoints(List.of(new Range(codePoint, codePoint)));
  }

  /** Of pairs of first and last characters, such as {@code "azAZ"}. */
  static CodePoints pairs(String pairs) {
    List<Range> ranges = new ArrayList<>();
    for (int i = 0; i < pairs.length(); i += 2) {
      ranges.add(new Range(pairs.charAt(i), pairs.charAt(i + 1)));
    }
    return of(ranges);
  }

  CodePoints or(CodePoints other) {
    List<Range> all = new ArrayList<>(ranges);
    all.addAll(other.ranges);
    return of(all);
  }

  CodePoints and(CodePoints other) {
    List<Range> both = new ArrayList<>();
    for (Range a : ranges) {
      for (Range b : other.ranges) {
        int low = Math.max(a.low(), b.low());
        int high = Math.min(a.high(), b.high());
        if (low <= high) {
          both.add(new Range(low, high));
        }
      }
    }
    return of(both);
  }

  /** All that are not in it. */
  CodePoints not() {
    List<Range> gaps = new ArrayList<>();
    int from = 0;
    for (Range r : ranges) {
      if (from < r.low()) {
        gaps.add(new Range(from, r.low() - 1));
      }
      from = r.high() + 1;
    }
    if (from <= 0x10FFFF) {
      gaps.add(new Range(from, 0x10FFFF));
    }
    return of(gaps).and(ALL);
  }

  boolean contains(int codePoint) {
    return ranges.stream().anyMatch(r -> r.low() <= codePoint && codePoint <= r.high());
  }
}
