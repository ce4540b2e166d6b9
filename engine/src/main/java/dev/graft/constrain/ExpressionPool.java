package dev.graft.constrain;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Makes expressions, equal ones once, and none that holds an impossible part. */
final class ExpressionPool {
  /** As {@code max} of a repetition: without end. */
  static final int UNBOUNDED = Integer.MAX_VALUE;

  private static final int LONGEST_BEGINNING = 500;

  /** Two that make up another; the numbers tell kinds apart. */
  private record Key(int kind, Object a, int b, int c) {}

  private final Map<Key, Expression> made = new HashMap<>();
  private final Expression nothing = new Expression.Nothing(0);
  private final Expression empty = new Expression.Empty(1);
  private int next = 2;

  /** No string. */
  Expression nothing() {
    return nothing;
  }

  /** The empty string. */
  Expression empty() {
    return empty;
  }

  /** One byte from {@code low} to {@code high}. */
  Expression bytes(int low, int high) {
    return made.computeIfAbsent(
        new Key(0, "", low, high), k -> new Expression.Bytes(next++, low, high));
  }

  /** The UTF-8 bytes of a text. */
  Expression text(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    Expression all = empty;
    for (int i = bytes.length - 1; i >= 0; i--) {
      all = sequence(bytes(bytes[i] & 0xFF, bytes[i] & 0xFF), all);
    }
    return all;
  }

  /** One after the other. */
  Expression sequence(Expression... parts) {
    Expression all = parts[parts.length - 1];
    for (int i = parts.length - 2; i >= 0; i--) {
      all = pair(parts[i], all);
    }
    return all;
  }

  private Expression pair(Expression first, Expression rest) {
    if (first.id() == nothing.id() || rest.id() == nothing.id()) {
      return nothing;
    }
    if (first.id() == empty.id()) {
      return rest;
    }
    if (rest.id() == empty.id()) {
      return first;
    }
    // By a loop, since texts are long: what comes first in a sequence is no sequence itself.
    List<Expression> parts = new ArrayList<>();
    Expression left = first;
    while (left instanceof Expression.Sequence s) {
      parts.add(s.first());
      left = s.rest();
    }
    parts.add(left);
    Expression all = rest;
    for (Expression part : parts.reversed()) {
      Expression after = all;
      boolean nullable = part.nullable() && after.nullable();
      all =
          made.computeIfAbsent(
              new Key(1, "", part.id(), after.id()),
              k -> new Expression.Sequence(next++, nullable, part, after));
    }
    return all;
  }

  /**
   * Any of several that begin alike, as the values of an enumeration do: what they share is read
   * once, so that a state does not hold them all.
   */
  Expression choiceByBeginning(List<Expression> parts) {
    return choiceByBeginning(parts, LONGEST_BEGINNING);
  }

  private Expression choiceByBeginning(List<Expression> parts, int longest) {
    Map<Integer, Expression> heads = new LinkedHashMap<>();
    Map<Integer, List<Expression>> rests = new LinkedHashMap<>();
    for (Expression part : parts) {
      Expression head = part;
      Expression rest = empty;
      if (longest > 0 && part instanceof Expression.Sequence s) {
        head = s.first();
        rest = s.rest();
      }
      heads.put(head.id(), head);
      rests.computeIfAbsent(head.id(), h -> new ArrayList<>()).add(rest);
    }
    List<Expression> all = new ArrayList<>();
    rests.forEach((head, rest) ->
        all.add(
            pair(
                heads.get(head),
                rest.size() == 1 ? rest.getFirst() : choiceByBeginning(rest, longest - 1))));
    return choice(all);
  }

  /** Any of several. */
  Expression choice(Expression... parts) {
    return choice(List.of(parts));
  }

  /** Any of several. */
  Expression choice(List<Expression> parts) {
    Map<Integer, Expression> flat = new TreeMap<>();
    for (Expression part : parts) {
      if (part instanceof Expression.Choice c) {
        c.parts().forEach(p -> flat.put(p.id(), p));
      } else if (part.id() != nothing.id()) {
        flat.put(part.id(), part);
      }
    }
    if (flat.isEmpty()) {
      return nothing;
    }
    List<Expression> distinct = List.copyOf(flat.values());
    if (distinct.size() == 1) {
      return distinct.getFirst();
    }
    boolean nullable = distinct.stream().anyMatch(Expression::nullable);
    return made.computeIfAbsent(
        new Key(2, List.copyOf(flat.keySet()), 0, 0),
        k -> new Expression.Choice(next++, nullable, distinct));
  }

  /** It or the empty string. */
  Expression optional(Expression part) {
    return choice(empty, part);
  }

  /** A body from {@code min} to {@code max} times. */
  Expression repeat(Expression body, int min, int max) {
    if (min > max) {
      return nothing;
    }
    if (max == 0 || body.id() == empty.id()) {
      return empty;
    }
    if (body.id() == nothing.id()) {
      return min == 0 ? empty : nothing;
    }
    if (max == 1) {
      return min == 1 ? body : optional(body);
    }
    int least = body.nullable() ? 0 : min;
    return made.computeIfAbsent(
        new Key(3, body.id(), least, max),
        k -> new Expression.Repeat(next++, least == 0, body, least, max));
  }

  /** A rule, {@code depth} of which may be inside each other. */
  Expression rule(String name, int depth) {
    return made.computeIfAbsent(
        new Key(4, name, depth, 0), k -> new Expression.Rule(next++, name, depth));
  }

  /**
   * Strings of equal length between two, in the order of their first different digit.
   *
   * @param low digits of the least
   * @param high digits of the greatest
   * @param least of the digits
   * @param most of the digits
   */
  Expression between(int[] low, int[] high, int least, int most) {
    return between(low, high, 0, least, most);
  }

  private Expression between(int[] low, int[] high, int at, int least, int most) {
    if (at == low.length) {
      return empty;
    }
    if (low[at] == high[at]) {
      return pair(bytes(low[at], low[at]), between(low, high, at + 1, least, most));
    }
    int[] lowest = low.clone();
    int[] highest = high.clone();
    Arrays.fill(lowest, at + 1, low.length, least);
    Arrays.fill(highest, at + 1, low.length, most);
    List<Expression> parts = new ArrayList<>();
    int from = low[at];
    int to = high[at];
    if (!Arrays.equals(low, lowest)) {
      parts.add(pair(bytes(from, from), between(low, highest, at + 1, least, most)));
      from++;
    }
    if (!Arrays.equals(high, highest)) {
      parts.add(pair(bytes(to, to), between(lowest, high, at + 1, least, most)));
      to--;
    }
    if (from <= to) {
      parts.add(pair(bytes(from, to), between(lowest, highest, at + 1, least, most)));
    }
    return choice(parts);
  }

  /** Forgets all; expressions that are still held stay right, and count as different from now. */
  void forget() {
    made.clear();
  }

  /** How many there are. */
  int size() {
    return made.size();
  }
}
