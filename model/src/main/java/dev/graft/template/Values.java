package dev.graft.template;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;

/**
 * Python's rules for the values of a template: String, Long, Double, Boolean, {@link None}, List,
 * Map, {@link Namespace}, {@link Callable} and {@link Undefined}.
 */
final class Values {
  private Values() {}

  /** A value of Java as one of a template's. */
  static Object of(Object value) {
    return switch (value) {
      case null -> None.NONE;
      case Integer number -> number.longValue();
      case Float number -> number.doubleValue();
      case Map<?, ?> map -> {
        Map<Object, Object> copy = new LinkedHashMap<>();
        map.forEach((key, element) -> copy.put(of(key), of(element)));
        yield copy;
      }
      case Collection<?> list -> {
        List<Object> copy = new ArrayList<>();
        list.forEach(element -> copy.add(of(element)));
        yield copy;
      }
      default -> value;
    };
  }

  static boolean truth(Object value) {
    return switch (value) {
      case Boolean truth -> truth;
      case None _ -> false;
      case Undefined _ -> false;
      case String text -> !text.isEmpty();
      case Number number -> number.doubleValue() != 0;
      case Collection<?> list -> !list.isEmpty();
      case Map<?, ?> map -> !map.isEmpty();
      default -> true;
    };
  }

  /** Python's {@code str}. */
  static String string(Object value) {
    return switch (value) {
      case String text -> text;
      case Undefined _ -> "";
      default -> representation(value);
    };
  }

  /** Python's {@code repr}. */
  static String representation(Object value) {
    return switch (value) {
      case String text -> PythonText.quoted(text);
      case Boolean truth -> truth ? "True" : "False";
      case None _ -> "None";
      case Double number -> number(number);
      case List<?> list -> list.stream().map(Values::representation).toList().toString();
      case Map<?, ?> map -> {
        List<String> entries = new ArrayList<>();
        map.forEach((key, e) -> entries.add(representation(key) + ": " + representation(e)));
        yield "{" + String.join(", ", entries) + "}";
      }
      case Undefined _ -> "Undefined";
      default -> value.toString();
    };
  }

  /** A float as Python writes it. */
  static String number(double value) {
    if (Double.isInfinite(value) || Double.isNaN(value)) {
      return Double.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
    }
    String text = Double.toString(value);
    int exponent = text.indexOf('E');
    if (exponent < 0) {
      return text;
    }
    int power = Integer.parseInt(text.substring(exponent + 1));
    if (power >= 7 && power < 16) {
      return new BigDecimal(value).setScale(1).toPlainString();
    }
    if (power == -4) {
      return new BigDecimal(text).toPlainString();
    }
    String digits = text.substring(0, exponent).replaceFirst("\\.0$", "");
    return digits + (power < 0 ? "e-" : "e+") + (Math.abs(power) < 10 ? "0" : "") + Math.abs(power);
  }

  static boolean equal(Object left, Object right) {
    if (isNumber(left) && isNumber(right)) {
      return compareNumbers(left, right) == 0;
    }
    if (left instanceof List<?> a && right instanceof List<?> b) {
      return a.size() == b.size()
          && IntStream.range(0, a.size()).allMatch(i -> equal(a.get(i), b.get(i)));
    }
    if (left instanceof Undefined && right instanceof Undefined) {
      return true;
    }
    return Objects.equals(left, right);
  }

  /** Python counts booleans as numbers. */
  static boolean isNumber(Object value) {
    return value instanceof Number || value instanceof Boolean;
  }

  static Number toNumber(Object value) {
    return switch (value) {
      case Boolean truth -> truth ? 1L : 0L;
      case Number number -> number;
      case Undefined undefined -> throw undefined.error();
      default -> throw new TemplateException(representation(value) + " is not a number");
    };
  }

  /** As {@link java.util.Comparator}; of numbers, of strings and of lists. */
  static int compare(Object left, Object right) {
    if (isNumber(left) && isNumber(right)) {
      return compareNumbers(left, right);
    }
    if (left instanceof String a && right instanceof String b) {
      return a.compareTo(b);
    }
    if (left instanceof List<?> a && right instanceof List<?> b) {
      for (int i = 0; i < Math.min(a.size(), b.size()); i++) {
        if (!equal(a.get(i), b.get(i))) {
          return compare(a.get(i), b.get(i));
        }
      }
      return Integer.compare(a.size(), b.size());
    }
    throw new TemplateException(
        representation(left) + " and " + representation(right) + " have no order");
  }

  private static int compareNumbers(Object left, Object right) {
    Number a = toNumber(left);
    Number b = toNumber(right);
    return a instanceof Long && b instanceof Long
        ? Long.compare(a.longValue(), b.longValue())
        : Double.compare(a.doubleValue(), b.doubleValue());
  }

  /** Python's {@code item in container}. */
  static boolean contains(Object container, Object item) {
    return switch (container) {
      case String text -> {
        if (!(item instanceof String part)) {
          throw new TemplateException(representation(item) + " is looked for in a string");
        }
        yield text.contains(part);
      }
      case Map<?, ?> map -> map.containsKey(item);
      default -> items(container).stream().anyMatch(element -> equal(element, item));
    };
  }

  /** What a loop over a value goes through: characters, elements, keys. */
  static List<Object> items(Object value) {
    return switch (value) {
      case String text -> List.copyOf(text.codePoints().mapToObj(Character::toString).toList());
      case Collection<?> list -> new ArrayList<>(list);
      case Map<?, ?> map -> new ArrayList<>(map.keySet());
      case Undefined _ -> List.of();
      default -> throw new TemplateException(representation(value) + " cannot be looped over");
    };
  }

  static long length(Object value) {
    return switch (value) {
      case String text -> text.codePointCount(0, text.length());
      case Collection<?> list -> list.size();
      case Map<?, ?> map -> map.size();
      case Undefined _ -> 0;
      default -> throw new TemplateException(representation(value) + " has no length");
    };
  }

  /** {@code value[key]}. */
  static Object item(Object value, Object key) {
    Object found =
        switch (value) {
          case Undefined undefined -> throw undefined.error();
          case Map<?, ?> map -> map.get(key);
          case Namespace namespace when key instanceof String name -> namespace.get(name);
          case String _, List<?> _ when key instanceof Long index -> {
            List<Object> items = items(value);
            long at = index < 0 ? index + items.size() : index;
            yield at >= 0 && at < items.size() ? items.get((int) at) : null;
          }
          default -> null;
        };
    return found == null ? new Undefined("the element " + representation(key)) : found;
  }

  /** {@code value[from:to:step]}; {@link None} stands for an end that is not given. */
  static Object slice(Object value, Object from, Object to, Object step) {
    if (value instanceof Undefined undefined) {
      throw undefined.error();
    }
    List<Object> items = items(value);
    long stride = step == None.NONE ? 1 : toNumber(step).longValue();
    if (stride == 0) {
      throw new TemplateException("a slice's step is 0");
    }
    long size = items.size();
    long begin = end(from, stride > 0 ? 0 : size - 1, size, stride);
    long end = end(to, stride > 0 ? size : -1, size, stride);
    List<Object> taken = new ArrayList<>();
    for (long i = begin; stride > 0 ? i < end : i > end; i += stride) {
      taken.add(items.get((int) i));
    }
    return value instanceof String
        ? String.join("", taken.stream().map(Object::toString).toList())
        : taken;
  }

  private static long end(Object given, long absent, long size, long stride) {
    if (given == None.NONE) {
      return absent;
    }
    long index = toNumber(given).longValue();
    long at = index < 0 ? index + size : index;
    return stride > 0 ? Math.clamp(at, 0, size) : Math.clamp(at, -1, size - 1);
  }
}
